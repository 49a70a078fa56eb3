//! Colours of a terminal, or none. Who may see them is decided here and nowhere else.

use std::env;
use std::fmt;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// It is.
    Coloured,
    /// It is not.
    Plain,
}

/// What a text means, for the reader's eye.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ink {
    /// Something went wrong, or was expected and did not come.
    Bad,
    /// Something stands out.
    Bold,
    /// Something is less important.
    Dim,
    /// Something went well, or came and was not expected.
    Good,
}

/// A text in an ink.
pub struct Inked<'t>(Style, Ink, &'t str);

impl Style {
    /// Colours on a terminal, unless `NO_COLOR` is set to something.
    #[must_use]
    pub fn detect(is_terminal: bool) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_terminal && !refused { Self::Coloured } else { Self::Plain }
    }

    /// `text` in `ink`.
    #[must_use]
    pub const fn ink(self, ink: Ink, text: &str) -> Inked<'_> {
        Inked(self, ink, text)
    }
}

impl fmt::Display for Inked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Style::Coloured, ink, text) = self else { return f.write_str(self.2) };
        let code = match ink {
            Ink::Bad => 31,
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Good => 32,
        };
        write!(f, "\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(Style::Plain.ink(Ink::Bad, "FAILED").to_string(), "FAILED");
        assert_eq!(Style::Coloured.ink(Ink::Bad, "FAILED").to_string(), "\x1b[31mFAILED\x1b[0m");
        assert_eq!(Style::detect(false), Style::Plain);
    }
}
