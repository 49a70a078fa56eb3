//! Who finds and reaches whom.

use std::net::IpAddr;

use netyard::lab::net::{TcpListener, TcpStream, anywhere};
use netyard::lab::strategy::{self, Topology};
use netyard::prelude::*;
use netyard::runner::recording::Packet;
use netyard_sim::packet::Ip;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::config;

/// The addresses of a container on the networks of a list.
fn addresses_on(lab: &Lab, topology: &Topology, container: usize, networks: &[usize]) -> Vec<IpAddr> {
    let all = lab.addresses(&format!("c{container}")).expect("it runs");
    let is_on =
        |addr: &IpAddr| networks.iter().any(|n| matches!(addr, IpAddr::V4(v4) if topology.subnet(*n).contains(*v4)));
    let mut found: Vec<IpAddr> = all.into_iter().filter(is_on).collect();
    found.sort();
    found
}

/// What was seen at the devices of containers, with the number of the container.
fn at_containers(lab: &Lab, topology: &Topology) -> impl Iterator<Item = (usize, Packet)> {
    let devices = (0..topology.containers.len()).flat_map(|c| (0..topology.containers[c].len()).map(move |d| (c, d)));
    let seen = |(c, d)| {
        lab.packets_at(&format!("c{c}"), &format!("eth{d}")).expect("it runs").into_iter().map(move |p| (c, p))
    };
    devices.flat_map(seen).collect::<Vec<_>>().into_iter()
}

/// Bytes on their way from c0 to c1 over one connection, a piece every 100 ms.
struct Transfer {
    lab: Lab,
    sending: Task<std::io::Result<()>>,
    receiving: Task<std::io::Result<Vec<u8>>>,
}

impl Transfer {
    fn begin(bytes: &[u8], seed: u64) -> Self {
        let topology = Topology { networks: vec![24], containers: vec![vec![0], vec![0]] };
        let lab = topology.build(seed).expect("it can be built");
        let receive = async {
            let listener = TcpListener::bind(anywhere(9)).await?;
            let (mut stream, _) = listener.accept().await?;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            Ok(all)
        };
        let bytes = bytes.to_vec();
        let send = async move {
            let mut stream = TcpStream::connect(("c1", 9)).await?;
            for piece in bytes.chunks(2000) {
                stream.write_all(piece).await?;
                net::sleep(Duration::from_millis(100)).await;
            }
            stream.shutdown().await
        };
        let receiving = lab.spawn_in("c1", receive).expect("it runs");
        let sending = lab.spawn_in("c0", send).expect("it runs");
        // Who cannot even ask for an address within three seconds has no connection, on Linux too.
        lab.run_for(Duration::from_millis(50));
        Self { lab, sending, receiving }
    }

    /// What arrived; by now nothing is in the way.
    fn end(&self) -> Vec<u8> {
        let is_over = |_: &Lab| self.receiving.is_done() && self.sending.is_done();
        self.lab.run_until(Duration::from_secs(600), is_over).expect("nothing is in the way");
        self.receiving.take().expect("it is done").expect("the connection lived")
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn names_resolve_exactly_for_members_of_a_shared_network(topology in strategy::topology(1..=3, 2..=4), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        for (one, other) in topology.pairs() {
            let mut found = lab.resolve(&format!("c{one}"), &format!("c{other}")).unwrap_or_default();
            found.sort();
            // Docker answers with the addresses on one network: the first on which there is such a name.
            let shared = topology.shared(one, other);
            let expected: Vec<_> = shared.iter().map(|n| addresses_on(&lab, &topology, other, &[*n])).collect();
            prop_assert!(expected.contains(&found) || (shared.is_empty() && found.is_empty()), "{:?}", found);
        }
    }

    #[test]
    fn user_networks_are_apart(topology in strategy::topology(2..=3, 2..=4), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        for (one, other) in topology.pairs() {
            for addr in lab.addresses(&format!("c{other}")).expect("it runs") {
                let IpAddr::V4(v4) = addr else { continue };
                let is_shared = topology.shared(one, other).iter().any(|n| topology.subnet(*n).contains(v4));
                let reached = lab.ping(&format!("c{one}"), &addr.to_string()).is_ok();
                prop_assert_eq!(reached, is_shared, "c{} to {}", one, addr);
            }
        }
        // No frame of one network was ever seen at a port of another.
        let mut looked_at = 0;
        for (container, packet) in at_containers(&lab, &topology) {
            looked_at += 1;
            let Some(ip) = Ip::parse(packet.frame.payload()) else { continue };
            let IpAddr::V4(src) = ip.src else { continue };
            let from = (0..topology.networks.len()).find(|network| topology.subnet(*network).contains(src));
            prop_assert!(from.is_none_or(|network| topology.containers[container].contains(&network)), "{} at {}", src, packet.device);
        }
        prop_assert!(looked_at > 0);
    }

    #[test]
    fn no_address_is_given_twice(topology in strategy::topology(1..=2, 2..=6), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        let mut all: Vec<IpAddr> = Vec::new();
        for container in 0..topology.containers.len() {
            all.extend(lab.addresses(&format!("c{container}")).expect("it runs"));
        }
        let count = all.len();
        all.sort();
        all.dedup();
        prop_assert_eq!(all.len(), count);
    }

    #[test]
    fn a_reply_undoes_what_nat_did(topology in strategy::topology(1..=2, 1..=2), port in 1024_u16.., seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        let container = lab.container("web").network("n0").publish(&format!("{port}:80")).command(&["httpd", "-f", "-p", "80"]);
        container.run().expect("the port is free");
        // Out through masquerading, and in through a published port: whoever asks hears from whom it asked.
        prop_assert!(lab.ping("c0", "192.0.2.1").is_ok());
        prop_assert!(lab.connect("c0", "192.0.2.10", port).is_ok());
        let own = lab.addresses("c0").expect("it runs");
        let asked: [IpAddr; 2] = ["192.0.2.1".parse().expect("an address"), "192.0.2.10".parse().expect("an address")];
        let came = at_containers(&lab, &topology).filter(|(container, _)| *container == 0);
        let mut replies = 0;
        for ip in came.filter_map(|(_, packet)| Ip::parse(packet.frame.payload())) {
            if own.contains(&ip.src) {
                continue;
            }
            prop_assert!(own.contains(&ip.dst) || ip.dst.is_multicast() || ip.dst.is_ipv6(), "{:?}", ip);
            replies += usize::from(asked.contains(&ip.src));
        }
        prop_assert!(replies >= 2, "an echo reply, a SYN and its ACK: {}", replies);
    }

    #[test]
    fn no_flow_is_tracked_for_ever(topology in strategy::topology(1..=2, 2..=3), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        let _ = lab.ping("c0", "192.0.2.1");
        let _ = lab.connect("c1", "192.0.2.1", 53);
        let _ = lab.sh_in("c0", "nslookup www.lan");
        prop_assert!(!lab.conntrack("docker01").expect("it is there").is_empty());
        // Longer than Linux keeps the most patient of them: five days.
        lab.run_for(Duration::from_secs(6 * 86_400));
        prop_assert_eq!(lab.conntrack("docker01").expect("it is there"), []);
    }

    #[test]
    fn tcp_delivers_all_bytes_in_order_through_outages_that_end(
        bytes in prop::collection::vec(any::<u8>(), 1..60_000),
        outages in strategy::outages(0..3),
        seed: u64,
    ) {
        let transfer = Transfer::begin(&bytes, seed);
        for outage in outages {
            transfer.lab.run_for(outage.after);
            let _apart = transfer.lab.partition(&["c0"], &["c1"]).expect("they run");
            transfer.lab.run_for(outage.lasting);
        }
        prop_assert_eq!(transfer.end(), bytes);
    }

    #[test]
    fn tcp_delivers_all_bytes_in_order_whatever_links_do_for_a_while(
        bytes in prop::collection::vec(any::<u8>(), 1..60_000),
        impairments in strategy::impairments(1..4),
        seed: u64,
    ) {
        let transfer = Transfer::begin(&bytes, seed);
        for impairment in impairments {
            let place = ["c0", "c1"][impairment.at.index(2)];
            let _bad = transfer.lab.impair(place, &impairment.told).expect("netem takes it");
            transfer.lab.run_for(impairment.lasting);
        }
        prop_assert_eq!(transfer.end(), bytes);
    }

    #[test]
    fn impairments_are_taken_and_end(impairments in strategy::impairments(1..4), seed: u64) {
        let topology = Topology { networks: vec![24], containers: vec![vec![0], vec![0]] };
        let lab = topology.build(seed).expect("it can be built");
        for impairment in impairments {
            let place = ["c0", "c1"][impairment.at.index(2)];
            let _bad = lab.impair(place, &impairment.told).expect("netem takes it");
            let _ = lab.ping("c0", "c1");
        }
        prop_assert!(lab.impairments().iter().all(|link| link.over), "{:?}", lab.impairments());
    }
}
