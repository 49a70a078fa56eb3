//! The shape of a line: what is left of it when chance, time and the order in which things were made are taken out. Two
//! runs of nearly the same scenario say the same when their lines have the same shape.

use core::net::IpAddr;

use super::mask::Mask;

/// The masks that are looked for, the longer before what could begin it.
const MASKS: [Mask; 4] = [Mask::Id, Mask::Mac, Mask::Veth, Mask::ShortId];

/// `line` with `#` for each identifier, address and number.
#[must_use]
pub fn shape(line: &str) -> String {
    let mut shape = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        if word == 0 {
            shape.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        shape.push_str(&shape_of_word(&rest[..word]));
        rest = &rest[word..];
    }
    shape
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')
}

fn shape_of_word(word: &str) -> String {
    let bare = word.trim_end_matches([':', '.', ',']);
    if bare.parse::<IpAddr>().is_ok() || is_number(bare) {
        return format!("#{}", &word[bare.len()..]);
    }
    let mut shape = String::new();
    let mut at = 0;
    while at < word.len() {
        let found = MASKS.iter().find_map(|mask| mask.lengths(&word[at..]).first().copied());
        match found {
            Some(length) => {
                shape.push('#');
                at += length;
            }
            None => {
                shape.push_str(&word[at..=at]);
                at += 1;
            }
        }
    }
    shape
}

/// Digits, with at most one dot, and a unit of time perhaps.
fn is_number(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_decimal && word.len() - digits.len() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words_stay_while_figures_go() {
        assert_eq!(shape("ping: bad address 'app2'"), "ping: bad address 'app2'");
        assert_eq!(
            shape("64 bytes from 172.25.0.3: seq=0 ttl=64 time=0.051 ms"),
            "# bytes from #: seq=# ttl=# time=# ms"
        );
        assert_eq!(shape("br-7917c78e322d -> veth0a1b2c3, 02:42:ac:19:00:03"), "br-# -> #, #");
        assert_eq!(shape("inet 10.0.0.1/24 é [fd00::1]:80"), "inet #/# é [#]:80");
    }
}
