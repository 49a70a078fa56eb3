//! What a host counts of its protocols, as Linux does for `nstat` and `/proc/net/snmp` (RFC 4293, 4022 and 4113). Why a packet
//! was dropped is told by `drop`; how these are shown, by `userland::snmp`. It decides nothing.

use std::collections::BTreeMap;

/// All counters of a host. Of what both families have, IPv4 is first; [`crate::addr::family`] is the place of an address's.
#[derive(Clone, Debug, Default)]
pub struct Mib {
    /// Packets.
    pub ip: [Ip; 2],
    /// Messages about packets.
    pub icmp: [Icmp; 2],
    /// Datagrams.
    pub udp: [Udp; 2],
    /// Connections and their segments.
    pub tcp: Tcp,
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Their bytes, headers of IP included.
    pub octets: u64,
}

impl Traffic {
    /// Counts a packet of so many bytes.
    pub const fn count(&mut self, len: usize) {
        self.packets += 1;
        self.octets += len as u64;
    }
}

/// Whom a packet goes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cast {
    /// One host.
    Unicast,
    /// A group.
    Multicast,
    /// All on a link.
    Broadcast,
}

/// Packets of one family in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direction {
    /// All of them.
    pub all: Traffic,
    /// Those to groups.
    pub multicast: Traffic,
    /// Those to all.
    pub broadcast: Traffic,
}

impl Direction {
    /// Counts a packet of so many bytes.
    pub const fn count(&mut self, cast: Cast, len: usize) {
        self.all.count(len);
        match cast {
            Cast::Unicast => {}
            Cast::Multicast => self.multicast.count(len),
            Cast::Broadcast => self.broadcast.count(len),
        }
    }
}

/// Packets of one family.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ip {
    /// Those that came, before anything was looked at.
    pub received: Direction,
    /// By what the two ECN bits said: not capable, ECT(1), ECT(0), congestion experienced.
    pub ecn: [u64; 4],
    /// With a header that lies, or whose hop limit ran out here.
    pub header_errors: u64,
    /// The header's checksum is wrong. They are header errors too.
    pub checksum_errors: u64,
    /// To addresses that are not for this host, which does not forward, or that must not be on a wire.
    pub address_errors: u64,
    /// That no route leads on.
    pub no_way_on: u64,
    /// That nobody here speaks the protocol of.
    pub unknown_protocols: u64,
    /// Given to a protocol of this host.
    pub delivered: u64,
    /// Sent on for others.
    pub forwarded: u64,
    /// That protocols of this host wanted to send.
    pub requested: u64,
    /// Those that went out, for others too.
    pub sent: Direction,
    /// That were not sent, for want of a route.
    pub no_way_out: u64,
    /// Fragments for reassembly.
    pub fragments_received: u64,
    /// Packets put together of fragments.
    pub reassembled: u64,
    /// Failures to do so.
    pub not_reassembled: u64,
    /// Failures because the rest did not come in time.
    pub reassembly_timeouts: u64,
    /// Packets cut in fragments.
    pub cut: u64,
    /// Packets that were too big and must not be cut.
    pub not_cut: u64,
    /// Fragments made.
    pub fragments_made: u64,
}

/// ICMP messages of one family, by type.
#[derive(Clone, Debug, Default)]
pub struct Icmp {
    /// Those that came.
    pub received: BTreeMap<u8, u64>,
    /// That say nothing that can be used; those with a wrong checksum included.
    pub errors: u64,
    /// With a wrong checksum.
    pub checksum_errors: u64,
    /// Those that were sent.
    pub sent: BTreeMap<u8, u64>,
}

/// Datagrams of one family.
#[derive(Clone, Copy, Debug, Default)]
pub struct Udp {
    /// Given to a socket.
    pub received: u64,
    /// To a port without a socket.
    pub no_ports: u64,
    /// To all or to a group, and nobody listens.
    pub ignored_groups: u64,
    /// That could not be given to their socket: all of those below.
    pub errors: u64,
    /// For a full socket.
    pub full: u64,
    /// With a wrong checksum.
    pub checksum_errors: u64,
    /// Sent.
    pub sent: u64,
}

/// TCP of both families, which Linux counts as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp {
    /// Connections that this host began.
    pub begun: u64,
    /// Connections that peers made to its listeners.
    pub accepted: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Connections that stood and were reset, from either side.
    pub reset: u64,
    /// Segments that came.
    pub received: u64,
    /// Bad ones among them.
    pub errors: u64,
    /// Those with a wrong checksum.
    pub checksum_errors: u64,
    /// Segments sent, but those that only repeat.
    pub sent: u64,
    /// Segments that repeat.
    pub repeated: u64,
    /// Segments that reset.
    pub resets_sent: u64,
    /// Connections that found a listener's queue full.
    pub overflows: u64,
}
