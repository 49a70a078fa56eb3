//! What went over the devices of a world while a scenario was played, and how it is written as a pcapng file that
//! Wireshark opens: one interface a device, named `NAMESPACE/DEVICE`, with nanoseconds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use netyard_drivers::site::Site;
use netyard_sim::capture::{Captured, Hop};
use netyard_sim::frame::Frame;
use netyard_sim::time::{Epoch, Instant};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{DataLink, PcapError};

/// Time stamps count units of 10⁻⁹ s.
const NANOSECONDS: u8 = 9;
/// How many frames before a drop are looked at for the one that was dropped.
const SEEN_BEFORE: usize = 16;

/// A frame at one device and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// At which device: `docker01/docker0`.
    pub device: String,
    /// What. The bytes are shared with the world.
    pub frame: Frame,
    /// Whether it was on the wire there, and was not merely dropped.
    pub passed: bool,
    /// What became of it, when it went no further, or what it was before NAT.
    pub comment: Option<String>,
}

/// All frames, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The frames.
    pub packets: Vec<Packet>,
    /// The events of the engines as their API tells them, a line of JSON each; one host's after the other's.
    pub events: Vec<String>,
}

impl Recording {
    /// What `site` captured.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let capture = &site.world().fabric.capture;
        let mut packets: Vec<Packet> = Vec::with_capacity(capture.frames().len());
        for captured in capture.frames() {
            let packet = Packet {
                at: captured.at,
                device: capture.name(captured.spot).to_owned(),
                frame: captured.frame.clone(),
                passed: captured.passed(),
                comment: comment(captured),
            };
            // A frame that came and was dropped is there once, with a comment.
            let seen = packets.iter_mut().rev().take(SEEN_BEFORE).find(|seen| seen.is_where(&packet));
            match (seen, packet.passed) {
                (Some(seen), false) => seen.comment = packet.comment,
                _ => packets.push(packet),
            }
        }
        let epoch = site.world().epoch;
        let events = site.engines().iter().flat_map(|engine| engine.messages()).map(|message| message.line(epoch));
        Self { packets, events: events.collect() }
    }

    /// Adds to each comment at which line of the scenario it was: that of the step that was under way.
    pub(super) fn tell_lines(&mut self, file: &str, steps: impl Iterator<Item = (usize, Instant)>) {
        let steps: Vec<(usize, Instant)> = steps.collect();
        for packet in &mut self.packets {
            let step = steps.iter().find(|(_, done)| *done >= packet.at);
            if let (Some(comment), Some((line, _))) = (&mut packet.comment, step) {
                comment.push_str(&format!(" ({file}:{line})"));
            }
        }
    }

    /// The first frame or event that is not the same in `other`, in words; none when all are.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let longer = self.packets.len().max(other.packets.len());
        let frame = (0..longer).find(|at| self.packets.get(*at) != other.packets.get(*at)).map(|at| {
            let (one, two) = (describe(self.packets.get(at)), describe(other.packets.get(at)));
            format!("frame {}: {one}, then {two}", at + 1)
        });
        let event = || (self.events != other.events).then(|| "an engine's events differ".to_owned());
        frame.or_else(event)
    }

    /// Writes the frames as pcapng.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_pcapng(&self, epoch: Epoch, out: impl Write) -> Result<(), PcapError> {
        let mut writer = PcapNgWriter::new(out)?;
        let mut interfaces = BTreeMap::new();
        for packet in &self.packets {
            let next = u32::try_from(interfaces.len()).expect("a world has fewer than 2^32 devices");
            let interface = *interfaces.entry(packet.device.as_str()).or_insert(next);
            if interface == next {
                writer.write_pcapng_block(description(&packet.device))?;
            }
            writer.write_pcapng_block(block(packet, interface, epoch))?;
        }
        Ok(())
    }
}

/// What became of a frame that went no further, or was changed before.
fn comment(captured: &Captured) -> Option<String> {
    let Hop::Dropped(reason) = captured.hop else {
        return captured.note.as_ref().map(|note| format!("nat: {note}"));
    };
    Some(match &captured.note {
        Some(note) => format!("dropped: {note}"),
        None => format!("dropped: {reason}"),
    })
}

impl Packet {
    /// Whether it is the same frame at the same place and time.
    fn is_where(&self, other: &Self) -> bool {
        self.passed && self.at == other.at && self.device == other.device && self.frame == other.frame
    }
}

/// A frame in words, for a reader who wants to find it.
fn describe(packet: Option<&Packet>) -> String {
    let Some(packet) = packet else { return "none".to_owned() };
    format!("{} bytes at {} after {} s", packet.frame.len(), packet.device, packet.at)
}

fn description(device: &str) -> InterfaceDescriptionBlock<'_> {
    let options = vec![
        InterfaceDescriptionOption::IfName(Cow::Borrowed(device)),
        InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
    ];
    InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options }
}

fn block(packet: &Packet, interface_id: u32, epoch: Epoch) -> EnhancedPacketBlock<'_> {
    EnhancedPacketBlock {
        interface_id,
        timestamp: Duration::from_nanos(epoch.unix_nanos(packet.at)),
        original_len: u32::try_from(packet.frame.len()).expect("a frame is shorter than 4 GiB"),
        data: Cow::Borrowed(packet.frame.bytes()),
        options: packet.comment.iter().map(|text| EnhancedPacketOption::Comment(Cow::Borrowed(text))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;

    fn packet(nanos: u64, device: &str, bytes: &[u8]) -> Packet {
        let (at, device) = (Instant::from_nanos(nanos), device.to_owned());
        Packet { at, device, frame: Frame::copy_of(bytes), passed: true, comment: None }
    }

    #[test]
    fn a_device_is_an_interface_and_time_is_exact() {
        let packets =
            vec![packet(1, "h/eth0", &[1; 60]), packet(2, "h/docker0", &[2; 61]), packet(3, "h/eth0", &[3; 62])];
        let mut file = Vec::new();
        Recording { packets, events: Vec::new() }
            .write_pcapng(Epoch::from_unix(5), &mut file)
            .expect("memory takes all");
        let mut reader = PcapNgReader::new(&file[..]).expect("the file is right");
        let mut read = Vec::new();
        while let Some(block) = reader.next_block() {
            match block.expect("the block is right") {
                Block::InterfaceDescription(interface) => read.push(format!("{:?}", interface.options[0])),
                Block::EnhancedPacket(packet) => {
                    read.push(format!(
                        "{} {} {}",
                        packet.interface_id,
                        packet.timestamp.as_nanos(),
                        packet.original_len
                    ));
                }
                _ => {}
            }
        }
        let expected =
            ["IfName(\"h/eth0\")", "0 5000000001 60", "IfName(\"h/docker0\")", "1 5000000002 61", "0 5000000003 62"];
        assert_eq!(read, expected);
    }

    #[test]
    fn the_first_difference_is_named() {
        let packets = vec![packet(1, "h/eth0", &[1; 60]), packet(2_000_000_000, "h/eth0", &[2; 60])];
        let two = Recording { packets: packets[..1].to_vec(), events: Vec::new() };
        let one = Recording { packets, events: Vec::new() };
        assert_eq!(one.first_difference(&one), None);
        let words = one.first_difference(&two).expect("one has more");
        assert_eq!(words, "frame 2: 60 bytes at h/eth0 after 2.000000000 s, then none");
    }
}
