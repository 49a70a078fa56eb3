//! The numbers by which namespaces, devices and links are called. They name things; they hold none.

use core::num::NonZeroU32;

/// The number of a device in its namespace, from 1 (lo) up; what `ip link` prints first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IfIndex(pub u32);

/// A link, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkId(pub(crate) NonZeroU32);

/// A namespace, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NamespaceId(pub(crate) u32);
