//! Realms: numbers for where a packet comes from and where it goes, by which people class their routes (`ip route add …
//! realms 5/7`). They are kept and told; nothing here asks for them.

/// The realms of a route.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Realms {
    /// Of the source; 0 for none.
    pub from: u16,
    /// Of the destination; 0 for none.
    pub to: u16,
}

impl Realms {
    /// None at all.
    pub const NONE: Self = Self { from: 0, to: 0 };

    /// Whether there are none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.from == 0 && self.to == 0
    }
}

impl From<u32> for Realms {
    /// As the kernel has both in one number.
    fn from(raw: u32) -> Self {
        let [a, b, c, d] = raw.to_be_bytes();
        Self { from: u16::from_be_bytes([a, b]), to: u16::from_be_bytes([c, d]) }
    }
}
