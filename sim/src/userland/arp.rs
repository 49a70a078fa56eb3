//! `arp`: the IPv4 neighbours in the old formats, and entries by hand. Neighbours themselves are `crate::neighbour`.

use core::net::IpAddr;

use super::{Flavour, Programs, Straight, Sys};
use crate::device::IfIndex;
use crate::neighbour::{Entry, State};

/// Puts `arp` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "arp", || Box::new(Straight(run)));
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let (options, words): (Vec<&str>, Vec<&str>) = words.iter().map(String::as_str).partition(|w| w.starts_with('-'));
    let has = |letter| options.iter().any(|o| o.contains(letter));
    match words.as_slice() {
        [host, mac] if has('s') => set(sys, host, mac),
        [host, ..] if has('d') => delete(sys, host),
        [] => show(sys, has('a'), None),
        [host, ..] => match host.parse() {
            Ok(addr) => show(sys, has('a'), Some(addr)),
            Err(_) => {
                sys.eprint(format!("{host}: Unknown host\n"));
                if sys.flavour() == Flavour::Host { 255 } else { 1 }
            }
        },
    }
}

fn show(sys: &mut Sys<'_>, bsd: bool, only: Option<IpAddr>) -> i32 {
    let flavour = sys.flavour();
    let network = sys.network();
    let shown = |addr: IpAddr| addr.is_ipv4() && only.is_none_or(|o| o == addr);
    let name = |index| network.devices.get(&index).map_or("*", |d| d.name.as_str());
    let entries: Vec<(IpAddr, &str, &Entry)> = network
        .neighbours
        .iter()
        .filter(|(_, addr, entry)| shown(*addr) && entry.state != State::Failed)
        .map(|(index, addr, entry)| (addr, name(index), entry))
        .collect();
    let text = match (entries.is_empty(), only) {
        (true, Some(addr)) => format!("{addr} ({addr}) -- no entry\n"),
        _ if bsd || flavour == Flavour::Busybox => entries.iter().map(|e| line(e, flavour)).collect(),
        (true, None) => String::new(),
        (false, _) => table(&entries),
    };
    sys.print(text);
    0
}

/// `? (172.17.0.1) at 02:42:… [ether] on eth0`; busybox has a blank more where PERM could stand.
fn line((addr, device, entry): &(IpAddr, &str, &Entry), flavour: Flavour) -> String {
    let mac = entry.mac.map_or_else(|| "<incomplete>".to_owned(), |mac| format!("{mac} [ether]"));
    let permanent = match (entry.state == State::Permanent, flavour) {
        (true, _) => " PERM ",
        (false, Flavour::Host) => " ",
        (false, Flavour::Busybox) => "  ",
    };
    format!("? ({addr}) at {mac}{permanent}on {device}\n")
}

/// The columns of net-tools.
fn table(entries: &[(IpAddr, &str, &Entry)]) -> String {
    let mut text = "Address                  HWtype  HWaddress           Flags Mask            Iface\n".to_owned();
    for (addr, device, entry) in entries {
        let (kind, mac, flags) = match (entry.mac, entry.state) {
            (None, _) => ("", "(incomplete)".to_owned(), ""),
            (Some(mac), State::Permanent) => ("ether", mac.to_string(), "CM"),
            (Some(mac), _) => ("ether", mac.to_string(), "C"),
        };
        let addr = addr.to_string();
        let row = match kind {
            "" => format!("{addr:<24} {kind:<7} {mac:<41} {device}\n"),
            _ => format!("{addr:<24} {kind:<7} {mac:<19} {flags:<22}{device}\n"),
        };
        text.push_str(&row);
    }
    text
}

/// The device on whose link an address is.
fn link_of(sys: &Sys<'_>, addr: IpAddr) -> Option<IfIndex> {
    sys.network().routes.lookup(addr, |r| r.gateway.is_none() && r.device.is_some()).and_then(|r| r.device)
}

/// Says that the caller may not change the table.
fn forbidden(sys: &mut Sys<'_>, busybox: &str, host: &str) -> i32 {
    let (call, status) = if sys.flavour() == Flavour::Busybox { (busybox, 1) } else { (host, 255) };
    sys.eprint(format!("{call}: Operation not permitted\n"));
    status
}

fn set(sys: &mut Sys<'_>, host: &str, mac: &str) -> i32 {
    if !sys.is_network_administrator() {
        return forbidden(sys, "arp: SIOCSARP", "SIOCSARP");
    }
    let parsed = host.parse().ok().zip(mac.parse().ok());
    let found = parsed.and_then(|(addr, mac)| Some((link_of(sys, addr)?, addr, mac)));
    let Some((index, addr, mac)) = found else {
        let program = if sys.flavour() == Flavour::Busybox { "arp: " } else { "" };
        sys.eprint(format!("{program}SIOCSARP: Network is unreachable\n"));
        return if program.is_empty() { 255 } else { 1 };
    };
    let namespace = sys.namespace_id();
    sys.fabric().namespace_mut(namespace).neighbours.set_permanent(index, addr, mac);
    0
}

fn delete(sys: &mut Sys<'_>, host: &str) -> i32 {
    if !sys.is_network_administrator() {
        return forbidden(sys, "arp: SIOCDARP(priv)", "SIOCDARP(dontpub)");
    }
    let entries = sys.network().neighbours.iter();
    let gone: Vec<(IfIndex, IpAddr)> =
        entries.map(|(index, addr, _)| (index, addr)).filter(|(_, addr)| host.parse() == Ok(*addr)).collect();
    if gone.is_empty() {
        let (text, status) = match sys.flavour() {
            Flavour::Host => (format!("No ARP entry for {host}\n"), 255),
            Flavour::Busybox => (format!("No ARP entry for {host}\n"), 1),
        };
        sys.eprint(text);
        return status;
    }
    let namespace = sys.namespace_id();
    for (index, addr) in gone {
        sys.fabric().namespace_mut(namespace).neighbours.remove(index, addr);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbour::Table;

    fn with_entries<R>(f: impl FnOnce(&[(IpAddr, &str, &Entry)]) -> R) -> R {
        let mut neighbours = Table::default();
        let (device, now) = (IfIndex(2), crate::time::Instant::ZERO);
        let mac = "02:42:ac:19:00:03".parse().unwrap();
        neighbours.note(now, device, "172.25.0.3".parse().unwrap(), mac);
        neighbours.set_permanent(device, "172.25.0.4".parse().unwrap(), mac);
        neighbours.resolve(now, device, "172.25.0.9".parse().unwrap(), (crate::frame::Frame::copy_of(&[0; 20]), None));
        let entries: Vec<_> = neighbours.iter().map(|(_, addr, entry)| (addr, "eth0", entry)).collect();
        f(&entries)
    }

    #[test]
    fn lines_of_both_flavours() {
        let lines = |flavour| with_entries(|entries| entries.iter().map(|e| line(e, flavour)).collect::<String>());
        assert_eq!(
            lines(Flavour::Busybox),
            "? (172.25.0.3) at 02:42:ac:19:00:03 [ether]  on eth0\n\
             ? (172.25.0.4) at 02:42:ac:19:00:03 [ether] PERM on eth0\n\
             ? (172.25.0.9) at <incomplete>  on eth0\n"
        );
        assert!(lines(Flavour::Host).starts_with("? (172.25.0.3) at 02:42:ac:19:00:03 [ether] on eth0\n"));
    }

    #[test]
    fn the_table_of_net_tools() {
        assert_eq!(
            with_entries(table),
            "Address                  HWtype  HWaddress           Flags Mask            Iface\n\
             172.25.0.3               ether   02:42:ac:19:00:03   C                     eth0\n\
             172.25.0.4               ether   02:42:ac:19:00:03   CM                    eth0\n\
             172.25.0.9                       (incomplete)                              eth0\n"
        );
    }
}
