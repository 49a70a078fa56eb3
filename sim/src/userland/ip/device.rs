//! How `ip` and `bridge` describe a device: its name with its peer, flags, state, and the lines that open a listing.
//! Text from data, nothing else; addresses are in `addr`, what is listed is chosen in `selection`.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::detail::Details;
use super::{Family, Options, bridge, vxlan};
use crate::addr::Mac;
use crate::device::{Conf6, Device, Devices, Flag, GEN_NONE, GEN_RANDOM, IfIndex, Kind};
use crate::stack::Over;
use crate::time::Instant;
use crate::userland::Flavour;
use crate::userland::json::Json;

/// The flags that are told, in order.
const FLAGS: [(&str, Flag); 10] = [
    ("LOOPBACK", Flag::Loopback),
    ("BROADCAST", Flag::Broadcast),
    ("POINTOPOINT", Flag::PointToPoint),
    ("MULTICAST", Flag::Multicast),
    ("NOARP", Flag::NoArp),
    ("ALLMULTI", Flag::AllMulticast),
    ("PROMISC", Flag::Promiscuous),
    ("DYNAMIC", Flag::Dynamic),
    ("UP", Flag::Up),
    ("LOWER_UP", Flag::Running),
];

/// The devices of a namespace with what a description needs from around them.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// All devices of the namespace.
    pub devices: &'a Devices,
    /// For veths whose peer is in a namespace that `ip netns` knows: its name.
    pub peers: &'a BTreeMap<IfIndex, String>,
    /// Who prints.
    pub flavour: Flavour,
    /// When.
    pub now: Instant,
}

/// What a listing is about; link listings also say `mode DEFAULT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listing {
    /// `ip link`
    Links,
    /// `ip addr`
    Addresses,
}

impl<'a> Scene<'a> {
    /// The device of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'a Device> {
        self.devices.values().find(|d| d.name == name)
    }

    /// The name, with the peer of a veth behind `@`.
    #[must_use]
    pub fn name(&self, device: &Device) -> String {
        match (device.peer_index, self.peer(device)) {
            (None, _) => device.name.clone(),
            (Some(_), Some(peer)) => format!("{}@{}", device.name, peer.name),
            (Some(index), None) => format!("{}@if{}", device.name, index.0),
        }
    }

    /// The peer when it is in this namespace. Busybox takes any device with the peer's number for it.
    fn peer(&self, device: &Device) -> Option<&'a Device> {
        let elsewhere = device.peer_netnsid.is_some() && self.flavour == Flavour::Host;
        device.peer_index.filter(|_| !elsewhere).and_then(|index| self.devices.get(&index))
    }

    /// The flags, as between the angle brackets.
    #[must_use]
    pub fn flags(&self, device: &Device) -> String {
        Self::flags_of(device, self.is_lower_down(device))
    }

    /// The same, where somebody else says whether what is beneath is down.
    #[must_use]
    pub fn flags_of(device: &Device, is_lower_down: bool) -> String {
        let mut flags = Vec::new();
        if device.up && !device.carrier {
            flags.push("NO-CARRIER");
        }
        flags.extend(device.flag_words(&FLAGS));
        if is_lower_down {
            flags.push("M-DOWN");
        }
        flags.join(",")
    }

    /// Whether the device beneath is down, as far as the program can see: busybox knows nothing of a peer elsewhere and
    /// takes it to be down, iproute2 then says nothing.
    fn is_lower_down(&self, device: &Device) -> bool {
        match self.peer(device) {
            Some(peer) => !peer.up,
            None => device.peer_index.is_some() && self.flavour == Flavour::Busybox,
        }
    }

    /// The name of the device with this number, or the number.
    #[must_use]
    pub fn name_at(&self, index: IfIndex) -> String {
        self.devices.get(&index).map_or_else(|| format!("if{}", index.0), |device| device.name.clone())
    }

    /// The bridge that it is a port of, by name.
    #[must_use]
    pub fn master(&self, device: &Device) -> Option<&'a str> {
        device.master.and_then(|index| self.devices.get(&index)).map(|bridge| bridge.name.as_str())
    }

    /// The line that opens a device, without its end: `2: eth0@if8: <…> mtu 1500 …`. The kernel tells less of it to
    /// those who ask for IPv6 addresses only.
    #[must_use]
    pub fn header(&self, device: &Device, listing: Listing, options: &Options) -> String {
        let Device { index, mtu, .. } = device;
        let mut line = format!("{}: {}: <{}> mtu {} ", index.0, self.name(device), self.flags(device), mtu.bytes());
        let brief = listing == Listing::Addresses && options.family == Family::V6;
        if !brief {
            let _ = write!(line, "qdisc {} ", queueing(device));
            if let Some(master) = self.master(device) {
                let _ = write!(line, "master {master} ");
            }
        }
        if self.flavour == Flavour::Host {
            let _ = write!(line, "state {} ", state(device));
            line.push_str(if listing == Listing::Links { "mode DEFAULT " } else { "" });
            if !brief {
                let _ = write!(line, "group {} ", group(device));
            }
        }
        if device.queue_len > 0 {
            let _ = write!(line, "qlen {}", device.queue_len);
        }
        if listing == Listing::Addresses && options.family == Family::V4 {
            line.push_str(&self.peer_namespace(device));
        }
        line
    }

    /// The line of the Ethernet address, with what `-d` adds.
    #[must_use]
    pub fn hardware(&self, device: &Device, listing: Listing, options: &Options) -> String {
        let mut line = match link_type(device) {
            (kind, Some(broadcast)) => format!("    link/{kind} {} brd {broadcast}", device.mac),
            (kind, None) => format!("    link/{kind} "),
        };
        line.push_str(&self.peer_namespace(device));
        if options.details {
            line.push_str(self.details(device, listing, options).text());
        }
        if !device.alias.is_empty() {
            let _ = write!(line, "{}    alias {}", if options.oneline { '\\' } else { '\n' }, device.alias);
        }
        line
    }

    /// Where the peer is, as iproute2 says it: by name, else by the number this namespace knows that one by.
    fn peer_namespace(&self, device: &Device) -> String {
        match (self.flavour, device.peer_netnsid, self.peers.get(&device.index)) {
            (Flavour::Host, Some(_), Some(name)) => format!(" link-netns {name}"),
            (Flavour::Host, Some(id), None) => format!(" link-netnsid {id}"),
            (Flavour::Host | Flavour::Busybox, ..) => String::new(),
        }
    }

    /// What `-d` adds: limits, and on lines of their own the kind and what it is as a port.
    #[must_use]
    pub(super) fn details(&self, device: &Device, listing: Listing, options: &Options) -> Details {
        let (least, most) = match device.kind {
            Kind::Loopback | Kind::Dummy => (0u32, 0u32),
            Kind::Stacked { over: Over::Vlan(_), .. } => (0, 65535),
            Kind::Tun(ref tun) if tun.tap => (68, 65521),
            _ => (68, 65535),
        };
        let mut said = Details::default();
        said.spoken(" ");
        said.named("promiscuity", device.promiscuity());
        said.spoken(" ");
        let all_groups = device.has_flag(Flag::AllMulticast);
        said.named("allmulti", u8::from(device.master.is_some()) + u8::from(all_groups));
        said.renamed("minmtu", "min_mtu", least);
        said.renamed("maxmtu", "max_mtu", most);
        self.kinds(device, if options.oneline { '\\' } else { '\n' }, &mut said);
        // The kernel knows IPv6 on whatever can carry its least packet, also where no address is wanted.
        if listing == Listing::Links && device.mtu.bytes() >= 1280 {
            let mode = match device.inet6.get(Conf6::AddrGenMode) {
                GEN_NONE => "none",
                GEN_RANDOM => "random",
                _ => "eui64",
            };
            said.renamed("addrgenmode", "inet6_addr_gen_mode", mode);
        }
        let queues: u32 = if matches!(device.kind, Kind::Veth { .. }) { 2 } else { 1 };
        said.renamed("numtxqueues", "num_tx_queues", queues);
        said.renamed("numrxqueues", "num_rx_queues", queues);
        said.named("gso_max_size", 65536u32);
        said.named("gso_max_segs", 65535u32);
        said.named("tso_max_size", if self.is_bare(device) { 65536u32 } else { 524_280 });
        said.named("tso_max_segs", 65535u32);
        said.named("gro_max_size", 65536u32);
        said
    }

    /// A tunnel has no limit of its own unless it stands on a device, and what a program opens has none; what stands on a
    /// device has its.
    fn is_bare(&self, device: &Device) -> bool {
        let lower = |index: IfIndex| self.devices.get(&index).is_some_and(|lower| self.is_bare(lower));
        match &device.kind {
            Kind::Tun(_) => true,
            Kind::Vxlan(tunnel) => tunnel.settings.lower.is_none_or(lower),
            Kind::Stacked { .. } => device.peer_index.filter(|_| device.peer_netnsid.is_none()).is_some_and(lower),
            _ => false,
        }
    }

    /// What kind it is, and what kind of port.
    fn kinds(&self, device: &Device, end: char, said: &mut Details) {
        let mut fields = Vec::new();
        if let Some(kind) = kind(device) {
            let own = particulars(self, device);
            said.spoken(&format!("{end}    {kind} {}", own.text()));
            fields.push(("info_kind", kind.into()));
            let own = own.fields();
            fields.extend((!own.is_empty()).then_some(("info_data", Json::Object(own))));
        }
        let bridge = device.master.and_then(|index| self.devices.get(&index)).and_then(Device::bridge);
        if let Some(port) = bridge.and_then(|bridge| bridge::of_port(bridge, device.index, self.now)) {
            said.spoken(&format!("{end}    bridge_slave {}", port.text()));
            fields.push(("info_slave_kind", "bridge".into()));
            fields.push(("info_slave_data", Json::Object(port.fields())));
        }
        if !fields.is_empty() {
            said.field("linkinfo", Json::Object(fields));
        }
    }
}

/// The group of a device: only the first has a name.
pub(super) fn group(device: &Device) -> String {
    if device.group == 0 { "default".to_owned() } else { device.group.to_string() }
}

/// What the addresses of a device's link are like, and the one that means everybody.
pub(super) const fn link_type(device: &Device) -> (&'static str, Option<Mac>) {
    match device.kind {
        Kind::Loopback => ("loopback", Some(Mac::ZERO)),
        _ if device.is_tun() => ("none", None),
        _ => ("ether", Some(Mac::BROADCAST)),
    }
}

/// The operational state as RFC 2863 has it and Linux keeps it (oracle facts 24 and 25).
#[must_use]
pub const fn state(device: &Device) -> &'static str {
    match (&device.kind, device.up, device.carrier) {
        (_, false, _) => "DOWN",
        (Kind::Loopback | Kind::Dummy | Kind::Vxlan(_), true, _) => "UNKNOWN",
        (Kind::Bridge(_), true, true) if !device.carrier_known => "UNKNOWN",
        (_, true, true) => "UP",
        (Kind::Stacked { .. }, true, false) => "LOWERLAYERDOWN",
        (Kind::Veth { .. }, true, false) if device.lower_down => "LOWERLAYERDOWN",
        (_, true, false) => "DOWN",
    }
}

/// The queueing discipline: virtual devices have no queue unless they were given one, and none at all before they were
/// first up.
pub(super) fn queueing(device: &Device) -> &'static str {
    match &device.queue {
        Some(queue) => queue.settings.kind(),
        None if !device.opened && !device.up => "noop",
        None if matches!(device.kind, Kind::Tun(_)) => "pfifo_fast",
        None => "noqueue",
    }
}

/// What `type` calls the kind; lo has none.
#[must_use]
pub(super) const fn kind(device: &Device) -> Option<&'static str> {
    match device.kind {
        Kind::Loopback => None,
        Kind::Veth { .. } => Some("veth"),
        Kind::Bridge(_) => Some("bridge"),
        Kind::Dummy => Some("dummy"),
        Kind::Tun(_) => Some("tun"),
        Kind::Vxlan(_) => Some("vxlan"),
        Kind::Stacked { over: Over::Macvlan(_), .. } => Some("macvlan"),
        Kind::Stacked { over: Over::Ipvlan(_), .. } => Some("ipvlan"),
        Kind::Stacked { over: Over::Vlan(_), .. } => Some("vlan"),
    }
}

/// What `-d` says of the kind, after its name.
fn particulars(scene: &Scene<'_>, device: &Device) -> Details {
    let mut said = Details::default();
    match &device.kind {
        Kind::Bridge(bridge) => return bridge::particulars(bridge, scene.now),
        Kind::Stacked { over: Over::Macvlan(mode), .. } => {
            said.named("mode", mode.name());
            said.named("bcqueuelen", 1000u32);
            said.named("usedbcqueuelen", 1000u32);
        }
        Kind::Stacked { over: Over::Ipvlan(mode), .. } => {
            let mode = mode.name();
            said.said(&format!(" mode {mode} "), "mode", mode.into());
            said.said("bridge ", "mode_flag", "bridge".into());
        }
        Kind::Stacked { over: Over::Vlan(id), .. } => {
            said.named("protocol", "802.1Q");
            said.named("id", *id);
            said.said("<REORDER_HDR> ", "flags", Json::List(vec!["REORDER_HDR".into()]));
        }
        Kind::Vxlan(tunnel) => {
            let lower = tunnel.settings.lower.map(|index| scene.name_at(index));
            return vxlan::particulars(&tunnel.settings, lower.as_deref());
        }
        Kind::Tun(tun) => {
            said.said(
                if tun.tap { "type tap " } else { "type tun " },
                "type",
                if tun.tap { "tap" } else { "tun" }.into(),
            );
            said.switch("pi", tun.pi);
            said.switch("vnet_hdr", tun.vnet_hdr);
            said.field("multi_queue", false);
            said.switch("persist", true);
            for (name, account) in [("user", &tun.user), ("group", &tun.group)] {
                if let Some(account) = account {
                    said.named(name, account.as_str());
                }
            }
        }
        Kind::Loopback | Kind::Veth { .. } | Kind::Dummy => {}
    }
    said
}

/// The four lines that `-s` adds, and with a second `-s` four more for kinds of errors.
#[must_use]
pub(super) fn statistics(device: &Device, level: u8) -> String {
    let c = device.counters;
    let width = |a: u64, b: u64, least| a.max(b).to_string().len().max(least);
    let bytes = width(c.rx_bytes, c.tx_bytes, 10);
    let packets = width(c.rx_packets, c.tx_packets, 7);
    let dropped = width(c.rx_dropped, c.tx_dropped, 7);
    let tail = " ".repeat(10);
    let head = |side: &str, last: &str| {
        let bytes = bytes - 3;
        format!("    {side}:{:>bytes$} {:>packets$} errors {:>dropped$} {last} {tail}\n", "bytes", "packets", "dropped")
    };
    let row =
        |b: u64, p: u64, d: u64| format!("    {b:>bytes$} {p:>packets$} {:>6} {d:>dropped$} {:>7} {:>7} \n", 0, 0, 0);
    let errors = |side: &str, names: &str, last: u32| {
        let first = bytes - 10;
        let row = format!("{:first$} {:>17} {:>6} {:>7} {:>7} {last:>7} ", "", 0, 0, 0, 0);
        format!("    {side} errors: {:first$}{names}\n    {row}\n", "")
    };
    let mut text = head("RX", " missed   mcast") + &row(c.rx_bytes, c.rx_packets, c.rx_dropped);
    if level > 1 {
        text += &errors("RX", " length    crc   frame    fifo overrun", 0);
    }
    text += &(head("TX", "carrier collsns") + &row(c.tx_bytes, c.tx_packets, c.tx_dropped));
    if level > 1 {
        text += &errors("TX", "aborted   fifo  window heartbt transns", device.carrier_changes);
    }
    text
}

#[cfg(test)]
pub(in crate::userland) mod tests {
    use super::*;
    use crate::addr::IpNetwork;
    use crate::bridge::Bridge;
    use crate::device::{Address, Counters, Ipv6, Mtu};
    use crate::link::LinkId;

    /// A device that is up and has been for a while.
    pub(in crate::userland) fn device(index: u32, name: &str, mac: &str, kind: Kind) -> Device {
        Device {
            up: true,
            carrier: true,
            carrier_known: true,
            opened: true,
            queue_len: 0,
            ..Device::new(IfIndex(index), name, mac.parse().unwrap(), kind)
        }
    }

    pub(in crate::userland) fn loopback() -> Device {
        let mut lo = device(1, "lo", "00:00:00:00:00:00", Kind::Loopback);
        lo.mtu = Mtu::LOOPBACK;
        lo.queue_len = 1000;
        lo.ipv6 = Ipv6::Disabled;
        lo.addresses = vec![address("127.0.0.1/8")];
        lo
    }

    pub(in crate::userland) fn veth(index: u32, name: &str, mac: &str, peer: u32) -> Device {
        Device {
            peer_index: Some(IfIndex(peer)),
            ..device(index, name, mac, Kind::Veth { link: LinkId(core::num::NonZeroU32::MIN) })
        }
    }

    pub(in crate::userland) fn bridge(index: u32, name: &str, mac: &str) -> Device {
        device(index, name, mac, Kind::Bridge(Box::<Bridge>::default()))
    }

    pub(in crate::userland) fn address(text: &str) -> Address {
        Address::new(text.parse::<IpNetwork>().unwrap())
    }

    pub(in crate::userland) fn all(devices: impl IntoIterator<Item = Device>) -> Devices {
        let mut all = Devices::default();
        for device in devices {
            all.insert(device.index, device);
        }
        all
    }

    fn both(device: &Device, devices: &Devices, peers: &BTreeMap<IfIndex, String>) -> String {
        let scene = Scene { devices, peers, flavour: Flavour::Host, now: Instant::ZERO };
        let options = Options::default();
        let header = scene.header(device, Listing::Links, &options);
        format!("{header}\n{}\n", scene.hardware(device, Listing::Links, &options))
    }

    #[test]
    fn a_fresh_veth_pair_is_described_as_iproute2_does() {
        let (mut a, mut b) = (veth(4, "va", "5a:1a:14:bc:9a:96", 3), veth(3, "vb", "d2:b1:b7:7e:98:bc", 4));
        for end in [&mut a, &mut b] {
            (end.up, end.carrier, end.carrier_known, end.opened, end.queue_len) = (false, false, false, false, 1000);
        }
        let devices = all([a, b]);
        let text = both(devices.get(&IfIndex(4)).unwrap(), &devices, &BTreeMap::new());
        assert_eq!(
            text,
            "4: va@vb: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000\n    \
             link/ether 5a:1a:14:bc:9a:96 brd ff:ff:ff:ff:ff:ff\n"
        );
    }

    #[test]
    fn a_veth_whose_peer_is_in_a_named_namespace_and_down() {
        let mut end = veth(9, "v1", "fe:f1:c5:47:e3:76", 8);
        (end.carrier, end.lower_down, end.queue_len, end.peer_netnsid) = (false, true, 1000, Some(1));
        end.master = Some(IfIndex(7));
        let devices = all([end, bridge(7, "bridge-test", "fe:f1:c5:47:e3:76")]);
        let peers = BTreeMap::from([(IfIndex(9), "test1".to_owned())]);
        assert_eq!(
            both(devices.get(&IfIndex(9)).unwrap(), &devices, &peers),
            "9: v1@if8: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue master bridge-test \
             state LOWERLAYERDOWN mode DEFAULT group default qlen 1000\n    \
             link/ether fe:f1:c5:47:e3:76 brd ff:ff:ff:ff:ff:ff link-netns test1\n"
        );
        let numbered = both(devices.get(&IfIndex(9)).unwrap(), &devices, &BTreeMap::new());
        assert!(numbered.ends_with("ff:ff link-netnsid 1\n"));
    }

    #[test]
    fn the_state_tells_a_bridge_without_ports_from_one_that_lost_them() {
        let mut br = bridge(7, "br0", "e6:ce:32:05:11:72");
        br.carrier_known = false;
        assert_eq!(state(&br), "UNKNOWN");
        (br.carrier, br.carrier_known) = (false, true);
        assert_eq!(state(&br), "DOWN");
        let mut end = veth(4, "va", "02:00:00:00:00:01", 3);
        end.carrier = false;
        assert_eq!(state(&end), "DOWN");
        end.lower_down = true;
        assert_eq!(state(&end), "LOWERLAYERDOWN", "the peer was here, so the kernel saw why");
        assert_eq!(state(&loopback()), "UNKNOWN");
    }

    #[test]
    fn details_name_the_kind_on_a_line_of_its_own() {
        let mut eth0 = veth(14, "eth0", "02:42:ac:19:00:03", 15);
        (eth0.peer_netnsid, eth0.ipv6) = (Some(0), Ipv6::Disabled);
        let options = Options { details: true, ..Options::default() };
        let (devices, peers) = (all([loopback()]), BTreeMap::new());
        let scene = Scene { devices: &devices, peers: &peers, flavour: Flavour::Host, now: Instant::ZERO };
        assert_eq!(
            scene.hardware(&eth0, Listing::Addresses, &options),
            "    link/ether 02:42:ac:19:00:03 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0  allmulti 0 minmtu 68 \
             maxmtu 65535 \n    veth numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 \
             tso_max_size 524280 tso_max_segs 65535 gro_max_size 65536 "
        );
    }

    #[test]
    fn statistics_are_right_aligned_under_their_names() {
        let mut end = veth(4, "va", "02:00:00:00:00:01", 3);
        end.counters =
            Counters { rx_packets: 23, rx_bytes: 2026, tx_packets: 50, tx_bytes: 4496, ..Counters::default() };
        assert_eq!(
            statistics(&end, 1),
            "    RX:  bytes packets errors dropped  missed   mcast           \n          \
             2026      23      0       0       0       0 \n    \
             TX:  bytes packets errors dropped carrier collsns           \n          \
             4496      50      0       0       0       0 \n"
        );
        end.carrier_changes = 2;
        assert_eq!(
            statistics(&end, 2),
            "    RX:  bytes packets errors dropped  missed   mcast           \n          \
             2026      23      0       0       0       0 \n    \
             RX errors:  length    crc   frame    fifo overrun\n                     \
             0      0       0       0       0 \n    \
             TX:  bytes packets errors dropped carrier collsns           \n          \
             4496      50      0       0       0       0 \n    \
             TX errors: aborted   fifo  window heartbt transns\n                     \
             0      0       0       0       2 \n"
        );
    }
}
