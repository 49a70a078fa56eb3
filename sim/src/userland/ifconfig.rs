//! `ifconfig`: shows devices with addresses and counters, as net-tools prints them on a host and busybox in a container;
//! sets an address, a netmask, an MTU, up and down.

use core::fmt::Write as _;
use core::net::Ipv4Addr;

use super::{Flavour, Programs, Straight, Sys};
use crate::addr::{IpNetwork, Ipv4Network};
use crate::device::{Address, Device, IfIndex, Mtu, Scope};

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
        [] => Ok(listing(sys, |d| d.up)),
        ["-a"] => Ok(listing(sys, |_| true)),
        [name] | ["-a", name] => one(sys, name),
        [name, changes @ ..] => change(sys, name, changes).map(|()| String::new()),
    };
    sys.conclude(outcome.map_err(|text| (text, 1)))
}

/// The devices that are wanted, by name as both programs sort them.
fn listing(sys: &Sys<'_>, wanted: impl Fn(&Device) -> bool) -> String {
    let mut devices: Vec<&Device> = sys.network().devices.values().filter(|d| wanted(d)).collect();
    devices.sort_by_key(|d| &d.name);
    devices.into_iter().map(|d| described(d, sys.flavour())).collect()
}

fn one(sys: &Sys<'_>, name: &str) -> Result<String, String> {
    let device = sys.network().device_named(name).ok_or_else(|| missing(name, sys.flavour()))?;
    Ok(described(device, sys.flavour()))
}

fn missing(name: &str, flavour: Flavour) -> String {
    let program = if flavour == Flavour::Busybox { "ifconfig: " } else { "" };
    format!("{program}{name}: error fetching interface information: Device not found\n")
}

/// The paragraph of one device.
fn described(device: &Device, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => net_tools(device),
        Flavour::Busybox => busybox(device),
    }
}

fn busybox(device: &Device) -> String {
    let c = device.counters;
    let mut text = if device.is_loopback() {
        format!("{:<10}Link encap:Local Loopback  \n", device.name)
    } else {
        format!("{:<10}Link encap:Ethernet  HWaddr {}  \n", device.name, device.mac.to_string().to_uppercase())
    };
    if let Some((net, address)) = first_v4(device) {
        let broadcast = if device.is_loopback() { String::new() } else { format!("  Bcast:{}", shown(address)) };
        let _ = writeln!(text, "          inet addr:{}{broadcast}  Mask:{}", net.ip(), net.mask());
    }
    for address in v6(device) {
        let _ = writeln!(text, "          inet6 addr: {} Scope:{}", address.net, scope(address.scope).1);
    }
    let flags = flags(device).join(" ");
    let _ = write!(
        text,
        "          {flags}  MTU:{}  Metric:1\n          \
         RX packets:{} errors:0 dropped:{} overruns:0 frame:0\n          \
         TX packets:{} errors:0 dropped:{} overruns:0 carrier:0\n          \
         collisions:0 txqueuelen:{} \n          \
         RX bytes:{} ({})  TX bytes:{} ({})\n\n",
        device.mtu.bytes(),
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

fn net_tools(device: &Device) -> String {
    let c = device.counters;
    let mut text =
        format!("{}: flags={}<{}>  mtu {}\n", device.name, bits(device), flags(device).join(","), device.mtu.bytes());
    if let Some((net, address)) = first_v4(device) {
        let broadcast = if device.is_loopback() { String::new() } else { format!("  broadcast {}", shown(address)) };
        let _ = writeln!(text, "        inet {}  netmask {}{broadcast}", net.ip(), net.mask());
    }
    for Address { net, scope: reach, .. } in v6(device) {
        let (bits, name) = scope(*reach);
        let name = name.to_lowercase();
        let _ = writeln!(text, "        inet6 {}  prefixlen {}  scopeid 0x{bits:x}<{name}>", net.ip(), net.prefix());
    }
    let (hardware, medium) = if device.is_loopback() {
        ("loop".to_owned(), "Local Loopback")
    } else {
        (format!("ether {}", device.mac), "Ethernet")
    };
    let _ = write!(
        text,
        "        {hardware}  txqueuelen {}  ({medium})\n        \
         RX packets {}  bytes {} ({})\n        RX errors 0  dropped {}  overruns 0  frame 0\n        \
         TX packets {}  bytes {} ({})\n        TX errors 0  dropped {} overruns 0  carrier 0  collisions 0\n\n",
        device.queue_len,
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

fn first_v4(device: &Device) -> Option<(Ipv4Network, &Address)> {
    device.addresses.iter().find_map(|a| match a.net {
        IpNetwork::V4(net) => Some((net, a)),
        IpNetwork::V6(_) => None,
    })
}

fn v6(device: &Device) -> impl Iterator<Item = &Address> {
    device.addresses.iter().filter(|a| a.net.is_ipv6())
}

/// An address without a broadcast address shows 0.0.0.0.
fn shown(address: &Address) -> Ipv4Addr {
    address.broadcast.unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// The bits and the name of an IPv6 scope.
const fn scope(scope: Scope) -> (u8, &'static str) {
    match scope {
        Scope::Global => (0, "Global"),
        Scope::Host => (0x10, "Host"),
        Scope::Link => (0x20, "Link"),
    }
}

fn flags(device: &Device) -> Vec<&'static str> {
    let mut flags = Vec::new();
    flags.extend(device.up.then_some("UP"));
    flags.push(if device.is_loopback() { "LOOPBACK" } else { "BROADCAST" });
    flags.extend(device.is_running().then_some("RUNNING"));
    flags.extend((!device.is_loopback()).then_some("MULTICAST"));
    flags
}

/// The same flags as the number of `SIOCGIFFLAGS`.
fn bits(device: &Device) -> u16 {
    let names = [("UP", 1), ("BROADCAST", 2), ("LOOPBACK", 8), ("RUNNING", 0x40), ("MULTICAST", 0x1000)];
    let set = flags(device);
    names.iter().filter(|(name, _)| set.contains(name)).map(|(_, bit)| bit).sum()
}

/// Bytes in the largest unit that fits, cut to one digit: `12.0 KiB`.
fn amount(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (1..units.len()).rev().find(|power| bytes >= 1 << (10 * power)).unwrap_or(0);
    let tenths = u128::from(bytes) * 10 / (1 << (10 * power));
    format!("{}.{} {}", tenths / 10, tenths % 10, units[power])
}

/// What shall become of a device.
#[derive(Debug, Default, Eq, PartialEq)]
struct Change {
    up: Option<bool>,
    address: Option<Ipv4Addr>,
    mask: Option<Ipv4Addr>,
    prefix: Option<u8>,
    mtu: Option<Mtu>,
}

impl Change {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut change = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().unwrap_or_default();
            match *word {
                "up" => change.up = Some(true),
                "down" => change.up = Some(false),
                "netmask" => change.mask = Some(address(value())?),
                "mtu" => change.mtu = value().parse().ok().and_then(Mtu::new),
                "broadcast" => drop(address(value())?),
                word => {
                    let (ip, length) = word.split_once('/').map_or((word, None), |(ip, len)| (ip, Some(len)));
                    change.address = Some(address(ip)?);
                    change.prefix = length.and_then(|l| l.parse().ok());
                    change.up = change.up.or(Some(true));
                }
            }
        }
        Ok(change)
    }

    /// The first thing that it asks of the kernel.
    const fn request(&self) -> &'static str {
        match (self.address, self.mtu) {
            (Some(_), _) => "SIOCSIFADDR",
            (None, Some(_)) => "SIOCSIFMTU",
            (None, None) => "SIOCSIFFLAGS",
        }
    }

    /// The address with its prefix: the mask's, or that of the address's old class.
    fn network(&self) -> Option<IpNetwork> {
        let address = self.address.filter(|a| !a.is_unspecified())?;
        let class = match address.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        };
        let masked = self.mask.and_then(|mask| Ipv4Network::with_netmask(address, mask).ok());
        let net = masked.or_else(|| Ipv4Network::new(address, self.prefix.unwrap_or(class)).ok())?;
        Some(IpNetwork::V4(net))
    }
}

fn address(word: &str) -> Result<Ipv4Addr, String> {
    word.parse().map_err(|_| format!("ifconfig: bad address '{word}'\n"))
}

fn change(sys: &mut Sys<'_>, name: &str, words: &[&str]) -> Result<(), String> {
    let index = match sys.network().device_named(name) {
        Some(device) => device.index,
        None if sys.flavour() == Flavour::Busybox => return Err("ifconfig: SIOCGIFFLAGS: No such device\n".to_owned()),
        None => return Err(format!("{name}: ERROR while getting interface flags: No such device\n")),
    };
    let change = Change::parse(words)?;
    if !sys.is_network_administrator() {
        return Err(format!("ifconfig: {}: Operation not permitted\n", change.request()));
    }
    if change.address.is_some() {
        drop_first_address(sys, index);
    }
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    if let Some(mtu) = change.mtu {
        fabric.set_mtu(namespace, index, mtu);
    }
    if let Some(net) = change.network() {
        let address = Address::new(net).with_broadcast();
        fabric.assign(namespace, index, address).map_err(|_| "ifconfig: SIOCSIFADDR: File exists\n".to_owned())?;
    }
    if let Some(up) = change.up {
        fabric.set_up(namespace, index, up);
    }
    Ok(())
}

/// A device has one address as far as `ifconfig` knows: a new one replaces it.
fn drop_first_address(sys: &mut Sys<'_>, index: IfIndex) {
    let old = sys.network().devices.get(&index).and_then(first_v4).map(|(net, _)| net);
    let namespace = sys.namespace_id();
    if let Some(net) = old {
        let gone = sys.fabric().remove_address(namespace, index, IpNetwork::V4(net));
        gone.expect("the device was just seen to have it");
    }
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
            described(&eth1, Flavour::Busybox),
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
            described(&lo, Flavour::Busybox),
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
            described(&br, Flavour::Host),
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

    #[test]
    fn an_address_without_a_mask_has_that_of_its_class() {
        let network = |words: &[&str]| Change::parse(words).unwrap().network().map(|net| net.to_string());
        assert_eq!(network(&["10.2.0.1"]).as_deref(), Some("10.2.0.1/8"));
        assert_eq!(network(&["10.2.0.1", "netmask", "255.255.255.0"]).as_deref(), Some("10.2.0.1/24"));
        assert_eq!(network(&["0.0.0.0"]), None);
        assert_eq!(Change::parse(&["x"]), Err("ifconfig: bad address 'x'\n".to_owned()));
    }
}
