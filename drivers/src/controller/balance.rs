//! The addresses of services, and their published ports: in the host's own sandbox on each network across hosts, IPVS gives
//! connections to the tasks of a service in turn (libnetwork, `service_linux.go`). What services there are is read off the
//! endpoints, here and elsewhere; what is there is made like it.
//!
//! How it works: the sandbox has the service's address as a further one of its device, so it answers ARP and echoes. What
//! comes for it is marked by a rule, and IPVS takes what is marked. A task sees the sandbox's own address, so that its
//! answers come back this way. A published port of the host is led into the sandbox of the network `ingress`, where it is
//! marked in the same way, and by the task from there to its own port.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use netyard_sim::addr::{IpNetwork, network_of};
use netyard_sim::device::{Address, Scope};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, Ruleset, TableKind};
use netyard_sim::socket::SocketId;
use netyard_sim::userland::sysctl;
use netyard_sim::world::World;

use super::Controller;
use crate::endpoint::{Endpoint, IngressPort, OfService, Standing};
use crate::id::Id;
use crate::network::Network;
use crate::ports::Protocol;

/// The first mark of a service.
const FIRST_MARK: u32 = 256;
/// The chain of published ports.
const INGRESS: &str = "DOCKER-INGRESS";
const USER: &str = "-j DOCKER-USER";

/// The services of the networks of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    /// By network and service.
    services: BTreeMap<(Id, String), Balanced>,
    /// How many marks were given.
    marks: u32,
    /// What listens at published ports of the host, only to keep them (libnetwork, `plumbProxy`).
    keepers: BTreeMap<(Protocol, u16), SocketId>,
}

/// A service on a network, as the host's sandbox has it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Balanced {
    mark: u32,
    vip: IpAddr,
    tasks: Vec<IpAddr>,
    ports: Vec<IngressPort>,
    /// Where the host sends what comes for the ports.
    gateway: Option<IpAddr>,
}

/// Where a network's services are balanced.
#[derive(Clone, Debug)]
struct Post {
    namespace: NamespaceId,
    device: String,
    own: IpNetwork,
}

impl Controller {
    /// Has the services that endpoints speak of, and no more.
    pub fn settle_services(&mut self, world: &mut World) {
        let networks: Vec<Id> = self.posts.keys().copied().collect();
        let gone: Vec<(Id, String)> =
            self.balance.services.keys().filter(|(network, _)| !networks.contains(network)).cloned().collect();
        for key in gone {
            // The sandbox went with its network; the host's own rules did not.
            if let Some(before) = self.balance.services.remove(&key) {
                before.ports.iter().for_each(|port| self.close_port(world, *port, before.gateway));
            }
        }
        for id in networks {
            let wanted = self.network(id).map(services_on).unwrap_or_default();
            let Some(post) = self.post_on(id) else { continue };
            let known: Vec<String> =
                self.balance.services.keys().filter(|(network, _)| *network == id).map(|(_, s)| s.clone()).collect();
            for service in known.into_iter().filter(|service| !wanted.contains_key(service)) {
                self.end_service(world, &post, &(id, service));
            }
            for (service, (vip, tasks, ports)) in wanted {
                self.have_service(world, &post, (id, service), (vip, tasks, ports));
            }
        }
    }

    /// The mark by which a service's connections are balanced on a network.
    #[must_use]
    pub fn mark_of(&self, network: Id, service: &str) -> Option<u32> {
        self.balance.services.get(&(network, service.to_owned())).map(|balanced| balanced.mark)
    }

    fn post_on(&self, network: Id) -> Option<Post> {
        let sandbox = self.sandbox(*self.posts.get(&network)?)?;
        let own = self.endpoint(sandbox.id, network)?.v4?.net;
        let device = sandbox.on(network)?.interface.clone()?;
        Some(Post { namespace: sandbox.namespace, device, own })
    }

    fn have_service(
        &mut self,
        world: &mut World,
        post: &Post,
        key: (Id, String),
        (vip, tasks, ports): (IpAddr, Vec<IpAddr>, Vec<IngressPort>),
    ) {
        let before = self.balance.services.get(&key).cloned();
        if before.as_ref().is_some_and(|b| b.vip == vip && b.tasks == tasks && b.ports == ports) {
            return;
        }
        if before.as_ref().is_some_and(|before| before.vip != vip || before.ports != ports) {
            self.end_service(world, post, &key);
        }
        let mark = match self.balance.services.get(&key) {
            Some(known) => known.mark,
            None => {
                self.balance.marks += 1;
                let mark = FIRST_MARK + self.balance.marks - 1;
                self.begin_service(world, post, (mark, vip), &ports);
                mark
            }
        };
        world.fabric.namespace_mut(post.namespace).netfilter.ipvs.set(mark, tasks.clone());
        let gateway = self.way_out_of_post(post).map(|(gateway, _)| gateway);
        self.balance.services.insert(key, Balanced { mark, vip, tasks, ports, gateway });
    }

    fn begin_service(&mut self, world: &mut World, post: &Post, (mark, vip): (u32, IpAddr), ports: &[IngressPort]) {
        let Some(net) = IpNetwork::new(vip, 32).ok().filter(|_| vip.is_ipv4()) else { return };
        let namespace = world.fabric.namespace_mut(post.namespace);
        namespace.set_ipv4_forward(1);
        let rules = &mut namespace.netfilter.v4;
        for port in ports {
            add(rules, TableKind::Mangle, "PREROUTING", &mark_of_port(*port, mark));
        }
        let subnet = network_of(post.own);
        add(
            rules,
            TableKind::Nat,
            "POSTROUTING",
            &format!("-d {subnet} -m ipvs --ipvs -j SNAT --to-source {}", post.own.ip()),
        );
        add(rules, TableKind::Mangle, "INPUT", &format!("-d {vip}/32 -j MARK --set-mark {mark:#x}"));
        if let Some(device) = namespace.device_named(&post.device).map(|device| device.index) {
            let address = Address { scope: Scope::GLOBAL, ..Address::new(net) };
            // It stands already where somebody put it there by hand.
            let _ = world.fabric.assign(post.namespace, device, address);
        }
        ports.iter().for_each(|port| self.open_port(world, post, *port));
    }

    fn end_service(&mut self, world: &mut World, post: &Post, key: &(Id, String)) {
        let Some(Balanced { mark, vip, ports, gateway, .. }) = self.balance.services.remove(key) else { return };
        let namespace = world.fabric.namespace_mut(post.namespace);
        namespace.netfilter.ipvs.set(mark, Vec::new());
        let rules = &mut namespace.netfilter.v4;
        for port in &ports {
            remove(rules, TableKind::Mangle, "PREROUTING", &mark_of_port(*port, mark));
        }
        remove(rules, TableKind::Mangle, "INPUT", &format!("-d {vip}/32 -j MARK --set-mark {mark:#x}"));
        let device = namespace.device_named(&post.device).map(|device| device.index);
        if let (Some(device), Ok(net)) = (device, IpNetwork::new(vip, 32)) {
            let _ = world.fabric.remove_address(post.namespace, device, net);
        }
        ports.iter().for_each(|port| self.close_port(world, *port, gateway));
    }

    /// The address by which the host reaches a sandbox of its own, and the bridge between them.
    fn way_out_of_post(&self, post: &Post) -> Option<(IpAddr, String)> {
        let sandbox = self.sandboxes.values().find(|sandbox| sandbox.namespace == post.namespace)?;
        let way_out = self.endpoints_in(sandbox.id).find(|endpoint| endpoint.standing == Standing::WayOut)?;
        let network = sandbox.joined.iter().find(|joined| joined.endpoint == way_out.id)?.network;
        Some((way_out.v4?.net.ip(), self.network(network)?.name().to_owned()))
    }

    /// Leads a port of the host into the sandbox of the network `ingress` (libnetwork, `programIngress`).
    fn open_port(&mut self, world: &mut World, post: &Post, port: IngressPort) {
        // Without a way out nothing can be published, as in the engine, which only logs it.
        let Some((gateway, bridge)) = self.way_out_of_post(post) else { return };
        let setting = format!("net.ipv4.conf.{bridge}.route_localnet");
        let _ = sysctl::set(&mut world.fabric, self.host, &setting, "1");
        let rules = &mut world.fabric.namespace_mut(self.host).netfilter.v4;
        raise_chains(rules, &bridge);
        for (table, text) in rules_of_port(port, Some(gateway)) {
            put_first(rules, table, INGRESS, &text);
        }
        let network = world.fabric.namespace_mut(self.host);
        let kept = match port.protocol {
            Protocol::Tcp => network.tcp_listen_dual(port.published, 1).ok(),
            Protocol::Udp => network.udp_bind((Ipv4Addr::UNSPECIFIED, port.published).into()).ok(),
            // Linux has no such sockets here.
            Protocol::Sctp => None,
        };
        // What somebody has already is led away from him all the same.
        self.balance.keepers.extend(kept.map(|socket| ((port.protocol, port.published), socket)));
    }

    fn close_port(&mut self, world: &mut World, port: IngressPort, gateway: Option<IpAddr>) {
        if let Some(socket) = self.balance.keepers.remove(&(port.protocol, port.published)) {
            world.fabric.with(self.host, |network, cx| network.close(cx, socket));
        }
        let rules = &mut world.fabric.namespace_mut(self.host).netfilter.v4;
        for (table, text) in rules_of_port(port, gateway) {
            remove(rules, table, INGRESS, &text);
        }
    }

    /// A task takes published ports at its own, and nothing else by the network that they come by (libnetwork, `redirector`).
    pub(super) fn redirect_ports(&self, world: &mut World, sandbox: Id, network: Id) {
        let Some(endpoint) = self.endpoint(sandbox, network) else { return };
        let Some(service) = endpoint.service.as_ref().filter(|service| !service.ports.is_empty()) else { return };
        let (Some(lease), Some(inside)) = (endpoint.v4, self.sandbox(sandbox)) else { return };
        let own = lease.net.ip();
        let ports = service.ports.clone();
        let rules = &mut world.fabric.namespace_mut(inside.namespace).netfilter.v4;
        for IngressPort { protocol, published, target } in ports {
            let (p, filter) = (format!("-p {protocol} -m {protocol}"), TableKind::Filter);
            let there = format!("-d {own}/32 {p} --dport {published} -j REDIRECT --to-ports {target}");
            add(rules, TableKind::Nat, "PREROUTING", &there);
            let state = |states: &str| format!("-m conntrack --ctstate {states} -j ACCEPT");
            put_first(
                rules,
                filter,
                "INPUT",
                &format!("-d {own}/32 {p} --dport {target} {}", state("NEW,ESTABLISHED")),
            );
            put_first(rules, filter, "OUTPUT", &format!("-s {own}/32 {p} --sport {target} {}", state("ESTABLISHED")));
        }
        for protocol in ["sctp", "udp", "tcp"] {
            add(rules, TableKind::Filter, "INPUT", &format!("-d {own}/32 -p {protocol} -j DROP"));
            add(rules, TableKind::Filter, "OUTPUT", &format!("-s {own}/32 -p {protocol} -j DROP"));
        }
    }
}

/// The services of a network that have addresses of their own: address, tasks and ports.
fn services_on(network: &Network) -> BTreeMap<String, (IpAddr, Vec<IpAddr>, Vec<IngressPort>)> {
    let here = network.endpoints.values().filter(|endpoint| endpoint.standing == Standing::Container);
    let here = here.filter_map(|endpoint: &Endpoint| Some((endpoint.service.as_ref()?, endpoint.v4?.net.ip())));
    let elsewhere = network.elsewhere.stations.iter();
    let elsewhere = elsewhere.filter_map(|station| Some((station.service.as_ref()?, station.peer.addr)));
    let mut services: BTreeMap<String, (IpAddr, Vec<IpAddr>, Vec<IngressPort>)> = BTreeMap::new();
    for (OfService { id, vip, ports, .. }, task) in here.chain(elsewhere).filter(|(service, _)| service.is_ready) {
        let Some(vip) = vip else { continue };
        let service = services.entry(id.clone()).or_insert_with(|| (*vip, Vec::new(), ports.clone()));
        service.1.push(task);
    }
    services.values_mut().for_each(|(_, tasks, _)| tasks.sort());
    services
}

fn mark_of_port(IngressPort { protocol, published, .. }: IngressPort, mark: u32) -> String {
    format!("-p {protocol} -m {protocol} --dport {published} -j MARK --set-mark {mark:#x}")
}

/// The rules of a published port in the order of making; each goes to the front of its chain.
fn rules_of_port(port: IngressPort, gateway: Option<IpAddr>) -> Vec<(TableKind, String)> {
    let IngressPort { protocol, published, .. } = port;
    let p = format!("-p {protocol} -m {protocol}");
    let dnat = gateway.map(|gateway| {
        (TableKind::Nat, format!("{p} --dport {published} -j DNAT --to-destination {gateway}:{published}"))
    });
    let back =
        format!("-p {protocol} -m state --state RELATED,ESTABLISHED -m {protocol} --sport {published} -j ACCEPT");
    let there = format!("{p} --dport {published} -j ACCEPT");
    dnat.into_iter().chain([(TableKind::Filter, back), (TableKind::Filter, there)]).collect()
}

/// The chains of published ports and the ways to them, made when the first port is published.
fn raise_chains(rules: &mut Ruleset, bridge: &str) {
    for table in [TableKind::Nat, TableKind::Filter] {
        let _ = rules.new_chain(table, INGRESS);
        add(rules, table, INGRESS, "-j RETURN");
    }
    let jump = format!("-m addrtype --dst-type LOCAL -j {INGRESS}");
    put_first(rules, TableKind::Nat, "OUTPUT", &jump);
    put_first(rules, TableKind::Nat, "PREROUTING", &jump);
    put_first(rules, TableKind::Filter, "FORWARD", &format!("-j {INGRESS}"));
    if rules.contains(TableKind::Filter, "FORWARD", &parse(USER)) {
        remove(rules, TableKind::Filter, "FORWARD", USER);
        put_first(rules, TableKind::Filter, "FORWARD", USER);
    }
    let masquerade = format!("-o {bridge} -m addrtype --src-type LOCAL -j MASQUERADE");
    put_first(rules, TableKind::Nat, "POSTROUTING", &masquerade);
}

fn parse(text: &str) -> Rule {
    Rule::parse(text).expect("the rule is well-formed")
}

/// Appends a rule unless it stands. A chain that a user removed has none.
fn add(rules: &mut Ruleset, table: TableKind, chain: &str, text: &str) {
    let rule = parse(text);
    if !rules.contains(table, chain, &rule) {
        let _ = rules.append(table, chain, rule);
    }
}

/// Puts a rule in front unless it stands.
fn put_first(rules: &mut Ruleset, table: TableKind, chain: &str, text: &str) {
    let rule = parse(text);
    if !rules.contains(table, chain, &rule) {
        let _ = rules.insert(table, chain, 1, rule);
    }
}

fn remove(rules: &mut Ruleset, table: TableKind, chain: &str, text: &str) {
    let _ = rules.delete(table, chain, &parse(text));
}
