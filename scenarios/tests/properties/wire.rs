//! What is on the wires.

use ipnetwork::IpNetwork;
use netyard::lab::net::{UdpSocket, anywhere};
use netyard::lab::strategy::{self, Topology};
use netyard::prelude::*;
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::packet::checksum;
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

    #[test]
    fn fragments_come_together_in_any_order(
        data in prop::collection::vec(any::<u8>(), 1..4000),
        cuts in prop::collection::vec(1_usize..60, 1..12),
        order in any::<u64>(),
        seed: u64,
    ) {
        let topology = Topology { networks: vec![24], containers: vec![vec![0], vec![0]] };
        let lab = topology.build(seed).expect("it can be built");
        let sent = data.clone();
        let receiving = lab.spawn_in("c1", async {
            let socket = UdpSocket::bind(anywhere(9)).await?;
            let mut buffer = vec![0; 65_535];
            let (count, _) = socket.recv_from(&mut buffer).await?;
            buffer.truncate(count);
            std::io::Result::Ok(buffer)
        }).expect("it runs");
        lab.run_for(Duration::from_millis(1));
        let mut frames = fragments(&datagram(&lab, &data), &cuts);
        // Some come twice, and chance shuffles them.
        frames.extend(frames.clone().into_iter().step_by(3));
        let mut chance = order;
        for last in (1..frames.len()).rev() {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            frames.swap(last, usize::try_from(chance >> 33).expect("31 bits") % (last + 1));
        }
        for frame in frames {
            lab.send("c0", "eth0", &frame).expect("it runs");
        }
        lab.run_for(Duration::from_secs(1));
        prop_assert_eq!(receiving.take().expect("all of it came").expect("the port is free"), sent);
    }

    #[test]
    fn what_goes_into_a_tunnel_comes_out_as_it_was(
        frames in prop::collection::vec(strategy::packet(), 1..6),
        vni in 1_u32..1 << 24,
        port in 1024_u16..60_000,
        v6: bool,
        seed: u64,
    ) {
        let lab = tunnel(seed, vni, port, v6);
        // A station has one address that is its own.
        let frames: Vec<Vec<u8>> = frames.into_iter().map(|mut frame| { frame[6] = 2; frame }).collect();
        for frame in &frames {
            lab.send("docker01/near", "end", frame).expect("it is there");
            lab.run_for(Duration::from_millis(5));
        }
        let received: Vec<Vec<u8>> =
            lab.packets_at("docker01/far", "end").expect("it is there").iter().map(|p| p.frame.bytes().to_vec()).collect();
        // Who was heard on this side already is not asked on the other.
        let mut heard: Vec<&[u8]> = Vec::new();
        let crossing = frames.iter().filter(|frame| {
            let stays = heard.contains(&&frame[..6]);
            heard.push(&frame[6..12]);
            !stays
        });
        prop_assert_eq!(received, crossing.cloned().collect::<Vec<_>>());
    }
}

/// A UDP datagram for port 9 of c1, from c0, in one frame that may be far too long for a wire.
fn datagram(lab: &Lab, data: &[u8]) -> Vec<u8> {
    let end = |place: &str| {
        lab.look(place, |stack| {
            let device = stack.device_named("eth0").expect("it is on a network");
            let v4 = device.addresses.iter().find_map(|address| match address.net {
                IpNetwork::V4(net) => Some(net.ip()),
                IpNetwork::V6(_) => None,
            });
            (device.mac, v4.expect("Docker gives it one"))
        })
    };
    let ((src_mac, src), (dst_mac, dst)) = (end("c0").expect("it runs"), end("c1").expect("it runs"));
    let len = u16::try_from(8 + data.len()).expect("it is short");
    let udp = [&5000_u16.to_be_bytes()[..], &9_u16.to_be_bytes(), &len.to_be_bytes(), &[0, 0], data].concat();
    let mut ip = vec![0x45, 0, 0, 0, 0, 7, 0, 0, 64, 17, 0, 0];
    ip[2..4].copy_from_slice(&(20 + len).to_be_bytes());
    let mut packet = [&ip[..], &src.octets(), &dst.octets(), &udp].concat();
    checksum::fill(&mut packet);
    [&dst_mac.0[..], &src_mac.0, &[8, 0], &packet].concat()
}

/// The fragments of a frame's packet: pieces of so many times eight bytes, and as long ones as fit for the rest.
fn fragments(frame: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (head, data) = frame.split_at(34);
    let (mut at, mut all) = (0, Vec::new());
    for cut in cuts.iter().copied().chain(std::iter::repeat(185)) {
        if at >= data.len() {
            break;
        }
        let end = (at + cut * 8).min(data.len());
        let more = if end < data.len() { 0x2000 } else { 0 };
        let mut fragment = [head, &data[at..end]].concat();
        let len = u16::try_from(20 + end - at).expect("it is short");
        fragment[16..18].copy_from_slice(&len.to_be_bytes());
        fragment[20..22].copy_from_slice(&(u16::try_from(at / 8).expect("it is short") | more).to_be_bytes());
        checksum::fill(&mut fragment[14..]);
        all.push(fragment);
        at = end;
    }
    all
}

/// Two namespaces with a wire between them, and a tunnel over it that joins a bridge in each, with a free end at both.
fn tunnel(seed: u64, vni: u32, port: u16, v6: bool) -> Lab {
    let lab = Lab::builder().seed(seed).build();
    let (near, far) = if v6 { ("fd00::1", "fd00::2") } else { ("10.9.0.1", "10.9.0.2") };
    let prefix = if v6 { 64 } else { 24 };
    lab.sh("ip netns add near && ip netns add far").expect("the names are free");
    lab.sh("ip -n near link add wire type veth peer name wire netns far").expect("the names are free");
    lab.sh("ip -n near link set wire up && ip -n far link set wire up").expect("they are there");
    for (name, own, other) in [("near", near, far), ("far", far, near)] {
        let commands = format!(
            "ip addr add {own}/{prefix} dev wire nodad
             ip link add vx type vxlan id {vni} dev wire local {own} remote {other} dstport {port}
             ip link add br0 type bridge
             ip link add end type veth peer name port
             sysctl -qw net.ipv6.conf.br0.disable_ipv6=1 net.ipv6.conf.end.disable_ipv6=1 net.ipv6.conf.port.disable_ipv6=1
             sysctl -qw net.ipv6.conf.vx.disable_ipv6=1
             ip link set vx master br0 up
             ip link set port master br0 up
             ip link set end up
             ip link set br0 up"
        );
        for command in commands.lines() {
            lab.sh(&format!("ip netns exec {name} {}", command.trim())).expect("the commands are right");
        }
    }
    lab.run_for(Duration::from_secs(3));
    lab
}
