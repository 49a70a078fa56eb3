//! How the programs say that something went wrong: iptables has four ways, each with its exit code.

use core::fmt;

use super::Output;
use crate::filter::{Family, RuleError, Usage};

/// The version that is imitated.
pub(super) const VERSION: &str = "v1.8.9 (nf_tables)";

/// What went wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// Two commands on a line; the second and the first.
    CannotUse(char, char),
    /// A chain's name begins with this letter.
    ChainBegins(char),
    /// A chain's name is a target's.
    ChainClash,
    /// A chain's name has blanks.
    ChainInvalid(String),
    /// A chain's name is longer than 28 bytes.
    ChainLong(String),
    /// A chain to be listed that is not there; its table.
    Incompatible(String, &'static str),
    /// An option that the command does not go with.
    Illegal(char),
    /// No command.
    NoCommand,
    /// Not a number of a rule.
    Number(String),
    /// `-E` needs two names.
    NeedsNames,
    /// `-R` needs a number.
    NeedsNumber,
    /// `-P` needs a chain and a policy.
    NeedsPolicy,
    /// The ruleset refuses.
    Rule(RuleError),
    /// No such table.
    Table(String),
}

impl From<RuleError> for Failure {
    fn from(error: RuleError) -> Self {
        Self::Rule(error)
    }
}

impl From<Usage> for Failure {
    fn from(usage: Usage) -> Self {
        Self::Rule(usage.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotUse(second, first) => write!(f, "Cannot use -{second} with -{first}"),
            Self::ChainBegins(letter) => write!(f, "chain name not allowed to start with `{letter}'"),
            Self::ChainClash => f.write_str("chain name may not clash with target name"),
            Self::ChainInvalid(name) => write!(f, "Invalid chain name `{name}'"),
            Self::ChainLong(name) => write!(f, "chain name `{name}' too long (must be under 29 chars)"),
            Self::Incompatible(chain, table) => {
                write!(f, "chain `{chain}' in table `{table}' is incompatible, use 'nft' tool.")
            }
            Self::Illegal(letter) => write!(f, "Illegal option `-{letter}' with this command"),
            Self::NoCommand => f.write_str("no command specified"),
            Self::Number(text) => write!(f, "Invalid rule number `{text}'"),
            Self::NeedsNames => f.write_str("-E requires old-chain-name and new-chain-name"),
            Self::NeedsNumber => f.write_str("-R requires a rule number"),
            Self::NeedsPolicy => f.write_str("-P requires a chain and a policy"),
            Self::Rule(error) => error.fmt(f),
            Self::Table(name) => write!(f, "table '{name}' does not exist"),
        }
    }
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Rule(RuleError::ChainRefused(..) | RuleError::RuleRefused(..)) => 4,
            Self::Table(_) => 3,
            Self::Incompatible(..) => 1,
            failure if failure.is_usage() => 2,
            _ => 1,
        }
    }

    /// Whether the line was typed wrong, so that help is offered.
    pub(super) const fn is_usage(&self) -> bool {
        !matches!(self, Self::Incompatible(..) | Self::Table(_))
            && !matches!(self, Self::Rule(error) if !matches!(error, RuleError::Usage(_)))
    }

    /// What `iptables` prints of it.
    pub(super) fn report(&self, family: Family) -> Output {
        let name = program(family);
        let help = format!("Try `{name} -h' or '{name} --help' for more information.\n");
        let err = match self {
            Self::Rule(RuleError::Usage(usage @ Usage::BadArgument(_))) => format!("{usage}\n{help}"),
            _ if self.is_usage() => format!("{name} {VERSION}: {self}\n{help}"),
            Self::Rule(RuleError::ChainRefused(..) | RuleError::RuleRefused(..)) | Self::Incompatible(..) => {
                format!("{name} {VERSION}: {self}\n")
            }
            Self::Table(_) => {
                format!("{name} {VERSION}: {self}\nPerhaps {name} or your kernel needs to be upgraded.\n")
            }
            _ => format!("{name}: {self}\n"),
        };
        Output { err, code: self.code(), ..Output::default() }
    }
}

/// The program of a family.
pub(super) const fn program(family: Family) -> &'static str {
    match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    }
}
