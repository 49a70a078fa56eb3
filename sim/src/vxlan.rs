//! VXLAN (RFC 7348): Ethernet frames in UDP datagrams. What a tunnel's device is set to, which far ends (VTEPs) a frame
//! goes to, what is learned from those that come, and the header between. It routes and sends nothing.
//!
//! An address of the forwarding database may have several far ends; frames to an address that is not there go to those
//! of the address 00:00:00:00:00:00, each of them a copy (head-end replication), or one copy to a multicast group.

use core::net::IpAddr;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::addr::Mac;
use crate::frame::{ETHERNET_LEN, Frame};
use crate::id::{IfIndex, LinkId};
use crate::packet::Ip;
use crate::rng::{fnv1a, fnv1a_more};
use crate::time::{Duration, Instant};

/// The port that IANA gave to it.
pub const PORT: u16 = 4789;
/// The port that Linux takes when none is named: the one from before IANA's.
pub const OLD_PORT: u16 = 8472;
/// How long a learned address is remembered after its last frame.
pub const AGEING: Duration = Duration::from_secs(300);
/// Length of the header between the UDP header and the inner frame.
pub const HEADER_LEN: usize = 8;
/// The inner Ethernet header, the VXLAN header, UDP's and IPv4's: what a tunnel's MTU is smaller by.
pub const OVERHEAD_V4: usize = ETHERNET_LEN + HEADER_LEN + 8 + 20;
/// The same over IPv6.
pub const OVERHEAD_V6: usize = OVERHEAD_V4 + 20;
/// The flag that says that there is a VNI; all others must be nought.
const HAS_VNI: u8 = 0x08;

/// The number of a network, 0 to 2^24 - 1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Vni(u32);

impl Vni {
    /// A number of 24 bits.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number < 1 << 24 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The header of a datagram for this network.
#[must_use]
pub const fn header(vni: Vni) -> [u8; HEADER_LEN] {
    let [_, a, b, c] = vni.0.to_be_bytes();
    [HAS_VNI, 0, 0, 0, a, b, c, 0]
}

/// What is in a datagram: the network's number and the inner frame. None when the header is cut short, the flag of the
/// number is missing or a reserved bit is set.
#[must_use]
pub fn parse(datagram: &[u8]) -> Option<(Vni, &[u8])> {
    let (header, inner) = datagram.split_first_chunk::<HEADER_LEN>()?;
    let [HAS_VNI, 0, 0, 0, a, b, c, 0] = *header else { return None };
    Some((Vni(u32::from_be_bytes([0, a, b, c])), inner))
}

/// A far end of a tunnel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Remote {
    /// Its address, or that of a group.
    pub ip: IpAddr,
    /// Its port, when it is not the tunnel's.
    pub port: Option<u16>,
    /// The number it knows the network by, when it is not the tunnel's.
    pub vni: Option<Vni>,
    /// The device by which it is reached, when that is fixed.
    pub via: Option<IfIndex>,
}

impl Remote {
    /// A far end at an address, with all else as the tunnel has it.
    #[must_use]
    pub const fn at(ip: IpAddr) -> Self {
        Self { ip, port: None, vni: None, via: None }
    }
}

/// How long an entry lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// It was put there and stays.
    Permanent,
    /// The same, under its other name.
    Static,
    /// It was learned, or put there to age.
    Ageing,
}

/// What is known of one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The far ends behind which it is.
    pub remotes: Vec<Remote>,
    /// How long it lives.
    pub life: Life,
    /// When it was last seen.
    pub seen: Instant,
}

/// How many routers the outer packet may pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ttl {
    /// What the host takes: 64, and 1 to a group.
    Auto,
    /// What the packet inside has.
    Inherit,
    /// This many.
    Fixed(u8),
}

/// What a tunnel is set to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of `ip link`")]
pub struct Settings {
    /// The network's number.
    pub vni: Vni,
    /// The far end, or group, for addresses that are not known.
    pub remote: Option<IpAddr>,
    /// The address to send from.
    pub local: Option<IpAddr>,
    /// The device beneath, when it is fixed; of the namespace where the tunnel was made.
    pub lower: Option<IfIndex>,
    /// The port to send to and to hear at.
    pub port: u16,
    /// The first and the last port to send from; what the host gives to its sockets else.
    pub source_ports: Option<(u16, u16)>,
    /// Hop limit of the outer packet.
    pub ttl: Ttl,
    /// Type of service of the outer packet.
    pub tos: u8,
    /// Whether addresses are learned from what comes.
    pub learning: bool,
    /// Whether it answers ARP and neighbour solicitations for those behind it, from the table of neighbours.
    pub proxy: bool,
    /// Whether packets to a router are sent straight to where the route leads (`rsc`).
    pub short_circuit: bool,
    /// Whether somebody wants to be told of addresses that are missing.
    pub l2_miss: bool,
    /// The same of neighbours.
    pub l3_miss: bool,
    /// How long a learned address is remembered.
    pub ageing: Duration,
    /// How many addresses it knows at most; 0 for no end.
    pub most_addresses: u32,
    /// Whether outer datagrams over IPv4 have a checksum.
    pub checksum: bool,
}

impl Settings {
    /// What Linux takes when only the number is given.
    #[must_use]
    pub const fn new(vni: Vni) -> Self {
        Self {
            vni,
            remote: None,
            local: None,
            lower: None,
            port: OLD_PORT,
            source_ports: None,
            ttl: Ttl::Auto,
            tos: 0,
            learning: true,
            proxy: false,
            short_circuit: false,
            l2_miss: false,
            l3_miss: false,
            ageing: AGEING,
            most_addresses: 0,
            checksum: true,
        }
    }

    /// Whether its outer packets are IPv6.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        self.remote.or(self.local).is_some_and(|ip| ip.is_ipv6())
    }

    /// What an outer packet has more than the packet inside.
    #[must_use]
    pub fn overhead(&self) -> usize {
        if self.is_v6() { OVERHEAD_V6 } else { OVERHEAD_V4 }
    }
}

/// Why an entry was not put there or taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FdbError {
    /// It is there already.
    Exists,
    /// As many addresses are known as may be.
    Full,
    /// It is not there.
    Missing,
    /// The far end is of another family than the tunnel.
    OtherFamily,
}

/// How an entry is put there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    /// Only where there is none.
    Add,
    /// Beside the far ends that are there.
    Append,
    /// In place of what is there.
    Replace,
}

/// A tunnel's settings and what it knows.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// What leads to the namespace where it was made, which sends and hears its datagrams.
    pub link: LinkId,
    /// What it is set to.
    pub settings: Settings,
    fdb: IndexMap<u64, Entry, FxBuildHasher>,
}

impl Tunnel {
    /// A tunnel that knows no more than its settings say.
    #[must_use]
    pub fn new(link: LinkId, settings: Settings) -> Self {
        let mut tunnel = Self { link, settings, fdb: IndexMap::default() };
        tunnel.know_remote();
        tunnel
    }

    /// What it hears where it was made.
    #[must_use]
    pub fn ear(&self) -> Ear {
        Ear { port: self.settings.port, vni: self.settings.vni, v6: self.settings.is_v6(), link: self.link }
    }

    /// Changes the far end for addresses that are not known.
    pub fn set_remote(&mut self, remote: Option<IpAddr>) {
        self.settings.remote = remote;
        self.fdb.shift_remove(&Mac::ZERO.as_u64());
        self.know_remote();
    }

    fn know_remote(&mut self) {
        if let Some(ip) = self.settings.remote {
            let remote = Remote { via: self.settings.lower, ..Remote::at(ip) };
            let entry = Entry { remotes: vec![remote], life: Life::Permanent, seen: Instant::ZERO };
            self.fdb.insert(Mac::ZERO.as_u64(), entry);
        }
    }

    /// What is known at `now`, what came last first, as Linux lists it.
    pub fn fdb(&self, now: Instant) -> impl Iterator<Item = (Mac, &Entry)> {
        self.fdb.iter().rev().filter(move |(_, e)| !self.is_dead(e, now)).map(|(mac, e)| (Mac::from_u64(*mac), e))
    }

    fn is_dead(&self, entry: &Entry, now: Instant) -> bool {
        let ageing = self.settings.ageing;
        entry.life == Life::Ageing && !ageing.is_zero() && now > entry.seen + ageing
    }

    /// Puts an entry there by hand.
    ///
    /// # Errors
    /// `Exists`, `Full`, `OtherFamily`.
    pub fn put(&mut self, now: Instant, mac: Mac, remote: Remote, life: Life, how: Put) -> Result<(), FdbError> {
        if remote.ip.is_ipv6() != self.settings.is_v6() {
            return Err(FdbError::OtherFamily);
        }
        let is_full = self.is_full();
        let Some(entry) = self.fdb.get_mut(&mac.as_u64()) else {
            if is_full {
                return Err(FdbError::Full);
            }
            self.fdb.insert(mac.as_u64(), Entry { remotes: vec![remote], life, seen: now });
            return Ok(());
        };
        match how {
            Put::Add => return Err(FdbError::Exists),
            // A station is behind one far end; only what is copied has several.
            Put::Append if mac.is_multicast() || mac == Mac::ZERO => {
                if !entry.remotes.contains(&remote) {
                    entry.remotes.push(remote);
                }
            }
            Put::Append => {}
            Put::Replace => entry.remotes = vec![remote],
        }
        (entry.life, entry.seen) = (life, now);
        Ok(())
    }

    /// Whether it may know no more addresses (Linux counts also those of hand and the default's).
    fn is_full(&self) -> bool {
        let most = usize::try_from(self.settings.most_addresses).unwrap_or(usize::MAX);
        most != 0 && self.fdb.len() >= most
    }

    /// Takes an entry away, or one of its far ends when it has several. Another far end than its own is no error.
    ///
    /// # Errors
    /// `Missing`.
    pub fn remove(&mut self, mac: Mac, remote: Option<Remote>) -> Result<(), FdbError> {
        let entry = self.fdb.get_mut(&mac.as_u64()).ok_or(FdbError::Missing)?;
        if let Some(remote) = remote {
            let Some(at) = entry.remotes.iter().position(|r| *r == remote) else { return Ok(()) };
            if entry.remotes.len() > 1 {
                entry.remotes.remove(at);
                return Ok(());
            }
        }
        self.fdb.shift_remove(&mac.as_u64());
        Ok(())
    }

    /// Loses what was put there of single addresses; far ends of all others, and what was learned, stay.
    pub fn lose_remotes(&mut self) {
        self.fdb.retain(|mac, entry| *mac == Mac::ZERO.as_u64() || entry.life == Life::Ageing);
    }

    /// Forgets the entries that live so as is meant.
    pub fn flush(&mut self, is_meant: impl Fn(Life) -> bool) {
        self.fdb.retain(|_, entry| !is_meant(entry.life));
    }

    /// Notes that `src` is behind the far end `from`. False when the frame must not be taken: somebody said by hand
    /// that it is elsewhere.
    pub fn learn(&mut self, now: Instant, src: Mac, from: IpAddr) -> bool {
        if !self.settings.learning || src.is_multicast() {
            return true;
        }
        let remote = Remote { ip: from, port: None, vni: None, via: None };
        let is_full = self.is_full();
        match self.fdb.get_mut(&src.as_u64()) {
            Some(entry) if entry.remotes.first().is_some_and(|r| r.ip == from) => entry.seen = now,
            Some(entry) if entry.life != Life::Ageing => return false,
            Some(entry) => (entry.remotes, entry.seen) = (vec![remote], now),
            None if is_full => {}
            None => {
                self.fdb.insert(src.as_u64(), Entry { remotes: vec![remote], life: Life::Ageing, seen: now });
            }
        }
        true
    }

    /// The far ends that a frame to `dst` goes to.
    #[must_use]
    pub fn remotes(&self, now: Instant, dst: Mac) -> &[Remote] {
        let known = |mac: Mac| self.fdb.get(&mac.as_u64()).filter(|entry| !self.is_dead(entry, now));
        known(dst).or_else(|| known(Mac::ZERO)).map_or(&[], |entry| &entry.remotes)
    }

    /// How a frame travels to a far end.
    #[must_use]
    pub fn outer(&self, remote: Remote, frame: &Frame) -> Outer {
        let settings = &self.settings;
        let inherited = || Ip::parse(frame.payload()).map_or(64, |ip| ip.ttl);
        let ttl = match settings.ttl {
            Ttl::Fixed(ttl) => ttl,
            Ttl::Auto if remote.ip.is_multicast() => 1,
            Ttl::Auto => 64,
            Ttl::Inherit => inherited(),
        };
        Outer {
            src: settings.local,
            dst: remote.ip,
            via: remote.via.or(settings.lower),
            port: remote.port.unwrap_or(settings.port),
            source_ports: settings.source_ports,
            vni: remote.vni.unwrap_or(settings.vni),
            ttl,
            tos: settings.tos,
            checksum: settings.checksum || remote.ip.is_ipv6(),
            flow: flow(frame),
        }
    }
}

/// How a frame travels: what its outer packet is made from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outer {
    /// The address to send from, when one is fixed.
    pub src: Option<IpAddr>,
    /// The far end.
    pub dst: IpAddr,
    /// The device to leave by, when it is fixed.
    pub via: Option<IfIndex>,
    /// The far end's port.
    pub port: u16,
    /// The first and the last port to send from; the host's own else.
    pub source_ports: Option<(u16, u16)>,
    /// The network's number.
    pub vni: Vni,
    /// Hop limit.
    pub ttl: u8,
    /// Type of service.
    pub tos: u8,
    /// Whether the datagram has a checksum.
    pub checksum: bool,
    /// The flow inside, as a number.
    pub flow: u32,
}

impl Outer {
    /// The port to send from, out of the host's own ports `local` unless others were chosen: the same for all frames
    /// of a flow, so that routers spread flows and keep the order in each.
    #[must_use]
    pub fn source_port(&self, local: (u16, u16)) -> u16 {
        let (first, last) = self.source_ports.unwrap_or(local);
        let hash = self.flow ^ (self.flow << 16);
        let offset = (u64::from(hash) * u64::from(last.saturating_sub(first))) >> 32;
        first + u16::try_from(offset).expect("it is less than the number of ports")
    }
}

/// The flow of a frame as a number: addresses, protocol and ports of its packet, else its Ethernet header.
fn flow(frame: &Frame) -> u32 {
    let Some(ip) = Ip::parse(frame.payload()).filter(|_| frame.ethertype() != crate::frame::ethertype::ARP) else {
        return fold(fnv1a(&frame.bytes()[..ETHERNET_LEN]));
    };
    let address = |hash, ip| match ip {
        IpAddr::V4(v4) => fnv1a_more(hash, &v4.octets()),
        IpAddr::V6(v6) => fnv1a_more(hash, &v6.octets()),
    };
    let (src, dst) = ip.ports().unwrap_or_default();
    let hash = address(address(fnv1a(&[ip.protocol]), ip.src), ip.dst);
    fold(fnv1a_more(fnv1a_more(hash, &src.to_be_bytes()), &dst.to_be_bytes()))
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are in the result")]
const fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}

/// A tunnel's ear in the namespace where it was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ear {
    /// The port.
    pub port: u16,
    /// The network's number.
    pub vni: Vni,
    /// Whether it hears IPv6.
    pub v6: bool,
    /// What leads to the tunnel's device.
    pub link: LinkId,
}

/// A frame between a tunnel's device and the namespace that sends and hears for it.
#[derive(Clone, Debug)]
pub struct Tunnelled {
    /// What is between them.
    pub link: LinkId,
    /// Which way it goes.
    pub way: Way,
    /// The inner frame.
    pub frame: Frame,
}

/// Which way a tunnelled frame goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From the device out, like this.
    Out(Outer),
    /// Into the device, from this far end.
    In(IpAddr),
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;
    use crate::frame::ethertype;

    const A: Mac = Mac([2, 0, 0, 0, 0, 0xa]);

    fn far(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn tunnel() -> Tunnel {
        let settings = Settings { remote: Some(far(1)), ..Settings::new(Vni(42)) };
        Tunnel::new(LinkId(NonZeroU32::MIN), settings)
    }

    fn ips(remotes: &[Remote]) -> Vec<IpAddr> {
        remotes.iter().map(|r| r.ip).collect()
    }

    #[test]
    fn the_header_is_read_as_it_is_written_and_nothing_else_is() {
        let mut datagram = header(Vni(0x01_02_03)).to_vec();
        datagram.extend([7, 7]);
        assert_eq!(datagram, [8, 0, 0, 0, 1, 2, 3, 0, 7, 7]);
        assert_eq!(parse(&datagram), Some((Vni(0x01_02_03), &[7, 7][..])));
        for byte in [0, 1, 2, 3, 7] {
            let mut wrong = datagram.clone();
            wrong[byte] ^= 0x08;
            assert_eq!(parse(&wrong), None, "byte {byte}");
        }
        assert_eq!((parse(&datagram[..7]), Vni::new(1 << 24)), (None, None));
    }

    #[test]
    fn no_more_addresses_are_known_than_may_be() {
        let settings = Settings { remote: Some(far(1)), most_addresses: 2, ..Settings::new(Vni(42)) };
        let (mut tunnel, t0) = (Tunnel::new(LinkId(NonZeroU32::MIN), settings), Instant::ZERO);
        let add = |tunnel: &mut Tunnel, last| {
            tunnel.put(t0, Mac([2, 0, 0, 0, 0, last]), Remote::at(far(2)), Life::Permanent, Put::Append)
        };
        assert_eq!([add(&mut tunnel, 1), add(&mut tunnel, 2)], [Ok(()), Err(FdbError::Full)]);
        assert_eq!(add(&mut tunnel, 1), Ok(()), "one that is known may be said again");
        assert!(tunnel.learn(t0, A, far(2)) && tunnel.fdb(t0).count() == 2);
    }

    #[test]
    fn unknown_addresses_go_to_all_far_ends_and_a_learned_one_to_its_own_until_it_ages() {
        let (mut tunnel, t0) = (tunnel(), Instant::ZERO);
        tunnel.put(t0, Mac::ZERO, Remote::at(far(2)), Life::Permanent, Put::Append).unwrap();
        assert_eq!(ips(tunnel.remotes(t0, A)), [far(1), far(2)]);
        assert!(tunnel.learn(t0, A, far(2)));
        assert_eq!(ips(tunnel.remotes(t0, A)), [far(2)]);
        assert_eq!(ips(tunnel.remotes(t0, Mac::BROADCAST)), [far(1), far(2)]);
        let later = t0 + AGEING + Duration::from_secs(1);
        assert_eq!(ips(tunnel.remotes(later, A)), [far(1), far(2)]);
    }

    #[test]
    fn what_was_put_by_hand_is_not_unlearned_and_its_frames_from_elsewhere_are_refused() {
        let (mut tunnel, t0) = (tunnel(), Instant::ZERO);
        tunnel.put(t0, A, Remote::at(far(7)), Life::Permanent, Put::Add).unwrap();
        assert!(!tunnel.learn(t0, A, far(8)) && tunnel.learn(t0, A, far(7)));
        assert_eq!(tunnel.put(t0, A, Remote::at(far(8)), Life::Permanent, Put::Add), Err(FdbError::Exists));
        tunnel.put(t0, A, Remote::at(far(8)), Life::Permanent, Put::Append).unwrap();
        assert_eq!(ips(tunnel.remotes(t0, A)), [far(7)]);
        tunnel.put(t0, A, Remote::at(far(8)), Life::Permanent, Put::Replace).unwrap();
        assert_eq!(ips(tunnel.remotes(t0, A)), [far(8)]);
        assert_eq!(tunnel.remove(A, Some(Remote::at(far(9)))), Ok(()));
        assert_eq!(ips(tunnel.remotes(t0, A)), [far(8)]);
        tunnel.remove(A, Some(Remote::at(far(8)))).unwrap();
        assert_eq!(tunnel.remove(A, None), Err(FdbError::Missing));
        let v6 = "2001:db8::1".parse().unwrap();
        assert_eq!(tunnel.put(t0, A, Remote::at(v6), Life::Permanent, Put::Add), Err(FdbError::OtherFamily));
    }

    #[test]
    fn a_flow_keeps_its_port_and_another_has_its_own() {
        let tunnel = tunnel();
        let frame = |last| Frame::ethernet(Mac([2, 0, 0, 0, 0, last]), A, ethertype::ARP, 28);
        let port = |frame: &Frame| tunnel.outer(Remote::at(far(1)), frame).source_port((32768, 60999));
        assert_eq!(port(&frame(1)), port(&frame(1)));
        assert_ne!(port(&frame(1)), port(&frame(2)));
        assert!((1..100).all(|last| (32768..=60999).contains(&port(&frame(last)))));
    }
}
