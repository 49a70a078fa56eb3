//! Doors for messages: requests to the engine, DNS, and what a capture file holds.

use std::time::Duration;

use hickory_server::proto::op::{Message, MessageType};
use netyard_sim::dns::{Action, Client, Server, Transport, Zone};
use netyard_sim::frame::Frame;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Epoch, Instant};
use pcap_file::pcapng::{Block, PcapNgReader};

use super::lines;
use crate::runner::recording::{Packet, Recording};

/// Requests that are heeded.
const REQUESTS_MAX: usize = 8;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "HEAD"];

/// Requests that wait for a process to end: for ever, or as long as they or their container say.
const PATIENT: [&str; 3] = ["wait", "stop", "restart"];

/// Every request is answered, but those that wait for a process.
pub(super) fn api(bytes: &[u8]) {
    let lab = lines::lab();
    for request in bytes.split(|byte| *byte == 0).take(REQUESTS_MAX) {
        let end = request.iter().position(|byte| *byte == b'\n').unwrap_or(request.len());
        let line = String::from_utf8_lossy(&request[..end]).into_owned();
        let body = request.get(end + 1..).unwrap_or_default();
        let (method, target) = line.split_once(' ').unwrap_or(("GET", &line));
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("POST");
        let (status, _) = lab.api(method, target, body, Duration::from_secs(2));
        let may_wait = PATIENT.into_iter().any(|verb| target.contains(verb));
        assert!(status.is_some() || may_wait, "{method} {target} is not answered");
    }
    assert!(lines::works(&lab));
}

/// A message is answered by one with its id which can be read, or passed on, or ignored.
pub(super) fn dns(bytes: &[u8]) {
    let mut server = Server::embedded(Seed(1).stream("dns"));
    let mut zone = Zone::new("n1");
    zone.add_name("c1", "10.1.0.2".parse().expect("an address"));
    zone.add_pointer("10.1.0.2".parse().expect("an address"), "c1");
    server.records.zones.push(zone);
    let upstream = "192.0.2.1:53".parse().expect("an address");
    server.upstreams.push(upstream);
    for transport in [Transport::Udp, Transport::Tcp] {
        let client = Client { addr: "127.0.0.1:4000".parse().expect("an address"), transport };
        let mut actions = Vec::new();
        server.handle_query(Instant::ZERO, client, bytes, &mut actions);
        for action in core::mem::take(&mut actions) {
            match action {
                Action::Reply { bytes: reply, .. } => assert!(answers(&reply, bytes), "{reply:02x?}"),
                Action::Query { bytes: query, .. } => {
                    // What the upstream says has the id of what it was asked.
                    let said = [&query[..2], bytes.get(2..).unwrap_or_default()].concat();
                    server.handle_response(Instant::ZERO, upstream, &said, &mut actions);
                }
            }
        }
    }
}

fn answers(reply: &[u8], query: &[u8]) -> bool {
    let read = Message::from_vec(reply);
    read.is_ok_and(|message| message.message_type == MessageType::Response) && reply[..2] == query[..2]
}

/// Frames of two devices: what is read from the file is what was written into it.
pub(super) fn pcapng(bytes: &[u8]) {
    let mut rest = bytes;
    let mut packets = Vec::new();
    while let Some(([device, len, at @ ..], more)) = rest.split_first_chunk::<8>() {
        let (frame, more) = more.split_at(usize::from(*len).min(more.len()));
        rest = more;
        let [a, b, c, d, e, f] = *at;
        let at = Instant::from_nanos(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
        packets.push(Packet {
            at,
            device: format!("h/eth{}", device % 4),
            frame: Frame::copy_of(frame),
            passed: true,
            comment: None,
        });
    }
    let recording = Recording { packets, events: Vec::new() };
    let mut file = Vec::new();
    recording.write_pcapng(Epoch::from_unix(0), &mut file).expect("memory takes all");
    assert_eq!(read(&file), recording.packets);
}

fn read(file: &[u8]) -> Vec<Packet> {
    let mut reader = PcapNgReader::new(file).expect("the file has its header");
    let (mut devices, mut packets) = (Vec::new(), Vec::new());
    while let Some(block) = reader.next_block() {
        match block.expect("the block can be read") {
            Block::InterfaceDescription(interface) => devices.extend(interface.options.iter().find_map(|option| {
                use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption as Option;
                if let Option::IfName(name) = option { Some(name.clone().into_owned()) } else { None }
            })),
            Block::EnhancedPacket(packet) => packets.push(Packet {
                at: Instant::from_nanos(u64::try_from(packet.timestamp.as_nanos()).expect("it is below 2^64")),
                device: devices[packet.interface_id as usize].clone(),
                frame: Frame::copy_of(&packet.data),
                passed: true,
                comment: None,
            }),
            _ => {}
        }
    }
    packets
}
