//! One filesystem: inodes under a root directory, within bounds. What an image brought is shared by all who began with
//! it and copied inode by inode when somebody changes it. It follows no links and knows no mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::inode::{Content, Ino, Inode, PROGRAM, Stamp, Stat};
use crate::userland::Errno;

/// The bytes of file content that a filesystem holds beside its image.
pub const BYTES_MAX: u64 = 64 << 20;

/// The inodes that a filesystem holds beside its image.
pub const INODES_MAX: usize = 65_536;

/// The longest name in a directory.
const NAME_MAX: usize = 255;

/// A filesystem.
#[derive(Clone, Debug)]
pub struct Tree {
    image: Rc<BTreeMap<Ino, Inode>>,
    own: BTreeMap<Ino, Inode>,
    /// Inodes of the image that are no more.
    gone: BTreeSet<Ino>,
    next: u32,
    used: u64,
}

impl Default for Tree {
    fn default() -> Self {
        let names = BTreeMap::new();
        let root = Inode { links: 2, ..Inode::new(Content::Directory(names), 0o755, Stamp(0)) };
        let own = BTreeMap::from([(Ino::ROOT, root)]);
        Self { image: Rc::default(), own, gone: BTreeSet::new(), next: 2, used: 0 }
    }
}

impl Tree {
    /// Makes all that is there the image: copies share it from now on.
    pub(super) fn freeze(&mut self) {
        let mut image = core::mem::take(&mut self.image);
        let inodes = Rc::make_mut(&mut image);
        inodes.append(&mut self.own);
        inodes.retain(|ino, _| !self.gone.contains(ino));
        self.gone.clear();
        self.image = image;
        self.used = 0;
    }

    /// Bytes and inodes in use beside the image.
    #[must_use]
    pub fn usage(&self) -> (u64, usize) {
        (self.used, self.own.len())
    }

    pub(super) fn inode(&self, ino: Ino) -> Option<&Inode> {
        self.own.get(&ino).or_else(|| self.image.get(&ino).filter(|_| !self.gone.contains(&ino)))
    }

    /// An inode to be changed; the image's is copied first.
    fn inode_mut(&mut self, ino: Ino) -> Option<&mut Inode> {
        if !self.own.contains_key(&ino) {
            let copy = self.inode(ino)?.clone();
            self.used += copy.weight();
            self.own.insert(ino, copy);
        }
        self.own.get_mut(&ino)
    }

    pub(super) fn stat(&self, ino: Ino, device: u32) -> Option<Stat> {
        self.inode(ino).map(|inode| inode.stat(ino, device))
    }

    /// What `name` stands for in a directory.
    pub(super) fn child(&self, directory: Ino, name: &str) -> Result<Option<Ino>, Errno> {
        match self.inode(directory).map(|inode| &inode.content) {
            Some(Content::Directory(names)) => Ok(names.get(name).copied()),
            Some(_) => Err(Errno::NotDirectory),
            None => Err(Errno::NoEntry),
        }
    }

    /// The names in a directory, in order.
    pub(super) fn names(&self, directory: Ino) -> impl Iterator<Item = (&str, Ino)> {
        let names = match self.inode(directory).map(|inode| &inode.content) {
            Some(Content::Directory(names)) => Some(names),
            _ => None,
        };
        names.into_iter().flatten().map(|(name, ino)| (&**name, *ino))
    }

    /// The bytes of a file.
    pub(in crate::userland) fn bytes(&self, ino: Ino) -> Result<&[u8], Errno> {
        match self.inode(ino).map(|inode| &inode.content) {
            Some(Content::Bytes(bytes)) => Ok(bytes),
            Some(Content::Program) => Ok(PROGRAM),
            Some(Content::Directory(_)) => Err(Errno::IsDirectory),
            Some(Content::Link(_) | Content::Device(_) | Content::Fifo) => Err(Errno::Invalid),
            None => Err(Errno::NoEntry),
        }
    }

    /// Writes into a file; what lies between its end and `offset` becomes zeros.
    pub(in crate::userland) fn write(&mut self, ino: Ino, offset: u64, data: &[u8], now: Stamp) -> Result<(), Errno> {
        let end = offset.checked_add(data.len() as u64).ok_or(Errno::NoSpace)?;
        let size = self.bytes(ino)?.len() as u64;
        self.check_room(end.saturating_sub(size))?;
        let bytes = self.bytes_mut(ino, now)?;
        let from = usize::try_from(offset).map_err(|_| Errno::NoSpace)?;
        let to = from + data.len();
        if bytes.len() < to {
            bytes.resize(to, 0);
        }
        bytes[from..to].copy_from_slice(data);
        self.used += end.saturating_sub(size);
        Ok(())
    }

    /// Makes a file so long.
    pub(in crate::userland) fn truncate(&mut self, ino: Ino, size: u64, now: Stamp) -> Result<(), Errno> {
        let before = self.bytes(ino)?.len() as u64;
        self.check_room(size.saturating_sub(before))?;
        let bytes = self.bytes_mut(ino, now)?;
        bytes.resize(usize::try_from(size).map_err(|_| Errno::NoSpace)?, 0);
        if size < before {
            bytes.shrink_to_fit();
        }
        self.used = self.used + size - before;
        Ok(())
    }

    fn check_room(&self, more: u64) -> Result<(), Errno> {
        if self.used.saturating_add(more) > BYTES_MAX { Err(Errno::NoSpace) } else { Ok(()) }
    }

    fn bytes_mut(&mut self, ino: Ino, now: Stamp) -> Result<&mut Vec<u8>, Errno> {
        let inode = self.inode_mut(ino).ok_or(Errno::NoEntry)?;
        inode.mtime = now;
        if matches!(inode.content, Content::Program) {
            inode.content = Content::Bytes(Vec::new());
        }
        match &mut inode.content {
            Content::Bytes(bytes) => Ok(bytes),
            Content::Directory(_) => Err(Errno::IsDirectory),
            _ => Err(Errno::Invalid),
        }
    }

    /// Makes something new under a name that is free.
    pub(super) fn create(
        &mut self,
        directory: Ino,
        name: &str,
        content: Content,
        mode: u32,
        now: Stamp,
    ) -> Result<Ino, Errno> {
        if self.own.len() >= INODES_MAX {
            return Err(Errno::NoSpace);
        }
        let ino = Ino(self.next);
        let is_directory = matches!(content, Content::Directory(_));
        let links = u32::from(is_directory);
        self.own.insert(ino, Inode { links, ..Inode::new(content, mode, now) });
        self.next += 1;
        match self.link(directory, name, ino, now) {
            Ok(()) => Ok(ino),
            Err(errno) => {
                self.own.remove(&ino);
                Err(errno)
            }
        }
    }

    /// Gives an inode one more name.
    pub(super) fn link(&mut self, directory: Ino, name: &str, ino: Ino, now: Stamp) -> Result<(), Errno> {
        if name.len() > NAME_MAX {
            return Err(Errno::NameTooLong);
        }
        if self.child(directory, name)?.is_some() {
            return Err(Errno::Exists);
        }
        let inode = self.inode_mut(ino).ok_or(Errno::NoEntry)?;
        inode.links += 1;
        let is_directory = matches!(inode.content, Content::Directory(_));
        self.change_names(directory, now, |names| names.insert(Rc::from(name), ino));
        if is_directory {
            self.inode_mut(directory).expect("it was just changed").links += 1;
        }
        Ok(())
    }

    /// Takes a name away, and what it stood for when that was its last and nobody has it open.
    pub(super) fn unlink(&mut self, directory: Ino, name: &str, now: Stamp) -> Result<(), Errno> {
        let ino = self.child(directory, name)?.ok_or(Errno::NoEntry)?;
        let inode = self.inode_mut(ino).ok_or(Errno::NoEntry)?;
        inode.links = inode.links.saturating_sub(1);
        let is_directory = matches!(inode.content, Content::Directory(_));
        if is_directory {
            inode.links = inode.links.saturating_sub(1);
        }
        self.change_names(directory, now, |names| names.remove(name));
        if is_directory {
            let above = self.inode_mut(directory).expect("it was just changed");
            above.links = above.links.saturating_sub(1);
        }
        self.forget_unused(ino);
        Ok(())
    }

    /// Takes a name for what is about to get another one.
    pub(super) fn detach(&mut self, directory: Ino, name: &str, now: Stamp) -> Result<Ino, Errno> {
        let ino = self.child(directory, name)?.ok_or(Errno::NoEntry)?;
        let inode = self.inode_mut(ino).ok_or(Errno::NoEntry)?;
        inode.links -= 1;
        let is_directory = matches!(inode.content, Content::Directory(_));
        self.change_names(directory, now, |names| names.remove(name));
        if is_directory {
            self.inode_mut(directory).expect("it was just changed").links -= 1;
        }
        Ok(ino)
    }

    fn change_names<T>(&mut self, directory: Ino, now: Stamp, change: impl FnOnce(&mut BTreeMap<Rc<str>, Ino>) -> T) {
        let inode = self.inode_mut(directory).expect("its names were just read");
        inode.mtime = now;
        if let Content::Directory(names) = &mut inode.content {
            change(names);
        }
    }

    fn forget_unused(&mut self, ino: Ino) {
        let unused = |inode: &Inode| inode.links == 0 && inode.opens == 0;
        if !self.inode(ino).is_some_and(unused) {
            return;
        }
        if let Some(inode) = self.own.remove(&ino) {
            self.used -= inode.weight();
        }
        if self.image.contains_key(&ino) {
            self.gone.insert(ino);
        }
    }

    /// One more handle is open on an inode. What is the image's need not be counted: it stays as long as the image.
    pub(in crate::userland) fn open(&mut self, ino: Ino) {
        if let Some(inode) = self.own.get_mut(&ino) {
            inode.opens += 1;
        }
    }

    /// A handle was closed.
    pub(in crate::userland) fn close(&mut self, ino: Ino) {
        if let Some(inode) = self.own.get_mut(&ino) {
            inode.opens = inode.opens.saturating_sub(1);
            self.forget_unused(ino);
        }
    }

    /// Changes owner, mode or time.
    pub(super) fn change(&mut self, ino: Ino, change: impl FnOnce(&mut Inode)) -> Result<(), Errno> {
        self.inode_mut(ino).map(change).ok_or(Errno::NoEntry)
    }
}
