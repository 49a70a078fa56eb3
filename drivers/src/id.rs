//! The ids of the engine's things: 32 random bytes, written as 64 hexadecimal digits. They come from the world's seed;
//! which thing an id belongs to is not known here.

use core::fmt;

use netyard_sim::rng::Rng;

/// The id of a container, network, endpoint, sandbox or exec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id([u8; 32]);

impl Id {
    /// Digits of a short id, as `docker ps` shows it and as a container's host name begins.
    pub const SHORT_LEN: usize = 12;

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A random id. One whose short form is all decimal digits is not used, since it would be taken for a number.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        loop {
            let mut bytes = [0; 32];
            rng.fill(&mut bytes);
            let id = Self(bytes);
            if id.short().bytes().any(|b| !b.is_ascii_digit()) {
                return id;
            }
        }
    }

    /// The id with these 64 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes().as_chunks::<2>().0;
        let bytes: Vec<u8> =
            digits.iter().map_while(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()).collect();
        Some(Self(bytes.try_into().ok().filter(|_| text.len() == 64)?))
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
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
}
