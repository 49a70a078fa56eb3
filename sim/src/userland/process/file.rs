//! Reading and writing open files: the table finds the filesystem that a handle leads into.

use super::Table;
use crate::time::Instant;
use crate::userland::Errno;
use crate::userland::context::ContextId;
use crate::userland::files::{Device, Shared, Stamp, Tree, TreeRef, View, ViewMut, Volumes};
use crate::userland::stream::{OpenId, Read, Target, TreeId};

/// Bytes that a device without end gives at once.
const DEVICE_CHUNK: usize = 65536;

impl Table {
    /// The volumes, to make and delete some.
    pub const fn volumes_mut(&mut self) -> &mut Volumes {
        &mut self.volumes
    }

    /// The volumes.
    #[must_use]
    pub const fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// The files of a place with the volumes mounted there, but without generated files.
    #[must_use]
    pub fn files(&self, context: ContextId) -> View<'_> {
        View::stored(&self.context(context).files, &self.volumes)
    }

    /// The same, to be changed.
    ///
    /// # Panics
    /// When the place was deleted.
    pub fn files_mut(&mut self, context: ContextId, now: Instant) -> ViewMut<'_> {
        let stamp = Stamp(self.epoch.unix_nanos(now));
        let files = &mut self.contexts.get_mut(&context).expect("the context was not deleted").files;
        files.set_time(stamp);
        ViewMut::new(files, &mut self.volumes, stamp)
    }

    /// Makes what is at `path` in a place a volume that others can mount too. A missing directory is made.
    ///
    /// # Errors
    /// What is in the way.
    ///
    /// # Panics
    /// When the place was deleted.
    pub fn share(&mut self, context: ContextId, path: &str) -> Result<Shared, Errno> {
        let files = &mut self.contexts.get_mut(&context).expect("the context was not deleted").files;
        files.share(path, &mut self.volumes)
    }

    fn tree(&self, id: TreeId) -> Option<&Tree> {
        match id {
            TreeId::Own(context) => self.contexts.get(&context).map(|context| context.files.root()),
            TreeId::Volume(volume) => self.volumes.tree(volume),
        }
    }

    pub(super) fn tree_mut(&mut self, id: TreeId) -> Option<&mut Tree> {
        match id {
            TreeId::Own(context) => self.contexts.get_mut(&context).map(|context| context.files.root_mut()),
            TreeId::Volume(volume) => self.volumes.tree_mut(volume),
        }
    }

    /// Takes bytes from an open file and moves on.
    pub(super) fn read_open(&mut self, id: OpenId, max: usize) -> Read {
        let open = self.streams.opened(id);
        let offset = usize::try_from(open.offset).unwrap_or(usize::MAX);
        let part = |bytes: &[u8]| {
            let rest = bytes.get(offset..).unwrap_or_default();
            rest[..rest.len().min(max)].to_vec()
        };
        let bytes = match &open.target {
            Target::Inode(tree, ino) => self.tree(*tree).and_then(|t| t.bytes(*ino).ok()).map(part).unwrap_or_default(),
            Target::Generated { text, .. } => part(text),
            Target::Device(Device::Zero | Device::Full) => vec![0; max.min(DEVICE_CHUNK)],
            Target::Device(Device::Random | Device::Urandom) => {
                let mut bytes = vec![0; max.min(DEVICE_CHUNK)];
                self.random.fill(&mut bytes);
                bytes
            }
            Target::Device(_) => Vec::new(),
        };
        self.streams.opened_mut(id).offset += bytes.len() as u64;
        if bytes.is_empty() { Read::End } else { Read::Data(bytes) }
    }

    /// Writes into an open file of a filesystem or a device and moves on.
    pub(super) fn write_open(&mut self, id: OpenId, bytes: &[u8], now: Instant) -> Result<(), Errno> {
        let open = self.streams.opened(id);
        let (offset, append) = (open.offset, open.append);
        let (tree, ino) = match &open.target {
            Target::Inode(tree, ino) => (*tree, *ino),
            Target::Device(Device::Full) => return Err(Errno::NoSpace),
            Target::Device(_) => return Ok(()),
            Target::Generated { .. } => return Err(Errno::Invalid),
        };
        let stamp = Stamp(self.epoch.unix_nanos(now));
        let tree = self.tree_mut(tree).ok_or(Errno::NoEntry)?;
        let at = if append { tree.bytes(ino)?.len() as u64 } else { offset };
        tree.write(ino, at, bytes, stamp)?;
        self.streams.opened_mut(id).offset = at + bytes.len() as u64;
        Ok(())
    }

    /// The filesystem that a place means.
    pub(super) const fn tree_id(context: ContextId, tree: TreeRef) -> TreeId {
        match tree {
            TreeRef::Root => TreeId::Own(context),
            TreeRef::Volume(volume) => TreeId::Volume(volume),
        }
    }
}
