//! Seeded random streams, one per component and by name, so that adding a component changes no other's draws.
//! There is no entropy from outside.

/// The seed of a world. Streams are derived from it by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of the component called `name`. The same seed and name give the same stream.
    #[must_use]
    pub fn stream(self, name: &str) -> Rng {
        Rng(fastrand::Rng::with_seed(fnv1a(name.as_bytes()) ^ self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(fastrand::Rng);

impl Rng {
    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.u64(0..bound) }
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.u32(..)
    }

    /// 16 random bits.
    pub fn u16(&mut self) -> u16 {
        self.0.u16(..)
    }

    /// Fills `bytes` at random.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    /// Puts `items` in an order that is uniform over all permutations.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }
}

/// FNV-1a over `bytes`: a short, stable hash for names and for the run's fingerprint; not for tables.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_more(0xcbf2_9ce4_8422_2325, bytes)
}

/// Goes on with an FNV-1a `hash` over more `bytes`.
#[must_use]
pub fn fnv1a_more(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_changes_no_other_stream() {
        let mut alone = Seed(7).stream("dns/a");
        let _other = Seed(7).stream("dns/b").u64();
        let mut again = Seed(7).stream("dns/a");
        assert_eq!(alone.u64(), again.u64());
        assert_ne!(Seed(7).stream("dns/a").u64(), Seed(8).stream("dns/a").u64());
    }
}
