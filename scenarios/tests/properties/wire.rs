//! What is on the wires.

use netyard::lab::strategy::{self, Topology};
use netyard::prelude::*;
use netyard_sim::frame::{Frame, ethertype};
use proptest::prelude::*;
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};

use super::config;

/// Why a frame's checksums are wrong; none when they are right or it has none that can be looked at.
fn wrong_checksum(frame: &Frame) -> Option<String> {
    let payload = frame.payload();
    let wrong = |what: &str| Some(format!("{what}: {payload:02x?}"));
    match frame.ethertype() {
        ethertype::IPV4 => {
            let ip = Ipv4Packet::new_checked(payload).ok()?;
            if !ip.verify_checksum() {
                return wrong("IPv4");
            }
            let (src, dst) = (ip.src_addr().into(), ip.dst_addr().into());
            if ip.more_frags() || ip.frag_offset() > 0 {
                return None;
            }
            let is_right = match ip.next_header() {
                IpProtocol::Icmp => Icmpv4Packet::new_checked(ip.payload()).ok()?.verify_checksum(),
                IpProtocol::Udp => UdpPacket::new_checked(ip.payload()).ok()?.verify_checksum(&src, &dst),
                IpProtocol::Tcp => TcpPacket::new_checked(ip.payload()).ok()?.verify_checksum(&src, &dst),
                _ => true,
            };
            if is_right { None } else { wrong("what IPv4 carries") }
        }
        ethertype::IPV6 => {
            let ip = Ipv6Packet::new_checked(payload).ok()?;
            let (src, dst) = (ip.src_addr(), ip.dst_addr());
            let is_right = match ip.next_header() {
                IpProtocol::Icmpv6 => Icmpv6Packet::new_checked(ip.payload()).ok()?.verify_checksum(&src, &dst),
                IpProtocol::Udp => UdpPacket::new_checked(ip.payload()).ok()?.verify_checksum(&src.into(), &dst.into()),
                IpProtocol::Tcp => TcpPacket::new_checked(ip.payload()).ok()?.verify_checksum(&src.into(), &dst.into()),
                _ => true,
            };
            if is_right { None } else { wrong("what IPv6 carries") }
        }
        _ => None,
    }
}

/// A lab with some traffic behind it: names, pings, connections, a published port.
fn busy(topology: &Topology, seed: u64) -> Lab {
    let lab = topology.build(seed).expect("it can be built");
    lab.container("web").network("n0").publish("8080:80").command(&["httpd", "-f", "-p", "80"]).run().expect("web");
    for (one, other) in topology.pairs() {
        let _ = lab.ping(&format!("c{one}"), &format!("c{other}"));
    }
    let _ = lab.sh_in("c0", "wget -q -O - http://web; wget -q -O - http://192.0.2.10:8080; nslookup www.lan");
    lab
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn checksums_are_right_wherever_a_capture_looks(topology in strategy::topology(1..=2, 1..=3), seed: u64) {
        let lab = busy(&topology, seed);
        for packet in lab.packets() {
            prop_assert_eq!(wrong_checksum(&packet.frame), None, "{} at {:?}", packet.device, packet.at);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes(topology in strategy::topology(1..=2, 1..=3), seed: u64) {
        let (one, two) = (busy(&topology, seed), busy(&topology, seed));
        prop_assert!(one.packets() == two.packets() && one.events() == two.events() && one.now() == two.now());
    }

    #[test]
    fn no_frame_is_doubled_or_goes_round(topology in strategy::topology(1..=1, 2..=5), seed: u64) {
        let lab = topology.build(seed).expect("it can be built");
        let before = lab.packets().len();
        lab.ping("c0", "c1").expect("they share a network");
        let echoes = lab.packets().split_off(before).into_iter().filter(|packet| {
            let ip = netyard_sim::packet::Ip::parse(packet.frame.payload());
            ip.is_some_and(|ip| ip.protocol == 1) && packet.device.contains("/eth0")
        });
        let mut seen: Vec<(String, Vec<u8>)> = echoes.map(|echo| (echo.device, echo.frame.bytes().to_vec())).collect();
        let count = seen.len();
        seen.sort();
        seen.dedup();
        prop_assert_eq!((seen.len(), count), (4, 4), "a request and a reply, each sent once and received once");
    }

    #[test]
    fn fragments_come_together_again(size in 0_u16..20_000, mtu in 576_u16..=1500, seed: u64) {
        let topology = Topology { networks: vec![24], containers: vec![vec![0], vec![0]] };
        let lab = Lab::builder().seed(seed).build();
        let mtu = format!("com.docker.network.driver.mtu={mtu}");
        lab.network("n0").subnet(&topology.subnet(0).to_string()).option(&["-o", &mtu]).create().expect("a network");
        ["c0", "c1"].iter().for_each(|name| _ = lab.container(name).network("n0").run().expect(name));
        let output = lab.sh_in("c0", &format!("ping -c 1 -W 1 -s {size} c1"));
        prop_assert!(output.is_ok(), "{:?}", output);
    }

    #[test]
    fn hostile_frames_harm_nobody(frames in prop::collection::vec(strategy::damaged(), 1..30), seed: u64) {
        let topology = Topology { networks: vec![24], containers: vec![vec![0], vec![0], vec![0]] };
        let lab = topology.build(seed).expect("it can be built");
        for frame in frames {
            lab.send("c2", "eth0", &frame).expect("it runs");
        }
        lab.run_for(Duration::from_secs(1));
        // Whatever it claimed to be: neighbours forget within their time, and all is well again.
        lab.run_for(Duration::from_secs(600));
        prop_assert!(lab.ping("c0", "c1").is_ok());
    }
}
