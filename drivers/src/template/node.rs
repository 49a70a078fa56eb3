//! The parts of a parsed template, and how Go prints each when an error points at it. They do nothing.

use core::fmt;

use super::function::Function;
use super::literal::{self, Number};

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// What is printed as it stands.
    Text(String),
    /// `{{pipeline}}`
    Action(Pipe),
    /// `{{if}}`, `{{range}}` or `{{with}}`, up to its `{{end}}`.
    Branch(Branch),
    /// `{{template "name" pipeline}}`
    Call(Call),
    /// `{{break}}`
    Break,
    /// `{{continue}}`
    Continue,
}

impl Node {
    /// Whether there is nothing in it but white space, so that a later definition may replace it.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

/// What a branch does with its pipeline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BranchKind {
    If,
    Range,
    With,
}

impl BranchKind {
    /// The word that opens it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Range => "range",
            Self::With => "with",
        }
    }
}

/// A control structure.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) kind: BranchKind,
    pub(super) pipe: Pipe,
    pub(super) body: Vec<Node>,
    /// What stands after `{{else}}`.
    pub(super) otherwise: Vec<Node>,
}

/// The use of a named template.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) pos: usize,
    pub(super) name: String,
    pub(super) pipe: Option<Pipe>,
}

/// Commands, each given the value of the one before, and the variables that take the last one's.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    pub(super) pos: usize,
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// Words, of which the first may be a function and the others its arguments.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) pos: usize,
    pub(super) words: Vec<Word>,
}

/// One word of a command.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) pos: usize,
    pub(super) term: Term,
}

/// What a word is.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Bool(bool),
    /// `(pipeline).a.b`
    Chain(Box<Word>, Vec<String>),
    Dot,
    /// `.a.b`
    Field(Vec<String>),
    Function(Function),
    Nil,
    Number {
        written: String,
        value: Number,
    },
    /// A pipeline in parentheses.
    Pipe(Pipe),
    String {
        written: String,
        value: String,
    },
    /// `$x.a.b`
    Variable(String, Vec<String>),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", literal::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            write!(f, "{} {} ", self.variables.join(", "), if self.assigns { "=" } else { ":=" })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if i > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words.iter().enumerate() {
            let gap = if i > 0 { " " } else { "" };
            match &word.term {
                Term::Pipe(pipe) => write!(f, "{gap}({pipe})")?,
                _ => write!(f, "{gap}{word}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Bool(value) => write!(f, "{value}"),
            Term::Chain(inner, path) => match &inner.term {
                Term::Pipe(pipe) => write!(f, "({pipe}){}", Path(path)),
                _ => write!(f, "{inner}{}", Path(path)),
            },
            Term::Dot => f.write_str("."),
            Term::Field(path) => write!(f, "{}", Path(path)),
            Term::Function(function) => f.write_str(function.name()),
            Term::Nil => f.write_str("nil"),
            Term::Number { written, .. } | Term::String { written, .. } => f.write_str(written),
            Term::Pipe(pipe) => write!(f, "{pipe}"),
            Term::Variable(name, path) => write!(f, "{name}{}", Path(path)),
        }
    }
}

/// Field names, each with its dot.
struct Path<'a>(&'a [String]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, ".{name}"))
    }
}
