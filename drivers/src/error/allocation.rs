//! Why IPAM has no address to give, in its words.

use core::fmt;

/// Why IPAM has no address to give.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AllocationFailure {
    /// The one that was asked for is taken or reserved.
    InUse,
    /// None is left.
    Exhausted,
    /// The one that was asked for is in no subnet.
    Outside,
}

impl fmt::Display for AllocationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "Address already in use",
            Self::Exhausted => "No available addresses on this pool",
            Self::Outside => "Requested address is out of range",
        })
    }
}
