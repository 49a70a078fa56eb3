//! The words of a line that is typed as one argument, as Docker's client parts it (google/shlex). It expands nothing: that
//! is the shell's. The crate `shlex` follows POSIX instead: in double quotes it keeps a backslash before most letters, it
//! joins lines that end with one, and it does not say what is wrong.

use core::str::Chars;

/// The words. Blanks part them, quotes and backslashes hold them together; what follows a `#` between them is a remark.
///
/// # Errors
/// A quote is open at the end, or nothing follows a backslash.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => _ = letters.find(|letter| *letter == '\n'),
            '\\' => word.get_or_insert_default().push(escaped(&mut letters)?),
            '"' | '\'' => quoted(letter, &mut letters, word.get_or_insert_default())?,
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Looks at a line when it is typed.
///
/// # Errors
/// As for [`words`].
pub(super) fn check(line: &str) -> Result<(), String> {
    words(line).map(drop)
}

fn quoted(quote: char, letters: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match letters.next() {
            None => return Err("EOF found when expecting closing quote".to_owned()),
            Some(letter) if letter == quote => return Ok(()),
            Some('\\') if quote == '"' => word.push(escaped(letters)?),
            Some(letter) => word.push(letter),
        }
    }
}

fn escaped(letters: &mut Chars<'_>) -> Result<char, String> {
    letters.next().ok_or_else(|| "EOF found after escape character".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the real client sends `--entrypoint`.
    #[test]
    fn words_are_those_of_dockers_client() {
        let parted = |line| words(line).expect(line);
        assert_eq!(parted("a 'b c' \"d e\"f\tg"), ["a", "b c", "d ef", "g"]);
        assert_eq!(parted(r#"a\ b "b\nc" "b\"c\$" 'b\' a\""#), ["a b", "bnc", "b\"c$", "b\\", "a\""]);
        assert_eq!(parted("a#b '' #c d\ne"), ["a#b", "", "e"]);
        assert_eq!(parted("a\\\nb a\u{a0}b"), ["a\nb", "a\u{a0}b"]);
        assert!(parted("  ").is_empty());
        for open in ["'a", "\"a", "a 'b\\'c'"] {
            assert_eq!(check(open), Err("EOF found when expecting closing quote".to_owned()), "{open}");
        }
        for open in ["a\\", "\"a\\"] {
            assert_eq!(check(open), Err("EOF found after escape character".to_owned()), "{open}");
        }
    }
}
