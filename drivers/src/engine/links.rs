//! Legacy links of the default network: what must be so when a container that has some is made, starts, or gets an exec.
//! Links on other networks are names in DNS, and nothing is checked there (oracle fact 39).

use super::Engine;
use crate::container::{Container, NetworkMode};
use crate::endpoint::Link;
use crate::error::Error;
use crate::id::Id;
use crate::network::DEFAULT;

impl Engine {
    /// Links of a new container in this mode must name containers that have a network of their own.
    pub(super) fn check_links(&self, mode: &NetworkMode, links: &[String]) -> Result<(), Error> {
        if !matches!(mode, NetworkMode::Bridge | NetworkMode::None) {
            return Ok(());
        }
        for link in links.iter().map(|text| Link::parse(text)) {
            let refuse = |reason| Error::LinkRefused { name: link.target.clone(), reason: Box::new(reason) };
            let target = self.link_target(&link.target).map_err(refuse)?;
            if target.config.mode == NetworkMode::Host {
                return Err(Error::LinkToHost);
            }
        }
        Ok(())
    }

    /// Every container that is linked to must be on the default network.
    pub(super) fn check_linked_are_near(&self, id: Id) -> Result<(), Error> {
        self.linked(id).try_for_each(|(_, target)| check_is_near(target))
    }

    /// Every container that is linked to must run, and be on the default network.
    pub(super) fn check_linked_run(&self, id: Id) -> Result<(), Error> {
        let source = &self.containers[&id].name;
        self.linked(id).try_for_each(|(link, target)| {
            if !target.is_running() {
                let (source, alias) = (source.clone(), link.alias.clone());
                return Err(Error::LinkToStopped { target: target.name.clone(), source, alias });
            }
            check_is_near(target)
        })
    }

    /// The links of a container that is on the default network, and whom they mean. Who was removed is linked no more.
    fn linked(&self, id: Id) -> impl Iterator<Item = (&Link, &Container)> {
        let container = &self.containers[&id];
        let links = if container.networks.contains_key(DEFAULT) { container.config.links.as_slice() } else { &[] };
        links.iter().filter_map(|link| Some((link, self.link_target(&link.target).ok()?)))
    }

    /// The container of this name, or the one whose network it shares.
    fn link_target(&self, name: &str) -> Result<&Container, Error> {
        let mut target = self.find_container(name)?;
        // Containers may share in a circle; nobody has a network then.
        for _ in 0..self.containers.len() {
            let NetworkMode::Container(base) = &target.config.mode else { break };
            target = self.find_container(base)?;
        }
        Ok(target)
    }
}

fn check_is_near(target: &Container) -> Result<(), Error> {
    if target.networks.contains_key(DEFAULT) { Ok(()) } else { Err(Error::LinkToFar(target.name.clone())) }
}
