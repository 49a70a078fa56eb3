//! Trees as lists of entries, for archives, copies and shares. How an archive is written is not known here.

use super::change::{Made, ViewMut};
use super::inode::{Device, Ino, Kind, PROGRAM, Stamp};
use super::mount::{Access, Source, Volumes};
use super::path::{join, normalise, parent};
use super::tree::Tree;
use super::view::{At, TreeRef, View};
use super::{Files, Shared};
use crate::userland::Errno;

/// What an entry is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// A directory.
    Directory,
    /// A file with its bytes.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Link(String),
    /// Another name of the file with this path, which stands further up in the list.
    HardLink(String),
    /// A device.
    Device(Device),
    /// A named pipe.
    Fifo,
}

/// One thing in a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its path, relative to the top of the tree; empty for the top itself.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// When it last changed.
    pub mtime: Stamp,
    /// What it is.
    pub body: Body,
}

impl View<'_> {
    /// The thing at `path` and all below it, parents before what they hold.
    ///
    /// # Errors
    /// `NoEntry` and the like when the path leads nowhere.
    pub fn export(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let mut entries = Vec::new();
        let mut seen: Vec<((u32, u32), String)> = Vec::new();
        let top = normalise("/", path);
        self.lstat(&top)?;
        let mut todo = vec![String::new()];
        while let Some(inside) = todo.pop() {
            let full = if inside.is_empty() { top.clone() } else { join(&top, &inside) };
            let Ok(stat) = self.lstat(&full) else { continue };
            let id = (stat.device, stat.ino);
            let body = match stat.kind {
                Kind::Directory => Body::Directory,
                Kind::File if stat.links > 1 && seen.iter().any(|(known, _)| *known == id) => {
                    Body::HardLink(seen.iter().find(|(known, _)| *known == id).expect("just seen").1.clone())
                }
                Kind::File => Body::File(self.read(&full).map(|bytes| bytes.into_owned()).unwrap_or_default()),
                Kind::Link => Body::Link(self.target(&full).unwrap_or_default()),
                Kind::Device(device) => Body::Device(device),
                Kind::Fifo => Body::Fifo,
            };
            if stat.links > 1 && matches!(body, Body::File(_)) {
                seen.push((id, inside.clone()));
            }
            if body == Body::Directory {
                let names = self.list(&full).into_iter().rev();
                todo.extend(names.map(|name| if inside.is_empty() { name } else { join(&inside, &name) }));
            }
            let Entry { mode, uid, gid, mtime, .. } = Entry {
                path: String::new(),
                mode: stat.mode,
                uid: stat.uid,
                gid: stat.gid,
                mtime: stat.mtime,
                body: Body::Fifo,
            };
            entries.push(Entry { path: inside, mode, uid, gid, mtime, body });
        }
        Ok(entries)
    }
}

impl ViewMut<'_> {
    /// Puts one entry under the directory `top`, with its owner, mode and time. A file in its place is replaced, a
    /// directory stays; directories on the way are made.
    ///
    /// # Errors
    /// What is in the way, or `NoSpace`.
    pub fn import(&mut self, top: &str, entry: &Entry) -> Result<(), Errno> {
        // An entry stays below the top, whatever its path says.
        let path = join(top.trim_end_matches('/'), normalise("/", &entry.path).trim_start_matches('/'));
        let path = if entry.path.is_empty() { top.to_owned() } else { path };
        self.make_directory(parent(&path));
        let there = self.view().lstat(&path).ok();
        match (&entry.body, there.map(|stat| stat.kind)) {
            (Body::Directory, Some(Kind::Directory)) => {}
            (_, Some(Kind::Directory)) => return Err(Errno::IsDirectory),
            (_, Some(_)) => self.unlink(&path)?,
            (_, None) => {}
        }
        match &entry.body {
            Body::Directory if there.is_some_and(|stat| stat.is_directory()) => {}
            Body::Directory => self.make(&path, Made::Directory, entry.mode)?,
            // Our programs are known by their bytes, so that they can go out with a tree and come back.
            Body::File(bytes) if bytes == PROGRAM => self.make(&path, Made::Program, entry.mode)?,
            Body::File(bytes) => self.write(&path, bytes)?,
            Body::Link(target) => self.make(&path, Made::Link(target.clone()), 0o777)?,
            Body::HardLink(other) => self.hard_link(&join(top, other), &path)?,
            Body::Device(device) => self.make(&path, Made::Device(*device), entry.mode)?,
            Body::Fifo => self.make(&path, Made::Fifo, entry.mode)?,
        }
        self.set_owner(&path, Some(entry.uid), Some(entry.gid))?;
        if !matches!(entry.body, Body::Link(_)) {
            self.set_mode(&path, entry.mode)?;
            self.set_time(&path, entry.mtime)?;
        }
        Ok(())
    }
}

/// See [`Files::share`].
pub(super) fn share(files: &mut Files, path: &str, volumes: &mut Volumes) -> Result<Shared, Errno> {
    let now = files.time;
    let view = View { files, volumes: Some(volumes), kernel: None, user: None };
    let walked = match view.walk(path, true) {
        Ok(walked) if walked.at.is_some() => walked,
        Ok(_) | Err(Errno::NoEntry) => {
            ViewMut { files, volumes: Some(volumes), now, user: None }.make_directory(path);
            View { files, volumes: Some(volumes), kernel: None, user: None }.walk(path, true)?
        }
        Err(errno) => return Err(errno),
    };
    match walked.at.ok_or(Errno::NoEntry)? {
        At::Inode(TreeRef::Volume(volume), root) => return Ok(Shared { volume, root }),
        At::Generated(_) => return Err(Errno::Invalid),
        At::Inode(TreeRef::Root, Ino::ROOT) => return Err(Errno::Invalid),
        At::Inode(TreeRef::Root, _) => {}
    }
    let entries = View { files, volumes: Some(volumes), kernel: None, user: None }.export(&walked.path)?;
    let whole = matches!(entries.first(), Some(Entry { body: Body::Directory, .. }));
    let mut apart = Files { root: Tree::default(), time: now, ..Files::default() };
    let mut change = apart.view_mut();
    for entry in &entries {
        let entry = if whole { entry.clone() } else { Entry { path: "file".to_owned(), ..entry.clone() } };
        change.import("/", &entry)?;
    }
    let root = if whole { Ino::ROOT } else { apart.root.child(Ino::ROOT, "file")?.ok_or(Errno::NoEntry)? };
    let volume = volumes.adopt(apart.root);
    files.mounts.add(walked.path, Source::Volume { volume, root, access: Access::ReadWrite });
    Ok(Shared { volume, root })
}
