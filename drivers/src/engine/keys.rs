//! Detach keys: the keys by which whoever types at a terminal leaves it, and the watch for them.

use crate::error::Error;

/// What is meant when nothing is said: ctrl-p, ctrl-q.
const USUAL: [u8; 2] = [16, 17];

/// A watch for keys in what is typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct DetachKeys {
    keys: Vec<u8>,
    /// How many of them were typed just now, and held back.
    typed: usize,
}

/// What was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Typed {
    /// It goes on to the program.
    Text(Vec<u8>),
    /// All keys were typed; what came before them goes on.
    Detach(Vec<u8>),
}

impl Default for DetachKeys {
    fn default() -> Self {
        Self { keys: USUAL.to_vec(), typed: 0 }
    }
}

impl DetachKeys {
    /// Reads `ctrl-p,ctrl-q` or `a,b,c`; nothing means the usual.
    ///
    /// # Errors
    /// A key that is none.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Error> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let invalid = || Error::BadParameter(format!("Invalid detach keys ({text}) provided"));
        let keys = text.split(',').map(|key| code(key).ok_or_else(invalid)).collect::<Result<_, _>>()?;
        Ok(Self { keys, typed: 0 })
    }

    /// Takes in what is typed. Keys are held back until it is known that they are not the beginning of all of them.
    pub(super) fn watch(&mut self, bytes: &[u8]) -> Typed {
        let mut text = Vec::new();
        for byte in bytes {
            if *byte != self.keys[self.typed] {
                text.extend(&self.keys[..self.typed]);
                self.typed = 0;
            }
            if *byte == self.keys[self.typed] {
                self.typed += 1;
                if self.typed == self.keys.len() {
                    return Typed::Detach(text);
                }
            } else {
                text.push(*byte);
            }
        }
        Typed::Text(text)
    }
}

fn code(key: &str) -> Option<u8> {
    match (key.as_bytes(), key.strip_prefix("ctrl-").map(str::as_bytes)) {
        (_, Some([letter @ b'a'..=b'z'])) => Some(letter - b'a' + 1),
        (_, Some(b"@")) => Some(0),
        (_, Some(b"[")) => Some(27),
        (_, Some(b"\\")) => Some(28),
        (_, Some(b"]")) => Some(29),
        (_, Some(b"^")) => Some(30),
        (_, Some(b"_")) => Some(31),
        ([plain], None) => Some(*plain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_held_back_until_they_are_all_there() {
        let mut keys = DetachKeys::parse(None).unwrap();
        assert_eq!(keys.watch(b"ls\r\x10"), Typed::Text(b"ls\r".to_vec()));
        assert_eq!(keys.watch(b"\x10x"), Typed::Text(b"\x10\x10x".to_vec()), "the program gets what was no end");
        assert_eq!(keys.watch(b"a\x10\x11b"), Typed::Detach(b"a".to_vec()));
    }

    #[test]
    fn keys_are_written_in_words() {
        assert_eq!(DetachKeys::parse(Some("ctrl-x,a")).unwrap().keys, [24, b'a']);
        let refused = DetachKeys::parse(Some("ctrl-1")).unwrap_err().to_string();
        assert_eq!(refused, "Invalid detach keys (ctrl-1) provided");
    }
}
