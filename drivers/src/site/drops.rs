//! `netyard drops`: what was dropped in a site, where, why and how often. Each namespace counts its own.

use netyard_sim::fabric::NamespaceId;

use super::Site;

impl Site {
    /// A line for each place, device and reason of the places that are named, or of all.
    ///
    /// # Errors
    /// When there is no such place, in words.
    pub(super) fn drops(&self, places: &[&str]) -> Result<String, String> {
        let fabric = &self.world.fabric;
        let ids: Vec<NamespaceId> = match places {
            [] => fabric.namespaces().map(|(id, _)| id).collect(),
            places => places.iter().map(|place| self.namespace_called(place)).collect::<Result<_, _>>()?,
        };
        let mut lines = String::new();
        for id in ids {
            let (namespace, place) = (fabric.namespace(id), self.name_of_namespace(id));
            for (device, reason, count) in namespace.drops.iter() {
                let name = device.map(|index| match namespace.devices.get(&index) {
                    Some(device) => format!("/{}", device.name),
                    None => format!("/if{}", index.0),
                });
                lines.push_str(&format!("{place}{}: {reason}: {count}\n", name.unwrap_or_default()));
            }
        }
        Ok(lines)
    }
}
