//! `GET /system/df` and the pruning of what is never there: what images, containers and volumes take.

use std::rc::Rc;

use netyard_sim::world::World;
use serde_json::{Value, json};

use super::{Engine, Reply};
use crate::image::Image;

impl Engine {
    /// `GET /system/df`.
    pub(super) fn usage(&self, world: &mut World) -> Reply {
        let containers_of = |image: &Image| {
            let count = self.containers.values().filter(|c| c.config.image.id == image.id).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        let image = |image: &Rc<Image>| {
            let names: Vec<&str> = self.images.names_of(image.id).collect();
            self.image_json(image, &names, containers_of(image), 0)
        };
        let volume = |volume: &crate::volume::Volume| {
            let mut json = self.volume_json(volume);
            json["UsageData"] = json!({ "RefCount": self.users_of(&volume.name).len(), "Size": 0 });
            json
        };
        let size: u64 = self.images.iter().map(|image| image.size).sum();
        Reply::ok(&json!({
            "LayersSize": size, "Images": self.images.iter().map(image).collect::<Vec<_>>(),
            "Containers": self.all_lines(world), "Volumes": self.volumes.values().map(volume).collect::<Vec<Value>>(),
            "BuildCache": null, "BuilderSize": 0,
        }))
    }
}

/// `POST /build/prune`: nothing is built here.
pub(super) fn build_prune() -> Reply {
    Reply::ok(&json!({ "CachesDeleted": null, "SpaceReclaimed": 0 }))
}
