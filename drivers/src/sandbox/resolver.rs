//! The DNS server of a sandbox: it listens on 127.0.0.11 at two ports that chance chose, and rules in the sandbox's own
//! nat table lead port 53 there and back (08 "how it is wired"). What it answers is `dns`'s affair.

use core::net::{IpAddr, SocketAddr};

use netyard_sim::dns::Server;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::namespace::Listening;
use netyard_sim::netfilter::Netfilter;
use netyard_sim::rng::Seed;
use netyard_sim::world::World;

use super::resolv;
use crate::id::Id;

const DNS_PORT: u16 = 53;
const OUTPUT: &str = "DOCKER_OUTPUT";
const POSTROUTING: &str = "DOCKER_POSTROUTING";

/// The server of a sandbox, which asks these about names it does not know.
#[must_use]
pub fn server(seed: Seed, sandbox: Id, upstreams: &[IpAddr]) -> Server {
    let mut server = Server::embedded(seed.stream(&format!("dns/{sandbox}")));
    server.upstreams = upstreams.iter().map(|ip| SocketAddr::new(*ip, DNS_PORT)).collect();
    server
}

/// Lets `server` run in a namespace. Where lo is down it cannot: the engine logs an error and goes on.
pub fn install(world: &mut World, namespace: NamespaceId, server: Server) {
    let anywhere = SocketAddr::new(resolv::EMBEDDED, 0);
    let listening = world.fabric.with(namespace, |ns, cx| ns.set_resolver(cx, anywhere, server));
    if let Ok(listening) = listening {
        lead_there(&mut world.fabric.namespace_mut(namespace).netfilter, listening);
    }
}

/// The rules, in the engine's order: each is put before the one made earlier.
fn lead_there(netfilter: &mut Netfilter, listening: Listening) {
    let (address, udp, tcp) = (resolv::EMBEDDED, listening.udp.port(), listening.tcp.port());
    for (hook, chain) in [("OUTPUT", OUTPUT), ("POSTROUTING", POSTROUTING)] {
        netfilter.v4.new_chain(TableKind::Nat, chain).expect("the chain is new");
        append(netfilter, hook, &format!("-d {address}/32 -j {chain}"));
    }
    for (protocol, port) in [("tcp", tcp), ("udp", udp)] {
        let there = format!("-d {address}/32 -p {protocol} -m {protocol} --dport {DNS_PORT} -j DNAT");
        append(netfilter, OUTPUT, &format!("{there} --to-destination {address}:{port}"));
        let back = format!("-s {address}/32 -p {protocol} -m {protocol} --sport {port} -j SNAT");
        append(netfilter, POSTROUTING, &format!("{back} --to-source :{DNS_PORT}"));
    }
}

fn append(netfilter: &mut Netfilter, chain: &str, rule: &str) {
    let rule = Rule::parse(rule).expect("the rule is well-formed");
    netfilter.v4.append(TableKind::Nat, chain, rule).expect("the chain is there");
}
