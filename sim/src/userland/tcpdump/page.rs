//! A line of `tcpdump` for a frame: time, device, addresses and what is carried. The text of what is carried is in `upper`.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::upper::{self, Connections};
use crate::addr::Mac;
use crate::filter::name;
use crate::frame::{ETHERNET_LEN, Frame, ethertype};
use crate::namespace::{Concern, Seen};
use crate::packet::{Ip, protocol};
use crate::time::{Epoch, Instant};
use crate::userland::lookup::config::host_name;

/// How lines are to look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of `tcpdump`")]
pub(super) struct Style {
    /// Addresses and ports as numbers.
    pub(super) numeric: bool,
    /// The Ethernet header too.
    pub(super) ether: bool,
    /// Less of each protocol.
    pub(super) quiet: bool,
    /// Sequence numbers as they are.
    pub(super) absolute: bool,
    /// How often more was asked for.
    pub(super) verbose: u8,
    pub(super) time: Time,
    pub(super) dump: Dump,
    /// Whether the device is told, since it is any.
    pub(super) any: bool,
}

/// How times are told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Time {
    #[default]
    OfDay,
    None,
    Unix,
    SincePrevious,
    Date,
    SinceFirst,
}

/// Whether the bytes are told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Dump {
    pub(super) on: bool,
    /// The Ethernet header too.
    pub(super) link: bool,
    /// As letters too.
    pub(super) ascii: bool,
}

/// What addresses and ports are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) style: &'a Style,
    /// The text of `/etc/hosts`.
    pub(super) hosts: &'a str,
}

impl Names<'_> {
    pub(super) fn host(&self, addr: IpAddr) -> String {
        let known = if self.style.numeric { None } else { host_name(self.hosts, addr) };
        known.unwrap_or_else(|| addr.to_string())
    }

    pub(super) fn port(&self, port: u16, protocol: u8) -> String {
        name::port(port, protocol, self.style.numeric)
    }
}

/// What is remembered from line to line.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    connections: Connections,
    first: Option<Instant>,
    previous: Option<Instant>,
}

/// The text for a frame.
pub(super) fn text(seen: &Seen, epoch: Epoch, names: &Names<'_>, memory: &mut Memory) -> String {
    let style = names.style;
    let mut line = time(seen.at, epoch, style.time, memory);
    if style.any {
        let way = match seen.concern {
            Concern::In => "In",
            Concern::Out => "Out",
            Concern::Broadcast => "B",
            Concern::Multicast => "M",
            Concern::Other => "P",
        };
        let _ = write!(line, "{:<5} {way:<3} ", seen.device);
    }
    if style.ether && style.any {
        let (kind, len) = (kind_of(seen.frame.ethertype()), seen.frame.payload().len() + 20);
        let _ = write!(line, "ifindex {} {} {kind}, length {len}: ", seen.index.0, seen.frame.src());
    }
    let header = style.ether && !style.any;
    line += &ether(&seen.frame, header, names, &mut memory.connections);
    if style.dump.on {
        let from = if style.dump.link { 0 } else { ETHERNET_LEN };
        line += &dump(&seen.frame.bytes()[from..], style.dump.ascii);
    }
    line + "\n"
}

fn time(at: Instant, epoch: Epoch, how: Time, memory: &mut Memory) -> String {
    let nanos = epoch.unix_nanos(at);
    let (seconds, micros) = (nanos / 1_000_000_000, nanos / 1_000 % 1_000_000);
    let first = *memory.first.get_or_insert(at);
    let previous = memory.previous.replace(at).unwrap_or(at);
    let since = |from: Instant| {
        let micros = at.as_nanos().saturating_sub(from.as_nanos()) / 1_000;
        format!(" {}.{:06} ", clock(micros / 1_000_000), micros % 1_000_000)
    };
    match how {
        Time::None => String::new(),
        Time::OfDay => format!("{}.{micros:06} ", clock(seconds % 86400)),
        Time::Unix => format!("{seconds}.{micros:06} "),
        Time::Date => format!("{} {}.{micros:06} ", epoch.utc(at).date(), clock(seconds % 86400)),
        Time::SincePrevious => since(previous),
        Time::SinceFirst => since(first),
    }
}

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn kind_of(kind: u16) -> String {
    let name = match kind {
        ethertype::IPV4 => "IPv4",
        ethertype::ARP => "ARP",
        ethertype::IPV6 => "IPv6",
        ethertype::VLAN => "802.1Q",
        _ => "Unknown",
    };
    format!("ethertype {name} (0x{kind:04x})")
}

/// A frame without its time.
fn ether(frame: &Frame, header: bool, names: &Names<'_>, connections: &mut Connections) -> String {
    let mut text = String::new();
    if header {
        let dst = if frame.dst().is_broadcast() && !names.style.numeric {
            "Broadcast".to_owned()
        } else {
            frame.dst().to_string()
        };
        let oui = |mac: &str, addr: Mac| match names.style.numeric || addr.is_broadcast() {
            true => mac.to_owned(),
            false => format!("{mac} (oui Unknown)"),
        };
        let (src, dst) = (oui(&frame.src().to_string(), frame.src()), oui(&dst, frame.dst()));
        let _ = write!(text, "{src} > {dst}, {}, length {}: ", kind_of(frame.ethertype()), frame.len());
    }
    match frame.ethertype() {
        ethertype::VLAN => text + &tagged(frame, header, names, connections),
        kind => text + &payload(kind, frame.payload(), header, names, connections),
    }
}

fn tagged(frame: &Frame, header: bool, names: &Names<'_>, connections: &mut Connections) -> String {
    let Some((tag, rest)) = frame.payload().split_first_chunk::<4>() else { return "[|802.1Q]".to_owned() };
    let (tci, kind) = (u16::from_be_bytes([tag[0], tag[1]]), u16::from_be_bytes([tag[2], tag[3]]));
    let vlan =
        if header { format!("vlan {}, p {}, {}, ", tci & 0xfff, tci >> 13, kind_of(kind)) } else { String::new() };
    vlan + &payload(kind, rest, header, names, connections)
}

fn payload(kind: u16, bytes: &[u8], header: bool, names: &Names<'_>, connections: &mut Connections) -> String {
    let told = match kind {
        ethertype::ARP => arp(bytes, names).map(|text| if header { text } else { format!("ARP, {text}") }),
        ethertype::IPV4 | ethertype::IPV6 => packet(bytes, header, names, connections),
        _ => None,
    };
    told.unwrap_or_else(|| format!("{}, length {}", kind_of(kind), bytes.len()))
}

fn arp(bytes: &[u8], names: &Names<'_>) -> Option<String> {
    let bytes: &[u8; 28] = bytes.first_chunk()?;
    let mac = |at: usize| Mac(*bytes[at..].first_chunk().expect("it is within"));
    let ip = |at: usize| IpAddr::from(*bytes[at..].first_chunk::<4>().expect("it is within"));
    let details = if names.style.verbose > 0 { "Ethernet (len 6), IPv4 (len 4), " } else { "" };
    let oui = |mac: Mac| match names.style.numeric {
        true => mac.to_string(),
        false => format!("{mac} (oui Unknown)"),
    };
    let text = match bytes[7] {
        1 => {
            let known = if mac(18) == Mac::ZERO { String::new() } else { format!(" ({})", oui(mac(18))) };
            format!("Request who-has {}{known} tell {}", names.host(ip(24)), names.host(ip(14)))
        }
        2 => format!("Reply {} is-at {}", names.host(ip(14)), oui(mac(8))),
        other => format!("unknown ({other})"),
    };
    Some(format!("{details}{text}, length 28"))
}

fn packet(bytes: &[u8], header: bool, names: &Names<'_>, connections: &mut Connections) -> Option<String> {
    let ip = Ip::parse(bytes)?;
    let word = match (header, ip.is_v4()) {
        (true, _) => "",
        (false, true) => "IP ",
        (false, false) => "IP6 ",
    };
    let details = if names.style.verbose > 0 { details(bytes, &ip) } else { String::new() };
    let carried = carried(bytes, &ip, names, connections)?;
    let end = |addr: IpAddr, port: Option<u16>| match port {
        Some(port) => format!("{}.{}", names.host(addr), names.port(port, ip.protocol)),
        None => names.host(addr),
    };
    let ports = ip.ports();
    let (src, dst) = (end(ip.src, ports.map(|(src, _)| src)), end(ip.dst, ports.map(|(_, dst)| dst)));
    Some(format!("{word}{details}{src} > {dst}: {carried}"))
}

fn details(bytes: &[u8], ip: &Ip) -> String {
    let protocol = match ip.protocol {
        protocol::ICMP => "ICMP (1)".to_owned(),
        protocol::TCP => "TCP (6)".to_owned(),
        protocol::UDP => "UDP (17)".to_owned(),
        protocol::ICMPV6 => "ICMPv6 (58)".to_owned(),
        other => format!("unknown ({other})"),
    };
    if !ip.is_v4() {
        let class = (bytes[0] & 0x0f) << 4 | bytes[1] >> 4;
        let class = if class == 0 { String::new() } else { format!("class 0x{class:02x}, ") };
        let length = ip.total_len - 40;
        return format!("({class}hlim {}, next-header {protocol} payload length: {length}) ", ip.ttl);
    }
    let (offset, more) = ip.fragment.map_or((0, false), |fragment| (fragment.offset, fragment.more));
    let flags = match (more, ip.dont_fragment) {
        (true, true) => "+, DF",
        (true, false) => "+",
        (false, true) => "DF",
        (false, false) => "none",
    };
    let id = u16::from_be_bytes([bytes[4], bytes[5]]);
    format!(
        "(tos 0x{:x}, ttl {}, id {id}, offset {offset}, flags [{flags}], proto {protocol}, length {})\n    ",
        bytes[1], ip.ttl, ip.total_len
    )
}

fn carried(bytes: &[u8], ip: &Ip, names: &Names<'_>, connections: &mut Connections) -> Option<String> {
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        let name = match (names.style.numeric, ip.protocol) {
            (false, other) => name::protocol(other),
            (true, other) => format!("ip-proto-{other}"),
        };
        return Some(name);
    }
    match ip.protocol {
        protocol::TCP => upper::tcp(bytes, ip, names.style, connections),
        protocol::UDP => upper::udp(bytes, ip, names, connections),
        protocol::ICMP => upper::icmp(bytes, ip, names),
        protocol::ICMPV6 => upper::icmpv6(bytes, ip, names),
        other => Some(format!("ip-proto-{other} {}", ip.total_len - ip.header_len)),
    }
}

/// The frame that a tunnel carries, without a time.
pub(super) fn frame_in_tunnel(bytes: &[u8], names: &Names<'_>, connections: &mut Connections) -> Option<String> {
    if bytes.len() < ETHERNET_LEN {
        return None;
    }
    Some(ether(&Frame::copy_of(bytes), names.style.ether, names, connections))
}

/// Bytes as `-x` and `-X` tell them.
fn dump(bytes: &[u8], ascii: bool) -> String {
    let mut text = String::new();
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let mut hex = String::new();
        for pair in chunk.chunks(2) {
            hex.push(' ');
            pair.iter().for_each(|byte| {
                let _ = write!(hex, "{byte:02x}");
            });
        }
        let letters: String = chunk.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
        let _ = match ascii {
            true => write!(text, "\n\t0x{:04x}: {hex:<41}  {letters}", row * 16),
            false => write!(text, "\n\t0x{:04x}: {hex}", row * 16),
        };
    }
    text
}
