//! Doors for frames: networks with ends at which a stranger may send. Bytes are frames, each behind three bytes: how it
//! is sent (a port in the lowest two bits, and the flags below), and its length.

use std::cell::OnceCell;
use std::thread::LocalKey;

use netyard_sim::fabric::Fabric;
use netyard_sim::frame::{Frame, HEADROOM};
use netyard_sim::link::End;
use netyard_sim::packet::train::Coupler;
use netyard_sim::packet::{checksum, segment};
use netyard_sim::time::Duration;

use crate::lab::Lab;
use crate::live::vnet;

/// The checksums are made right first: chance alone hits none.
const MENDED: u8 = 0x80;
/// Of a TAP device: the segment that follows comes too.
const FOLLOWED: u8 = 0x20;
/// A minute passes before the next frame: timers run out.
const PATIENT: u8 = 0x40;
/// What may happen in a network for one frame and the timers of a minute, by far. What goes round is more.
const STEPS_MAX: usize = 20_000;

/// A network, and where frames come into it.
#[derive(Clone)]
struct Wires {
    fabric: Fabric,
    ends: Vec<End>,
}

/// A frame of a stranger.
struct Sent<'b> {
    how: u8,
    bytes: &'b [u8],
}

type Kept = LocalKey<OnceCell<Wires>>;

/// A copy of a network that is built once a thread.
fn wires(kept: &'static Kept, ends: &[(&str, &str)], commands: &[&str]) -> Wires {
    kept.with(|kept| kept.get_or_init(|| build(ends, commands)).clone())
}

/// The network that commands make on a host, with ends at these devices of its namespaces.
fn build(ends: &[(&str, &str)], commands: &[&str]) -> Wires {
    let lab = Lab::uncaptured();
    for command in commands {
        lab.sh(command).expect("the commands of a door are right");
    }
    let end = |(place, device): &(&str, &str)| lab.end_of(place, device).ok().flatten().expect("its device is there");
    let ends = ends.iter().map(end).collect();
    Wires { fabric: lab.fabric(), ends }
}

/// The frames that bytes stand for; the last one may be cut short.
fn read(mut bytes: &[u8]) -> impl Iterator<Item = Sent<'_>> {
    core::iter::from_fn(move || {
        let ([how, high, low], rest) = bytes.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (frame, rest) = rest.split_at(len);
        bytes = rest;
        Some(Sent { how: *how, bytes: frame })
    })
}

/// The bytes that stand for frames, each sent as its number says. Those that are too long are left out.
pub(super) fn write<'f>(frames: impl IntoIterator<Item = (u8, &'f [u8])>) -> Vec<u8> {
    let mut all = Vec::new();
    for (how, frame) in frames {
        let Ok(len) = u16::try_from(frame.len()) else { continue };
        all.push(how);
        all.extend(len.to_be_bytes());
        all.extend(frame);
    }
    all
}

impl Wires {
    /// Lets all of a stranger's frames in, and looks after each whether all is as it should be; `before` is what the
    /// network was like before, the number that of the end.
    fn play(&mut self, bytes: &[u8], is_well: impl Fn(&Fabric, &Fabric, usize)) {
        for sent in read(bytes) {
            let mut frame = Frame::copy_of(sent.bytes);
            if sent.how & MENDED != 0 && frame.is_ethernet() {
                checksum::fill(frame.payload_mut());
            }
            let number = usize::from(sent.how & 3) % self.ends.len();
            let end = self.ends[number];
            let before = self.fabric.clone();
            self.fabric.inject(end.namespace, end.device, frame);
            self.settle(sent.how);
            is_well(&before, &self.fabric, number);
        }
    }

    fn settle(&mut self, how: u8) {
        let time = if how & PATIENT == 0 { Duration::from_millis(2) } else { Duration::from_secs(61) };
        let until = self.fabric.now() + time;
        let steps = (0..STEPS_MAX).take_while(|_| self.fabric.step(until)).count();
        assert!(steps < STEPS_MAX, "frames go round and round");
        self.fabric.advance(until);
    }
}

/// What a device received so far.
fn received(fabric: &Fabric, end: End) -> u64 {
    fabric.namespace(end.namespace).devices.get(&end.device).map_or(0, |device| device.counters.rx_packets)
}

/// A bridge sends a frame nowhere twice, and not back to where it came from.
pub(super) fn bridge(bytes: &[u8]) {
    thread_local!(static KEPT: OnceCell<Wires> = const { OnceCell::new() });
    let mut wires = wires(
        &KEPT,
        &[("docker01", "p0"), ("docker01", "p1"), ("docker01", "p2"), ("docker01", "p3")],
        &[
            "ip netns add ends",
            "ip netns exec ends sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
            "ip link add br0 type bridge vlan_filtering 1",
            "ip link set br0 up",
            "for i in 0 1 2 3; do ip link add p$i type veth peer name e$i netns ends; done",
            "for i in 0 1 2 3; do ip link set p$i master br0 up; ip -n ends link set e$i up; done",
            "sysctl -qw net.ipv6.conf.br0.disable_ipv6=1",
            "bridge vlan add dev p0 vid 10 && bridge vlan add dev p1 vid 10",
        ],
    );
    let far: Vec<End> = wires.ends.iter().map(|end| peer(&wires.fabric, *end)).collect();
    wires.play(bytes, |before, after, from| {
        for (port, end) in far.iter().enumerate() {
            let came = received(after, *end) - received(before, *end);
            assert!(came <= u64::from(port != from), "port {port} sent {came} times what came by port {from}");
        }
    });
}

fn peer(fabric: &Fabric, end: End) -> End {
    fabric.peer_of(end.namespace, end.device).expect("it is one of a pair")
}

/// A router that masquerades and publishes a port remembers no more flows than it may.
pub(super) fn router(bytes: &[u8]) {
    thread_local!(static KEPT: OnceCell<Wires> = const { OnceCell::new() });
    let mut wires = wires(
        &KEPT,
        &[("docker01/router", "lan"), ("docker01/router", "wan")],
        &[
            "sysctl -qw net.netfilter.nf_conntrack_max=8",
            "for n in router inside outside; do ip netns add $n; ip -n $n link set lo up; done",
            "ip -n router link add lan type veth peer name eth0 netns inside",
            "ip -n router link add wan type veth peer name eth0 netns outside",
            "ip -n router link set lan address 02:00:00:00:00:01 up",
            "ip -n router link set wan address 02:00:00:00:00:02 up",
            "ip -n inside link set eth0 address 02:00:00:00:00:03 up",
            "ip -n outside link set eth0 address 02:00:00:00:00:04 up",
            "ip -n router addr add 10.0.0.1/24 dev lan && ip -n router addr add fd00::1/64 dev lan",
            "ip -n router addr add 198.51.100.1/24 dev wan && ip -n router addr add fd01::1/64 dev wan",
            "ip -n inside addr add 10.0.0.2/24 dev eth0 && ip -n inside route add default via 10.0.0.1",
            "ip -n inside addr add fd00::2/64 dev eth0 && ip -n inside -6 route add default via fd00::1",
            "ip -n outside addr add 198.51.100.2/24 dev eth0 && ip -n outside addr add fd01::2/64 dev eth0",
            "ip netns exec router sysctl -qw net.ipv4.ip_forward=1",
            "ip netns exec router sysctl -qw net.ipv6.conf.all.forwarding=1",
            "ip netns exec router iptables -t nat -A POSTROUTING -o wan -j MASQUERADE",
            "ip netns exec router iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80",
            "ip netns exec router iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "ip netns exec router iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP",
            "ip netns exec router iptables -A FORWARD -p udp --dport 9 -j REJECT",
            "ip netns exec inside nc -l -p 80 >/dev/null </dev/null &",
        ],
    );
    let router = wires.ends[0].namespace;
    wires.play(bytes, |_, after, _| {
        let flows = &after.namespace(router).netfilter.conntrack;
        assert!(flows.len() <= flows.limit(), "{} flows of {}", flows.len(), flows.limit());
    });
}

/// A tunnel's end takes only its network's frames from the wire, and only one of each.
pub(super) fn vtep(bytes: &[u8]) {
    thread_local!(static KEPT: OnceCell<Wires> = const { OnceCell::new() });
    let mut wires = wires(
        &KEPT,
        &[("docker01/here", "p0"), ("docker01/here", "wire")],
        &[
            "for n in here there ends; do ip netns add $n; done",
            "ip netns exec ends sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
            "ip -n here link add wire type veth peer name wire netns there",
            "ip -n here link set wire address 02:00:00:00:00:01 up",
            "ip -n there link set wire address 02:00:00:00:00:02 up",
            "ip -n here addr add 10.9.0.1/24 dev wire && ip -n there addr add 10.9.0.2/24 dev wire",
            "ip -n here link add vx type vxlan id 42 dev wire local 10.9.0.1 remote 10.9.0.2 dstport 4789",
            "ip -n here link add br0 type bridge && ip -n here link set vx master br0 up",
            "ip -n here link add p0 type veth peer name e0 netns ends && ip -n here link set p0 master br0 up",
            "ip -n here link set br0 up && ip -n ends link set e0 up",
            // The bridge itself answers nobody.
            "ip netns exec here sysctl -qw net.ipv6.conf.br0.disable_ipv6=1 net.ipv4.conf.br0.arp_ignore=8",
        ],
    );
    let inside = peer(&wires.fabric, wires.ends[0]);
    wires.play(bytes, |before, after, from| {
        let came = received(after, inside) - received(before, inside);
        assert!(came <= u64::from(from == 1), "{came} frames came out of the tunnel");
    });
}

/// A stack with open sockets keeps no more connections than its backlogs have room for.
pub(super) fn host(bytes: &[u8]) {
    const BACKLOG: usize = 4;
    thread_local!(static KEPT: OnceCell<Wires> = const { OnceCell::new() });
    let mut wires = wires(
        &KEPT,
        &[("docker01/own", "eth0")],
        &[
            "for n in own peer; do ip netns add $n; ip -n $n link set lo up; done",
            "ip -n own link add eth0 type veth peer name eth0 netns peer",
            "ip -n own link set eth0 address 02:00:00:00:00:01 up",
            "ip -n peer link set eth0 address 02:00:00:00:00:02 up",
            "ip -n own addr add 10.0.0.1/24 dev eth0 && ip -n own addr add fd00::1/64 dev eth0",
            "ip -n peer addr add 10.0.0.2/24 dev eth0 && ip -n peer addr add fd00::2/64 dev eth0",
        ],
    );
    let own = wires.ends[0].namespace;
    wires.fabric.with(own, |stack, _| {
        stack.tcp_listen("0.0.0.0:80".parse().expect("an address"), BACKLOG).expect("it is free");
        stack.tcp_listen("[fd00::1]:80".parse().expect("an address"), BACKLOG).expect("it is free");
        stack.udp_bind("0.0.0.0:53".parse().expect("an address")).expect("it is free");
        stack.udp_bind("[::]:53".parse().expect("an address")).expect("it is free");
    });
    wires.play(bytes, |_, after, _| {
        let count = after.namespace(own).tcp_count();
        // Linux lets one more than the backlog in, to each listener's two queues.
        assert!(count <= 4 * (BACKLOG + 1), "{count} connections");
    });
}

/// Frames as a TAP device hands them over.
pub(super) fn tap(bytes: &[u8]) {
    thread_local!(static KEPT: OnceCell<Wires> = const { OnceCell::new() });
    let mut wires = wires(
        &KEPT,
        &[("docker01/own", "eth0")],
        &[
            "for n in own peer; do ip netns add $n; done",
            "ip link add br0 type bridge && ip link set br0 up",
            "ip link add p0 type veth peer name eth0 netns own && ip link set p0 master br0 up",
            "ip link add p1 type veth peer name eth0 netns peer && ip link set p1 master br0 up",
            "ip -n own link set eth0 up && ip -n own addr add 10.0.0.1/24 dev eth0",
            "ip -n peer link set eth0 up && ip -n peer addr add 10.0.0.2/24 dev eth0",
        ],
    );
    let end = wires.ends[0];
    wires.fabric.set_outside(end, true).expect("it is there");
    for sent in read(bytes) {
        let frame = vnet::read([&[0; HEADROOM - vnet::LEN], sent.bytes].concat());
        for frame in frame.map_or_else(Vec::new, |frame| coupled(frame, sent.how)) {
            wires.fabric.send_from_outside(end, frame);
        }
        wires.settle(sent.how);
        for frame in wires.fabric.take_left().into_iter().flat_map(|(_, frame)| segment::whole(frame)) {
            assert_eq!(vnet::header(&frame), Some([0; vnet::LEN]), "a whole frame leaves nothing to do");
        }
    }
}

/// What becomes of a frame, and of the one that follows it if one does, that a TAP device has in one go. Cut again they are
/// as they were.
fn coupled(mut frame: Frame, how: u8) -> Vec<Frame> {
    if how & MENDED != 0 && frame.offload.is_whole() {
        checksum::fill(frame.payload_mut());
    }
    let next = if how & FOLLOWED != 0 { following(&frame) } else { None };
    let came: Vec<Frame> = core::iter::once(frame).chain(next).collect();
    let (mut coupler, mut gone) = (Coupler::default(), Vec::new());
    came.iter().for_each(|frame| coupler.take(frame.clone(), Vec::new, |frame| gone.push(frame)));
    gone.extend(coupler.finish());
    let whole = |frames: &[Frame]| -> Vec<Frame> { frames.iter().cloned().flat_map(segment::whole).collect() };
    assert_eq!(whole(&gone), whole(&came), "what joined is still what it was");
    gone
}

/// The segment that a stack would send after this one, with as many bytes.
fn following(frame: &Frame) -> Option<Frame> {
    let (ip, headers) = segment::headers(frame)?;
    let mut next = frame.clone();
    let packet = next.payload_mut();
    if ip.is_v4() {
        let ident = u16::from_be_bytes([packet[4], packet[5]]).wrapping_add(1);
        packet[4..6].copy_from_slice(&ident.to_be_bytes());
    }
    let at = ip.upper_at() + 4;
    let seq = u32::from_be_bytes(packet[at..at + 4].try_into().expect("four bytes"));
    let len = u32::try_from(ip.total_len - headers).expect("a packet has at most 65535 bytes");
    packet[at..at + 4].copy_from_slice(&seq.wrapping_add(len).to_be_bytes());
    if next.offload.is_whole() {
        checksum::fill(next.payload_mut());
    }
    Some(next)
}
