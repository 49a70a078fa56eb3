//! Looking at the files of a place: paths are walked through links and mounts to what they stand for.

use std::borrow::Cow;

use super::super::process::Kernel;
use super::Files;
use super::generated::{Found, Generator};
use super::inode::{Content, Ino, Kind, Stamp, Stat};
use super::mount::{Access, Source, VolumeId, Volumes};
use super::path::{self, join, normalise};
use super::tree::Tree;
use crate::userland::Errno;
use crate::userland::user::{User, Want};

/// Links that are followed in one path before Linux gives up.
const LINKS_MAX: u32 = 40;

/// The longest path.
const PATH_MAX: usize = 4096;

/// One of the filesystems of a place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::userland) enum TreeRef {
    /// Its own.
    Root,
    /// A volume that is mounted there.
    Volume(VolumeId),
}

/// Where a path leads.
#[derive(Clone, Copy, Debug)]
pub(in crate::userland) enum At {
    /// To an inode.
    Inode(TreeRef, Ino),
    /// Into generated files.
    Generated(&'static Generator),
}

/// A path that was walked.
#[derive(Clone, Debug)]
pub(in crate::userland) struct Walked {
    /// The path without links, absolute.
    pub(in crate::userland) path: String,
    /// What is there; none when only the last name is missing.
    pub(in crate::userland) at: Option<At>,
    /// The directory it lies in.
    pub(in crate::userland) above: At,
    /// Where the innermost mount begins in the path.
    mount: usize,
    /// Whether that mount takes changes.
    pub(in crate::userland) access: Access,
}

impl Walked {
    /// The last name of the path.
    pub(in crate::userland) fn name(&self) -> &str {
        path::base(&self.path)
    }

    /// The parts of the path below its mount.
    pub(in crate::userland) fn parts(&self) -> Vec<&str> {
        below(&self.path, self.mount)
    }

    /// Whether a mount begins right here.
    pub(in crate::userland) fn is_mount(&self) -> bool {
        self.mount == self.path.len() && self.mount > 1
    }
}

/// The parts of a path below a mount of that length.
fn below(path: &str, mount: usize) -> Vec<&str> {
    path[mount..].split('/').filter(|part| !part.is_empty()).collect()
}

/// The files of a place, to be looked at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(super) files: &'a Files,
    pub(super) volumes: Option<&'a Volumes>,
    pub(super) kernel: Option<Kernel<'a>>,
    /// Who looks, where that is not root.
    pub(super) user: Option<&'a User>,
}

/// One step of a walk: the path so far, what is there, and where its mount began.
#[derive(Clone)]
struct Pace {
    size: usize,
    at: At,
    mount: usize,
    access: Access,
}

impl<'a> View<'a> {
    /// The files of a place with the volumes and the kernel behind its mounts.
    #[must_use]
    pub(in crate::userland) fn new(files: &'a Files, volumes: &'a Volumes, kernel: Kernel<'a>) -> Self {
        let user = Some(kernel.user()).filter(|user| !user.is_root());
        Self { files, volumes: Some(volumes), kernel: Some(kernel), user }
    }

    /// The same without a kernel: generated files are not seen.
    #[must_use]
    pub(in crate::userland) const fn stored(files: &'a Files, volumes: &'a Volumes) -> Self {
        Self { files, volumes: Some(volumes), kernel: None, user: None }
    }

    pub(super) fn tree(&self, tree: TreeRef) -> Option<&'a Tree> {
        match tree {
            TreeRef::Root => Some(&self.files.root),
            TreeRef::Volume(id) => self.volumes.and_then(|volumes| volumes.tree(id)),
        }
    }

    /// Whether who looks may do what it wants with an inode.
    pub(super) fn check(&self, want: Want, tree: TreeRef, ino: Ino) -> Result<(), Errno> {
        let Some(user) = self.user else { return Ok(()) };
        let inode = self.tree(tree).and_then(|tree| tree.inode(ino)).ok_or(Errno::NoEntry)?;
        let may = user.may(want, (inode.uid, inode.gid), u32::from(inode.mode));
        if may { Ok(()) } else { Err(Errno::AccessDenied) }
    }

    /// Whether who looks may do what it wants with what is at `path`.
    ///
    /// # Errors
    /// `AccessDenied`, and as for `stat`.
    pub fn access(&self, want: Want, path: &str) -> Result<(), Errno> {
        match self.walk(path, true)?.at.ok_or(Errno::NoEntry)? {
            At::Inode(tree, ino) => self.check(want, tree, ino),
            At::Generated(_) => Ok(()),
        }
    }

    /// Walks an absolute path; the last name may be missing. `follow` says whether a link at the end is followed.
    pub(in crate::userland) fn walk(&self, path: &str, follow: bool) -> Result<Walked, Errno> {
        if path.len() > PATH_MAX {
            return Err(Errno::NameTooLong);
        }
        let top = self.pace("/", At::Inode(TreeRef::Root, Ino::ROOT), 1, Access::ReadWrite);
        let mut paces = vec![top];
        let mut here = String::from("/");
        let mut todo: Vec<Cow<'_, str>> = path.split('/').rev().map(Cow::Borrowed).collect();
        let mut links = 0;
        while let Some(name) = todo.pop() {
            let pace = paces.last().expect("the top stays");
            match &*name {
                "" | "." => continue,
                ".." => {
                    if paces.len() > 1 {
                        paces.pop();
                    }
                    here.truncate(paces.last().expect("the top stays").size);
                    continue;
                }
                _ => {}
            }
            let above = here.len();
            path::descend(&mut here, &name);
            let Some(pace) = self.descend(pace, &here, &name)? else {
                let last = todo.iter().all(|part| part.is_empty());
                return if last { Ok(self.missing(pace, here)) } else { Err(Errno::NoEntry) };
            };
            if let Some(target) = self.link_at(&pace, &here).filter(|_| follow || !todo.is_empty()) {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::TooManyLinks);
                }
                here.truncate(above);
                if target.starts_with('/') {
                    paces.truncate(1);
                    here.truncate(1);
                }
                todo.extend(target.split('/').rev().map(|part| Cow::Owned(part.to_owned())));
                continue;
            }
            paces.push(pace);
        }
        let end = paces.pop().expect("the top stays");
        let above = paces.last().map_or(end.at, |pace| pace.at);
        if path.ends_with('/') && !self.is_directory_at(&end, &here) {
            return Err(Errno::NotDirectory);
        }
        Ok(Walked { path: here, at: Some(end.at), above, mount: end.mount, access: end.access })
    }

    fn missing(&self, above: &Pace, path: String) -> Walked {
        Walked { path, at: None, above: above.at, mount: above.mount, access: above.access }
    }

    fn pace(&self, path: &str, at: At, mount: usize, access: Access) -> Pace {
        match self.files.mounts.at(path) {
            Some(Source::Generated(generator)) => {
                Pace { size: path.len(), at: At::Generated(generator), mount: path.len(), access: Access::ReadWrite }
            }
            Some(Source::Volume { volume, root, access }) => {
                let at = At::Inode(TreeRef::Volume(*volume), *root);
                Pace { size: path.len(), at, mount: path.len(), access: *access }
            }
            None => Pace { size: path.len(), at, mount, access },
        }
    }

    /// One name further down; none when it is not there.
    fn descend(&self, pace: &Pace, path: &str, name: &str) -> Result<Option<Pace>, Errno> {
        if self.files.mounts.at(path).is_some() {
            return Ok(Some(self.pace(path, pace.at, pace.mount, pace.access)));
        }
        let at = match pace.at {
            At::Inode(tree, directory) => {
                let found = self.tree(tree).ok_or(Errno::NoEntry)?.child(directory, name)?;
                self.check(Want::Search, tree, directory)?;
                found.map(|ino| At::Inode(tree, ino))
            }
            At::Generated(generator) => {
                self.found(generator, &below(path, pace.mount)).map(|_| At::Generated(generator))
            }
        };
        Ok(at.map(|at| Pace { size: path.len(), at, mount: pace.mount, access: pace.access }))
    }

    pub(in crate::userland) fn found(&self, generator: &Generator, parts: &[&str]) -> Option<Found> {
        (generator.find)(self.kernel.as_ref()?, parts)
    }

    /// The target of the link at a pace, if there is one.
    fn link_at(&self, pace: &Pace, path: &str) -> Option<String> {
        match pace.at {
            At::Inode(tree, ino) => match &self.tree(tree)?.inode(ino)?.content {
                Content::Link(target) => Some(target.to_string()),
                _ => None,
            },
            At::Generated(generator) => {
                match self.found(generator, &below(path, pace.mount))? {
                    // What such a link names may be no path at all, as `net:[4026531840]`.
                    Found::Link(target) if !target.contains(":[") => Some(target),
                    _ => None,
                }
            }
        }
    }

    fn is_directory_at(&self, pace: &Pace, path: &str) -> bool {
        match pace.at {
            At::Inode(tree, ino) => {
                self.tree(tree).and_then(|tree| tree.inode(ino)).is_some_and(|inode| inode.kind() == Kind::Directory)
            }
            At::Generated(generator) => {
                matches!(self.found(generator, &below(path, pace.mount)), Some(Found::Directory(_)))
            }
        }
    }

    /// What is at `path`, links followed.
    ///
    /// # Errors
    /// `NoEntry`, `NotDirectory`, `TooManyLinks`, `NameTooLong`.
    pub fn stat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_walked(&self.walk(path, true)?)
    }

    /// The same, and where the links on the way led.
    ///
    /// # Errors
    /// As for `stat`.
    pub fn locate(&self, path: &str) -> Result<(Stat, String), Errno> {
        let walked = self.walk(path, true)?;
        Ok((self.stat_walked(&walked)?, walked.path))
    }

    /// What is at `path`; of a link, the link itself.
    ///
    /// # Errors
    /// As for `stat`.
    pub fn lstat(&self, path: &str) -> Result<Stat, Errno> {
        self.stat_walked(&self.walk(path, false)?)
    }

    fn stat_walked(&self, walked: &Walked) -> Result<Stat, Errno> {
        match walked.at.ok_or(Errno::NoEntry)? {
            At::Inode(tree, ino) => {
                let device = match tree {
                    TreeRef::Root => 0,
                    TreeRef::Volume(id) => 16 + id.0,
                };
                self.tree(tree).and_then(|tree| tree.stat(ino, device)).ok_or(Errno::NoEntry)
            }
            At::Generated(generator) => {
                let found = self.found(generator, &walked.parts()).ok_or(Errno::NoEntry)?;
                let now = self.kernel.map_or(0, |kernel| kernel.epoch().unix_nanos(kernel.now()));
                Ok(generated_stat(&found, &walked.path, Stamp(now)))
            }
        }
    }

    /// The bytes of the file at `path`, links followed.
    ///
    /// # Errors
    /// As for `stat`; `IsDirectory` when it is one.
    pub fn read(&self, path: &str) -> Result<Cow<'a, [u8]>, Errno> {
        let walked = self.walk(path, true)?;
        match walked.at.ok_or(Errno::NoEntry)? {
            At::Inode(tree, ino) => {
                self.check(Want::Read, tree, ino)?;
                let tree = self.tree(tree).ok_or(Errno::NoEntry)?;
                match tree.inode(ino).map(|inode| inode.kind()) {
                    Some(Kind::Device(_) | Kind::Fifo) => Ok(Cow::Borrowed(&[])),
                    _ => tree.bytes(ino).map(Cow::Borrowed),
                }
            }
            At::Generated(generator) => match self.found(generator, &walked.parts()).ok_or(Errno::NoEntry)? {
                Found::File { text, .. } => Ok(Cow::Owned(text.into_bytes())),
                Found::Directory(_) => Err(Errno::IsDirectory),
                Found::Link(_) => Err(Errno::NoEntry),
            },
        }
    }

    /// The text of the file at `path`, empty when there is none.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        self.read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// Whether something is at `path`, links followed.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.stat(path).is_ok()
    }

    /// Whether `path` is a directory.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        self.stat(path).is_ok_and(|stat| stat.is_directory())
    }

    /// The names directly in the directory `path`, in order.
    #[must_use]
    pub fn list(&self, path: &str) -> Vec<String> {
        let Ok(walked) = self.walk(path, true) else { return Vec::new() };
        let mut names: Vec<String> = match walked.at {
            Some(At::Inode(tree, ino)) => self
                .tree(tree)
                .map(|tree| tree.names(ino).map(|(name, _)| name.to_owned()).collect())
                .unwrap_or_default(),
            Some(At::Generated(generator)) => match self.found(generator, &walked.parts()) {
                Some(Found::Directory(names)) => names,
                _ => Vec::new(),
            },
            None => Vec::new(),
        };
        let mounted = self.files.mounts.iter().filter(|(at, _)| path::parent(at) == walked.path && *at != "/");
        names.extend(mounted.map(|(at, _)| path::base(at).to_owned()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The target of the symbolic link at `path`.
    #[must_use]
    pub fn target(&self, path: &str) -> Option<String> {
        let walked = self.walk(path, false).ok()?;
        match walked.at? {
            At::Inode(tree, ino) => match &self.tree(tree)?.inode(ino)?.content {
                Content::Link(target) => Some(target.to_string()),
                _ => None,
            },
            At::Generated(generator) => match self.found(generator, &walked.parts())? {
                Found::Link(target) => Some(target),
                _ => None,
            },
        }
    }

    /// Where `path` leads when every link on the way is followed; what is not there is kept as it is written.
    #[must_use]
    pub fn resolve(&self, path: &str) -> String {
        self.resolve_within(path, LINKS_MAX)
    }

    /// The same with at most so many links that lead nowhere.
    fn resolve_within(&self, path: &str, links: u32) -> String {
        if let Ok(walked) = self.walk(path, true) {
            return walked.path;
        }
        let path = normalise("/", path);
        let parent = path::parent(&path);
        match self.target(&path) {
            _ if path == "/" || links == 0 => path,
            Some(target) => self.resolve_within(&normalise(parent, &target), links - 1),
            None => join(&self.resolve_within(parent, links - 1), path::base(&path)),
        }
    }

    /// What is mounted, as device, path and kind.
    pub fn mounts(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files.mounts.iter().map(|(path, source)| match source {
            Source::Generated(generator) => (path, generator.name),
            Source::Volume { .. } => (path, "ext4"),
        })
    }

    /// Bytes and inodes in use on the filesystem that `path` lies on, beside its image.
    #[must_use]
    pub fn usage(&self, path: &str) -> (u64, usize) {
        let tree = self.walk(path, true).ok().and_then(|walked| match walked.at {
            Some(At::Inode(tree, _)) => self.tree(tree),
            _ => None,
        });
        tree.map(Tree::usage).unwrap_or_default()
    }
}

fn generated_stat(found: &Found, path: &str, mtime: Stamp) -> Stat {
    let (kind, mode, size) = match found {
        Found::Directory(_) => (Kind::Directory, 0o555, 0),
        Found::File { write: Ok(()) | Err(Errno::ReadOnly), .. } => (Kind::File, 0o644, 0),
        Found::File { write: Err(_), .. } => (Kind::File, 0o444, 0),
        Found::Link(_) => (Kind::Link, 0o777, 0),
    };
    let ino = u32::try_from(crate::rng::fnv1a(path.as_bytes()) & 0x7fff_ffff).expect("31 bits fit");
    Stat { kind, mode, uid: 0, gid: 0, size, mtime, links: 1, ino, device: 5, program: false }
}
