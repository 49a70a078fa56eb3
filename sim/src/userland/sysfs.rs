//! `/sys`: the network devices of a place as generated files. Nothing else of a machine is in here.

use super::files::{Found, Generator};
use super::ip::device::state;
use super::process::Kernel;
use super::{Errno, Sys};
use crate::bridge::Bridge;
use crate::device::{Counters, Device, Kind};

/// `/sys`, to be mounted.
pub const SYS: &Generator = &Generator { name: "sysfs", find, write };

/// Where the devices are that `/sys/class/net` points to.
const HOME: [&str; 3] = ["devices", "virtual", "net"];
/// Interface flags.
const UP: u32 = 0x1;
const BROADCAST: u32 = 0x2;
const LOOPBACK: u32 = 0x8;
const PROMISCUOUS: u32 = 0x100;
const ALL_GROUPS: u32 = 0x200;
const MULTICAST: u32 = 0x1000;

/// A file of a device; none where reading it is an error.
type Attribute = fn(&Device) -> Option<String>;

/// The files of a device.
const ATTRIBUTES: [(&str, Attribute); 17] = [
    ("addr_assign_type", |_| Some("3".to_owned())),
    ("addr_len", |_| Some("6".to_owned())),
    ("address", |device| Some(device.mac.to_string())),
    ("broadcast", |device| {
        Some(if device.is_loopback() { "00:00:00:00:00:00" } else { "ff:ff:ff:ff:ff:ff" }.to_owned())
    }),
    ("carrier", |device| device.up.then(|| u8::from(device.carrier).to_string())),
    ("dev_id", |_| Some("0x0".to_owned())),
    ("dormant", |device| device.up.then(|| "0".to_owned())),
    ("duplex", |device| is_veth(device).then(|| "full".to_owned())),
    ("flags", |device| Some(format!("{:#x}", flags(device)))),
    ("ifindex", |device| Some(device.index.0.to_string())),
    ("iflink", |device| Some(device.peer_index.unwrap_or(device.index).0.to_string())),
    ("mtu", |device| Some(device.mtu.bytes().to_string())),
    ("operstate", |device| Some(state(device).to_lowercase())),
    ("speed", |device| is_veth(device).then(|| "10000".to_owned())),
    ("tx_queue_len", |device| Some(device.queue_len.to_string())),
    ("type", |device| Some(if device.is_loopback() { "772" } else { "1" }.to_owned())),
    ("uevent", |device| Some(format!("INTERFACE={}\nIFINDEX={}", device.name, device.index.0))),
];

/// What a counter of a device stands at.
type Count = fn(&Counters) -> u64;

/// The counters of a device.
const STATISTICS: [(&str, Count); 10] = [
    ("collisions", |_| 0),
    ("multicast", |_| 0),
    ("rx_bytes", |counters| counters.rx_bytes),
    ("rx_dropped", |counters| counters.rx_dropped),
    ("rx_errors", |_| 0),
    ("rx_packets", |counters| counters.rx_packets),
    ("tx_bytes", |counters| counters.tx_bytes),
    ("tx_dropped", |counters| counters.tx_dropped),
    ("tx_errors", |_| 0),
    ("tx_packets", |counters| counters.tx_packets),
];

/// A file of a bridge. Times are in hundredths of a second; of a spanning tree there is none.
type OfBridge = fn(&Device, &Bridge) -> String;

const BRIDGE: [(&str, OfBridge); 9] = [
    ("ageing_time", |_, bridge| (bridge.ageing().as_millis() / 10).to_string()),
    ("bridge_id", |device, _| format!("8000.{}", device.mac.to_string().replace(':', ""))),
    ("forward_delay", |_, _| "1500".to_owned()),
    ("hello_time", |_, _| "200".to_owned()),
    ("max_age", |_, _| "2000".to_owned()),
    ("priority", |_, _| "32768".to_owned()),
    ("root_id", |device, _| format!("8000.{}", device.mac.to_string().replace(':', ""))),
    ("stp_state", |_, _| "0".to_owned()),
    ("vlan_filtering", |_, _| "0".to_owned()),
];

/// The files of a bridge's port.
const PORT: [(&str, Attribute); 5] = [
    ("hairpin_mode", |_| Some("0".to_owned())),
    ("learning", |_| Some("1".to_owned())),
    ("path_cost", |_| Some("2".to_owned())),
    ("priority", |_| Some("32".to_owned())),
    ("state", |device| Some(if device.is_running() { "3" } else { "0" }.to_owned())),
];

const fn is_veth(device: &Device) -> bool {
    matches!(device.kind, Kind::Veth { .. })
}

fn flags(device: &Device) -> u32 {
    let kind = if device.is_loopback() { LOOPBACK } else { BROADCAST | MULTICAST };
    let promiscuous = if device.promiscuity() > 0 { PROMISCUOUS } else { 0 };
    // A port of a bridge takes every frame, those to groups too.
    let groups = if device.master.is_some() { ALL_GROUPS } else { 0 };
    kind | promiscuous | groups | if device.up { UP } else { 0 }
}

fn find(kernel: &Kernel<'_>, parts: &[&str]) -> Option<Found> {
    let names = || kernel.network().devices.values().map(|device| device.name.clone());
    match parts {
        [] => Some(Found::directory(["class", "devices"])),
        ["class"] => Some(Found::directory(["net"])),
        ["class", "net"] => Some(Found::directory(names())),
        ["class", "net", name] => {
            kernel.network().device_named(name).map(|_| Found::Link(format!("../../{}/{name}", HOME.join("/"))))
        }
        ["devices"] => Some(Found::directory(["virtual"])),
        ["devices", "virtual"] => Some(Found::directory(["net"])),
        ["devices", "virtual", "net"] => Some(Found::directory(names())),
        ["devices", "virtual", "net", name, rest @ ..] => {
            let device = kernel.network().device_named(name)?;
            of_device(kernel, device, rest)
        }
        _ => None,
    }
}

fn of_device(kernel: &Kernel<'_>, device: &Device, rest: &[&str]) -> Option<Found> {
    let network = kernel.network();
    let ports =
        || network.devices.values().filter(|port| port.master == Some(device.index)).map(|port| port.name.clone());
    let master = || network.devices.values().find(|bridge| device.master == Some(bridge.index));
    match rest {
        [] => {
            let of_bridge = device.bridge().map(|_| ["bridge", "brif"]).into_iter().flatten();
            let of_port = master().map(|_| ["brport", "master"]).into_iter().flatten();
            let directories = ["statistics"].into_iter().chain(of_bridge).chain(of_port);
            Some(Found::directory(ATTRIBUTES.iter().map(|(name, _)| *name).chain(directories)))
        }
        ["statistics"] => Some(Found::directory(STATISTICS.iter().map(|(name, _)| *name))),
        ["statistics", name] => {
            let (_, count) = STATISTICS.iter().find(|(known, _)| known == name)?;
            Some(Found::text(format!("{}\n", count(&device.counters))))
        }
        ["bridge"] => device.bridge().map(|_| Found::directory(BRIDGE.iter().map(|(name, _)| *name))),
        ["bridge", name] => {
            let (bridge, (_, file)) = (device.bridge()?, BRIDGE.iter().find(|(known, _)| known == name)?);
            Some(Found::text(file(device, bridge) + "\n"))
        }
        ["brport"] => master().map(|_| Found::directory(PORT.iter().map(|(name, _)| *name))),
        ["brport", name] => {
            let (_, file) = master().and_then(|_| PORT.iter().find(|(known, _)| known == name))?;
            file(device).map(|text| Found::text(text + "\n"))
        }
        ["brif"] => device.bridge().map(|_| Found::directory(ports())),
        ["brif", port] => ports().any(|name| name == *port).then(|| Found::Link(format!("../../{port}/brport"))),
        ["master"] => master().map(|bridge| Found::Link(format!("../{}", bridge.name))),
        [name] => {
            let (_, attribute) = ATTRIBUTES.iter().find(|(known, _)| known == name)?;
            attribute(device).map(|text| Found::text(text + "\n"))
        }
        _ => None,
    }
}

/// Devices are changed by `ip`.
fn write(_: &mut Sys<'_>, _: &[&str], _: &[u8]) -> Result<(), Errno> {
    Err(Errno::AccessDenied)
}
