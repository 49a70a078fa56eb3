//! Networks across hosts, as the manager has them: it alone gives them subnets and numbers, and containers and hosts their
//! addresses.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use netyard_sim::addr::Family;
use netyard_sim::time::Instant;
use netyard_sim::vxlan::Vni;

use super::{Cluster, Manager, Pools, read, text};
use crate::cluster::message::{Answer, Grant};
use crate::cluster::object::{Attachment, Network, Subnet};
use crate::cluster::service::Service;
use crate::cluster::store::Store;
use crate::error::SwarmError as Refusal;
use crate::id::Id;
use crate::ipam::{AddressPools, AddressSpace, PoolId, PoolRange, Realm, parse_prefix};
use crate::network::NetworkConfig;
use crate::overlay::{OverlayOptions, VNIS};

/// Keys of the store.
const NETWORKS: &str = "network/";
const TASKS: &str = "task/";
/// The first number that networks get.
const FIRST_VNI: u32 = 4096;
/// Where networks get their subnets when nobody chose that.
const POOL: &str = "10.0.0.0/8";
/// The network by which ports are published.
const INGRESS: &str = "ingress";
/// The addresses that nodes have on networks: the id of the network and that of the node follow.
const OWN: &str = "own/";

/// What the manager has given away.
#[derive(Clone, Debug)]
pub(super) struct Given {
    space: AddressSpace,
    /// The pools of each network.
    pools: BTreeMap<String, Vec<PoolId>>,
    vnis: BTreeSet<u32>,
    next_vni: u32,
}

impl Given {
    /// Nothing.
    pub(super) fn nothing(pools: &Pools) -> Self {
        let usual = [POOL.to_owned()];
        let ranges = if pools.chosen.is_empty() { usual.as_slice() } else { pools.chosen.as_slice() };
        let mut all = AddressPools::default();
        all.extend(ranges.iter().filter_map(|range| PoolRange::new(parse_prefix(range)?, pools.size)));
        Self { space: AddressSpace::new(all), pools: BTreeMap::new(), vnis: BTreeSet::new(), next_vni: FIRST_VNI }
    }

    /// What was given away, as a store says.
    pub(super) fn recalled(store: &Store) -> Self {
        let pools = Cluster::of(store).map(|cluster| cluster.pools).unwrap_or_default();
        let mut given = Self::nothing(&pools);
        for network in networks_in(store).into_iter().filter(|network| network.allocated) {
            given.recall_network(&network);
        }
        let attached = store.range(TASKS).filter_map(|(_, entry)| read::<Attachment>(entry));
        let of_tasks = attached.map(|attachment| (attachment.network, attachment.addr));
        let services = super::services::services_in(store);
        let of_services = services.into_iter().flat_map(|service| service.vips).map(|vip| (vip.network, vip.addr));
        let of_nodes = store.range(OWN).filter_map(|(key, entry)| {
            let (network, _) = key.strip_prefix(OWN)?.split_once('/')?;
            Some((network.to_owned(), entry.value.parse().ok()?))
        });
        for (network, addr) in of_tasks.chain(of_services).chain(of_nodes).collect::<Vec<_>>() {
            given.take(&network, Some(addr));
        }
        given
    }

    fn recall_network(&mut self, network: &Network) {
        let options = OverlayOptions::parse(&network.options);
        let vnis = options.map(|options| options.vnis).unwrap_or_default();
        self.vnis.extend(vnis.iter().map(|vni| vni.number()));
        self.next_vni = self.vnis.last().map_or(FIRST_VNI, |last| (last + 1).max(FIRST_VNI));
        let mut pools = Vec::new();
        for subnet in network.subnets.iter().filter_map(Subnet::config) {
            let Ok(pool) = self.space.request_pool(Realm::Engine, subnet.pool) else { continue };
            for addr in subnet.gateway.iter().chain(subnet.auxiliary.values()) {
                // What was given once can be taken again.
                let _ = self.space.request_address(pool, Some(*addr));
            }
            pools.push(pool);
        }
        self.pools.insert(network.id.clone(), pools);
    }

    fn take_vni(&mut self) -> u32 {
        while self.vnis.contains(&self.next_vni) {
            self.next_vni += 1;
        }
        self.vnis.insert(self.next_vni);
        self.next_vni += 1;
        self.next_vni - 1
    }

    /// The pool of a network that has an address, or its first.
    fn pool_for(&self, network: &str, wanted: Option<IpAddr>) -> Option<PoolId> {
        let pools = self.pools.get(network)?;
        match wanted {
            Some(addr) => pools.iter().find(|pool| self.space.contains(**pool, addr)).copied(),
            None => pools.first().copied(),
        }
    }

    pub(super) fn take(&mut self, network: &str, wanted: Option<IpAddr>) -> Option<IpAddr> {
        let pool = self.pool_for(network, wanted)?;
        match wanted {
            Some(_) => self.space.request_address(pool, wanted).ok(),
            None => self.space.request_next_address(pool).ok(),
        }
    }

    pub(super) fn give_back(&mut self, network: &str, addr: IpAddr) {
        if let Some(pool) = self.pool_for(network, Some(addr)) {
            self.space.release_address(pool, addr);
        }
    }
}

impl Manager {
    /// All networks, the oldest first.
    #[must_use]
    pub fn networks(&self) -> Vec<Network> {
        networks_in(&self.store)
    }

    /// The network that is meant: by its id, its name or the beginning of its id.
    #[must_use]
    pub fn find_network(&self, term: &str) -> Option<Network> {
        find_among(&self.networks(), term).cloned()
    }

    /// Makes the network by which ports are published.
    pub(super) fn make_ingress(&mut self, now: Instant) {
        let config = NetworkConfig { name: INGRESS.to_owned(), ingress: true, ..NetworkConfig::default() };
        self.create_network(now, &config);
    }

    /// Makes a network; its id. What cannot be allocated is there all the same, as in a real swarm.
    pub fn create_network(&mut self, now: Instant, config: &NetworkConfig) -> Id {
        let id = Id::object(&mut self.ids);
        let mut network = Network::asked(id.to_string(), now, config);
        if let Some((subnets, vnis)) = self.allocate(&network) {
            network.subnets = subnets;
            network.options.insert(VNIS.to_owned(), vnis);
            network.allocated = true;
        }
        self.store.put(&format!("{NETWORKS}{id}"), text(&network));
        id
    }

    /// Subnets and numbers, all or nothing.
    fn allocate(&mut self, network: &Network) -> Option<(Vec<Subnet>, String)> {
        let options = OverlayOptions::parse(&network.options)?;
        let count = network.subnets.len().max(1);
        let asked: Vec<u32> = options.vnis.iter().map(|vni: &Vni| vni.number()).collect();
        if asked.iter().any(|vni| self.given.vnis.contains(vni)) || (!asked.is_empty() && asked.len() < count) {
            return None;
        }
        let mut pools = Vec::new();
        let Some(subnets) = self.take_subnets(network, &mut pools) else {
            pools.iter().for_each(|pool| self.given.space.release_pool(*pool));
            return None;
        };
        let vnis = if asked.is_empty() { (0..count).map(|_| self.given.take_vni()).collect() } else { asked };
        self.given.vnis.extend(&vnis);
        self.given.pools.insert(network.id.clone(), pools);
        Some((subnets, vnis.iter().map(u32::to_string).collect::<Vec<_>>().join(",")))
    }

    fn take_subnets(&mut self, network: &Network, taken: &mut Vec<PoolId>) -> Option<Vec<Subnet>> {
        let space = &mut self.given.space;
        if network.subnets.is_empty() {
            let pool = space.request_automatic(Family::V4, &[]).ok()?;
            taken.push(pool);
            let gateway = space.request_address(pool, None).ok();
            let (range, auxiliary) = (None, BTreeMap::new());
            return Some(vec![Subnet {
                net: space.subnet(pool).to_string(),
                range,
                gateway,
                auxiliary,
                by_user: false,
            }]);
        }
        let mut subnets = Vec::new();
        for subnet in &network.subnets {
            let asked = subnet.config().filter(|asked| asked.pool.subnet.is_ipv4())?;
            let pool = space.request_pool(Realm::Engine, asked.pool).ok()?;
            taken.push(pool);
            let gateway = space.request_address(pool, asked.gateway).ok()?;
            for addr in asked.auxiliary.values() {
                space.request_address(pool, Some(*addr)).ok()?;
            }
            subnets.push(Subnet { gateway: Some(gateway), ..subnet.clone() });
        }
        Some(subnets)
    }

    /// Removes a network that nobody uses.
    ///
    /// # Errors
    /// `NetworkInUse`, `IngressInUse`.
    pub fn remove_network(&mut self, id: &str) -> Result<(), Refusal> {
        let is_ingress = self.find_network(id).is_some_and(|network| network.ingress);
        if let Some((service, _)) =
            self.services().iter().find(|(service, _)| is_ingress && service.spec.is_published())
        {
            return Err(Refusal::IngressInUse(service.id.clone()));
        }
        let is_on = |service: &Service| self.is_on(service, id);
        if let Some((service, _)) = self.services().iter().find(|(service, _)| is_on(service)) {
            return Err(Refusal::NetworkInUse { network: id.to_owned(), kind: "service", user: service.id.clone() });
        }
        if let Some(used) = self.attachments().into_iter().find(|attachment| attachment.network == id) {
            let user = if used.service.is_some() { used.container } else { used.task };
            return Err(Refusal::NetworkInUse { network: id.to_owned(), kind: "task", user });
        }
        if let Some(network) = self.find_network(id).filter(|network| network.allocated) {
            let options = OverlayOptions::parse(&network.options);
            let vnis = options.map(|options| options.vnis).unwrap_or_default();
            vnis.iter().for_each(|vni| {
                self.given.vnis.remove(&vni.number());
            });
        }
        let pools = self.given.pools.remove(id).unwrap_or_default();
        pools.iter().for_each(|pool| self.given.space.release_pool(*pool));
        let own = self.own_where(|_, network| network == id);
        own.iter().for_each(|(key, ..)| {
            self.store.delete(key);
        });
        self.store.delete(&format!("{NETWORKS}{id}"));
        Ok(())
    }

    fn is_on(&self, service: &Service, network: &str) -> bool {
        let wanted = service.spec.wanted().iter();
        wanted.filter_map(|wanted| self.find_network(&wanted.target)).any(|found| found.id == network)
    }

    pub(super) fn put_attachment(&mut self, attachment: &Attachment) {
        self.store.put(&format!("{TASKS}{}", attachment.task), text(attachment));
    }

    pub(super) fn attachments(&self) -> Vec<Attachment> {
        self.store.range(TASKS).filter_map(|(_, entry)| read(entry)).collect()
    }

    /// A container of a node wants to be on a network.
    pub(super) fn attach(&mut self, node: &str, term: &str, container: &str, wanted: Option<IpAddr>) -> Answer {
        let Some(network) = self.find_network(term) else {
            return Answer::Refused(format!("rpc error: code = NotFound desc = network {term} not found"));
        };
        if !network.attachable {
            let said = "rpc error: code = PermissionDenied desc = network";
            return Answer::Refused(format!("{said} {} not manually attachable", network.name));
        }
        if !network.allocated {
            return Answer::Pending;
        }
        let has = |a: &Attachment| a.network == network.id && a.container == container && a.node == node;
        // The answer to the same question may have been lost.
        let known = self.attachments().into_iter().find(has);
        let attachment = match known {
            Some(known) => known,
            None => {
                let Some(addr) = self.given.take(&network.id, wanted) else { return Answer::Pending };
                let task = Id::object(&mut self.ids).to_string();
                let (container, node, id) = (container.to_owned(), node.to_owned(), network.id.clone());
                let attachment = Attachment { task, network: id, container, node, addr, service: None };
                self.put_attachment(&attachment);
                attachment
            }
        };
        let Some(own) = self.own_address(node, &network.id) else {
            self.detach(&attachment.task);
            return Answer::Pending;
        };
        Answer::Granted(Grant { task: attachment.task, network, addr: attachment.addr, own: Some(own) })
    }

    /// The address of a node on a network.
    pub(super) fn own_address(&mut self, node: &str, network: &str) -> Option<IpAddr> {
        let key = format!("{OWN}{network}/{node}");
        if let Some(own) = self.store.get(&key) {
            return own.value.parse().ok();
        }
        let own = self.given.take(network, None)?;
        self.store.put(&key, own.to_string());
        Some(own)
    }

    /// The addresses of nodes on networks, of which both fit: the key, the network and the address.
    fn own_where(&self, fits: impl Fn(&str, &str) -> bool) -> Vec<(String, String, IpAddr)> {
        let all = self.store.range(OWN).filter_map(|(key, entry)| {
            let (network, node) = key.strip_prefix(OWN)?.split_once('/')?;
            fits(node, network).then_some(())?;
            Some((key.to_owned(), network.to_owned(), entry.value.parse().ok()?))
        });
        all.collect()
    }

    fn take_back_own(&mut self, own: Vec<(String, String, IpAddr)>) {
        for (key, network, addr) in own {
            self.store.delete(&key);
            self.given.give_back(&network, addr);
        }
    }

    /// The network by which ports are published, and a node's own address there.
    pub fn ingress_of(&mut self, node: &str) -> Option<(Network, IpAddr)> {
        let network = self.networks().into_iter().find(|network| network.ingress && network.allocated)?;
        let own = self.own_address(node, &network.id)?;
        Some((network, own))
    }

    /// Whether networks have come or gone since a revision.
    pub(super) fn networks_changed_since(&self, seen: u64) -> bool {
        self.store.changes(seen, NETWORKS).map_or(true, |mut changes| changes.next().is_some())
    }

    /// A container is on a network no more. The node's own address goes with its last one.
    pub(super) fn detach(&mut self, task: &str) {
        let key = format!("{TASKS}{task}");
        let Some(attachment) = self.store.get(&key).and_then(read::<Attachment>) else { return };
        self.store.delete(&key);
        let Attachment { network, node, addr, .. } = attachment;
        self.given.give_back(&network, addr);
        let is_used = self.attachments().iter().any(|other| other.network == network && other.node == node);
        if !is_used {
            self.take_back_own(self.own_where(|at, on| at == node && on == network));
        }
    }

    /// Nothing of a node is on any network any more.
    pub(super) fn detach_node(&mut self, node: &str) {
        for attachment in self.attachments().into_iter().filter(|attachment| attachment.node == node) {
            self.detach(&attachment.task);
        }
        self.take_back_own(self.own_where(|at, _| at == node));
    }
}

/// All networks of a store, the oldest first.
#[must_use]
pub fn networks_in(store: &Store) -> Vec<Network> {
    let mut networks: Vec<Network> = store.range(NETWORKS).filter_map(|(_, entry)| read(entry)).collect();
    networks.sort_by_key(|network| network.created);
    networks
}

/// The network that is meant: by its id, its name or the beginning of its id.
#[must_use]
pub fn find_among<'a>(networks: &'a [Network], term: &str) -> Option<&'a Network> {
    let by_id = networks.iter().find(|network| network.id == term);
    let by_name = || networks.iter().find(|network| network.name == term);
    let by_prefix = || networks.iter().find(|network| !term.is_empty() && network.id.starts_with(term));
    by_id.or_else(by_name).or_else(by_prefix)
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddr};

    use netyard_sim::rng::Seed;

    use super::*;
    use crate::cluster::object::Availability;

    fn manager() -> Manager {
        let addr = SocketAddr::from(([192, 0, 2, 10], crate::cluster::CONTROL_PORT));
        Manager::new(
            Seed(1).stream("cluster"),
            Instant::ZERO,
            ("node1", addr, Availability::Active),
            Default::default(),
        )
    }

    fn network(manager: &mut Manager, name: &str, options: &[(&str, &str)]) -> Network {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = NetworkConfig { name: name.to_owned(), attachable: true, options, ..NetworkConfig::default() };
        let id = manager.create_network(Instant::ZERO, &config).to_string();
        manager.find_network(&id).expect("it was just made")
    }

    fn addr(answer: Answer) -> String {
        match answer {
            Answer::Granted(grant) => format!("{} {}", grant.addr, grant.own.expect("nodes have one")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn networks_get_subnets_and_numbers_in_turn() {
        let mut manager = manager();
        let shown = |network: &Network| (network.subnets[0].net.clone(), network.options[VNIS].clone());
        assert_eq!(shown(&manager.find_network("ingress").unwrap()), ("10.0.0.0/24".to_owned(), "4096".to_owned()));
        let first = network(&mut manager, "n1", &[]);
        assert_eq!(shown(&first), ("10.0.1.0/24".to_owned(), "4097".to_owned()));
        assert_eq!(manager.remove_network(&first.id), Ok(()));
        assert_eq!(shown(&network(&mut manager, "n2", &[])), ("10.0.2.0/24".to_owned(), "4098".to_owned()));
        assert!(!network(&mut manager, "taken", &[(VNIS, "4096")]).allocated);
        assert!(!network(&mut manager, "banana", &[(VNIS, "banana")]).allocated);
    }

    #[test]
    fn addresses_are_given_in_turn_and_a_node_has_one_of_its_own() {
        let mut manager = manager();
        let network = network(&mut manager, "n1", &[]);
        assert_eq!(addr(manager.attach("a", "n1", "c1", None)), "10.0.1.2 10.0.1.3");
        assert_eq!(addr(manager.attach("b", "n1", "c2", None)), "10.0.1.4 10.0.1.5");
        assert_eq!(addr(manager.attach("b", "n1", "c2", None)), "10.0.1.4 10.0.1.5", "the same question again");
        let wanted = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 4)));
        assert_eq!(manager.attach("a", "n1", "c3", wanted), Answer::Pending);
        let refused = manager.remove_network(&network.id).unwrap_err().to_string();
        assert!(refused.contains("is in use by task"), "{refused}");
        manager.detach_node("b");
        assert_eq!(addr(manager.attach("a", "n1", "c3", wanted)), "10.0.1.4 10.0.1.3");
        manager.detach_node("a");
        assert_eq!(manager.remove_network(&network.id), Ok(()));
    }
}
