//! What hostile or broken frames do: a counted drop, nothing else.

use netyard_sim::addr::Mac;
use netyard_sim::drop::DropReason;
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::packet::checksum;
use netyard_sim::time::Duration;

use super::lab::Lab;

fn drops_after(payload: &[u8], kind: u16) -> Vec<DropReason> {
    let mut lab = Lab::new();
    let (a, b) = (lab.host("a"), lab.host("b"));
    let (eth0, _) = lab.cable((a, "eth0", "10.0.0.1/24"), (b, "eth0", "10.0.0.2/24"));
    let mut frame = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 9]), kind, payload.len());
    frame.payload_mut().copy_from_slice(payload);
    lab.fabric.inject(a, eth0, frame);
    lab.run_for(Duration::from_secs(1));
    lab.fabric.namespace(a).drops.iter().map(|(_, reason, _)| reason).collect()
}

#[test]
fn broken_packets_are_counted() {
    assert_eq!(drops_after(&[], ethertype::IPV4), [DropReason::Malformed]);
    assert_eq!(drops_after(&[0x45; 20], ethertype::IPV4), [DropReason::Malformed]);
    assert_eq!(drops_after(&[1, 2, 3], ethertype::ARP), [DropReason::Malformed]);
    assert_eq!(drops_after(&[0; 46], 0x9999), [DropReason::UnknownProtocol]);
}

#[test]
fn what_a_wrong_checksum_covers_is_for_nobody() {
    let echo = [8, 0, 0, 0, 0, 1, 0, 1];
    let syn = [0, 9, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 100, 0, 0, 0, 0];
    let datagram = [0, 9, 0, 53, 0, 12, 0, 0, b'l', b'o', b's', b't'];
    for (protocol, carried, at) in [(1, &echo[..], 22), (6, &syn, 36), (17, &datagram, 26)] {
        let len = u8::try_from(20 + carried.len()).unwrap();
        let head = [0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
        let mut packet = [&head, carried].concat();
        checksum::fill(&mut packet);
        assert!(!drops_after(&packet, ethertype::IPV4).contains(&DropReason::Malformed), "{protocol}");
        packet[at] ^= 0x55;
        assert_eq!(drops_after(&packet, ethertype::IPV4), [DropReason::Malformed], "{protocol}");
    }
}

#[test]
fn loopback_addresses_are_not_taken_from_a_wire() {
    let mut packet = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 10, 0, 0, 1];
    let sum: u32 = packet.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(drops_after(&packet, ethertype::IPV4), [DropReason::Martian]);
}
