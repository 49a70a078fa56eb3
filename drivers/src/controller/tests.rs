//! Stories of networks, endpoints and sandboxes, on a world without programs.

use netyard_sim::addr::Family as Query;
use netyard_sim::time::Epoch;
use netyard_sim::userland::process::Context;
use netyard_sim::userland::{Files, Flavour, Programs};

use super::*;
use crate::daemon::Config;
use crate::endpoint::{EndpointConfig, Link, StaticAddresses};
use crate::ipam::{PoolRequest, parse_prefix};
use crate::network::{Allocation, NetworkConfig, SubnetConfig};

fn without_gateway(text: &str) -> SubnetConfig {
    let (pool, auxiliary) = (PoolRequest { subnet: parse_prefix(text).unwrap(), range: None }, BTreeMap::new());
    SubnetConfig { pool, gateway: None, auxiliary, allocation: Allocation::Lowest }
}

struct Lab {
    world: World,
    controller: Controller,
    next: u8,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new(Seed(1), Epoch::DEFAULT, Programs::default());
        let host = world.fabric.create_namespace("docker01");
        let context = Context { files: Files::default(), hostname: "docker01".into(), flavour: Flavour::Host };
        let context = world.processes.create_context(context);
        let mut controller = Controller::new(Seed(1), "docker01", host, context);
        controller.boot(&mut world, &Config::default()).unwrap();
        Self { world, controller, next: 0 }
    }

    fn network(&mut self, name: &str, subnet: Option<&str>) -> Id {
        let subnets: Vec<SubnetConfig> = subnet.map(without_gateway).into_iter().collect();
        let config = NetworkConfig { name: name.into(), driver: "bridge".into(), subnets, ..NetworkConfig::default() };
        self.controller.create_network(&mut self.world, config).unwrap()
    }

    /// A sandbox of a container whose id is its number.
    fn sandbox(&mut self) -> (Id, Id) {
        self.next += 1;
        let container = Id::from_bytes([self.next; 32]);
        let mut files = Files::default();
        files.make_directory("/etc");
        files.write("/etc/resolv.conf", "nameserver 192.0.2.1\n").unwrap();
        let context = Context { files, hostname: container.short(), flavour: Flavour::Busybox };
        let context = self.world.processes.create_context(context);
        let config = SandboxConfig { hostname: container.short(), ..SandboxConfig::default() };
        (container, self.controller.create_sandbox(&mut self.world, Place::Own, context, config))
    }

    fn join(&mut self, who: (Id, Id), name: &str, network: Id, config: &EndpointConfig) -> Result<(), Error> {
        let standing = Standing::Container;
        let request = EndpointRequest { network, container: who.0, name, config, standing };
        self.controller.connect(&mut self.world, who.1, request)
    }

    fn address(&self, sandbox: Id, network: Id) -> String {
        self.controller.endpoint(sandbox, network).unwrap().v4.unwrap().net.to_string()
    }

    fn resolve(&self, sandbox: Id, name: &str) -> Vec<String> {
        let sandbox = self.controller.sandbox(sandbox).unwrap();
        let found = self.controller.records_for(sandbox).resolve(name, Query::V4).unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    fn file(&self, sandbox: Id, path: &str) -> String {
        let context = self.controller.sandbox(sandbox).unwrap().context;
        self.world.processes.context(context).files.text(path)
    }

    /// The devices of a sandbox, and the device of its default route.
    fn devices(&self, sandbox: Id) -> (Vec<String>, Option<String>) {
        let namespace = self.world.fabric.namespace(self.controller.sandbox(sandbox).unwrap().namespace);
        let default = namespace.routes.iter().find(|route| route.dst.prefix() == 0).and_then(|route| route.device);
        let names = namespace.devices.values().map(|d| d.name.clone()).collect();
        (names, default.map(|index| namespace.devices.get(&index).expect("a route has its device").name.clone()))
    }
}

fn plain() -> EndpointConfig {
    EndpointConfig::default()
}

fn at(address: &str) -> EndpointConfig {
    let addresses = StaticAddresses { v4: Some(address.parse().unwrap()), ..StaticAddresses::default() };
    EndpointConfig { addresses: Some(addresses), ..plain() }
}

#[test]
fn every_engine_has_three_networks() {
    let lab = Lab::new();
    let names: Vec<(&str, &str)> =
        lab.controller.networks().iter().map(|n| (n.name(), n.config.driver.as_str())).collect();
    assert_eq!(names, [("none", "null"), ("host", "host"), ("bridge", "bridge")]);
    assert_eq!(lab.controller.find("bridge").unwrap().subnets[0].gateway.to_string(), "172.17.0.1");
    let host = lab.world.fabric.namespace(lab.controller.host);
    assert!(host.forwards_ipv4());
    assert_eq!(host.device_named("docker0").unwrap().addresses[0].net.to_string(), "172.17.0.1/16");
}

#[test]
fn a_network_is_found_by_name_id_and_a_beginning_that_is_its_own() {
    let mut lab = Lab::new();
    let id = lab.network("isolated_nw", None);
    for term in ["isolated_nw", &id.to_string(), &id.short()] {
        assert_eq!(lab.controller.find(term).unwrap().id, id, "{term}");
    }
    assert_eq!(lab.controller.find("nosuch").unwrap_err(), Error::NetworkUnknown("nosuch".into()));
}

#[test]
fn a_refused_network_leaves_nothing_behind() {
    let mut lab = Lab::new();
    let mut create = |name: &str, driver: &str, subnets: &[&str]| {
        let subnets = subnets.iter().map(|text| without_gateway(text)).collect();
        let config = NetworkConfig { name: name.into(), driver: driver.into(), subnets, ..NetworkConfig::default() };
        lab.controller.create_network(&mut lab.world, config).map_err(|error| error.to_string())
    };
    assert_eq!(create("bridge", "bridge", &[]).unwrap_err(), "operation is not permitted on predefined bridge network");
    assert_eq!(create("n", "nosuch", &[]).unwrap_err(), "plugin \"nosuch\" not found");
    assert_eq!(create("n", "host", &[]).unwrap_err(), "only one instance of \"host\" network is allowed");
    assert_eq!(
        create("n", "bridge", &["10.9.8.0/24", "10.9.9.0/31"]).unwrap_err(),
        "failed to allocate gateway (): No available addresses on this pool"
    );
    assert!(create("n", "bridge", &["10.9.8.0/24"]).is_ok(), "the first subnet was given back");
    assert_eq!(create("n", "bridge", &[]).unwrap_err(), "network with name n already exists");
}

#[test]
fn addresses_names_and_routes_follow_joining_and_leaving() {
    let mut lab = Lab::new();
    let bridge = lab.controller.find("bridge").unwrap().id;
    let isolated = lab.network("isolated_nw", Some("172.25.0.0/16"));
    let c2 = lab.sandbox();
    lab.join(c2, "container2", bridge, &plain()).unwrap();
    assert_eq!(lab.file(c2.1, "/etc/resolv.conf"), "nameserver 192.0.2.1\n", "no names on docker0 (fact 32)");
    lab.join(c2, "container2", isolated, &plain()).unwrap();
    let c3 = lab.sandbox();
    lab.join(c3, "container3", isolated, &at("172.25.3.3")).unwrap();
    assert_eq!(lab.address(c2.1, isolated), "172.25.0.2/16");
    assert_eq!(lab.resolve(c2.1, "container3"), ["172.25.3.3"]);
    assert_eq!(lab.file(c2.1, "/etc/resolv.conf"), "nameserver 127.0.0.11\noptions ndots:0\n");
    assert_eq!(lab.file(c2.1, "/etc/hosts"), "172.17.0.2\t010101010101\n172.25.0.2\t010101010101\n");
    let (devices, default) = lab.devices(c2.1);
    assert_eq!((devices.join(" ").as_str(), default.as_deref()), ("lo eth0 eth1", Some("eth0")));

    assert!(lab.controller.leave(&mut lab.world, c2.1, isolated));
    assert_eq!(lab.resolve(c3.1, "container2"), [""; 0]);
    assert_eq!(lab.file(c2.1, "/etc/hosts"), "", "all its lines are gone (fact 35)");
    assert!(!lab.controller.leave(&mut lab.world, c2.1, isolated));
}

#[test]
fn the_first_network_by_name_has_the_default_route_and_numbers_are_not_used_again() {
    let mut lab = Lab::new();
    let (zeta, alpha) = (lab.network("zeta", None), lab.network("alpha", None));
    let c = lab.sandbox();
    lab.join(c, "c1", zeta, &plain()).unwrap();
    lab.join(c, "c1", alpha, &plain()).unwrap();
    assert_eq!(lab.devices(c.1).1.as_deref(), Some("eth1"), "alpha beats zeta (fact 19)");
    lab.controller.leave(&mut lab.world, c.1, alpha);
    assert_eq!(lab.devices(c.1).1.as_deref(), Some("eth0"));
    lab.join(c, "c1", alpha, &plain()).unwrap();
    assert_eq!(lab.devices(c.1).0, ["lo", "eth0", "eth2"], "(fact 18)");
}

#[test]
fn a_start_numbers_devices_by_network_name_or_takes_nothing() {
    let mut lab = Lab::new();
    let (zeta, alpha) = (lab.network("zeta", Some("10.1.0.0/24")), lab.network("alpha", Some("10.2.0.0/24")));
    let c = lab.sandbox();
    let (first, taken) = (plain(), at("10.2.0.1"));
    let standing = Standing::Container;
    let request = |network, config| EndpointRequest { network, container: c.0, name: "c1", config, standing };
    let refused = lab.controller.start(&mut lab.world, c.1, &[request(zeta, &first), request(alpha, &taken)]);
    assert_eq!(refused, Err(Error::AddressInUse), "the gateway has it");
    lab.controller.start(&mut lab.world, c.1, &[request(zeta, &first), request(alpha, &first)]).unwrap();
    assert_eq!(lab.address(c.1, zeta), "10.1.0.2/24", "the refused start gave its address back");
    let interface = |network| lab.controller.sandbox(c.1).unwrap().on(network).unwrap().interface.clone();
    assert_eq!((interface(alpha).as_deref(), interface(zeta).as_deref()), (Some("eth0"), Some("eth1")));
}

#[test]
fn refusals_of_endpoints_are_the_engines() {
    let mut lab = Lab::new();
    let network = lab.network("n1", Some("10.9.9.0/30"));
    let (c1, c2) = (lab.sandbox(), lab.sandbox());
    lab.join(c1, "c1", network, &plain()).unwrap();
    let mut refused =
        |who, name: &str, config: &EndpointConfig| lab.join(who, name, network, config).unwrap_err().to_string();
    assert_eq!(refused(c1, "c1", &plain()), "endpoint with name c1 already exists in network n1");
    assert_eq!(refused(c2, "c2", &at("10.9.9.2")), "Address already in use");
    assert_eq!(
        refused(c2, "c2", &at("172.27.0.5")),
        "Invalid address 172.27.0.5: It does not belong to any of this network's subnets"
    );
    assert_eq!(
        refused(c2, "c2", &plain()),
        format!("no available IPv4 addresses on this network's address pools: n1 ({network})")
    );
    let active = lab.controller.delete_network(&mut lab.world, "n1").unwrap_err();
    assert_eq!(active, Error::NetworkActive { name: "n1".into(), id: network });
}

#[test]
fn links_and_aliases_are_seen_where_they_belong() {
    let mut lab = Lab::new();
    let (isolated, local) = (lab.network("isolated_nw", None), lab.network("local_alias", None));
    let link = |target: &str, alias: &str| EndpointConfig {
        links: Some(vec![Link { target: target.into(), alias: alias.into() }]),
        ..plain()
    };
    let alias = |name: &str| EndpointConfig { aliases: Some(vec![name.into()]), ..plain() };
    let (c4, c5, c6) = (lab.sandbox(), lab.sandbox(), lab.sandbox());
    lab.join(c4, "container4", isolated, &link("container5", "c5")).unwrap();
    lab.join(c5, "container5", isolated, &plain()).unwrap();
    lab.join(c4, "container4", local, &link("container5", "foo")).unwrap();
    assert_eq!(lab.resolve(c4.1, "foo"), [""; 0], "container5 is not there yet (fact 40)");
    lab.join(c5, "container5", local, &plain()).unwrap();
    assert_eq!(lab.resolve(c4.1, "foo"), [lab.address(c5.1, local).trim_end_matches("/16")]);
    assert_eq!(lab.resolve(c4.1, "c5"), [lab.address(c5.1, isolated).trim_end_matches("/16")]);
    assert_eq!(lab.resolve(c5.1, "foo"), [""; 0], "a link is the container's own");
    lab.join(c6, "container6", isolated, &alias("app")).unwrap();
    assert_eq!(lab.resolve(c4.1, "app").len(), 1);
    lab.controller.rename(&mut lab.world, c6.0, "six");
    assert_eq!((lab.resolve(c4.1, "six").len(), lab.resolve(c4.1, "container6").len()), (1, 0));
}

#[test]
fn a_removed_sandbox_leaves_no_device_and_no_address() {
    let mut lab = Lab::new();
    let network = lab.network("n1", None);
    let c1 = lab.sandbox();
    let before = lab.world.fabric.namespace(lab.controller.host).devices.values().count();
    lab.join(c1, "c1", network, &plain()).unwrap();
    lab.controller.delete_sandbox(&mut lab.world, c1.1);
    assert_eq!(lab.world.fabric.namespace(lab.controller.host).devices.values().count(), before);
    let c2 = lab.sandbox();
    lab.join(c2, "c2", network, &plain()).unwrap();
    assert_eq!(lab.address(c2.1, network), "172.18.0.2/16", "the address is free at once (fact 1)");
    lab.controller.delete_sandbox(&mut lab.world, c2.1);
    assert_eq!(lab.controller.delete_network(&mut lab.world, "n1").unwrap().name(), "n1");
    assert!(lab.world.fabric.namespace(lab.controller.host).device_named(&format!("br-{}", network.short())).is_none());
}
