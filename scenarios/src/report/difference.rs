//! What a step was to show beside what it showed, as lines of a difference. Formats dress them; none is decided here.

use std::fmt;

use crate::runner::Played;
use crate::scenario::comparison::{Compared, ELISION};
use crate::scenario::step::Step;

/// How many alike lines are shown on each side of a difference.
const CONTEXT: usize = 3;

/// A line of a difference. It prints as `diff` prints it, behind two columns for the sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shown<'a> {
    /// It came as expected.
    Alike(&'a str),
    /// It was expected and did not come.
    Missing(&'a str),
    /// So many lines that are alike.
    Folded(usize),
    /// It came and was not expected.
    Unexpected(&'a str),
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alike(line) => write!(f, "  {line}"),
            Self::Missing(line) => write!(f, "- {line}"),
            Self::Folded(count) => write!(f, "({} alike)", counted(*count, "line")),
            Self::Unexpected(line) => write!(f, "+ {line}"),
        }
    }
}

/// All lines of a step's difference.
#[must_use]
pub fn difference<'a>(step: &'a Step, played: &'a Played) -> Vec<Shown<'a>> {
    let actual = played.lines();
    let shown = |line: &Compared| match line {
        Compared::Elided(..) => Shown::Alike(ELISION),
        Compared::Missing(at) => Shown::Missing(&step.written[*at]),
        Compared::Same(_, at) => Shown::Alike(actual[*at]),
        Compared::Unexpected(at) => Shown::Unexpected(actual[*at]),
    };
    played.comparison.iter().map(shown).collect()
}

/// The lines without those that are far from any difference. A wrong exit code is a difference behind the last line.
#[must_use]
pub fn folded<'a>(lines: &[Shown<'a>], is_exit_right: bool) -> Vec<Shown<'a>> {
    let differs = |line: &Shown<'_>| matches!(line, Shown::Missing(_) | Shown::Unexpected(_));
    let is_near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..lines.len().min(at + CONTEXT + 1);
        let is_last = !is_exit_right && at + CONTEXT >= lines.len();
        is_last || lines[around].iter().any(differs)
    };
    let mut folded: Vec<Shown<'a>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match folded.last_mut() {
            _ if is_near(at) => folded.push(line.clone()),
            Some(Shown::Folded(count)) => *count += 1,
            _ => folded.push(Shown::Folded(1)),
        }
    }
    folded
}

/// The two exit codes, when they differ.
#[must_use]
pub fn wrong_exit(step: &Step, played: &Played) -> Option<String> {
    let is_wrong = played.status != step.status;
    is_wrong.then(|| format!("exit code {} expected, {} came", step.status, played.status))
}

/// A step's difference in plain text, with its exit codes when they differ: what machines pass on to people.
#[must_use]
pub fn text(step: &Step, played: &Played) -> String {
    let lines = folded(&difference(step, played), played.status == step.status);
    let lines = lines.iter().map(ToString::to_string).chain(wrong_exit(step, played));
    let why = played.why.iter().flat_map(|why| why.lines()).map(str::to_owned);
    lines.chain(played.known_names.iter().cloned()).chain(why).collect::<Vec<_>>().join("\n")
}

/// `1 step`, `2 steps`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_far_from_a_difference_are_folded() {
        let lines: Vec<Shown<'_>> = (0..10).map(|_| Shown::Alike("x")).chain([Shown::Missing("y")]).collect();
        let right = folded(&lines, true);
        assert_eq!((right.len(), &right[0], &right[1]), (5, &Shown::Folded(7), &Shown::Alike("x")));
        assert_eq!(folded(&lines[..10], true), [Shown::Folded(10)]);
        assert_eq!(folded(&lines[..10], false).len(), 1 + CONTEXT);
    }
}
