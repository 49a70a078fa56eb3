//! Ranges as commands write them, `80` and `80-90`. What they are ranges of, others know.

use core::fmt::Display;

/// The first and the last with `between` them; one alone where both are the same.
#[must_use]
pub fn text<T: Display + PartialEq>((first, last): (T, T), between: char) -> String {
    if first == last { first.to_string() } else { format!("{first}{between}{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_is_written_once() {
        assert_eq!((text((80, 80), '-'), text((80, 90), ':')), ("80".to_owned(), "80:90".to_owned()));
    }
}
