//! What is said of a path in a container, in a header: JSON in base 64, with a mode as Go has it.

use netyard_sim::userland::base64;
use netyard_sim::userland::files::Kind;
use serde::{Deserialize, Serialize};

/// The name of the header.
pub(crate) const PATH_STAT: &str = "X-Docker-Container-Path-Stat";

/// The bit of a directory in a mode as Go has it.
const GO_DIRECTORY: u32 = 1 << 31;
/// The bit of a symbolic link.
const GO_LINK: u32 = 1 << 27;
/// The bits of a device.
const GO_DEVICE: u32 = 1 << 26 | 1 << 21;
/// The bit of a named pipe.
const GO_FIFO: u32 = 1 << 25;
/// The bit of what is none of these.
const GO_IRREGULAR: u32 = 1 << 19;
/// Those of setuid, setgid and the sticky bit, each with the bit that Linux has for it.
const GO_SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
/// What is at a path.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathStat {
    /// The last part of its name.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its mode as Go has it.
    pub(crate) mode: u32,
    /// When it was changed.
    pub(crate) mtime: String,
    /// Where a symbolic link leads.
    pub(crate) link_target: String,
}

impl PathStat {
    /// As the header has it.
    pub(crate) fn encoded(&self) -> String {
        base64::encode(&serde_json::to_vec(self).expect("its fields are text and numbers"))
    }

    /// What a header says, if it can be read.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&base64::decode(text)?).ok()
    }

    /// Whether it is a directory.
    pub(crate) const fn is_directory(&self) -> bool {
        self.mode & GO_DIRECTORY != 0
    }

    /// Whether it is a symbolic link.
    pub(crate) const fn is_link(&self) -> bool {
        self.mode & GO_LINK != 0
    }
}

/// What is wrong with something of this mode as an end of a copy: only directories and files are copied to.
pub(crate) const fn check_kind(mode: u32) -> Result<(), &'static str> {
    match mode {
        mode if mode & (1 << 26) != 0 => Err("got a device"),
        mode if mode & GO_IRREGULAR != 0 => Err("got an irregular file"),
        _ => Ok(()),
    }
}

/// A mode as Go has it.
pub(crate) fn go_mode(kind: Kind, mode: u32) -> u32 {
    let kind = match kind {
        Kind::Directory => GO_DIRECTORY,
        Kind::Link => GO_LINK,
        Kind::Device(_) => GO_DEVICE,
        Kind::Fifo => GO_FIFO,
        Kind::File => 0,
    };
    let special = GO_SPECIAL.iter().filter(|(linux, _)| mode & linux != 0).map(|(_, go)| go).sum::<u32>();
    kind | special | mode & 0o777
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_path_can_be_read() {
        let stat = PathStat {
            name: "etc".into(),
            size: 4096,
            mode: go_mode(Kind::Directory, 0o1755),
            mtime: "2026-01-01T00:00:00Z".into(),
            link_target: String::new(),
        };
        assert!(stat.is_directory() && !stat.is_link() && stat.mode & 0o777 == 0o755);
        assert_eq!(PathStat::decode(&stat.encoded()), Some(stat));
    }
}
