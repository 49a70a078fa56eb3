//! Files that are made when somebody looks at them, as those of `/proc` and `/sys`: the way they are mounted, asked and
//! written to. What stands in them is written where the thing is that they show.

use super::super::process::Kernel;
use super::super::{Errno, Sys};

/// What a generated path is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// A directory with these names.
    Directory(Vec<String>),
    /// A file with this text, which may or may not be written to.
    File {
        /// What it says now.
        text: String,
        /// Whether it takes writes, or why it does not.
        write: Result<(), Errno>,
    },
    /// A symbolic link.
    Link(String),
}

impl Found {
    /// A file to read only.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::File { text: text.into(), write: Err(Errno::AccessDenied) }
    }

    /// A file that takes writes, or does not for a reason of its own.
    #[must_use]
    pub fn setting(text: impl Into<String>, write: Result<(), Errno>) -> Self {
        Self::File { text: text.into(), write }
    }

    /// A directory of these names.
    pub fn directory<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        Self::Directory(names.into_iter().map(Into::into).collect())
    }
}

/// Takes what was written to a generated file, whose path below the mount is given in parts.
pub type Write = fn(&mut Sys<'_>, &[&str], &[u8]) -> Result<(), Errno>;

/// A tree of generated files.
#[derive(Debug)]
pub struct Generator {
    /// The kind of filesystem, as `mount` shows it.
    pub name: &'static str,
    /// What is at a path below the mount, whose parts are given; none when nothing is.
    pub find: fn(&Kernel<'_>, &[&str]) -> Option<Found>,
    /// Takes what was written to a writable file.
    pub write: Write,
}
