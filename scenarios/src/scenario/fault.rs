//! What is wrong with a scenario file, where, and how it is shown: file, line and caret, as a compiler would. A step
//! whose expectation is not met is not a fault of the file.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

/// What is wrong. The text is what the user reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// A line that goes on with `\` is the last of its block.
    DanglingContinuation,
    /// `? N` with an N that no process ends with.
    ExitCode,
    /// The YAML head does not read; the parser's words.
    Head(String),
    /// A prompt without a command.
    NoCommand,
    /// A place where no shell could be started, and the words of whoever should have.
    NoShell {
        /// The place.
        place: String,
        /// The words.
        reason: String,
    },
    /// A place that exists neither as a host nor, at that time, as a container or namespace.
    NoSuchPlace(String),
    /// The file is not text.
    NotUtf8,
    /// A block begins with something that is no command.
    OutputFirst,
    /// A fence that is never closed.
    UnclosedBlock,
    /// A head that is never closed.
    UnclosedHead,
    /// The file cannot be read; the system's words.
    Unreadable(String),
    /// The file, or what is made of it, cannot be written; the system's words.
    Unwritable(String),
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DanglingContinuation => f.write_str("the command goes on with `\\`, but its block ends here"),
            Self::ExitCode => f.write_str("an exit code is a number from 0 to 255"),
            Self::Head(reason) => write!(f, "the head is wrong: {reason}"),
            Self::NoCommand => f.write_str("a prompt without a command"),
            Self::NoShell { place, reason } => write!(f, "no shell at {place}: {reason}"),
            Self::NoSuchPlace(place) => write!(f, "no such place: {place}"),
            Self::NotUtf8 => f.write_str("the file is not UTF-8 text"),
            Self::OutputFirst => f.write_str("a console block begins with a command"),
            Self::UnclosedBlock => f.write_str("the block is never closed"),
            Self::UnclosedHead => f.write_str("the head is never closed"),
            Self::Unreadable(reason) => write!(f, "cannot read the file: {reason}"),
            Self::Unwritable(reason) => write!(f, "cannot write: {reason}"),
        }
    }
}

impl FaultKind {
    /// What to say at the caret.
    const fn label(&self) -> &'static str {
        match self {
            Self::DanglingContinuation => "nothing follows",
            Self::ExitCode => "out of range",
            Self::Head(_) => "here",
            Self::NoCommand => "write the command after the `$`",
            Self::NoShell { .. } => "it is played on a real engine",
            Self::NoSuchPlace(_) => "no host, running container or namespace of this name at this step",
            Self::NotUtf8 => "the first byte that is not UTF-8",
            Self::OutputFirst => "write `$ command` or `PLACE$ command` first",
            Self::UnclosedBlock => "opened here",
            Self::UnclosedHead => "opened here; close it with a line `---`",
            Self::Unreadable(_) | Self::Unwritable(_) => "",
        }
    }
}

/// Something wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong.
    pub kind: FaultKind,
    /// The file's text; empty when it cannot be read.
    text: String,
    /// The bytes of the text that are wrong.
    span: Range<usize>,
}

impl Fault {
    /// A fault at the bytes `span` of `text`.
    #[must_use]
    pub fn new(file: &str, text: &str, kind: FaultKind, span: Range<usize>) -> Self {
        Self { file: file.to_owned(), kind, text: text.to_owned(), span }
    }

    /// A file that cannot be read.
    #[must_use]
    pub fn unreadable(file: &str, reason: &std::io::Error) -> Self {
        Self::new(file, "", FaultKind::Unreadable(reason.to_string()), 0..0)
    }

    /// A file whose bytes are not UTF-8.
    #[must_use]
    pub fn not_utf8(file: &str, bytes: &[u8]) -> Self {
        let valid = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
        let text = String::from_utf8_lossy(bytes);
        Self::new(file, &text, FaultKind::NotUtf8, valid..valid + '\u{fffd}'.len_utf8())
    }

    /// The line, counted from 1; none when the file could not be read.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        let before = &self.text[..self.span.start];
        (!self.text.is_empty()).then(|| before.matches('\n').count() + 1)
    }

    /// The fault for people, with the line and a caret, without a newline at the end.
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let message = self.kind.to_string();
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        if self.text.is_empty() {
            let message = format!("{}: {message}", self.file);
            return renderer.render(&[Group::with_title(Level::ERROR.primary_title(message))]);
        }
        let caret = AnnotationKind::Primary.span(self.span.clone()).label(self.kind.label());
        let snippet = Snippet::source(&*self.text).path(&*self.file).annotation(caret);
        renderer.render(&[Level::ERROR.primary_title(message).element(snippet)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_file_line_and_caret() {
        let text = "# Names\n\n```console\nc9$ true\n```\n";
        let fault = Fault::new("a.md", text, FaultKind::NoSuchPlace("c9".into()), 20..22);
        let expected = "\
error: no such place: c9
 --> a.md:4:1
  |
4 | c9$ true
  | ^^ no host, running container or namespace of this name at this step";
        assert_eq!(fault.render(false), expected);
        assert_eq!(fault.line(), Some(4));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_line() {
        let fault = Fault::unreadable("gone.md", &std::io::Error::from(std::io::ErrorKind::NotFound));
        assert_eq!(fault.render(false), "error: gone.md: cannot read the file: entity not found");
        assert_eq!(fault.line(), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_pointed_at() {
        let fault = Fault::not_utf8("latin.md", b"first\ncaf\xe9\n");
        assert_eq!(fault.line(), Some(2));
        assert!(fault.render(false).contains(" --> latin.md:2:4\n"));
    }
}
