//! BPDUs: what bridges tell each other of their spanning tree (IEEE 802.1D-1998 §9), behind an LLC header. It decides
//! nothing.

use crate::addr::Mac;
use crate::time::Duration;

/// The group that bridges listen to; no bridge with a spanning tree passes its frames on.
pub const GROUP: Mac = Mac([0x01, 0x80, 0xc2, 0, 0, 0]);
/// LLC: both service access points are the spanning tree's, an unnumbered frame.
const LLC: [u8; 3] = [0x42, 0x42, 0x03];
const CONFIGURATION: u8 = 0x00;
const TOPOLOGY_CHANGE: u8 = 0x80;
const CHANGE: u8 = 0x01;
const ACKNOWLEDGED: u8 = 0x80;

/// A bridge in the tree: its priority and its address; the lowest is the root.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct BridgeId {
    /// The priority, which comes first.
    pub priority: u16,
    /// The address.
    pub mac: Mac,
}

impl BridgeId {
    fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&self.priority.to_be_bytes());
        bytes[2..].copy_from_slice(&self.mac.0);
        bytes
    }

    fn read(bytes: [u8; 8]) -> Self {
        let [a, b, mac @ ..] = bytes;
        Self { priority: u16::from_be_bytes([a, b]), mac: Mac(mac) }
    }
}

/// What a bridge says of the tree at a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Configuration {
    /// The tree is changing: forget sooner.
    pub topology_change: bool,
    /// A report of a change was heard.
    pub acknowledged: bool,
    /// The root.
    pub root: BridgeId,
    /// What the way to it costs.
    pub root_path_cost: u32,
    /// Who says so.
    pub bridge: BridgeId,
    /// At which of its ports.
    pub port: u16,
    /// How old what it says is.
    pub message_age: Duration,
    /// When that is too old.
    pub max_age: Duration,
    /// How often the root speaks.
    pub hello_time: Duration,
    /// How long a port listens, and how long it learns.
    pub forward_delay: Duration,
}

/// A BPDU.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bpdu {
    /// What a bridge says of the tree.
    Configuration(Configuration),
    /// A report towards the root that the tree changed.
    TopologyChange,
}

impl Bpdu {
    /// The bytes behind the length field of the frame.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = LLC.to_vec();
        match self {
            Self::TopologyChange => bytes.extend([0, 0, 0, TOPOLOGY_CHANGE]),
            Self::Configuration(c) => {
                let flags = if c.topology_change { CHANGE } else { 0 } | if c.acknowledged { ACKNOWLEDGED } else { 0 };
                bytes.extend([0, 0, 0, CONFIGURATION, flags]);
                bytes.extend(c.root.bytes());
                bytes.extend(c.root_path_cost.to_be_bytes());
                bytes.extend(c.bridge.bytes());
                bytes.extend(c.port.to_be_bytes());
                for time in [c.message_age, c.max_age, c.hello_time, c.forward_delay] {
                    bytes.extend(ticks(time).to_be_bytes());
                }
            }
        }
        bytes
    }

    /// Reads what stands behind the length field; none when it is no BPDU that bridges of 802.1D understand, or one that
    /// is older than it may be.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(&LLC)?;
        let (&[0, 0, 0, kind], body) = body.split_first_chunk::<4>()? else { return None };
        if kind == TOPOLOGY_CHANGE {
            return Some(Self::TopologyChange);
        }
        let body = body.first_chunk::<31>().filter(|_| kind == CONFIGURATION)?;
        let word = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let id = |at: usize| Some(BridgeId::read(body[at..at + 8].try_into().ok()?));
        let configuration = Configuration {
            topology_change: body[0] & CHANGE != 0,
            acknowledged: body[0] & ACKNOWLEDGED != 0,
            root: id(1)?,
            root_path_cost: u32::from_be_bytes(body[9..13].try_into().ok()?),
            bridge: id(13)?,
            port: word(21),
            message_age: time(word(23)),
            max_age: time(word(25)),
            hello_time: time(word(27)),
            forward_delay: time(word(29)),
        };
        (configuration.message_age <= configuration.max_age).then_some(Self::Configuration(configuration))
    }
}

/// A time in 256ths of a second.
fn ticks(time: Duration) -> u16 {
    u16::try_from(time.as_nanos() * 256 / 1_000_000_000).unwrap_or(u16::MAX)
}

fn time(ticks: u16) -> Duration {
    Duration::from_nanos(u64::from(ticks) * 1_000_000_000 / 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bpdu_reads_as_it_is_written_and_an_old_one_not_at_all() {
        let id = |priority, last| BridgeId { priority, mac: Mac([2, 0, 0, 0, 0, last]) };
        let configuration = Configuration {
            topology_change: true,
            acknowledged: false,
            root: id(0x1000, 1),
            root_path_cost: 4,
            bridge: id(0x8000, 2),
            port: 0x8002,
            message_age: Duration::from_secs(1),
            max_age: Duration::from_secs(20),
            hello_time: Duration::from_secs(2),
            forward_delay: Duration::from_secs(15),
        };
        let bytes = Bpdu::Configuration(configuration).bytes();
        assert_eq!(
            bytes,
            [
                0x42, 0x42, 3, 0, 0, 0, 0, 1, 0x10, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 0, 2, 0, 0, 0, 0, 2, 0x80,
                2, 1, 0, 20, 0, 2, 0, 15, 0
            ]
        );
        assert_eq!(Bpdu::parse(&bytes), Some(Bpdu::Configuration(configuration)));
        assert!((0..bytes.len()).all(|len| Bpdu::parse(&bytes[..len]).is_none()));
        let old = Configuration { message_age: Duration::from_secs(21), ..configuration };
        assert_eq!(Bpdu::parse(&Bpdu::Configuration(old).bytes()), None);
        assert_eq!(Bpdu::parse(&Bpdu::TopologyChange.bytes()), Some(Bpdu::TopologyChange));
    }
}
