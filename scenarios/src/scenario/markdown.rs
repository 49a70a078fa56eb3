//! The outline of a Markdown file as far as scenarios need it: the YAML head, the headings, and the `console` blocks
//! with their lines. Other fenced blocks are skipped, prose is not looked at.

use std::ops::Range;

use super::fault::FaultKind;

/// A line of a text, without its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line<'t> {
    /// Its number, from 1.
    pub number: usize,
    /// Where it begins, in bytes.
    pub start: usize,
    /// What it says.
    pub text: &'t str,
    /// Where the next one begins.
    pub next: usize,
}

impl Line<'_> {
    /// The bytes of what it says.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// The lines of a text. A carriage return at the end of a line belongs to the end.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(at, whole)| {
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let found = Line { number: at + 1, start, text: line, next: start + whole.len() };
        start = found.next;
        found
    })
}

/// A block of a console session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block<'t> {
    /// Its lines, without the indentation of its fence.
    pub lines: Vec<Line<'t>>,
}

/// What a file holds for a scenario.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outline<'t> {
    /// The lines of the head, without the fences.
    pub head: Range<usize>,
    /// All headings.
    pub headings: Vec<&'t str>,
    /// All console blocks.
    pub blocks: Vec<Block<'t>>,
}

/// Something wrong, and where.
pub type Wrong = (FaultKind, Range<usize>);

/// The outline of `text`.
///
/// # Errors
/// `UnclosedHead` and `UnclosedBlock`, at the line that opens it.
pub fn outline(text: &str) -> Result<Outline<'_>, Wrong> {
    let mut lines = lines(text).peekable();
    let mut outline = Outline::default();
    if let Some(open) = lines.next_if(|line| line.text == "---") {
        let close = lines.find(|line| line.text == "---").ok_or_else(|| (FaultKind::UnclosedHead, open.span()))?;
        outline.head = open.next..close.start;
    }
    while let Some(line) = lines.next() {
        if let Some(heading) = heading(line.text) {
            outline.headings.push(heading);
        }
        let Some(fence) = Fence::open(line.text) else { continue };
        let inside = inside(&mut lines, &fence).ok_or_else(|| (FaultKind::UnclosedBlock, line.span()))?;
        if fence.language == "console" {
            outline.blocks.push(Block { lines: inside });
        }
    }
    Ok(outline)
}

/// The lines up to the end of a fence; none when it has no end.
fn inside<'t>(lines: &mut impl Iterator<Item = Line<'t>>, fence: &Fence<'_>) -> Option<Vec<Line<'t>>> {
    let mut inside = Vec::new();
    for line in lines {
        if fence.is_closed_by(line.text) {
            return Some(inside);
        }
        inside.push(fence.unindent(line));
    }
    None
}

/// The text of a heading.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && (text.is_empty() || text.starts_with(' '));
    is_heading.then(|| text.trim().trim_end_matches('#').trim_end())
}

/// The line that opens a fenced block.
struct Fence<'t> {
    indent: &'t str,
    mark: char,
    length: usize,
    language: &'t str,
}

impl<'t> Fence<'t> {
    fn open(line: &'t str) -> Option<Self> {
        let content = line.trim_start_matches(' ');
        let mark = content.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = content.trim_start_matches(mark);
        let length = content.len() - info.len();
        let is_inline = mark == '`' && info.contains('`');
        let language = info.split_whitespace().next().unwrap_or_default();
        let indent = &line[..line.len() - content.len()];
        (length >= 3 && !is_inline).then_some(Self { indent, mark, length, language })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let content = line.trim();
        content.len() >= self.length && content.chars().all(|c| c == self.mark)
    }

    /// The line without as much of the fence's indentation as it has.
    fn unindent<'l>(&self, line: Line<'l>) -> Line<'l> {
        let spaces = line.text.bytes().take(self.indent.len()).take_while(|b| *b == b' ').count();
        Line { start: line.start + spaces, text: &line.text[spaces..], ..line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<'t>(block: &Block<'t>) -> Vec<&'t str> {
        block.lines.iter().map(|line| line.text).collect()
    }

    #[test]
    fn head_headings_and_console_blocks_are_found() {
        let text = "---\nseed: 1\n---\n# One\n```console\n$ true\n```\n## Two ##\n~~~~ console\n$ a\n~~~\n~~~~\n";
        let outline = outline(text).expect("the file is right");
        assert_eq!(&text[outline.head], "seed: 1\n");
        assert_eq!(outline.headings, ["One", "Two"]);
        assert_eq!(said(&outline.blocks[0]), ["$ true"]);
        assert_eq!(said(&outline.blocks[1]), ["$ a", "~~~"]);
    }

    #[test]
    fn other_blocks_are_skipped_with_all_that_is_in_them() {
        let text = "````md\n```console\n$ no\n```\n````\n```sh\n# no heading\n```\n```console``` inline\n";
        let outline = outline(text).expect("the file is right");
        assert_eq!((outline.blocks.len(), outline.headings.len()), (0, 0));
    }

    #[test]
    fn a_block_in_a_list_loses_its_indentation() {
        let text = "- so:\n\n  ```console\n  $ a\n    b\n\n  ```\n";
        let outline = outline(text).expect("the file is right");
        assert_eq!(said(&outline.blocks[0]), ["$ a", "  b", ""]);
        assert_eq!(&text[outline.blocks[0].lines[0].span()], "$ a");
    }

    #[test]
    fn what_is_not_closed_is_pointed_at() {
        assert_eq!(outline("a\n```console\n$ b\n"), Err((FaultKind::UnclosedBlock, 2..12)));
        assert_eq!(outline("---\nseed: 1\n"), Err((FaultKind::UnclosedHead, 0..3)));
        assert_eq!(outline("a\n```sh\n"), Err((FaultKind::UnclosedBlock, 2..7)));
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        let ends: Vec<_> = lines("a\r\nb").map(|line| (line.text, line.start, line.next)).collect();
        assert_eq!(ends, [("a", 0, 3), ("b", 3, 4)]);
    }
}
