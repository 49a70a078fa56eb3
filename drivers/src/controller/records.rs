//! What the DNS server of one sandbox knows: the names on each of its user networks and its own link aliases. It is
//! worked out anew from the networks whenever one of them changes.

use core::net::IpAddr;

use netyard_sim::dns::{Records, Zone};

use super::Controller;
use crate::endpoint::{Endpoint, OfService, Standing};
use crate::network::{Network, Station};
use crate::sandbox::Sandbox;

impl Controller {
    /// The records of a sandbox; its networks by rank, which decides between addresses (oracle fact 20).
    pub(super) fn records_for(&self, sandbox: &Sandbox) -> Records {
        let mut networks: Vec<&Network> = sandbox
            .joined
            .iter()
            .filter_map(|joined| self.network(joined.network))
            .filter(|network| network.is_user_defined() && !network.config.ingress && has_names(network, sandbox))
            .collect();
        networks.sort_by_key(|network| network.rank());
        Records { zones: networks.into_iter().map(|network| zone(network, sandbox)).collect() }
    }
}

/// Whether a sandbox is on a network as itself.
fn has_names(network: &Network, sandbox: &Sandbox) -> bool {
    network.endpoints.values().any(|e| e.sandbox == sandbox.id && e.standing == Standing::Container)
}

fn zone(network: &Network, sandbox: &Sandbox) -> Zone {
    let mut zone = Zone::new(network.name());
    for endpoint in network.endpoints.values().filter(|endpoint| endpoint.standing == Standing::Container) {
        add_endpoint(&mut zone, endpoint);
    }
    for station in &network.elsewhere.stations {
        add_station(&mut zone, station);
    }
    let own = network.endpoints.values().find(|e| e.sandbox == sandbox.id);
    for link in own.into_iter().flat_map(|e| &e.links) {
        zone.add_link(&link.alias, &link.target);
    }
    zone
}

fn add_station(zone: &mut Zone, station: &Station) {
    let Some(name) = &station.name else { return };
    zone.add_name(name, station.peer.addr);
    for alias in station.aliases.iter().filter(|alias| !alias.is_empty()) {
        zone.add_name(alias, station.peer.addr);
    }
    zone.add_pointer(station.peer.addr, name);
    add_service(zone, station.service.as_ref(), station.peer.addr);
}

/// A service is known by its own address, or by those of its tasks; `tasks.` and its name always are the latter
/// (libnetwork, `addServiceBinding`).
fn add_service(zone: &mut Zone, service: Option<&OfService>, task: IpAddr) {
    let Some(OfService { name, vip, aliases, .. }) = service.filter(|service| service.is_ready) else { return };
    for name in core::iter::once(name).chain(aliases) {
        zone.add_name(name, vip.unwrap_or(task));
        zone.add_name(&format!("tasks.{name}"), task);
    }
}

fn add_endpoint(zone: &mut Zone, endpoint: &Endpoint) {
    for lease in endpoint.leases() {
        zone.add_name(&endpoint.name, lease.net.ip());
        for alias in endpoint.aliases.iter().filter(|alias| !alias.is_empty()) {
            zone.add_name(alias, lease.net.ip());
        }
        zone.add_pointer(lease.net.ip(), &endpoint.name);
        add_service(zone, endpoint.service.as_ref(), lease.net.ip());
    }
}
