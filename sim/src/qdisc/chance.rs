//! Chance as netem has it: shares of 2^32, and draws that depend on the one before. Where the numbers come from is
//! [`crate::rng`]'s affair.

use crate::rng::Rng;

/// A probability, as a share of 2^32 − 1.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Share(pub u32);

impl Share {
    /// Never.
    pub const NONE: Self = Self(0);
    /// Always.
    pub const ALL: Self = Self(u32::MAX);

    /// The nearest to a part of one; none outside of 0 to 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 2^32 - 1")]
    pub fn of(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then(|| Self((part * f64::from(u32::MAX)).round() as u32))
    }

    /// As a part of one.
    #[must_use]
    pub fn part(self) -> f64 {
        f64::from(self.0) / f64::from(u32::MAX)
    }

    /// What is missing to all.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(u32::MAX - self.0)
    }
}

/// How often something happens, and how much a draw depends on the one before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chance {
    /// How often.
    pub share: Share,
    /// How much of the last draw is in the next.
    pub correlation: Share,
}

/// A stream of draws that remembers the last one.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    rng: Rng,
    last: u32,
}

impl Draws {
    pub(super) const fn new(rng: Rng) -> Self {
        Self { rng, last: 0 }
    }

    /// A draw that leans to the last one. Its values are no longer spread evenly then: they crowd in the middle, and so
    /// a share is met more rarely or more often than it says. That is the kernel's own flaw, and users know it.
    pub(super) fn draw(&mut self, correlation: Share) -> u32 {
        let value = self.rng.u32();
        if correlation.0 == 0 {
            return value;
        }
        let rho = u64::from(correlation.0) + 1;
        let mixed = (u128::from(value) * u128::from((1 << 32) - rho) + u128::from(self.last) * u128::from(rho)) >> 32;
        self.last = u32::try_from(mixed).expect("a mean is no more than its parts");
        self.last
    }

    pub(super) fn happens(&mut self, chance: Chance) -> bool {
        chance.share.0 != 0 && chance.share.0 >= self.draw(chance.correlation)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }
}
