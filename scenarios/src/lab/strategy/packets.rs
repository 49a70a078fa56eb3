//! Frames of the protocols that are spoken here: whole ones with right checksums, and damaged ones.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet,
    Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
    TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
};

const TTL: u8 = 64;

/// What an IP packet carries.
#[derive(Clone, Debug)]
enum Upper {
    Echo { ident: u16, seq: u16, data: Vec<u8> },
    Udp { src: u16, dst: u16, data: Vec<u8> },
    Tcp { src: u16, dst: u16, syn: bool, seq: u32, data: Vec<u8> },
    Other { protocol: u8, data: Vec<u8> },
}

impl Upper {
    fn protocol(&self, v6: bool) -> IpProtocol {
        match self {
            Self::Echo { .. } if v6 => IpProtocol::Icmpv6,
            Self::Echo { .. } => IpProtocol::Icmp,
            Self::Udp { .. } => IpProtocol::Udp,
            Self::Tcp { .. } => IpProtocol::Tcp,
            Self::Other { protocol, .. } => IpProtocol::from(*protocol),
        }
    }

    /// Its bytes, with the checksum that these addresses ask for.
    fn bytes(&self, src: IpAddress, dst: IpAddress) -> Vec<u8> {
        let sums = ChecksumCapabilities::default();
        match self {
            Self::Echo { ident, seq, data } => match (src, dst) {
                (IpAddress::Ipv6(src), IpAddress::Ipv6(dst)) => {
                    let repr = Icmpv6Repr::EchoRequest { ident: *ident, seq_no: *seq, data };
                    let mut bytes = vec![0; repr.buffer_len()];
                    repr.emit(&src, &dst, &mut Icmpv6Packet::new_unchecked(&mut bytes[..]), &sums);
                    bytes
                }
                _ => {
                    let repr = Icmpv4Repr::EchoRequest { ident: *ident, seq_no: *seq, data };
                    let mut bytes = vec![0; repr.buffer_len()];
                    repr.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes), &sums);
                    bytes
                }
            },
            Self::Udp { src: from, dst: to, data } => {
                let repr = UdpRepr { src_port: *from, dst_port: *to };
                let mut bytes = vec![0; repr.header_len() + data.len()];
                let fill = |payload: &mut [u8]| payload.copy_from_slice(data);
                repr.emit(&mut UdpPacket::new_unchecked(&mut bytes), &src, &dst, data.len(), fill, &sums);
                bytes
            }
            Self::Tcp { src: from, dst: to, syn, seq, data } => {
                let repr = TcpRepr {
                    src_port: *from,
                    dst_port: *to,
                    control: if *syn { TcpControl::Syn } else { TcpControl::None },
                    seq_number: TcpSeqNumber(seq.cast_signed()),
                    ack_number: None,
                    window_len: 1024,
                    window_scale: None,
                    max_seg_size: None,
                    sack_permitted: false,
                    sack_ranges: [None; 3],
                    timestamp: None,
                    payload: data,
                };
                let mut bytes = vec![0; repr.buffer_len()];
                repr.emit(&mut TcpPacket::new_unchecked(&mut bytes), &src, &dst, &sums);
                bytes
            }
            Self::Other { data, .. } => data.clone(),
        }
    }
}

/// A question for a DNS server.
fn question() -> impl Strategy<Value = Vec<u8>> {
    let label = vec(prop::sample::select(&b"abcdefghijklmnopqrstuvwxyz0123456789-_"[..]), 1..20);
    (any::<u16>(), vec(label, 1..5), prop::sample::select(&[1_u16, 28, 12, 15, 255][..])).prop_map(
        |(id, labels, kind)| {
            let mut bytes = [id.to_be_bytes(), [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]].concat();
            for label in labels {
                bytes.push(u8::try_from(label.len()).expect("it is short"));
                bytes.extend(label);
            }
            bytes.push(0);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1]);
            bytes
        },
    )
}

/// A frame in a VXLAN tunnel (RFC 7348).
fn tunnelled() -> impl Strategy<Value = Vec<u8>> {
    let v4 = || any::<[u8; 4]>().prop_map(Ipv4Addr::from);
    (0_u32..1 << 24, station(), station(), v4(), v4(), any::<bool>()).prop_map(|(vni, dst, mac, from, to, op)| {
        let inner = framed(dst, mac, EthernetProtocol::Arp, &arp(op, from, to, mac));
        [&[8, 0, 0, 0][..], &(vni << 8).to_be_bytes(), &inner].concat()
    })
}

/// In a box: what chance has drawn of it is large, and several stand beside each other on a test's stack.
fn upper() -> BoxedStrategy<Upper> {
    let data = || vec(any::<u8>(), 0..200);
    prop_oneof![
        (1_u16.., question()).prop_map(|(src, data)| Upper::Udp { src, dst: 53, data }),
        (1_u16.., tunnelled()).prop_map(|(src, data)| Upper::Udp { src, dst: 4789, data }),
        (any::<u16>(), any::<u16>(), data()).prop_map(|(ident, seq, data)| Upper::Echo { ident, seq, data }),
        (1_u16.., 1_u16.., data()).prop_map(|(src, dst, data)| Upper::Udp { src, dst, data }),
        (1_u16.., 1_u16.., any::<bool>(), any::<u32>(), data()).prop_map(|(src, dst, syn, seq, data)| Upper::Tcp {
            src,
            dst,
            syn,
            seq,
            data
        }),
        (any::<u8>(), data()).prop_map(|(protocol, data)| Upper::Other { protocol, data }),
    ]
    .boxed()
}

fn station() -> impl Strategy<Value = EthernetAddress> {
    prop_oneof![
        any::<[u8; 5]>().prop_map(|[a, b, c, d, e]| EthernetAddress([2, a, b, c, d, e])),
        Just(EthernetAddress::BROADCAST),
        any::<[u8; 3]>().prop_map(|[a, b, c]| EthernetAddress([0x01, 0, 0x5e, a & 0x7f, b, c])),
    ]
}

fn framed(dst: EthernetAddress, src: EthernetAddress, ethertype: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let repr = EthernetRepr { src_addr: src, dst_addr: dst, ethertype };
    let mut frame = vec![0; repr.buffer_len() + payload.len()];
    let mut view = EthernetFrame::new_unchecked(&mut frame);
    repr.emit(&mut view);
    view.payload_mut().copy_from_slice(payload);
    frame
}

fn arp(op: bool, src: Ipv4Addr, dst: Ipv4Addr, mac: EthernetAddress) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation: if op { ArpOperation::Request } else { ArpOperation::Reply },
        source_hardware_addr: mac,
        source_protocol_addr: src,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: dst,
    };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut ArpPacket::new_unchecked(&mut bytes));
    bytes
}

fn ipv4(src: Ipv4Addr, dst: Ipv4Addr, upper: &Upper) -> Vec<u8> {
    let payload = upper.bytes(src.into(), dst.into());
    let repr = Ipv4Repr {
        src_addr: src,
        dst_addr: dst,
        next_header: upper.protocol(false),
        payload_len: payload.len(),
        hop_limit: TTL,
    };
    let mut bytes = vec![0; repr.buffer_len() + payload.len()];
    let mut view = Ipv4Packet::new_unchecked(&mut bytes);
    repr.emit(&mut view, &ChecksumCapabilities::default());
    view.payload_mut().copy_from_slice(&payload);
    bytes
}

fn ipv6(src: Ipv6Addr, dst: Ipv6Addr, upper: &Upper) -> Vec<u8> {
    let payload = upper.bytes(src.into(), dst.into());
    let repr = Ipv6Repr {
        src_addr: src,
        dst_addr: dst,
        next_header: upper.protocol(true),
        payload_len: payload.len(),
        hop_limit: TTL,
    };
    let mut bytes = vec![0; repr.buffer_len() + payload.len()];
    let mut view = Ipv6Packet::new_unchecked(&mut bytes);
    repr.emit(&mut view);
    view.payload_mut().copy_from_slice(&payload);
    bytes
}

/// A frame as a host might send it: ARP, or IPv4 or IPv6 with ICMP, UDP (a question for DNS and a frame in a VXLAN tunnel
/// among them), TCP or another protocol, or one part of an IPv4 packet, tagged for a VLAN or not.
pub fn packet() -> impl Strategy<Value = Vec<u8>> {
    let v4 = || any::<[u8; 4]>().prop_map(Ipv4Addr::from);
    let v6 = || any::<[u8; 16]>().prop_map(Ipv6Addr::from);
    let payload = prop_oneof![
        1 => (any::<bool>(), v4(), v4(), station())
            .prop_map(|(op, src, dst, mac)| (EthernetProtocol::Arp, arp(op, src, dst, mac))),
        3 => (v4(), v4(), upper()).prop_map(|(src, dst, upper)| (EthernetProtocol::Ipv4, ipv4(src, dst, &upper))),
        1 => (v4(), v4(), upper(), any::<(bool, u16, u16)>())
            .prop_map(|(src, dst, upper, part)| (EthernetProtocol::Ipv4, fragment(ipv4(src, dst, &upper), part))),
        2 => (v6(), v6(), upper()).prop_map(|(src, dst, upper)| (EthernetProtocol::Ipv6, ipv6(src, dst, &upper))),
    ];
    (station(), station(), payload, prop::option::weighted(0.2, 0_u16..4096)).prop_map(
        |(dst, src, (kind, bytes), vlan)| match vlan {
            None => framed(dst, src, kind, &bytes),
            Some(vlan) => {
                let inner: [u8; 2] = u16::from(kind).to_be_bytes();
                let tagged = [&vlan.to_be_bytes()[..], &inner, &bytes].concat();
                framed(dst, src, EthernetProtocol::from(0x8100), &tagged)
            }
        },
    )
}

/// The same packet as one part of a larger one.
fn fragment(mut bytes: Vec<u8>, (more, offset, ident): (bool, u16, u16)) -> Vec<u8> {
    let mut view = Ipv4Packet::new_unchecked(&mut bytes);
    view.set_ident(ident);
    view.set_more_frags(more);
    view.set_frag_offset(offset & 0xfff8);
    view.fill_checksum();
    bytes
}

/// A frame of which some bytes are others, or which ends early.
pub fn damaged() -> impl Strategy<Value = Vec<u8>> {
    (packet(), vec((any::<Index>(), any::<u8>()), 0..4), any::<Index>(), any::<bool>()).prop_map(
        |(mut frame, changes, end, cut)| {
            for (at, byte) in changes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            if cut {
                frame.truncate(end.index(frame.len()));
            }
            frame
        },
    )
}
