//! A host between two networks, as what it costs to send a packet on is measured: a packet from one comes out to the other.

use core::net::{IpAddr, Ipv4Addr};

use netyard_sim::addr::Mac;
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::{Fabric, NamespaceId};
use netyard_sim::filter::{Rule, TableKind};
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::link::Condition;
use netyard_sim::namespace::Cx;
use netyard_sim::packet::arp::{Arp, LEN, Operation};
use netyard_sim::packet::build::{self, Parts};
use netyard_sim::packet::protocol;
use netyard_sim::rng::Seed;

use crate::{outbox, station};

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 2);

/// The host, and the packet that goes through it.
pub struct Router {
    fabric: Fabric,
    host: NamespaceId,
    cx: Cx,
    devices: [(IfIndex, Mac); 2],
    header: Vec<u8>,
    packet: Option<Frame>,
}

impl Router {
    /// One that sends on UDP datagrams in packets of `size` bytes, and puts its own address on them if it masquerades.
    ///
    /// # Panics
    /// When `size` is too small for the headers or too large for the link.
    #[must_use]
    pub fn new(size: usize, masquerades: bool) -> Self {
        let mut fabric = Fabric::new(Seed(1));
        let host = fabric.create_namespace("router");
        let devices = ["10.0.0.1/24", "10.0.1.1/24"].map(|net| {
            let far = fabric.create_namespace(net);
            let name = format!("eth{}", fabric.namespace(host).devices.keys().count());
            let (device, peer) = fabric.create_veth(host, &name, "peer", Condition::default()).expect("it is free");
            let peer = fabric.move_device(host, peer, far, "eth0").expect("it is free");
            fabric.set_up(far, peer, true);
            fabric.set_up(host, device, true);
            fabric.add_address(host, device, net.parse().expect("it is a prefix")).expect("the device has none");
            (device, fabric.namespace(host).devices.get(&device).expect("it was just made").mac)
        });
        let router = fabric.namespace_mut(host);
        router.set_ipv4_forward(1);
        if masquerades {
            let rule = Rule::parse("-s 10.0.0.0/24 -j MASQUERADE").expect("it is a rule");
            router.netfilter.v4.append(TableKind::Nat, "POSTROUTING", rule).expect("it is a chain");
        }
        let datagram = build::udp(4000, 7, &vec![0; size - 28]);
        let header = build::packet(&Parts::new(IpAddr::V4(NEAR), IpAddr::V4(FAR), protocol::UDP, &datagram));
        let mut packet = Frame::ethernet(devices[0].1, station(0), ethertype::IPV4, size);
        packet.payload_mut().copy_from_slice(&header);
        let mut new = Self { fabric, host, cx: outbox(), devices, header: header[..28].to_vec(), packet: Some(packet) };
        new.introduce(0, NEAR);
        new.introduce(1, FAR);
        new
    }

    /// A neighbour asks for the router's address, which makes it known.
    fn introduce(&mut self, side: usize, who: Ipv4Addr) {
        let (device, own) = self.devices[side];
        let [a, b, c, _] = who.octets();
        let asked = Ipv4Addr::new(a, b, c, 1);
        let arp = Arp { operation: Operation::Request, sender: (who, station(side)), target: (asked, Mac::ZERO) };
        let mut frame = Frame::ethernet(own, station(side), ethertype::ARP, LEN);
        frame.payload_mut().copy_from_slice(&arp.bytes());
        self.fabric.namespace_mut(self.host).receive(&mut self.cx, device, frame);
        self.cx.drain_sent().for_each(drop);
    }

    /// Sends so many packets through it, one after the other.
    ///
    /// # Panics
    /// When one does not come out on the other side.
    pub fn forward(&mut self, packets: u64) {
        let [(from, own), (to, _)] = self.devices;
        for _ in 0..packets {
            let mut packet = self.packet.take().expect("it came out");
            packet.readdress(own, station(0));
            packet.payload_mut()[..self.header.len()].copy_from_slice(&self.header);
            self.fabric.namespace_mut(self.host).receive(&mut self.cx, from, packet);
            let sent = self.cx.drain_sent().last().expect("it came out");
            assert_eq!(sent.device, to, "on the other side");
            self.packet = Some(sent.frame);
        }
    }
}
