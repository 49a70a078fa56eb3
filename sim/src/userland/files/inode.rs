//! Inodes: what a name stands for, with owner, mode and time. Names are the directories' affair.

use std::collections::BTreeMap;
use std::rc::Rc;

/// An inode of one filesystem, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ino(pub(crate) u32);

impl Ino {
    /// The directory at the top of every filesystem.
    pub const ROOT: Self = Self(1);
}

/// A point of wall time, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::try_from(self.0 / 1_000_000_000).expect("584 years fit")
    }

    /// The stamp so many seconds after 1970; one before is 1970.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000))
    }
}

/// A device file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Device {
    /// Reads end at once, writes vanish.
    Null,
    /// Reads are zeros without end.
    Zero,
    /// As zero, but every write finds the disk full.
    Full,
    /// Reads are random.
    Random,
    /// The same, under its other name.
    Urandom,
    /// The process's own terminal.
    Tty,
    /// The console.
    Console,
    /// Where terminals are made.
    Ptmx,
}

impl Device {
    /// Major and minor number on Linux.
    #[must_use]
    pub const fn numbers(self) -> (u32, u32) {
        match self {
            Self::Null => (1, 3),
            Self::Zero => (1, 5),
            Self::Full => (1, 7),
            Self::Random => (1, 8),
            Self::Urandom => (1, 9),
            Self::Tty => (5, 0),
            Self::Console => (5, 1),
            Self::Ptmx => (5, 2),
        }
    }
}

/// What kind of thing an inode is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A character device.
    Device(Device),
    /// A named pipe.
    Fifo,
}

impl Kind {
    /// Its letter in `ls -l`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Directory => 'd',
            Self::File => '-',
            Self::Link => 'l',
            Self::Device(_) => 'c',
            Self::Fifo => 'p',
        }
    }

    /// Its bits in `st_mode`.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Directory => 0o040_000,
            Self::File => 0o100_000,
            Self::Link => 0o120_000,
            Self::Device(_) => 0o020_000,
            Self::Fifo => 0o010_000,
        }
    }
}

/// What `stat` tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Permissions, with the set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes; of a link, its target's.
    pub size: u64,
    /// When its content last changed.
    pub mtime: Stamp,
    /// Names it has.
    pub links: u32,
    /// Number in its filesystem.
    pub ino: u32,
    /// Number of its filesystem.
    pub device: u32,
    /// Whether it is one of the programs of the place and no file of bytes.
    pub program: bool,
}

impl Stat {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether it is a regular file that may be run.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.is_file() && self.mode & 0o111 != 0
    }
}

/// What an inode holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// The bytes of a file.
    Bytes(Vec<u8>),
    /// A program of the place: a file that is run and not read.
    Program,
    /// The names in a directory.
    Directory(BTreeMap<Rc<str>, Ino>),
    /// A symbolic link's target.
    Link(Rc<str>),
    /// A device.
    Device(Device),
    /// A named pipe.
    Fifo,
}

/// The bytes of a program's file: enough to tell what it is.
pub(super) const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01\0";
/// The size that a program's file is said to have.
const PROGRAM_SIZE: u64 = 1_131_168;

/// One inode.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) content: Content,
    pub(super) mode: u16,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    /// Open handles on it; it stays while there are any.
    pub(super) opens: u32,
    pub(super) mtime: Stamp,
}

impl Inode {
    /// A fresh inode without a name.
    pub(super) fn new(content: Content, mode: u32, mtime: Stamp) -> Self {
        let mode = u16::try_from(mode & 0o7777).expect("twelve bits fit");
        Self { content, mode, uid: 0, gid: 0, links: 0, opens: 0, mtime }
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.content {
            Content::Bytes(_) | Content::Program => Kind::File,
            Content::Directory(_) => Kind::Directory,
            Content::Link(_) => Kind::Link,
            Content::Device(device) => Kind::Device(*device),
            Content::Fifo => Kind::Fifo,
        }
    }

    pub(super) fn size(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Program => PROGRAM_SIZE,
            Content::Directory(_) => 4096,
            Content::Link(target) => target.len() as u64,
            Content::Device(_) | Content::Fifo => 0,
        }
    }

    /// The bytes it takes from the room of its filesystem.
    pub(super) fn weight(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        }
    }

    pub(super) fn stat(&self, ino: Ino, device: u32) -> Stat {
        Stat {
            kind: self.kind(),
            mode: u32::from(self.mode),
            uid: self.uid,
            gid: self.gid,
            size: self.size(),
            mtime: self.mtime,
            links: self.links,
            ino: ino.0,
            device,
            program: matches!(self.content, Content::Program),
        }
    }
}
