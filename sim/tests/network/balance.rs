//! A service balanced by IPVS as dockerd sets it up: a host with the service's address marks what comes for it, gives it to
//! a server, and hides the client behind its own address.

use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::socket::{Errno, SendOptions, SocketId};
use netyard_sim::time::Duration;

use super::lab::{Lab, Ping, at, ip};

const VIP: &str = "10.0.1.2:53";

/// A client, the host that balances, and two servers with a socket each.
struct Site {
    lab: Lab,
    client: NamespaceId,
    balancer: NamespaceId,
    servers: [(NamespaceId, SocketId); 2],
}

impl Site {
    fn new() -> Self {
        let mut lab = Lab::new();
        let switch = lab.host("switch");
        let bridge = lab.bridge(switch, "br0", "");
        let client = lab.behind(switch, bridge, "client", "10.0.1.9/24");
        let balancer = lab.behind(switch, bridge, "balancer", "10.0.1.6/24");
        let servers = [3, 4].map(|last| {
            let server = lab.behind(switch, bridge, &format!("s{last}"), &format!("10.0.1.{last}/24"));
            let socket = lab.fabric.with(server, |ns, _| ns.udp_bind(at("0.0.0.0:53"))).unwrap();
            (server, socket)
        });
        let eth0 = lab.fabric.namespace(balancer).device_named("eth0").unwrap().index;
        lab.fabric.add_address(balancer, eth0, "10.0.1.2/32".parse().unwrap()).unwrap();
        let namespace = lab.fabric.namespace_mut(balancer);
        namespace.set_ipv4_forward(1);
        for (table, chain, rule) in [
            (TableKind::Mangle, "INPUT", "-d 10.0.1.2/32 -j MARK --set-mark 256"),
            (TableKind::Nat, "POSTROUTING", "-d 10.0.1.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.1.6"),
        ] {
            namespace.netfilter.v4.append(table, chain, Rule::parse(rule).unwrap()).unwrap();
        }
        namespace.netfilter.ipvs.set(256, vec![ip("10.0.1.3"), ip("10.0.1.4")]);
        Self { lab, client, balancer, servers }
    }

    fn socket(&mut self) -> SocketId {
        self.lab.fabric.with(self.client, |ns, _| ns.udp_bind(at("0.0.0.0:0"))).unwrap()
    }

    /// Sends a question; which server has got it, and from whom.
    fn ask(&mut self, socket: SocketId) -> Option<(usize, String)> {
        let client = self.client;
        self.lab
            .fabric
            .with(client, |ns, cx| ns.send_to(cx, socket, at(VIP), b"question", SendOptions::default()))
            .unwrap();
        self.lab.run_for(Duration::from_secs(1));
        let servers = self.servers;
        for (number, (server, socket)) in servers.into_iter().enumerate() {
            if let Ok(Some(datagram)) = self.lab.fabric.with(server, |ns, _| ns.recv_from(socket)) {
                let answer = format!("from {number}").into_bytes();
                let to = datagram.src;
                self.lab
                    .fabric
                    .with(server, |ns, cx| ns.send_to(cx, socket, to, &answer, SendOptions::default()))
                    .unwrap();
                self.lab.run_for(Duration::from_secs(1));
                return Some((number, to.ip().to_string()));
            }
        }
        None
    }

    fn heard(&mut self, socket: SocketId) -> Result<Option<(String, String)>, Errno> {
        let received = self.lab.fabric.with(self.client, |ns, _| ns.recv_from(socket))?;
        Ok(received.map(|d| (d.src.to_string(), String::from_utf8_lossy(&d.data).into_owned())))
    }
}

#[test]
fn questions_are_given_to_servers_in_turn_and_the_service_answers() {
    let mut site = Site::new();
    let sockets = [site.socket(), site.socket(), site.socket()];
    let hidden = "10.0.1.6".to_owned();
    let asked = sockets.map(|socket| site.ask(socket));
    assert_eq!(asked, [0, 1, 0].map(|number| Some((number, hidden.clone()))));
    let answer = |number: usize| Ok(Some((VIP.to_owned(), format!("from {number}"))));
    assert_eq!(sockets.map(|socket| site.heard(socket)), [answer(0), answer(1), answer(0)]);
    assert_eq!(site.ask(sockets[1]), Some((1, hidden)), "a client stays with its server");
}

#[test]
fn the_address_itself_answers_echoes() {
    let mut site = Site::new();
    assert!(matches!(site.lab.ping(site.client, "10.0.1.2"), Ping::Reply { ttl: 64 }));
}

#[test]
fn a_refusal_comes_back_in_the_name_of_the_service() {
    let mut site = Site::new();
    for (server, socket) in site.servers {
        site.lab.fabric.with(server, |ns, cx| ns.close(cx, socket));
    }
    let (socket, client) = (site.socket(), site.client);
    site.lab.fabric.with(client, |ns, _| ns.udp_connect(socket, at(VIP))).unwrap();
    assert_eq!(site.ask(socket), None);
    assert_eq!(site.heard(socket), Err(Errno::ConnectionRefused));
}

#[test]
fn who_has_lost_its_server_gets_another_one_with_its_second_try() {
    let mut site = Site::new();
    let socket = site.socket();
    assert_eq!(site.ask(socket).map(|(number, _)| number), Some(0));
    site.lab.fabric.namespace_mut(site.balancer).netfilter.ipvs.set(256, vec![ip("10.0.1.4")]);
    assert_eq!(site.ask(socket), None, "the first one is dropped");
    assert_eq!(site.ask(socket).map(|(number, _)| number), Some(1));
}
