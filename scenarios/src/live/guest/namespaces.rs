//! Namespaces of the kernel: making those that a guest lives in, and going into those that another guest has made.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid, sethostname};

use crate::live::parcel::Kind;
use crate::live::tap;

/// What a namespace of a kind is called.
const fn flag(kind: Kind) -> CloneFlags {
    match kind {
        Kind::User => CloneFlags::CLONE_NEWUSER,
        Kind::Net => CloneFlags::CLONE_NEWNET,
        Kind::Uts => CloneFlags::CLONE_NEWUTS,
        Kind::Ipc => CloneFlags::CLONE_NEWIPC,
        Kind::Mount => CloneFlags::CLONE_NEWNS,
    }
}

/// The file that a namespace of this process is.
const fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "/proc/self/ns/user",
        Kind::Net => "/proc/self/ns/net",
        Kind::Uts => "/proc/self/ns/uts",
        Kind::Ipc => "/proc/self/ns/ipc",
        Kind::Mount => "/proc/self/ns/mnt",
    }
}

const ALL: [Kind; 5] = [Kind::User, Kind::Net, Kind::Uts, Kind::Ipc, Kind::Mount];

/// Puts this process into new namespaces, called `hostname`; the kinds that it made. Its children will be in a new
/// namespace of processes too. Only who is not root needs a namespace of users, and is called root in it.
///
/// # Errors
/// What the system says.
pub fn make(hostname: &str) -> io::Result<Vec<Kind>> {
    let all = |kinds: &[Kind]| kinds.iter().fold(CloneFlags::CLONE_NEWPID, |flags, kind| flags | flag(*kind));
    let (user, group) = (geteuid(), getegid());
    let kinds = if user.is_root() && unshare(all(&ALL[1..])).is_ok() {
        ALL[1..].to_vec()
    } else {
        unshare(all(&ALL))?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
        ALL.to_vec()
    };
    sethostname(hostname)?;
    Ok(kinds)
}

/// The namespaces of these kinds that this process is in.
///
/// # Errors
/// What the system says.
pub fn descriptors(kinds: &[Kind]) -> io::Result<Vec<OwnedFd>> {
    kinds.iter().map(|kind| File::open(path(*kind)).map(OwnedFd::from)).collect()
}

/// Goes into namespaces. Its children will be in a new namespace of processes.
///
/// # Errors
/// What the system says.
pub fn join(namespaces: &[(Kind, OwnedFd)]) -> io::Result<()> {
    for (kind, namespace) in namespaces {
        setns(namespace.as_fd(), flag(*kind))?;
    }
    Ok(unshare(CloneFlags::CLONE_NEWPID)?)
}

/// Goes into a namespace of networks that somebody else has made: that of a process, by its number, or the one that a
/// file is. Who is not root there goes into the namespace of users that it belongs to first; the kinds gone into.
///
/// # Errors
/// What the system says.
pub fn go_into(place: &str) -> io::Result<Vec<Kind>> {
    let is_number = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
    let network =
        OwnedFd::from(File::open(if is_number { format!("/proc/{place}/ns/net") } else { place.to_owned() })?);
    match setns(&network, CloneFlags::CLONE_NEWNET) {
        Ok(()) => return Ok(vec![Kind::Net]),
        Err(Errno::EPERM) => {}
        Err(Errno::EINVAL) => return Err(io::Error::other("it is no network namespace")),
        Err(error) => return Err(error.into()),
    }
    setns(tap::owner_of(network.as_fd())?, CloneFlags::CLONE_NEWUSER)?;
    setns(&network, CloneFlags::CLONE_NEWNET)?;
    Ok(vec![Kind::User, Kind::Net])
}
