//! What was expected beside what came, line by line. A comparison is the verdict over a step, what the report shows
//! of it, and what `--update` writes back; it holds indexes, not text.
//!
//! How it works. First the lines are matched in order, `...` taking as few lines as it can, as a shell's `*` would.
//! Only when that fails the lines are aligned by their longest common subsequence, where "common" means that the
//! expected line stands for the actual one.

use std::ops::Range;

use similar::algorithms::{Capture, Replace, lcs};
use similar::{DiffOp, DiffTag};

use super::captures::Captures;
use super::pattern::Pattern;

/// Stands for any lines.
pub const ELISION: &str = "...";

/// An expected line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Any lines, or none.
    Elision,
    /// A line, which may hold masks.
    Line(Pattern),
}

impl Expected {
    /// Reads a line.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        if line == ELISION { Self::Elision } else { Self::Line(Pattern::parse(line)) }
    }
}

/// A line of a comparison. The numbers are indexes of expected and of actual lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Compared {
    /// `...` and the actual lines it stands for.
    Elided(usize, Range<usize>),
    /// An expected line that did not come.
    Missing(usize),
    /// An expected line and the actual line it stands for.
    Same(usize, usize),
    /// An actual line that was not expected.
    Unexpected(usize),
}

/// Compares all lines of a step. Names bound by lines that match stay bound, also when others do not.
#[must_use]
pub fn compare(expected: &[Expected], actual: &[&str], captures: &mut Captures) -> Vec<Compared> {
    in_order(expected, actual, captures).unwrap_or_else(|| aligned(expected, actual, captures))
}

/// Whether a comparison shows no difference.
#[must_use]
pub fn agrees(comparison: &[Compared]) -> bool {
    !comparison.iter().any(|line| matches!(line, Compared::Missing(_) | Compared::Unexpected(_)))
}

/// A place to go on from when the lines after an elision do not match: it shall stand for one line more.
struct Elision {
    /// Its index among the expected lines.
    expected: usize,
    /// The actual lines it stands for.
    actual: Range<usize>,
    /// The comparison and the captures as they were before it.
    compared: usize,
    mark: usize,
}

/// The comparison when every expected line stands for what came, in order; none otherwise.
fn in_order(expected: &[Expected], actual: &[&str], captures: &mut Captures) -> Option<Vec<Compared>> {
    let begin = captures.mark();
    let mut compared = Vec::new();
    let mut elision: Option<Elision> = None;
    let (mut e, mut a) = (0, 0);
    while e < expected.len() || a < actual.len() {
        match (expected.get(e), actual.get(a)) {
            (Some(Expected::Elision), _) => {
                elision = Some(Elision { expected: e, actual: a..a, compared: compared.len(), mark: captures.mark() });
                compared.push(Compared::Elided(e, a..a));
                e += 1;
            }
            (Some(Expected::Line(line)), Some(text)) if line.matches(text, captures) => {
                compared.push(Compared::Same(e, a));
                (e, a) = (e + 1, a + 1);
            }
            _ => {
                let Some(last) = elision.as_mut().filter(|last| last.actual.end < actual.len()) else {
                    captures.rewind(begin);
                    return None;
                };
                last.actual.end += 1;
                captures.rewind(last.mark);
                compared.truncate(last.compared);
                compared.push(Compared::Elided(last.expected, last.actual.clone()));
                (e, a) = (last.expected + 1, last.actual.end);
            }
        }
    }
    Some(compared)
}

/// An actual line that compares equal to the expected lines that stand for it.
struct Actual<'a>(&'a str, &'a Captures);

impl PartialEq<Expected> for Actual<'_> {
    fn eq(&self, expected: &Expected) -> bool {
        match expected {
            Expected::Elision => false,
            Expected::Line(line) => line.matches(self.0, &mut self.1.clone()),
        }
    }
}

/// The comparison that shows the fewest differences.
fn aligned(expected: &[Expected], actual: &[&str], captures: &mut Captures) -> Vec<Compared> {
    let ops = alignment(expected, actual, captures);
    let mut aligned = Aligned { expected, actual, compared: Vec::new() };
    for op in ops {
        let (tag, old, new) = op.as_tag_tuple();
        match tag {
            DiffTag::Equal => old.zip(new).for_each(|(e, a)| aligned.pair(e, a, captures)),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => aligned.differ(old, new),
        }
    }
    aligned.compared
}

fn alignment(expected: &[Expected], actual: &[&str], captures: &Captures) -> Vec<DiffOp> {
    let actual: Vec<Actual<'_>> = actual.iter().map(|line| Actual(line, captures)).collect();
    let mut ops = Replace::new(Capture::new());
    let (old, new) = (0..expected.len(), 0..actual.len());
    match lcs::diff_deadline_raw(&mut ops, expected, old, &actual[..], new, None) {
        Ok(()) => ops.into_inner().into_ops(),
        Err(never) => match never {},
    }
}

/// A comparison in the making.
struct Aligned<'a> {
    expected: &'a [Expected],
    actual: &'a [&'a str],
    compared: Vec<Compared>,
}

impl Aligned<'_> {
    /// Two lines that match each for itself. A name that an earlier line used for something else makes them differ.
    fn pair(&mut self, e: usize, a: usize, captures: &mut Captures) {
        match &self.expected[e] {
            Expected::Line(line) if line.matches(self.actual[a], captures) => {
                self.compared.push(Compared::Same(e, a));
            }
            Expected::Line(_) | Expected::Elision => {
                self.compared.extend([Compared::Missing(e), Compared::Unexpected(a)]);
            }
        }
    }

    /// Lines that do not match: where only elisions are expected, the first takes them all; else all are differences.
    fn differ(&mut self, old: Range<usize>, new: Range<usize>) {
        let expected = self.expected;
        let elides = |e: usize| expected[e] == Expected::Elision;
        let is_elided = !old.is_empty() && old.clone().all(elides);
        let rest = if is_elided { new.end..new.end } else { new.clone() };
        let mut taken = new.start..rest.start;
        for e in old {
            let line = if elides(e) { Compared::Elided(e, taken.clone()) } else { Compared::Missing(e) };
            self.compared.push(line);
            taken.start = taken.end;
        }
        self.compared.extend(rest.map(Compared::Unexpected));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The comparison as text: each line with its sign.
    fn shown(expected: &str, actual: &str, captures: &mut Captures) -> String {
        let patterns: Vec<Expected> = expected.lines().map(Expected::parse).collect();
        let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
        let sign = |line: Compared| match line {
            Compared::Same(_, a) => format!(" {}", actual[a]),
            Compared::Missing(e) => format!("-{}", expected[e]),
            Compared::Unexpected(a) => format!("+{}", actual[a]),
            Compared::Elided(_, lines) => format!(" ...{}", lines.len()),
        };
        compare(&patterns, &actual, captures).into_iter().map(sign).collect::<Vec<_>>().join("\n")
    }

    fn differences(expected: &str, actual: &str) -> String {
        shown(expected, actual, &mut Captures::default())
    }

    #[test]
    fn alike_lines_agree() {
        assert_eq!(differences("a\n[..]\nc", "a\nb\nc"), " a\n b\n c");
        assert_eq!(differences("", ""), "");
    }

    #[test]
    fn a_difference_is_shown_where_it_is_and_masks_that_hold_are_not() {
        let expected = "[SHORTID] bridge\n[SHORTID] host\n[SHORTID] none";
        let actual = "7917c78e322d bridge\n7917c78e322d lost\n7917c78e322d none";
        assert_eq!(
            differences(expected, actual),
            " 7917c78e322d bridge\n-[SHORTID] host\n+7917c78e322d lost\n 7917c78e322d none"
        );
    }

    #[test]
    fn elisions_take_as_few_lines_as_they_can() {
        assert_eq!(differences("...\nb\n...", "a\nb\nb\nc"), " ...1\n b\n ...2");
        assert_eq!(differences("a\n...\nc", "a\nc"), " a\n ...0\n c");
        assert_eq!(differences("...\na\nb", "a\na\nb"), " ...1\n a\n b");
        assert_eq!(differences("...", ""), " ...0");
    }

    #[test]
    fn an_elision_does_not_hide_what_is_missing() {
        assert_eq!(differences("a\n...\nz", "a\nb\nc"), " a\n ...0\n-z\n+b\n+c");
        assert_eq!(differences("a\n...\nz", "b\nz"), "-a\n ...0\n+b\n z");
        assert_eq!(differences("a\n...\nb\nc", "x\ny\nb\nd"), "-a\n ...0\n+x\n+y\n b\n-c\n+d");
    }

    #[test]
    fn the_same_name_for_two_things_is_a_difference() {
        let mut captures = Captures::default();
        let shown = shown("[MAC:a] x\n[MAC:a] y", "02:42:ac:11:00:02 x\n02:42:ac:11:00:03 y", &mut captures);
        assert_eq!(shown, " 02:42:ac:11:00:02 x\n-[MAC:a] y\n+02:42:ac:11:00:03 y");
        assert_eq!(captures.value(crate::scenario::mask::Mask::Mac, "a"), Some("02:42:ac:11:00:02"));
    }

    #[test]
    fn an_elision_that_goes_on_forgets_what_it_bound() {
        let mut captures = Captures::default();
        let actual = "02:42:ac:11:00:02 x\n02:42:ac:11:00:03 y\n02:42:ac:11:00:03 z";
        let shown = shown("...\n[MAC:a] y\n[MAC:a] z", actual, &mut captures);
        assert_eq!(shown, " ...1\n 02:42:ac:11:00:03 y\n 02:42:ac:11:00:03 z");
    }

    proptest! {
        #[test]
        fn every_line_is_in_the_comparison_once(expected in "([abc]|\\.\\.\\.|\\[\\.\\.\\]|\n){0,12}", actual in "[abc\n]{0,12}") {
            let patterns: Vec<Expected> = expected.lines().map(Expected::parse).collect();
            let lines: Vec<&str> = actual.lines().collect();
            let (mut seen, mut came) = (0..patterns.len(), 0..lines.len());
            for line in compare(&patterns, &lines, &mut Captures::default()) {
                match line {
                    Compared::Missing(e) => prop_assert_eq!(seen.next(), Some(e)),
                    Compared::Unexpected(a) => prop_assert_eq!(came.next(), Some(a)),
                    Compared::Same(e, a) => prop_assert_eq!((seen.next(), came.next()), (Some(e), Some(a))),
                    Compared::Elided(e, range) => {
                        prop_assert_eq!(seen.next(), Some(e));
                        prop_assert!(range.into_iter().all(|a| came.next() == Some(a)));
                    }
                }
            }
            prop_assert_eq!((seen.next(), came.next()), (None, None));
        }
    }
}
