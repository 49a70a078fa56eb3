//! Legacy links, those of the default network (oracle facts 36 to 38): lines in `/etc/hosts`, variables in the
//! environment, and a name `source/alias`. Links on user networks are DNS names; they are the controller's.

use core::net::IpAddr;

use netyard_sim::world::World;

use super::{Engine, Reply};
use crate::container::{Container, LegacyLink, NetworkMode};
use crate::error::Error;
use crate::id::Id;
use crate::network::DEFAULT;
use crate::ports::{Port, Protocol};
use crate::sandbox::hosts;

const HOSTS: &str = "/etc/hosts";

impl Engine {
    /// All that a container links to must run, or it cannot start and nothing can be run in it.
    ///
    /// # Errors
    /// `LinkTargetElsewhere`, `LinkTargetStopped`.
    pub(super) fn check_links(&self, source: &Container) -> Result<(), Error> {
        for link in &source.linked {
            let target = self.containers.get(&link.target);
            if target.is_some_and(|target| !target.networks.contains_key(DEFAULT)) {
                return Err(Error::LinkTargetElsewhere(link.name.clone()));
            }
            if !target.is_some_and(Container::is_running) {
                let (target, source, alias) = (link.name.clone(), source.name.clone(), link.alias.clone());
                return Err(Error::LinkTargetStopped { target, owner: source, alias });
            }
        }
        Ok(())
    }

    /// Whom a link to this name means: the container, or the one whose network it shares.
    ///
    /// # Errors
    /// `ContainerUnknown` and its like.
    pub(super) fn link_target(&self, name: &str) -> Result<&Container, Error> {
        let mut target = self.find_container(name)?;
        // Containers may share in a circle; nobody has a network then.
        for _ in 0..self.containers.len() {
            let NetworkMode::Container(base) = &target.config.mode else { break };
            target = self.find_container(base)?;
        }
        Ok(target)
    }

    /// The links of a container whose targets have an address, with target and address.
    fn live_links<'a>(
        &'a self,
        source: &'a Container,
    ) -> impl Iterator<Item = (&'a LegacyLink, &'a Container, IpAddr)> {
        source.linked.iter().filter_map(|link| {
            let target = self.containers.get(&link.target)?;
            Some((link, target, self.default_address(target)?))
        })
    }

    /// The address on the default network.
    fn default_address(&self, container: &Container) -> Option<IpAddr> {
        let endpoint = self.endpoint_of(container, container.networks.get(DEFAULT)?)?;
        endpoint.v4.map(|lease| lease.net.ip())
    }

    /// The lines in `/etc/hosts`: address, and alias, host name and name, the last only where it is another.
    pub(super) fn link_lines<'a>(&'a self, source: &'a Container) -> impl Iterator<Item = (IpAddr, String)> {
        self.live_links(source).map(|(link, target, address)| {
            let names = format!("{} {}", link.alias, target.config.hostname);
            let is_named = link.alias == target.name;
            (address, if is_named { names } else { format!("{names} {}", target.name) })
        })
    }

    /// The variables that tell a process of the links.
    pub(super) fn link_variables(&self, source: &Container) -> Vec<(String, String)> {
        self.live_links(source)
            .flat_map(|(link, target, address)| variables(&source.name, &link.alias, target, address))
            .collect()
    }

    /// A container has an address (again): what links to it and runs finds it there.
    pub(super) fn tell_sources(&self, world: &mut World, target: Id) {
        let Some(address) = self.containers.get(&target).and_then(|c| self.default_address(c)) else { return };
        for source in self.containers.values().filter(|c| c.is_running()) {
            for link in source.linked.iter().filter(|link| link.target == target) {
                self.edit_hosts(world, source, |text| hosts::moved(text, &link.alias, address));
            }
        }
    }

    /// Links follow the names of their targets; the lines in `/etc/hosts` do not.
    pub(super) fn rename_links(&mut self, target: Id, name: &str) {
        let links = self.containers.values_mut().flat_map(|c| &mut c.linked);
        links.filter(|link| link.target == target).for_each(|link| name.clone_into(&mut link.name));
    }

    /// The container that `source/alias` means.
    pub(super) fn find_linked(&self, path: &str) -> Option<&Container> {
        let (source, alias) = path.split_once('/')?;
        let source = self.containers.values().find(|c| c.name == source)?;
        let link = source.linked.iter().find(|link| link.alias == alias)?;
        self.containers.get(&link.target)
    }

    /// All names of a container with their slashes: its own, and those that links give it.
    pub(super) fn names_of(&self, container: &Container) -> Vec<String> {
        let links = self.containers.values().flat_map(|source| source.linked.iter().map(move |link| (source, link)));
        let links = links.filter(|(_, link)| link.target == container.id);
        let mut names: Vec<String> = links.map(|(source, link)| format!("/{}/{}", source.name, link.alias)).collect();
        names.push(format!("/{}", container.name));
        names.sort();
        names
    }

    /// `DELETE /containers/{source}/{alias}?link=1`.
    pub(super) fn link_remove(&mut self, world: &mut World, source: &str, alias: &str) -> Result<Reply, Error> {
        let id = self.find_container(source)?.id;
        let container = self.container_mut(id);
        let before = container.linked.len();
        container.linked.retain(|link| link.alias != alias);
        if container.linked.len() == before {
            return Err(Error::ContainerUnknown(format!("{source}/{alias}")));
        }
        self.edit_hosts(world, &self.containers[&id], |text| hosts::unlinked(text, alias));
        Ok(Reply::Empty(204))
    }

    fn edit_hosts(&self, world: &mut World, container: &Container, change: impl FnOnce(&str) -> String) {
        if let Some(context) = container.context {
            self.controller.edit_names(world, context, HOSTS, change);
        }
    }
}

/// The variables of one link: its name, every exposed port, and what the target was given with `-e`.
fn variables(source: &str, alias: &str, target: &Container, address: IpAddr) -> Vec<(String, String)> {
    let prefix = alias.to_uppercase().replace('-', "_");
    let url = |port: &Port| format!("{}://{address}:{}", port.protocol, port.number);
    let mut out = vec![(format!("{prefix}_NAME"), format!("/{source}/{alias}"))];
    let mut ports: Vec<&Port> = target.config.exposed.iter().collect();
    ports.sort_by_key(|port| (port.number, port.protocol != Protocol::Tcp));
    out.extend(ports.first().map(|port| (format!("{prefix}_PORT"), url(port))));
    for port in ports {
        let name = format!("{prefix}_PORT_{}_{}", port.number, port.protocol.to_string().to_uppercase());
        out.push((format!("{name}_ADDR"), address.to_string()));
        out.push((format!("{name}_PORT"), port.number.to_string()));
        out.push((format!("{name}_PROTO"), port.protocol.to_string()));
        out.push((name, url(port)));
    }
    let given = target.config.env.iter().filter_map(|line| line.split_once('='));
    let given = given.filter(|(name, _)| !matches!(*name, "HOME" | "PATH"));
    out.extend(given.map(|(name, value)| (format!("{prefix}_ENV_{name}"), value.to_owned())));
    out
}
