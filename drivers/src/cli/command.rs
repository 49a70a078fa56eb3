//! Commands: what each is called, what it takes and what starts it, and the words of cobra for what was typed wrong.
//! What a command does is its own file's affair; the tree of them all is in [`tree`].

pub(super) mod tree;

use super::flags::{Arguments, Flag, Order, usage};
use super::script::{Cx, Failure, Outcome};

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arity {
    /// Just so many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// At most so many.
    AtMost(usize),
    /// From so many to so many.
    Between(usize, usize),
}

/// A command.
pub(super) struct Command {
    /// What follows its name in the usage line.
    pub(super) usage: &'static str,
    /// What it does. Lists of commands have the first sentence.
    pub(super) about: &'static str,
    /// All its names, as help lists them.
    pub(super) aliases: &'static str,
    /// Its flags, in alphabetical order.
    pub(super) flags: &'static [Flag],
    /// Whether flags may come after arguments.
    pub(super) order: Order,
    /// How many arguments it takes.
    pub(super) arity: Arity,
    /// The form it gives to a failure.
    pub(super) decorate: fn(Failure) -> Failure,
    /// Its first step.
    pub(super) run: fn(&Arguments, &mut Cx<'_>) -> Outcome,
}

/// A failure as it is.
pub(super) fn plain(failure: Failure) -> Failure {
    failure
}

impl Command {
    /// Its help text. `path` is how it was called: `docker network ls`.
    pub(super) fn help(&self, path: &str) -> String {
        let mut text = format!("Usage:  {}\n\n{}\n", self.usage_line(path), self.about);
        if !self.aliases.is_empty() {
            text.push_str(&format!("\nAliases:\n  {}\n", self.aliases));
        }
        if !self.flags.is_empty() {
            text.push_str(&format!("\nOptions:\n{}", usage::list(self.flags)));
        }
        text
    }

    /// What a list of commands says of it.
    fn summary(&self) -> &'static str {
        let line = self.about.split('\n').next().unwrap_or_default();
        line.split_once(". ").map_or(line, |(sentence, _)| sentence)
    }

    fn usage_line(&self, path: &str) -> String {
        format!("{path} {}", self.usage).trim_end().to_owned()
    }

    /// A flag that is wrong.
    pub(super) fn misused(&self, path: &str, why: &str) -> Failure {
        misused(path, &self.usage_line(path), why)
    }

    /// Whether `count` arguments are right.
    pub(super) fn check_count(&self, path: &str, count: usize) -> Result<(), Failure> {
        let (fits, needs, see) = match self.arity {
            Arity::Exactly(0) => (count == 0, "accepts no arguments".to_owned(), "Run"),
            Arity::Exactly(n) => (count == n, format!("requires {}", arguments(n)), "Run"),
            Arity::AtLeast(n) => (count >= n, format!("requires at least {}", arguments(n)), "See"),
            // The client's own slip.
            Arity::AtMost(n) => (count <= n, format!("requires at most {}", arguments(n)), "SRun"),
            Arity::Between(low, high) => {
                let needs = format!("requires at least {low} and at most {}", arguments(high));
                ((low..=high).contains(&count), needs, "Run")
            }
        };
        if fits {
            return Ok(());
        }
        let line = self.usage_line(path);
        Err(Failure::new(format!(
            "docker: '{path}' {needs}\n\nUsage:  {line}\n\n{see} '{path} --help' for more information"
        )))
    }
}

fn arguments(count: usize) -> String {
    format!("{count} argument{}", if count == 1 { "" } else { "s" })
}

/// A flag that is wrong, for a command with this usage line.
fn misused(path: &str, line: &str, why: &str) -> Failure {
    Failure::new(format!("{why}\n\nUsage:  {line}\n\nRun '{path} --help' for more information")).code(125)
}

/// A failure of `docker run` and `docker create` that came from what was typed.
pub(super) fn with_help(path: &str, failure: &Failure) -> Failure {
    Failure::new(format!("docker: {}\n\nRun '{path} --help' for more information", failure.message)).code(125)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::script::Next;

    const STOP: Command = Command {
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        about: "Stop one or more running containers",
        aliases: "docker container stop, docker stop",
        flags: &[Flag::int("timeout", "Seconds to wait before killing the container").short('t')],
        order: Order::Mixed,
        arity: Arity::AtLeast(1),
        decorate: plain,
        run: |_, _| Ok(Next::Exit(0)),
    };

    #[test]
    fn help_shows_usage_names_and_flags() {
        let expected = "Usage:  docker stop [OPTIONS] CONTAINER [CONTAINER...]

Stop one or more running containers

Aliases:
  docker container stop, docker stop

Options:
  -t, --timeout int   Seconds to wait before killing the container
";
        assert_eq!(STOP.help("docker stop"), expected);
    }

    fn complaint(arity: Arity, count: usize) -> String {
        let failure = Command { arity, ..STOP }.check_count("docker x", count).expect_err("too few or many");
        failure.message.split("\n\nUsage:").next().expect("the first line").to_owned()
    }

    #[test]
    fn a_wrong_number_of_arguments_is_said_in_the_words_of_docker() {
        assert_eq!(complaint(Arity::Exactly(0), 1), "docker: 'docker x' accepts no arguments");
        assert_eq!(complaint(Arity::Exactly(1), 0), "docker: 'docker x' requires 1 argument");
        assert_eq!(complaint(Arity::Exactly(2), 0), "docker: 'docker x' requires 2 arguments");
        assert_eq!(complaint(Arity::AtMost(1), 2), "docker: 'docker x' requires at most 1 argument");
        let between = "docker: 'docker x' requires at least 1 and at most 2 arguments";
        assert_eq!(complaint(Arity::Between(1, 2), 0), between);
        let expected = "docker: 'docker stop' requires at least 1 argument

Usage:  docker stop [OPTIONS] CONTAINER [CONTAINER...]

See 'docker stop --help' for more information";
        assert_eq!(STOP.check_count("docker stop", 0), Err(Failure::new(expected)));
    }
}
