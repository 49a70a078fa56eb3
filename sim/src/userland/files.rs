//! A bounded in-memory filesystem for each place: what programs see as `/`. Directories, files of bytes, links, devices
//! and named pipes with owner, mode and time; volumes that several places share, and generated files, are mounted in it.
//! Everybody here is root, so that permissions are kept and shown, and ask nobody for more than an execute bit.
//!
//! How it works: a [`Tree`] is one filesystem of inodes; [`Files`] is a place's own tree with its mounts. Paths are
//! walked by a [`View`], changes are made by a [`ViewMut`]; both know the volumes too, and a view the kernel whose
//! state generated files show. An image is frozen, so that its containers share it until they change it.

mod change;
mod entry;
pub mod generated;
mod inode;
mod mount;
pub mod path;
mod tree;
mod view;

use std::borrow::Cow;

pub use change::{Made, ViewMut};
pub use entry::{Body, Entry};
pub use generated::{Found, Generator};
pub use inode::{Device, Ino, Kind, Stamp, Stat};
pub use mount::{Access, VolumeId, Volumes};
pub use path::normalise;
pub use tree::{BYTES_MAX, INODES_MAX, Tree};
pub use view::View;
pub(in crate::userland) use view::{At, TreeRef, Walked};

use super::Errno;
use mount::{Mounts, Source};

/// The files of one place.
#[derive(Clone, Debug, Default)]
pub struct Files {
    root: Tree,
    mounts: Mounts,
    /// When its owner last told the time; what the owner changes itself is as old as that.
    time: Stamp,
}

impl Files {
    /// The same files, to be looked at without the volumes and generated files that are mounted.
    #[must_use]
    pub const fn view(&self) -> View<'_> {
        View { files: self, volumes: None, kernel: None, user: None }
    }

    /// The same files, to be changed by their owner.
    pub const fn view_mut(&mut self) -> ViewMut<'_> {
        let now = self.time;
        ViewMut { files: self, volumes: None, now, user: None }
    }

    /// Tells the time.
    pub fn set_time(&mut self, now: Stamp) {
        self.time = now;
    }

    /// Makes all that is there an image: copies of these files share it from now on.
    pub fn freeze(&mut self) {
        self.root.freeze();
    }

    /// The same files without what was mounted on them, but for the generated ones.
    #[must_use]
    pub fn unmounted(&self) -> Self {
        Self { root: self.root.clone(), mounts: self.mounts.generated(), time: self.time }
    }

    /// Bytes and inodes that were added to the image.
    #[must_use]
    pub fn usage(&self) -> (u64, usize) {
        self.root.usage()
    }

    /// The bytes of the file at `path`, following links.
    ///
    /// # Errors
    /// `NoEntry` when nothing is there, `IsDirectory` when it is a directory.
    pub fn read(&self, path: &str) -> Result<Cow<'_, [u8]>, Errno> {
        self.view().read(path)
    }

    /// The text of the file at `path`, empty when there is none.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        self.view().text(path)
    }

    /// Replaces the file at `path`, making it when it is not there.
    ///
    /// # Errors
    /// `IsDirectory` when a directory has that path, `NoEntry` when its directory does not exist, `NoSpace`.
    pub fn write(&mut self, path: &str, bytes: impl AsRef<[u8]>) -> Result<(), Errno> {
        self.view_mut().write(path, bytes)
    }

    /// Makes the directory at `path` and those above it.
    pub fn make_directory(&mut self, path: &str) {
        self.view_mut().make_directory(path);
    }

    /// Makes a symbolic link at `path`, and the directories above it.
    pub fn link(&mut self, path: &str, target: &str) {
        self.view_mut().link(path, target);
    }

    /// Removes what is at `path` and all below it; false when nothing was there.
    pub fn remove(&mut self, path: &str) -> bool {
        self.view_mut().remove(path)
    }

    /// Whether `path` is a directory.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        self.view().is_directory(path)
    }

    /// The names directly in the directory `path`, in order.
    #[must_use]
    pub fn list(&self, path: &str) -> Vec<String> {
        self.view().list(path)
    }

    /// Mounts generated files at `path`.
    pub fn mount_generated(&mut self, path: &'static str, generator: &'static Generator) {
        self.mounts.add(path, Source::Generated(generator));
    }

    /// Mounts a volume at `path`, which needs not be there.
    pub fn mount_volume(&mut self, path: &str, volume: VolumeId, access: Access) {
        self.make_directory(path);
        self.mounts.add(normalise("/", path), Source::Volume { volume, root: Ino::ROOT, access });
    }

    /// Takes the latest mount at `path` away; false when there is none.
    pub fn unmount(&mut self, path: &str) -> bool {
        self.mounts.remove(path)
    }

    /// Moves the directory or file at `path` into a volume of its own that is mounted in its place, so that others can
    /// mount it too. When it is a mounted volume already, that one is given. A missing directory is made.
    ///
    /// # Errors
    /// What is in the way.
    pub fn share(&mut self, path: &str, volumes: &mut Volumes) -> Result<Shared, Errno> {
        entry::share(self, path, volumes)
    }

    /// Mounts at `path` what another place shares.
    pub fn mount_shared(&mut self, path: &str, shared: Shared, access: Access) {
        let Shared { volume, root } = shared;
        self.make_directory(path::parent(path));
        self.mounts.add(normalise("/", path), Source::Volume { volume, root, access });
    }

    pub(in crate::userland) const fn root(&self) -> &Tree {
        &self.root
    }

    pub(in crate::userland) const fn root_mut(&mut self) -> &mut Tree {
        &mut self.root
    }
}

/// A directory or file of a volume that several places can mount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shared {
    /// The volume.
    pub volume: VolumeId,
    /// The top of what is shared.
    pub root: Ino,
}

#[cfg(test)]
mod tests;
