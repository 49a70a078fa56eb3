//! Mounts of a new container: `Binds`, `Volumes`, `Mounts` and `VolumesFrom`, read into one list. What is in them, and
//! how they come into a container's files, is not known here.

use netyard_sim::world::World;
use serde::Deserialize;

use super::{Asked as ContainerAsked, HostAsked};
use crate::container::Mount;
use crate::engine::{Engine, volumes};
use crate::error::Error;
use crate::id::Id;
use crate::volume::mountpoint;

/// One of `Mounts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Asked {
    #[serde(rename = "Type")]
    kind: Option<String>,
    source: Option<String>,
    target: Option<String>,
    read_only: Option<bool>,
}

impl Engine {
    /// All mounts that a container asks for; each place in it is taken once.
    ///
    /// # Errors
    /// One that cannot be read, or whose place is taken.
    pub(super) fn mounts(
        &mut self,
        world: &World,
        asked: &ContainerAsked,
        host: &HostAsked,
    ) -> Result<Vec<Mount>, Error> {
        let mut mounts: Vec<Mount> = Vec::new();
        for text in host.binds.iter().flatten() {
            add(&mut mounts, bind(text)?)?;
        }
        for wanted in host.mounts.iter().flatten() {
            if let Some(mount) = self.long_form(world, wanted)? {
                add(&mut mounts, mount)?;
            }
        }
        for text in host.volumes_from.iter().flatten() {
            if text.is_empty() {
                return Err(Error::BadParameter("volumes-from specification cannot be an empty string".to_owned()));
            }
            let (name, mode) = text.split_once(':').unwrap_or((text, ""));
            if let Some(wrong) = mode.split(',').find(|word| !is_mode(word)) {
                return Err(Error::BadParameter(format!("invalid mode: {wrong}")));
            }
            let found = self.find_container(name).map_err(|error| Error::BadParameter(error.to_string()))?;
            let others = found.config.mounts.iter();
            let others = others.filter(|other| !mounts.iter().any(|mount| mount.destination == other.destination));
            let shared = |mount: &Mount| Mount {
                is_writable: mount.is_writable && mode != "ro",
                is_anonymous: false,
                ..mount.clone()
            };
            let others: Vec<Mount> = others.map(shared).collect();
            mounts.extend(others);
        }
        for destination in asked.volumes.iter().flat_map(|volumes| volumes.keys()) {
            let destination = clean(destination);
            if !mounts.iter().any(|mount| mount.destination == destination) {
                mounts.push(self.anonymous(destination));
            }
        }
        Ok(mounts)
    }

    /// The volumes that the mounts name are made when they are not there.
    ///
    /// # Errors
    /// A name that no volume may have.
    pub(super) fn make_volumes(&mut self, world: &World, mounts: &[Mount], driver: Option<&str>) -> Result<(), Error> {
        let other = driver.filter(|driver| !matches!(*driver, "" | volumes::DRIVER));
        for name in mounts.iter().filter_map(|mount| mount.volume.as_deref()) {
            if let Some(driver) = other {
                let (name, driver) = (name.to_owned(), driver.to_owned());
                return Err(Error::VolumeDriverUnknown { name, driver });
            }
            self.ensure_volume(world, name, None, None)?;
        }
        Ok(())
    }

    /// A mount in its long form; none for a filesystem in memory, which is a directory as any other.
    fn long_form(&mut self, world: &World, asked: &Asked) -> Result<Option<Mount>, Error> {
        let kind = asked.kind.as_deref().unwrap_or_default();
        let destination = asked.target.as_deref().unwrap_or_default();
        let refuse = |why: &str| Error::BadParameter(format!("invalid mount config for type \"{kind}\": {why}"));
        if destination.is_empty() {
            return Err(refuse("field Target must not be empty"));
        }
        if !destination.starts_with('/') {
            let why = format!("invalid mount path: '{destination}' mount path must be absolute");
            return Err(refuse(&why));
        }
        let source = asked.source.clone().unwrap_or_default();
        let mount = match kind {
            "volume" if source.is_empty() => self.anonymous(clean(destination)),
            "volume" => named(source, clean(destination), String::new()),
            "bind" if source.is_empty() => return Err(refuse("field Source must not be empty")),
            "bind" if !self.host_has(world, &source) => {
                return Err(refuse(&format!("bind source path does not exist: {source}")));
            }
            "bind" => directory(&source, clean(destination), String::new()),
            "tmpfs" => return Ok(None),
            _ => return Err(refuse("mount type unknown")),
        };
        Ok(Some(Mount { is_writable: asked.read_only != Some(true), ..mount }))
    }

    /// Whether the host has such a file or directory.
    fn host_has(&self, world: &World, path: &str) -> bool {
        let files = &world.processes.context(self.host.context).files;
        files.is_directory(path) || files.read(path).is_ok()
    }

    fn anonymous(&mut self, destination: String) -> Mount {
        let name = Id::random(&mut self.ids).to_string();
        Mount { is_anonymous: true, ..named(name, destination, String::new()) }
    }
}

fn add(mounts: &mut Vec<Mount>, mount: Mount) -> Result<(), Error> {
    if mounts.iter().any(|other| other.destination == mount.destination) {
        return Err(Error::BadParameter(format!("Duplicate mount point: {}", mount.destination)));
    }
    mounts.push(mount);
    Ok(())
}

/// `SOURCE:DESTINATION[:MODE]`.
fn bind(text: &str) -> Result<Mount, Error> {
    let invalid = || Error::BadParameter(format!("invalid volume specification: '{text}'"));
    let mut parts = text.split(':');
    let (Some(source), Some(destination), mode, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(invalid());
    };
    let mode = mode.unwrap_or_default().to_owned();
    if source.is_empty() || destination.is_empty() {
        return Err(invalid());
    }
    if !destination.starts_with('/') {
        let kind = if source.starts_with('/') { "bind" } else { "volume" };
        return Err(Error::BadParameter(format!(
            "invalid volume specification: '{text}': invalid mount config for type \"{kind}\": invalid mount path: \
             '{destination}' mount path must be absolute"
        )));
    }
    if let Some(wrong) = mode.split(',').find(|word| !is_mode(word)) {
        return Err(Error::BadParameter(format!("invalid mode: {wrong}")));
    }
    let destination = clean(destination);
    if destination == "/" {
        let kind = if source.starts_with('/') { "bind" } else { "volume" };
        return Err(Error::BadParameter(format!(
            "invalid volume specification: '{text}': invalid mount config for type \"{kind}\": invalid specification: \
             destination can't be '/'"
        )));
    }
    Ok(if source.starts_with('/') {
        directory(source, destination, mode)
    } else {
        named(source.to_owned(), destination, mode)
    })
}

fn is_mode(word: &str) -> bool {
    let known = ["", "ro", "rw", "z", "Z", "nocopy", "shared", "rshared", "slave", "rslave", "private", "rprivate"];
    known.contains(&word) || matches!(word, "consistent" | "cached" | "delegated")
}

fn named(name: String, destination: String, mode: String) -> Mount {
    let source = mountpoint(&name);
    let is_writable = !is_read_only(&mode);
    Mount { volume: Some(name), source, destination, is_writable, mode, is_anonymous: false }
}

fn directory(source: &str, destination: String, mode: String) -> Mount {
    let is_writable = !is_read_only(&mode);
    Mount { volume: None, source: clean(source), destination, is_writable, mode, is_anonymous: false }
}

fn is_read_only(mode: &str) -> bool {
    mode.split(',').any(|word| word == "ro")
}

fn clean(path: &str) -> String {
    netyard_sim::userland::files::normalise("/", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_names_a_volume_or_a_directory() {
        let read = |text: &str| bind(text).map_err(|error| error.to_string());
        let volume = read("v1:/data:ro").expect("a volume");
        assert_eq!((volume.volume.as_deref(), volume.is_writable), (Some("v1"), false));
        assert_eq!(volume.source, "/var/lib/docker/volumes/v1/_data");
        let host = read("/srv/x/:/mnt/").expect("a directory");
        assert_eq!((host.source.as_str(), host.destination.as_str(), host.volume), ("/srv/x", "/mnt", None));
        assert_eq!(read("v1").unwrap_err(), "invalid volume specification: 'v1'");
        assert_eq!(read("v1:/x:foo").unwrap_err(), "invalid mode: foo");
        assert!(read("v1:x").unwrap_err().ends_with("invalid mount path: 'x' mount path must be absolute"));
    }
}
