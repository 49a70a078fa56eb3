//! Contexts: places where programs run, which is what a container or a host is besides its network. Whose programs a
//! place has is said here; the programs themselves are in the world's [`Programs`](super::Programs).

use super::Files;

/// A filesystem with a hostname: what a container or a host is besides its network.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContextId(pub(crate) u32);

/// Whose programs are on the path.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Flavour {
    /// A Linux host: iproute2, iputils, bind-utils, bash-like shell messages.
    Host,
    /// A container of a busybox image.
    Busybox,
}

/// Files, name and flavour of a place where programs run.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its filesystem.
    pub files: Files,
    /// Its host name (UTS namespace).
    pub hostname: String,
    /// Whose programs it has.
    pub flavour: Flavour,
}
