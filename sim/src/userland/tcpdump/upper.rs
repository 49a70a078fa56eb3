//! What a packet carries, as `tcpdump` prints it: TCP, UDP and ICMP of both families.

use core::fmt::Write as _;
use core::net::IpAddr;
use std::collections::BTreeMap;

use super::dns;
use super::page::{Names, Style, frame_in_tunnel};
use crate::packet::{Ip, Upper, protocol};
use crate::vxlan;

/// The numbers that the two ends of the connections begin to count from.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(BTreeMap<[(IpAddr, u16); 2], [u32; 2]>);

/// Bits of a segment, by their letters.
const FLAGS: [&str; 8] = ["F", "S", "R", "P", ".", "U", "E", "W"];
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;
/// Flags with which a number is told even without data.
const NUMBERED: u8 = 0x07;

impl Connections {
    /// The numbers of a segment, counted from the beginning of the connection where that was seen.
    fn relative(&mut self, from: (IpAddr, u16), to: (IpAddr, u16), flags: u8, (seq, ack): (u32, u32)) -> (u32, u32) {
        if flags & ACK == 0 {
            return (seq, ack);
        }
        let is_swapped = from > to;
        let key = if is_swapped { [to, from] } else { [from, to] };
        let (own, other) = if is_swapped { (1, 0) } else { (0, 1) };
        match self.0.get(&key).filter(|_| flags & SYN == 0) {
            Some(bases) => (seq.wrapping_sub(bases[own]), ack.wrapping_sub(bases[other])),
            None => {
                let mut bases = [0; 2];
                (bases[own], bases[other]) = (seq, ack.wrapping_sub(1));
                self.0.insert(key, bases);
                (seq, ack)
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// A segment: its flags, numbers, window, options and length.
pub(super) fn tcp(packet: &[u8], ip: &Ip, style: &Style, connections: &mut Connections) -> Option<String> {
    let segment = packet.get(ip.upper_at()..ip.total_len)?;
    let (src, dst) = ip.ports()?;
    let header = usize::from(segment.get(12)? >> 4) * 4;
    let length = segment.len().checked_sub(header)?;
    if style.quiet {
        return Some(format!("tcp {length}"));
    }
    let flags = segment[13];
    let numbers = (number(segment, 4)?, number(segment, 8)?);
    let (seq, ack) = match style.absolute {
        true => numbers,
        false => connections.relative((ip.src, src), (ip.dst, dst), flags, numbers),
    };
    let letters: String = (0..8).filter(|bit| flags & (1 << bit) != 0).map(|bit| FLAGS[bit]).collect();
    let mut text = format!("Flags [{}]", if letters.is_empty() { "none" } else { &letters });
    if style.verbose > 0 {
        let _ = write!(text, ", cksum 0x{:04x} (correct)", word(segment, 16)?);
    }
    if length > 0 || flags & NUMBERED != 0 || style.verbose > 1 {
        let _ = write!(text, ", seq {seq}");
        if length > 0 {
            let _ = write!(text, ":{}", seq.wrapping_add(u32::try_from(length).unwrap_or_default()));
        }
    }
    if flags & ACK != 0 {
        let _ = write!(text, ", ack {ack}");
    }
    let _ = write!(text, ", win {}", word(segment, 14)?);
    if flags & URG != 0 {
        let _ = write!(text, ", urg {}", word(segment, 18)?);
    }
    let options = options(segment.get(20..header)?);
    if !options.is_empty() {
        let _ = write!(text, ", options [{}]", options.join(","));
    }
    let _ = write!(text, ", length {length}");
    if length > 0 && [src, dst].iter().any(|port| matches!(port, 80 | 3128 | 8080)) {
        text += &http(&segment[header..], style);
    }
    // A message after its length.
    if length > 2 && (src == 53 || dst == 53) {
        text += &dns::text(&segment[header + 2..]).map_or_else(String::new, |message| format!(" {message}"));
    }
    Some(text)
}

fn options(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while let [kind, rest @ ..] = bytes {
        let (text, len) = match (kind, rest) {
            (0, _) => {
                all.push("eol".to_owned());
                break;
            }
            (1, _) => ("nop".to_owned(), 1),
            (2, [4, a, b, ..]) => (format!("mss {}", u16::from_be_bytes([*a, *b])), 4),
            (3, [3, shift, ..]) => (format!("wscale {shift}"), 3),
            (4, [2, ..]) => ("sackOK".to_owned(), 2),
            (5, [len, blocks @ ..]) if usize::from(*len) <= bytes.len() && *len >= 2 => {
                (selective(&blocks[..usize::from(*len) - 2]), usize::from(*len))
            }
            (8, [10, times @ ..]) if times.len() >= 8 => {
                let (Some(value), Some(echo)) = (number(times, 0), number(times, 4)) else { break };
                (format!("TS val {value} ecr {echo}"), 10)
            }
            (kind, [len, ..]) if *len >= 2 => (format!("unknown-{kind}"), usize::from(*len)),
            _ => break,
        };
        all.push(text);
        bytes = bytes.get(len..).unwrap_or_default();
    }
    all
}

fn selective(blocks: &[u8]) -> String {
    let mut text = format!("sack {} ", blocks.len() / 8);
    for block in blocks.chunks_exact(8) {
        let (Some(from), Some(to)) = (number(block, 0), number(block, 4)) else { continue };
        let _ = write!(text, "{{{from}:{to}}}");
    }
    text
}

/// The first line of a request or an answer, all of its head when more is to be told.
fn http(data: &[u8], style: &Style) -> String {
    const WORDS: [&str; 8] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "HTTP/"];
    let text = String::from_utf8_lossy(data);
    if !WORDS.iter().any(|word| text.starts_with(word)) {
        return ": HTTP".to_owned();
    }
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    if style.verbose == 0 {
        return format!(": HTTP: {}", lines[0]);
    }
    let lines = if lines.last() == Some(&"") { &lines[..lines.len() - 1] } else { &lines[..] };
    let told: String = lines.iter().map(|line| format!("\n\t{line}")).collect();
    format!(": HTTP, length: {}{told}", data.len())
}

/// A datagram.
pub(super) fn udp(packet: &[u8], ip: &Ip, names: &Names<'_>, connections: &mut Connections) -> Option<String> {
    let (src, dst) = ip.ports()?;
    let length = usize::from(word(packet, ip.upper_at() + 4)?).checked_sub(8)?;
    let plain = format!("UDP, length {length}");
    if names.style.quiet {
        return Some(plain);
    }
    let data = packet.get(ip.upper_at() + 8..ip.total_len)?;
    let sum = match (names.style.verbose, word(packet, ip.upper_at() + 6)?) {
        (0 | 1, _) => String::new(),
        (_, 0) => "[no cksum] ".to_owned(),
        _ => "[udp sum ok] ".to_owned(),
    };
    let text = match (src, dst) {
        (53, _) | (_, 53) => dns::text(data),
        (_, vxlan::PORT) => tunnelled(data, names, connections),
        _ => None,
    };
    Some(text.map_or(plain, |text| format!("{sum}{text}")))
}

fn tunnelled(data: &[u8], names: &Names<'_>, connections: &mut Connections) -> Option<String> {
    let (vni, inner) = vxlan::parse(data)?;
    let inner = frame_in_tunnel(inner, names, connections)?;
    Some(format!("VXLAN, flags [I] (0x08), vni {}\n{inner}", vni.number()))
}

/// A message of ICMP.
pub(super) fn icmp(packet: &[u8], ip: &Ip, names: &Names<'_>) -> Option<String> {
    let Upper::Icmp { kind, code, id } = ip.upper else { return None };
    let length = ip.total_len - ip.header_len;
    let seq = word(packet, ip.upper_at() + 6)?;
    let about = || ip.quoted(packet);
    let text = match kind {
        0 => format!("echo reply, id {id}, seq {seq}"),
        8 => format!("echo request, id {id}, seq {seq}"),
        3 => unreachable(code, &about()?, seq, names),
        5 => format!("redirect {} to host {}", names.host(about()?.dst), gateway(packet, ip)?),
        11 if code == 0 => "time exceeded in-transit".to_owned(),
        11 => "ip reassembly time exceeded".to_owned(),
        12 => format!("parameter problem - octet {}", id >> 8),
        kind => format!("type-#{kind}"),
    };
    Some(format!("ICMP {text}, length {length}"))
}

fn gateway(packet: &[u8], ip: &Ip) -> Option<String> {
    let bytes: &[u8; 4] = packet.get(ip.upper_at() + 4..)?.first_chunk()?;
    Some(IpAddr::from(*bytes).to_string())
}

fn unreachable(code: u8, about: &Ip, mtu: u16, names: &Names<'_>) -> String {
    let dst = names.host(about.dst);
    match code {
        0 => format!("net {dst} unreachable"),
        1 => format!("host {dst} unreachable"),
        2 => format!("{dst} protocol {} unreachable", about.protocol),
        3 => {
            let port = about.ports().map_or_else(String::new, |(_, port)| names.port(port, about.protocol));
            match about.protocol {
                protocol::TCP => format!("{dst} tcp port {port} unreachable"),
                protocol::UDP => format!("{dst} udp port {port} unreachable"),
                other => format!("{dst} protocol {other} port {port} unreachable"),
            }
        }
        4 => format!("{dst} unreachable - need to frag (mtu {mtu})"),
        5 => format!("{dst} unreachable - source route failed"),
        6 => format!("net {dst} unreachable - unknown"),
        7 => format!("host {dst} unreachable - unknown"),
        9 => format!("net {dst} unreachable - admin prohibited"),
        10 => format!("host {dst} unreachable - admin prohibited"),
        13 => format!("host {dst} unreachable - admin prohibited filter"),
        code => format!("{dst} unreachable - #{code}"),
    }
}

/// A message of `ICMPv6`.
pub(super) fn icmpv6(packet: &[u8], ip: &Ip, names: &Names<'_>) -> Option<String> {
    let Upper::Icmp { kind, code, id } = ip.upper else { return None };
    let at = ip.upper_at();
    let about = || ip.quoted(packet);
    let target = || {
        let bytes: &[u8; 16] = packet.get(at + 8..)?.first_chunk()?;
        Some(names.host(IpAddr::from(*bytes)))
    };
    let text = match kind {
        1 => format!("destination unreachable, {}", unreachable_v6(code, &about()?, names)),
        2 => format!("packet too big, mtu {}", number(packet, at + 4)?),
        3 => format!("time exceeded in-transit [hop limit] for {}", names.host(about()?.dst)),
        128 => format!("echo request, id {id}, seq {}", word(packet, at + 6)?),
        129 => format!("echo reply, id {id}, seq {}", word(packet, at + 6)?),
        133 => "router solicitation".to_owned(),
        134 => "router advertisement".to_owned(),
        135 => format!("neighbor solicitation, who has {}", target()?),
        136 => format!("neighbor advertisement, tgt is {}", target()?),
        143 => "multicast listener report v2".to_owned(),
        kind => format!("type-#{kind}"),
    };
    Some(format!("ICMP6, {text}, length {}", ip.total_len - ip.header_len))
}

fn unreachable_v6(code: u8, about: &Ip, names: &Names<'_>) -> String {
    let dst = names.host(about.dst);
    match code {
        0 => format!("unreachable route {dst}"),
        1 => format!("unreachable prohibited {dst}"),
        3 => format!("unreachable address {dst}"),
        4 => {
            let port = about.ports().map_or_else(String::new, |(_, port)| names.port(port, about.protocol));
            let kind = if about.protocol == protocol::TCP { "tcp" } else { "udp" };
            format!("unreachable port, {dst} {kind} port {port}")
        }
        code => format!("unknown code ({code})"),
    }
}
