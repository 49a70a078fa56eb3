//! What is wrong with a tunnel: records of its forwarding database or of its neighbours that are missing, or that lead to a
//! host where nobody is. Told from the tunnels as they are when a probe has ended.

use core::net::IpAddr;

use netyard_sim::addr::Mac;
use netyard_sim::device::{Device, IfIndex};
use netyard_sim::id::NamespaceId;
use netyard_sim::vxlan::{Tunnel, Vni};

use super::Stop;
use super::packet::Scene;
use super::trail::Outer;

/// A tunnel's device and where it is.
type End<'a> = (NamespaceId, &'a Device, &'a Tunnel);

impl Scene<'_> {
    fn tunnels(&self) -> impl Iterator<Item = End<'_>> {
        let all = self.site.world.fabric.namespaces();
        all.flat_map(|(id, ns)| ns.devices.values().filter_map(move |d| d.tunnel().map(|tunnel| (id, d, tunnel))))
    }

    fn tunnel_at(&self, namespace: NamespaceId, device: IfIndex) -> Option<End<'_>> {
        self.tunnels().find(|(at, d, _)| (*at, d.index) == (namespace, device))
    }

    fn spot_of(&self, (namespace, device, _): End<'_>) -> String {
        format!("{}/{}", self.site.name_of_namespace(namespace), device.name)
    }

    /// A tunnel had nowhere to send a frame for `station`; `about` is whom a question in it was for.
    pub(super) fn no_remote(&self, at: NamespaceId, device: IfIndex, station: Mac, about: IpAddr) -> Option<Stop> {
        let end = self.tunnel_at(at, device)?;
        let (record, word) = if station.is_multicast() { (Mac::ZERO, "append") } else { (station, "replace") };
        let what = format!("{}: its forwarding database has no record of {record}", self.spot_of(end));
        let holder = self.host_with(|device| device.mac == station);
        if record != Mac::ZERO && holder.is_none() {
            return Some(Stop::new(format!("{what}, which nobody has"), None));
        }
        let far = holder.or_else(|| self.host_with(|device| device.has(about)));
        let far = far.and_then(|host| self.end_at(host, end));
        let far = far.map_or_else(|| "REMOTE".to_owned(), |addr| addr.to_string());
        let mend = format!("bridge fdb {word} {record} dev {} dst {far}", end.1.name);
        Some(Stop::new(what, Some(mend)))
    }

    /// A tunnel that answers for its neighbours knows none of this address.
    pub(super) fn no_neighbour(&self, at: NamespaceId, device: IfIndex, addr: IpAddr) -> Option<Stop> {
        let end = self.tunnel_at(at, device).filter(|(_, _, tunnel)| tunnel.settings.proxy)?;
        let what = format!("{}: it answers for its neighbours, and has no record of {addr}", self.spot_of(end));
        let devices = self.site.world.fabric.namespaces().flat_map(|(_, ns)| ns.devices.values());
        let Some(mac) = devices.into_iter().find(|device| device.has(addr)).map(|device| device.mac) else {
            return Some(Stop::new(format!("{what}, which nobody has"), None));
        };
        Some(Stop::new(what, Some(format!("ip neigh replace {addr} lladdr {mac} dev {} nud permanent", end.1.name))))
    }

    /// A host hears nothing of a tunnel's network.
    pub(super) fn no_end(&self, host: NamespaceId, outer: Option<&Outer>) -> Stop {
        let here = self.site.name_of_namespace(host);
        let Some(outer) = outer else { return Stop::new(format!("{here}: it has no such tunnel"), None) };
        let vni = outer.vni;
        match self.tunnels().find(|end| self.made_in(end) == host && end.2.settings.vni == vni) {
            Some((at, device, _)) if !device.up => self.link_down(at, Some(device.index)),
            _ => Stop::new(format!("{here}: it has no end of the tunnel's network {}", vni.number()), None),
        }
    }

    /// A tunnel's datagram came to a host where its frame found nobody, or did not come there: the record that sent it.
    pub(super) fn sent_by_record(&self, outer: &Outer, about: IpAddr, stop: Stop) -> Stop {
        let now = self.site.world.now();
        let leads = |tunnel: &Tunnel, record: Mac| {
            tunnel.fdb(now).any(|(mac, entry)| mac == record && entry.remotes.iter().any(|r| r.ip == outer.remote))
        };
        let of_network = |vni: Vni| self.tunnels().filter(move |(_, _, tunnel)| tunnel.settings.vni == vni);
        let records = [outer.station, Mac::ZERO];
        let found = records.into_iter().find_map(|record| {
            of_network(outer.vni).find(|(_, _, tunnel)| leads(tunnel, record)).map(|end| (end, record))
        });
        let Some((end, record)) = found else { return stop };
        let what =
            format!("{}, where the record `{record} dst {}` of {} leads", stop.what, outer.remote, self.spot_of(end));
        let far = self.host_with(|device| device.has(about)).and_then(|host| self.end_at(host, end));
        let far = far.filter(|far| *far != outer.remote);
        let mend = far.map(|far| format!("bridge fdb replace {record} dev {} dst {far}", end.1.name));
        Stop { what, mend: mend.or_else(|| stop.mend.clone()), ..stop }
    }

    /// The host on which the device is that is meant, its containers' among them.
    fn host_with(&self, is_meant: impl Fn(&Device) -> bool) -> Option<NamespaceId> {
        let all = self.site.world.fabric.namespaces();
        let mut at = all.filter(|(_, ns)| ns.devices.values().any(&is_meant)).map(|(id, _)| id);
        let at = at.next()?;
        let engine = self
            .site
            .engines
            .iter()
            .find(|engine| engine.containers().any(|container| engine.namespace_of(container) == Some(at)));
        Some(engine.map_or(at, |engine| engine.host().namespace))
    }

    fn made_in(&self, (id, device, _): &End<'_>) -> NamespaceId {
        self.site.world.fabric.peer_of(*id, device.index).map_or(*id, |end| end.namespace)
    }

    /// The address by which tunnels reach the end that a host has of the same network.
    fn end_at(&self, host: NamespaceId, (_, _, own): End<'_>) -> Option<IpAddr> {
        let is_there = |end: &End<'_>| self.made_in(end) == host && end.2.settings.vni == own.settings.vni;
        let (_, _, tunnel) = self.tunnels().find(is_there)?;
        let first = || {
            let device = self.site.world.fabric.namespace(host).device_named("eth0")?;
            device.addresses.iter().map(|address| address.net.ip()).find(|ip| ip.is_ipv6() == own.settings.is_v6())
        };
        tunnel.settings.local.or_else(first)
    }
}
