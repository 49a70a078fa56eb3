//! Changing the files of a place, by path.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Files;
use super::inode::{Content, Device, Ino, Kind, Stamp};
use super::mount::{Access, Volumes};
use super::path::{base, join, parent};
use super::tree::Tree;
use super::view::{At, TreeRef, View, Walked};
use crate::userland::Errno;
use crate::userland::user::{User, Want};

/// The files of a place, to be changed.
pub struct ViewMut<'a> {
    pub(super) files: &'a mut Files,
    pub(super) volumes: Option<&'a mut Volumes>,
    pub(super) now: Stamp,
    /// Who changes them, where that is not root.
    pub(super) user: Option<User>,
}

/// Only owners may take away what is in such a directory.
const STICKY: u16 = 0o1000;

/// What can be made at a path that is free.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Made {
    /// An empty file.
    File,
    /// A program of the place.
    Program,
    /// An empty directory.
    Directory,
    /// A symbolic link to this.
    Link(String),
    /// A device.
    Device(Device),
    /// A named pipe.
    Fifo,
}

impl<'a> ViewMut<'a> {
    /// The files of a place with the volumes that are mounted there, at this time.
    pub(in crate::userland) const fn new(files: &'a mut Files, volumes: &'a mut Volumes, now: Stamp) -> Self {
        Self { files, volumes: Some(volumes), now, user: None }
    }

    /// The same as this user changes them.
    #[must_use]
    pub(in crate::userland) fn by(self, user: Option<User>) -> Self {
        Self { user, ..self }
    }

    /// The same, to be looked at. Generated files are not seen this way.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { files: self.files, volumes: self.volumes.as_deref(), kernel: None, user: self.user.as_ref() }
    }

    fn tree(&mut self, tree: TreeRef) -> Result<&mut Tree, Errno> {
        match tree {
            TreeRef::Root => Ok(&mut self.files.root),
            TreeRef::Volume(id) => self.volumes.as_deref_mut().and_then(|v| v.tree_mut(id)).ok_or(Errno::NoEntry),
        }
    }

    /// Walks to something that may be changed.
    fn walk(&self, path: &str, follow: bool) -> Result<Walked, Errno> {
        let walked = self.view().walk(path, follow)?;
        if walked.access == Access::ReadOnly { Err(Errno::ReadOnly) } else { Ok(walked) }
    }

    /// The directory that a new name would stand in.
    fn directory_of(walked: &Walked) -> Result<(TreeRef, Ino), Errno> {
        match walked.above {
            At::Inode(tree, ino) => Ok((tree, ino)),
            At::Generated(_) => Err(Errno::NotPermitted),
        }
    }

    /// The same when something may be put there or taken away.
    fn open_directory(&self, walked: &Walked) -> Result<(TreeRef, Ino), Errno> {
        let (tree, directory) = Self::directory_of(walked)?;
        self.view().check(Want::Write, tree, directory)?;
        Ok((tree, directory))
    }

    /// Whether what is at the end of a walk may lose its name.
    fn check_removal(&self, walked: &Walked) -> Result<(), Errno> {
        let (tree, directory) = self.open_directory(walked)?;
        let (Some(user), (_, ino)) = (&self.user, Self::inode_of(walked)?) else { return Ok(()) };
        let view = self.view();
        let tree = view.tree(tree).ok_or(Errno::NoEntry)?;
        let (above, inode) = (tree.inode(directory).ok_or(Errno::NoEntry)?, tree.inode(ino).ok_or(Errno::NoEntry)?);
        let free = above.mode & STICKY == 0 || user.owns(above.uid) || user.owns(inode.uid);
        if free { Ok(()) } else { Err(Errno::NotPermitted) }
    }

    /// Whether this user owns something.
    fn check_owner(&self, (tree, ino): (TreeRef, Ino)) -> Result<(), Errno> {
        let view = self.view();
        let inode = view.tree(tree).and_then(|tree| tree.inode(ino)).ok_or(Errno::NoEntry)?;
        let owns = self.user.as_ref().is_none_or(|user| user.owns(inode.uid));
        if owns { Ok(()) } else { Err(Errno::NotPermitted) }
    }

    /// Makes something that belongs to this user where nothing is.
    fn create(&mut self, walked: &Walked, content: Content, mode: u32) -> Result<(TreeRef, Ino), Errno> {
        let (tree_ref, directory) = self.open_directory(walked)?;
        let (now, owner) = (self.now, self.user.as_ref().map(|user| (user.uid, user.gid)));
        let tree = self.tree(tree_ref)?;
        let ino = tree.create(directory, walked.name(), content, mode, now)?;
        if let Some(owner) = owner {
            tree.change(ino, |inode| (inode.uid, inode.gid) = owner)?;
        }
        Ok((tree_ref, ino))
    }

    fn inode_of(walked: &Walked) -> Result<(TreeRef, Ino), Errno> {
        match walked.at.ok_or(Errno::NoEntry)? {
            At::Inode(tree, ino) => Ok((tree, ino)),
            At::Generated(_) => Err(Errno::NotPermitted),
        }
    }

    /// The file at `path` for writing, made with `mode` when it is not there.
    ///
    /// # Errors
    /// `NoEntry` when its directory is not there, `IsDirectory`, `ReadOnly`, `NoSpace` and the like.
    pub(in crate::userland) fn open(&mut self, path: &str, mode: u32) -> Result<(TreeRef, Ino), Errno> {
        let walked = self.walk(path, true)?;
        if walked.at.is_some() {
            let (tree, ino) = Self::inode_of(&walked)?;
            return match self.tree(tree)?.inode(ino).map(|inode| inode.kind()) {
                Some(Kind::Directory) => Err(Errno::IsDirectory),
                _ => self.view().check(Want::Write, tree, ino).map(|()| (tree, ino)),
            };
        }
        self.create(&walked, Content::Bytes(Vec::new()), mode)
    }

    /// Replaces the file at `path`, making it when it is not there.
    ///
    /// # Errors
    /// As for `open`.
    pub fn write(&mut self, path: &str, bytes: impl AsRef<[u8]>) -> Result<(), Errno> {
        let (tree, ino) = self.open(path, 0o644)?;
        let now = self.now;
        let tree = self.tree(tree)?;
        tree.truncate(ino, 0, now)?;
        tree.write(ino, 0, bytes.as_ref(), now)
    }

    /// Adds to the end of the file at `path`, making it when it is not there.
    ///
    /// # Errors
    /// As for `write`.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), Errno> {
        let (tree, ino) = self.open(path, 0o644)?;
        let now = self.now;
        let tree = self.tree(tree)?;
        let end = tree.bytes(ino)?.len() as u64;
        tree.write(ino, end, bytes, now)
    }

    /// Makes the file at `path` so long.
    ///
    /// # Errors
    /// As for `write`.
    pub fn truncate(&mut self, path: &str, size: u64) -> Result<(), Errno> {
        let (tree, ino) = Self::inode_of(&self.walk(path, true)?)?;
        self.view().check(Want::Write, tree, ino)?;
        let now = self.now;
        self.tree(tree)?.truncate(ino, size, now)
    }

    /// Makes something at a path that is free.
    ///
    /// # Errors
    /// `Exists` when it is not free, `NoEntry` when its directory is not there, and the like.
    pub fn make(&mut self, path: &str, what: Made, mode: u32) -> Result<(), Errno> {
        let path = if what == Made::Directory { path.trim_end_matches('/') } else { path };
        let walked = self.walk(path, false)?;
        if walked.at.is_some() {
            return Err(Errno::Exists);
        }
        let content = match what {
            Made::File => Content::Bytes(Vec::new()),
            Made::Program => Content::Program,
            Made::Directory => Content::Directory(BTreeMap::new()),
            Made::Link(target) => Content::Link(Rc::from(target)),
            Made::Device(device) => Content::Device(device),
            Made::Fifo => Content::Fifo,
        };
        self.create(&walked, content, mode).map(|_| ())
    }

    /// Makes the directory at `path` and those above it, as far as nothing else is in the way.
    pub fn make_directory(&mut self, path: &str) {
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            at.push('/');
            at.push_str(part);
            // What is there already is fine; what cannot be made shows when it is used.
            let _ = self.make(&at, Made::Directory, 0o755);
        }
    }

    /// Makes a symbolic link at `path`, in the place of what was there.
    pub fn link(&mut self, path: &str, target: &str) {
        self.make_directory(parent(path));
        let _ = self.unlink(path);
        let _ = self.make(path, Made::Link(target.to_owned()), 0o777);
    }

    /// Gives the file at `from` one more name.
    ///
    /// # Errors
    /// `CrossDevice`, `NotPermitted` for directories, `Exists`, `NoEntry` and the like.
    pub fn hard_link(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (tree, ino) = Self::inode_of(&self.walk(from, false)?)?;
        if self.tree(tree)?.inode(ino).is_some_and(|inode| inode.kind() == Kind::Directory) {
            return Err(Errno::NotPermitted);
        }
        let walked = self.walk(to, false)?;
        if walked.at.is_some() {
            return Err(Errno::Exists);
        }
        self.check_owner((tree, ino))?;
        let (other, directory) = self.open_directory(&walked)?;
        if other != tree {
            return Err(Errno::CrossDevice);
        }
        let now = self.now;
        self.tree(tree)?.link(directory, walked.name(), ino, now)
    }

    /// Takes away the name `path` of something that is no directory.
    ///
    /// # Errors
    /// `NoEntry`, `IsDirectory`, `Busy` and the like.
    pub fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        self.take_away(path, |kind, _| if kind == Kind::Directory { Err(Errno::IsDirectory) } else { Ok(()) })
    }

    /// Takes away the empty directory at `path`.
    ///
    /// # Errors
    /// `NotEmpty`, `NotDirectory`, `NoEntry`, `Busy` and the like.
    pub fn remove_directory(&mut self, path: &str) -> Result<(), Errno> {
        self.take_away(path.trim_end_matches('/'), |kind, empty| match (kind, empty) {
            (Kind::Directory, true) => Ok(()),
            (Kind::Directory, false) => Err(Errno::NotEmpty),
            _ => Err(Errno::NotDirectory),
        })
    }

    fn take_away(&mut self, path: &str, check: impl FnOnce(Kind, bool) -> Result<(), Errno>) -> Result<(), Errno> {
        let walked = self.walk(path, false)?;
        if walked.is_mount() || walked.path == "/" {
            return Err(Errno::Busy);
        }
        let (tree, ino) = Self::inode_of(&walked)?;
        let (tree, directory) = (self.tree(tree)?, Self::directory_of(&walked)?.1);
        let kind = tree.inode(ino).ok_or(Errno::NoEntry)?.kind();
        let empty = tree.names(ino).next().is_none();
        self.check_removal(&walked)?;
        check(kind, empty)?;
        let now = self.now;
        self.tree(Self::inode_of(&walked)?.0)?.unlink(directory, walked.name(), now)
    }

    /// Removes what is at `path` and all below it; false when nothing was there or something could not be removed.
    pub fn remove(&mut self, path: &str) -> bool {
        let Ok(stat) = self.view().lstat(path) else { return false };
        if !stat.is_directory() {
            return self.unlink(path).is_ok();
        }
        let names = self.view().list(path);
        let mut all = true;
        for name in names {
            all &= self.remove(&join(path, &name));
        }
        self.remove_directory(path).is_ok() && all
    }

    /// Gives what is at `from` the path `to` instead, in the place of what was there.
    ///
    /// # Errors
    /// `CrossDevice`, `NoEntry`, `NotEmpty`, `Invalid` for a directory into itself, and the like.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (source, target) = (self.walk(from, false)?, self.walk(to.trim_end_matches('/'), false)?);
        let (tree, ino) = Self::inode_of(&source)?;
        let (other, directory) = Self::directory_of(&target)?;
        if source.is_mount() || target.is_mount() {
            return Err(Errno::Busy);
        }
        if tree != other {
            return Err(Errno::CrossDevice);
        }
        if target.path.strip_prefix(&source.path).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Errno::Invalid);
        }
        if source.path == target.path {
            return Ok(());
        }
        self.check_removal(&source)?;
        self.open_directory(&target)?;
        let is_directory = self.tree(tree)?.inode(ino).is_some_and(|inode| inode.kind() == Kind::Directory);
        match (is_directory, target.at.and_then(|_| self.view().lstat(to).ok()).map(|stat| stat.is_directory())) {
            (true, Some(false)) => return Err(Errno::NotDirectory),
            (false, Some(true)) => return Err(Errno::IsDirectory),
            (true, Some(true)) => self.remove_directory(&target.path)?,
            (false, Some(false)) => self.unlink(&target.path)?,
            (_, None) => {}
        }
        let (now, from_directory) = (self.now, Self::directory_of(&source)?.1);
        let tree = self.tree(tree)?;
        let ino = tree.detach(from_directory, source.name(), now)?;
        tree.link(directory, target.name(), ino, now)
    }

    /// Changes permissions.
    ///
    /// # Errors
    /// `NoEntry`, `NotPermitted` and the like.
    pub fn set_mode(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        let mode = u16::try_from(mode & 0o7777).expect("twelve bits fit");
        self.check_owner(Self::inode_of(&self.walk(path, true)?)?)?;
        self.change(path, true, |inode| inode.mode = mode)
    }

    /// Changes owner and group, where they are given.
    ///
    /// # Errors
    /// `NoEntry` and the like.
    pub fn set_owner(&mut self, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        if let Some(user) = &self.user {
            self.check_owner(Self::inode_of(&self.walk(path, false)?)?)?;
            let given = uid.is_some_and(|uid| uid != user.uid) || gid.is_some_and(|gid| !user.is_in(gid));
            if given {
                return Err(Errno::NotPermitted);
            }
        }
        self.change(path, false, |inode| {
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
        })
    }

    /// Changes the time of the last change.
    ///
    /// # Errors
    /// `NoEntry` and the like.
    pub fn set_time(&mut self, path: &str, time: Stamp) -> Result<(), Errno> {
        let (tree, ino) = Self::inode_of(&self.walk(path, true)?)?;
        self.check_owner((tree, ino)).or_else(|_| self.view().check(Want::Write, tree, ino))?;
        self.change(path, true, |inode| inode.mtime = time)
    }

    fn change(&mut self, path: &str, follow: bool, change: impl FnOnce(&mut super::inode::Inode)) -> Result<(), Errno> {
        let (tree, ino) = Self::inode_of(&self.walk(path, follow)?)?;
        self.tree(tree)?.change(ino, change)
    }

    /// The present, for what is changed here.
    #[must_use]
    pub const fn now(&self) -> Stamp {
        self.now
    }

    /// A path in the directory `directory` for something called like `path`.
    #[must_use]
    pub fn inside(directory: &str, path: &str) -> String {
        join(directory, base(path))
    }
}
