//! The names of protocols and ports that iptables reads and prints (`/etc/protocols`, `/etc/services`), as far as
//! rules of this world have use for them.

use super::Usage;

const PROTOCOLS: [(u8, &str); 12] = [
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipencap"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// Port, protocol (0: both TCP and UDP), name.
const SERVICES: [(u16, u8, &str); 44] = [
    (1, 6, "tcpmux"),
    (7, 0, "echo"),
    (9, 0, "discard"),
    (13, 0, "daytime"),
    (20, 6, "ftp-data"),
    (21, 6, "ftp"),
    (22, 6, "ssh"),
    (23, 6, "telnet"),
    (25, 6, "smtp"),
    (37, 0, "time"),
    (53, 0, "domain"),
    (67, 17, "bootps"),
    (68, 17, "bootpc"),
    (69, 17, "tftp"),
    (80, 6, "http"),
    (88, 0, "kerberos"),
    (110, 6, "pop3"),
    (111, 0, "sunrpc"),
    (123, 17, "ntp"),
    (143, 6, "imap2"),
    (161, 0, "snmp"),
    (179, 6, "bgp"),
    (389, 0, "ldap"),
    (443, 0, "https"),
    (445, 6, "microsoft-ds"),
    (465, 6, "submissions"),
    (500, 17, "isakmp"),
    (514, 17, "syslog"),
    (587, 6, "submission"),
    (636, 0, "ldaps"),
    (853, 0, "domain-s"),
    (873, 6, "rsync"),
    (990, 6, "ftps"),
    (993, 6, "imaps"),
    (995, 6, "pop3s"),
    (1194, 0, "openvpn"),
    (1883, 6, "mqtt"),
    (2000, 6, "cisco-sccp"),
    (2049, 0, "nfs"),
    (3306, 6, "mysql"),
    (5060, 0, "sip"),
    (5353, 17, "mdns"),
    (5432, 6, "postgresql"),
    (8080, 6, "http-alt"),
];

/// A protocol by name or number; 0 stands for all.
///
/// # Errors
/// `Protocol`.
pub fn parse_protocol(text: &str) -> Result<u8, Usage> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "all" => return Ok(0),
        "icmpv6" => return Ok(58),
        _ => {}
    }
    let named = PROTOCOLS.iter().find(|(_, name)| *name == lower).map(|(number, _)| *number);
    named.or_else(|| text.parse().ok()).ok_or_else(|| Usage::Protocol(text.to_owned()))
}

/// The name of a protocol, its number when it has none.
#[must_use]
pub fn protocol(number: u8) -> String {
    match PROTOCOLS.iter().find(|(n, _)| *n == number) {
        Some((_, name)) => (*name).to_owned(),
        None => number.to_string(),
    }
}

/// A port by name or number.
///
/// # Errors
/// `Port`.
pub fn parse_port(text: &str) -> Result<u16, Usage> {
    let named = SERVICES.iter().find(|(_, _, name)| *name == text).map(|(port, ..)| *port);
    named.or_else(|| text.parse().ok()).ok_or_else(|| Usage::Port(text.to_owned()))
}

/// A port as `iptables -L` shows it: by name where the protocol has one and names are wanted.
#[must_use]
pub fn port(port: u16, protocol: u8, numeric: bool) -> String {
    let known = SERVICES.iter().find(|(p, of, _)| *p == port && (*of == 0 || *of == protocol));
    match known {
        Some((_, _, name)) if !numeric => (*name).to_owned(),
        Some(_) | None => port.to_string(),
    }
}
