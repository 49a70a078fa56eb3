//! The counters of the protocols as `/proc/net/snmp`, `snmp6` and `netstat` list them, by the names and in the order of Linux
//! 6.18. What is always nought here is left out of `netstat` alone, whose list has no end. It counts nothing.

use core::fmt::Write as _;
use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::mib::{Icmp, Ip};
use crate::namespace::{Namespace, TcpState};

/// Counters of one protocol.
#[derive(Clone, Debug)]
pub struct Group {
    /// The protocol, by which the names begin where they stand alone.
    pub name: &'static str,
    /// What is counted, in order. One is less than nought: there is no limit to connections.
    pub counters: Vec<(Cow<'static, str>, i64)>,
}

impl Group {
    fn new(name: &'static str, counters: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        let counters = counters.into_iter().map(|(name, count)| (name.into(), signed(count)));
        Self { name, counters: counters.collect() }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The groups of `/proc/net/snmp`.
#[must_use]
pub fn snmp(network: &Namespace) -> Vec<Group> {
    let mut groups = vec![ip(network), icmp(&network.mib.icmp[0])];
    let by_type = of_types(&network.mib.icmp[0]);
    if !by_type.is_empty() {
        groups.push(Group { name: "IcmpMsg", counters: by_type });
    }
    groups.extend([tcp(network), Group::new("Udp", udp(network, 0)), Group::new("UdpLite", UDP_LITE)]);
    groups
}

/// The groups of `/proc/net/snmp6`.
#[must_use]
pub fn snmp6(network: &Namespace) -> Vec<Group> {
    let mut udp_lite = Group::new("UdpLite6", UDP_LITE);
    udp_lite.counters.retain(|(name, _)| name != "IgnoredMulti");
    vec![ip6(&network.mib.ip[1]), icmp6(&network.mib.icmp[1]), Group::new("Udp6", udp(network, 1)), udp_lite]
}

/// The groups of `/proc/net/netstat`.
#[must_use]
pub fn netstat(network: &Namespace) -> Vec<Group> {
    let overflows = network.mib.tcp.overflows;
    let tcp = [("ListenOverflows", overflows), ("ListenDrops", overflows)];
    vec![Group::new("TcpExt", tcp), Group::new("IpExt", ip_ext(&network.mib.ip[0]))]
}

/// Two lines for each group, its names and its counts.
#[must_use]
pub fn rows(groups: &[Group]) -> String {
    let mut text = String::new();
    for Group { name, counters } in groups {
        let names: String = counters.iter().map(|(name, _)| format!(" {name}")).collect();
        let counts: String = counters.iter().map(|(_, count)| format!(" {count}")).collect();
        let _ = write!(text, "{name}:{names}\n{name}:{counts}\n");
    }
    text
}

/// A line for each counter.
#[must_use]
pub fn lines(groups: &[Group]) -> String {
    let line = |group: &Group, (name, count): &(Cow<'_, str>, i64)| {
        let name = format!("{}{name}", group.name);
        format!("{name:<32}\t{count}\n")
    };
    groups.iter().flat_map(|group| group.counters.iter().map(move |counter| line(group, counter))).collect()
}

/// What Linux counts of a protocol that nothing here speaks.
const UDP_LITE: [(&str, u64); 9] = [
    ("InDatagrams", 0),
    ("NoPorts", 0),
    ("InErrors", 0),
    ("OutDatagrams", 0),
    ("RcvbufErrors", 0),
    ("SndbufErrors", 0),
    ("InCsumErrors", 0),
    ("IgnoredMulti", 0),
    ("MemErrors", 0),
];

/// A counter with its name.
type Named = (&'static str, u64);

/// What is said of both families alike of packets of this host's own and of those in pieces.
const fn outward(ip: &Ip) -> [Named; 10] {
    [
        ("OutRequests", ip.requested),
        ("OutDiscards", 0),
        ("OutNoRoutes", ip.no_way_out),
        ("ReasmTimeout", ip.reassembly_timeouts),
        ("ReasmReqds", ip.fragments_received),
        ("ReasmOKs", ip.reassembled),
        ("ReasmFails", ip.not_reassembled),
        ("FragOKs", ip.cut),
        ("FragFails", ip.not_cut),
        ("FragCreates", ip.fragments_made),
    ]
}

/// The same of bytes.
const fn octets(ip: &Ip) -> [Named; 6] {
    [
        ("InOctets", ip.received.all.octets),
        ("OutOctets", ip.sent.all.octets),
        ("InMcastOctets", ip.received.multicast.octets),
        ("OutMcastOctets", ip.sent.multicast.octets),
        ("InBcastOctets", ip.received.broadcast.octets),
        ("OutBcastOctets", ip.sent.broadcast.octets),
    ]
}

/// The same of what the bits about congestion said.
const fn congestion(ip: &Ip) -> [Named; 4] {
    [("InNoECTPkts", ip.ecn[0]), ("InECT1Pkts", ip.ecn[1]), ("InECT0Pkts", ip.ecn[2]), ("InCEPkts", ip.ecn[3])]
}

fn ip(network: &Namespace) -> Group {
    let ip = &network.mib.ip[0];
    let inward = [
        ("Forwarding", if network.forwards_ipv4() { 1 } else { 2 }),
        ("DefaultTTL", u64::from(network.sysctl.default_ttl)),
        ("InReceives", ip.received.all.packets),
        ("InHdrErrors", ip.header_errors),
        ("InAddrErrors", ip.address_errors),
        ("ForwDatagrams", ip.forwarded),
        ("InUnknownProtos", ip.unknown_protocols),
        ("InDiscards", 0),
        ("InDelivers", ip.delivered),
    ];
    Group::new("Ip", inward.into_iter().chain(outward(ip)).chain([("OutTransmits", ip.sent.all.packets)]))
}

fn ip6(ip: &Ip) -> Group {
    let inward = [
        ("InReceives", ip.received.all.packets),
        ("InHdrErrors", ip.header_errors),
        ("InTooBigErrors", 0),
        ("InNoRoutes", ip.no_way_on),
        ("InAddrErrors", ip.address_errors),
        ("InUnknownProtos", ip.unknown_protocols),
        ("InTruncatedPkts", 0),
        ("InDiscards", 0),
        ("InDelivers", ip.delivered),
        ("OutForwDatagrams", ip.forwarded),
    ];
    let groups = [("InMcastPkts", ip.received.multicast.packets), ("OutMcastPkts", ip.sent.multicast.packets)];
    let all = inward.into_iter().chain(outward(ip)).chain(groups).chain(octets(ip)).chain(congestion(ip));
    Group::new("Ip6", all.chain([("OutTransmits", ip.sent.all.packets)]))
}

/// What `netstat` adds to the counters of IPv4.
fn ip_ext(ip: &Ip) -> impl Iterator<Item = Named> {
    let packets = [
        ("InNoRoutes", ip.no_way_on),
        ("InTruncatedPkts", 0),
        ("InMcastPkts", ip.received.multicast.packets),
        ("OutMcastPkts", ip.sent.multicast.packets),
        ("InBcastPkts", ip.received.broadcast.packets),
        ("OutBcastPkts", ip.sent.broadcast.packets),
    ];
    let damaged = [("InCsumErrors", ip.checksum_errors)];
    packets.into_iter().chain(octets(ip)).chain(damaged).chain(congestion(ip))
}

/// Types of ICMP with a name of their own.
const KINDS: [(u8, &str); 11] = [
    (3, "DestUnreachs"),
    (11, "TimeExcds"),
    (12, "ParmProbs"),
    (4, "SrcQuenchs"),
    (5, "Redirects"),
    (8, "Echos"),
    (0, "EchoReps"),
    (13, "Timestamps"),
    (14, "TimestampReps"),
    (17, "AddrMasks"),
    (18, "AddrMaskReps"),
];

/// The same of `ICMPv6`.
const KINDS_V6: [(u8, &str); 15] = [
    (1, "DestUnreachs"),
    (2, "PktTooBigs"),
    (3, "TimeExcds"),
    (4, "ParmProblems"),
    (128, "Echos"),
    (129, "EchoReplies"),
    (130, "GroupMembQueries"),
    (131, "GroupMembResponses"),
    (132, "GroupMembReductions"),
    (133, "RouterSolicits"),
    (134, "RouterAdvertisements"),
    (135, "NeighborSolicits"),
    (136, "NeighborAdvertisements"),
    (137, "Redirects"),
    (143, "MLDv2Reports"),
];

fn total(of: &BTreeMap<u8, u64>) -> u64 {
    of.values().sum()
}

/// The counts of messages by type, where the type has a name.
fn of_kinds<'a>(
    direction: &'static str,
    counts: &'a BTreeMap<u8, u64>,
    kinds: &'a [(u8, &'static str)],
) -> impl Iterator<Item = (Cow<'static, str>, i64)> {
    let count = |kind| signed(counts.get(kind).copied().unwrap_or_default());
    kinds.iter().map(move |(kind, name)| (format!("{direction}{name}").into(), count(kind)))
}

/// The counts of messages by the number of their type, of those that there were.
fn of_types(icmp: &Icmp) -> Vec<(Cow<'static, str>, i64)> {
    let named = |direction, counts: &BTreeMap<u8, u64>| {
        let counters =
            counts.iter().map(move |(kind, count)| (format!("{direction}Type{kind}").into(), signed(*count)));
        counters.collect::<Vec<_>>()
    };
    [named("In", &icmp.received), named("Out", &icmp.sent)].concat()
}

fn icmp(icmp: &Icmp) -> Group {
    let mut group = Group::new(
        "Icmp",
        [("InMsgs", total(&icmp.received)), ("InErrors", icmp.errors), ("InCsumErrors", icmp.checksum_errors)],
    );
    group.counters.extend(of_kinds("In", &icmp.received, &KINDS));
    let sent = [("OutMsgs", total(&icmp.sent)), ("OutErrors", 0), ("OutRateLimitGlobal", 0), ("OutRateLimitHost", 0)];
    group.counters.extend(Group::new("Icmp", sent).counters);
    group.counters.extend(of_kinds("Out", &icmp.sent, &KINDS));
    group
}

fn icmp6(icmp: &Icmp) -> Group {
    let mut group = Group::new(
        "Icmp6",
        [
            ("InMsgs", total(&icmp.received)),
            ("InErrors", icmp.errors),
            ("OutMsgs", total(&icmp.sent)),
            ("OutErrors", 0),
            ("InCsumErrors", icmp.checksum_errors),
            ("OutRateLimitHost", 0),
        ],
    );
    group.counters.extend(of_kinds("In", &icmp.received, &KINDS_V6));
    group.counters.extend(of_kinds("Out", &icmp.sent, &KINDS_V6));
    group.counters.extend(of_types(icmp));
    group
}

fn tcp(network: &Namespace) -> Group {
    let tcp = &network.mib.tcp;
    let stands = |state| matches!(state, TcpState::Established | TcpState::CloseWait);
    let standing = network.tcp_connections().filter(|connection| stands(connection.state)).count() as u64;
    // There is no limit to connections.
    let fixed = [("RtoAlgorithm", 1), ("RtoMin", 200), ("RtoMax", 120_000), ("MaxConn", -1)];
    let counted = Group::new(
        "Tcp",
        [
            ("ActiveOpens", tcp.begun),
            ("PassiveOpens", tcp.accepted),
            ("AttemptFails", tcp.failed),
            ("EstabResets", tcp.reset),
            ("CurrEstab", standing),
            ("InSegs", tcp.received),
            ("OutSegs", tcp.sent),
            ("RetransSegs", tcp.repeated),
            ("InErrs", tcp.errors),
            ("OutRsts", tcp.resets_sent),
            ("InCsumErrors", tcp.checksum_errors),
        ],
    );
    let fixed = fixed.map(|(name, value)| (name.into(), value));
    Group { counters: fixed.into_iter().chain(counted.counters).collect(), ..counted }
}

fn udp(network: &Namespace, family: usize) -> [(&'static str, u64); 9] {
    let udp = &network.mib.udp[family];
    [
        ("InDatagrams", udp.received),
        ("NoPorts", udp.no_ports),
        ("InErrors", udp.errors),
        ("OutDatagrams", udp.sent),
        ("RcvbufErrors", udp.full),
        ("SndbufErrors", 0),
        ("InCsumErrors", udp.checksum_errors),
        ("IgnoredMulti", udp.ignored_groups),
        ("MemErrors", 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn files_list_the_counters_as_the_kernel_does() {
        let mut network = Namespace::new("c1", Seed(1));
        network.mib.icmp[0].received.insert(3, 2);
        let text = rows(&snmp(&network));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("Ip: Forwarding DefaultTTL InReceives InHdrErrors "), "{}", lines[0]);
        assert!(lines[1].starts_with("Ip: 2 64 0 0 "), "{}", lines[1]);
        assert_eq!(lines[4..6], ["IcmpMsg: InType3", "IcmpMsg: 2"]);
        assert!(lines[7].starts_with("Tcp: 1 200 120000 -1 0 "), "{}", lines[7]);
        let text = super::lines(&snmp6(&network));
        assert!(
            text.starts_with("Ip6InReceives                   \t0\nIp6InHdrErrors                  \t0\n"),
            "{text}"
        );
    }
}
