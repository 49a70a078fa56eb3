//! Backslash escapes, as `echo -e`, `printf` and `$'…'` read them. One reader, three sets of escapes.

use crate::userland::escape;

/// Which escapes are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Set {
    /// `$'…'`: quotes too; octal without a leading zero.
    Dollar,
    /// `echo -e` and `%b`: octal with a leading zero; `\c` ends all output.
    Echo,
    /// The format of `printf`.
    Printf,
}

/// Decoded text.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Decoded {
    /// The text.
    pub(super) text: String,
    /// Whether `\c` cut it off.
    pub(super) cut: bool,
}

/// Reads the escapes in `text`. A backslash before anything else stays.
pub(super) fn decode(text: &str, set: Set) -> Decoded {
    let mut decoded = Decoded::default();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        decoded.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            decoded.text.push('\\');
            return decoded;
        };
        if letter == 'c' && set == Set::Echo {
            decoded.cut = true;
            return decoded;
        }
        rest = one(letter, rest, set, &mut decoded.text);
    }
    decoded.text.push_str(rest);
    decoded
}

/// Decodes the escape that begins with `letter`; what remains behind it.
fn one<'a>(letter: char, rest: &'a str, set: Set, text: &mut String) -> &'a str {
    let after = &rest[letter.len_utf8()..];
    let plain = match letter {
        'e' | 'E' => '\x1b',
        '\'' | '"' if set != Set::Echo => letter,
        'x' => return number(after, 16, 2, "\\x", text),
        '0' if set == Set::Echo => return number(after, 8, 3, "\0", text),
        '0'..='7' => return number(rest, 8, 3, "", text),
        _ => {
            match escape::meaning(letter) {
                Some(meant) => text.push(meant),
                None => text.extend(['\\', letter]),
            }
            return after;
        }
    };
    text.push(plain);
    after
}

/// Up to `digits` digits as the code of a character; `none` when there is no digit.
fn number<'a>(rest: &'a str, radix: u32, digits: usize, none: &str, text: &mut String) -> &'a str {
    let size = rest.chars().take(digits).take_while(|c| c.is_digit(radix)).count();
    match u32::from_str_radix(&rest[..size], radix).ok().and_then(char::from_u32) {
        Some(c) => text.push(c),
        None => text.push_str(none),
    }
    &rest[size..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_reads_its_own_octals() {
        assert_eq!(decode("a\\tb\\101\\0101\\x41\\q", Set::Echo).text, "a\tbAAA\\q");
        assert_eq!(decode("\\101\\'", Set::Dollar).text, "A'");
        assert_eq!(decode("x\\cy", Set::Echo), Decoded { text: "x".to_owned(), cut: true });
        assert_eq!(decode("end\\", Set::Printf).text, "end\\");
    }
}
