//! Where a container's files differ from its image's (`GET /containers/{name}/changes`), and what that takes.

use std::collections::BTreeMap;

use netyard_sim::userland::files::{Body, Entry};
use netyard_sim::world::World;
use serde_json::{Value, json};

use super::start::image_files;
use super::{Engine, Reply};
use crate::container::Container;
use crate::error::Error;

/// Something is other than it was.
const MODIFIED: u8 = 0;
/// Something is new.
const ADDED: u8 = 1;
/// Something is gone.
const DELETED: u8 = 2;
/// What the engine puts there itself, or the kernel.
const FOREIGN: [&str; 6] = ["dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "proc", "sys"];

impl Engine {
    /// `GET /containers/{name}/changes`.
    pub(super) fn container_changes(&self, world: &mut World, name: &str) -> Result<Reply, Error> {
        let mut changes: BTreeMap<String, u8> = BTreeMap::new();
        for (path, (kind, _)) in self.differences(world, self.find_container(name)?) {
            changes.insert(path, kind);
        }
        // A directory in which something changed has changed.
        for path in changes.keys().cloned().collect::<Vec<_>>() {
            let above = path.rsplit_once('/').map(|(above, _)| above.to_owned());
            above.into_iter().for_each(|above| _ = changes.entry(above).or_insert(MODIFIED));
        }
        let line = |(path, kind): (&String, &u8)| json!({ "Path": format!("/{path}"), "Kind": kind });
        let lines: Vec<Value> = changes.iter().map(line).collect();
        Ok(Reply::ok(&(!lines.is_empty()).then_some(lines)))
    }

    /// How many bytes a container has written that are still there.
    pub(super) fn written(&self, world: &mut World, container: &Container) -> u64 {
        self.differences(world, container).values().map(|(_, size)| size).sum()
    }

    /// What differs, by path, with the bytes that are there now.
    fn differences(&self, world: &mut World, container: &Container) -> BTreeMap<String, (u8, u64)> {
        let Some(context) = container.context else { return BTreeMap::new() };
        let image = by_path(image_files(world, &container.config.image).view().export("/").unwrap_or_default());
        let own = by_path(world.processes.context(context).files.view().export("/").unwrap_or_default());
        let mounts: Vec<&str> =
            container.config.mounts.iter().map(|mount| mount.destination.trim_start_matches('/')).collect();
        let is_own = |path: &&String| !FOREIGN.iter().chain(&mounts).any(|other| is_below(path, other));
        let mut differences = BTreeMap::new();
        for path in own.keys().chain(image.keys()).filter(is_own) {
            let kind = match (image.get(path), own.get(path)) {
                (None, _) => ADDED,
                (_, None) => DELETED,
                (Some(before), Some(now)) if before == now => continue,
                (Some(_), Some(_)) => MODIFIED,
            };
            let size = own.get(path).map_or(0, |(_, body)| if let Body::File(bytes) = body { bytes.len() } else { 0 });
            differences.insert(path.clone(), (kind, size as u64));
        }
        differences
    }
}

/// What an entry is, without when it came to be.
fn by_path(entries: Vec<Entry>) -> BTreeMap<String, (u32, Body)> {
    entries.into_iter().filter(|entry| !entry.path.is_empty()).map(|e| (e.path, (e.mode, e.body))).collect()
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
