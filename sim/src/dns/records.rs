//! What a container's DNS server knows: for each network that the container is on the names of its endpoints, the way
//! back from an address to a name, and the container's own link aliases. The order in which they are searched is here;
//! the form of a reply is not.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::addr::Family;

/// The names on one network as one container sees them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Zone {
    network: String,
    names: BTreeMap<String, Vec<IpAddr>>,
    pointers: BTreeMap<IpAddr, String>,
    links: BTreeMap<String, String>,
}

impl Zone {
    /// An empty zone for the network with this name.
    #[must_use]
    pub fn new(network: impl Into<String>) -> Self {
        Self { network: network.into(), ..Self::default() }
    }

    /// The name of the network. Its case counts: `c3.ISOLATED_NW` is no name of `isolated_nw` (fact 43).
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Gives `addr` one more name: a container's name, its short id, or one of its aliases. Several endpoints may
    /// share a name; case does not matter (fact 43).
    pub fn add_name(&mut self, name: &str, addr: IpAddr) {
        let owners = self.names.entry(name.to_lowercase()).or_default();
        if !owners.contains(&addr) {
            owners.push(addr);
        }
    }

    /// Takes `name` from `addr`; other owners keep it.
    pub fn remove_name(&mut self, name: &str, addr: IpAddr) {
        let name = name.to_lowercase();
        let Some(owners) = self.names.get_mut(&name) else { return };
        owners.retain(|owner| *owner != addr);
        if owners.is_empty() {
            self.names.remove(&name);
        }
    }

    /// Says that PTR queries for `addr` are answered with this container's name, case kept (fact 45: never an alias).
    pub fn add_pointer(&mut self, addr: IpAddr, container: impl Into<String>) {
        self.pointers.insert(addr, container.into());
    }

    /// Forgets who has `addr`.
    pub fn remove_pointer(&mut self, addr: IpAddr) {
        self.pointers.remove(&addr);
    }

    /// Removes `addr` with all its names: its endpoint left the network.
    pub fn remove_endpoint(&mut self, addr: IpAddr) {
        self.remove_pointer(addr);
        self.names.values_mut().for_each(|owners| owners.retain(|owner| *owner != addr));
        self.names.retain(|_, owners| !owners.is_empty());
    }

    /// Makes `alias` another word for `target`, for this container only. The target need not exist yet; the case of an
    /// alias counts (facts 39, 43).
    pub fn add_link(&mut self, alias: impl Into<String>, target: impl Into<String>) {
        self.links.insert(alias.into(), target.into());
    }

    /// Forgets a link alias.
    pub fn remove_link(&mut self, alias: &str) {
        self.links.remove(alias);
    }

    /// The addresses of `name`; empty when it has only IPv4 ones and IPv6 is asked for. A name with IPv6 addresses only
    /// is unknown to those who ask for IPv4.
    fn lookup(&self, name: &str, family: Family) -> Option<Vec<IpAddr>> {
        let all = self.names.get(&name.to_lowercase())?;
        let found: Vec<IpAddr> = all.iter().copied().filter(|addr| Family::of(*addr) == family).collect();
        (family == Family::V6 || !found.is_empty()).then_some(found)
    }
}

/// How a name is read in one search of the zones.
#[derive(Clone, Copy)]
enum Pass {
    Links,
    Names,
}

/// All that one container's server knows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Records {
    /// The container's networks in the order of its sandbox's endpoints; the first that knows a name answers (fact 20).
    pub zones: Vec<Zone>,
}

impl Records {
    /// The zone of a network, for whoever changes it.
    pub fn zone_mut(&mut self, network: &str) -> Option<&mut Zone> {
        self.zones.iter_mut().find(|zone| zone.network == network)
    }

    /// The addresses of `name` (without final dot); empty when the name is known but has none of this family; None when
    /// nobody here knows it. `a.b.c` is tried as a name on every network, then as `a.b` on network `c`, then as `a` on
    /// network `b.c`; and each time as a link alias before it is taken for a plain name (libnetwork, `ResolveName`).
    #[must_use]
    pub fn resolve(&self, name: &str, family: Family) -> Option<Vec<IpAddr>> {
        readings(name).find_map(|(name, network)| {
            self.search(name, network, Pass::Links, family).or_else(|| self.search(name, network, Pass::Names, family))
        })
    }

    /// One search through all zones, or those of `network`. A zone where the name is a link alias has no plain name of
    /// that spelling (08 "--link to a name that also is a container name").
    fn search(&self, name: &str, network: Option<&str>, pass: Pass, family: Family) -> Option<Vec<IpAddr>> {
        let mut known = None;
        for zone in self.zones.iter().filter(|zone| network.is_none_or(|n| n == zone.network)) {
            let target = match (pass, zone.links.get(name)) {
                (Pass::Links, Some(target)) => target,
                (Pass::Names, None) => name,
                (Pass::Links, None) | (Pass::Names, Some(_)) => continue,
            };
            match zone.lookup(target, family) {
                Some(found) if found.is_empty() => known = Some(found),
                Some(found) => return Some(found),
                None => {}
            }
        }
        known
    }

    /// `container.network` for an address on one of the zones (fact 45).
    #[must_use]
    pub fn name_of(&self, addr: IpAddr) -> Option<String> {
        self.zones.iter().find_map(|zone| Some(format!("{}.{}", zone.pointers.get(&addr)?, zone.network)))
    }
}

/// The ways to read `name` as a name and perhaps a network, in the order in which they are tried.
fn readings(name: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let split = name.rmatch_indices('.').map(move |(at, _)| (&name[..at], Some(&name[at + 1..])));
    core::iter::once((name, None)).chain(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("the test writes an address")
    }

    /// container5 of the walkthrough: on isolated_nw and local_alias, with a link alias on each.
    fn walkthrough() -> Records {
        let mut isolated = Zone::new("isolated_nw");
        isolated.add_name("container6", ip("172.25.0.5"));
        isolated.add_name("app", ip("172.25.0.5"));
        let mut local = Zone::new("local_alias");
        local.add_name("container6", ip("172.26.0.5"));
        local.add_name("scoped-app", ip("172.26.0.5"));
        local.add_link("six", "container6");
        Records { zones: vec![isolated, local] }
    }

    fn v4(records: &Records, name: &str) -> Option<String> {
        records.resolve(name, Family::V4).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_first_network_that_knows_a_name_answers() {
        let records = walkthrough();
        assert_eq!(v4(&records, "container6").as_deref(), Some("172.25.0.5"));
        assert_eq!(v4(&records, "scoped-app").as_deref(), Some("172.26.0.5"));
        assert_eq!(v4(&records, "container6.local_alias").as_deref(), Some("172.26.0.5"));
        assert_eq!(v4(&records, "app.local_alias"), None);
    }

    #[test]
    fn a_link_alias_looks_in_its_own_network_only() {
        let mut records = walkthrough();
        assert_eq!(v4(&records, "six").as_deref(), Some("172.26.0.5"));
        assert_eq!(v4(&records, "six.local_alias").as_deref(), Some("172.26.0.5"));
        assert_eq!(v4(&records, "six.isolated_nw"), None);
        assert_eq!(v4(&records, "SIX"), None);
        records.zone_mut("local_alias").expect("it is there").remove_endpoint(ip("172.26.0.5"));
        assert_eq!(v4(&records, "six"), None, "container6 is left on isolated_nw, but the alias is not there");
    }

    #[test]
    fn a_link_alias_hides_the_container_of_the_same_name() {
        let mut records = walkthrough();
        let isolated = records.zone_mut("isolated_nw").expect("it is there");
        isolated.add_name("container3", ip("172.25.3.3"));
        isolated.add_link("container3", "app1");
        assert_eq!(v4(&records, "container3"), None, "app1 does not exist yet");
        records.zone_mut("isolated_nw").expect("it is there").add_name("app1", ip("172.25.0.9"));
        assert_eq!(v4(&records, "container3").as_deref(), Some("172.25.0.9"));
        records.zone_mut("isolated_nw").expect("it is there").remove_link("container3");
        assert_eq!(v4(&records, "container3").as_deref(), Some("172.25.3.3"));
    }

    #[test]
    fn names_and_networks_may_hold_dots() {
        assert_eq!(readings("a.b.c").collect::<Vec<_>>(), [("a.b.c", None), ("a.b", Some("c")), ("a", Some("b.c"))]);
        let mut zone = Zone::new("b.c");
        zone.add_name("My_DB.v1", ip("10.0.0.2"));
        let records = Records { zones: vec![zone] };
        assert_eq!(v4(&records, "my_db.V1").as_deref(), Some("10.0.0.2"));
        assert_eq!(v4(&records, "my_db.v1.b.c").as_deref(), Some("10.0.0.2"));
        assert_eq!(v4(&records, "my_db.v1.B.C"), None);
    }

    #[test]
    fn a_shared_name_lives_until_its_last_owner_leaves() {
        let mut zone = Zone::new("n");
        zone.add_name("app", ip("10.0.0.2"));
        zone.add_name("APP", ip("10.0.0.3"));
        zone.add_name("app", ip("10.0.0.3"));
        zone.remove_name("App", ip("10.0.0.2"));
        let mut records = Records { zones: vec![zone] };
        assert_eq!(v4(&records, "app").as_deref(), Some("10.0.0.3"));
        records.zones[0].remove_endpoint(ip("10.0.0.3"));
        assert_eq!(records.zones[0], Zone::new("n"));
    }

    #[test]
    fn a_name_without_ipv6_addresses_is_known_but_empty() {
        let mut records = walkthrough();
        assert_eq!(records.resolve("app", Family::V6), Some(Vec::new()));
        assert_eq!(records.resolve("nosuch", Family::V6), None);
        records.zone_mut("local_alias").expect("it is there").add_name("app", ip("2001:db8::5"));
        assert_eq!(records.resolve("app", Family::V6), Some(vec![ip("2001:db8::5")]), "a later network has one");
        assert_eq!(v4(&records, "app.local_alias"), None, "that one has no IPv4 address");
    }
}
