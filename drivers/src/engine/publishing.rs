//! The published ports of an engine, for who makes them real outside the simulation. It opens nothing itself.
//!
//! How to follow them: keep what [`Engine::publishing`] said; when it says something else after the site has gone on, ask
//! [`Engine::published`] again, close what is gone and open what is new. What comes in on a real socket belongs to `host`
//! of the [`PublishedPort`], in the namespace of the engine's host: a program there that connects to that port (at
//! 127.0.0.1 or `::1` when its address is unspecified) is served by the port's `docker-proxy`, as any local client is.

use std::collections::BTreeMap;

use super::Engine;
use crate::id::Id;
use crate::ports::PortBinding;

/// A port of the host that leads to a container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedPort {
    /// The container.
    pub container: Id,
    /// Its name.
    pub name: String,
    /// From where to where.
    pub binding: PortBinding,
}

impl Engine {
    /// The ports that are published now, by protocol and address of the host.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedPort> {
        let sorted: BTreeMap<_, _> =
            self.controller.published().map(|(id, b)| ((b.port.protocol, b.host), (id, b))).collect();
        let name = |id: &Id| self.containers.get(id).map(|c| c.name.clone()).unwrap_or_default();
        sorted.into_values().map(|(id, binding)| PublishedPort { container: id, name: name(&id), binding }).collect()
    }

    /// A number that is another one whenever [`Self::published`] may have changed.
    #[must_use]
    pub const fn publishing(&self) -> u64 {
        self.controller.publishing()
    }
}
