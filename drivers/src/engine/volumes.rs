//! `/volumes`: making, listing, inspecting and removing volumes. There is one driver.

use std::collections::BTreeMap;

use netyard_sim::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Filters, json_body, shape};
use super::{Call, Engine, Reply};
use crate::container::Mount;
use crate::date;
use crate::error::Error;
use crate::id::Id;
use crate::volume::{self, Volume};

/// The driver that every engine has.
pub(super) const DRIVER: &str = "local";

const FILTERS: [&str; 4] = ["dangling", "driver", "label", "name"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Asked {
    name: Option<String>,
    driver: Option<String>,
    driver_opts: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, String>>,
}

impl Engine {
    /// `GET /volumes`.
    pub(super) fn volume_list(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&FILTERS)?;
        let fits = self.volumes.values().filter(|volume| self.is_volume_listed(volume, &filters));
        let volumes: Vec<Value> = fits.map(|volume| self.volume_json(volume)).collect();
        Ok(Reply::ok(&json!({ "Volumes": volumes, "Warnings": null })))
    }

    /// `GET /volumes/{name}`.
    pub(super) fn volume_inspect(&self, name: &str) -> Result<Reply, Error> {
        let volume = self.volumes.get(name).ok_or_else(|| Error::VolumeUnknown(name.to_owned()))?;
        Ok(Reply::ok(&self.volume_json(volume)))
    }

    /// `POST /volumes/create`. One that is there already is as good as a new one.
    pub(super) fn volume_create(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let asked: Asked = json_body(call.request, shape::VOLUME)?;
        let name = asked.name.filter(|name| !name.is_empty()).unwrap_or_else(|| Id::random(&mut self.ids).to_string());
        if let Some(driver) = asked.driver.filter(|driver| !driver.is_empty() && driver != DRIVER) {
            return Err(Error::VolumeDriverUnknown { name, driver });
        }
        self.ensure_volume(world, &name, asked.labels, asked.driver_opts)?;
        Ok(Reply::created(&self.volume_json(&self.volumes[&name])))
    }

    /// Makes a volume, unless there is one of that name.
    ///
    /// # Errors
    /// `VolumeNameInvalid`.
    pub(super) fn ensure_volume(
        &mut self,
        world: &World,
        name: &str,
        labels: Option<BTreeMap<String, String>>,
        options: Option<BTreeMap<String, String>>,
    ) -> Result<(), Error> {
        if self.volumes.contains_key(name) {
            return Ok(());
        }
        if !volume::is_name(name) {
            return Err(Error::VolumeNameInvalid(name.to_owned()));
        }
        let volume = Volume { name: name.to_owned(), created: world.now(), labels, options };
        self.volumes.insert(name.to_owned(), volume);
        self.tell_volume(world, name, "create", &[]);
        Ok(())
    }

    /// `DELETE /volumes/{name}`.
    pub(super) fn volume_remove(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        if !self.volumes.contains_key(name) {
            let forced = call.target.query.flag("force");
            return if forced { Ok(Reply::Empty(204)) } else { Err(Error::VolumeUnknown(name.to_owned())) };
        }
        let containers = self.users_of(name);
        if !containers.is_empty() {
            return Err(Error::VolumeInUse { name: name.to_owned(), containers });
        }
        self.forget_volume(world, name);
        Ok(Reply::Empty(204))
    }

    /// `POST /volumes/prune`: removes those that no container has.
    pub(super) fn volume_prune(&mut self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let filters = call.target.query.filters(&["label", "label!", "all"])?;
        let unused = |volume: &&Volume| self.users_of(&volume.name).is_empty() && filters.labels(&labels_of(volume));
        let names: Vec<String> = self.volumes.values().filter(unused).map(|volume| volume.name.clone()).collect();
        names.iter().for_each(|name| self.forget_volume(world, name));
        Ok(Reply::ok(&json!({ "VolumesDeleted": (!names.is_empty()).then_some(names), "SpaceReclaimed": 0 })))
    }

    /// Removes the volumes that were made for a container alone, and that no other has.
    pub(super) fn forget_anonymous(&mut self, world: &mut World, mounts: &[Mount]) {
        for name in mounts.iter().filter(|mount| mount.is_anonymous).filter_map(|mount| mount.volume.as_deref()) {
            if self.volumes.contains_key(name) && self.users_of(name).is_empty() {
                self.forget_volume(world, name);
            }
        }
    }

    fn forget_volume(&mut self, world: &mut World, name: &str) {
        self.volumes.remove(name);
        let mountpoint = volume::mountpoint(name);
        let is_there = world.processes.files(self.host.context).exists(&mountpoint);
        if let Some(shared) = is_there.then(|| world.processes.share(self.host.context, &mountpoint).ok()).flatten() {
            world.processes.volumes_mut().delete(shared.volume);
            let files = &mut world.processes.context_mut(self.host.context).files;
            files.unmount(&mountpoint);
            files.remove(mountpoint.trim_end_matches("/_data"));
        }
        self.tell_volume(world, name, "destroy", &[]);
    }

    /// The containers that have a volume, running or not.
    pub(super) fn users_of(&self, name: &str) -> Vec<Id> {
        let uses = |mount: &Mount| mount.volume.as_deref() == Some(name);
        self.containers.values().filter(|c| c.config.mounts.iter().any(uses)).map(|c| c.id).collect()
    }

    fn is_volume_listed(&self, volume: &Volume, filters: &Filters) -> bool {
        let is_dangling =
            |wanted: &str| self.users_of(&volume.name).is_empty() == matches!(wanted, "1" | "true" | "True");
        filters.any("name", |part| volume.name.contains(part))
            && filters.any("driver", |driver| driver == DRIVER)
            && filters.any("dangling", is_dangling)
            && filters.labels(&labels_of(volume))
    }

    pub(super) fn volume_json(&self, volume: &Volume) -> Value {
        let created = date::rfc3339(self.epoch, volume.created);
        // A volume's date has no fraction.
        let created = created.split_once('.').map_or_else(|| created.clone(), |(whole, _)| format!("{whole}Z"));
        json!({
            "CreatedAt": created, "Driver": DRIVER, "Labels": volume.labels, "Mountpoint": volume.mountpoint(),
            "Name": volume.name, "Options": volume.options, "Scope": "local",
        })
    }
}

fn labels_of(volume: &Volume) -> BTreeMap<String, String> {
    volume.labels.clone().unwrap_or_default()
}
