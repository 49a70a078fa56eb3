//! Mounts: what other trees a place sees at some of its paths, and the volumes that several places can share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::generated::Generator;
use super::inode::Ino;
use super::tree::Tree;

/// A filesystem that lives on its own and can be mounted in several places.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VolumeId(pub(crate) u32);

/// All volumes of a world.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    trees: BTreeMap<VolumeId, Tree>,
    next: u32,
}

impl Volumes {
    /// A new, empty volume.
    pub fn create(&mut self) -> VolumeId {
        self.adopt(Tree::default())
    }

    /// A volume with this content.
    pub(super) fn adopt(&mut self, tree: Tree) -> VolumeId {
        let id = VolumeId(self.next);
        self.next += 1;
        self.trees.insert(id, tree);
        id
    }

    /// Forgets a volume and what it holds. Where it is still mounted, nothing is there any more.
    pub fn delete(&mut self, id: VolumeId) {
        self.trees.remove(&id);
    }

    /// Bytes and inodes that a volume takes; none when it is no more.
    #[must_use]
    pub fn usage(&self, id: VolumeId) -> Option<(u64, usize)> {
        self.trees.get(&id).map(Tree::usage)
    }

    pub(in crate::userland) fn tree(&self, id: VolumeId) -> Option<&Tree> {
        self.trees.get(&id)
    }

    pub(in crate::userland) fn tree_mut(&mut self, id: VolumeId) -> Option<&mut Tree> {
        self.trees.get_mut(&id)
    }
}

/// Whether a mount takes changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// It does not.
    ReadOnly,
    /// It does.
    ReadWrite,
}

/// What is mounted.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Files that are made when somebody looks.
    Generated(&'static Generator),
    /// A volume, or a directory or file inside of one.
    Volume { volume: VolumeId, root: Ino, access: Access },
}

/// The mounts of one place, by absolute path; the latest at a path wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounts(Vec<(Cow<'static, str>, Source)>);

impl Mounts {
    pub(super) fn add(&mut self, path: impl Into<Cow<'static, str>>, source: Source) {
        self.0.push((path.into(), source));
    }

    /// Takes the latest mount at a path away.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        match self.0.iter().rposition(|(at, _)| at == path) {
            Some(at) => {
                self.0.remove(at);
                true
            }
            None => false,
        }
    }

    /// Only those of generated files.
    pub(super) fn generated(&self) -> Self {
        let generated = self.0.iter().filter(|(_, source)| matches!(source, Source::Generated(_)));
        Self(generated.cloned().collect())
    }

    pub(super) fn at(&self, path: &str) -> Option<&Source> {
        self.0.iter().rev().find(|(at, _)| at == path).map(|(_, source)| source)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(path, source)| (&**path, source))
    }
}
