//! `/sys`: the network devices of a place as generated files. Nothing else of a machine is in here.

use super::files::{Found, Generator};
use super::ip::device::state;
use super::process::Kernel;
use super::{Errno, Sys};
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

const fn is_veth(device: &Device) -> bool {
    matches!(device.kind, Kind::Veth { .. })
}

fn flags(device: &Device) -> u32 {
    let kind = if device.is_loopback() { LOOPBACK } else { BROADCAST | MULTICAST };
    let promiscuous = if device.promiscuity() > 0 { PROMISCUOUS } else { 0 };
    kind | promiscuous | if device.up { UP } else { 0 }
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
            let bridge = device.bridge().is_some().then_some("brif");
            let directories = ["statistics"].into_iter().chain(bridge).chain(master().map(|_| "master"));
            Some(Found::directory(ATTRIBUTES.iter().map(|(name, _)| *name).chain(directories)))
        }
        ["statistics"] => Some(Found::directory(STATISTICS.iter().map(|(name, _)| *name))),
        ["statistics", name] => {
            let (_, count) = STATISTICS.iter().find(|(known, _)| known == name)?;
            Some(Found::text(format!("{}\n", count(&device.counters))))
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
