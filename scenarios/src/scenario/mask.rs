//! The named masks of an expected line, and what text each stands for. Names given to them (`[ID:net1]`) are the
//! affair of [`captures`](super::captures).

use super::moment;

/// A mask: a place in a line that holds something which chance or time decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mask {
    /// `[ID]`: 64 hexadecimal digits.
    Id,
    /// `[MAC]`: a MAC address.
    Mac,
    /// `[SHORTID]`: 12 hexadecimal digits.
    ShortId,
    /// `[TIME]`: a point or length of time, see [`moment`].
    Time,
    /// `[VETH]`: the name that Docker gives the host's end of a veth pair.
    Veth,
}

impl Mask {
    /// The mask of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ID" => Some(Self::Id),
            "MAC" => Some(Self::Mac),
            "SHORTID" => Some(Self::ShortId),
            "TIME" => Some(Self::Time),
            "VETH" => Some(Self::Veth),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::Mac => "MAC",
            Self::ShortId => "SHORTID",
            Self::Time => "TIME",
            Self::Veth => "VETH",
        }
    }

    /// The lengths in bytes that it may take from the beginning of `text`, the one to try first in front.
    #[must_use]
    pub fn lengths(self, text: &str) -> Vec<usize> {
        match self {
            Self::Id => hexadecimal(text, 64).into_iter().collect(),
            Self::Mac => mac(text).into_iter().collect(),
            Self::ShortId => hexadecimal(text, 12).into_iter().collect(),
            Self::Time => moment::lengths(text),
            Self::Veth => veth(text).into_iter().collect(),
        }
    }
}

/// `count`, when `text` begins with that many hexadecimal digits as Docker writes them.
fn hexadecimal(text: &str, count: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(..count)?;
    bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(count)
}

fn mac(text: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(..17)?;
    let fits = |(at, byte): (usize, &u8)| if at % 3 == 2 { *byte == b':' } else { byte.is_ascii_hexdigit() };
    bytes.iter().enumerate().all(fits).then_some(17)
}

fn veth(text: &str) -> Option<usize> {
    let digits = hexadecimal(text.strip_prefix("veth")?, 7)?;
    Some("veth".len() + digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_take_what_they_stand_for_and_no_more() {
        assert_eq!(Mask::ShortId.lengths("7917c78e322d   none"), [12]);
        assert_eq!(Mask::Id.lengths(&"4".repeat(70)), [64]);
        assert_eq!(Mask::Mac.lengths("02:42:AC:19:00:03/"), [17]);
        assert_eq!(Mask::Veth.lengths("veth0a1b2c3@if5"), [11]);
        assert_eq!(Mask::Time.lengths("2s"), [2, 1]);
    }

    #[test]
    fn masks_refuse_the_rest() {
        assert!(Mask::ShortId.lengths("7917C78E322D").is_empty());
        assert!(Mask::Id.lengths("4444").is_empty());
        assert!(Mask::Mac.lengths("02-42-ac-19-00-03").is_empty());
        assert!(Mask::Veth.lengths("veth12").is_empty());
        assert!(Mask::Mac.lengths("02:42:ac:19:00:é").is_empty());
    }
}
