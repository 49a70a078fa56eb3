//! `ifconfig`: shows devices with addresses and counters, as net-tools prints them on a host and busybox in a container;
//! sets addresses, masks, flags and what else there is. One of its addresses may be shown and set as a device of its own, by its
//! label (`eth0:1`).

mod change;
mod request;

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use self::request::{device_of, labelled};
use super::{Flavour, Programs, Straight, Sys};
use crate::device::{Address, Device, Flag, Label, Scope};

/// Puts `ifconfig` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "ifconfig", || Box::new(Straight(run)));
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["-s", rest @ ..] if sys.flavour() == Flavour::Host => {
            let (all, name) = (rest.contains(&"-a"), rest.iter().find(|word| !word.starts_with('-')));
            let wanted = |d: &Device| name.map_or(all || d.up, |name| d.name == *name);
            Ok(format!("Iface      {HEADING}{}", table(sys, wanted)))
        }
        [] => Ok(listing(sys, |d| d.up)),
        ["-a"] => Ok(listing(sys, |_| true)),
        [name] | ["-a", name] => one(sys, name),
        [name, changes @ ..] => return finish(sys, name, changes),
    };
    sys.conclude(outcome.map_err(|text| (text, 1)))
}

/// What stands over [`table`], behind the first column, whose width is another for `netstat -i`.
pub(super) const HEADING: &str = "MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";

/// A line for each device that is wanted, and one for each name that an address of it has (`netstat -i`, `ifconfig -s`).
pub(super) fn table(sys: &Sys<'_>, wanted: impl Fn(&Device) -> bool) -> String {
    let mut lines = Vec::new();
    for device in sys.network().devices.values().filter(|d| wanted(d)) {
        let (mtu, letters, c) = (device.mtu.bytes(), device.flag_words(&LETTERS).collect::<String>(), device.counters);
        let received = format!("{:>8} {:>6} {:>6} {:<6}", c.rx_packets, 0, c.rx_dropped, 0);
        let sent = format!("{:>8} {:>6} {:>6} {:>6}", c.tx_packets, 0, c.tx_dropped, 0);
        lines.push((device.name.clone(), format!("{mtu:>5} {received} {sent} {letters}")));
        let labels = device.addresses.iter().filter_map(|address| address.label);
        let others: BTreeSet<String> =
            labels.map(|label| label.as_str().to_owned()).filter(|l| *l != device.name).collect();
        let nothing = format!("{mtu:>5}      - no statistics available -                        {letters}");
        lines.extend(others.into_iter().map(|label| (label, nothing.clone())));
    }
    lines.sort();
    lines.into_iter().map(|(name, line)| format!("{name:<15} {line}\n")).collect()
}

/// The flags that are told, in order.
const FLAGS: [(&str, Flag); 10] = [
    ("UP", Flag::Up),
    ("BROADCAST", Flag::Broadcast),
    ("LOOPBACK", Flag::Loopback),
    ("POINTOPOINT", Flag::PointToPoint),
    ("RUNNING", Flag::Running),
    ("NOARP", Flag::NoArp),
    ("PROMISC", Flag::Promiscuous),
    ("ALLMULTI", Flag::AllMulticast),
    ("MULTICAST", Flag::Multicast),
    ("DYNAMIC", Flag::Dynamic),
];

/// The same as letters.
const LETTERS: [(char, Flag); 10] = [
    ('A', Flag::AllMulticast),
    ('B', Flag::Broadcast),
    ('L', Flag::Loopback),
    ('M', Flag::Multicast),
    ('d', Flag::Dynamic),
    ('P', Flag::Promiscuous),
    ('O', Flag::NoArp),
    ('P', Flag::PointToPoint),
    ('R', Flag::Running),
    ('U', Flag::Up),
];

fn words(device: &Device) -> Vec<&'static str> {
    device.flag_words(&FLAGS).collect()
}

/// The devices that are wanted, by name as both programs sort them, each with its addresses of another label.
pub(super) fn listing(sys: &Sys<'_>, wanted: impl Fn(&Device) -> bool) -> String {
    let mut devices: Vec<&Device> = sys.network().devices.values().filter(|d| wanted(d)).collect();
    devices.sort_by_key(|d| &d.name);
    let named = devices.into_iter().flat_map(|device| names(device).into_iter().map(move |name| (device, name)));
    named.map(|(device, name)| described(device, &name, sys.flavour())).collect()
}

/// What a device and its addresses are called.
fn names(device: &Device) -> BTreeSet<String> {
    let labels = device.addresses.iter().filter_map(|address| address.label.as_ref().map(Label::as_str));
    labels.filter(|label| label.contains(':')).chain([device.name.as_str()]).map(str::to_owned).collect()
}

fn one(sys: &Sys<'_>, name: &str) -> Result<String, String> {
    let device = sys.network().device_named(device_of(name)).ok_or_else(|| missing(name, sys.flavour()))?;
    Ok(described(device, name, sys.flavour()))
}

fn missing(name: &str, flavour: Flavour) -> String {
    let program = if flavour == Flavour::Busybox { "ifconfig: " } else { "" };
    format!("{program}{name}: error fetching interface information: Device not found\n")
}

/// Does what is typed behind a name.
fn finish(sys: &mut Sys<'_>, name: &str, words: &[&str]) -> i32 {
    let outcome = change::change(sys, name, words).map(|()| String::new());
    sys.conclude(outcome)
}

/// The paragraph of a device, or of one of its addresses, which counts nothing.
fn described(device: &Device, name: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => net_tools(device, name),
        Flavour::Busybox => busybox(device, name),
    }
}

fn busybox(device: &Device, name: &str) -> String {
    let c = device.counters;
    let mut text = if device.is_loopback() {
        format!("{name:<10}Link encap:Local Loopback  \n")
    } else {
        format!("{name:<10}Link encap:Ethernet  HWaddr {}  \n", device.mac.to_string().to_uppercase())
    };
    if let Some((net, address)) = labelled(device, name) {
        let broadcast = if device.is_loopback() { String::new() } else { format!("  Bcast:{}", shown(address)) };
        let _ = writeln!(text, "          inet addr:{}{broadcast}  Mask:{}", net.ip(), net.mask());
    }
    for address in v6(device, name) {
        let _ = writeln!(text, "          inet6 addr: {} Scope:{}", address.net, scope(address.scope).1);
    }
    // It knows none of addresses that go.
    let flags = words(device).into_iter().filter(|word| *word != "DYNAMIC").collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "          {flags}  MTU:{}  Metric:1", device.mtu.bytes());
    if name != device.name {
        return text + "\n";
    }
    let _ = write!(
        text,
        "          \
         RX packets:{} errors:0 dropped:{} overruns:0 frame:0\n          \
         TX packets:{} errors:0 dropped:{} overruns:0 carrier:0\n          \
         collisions:0 txqueuelen:{} \n          \
         RX bytes:{} ({})  TX bytes:{} ({})\n\n",
        c.rx_packets,
        c.rx_dropped,
        c.tx_packets,
        c.tx_dropped,
        device.queue_len,
        c.rx_bytes,
        amount(c.rx_bytes),
        c.tx_bytes,
        amount(c.tx_bytes)
    );
    text
}

fn net_tools(device: &Device, name: &str) -> String {
    let c = device.counters;
    // The number has a sign there, which DYNAMIC is.
    let (number, flags, mtu) = (device.flags().cast_signed(), words(device).join(","), device.mtu.bytes());
    let mut text = format!("{name}: flags={number}<{flags}>  mtu {mtu}\n");
    if let Some((net, address)) = labelled(device, name) {
        let broadcast = if device.is_loopback() { String::new() } else { format!("  broadcast {}", shown(address)) };
        let _ = writeln!(text, "        inet {}  netmask {}{broadcast}", net.ip(), net.mask());
    }
    for Address { net, scope: reach, .. } in v6(device, name) {
        let (bits, name) = scope(*reach);
        let name = name.to_lowercase();
        let _ = writeln!(text, "        inet6 {}  prefixlen {}  scopeid 0x{bits:x}<{name}>", net.ip(), net.prefix());
    }
    let (hardware, medium) = if device.is_loopback() {
        ("loop".to_owned(), "Local Loopback")
    } else {
        (format!("ether {}", device.mac), "Ethernet")
    };
    let _ = writeln!(text, "        {hardware}  txqueuelen {}  ({medium})", device.queue_len);
    if name != device.name {
        return text + "\n";
    }
    let _ = write!(
        text,
        "        \
         RX packets {}  bytes {} ({})\n        RX errors 0  dropped {}  overruns 0  frame 0\n        \
         TX packets {}  bytes {} ({})\n        TX errors 0  dropped {} overruns 0  carrier 0  collisions 0\n\n",
        c.rx_packets,
        c.rx_bytes,
        amount(c.rx_bytes),
        c.rx_dropped,
        c.tx_packets,
        c.tx_bytes,
        amount(c.tx_bytes),
        c.tx_dropped
    );
    text
}

/// Those of IPv6; no label names one.
fn v6<'d>(device: &'d Device, name: &str) -> impl Iterator<Item = &'d Address> {
    let is_own = device.name == name;
    device.addresses.iter().filter(move |a| is_own && a.net.is_ipv6())
}

/// An address without a broadcast address shows 0.0.0.0.
fn shown(address: &Address) -> Ipv4Addr {
    address.broadcast.unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// The bits and the name of an IPv6 scope.
const fn scope(scope: Scope) -> (u8, &'static str) {
    match scope {
        Scope::HOST => (0x10, "Host"),
        Scope::LINK => (0x20, "Link"),
        _ => (0, "Global"),
    }
}

/// Bytes in the largest unit that fits, cut to one digit: `12.0 KiB`.
fn amount(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (1..units.len()).rev().find(|power| bytes >= 1 << (10 * power)).unwrap_or(0);
    let tenths = u128::from(bytes) * 10 / (1 << (10 * power));
    format!("{}.{} {}", tenths / 10, tenths % 10, units[power])
}

#[cfg(test)]
mod tests {
    use super::super::ip::samples::{address as net, bridge, loopback, veth};
    use super::*;
    use crate::device::Counters;

    #[test]
    fn a_container_shows_its_device_as_busybox_does() {
        let mut eth1 = veth(10, "eth1", "02:42:ac:19:00:02", 11);
        eth1.addresses = vec![net("172.25.0.2/16").with_broadcast()];
        eth1.counters =
            Counters { rx_packets: 17, rx_bytes: 1434, tx_packets: 4, tx_bytes: 280, ..Counters::default() };
        assert_eq!(
            described(&eth1, "eth1", Flavour::Busybox),
            "eth1      Link encap:Ethernet  HWaddr 02:42:AC:19:00:02  
          inet addr:172.25.0.2  Bcast:172.25.255.255  Mask:255.255.0.0
          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1
          RX packets:17 errors:0 dropped:0 overruns:0 frame:0
          TX packets:4 errors:0 dropped:0 overruns:0 carrier:0
          collisions:0 txqueuelen:0 
          RX bytes:1434 (1.4 KiB)  TX bytes:280 (280.0 B)

"
        );
    }

    #[test]
    fn lo_has_neither_hardware_nor_broadcast_address() {
        let mut lo = loopback();
        lo.counters = Counters { rx_packets: 172, rx_bytes: 10327, tx_packets: 172, tx_bytes: 10327, ..lo.counters };
        assert_eq!(
            described(&lo, "lo", Flavour::Busybox),
            "lo        Link encap:Local Loopback  
          inet addr:127.0.0.1  Mask:255.0.0.0
          UP LOOPBACK RUNNING  MTU:65536  Metric:1
          RX packets:172 errors:0 dropped:0 overruns:0 frame:0
          TX packets:172 errors:0 dropped:0 overruns:0 carrier:0
          collisions:0 txqueuelen:1000 
          RX bytes:10327 (10.0 KiB)  TX bytes:10327 (10.0 KiB)

"
        );
    }

    #[test]
    fn a_host_shows_a_bridge_as_net_tools_do() {
        let mut br = bridge(7, "bridge-test", "3e:b0:2b:53:d9:64");
        (br.queue_len, br.addresses) = (1000, vec![net("10.0.0.1/24"), net("fe80::3cb0:2bff:fe53:d964/64")]);
        br.counters = Counters {
            rx_packets: 26,
            rx_bytes: 1848,
            tx_packets: 24,
            tx_bytes: 2268,
            tx_dropped: 2,
            ..Counters::default()
        };
        assert_eq!(
            described(&br, &br.name, Flavour::Host),
            "bridge-test: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.0.0.1  netmask 255.255.255.0  broadcast 0.0.0.0
        inet6 fe80::3cb0:2bff:fe53:d964  prefixlen 64  scopeid 0x20<link>
        ether 3e:b0:2b:53:d9:64  txqueuelen 1000  (Ethernet)
        RX packets 26  bytes 1848 (1.8 KiB)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 24  bytes 2268 (2.2 KiB)
        TX errors 0  dropped 2 overruns 0  carrier 0  collisions 0

"
        );
    }
}
