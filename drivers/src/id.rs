//! The ids of the engine's things: 32 random bytes, written as 64 hexadecimal digits; and of a cluster's, 25 digits of
//! base 36. They come from the world's seed; which thing an id belongs to is not known here.

use core::fmt;

use netyard_sim::rng::Rng;

/// The id of a container, network, endpoint, sandbox or exec, or of something that a cluster has.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id(Form);

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Form {
    /// Of one engine.
    Bytes([u8; 32]),
    /// Of a cluster, digit by digit.
    Digits([u8; OBJECT_LEN]),
}

/// Digits of the id of something that a cluster has.
const OBJECT_LEN: usize = 25;
const BASE_36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl Id {
    /// Digits of a short id, as `docker ps` shows it and as a container's host name begins.
    pub const SHORT_LEN: usize = 12;

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Form::Bytes(bytes))
    }

    /// A random id of something that a cluster has.
    #[must_use]
    pub fn object(rng: &mut Rng) -> Self {
        loop {
            let digits = core::array::from_fn(|_| BASE_36[usize::try_from(rng.below(36)).expect("it is small")]);
            let id = Self(Form::Digits(digits));
            if id.short().bytes().any(|b| !b.is_ascii_digit()) {
                return id;
            }
        }
    }

    /// A random id. One whose short form is all decimal digits is not used, since it would be taken for a number.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        loop {
            let mut bytes = [0; 32];
            rng.fill(&mut bytes);
            let id = Self::from_bytes(bytes);
            if id.short().bytes().any(|b| !b.is_ascii_digit()) {
                return id;
            }
        }
    }

    /// The id with these digits: 64, or 25 of something that a cluster has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(digits) = <[u8; OBJECT_LEN]>::try_from(text.as_bytes()) {
            return digits.iter().all(|digit| BASE_36.contains(digit)).then_some(Self(Form::Digits(digits)));
        }
        let digits = text.as_bytes().as_chunks::<2>().0;
        let bytes: Vec<u8> =
            digits.iter().map_while(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()).collect();
        Some(Self::from_bytes(bytes.try_into().ok().filter(|_| text.len() == 64)?))
    }

    /// The first twelve digits.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(Self::SHORT_LEN);
        text
    }

    /// Whether its digits begin with `prefix`; nothing begins with the empty one.
    #[must_use]
    pub fn begins_with(&self, prefix: &str) -> bool {
        !prefix.is_empty() && self.to_string().starts_with(prefix)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Form::Digits(digits) => digits.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit))),
        }
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use netyard_sim::rng::Seed;

    use super::*;

    #[test]
    fn an_id_is_found_by_its_beginning() {
        let id = Id::random(&mut Seed(1).stream("ids"));
        assert_eq!(id.to_string().len(), 64);
        assert!(id.begins_with(&id.short()) && id.begins_with(&id.short()[..1]));
        assert!(!id.begins_with("") && !id.begins_with("x"));
        assert_eq!(id, Id::random(&mut Seed(1).stream("ids")), "the seed decides");
    }

    #[test]
    fn what_a_cluster_has_is_called_by_25_digits() {
        let id = Id::object(&mut Seed(1).stream("ids"));
        assert_eq!((id.to_string().len(), id.short().len()), (25, 12));
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::parse("Nu2tc5sh97ie4xga7au2w2bsq"), None);
    }
}
