//! How long a namespace lives that nothing names any more: as long as a process is in it (`network_namespaces(7)`).

use super::{Process, Sys, Table};
use crate::fabric::{Fabric, NamespaceId};

impl Table {
    /// Lets go of a namespace whose name or container is gone: it is deleted with the last process in it, at once when
    /// there is none.
    pub fn release_namespace(&mut self, fabric: &mut Fabric, id: NamespaceId) {
        self.released.insert(id);
        self.delete_released(fabric);
    }

    /// Deletes what was let go of and has no process any more.
    pub(super) fn delete_released(&mut self, fabric: &mut Fabric) {
        let holds = |process: &Process, id: NamespaceId| {
            process.ended.is_none()
                && (process.namespace == id || process.sockets.keys().any(|(namespace, _)| *namespace == id))
        };
        let processes = &self.processes;
        let is_empty = |id: &NamespaceId| !processes.values().any(|process| holds(process, *id));
        for id in self.released.extract_if(.., is_empty) {
            fabric.delete_namespace(id);
        }
    }
}

impl Sys<'_> {
    /// The same for a namespace that a program unnamed.
    pub fn release_namespace(&mut self, id: NamespaceId) {
        self.table.release_namespace(self.fabric, id);
    }
}
