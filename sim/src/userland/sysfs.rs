//! `/sys`: the network devices of a place as generated files. Nothing else of a machine is in here.

use super::brctl::identifier;
use super::files::{Found, Generator};
use super::ip::device::state;
use super::process::Kernel;
use super::{Errno, Sys};
use crate::bridge::Bridge;
use crate::bridge::setting::{OutOfRange, SETTINGS, SWITCHES, Setting, left};
use crate::bridge::tree::Port;
use crate::device::{Counters, Device, Flag, Kind};
use crate::time::Instant;

/// `/sys`, to be mounted.
pub const SYS: &Generator = &Generator { name: "sysfs", find, write };

/// Where the devices are that `/sys/class/net` points to.
const HOME: [&str; 3] = ["devices", "virtual", "net"];
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

/// A file of a bridge that only tells something. Times are in hundredths of a second.
type OfBridge = fn(&Bridge, Instant) -> String;

const BRIDGE: [(&str, OfBridge); 12] = [
    ("bridge_id", |bridge, _| identifier(bridge.tree().id())),
    ("gc_timer", |_, _| "0".to_owned()),
    ("group_addr", |_, _| "01:80:c2:00:00:00".to_owned()),
    ("group_fwd_mask", |_, _| "0x0".to_owned()),
    ("hello_timer", |bridge, now| left(bridge.tree().timers()[0], now).to_string()),
    ("root_id", |bridge, _| identifier(bridge.tree().root())),
    ("root_path_cost", |bridge, _| bridge.tree().root_cost().to_string()),
    ("root_port", |bridge, _| bridge.tree().root_port().to_string()),
    ("tcn_timer", |bridge, now| left(bridge.tree().timers()[1], now).to_string()),
    ("topology_change", |bridge, _| u8::from(bridge.tree().changes().0).to_string()),
    ("topology_change_detected", |bridge, _| u8::from(bridge.tree().changes().1).to_string()),
    ("topology_change_timer", |bridge, now| left(bridge.tree().timers()[2], now).to_string()),
];

/// The names of a bridge's settings here, where they are others.
fn setting(name: &str) -> Option<Setting> {
    let name = if name == "default_pvid" { "vlan_default_pvid" } else { name };
    SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, setting)| *setting)
}

/// A file of a bridge's port that only tells something.
type OfPort = fn(&Port, Instant) -> String;

const PORT: [(&str, OfPort); 10] = [
    ("designated_bridge", |port, _| identifier(port.bridge)),
    ("designated_cost", |port, _| port.designated_cost.to_string()),
    ("designated_port", |port, _| port.designated_port.to_string()),
    ("designated_root", |port, _| identifier(port.root)),
    ("forward_delay_timer", |port, now| left(port.forward_delay, now).to_string()),
    ("hold_timer", |port, now| left(port.hold, now).to_string()),
    ("message_age_timer", |port, now| left(port.message_age, now).to_string()),
    ("port_id", |port, _| format!("{:#x}", port.id)),
    ("port_no", |port, _| format!("{:#x}", port.number)),
    ("state", |port, _| port.state.number().to_string()),
];

/// The files of a port that take numbers.
const PORT_NUMBERS: [&str; 2] = ["path_cost", "priority"];

fn of_bridge(bridge: &Bridge, name: &str, now: Instant) -> Option<Found> {
    if let Some((_, file)) = BRIDGE.iter().find(|(known, _)| *known == name) {
        return Some(Found::text(file(bridge, now) + "\n"));
    }
    let value = bridge.setting(setting(name)?);
    Some(Found::setting(format!("{value}\n"), Ok(())))
}

fn of_port(bridge: &Bridge, port: &Device, name: &str, now: Instant) -> Option<Found> {
    let (known, mut settings) = (bridge.tree().port(port.index)?, bridge.port(port.index)?.settings);
    if let Some((_, file)) = PORT.iter().find(|(file, _)| *file == name) {
        return Some(Found::text(file(known, now) + "\n"));
    }
    let value = match name {
        "path_cost" => known.cost,
        "priority" => u32::from(known.priority),
        _ => {
            let (.., switch) = SWITCHES.iter().find(|(_, file, _)| *file == name)?;
            u32::from(*switch(&mut settings))
        }
    };
    Some(Found::setting(format!("{value}\n"), Ok(())))
}

const fn is_veth(device: &Device) -> bool {
    matches!(device.kind, Kind::Veth { .. })
}

/// The flags as the kernel keeps them: whether frames can pass is not among them, and it does not matter who asked for all.
fn flags(device: &Device) -> u16 {
    let mut flags = device.flags() & !Flag::Running.bit();
    if device.promiscuity() > 0 {
        flags |= Flag::Promiscuous.bit();
    }
    // A port of a bridge takes every frame, those to groups too.
    if device.master.is_some() {
        flags |= Flag::AllMulticast.bit();
    }
    flags
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
        ["bridge"] => device.bridge().map(|_| {
            let settings =
                SETTINGS.iter().map(|(name, _)| if *name == "vlan_default_pvid" { "default_pvid" } else { name });
            Found::directory(BRIDGE.iter().map(|(name, _)| *name).chain(settings))
        }),
        ["bridge", name] => of_bridge(device.bridge()?, name, kernel.now()),
        ["brport"] => master().map(|_| {
            let switches = SWITCHES.iter().map(|(_, file, _)| *file);
            Found::directory(PORT.iter().map(|(name, _)| *name).chain(PORT_NUMBERS).chain(switches))
        }),
        ["brport", name] => of_port(master()?.bridge()?, device, name, kernel.now()),
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

/// What bridges and their ports are set to is changed by files too; other devices are changed by `ip`.
fn write(sys: &mut Sys<'_>, parts: &[&str], bytes: &[u8]) -> Result<(), Errno> {
    let (["devices", "virtual", "net", device, kind @ ("bridge" | "brport"), name]
    | ["class", "net", device, kind @ ("bridge" | "brport"), name]) = parts
    else {
        return Err(Errno::AccessDenied);
    };
    if !sys.is_network_administrator() {
        return Err(Errno::NotPermitted);
    }
    let value: u64 = core::str::from_utf8(bytes).ok().and_then(|t| t.trim().parse().ok()).ok_or(Errno::Invalid)?;
    let device = sys.network().device_named(device).ok_or(Errno::NoEntry)?;
    let (index, bridge) = (device.index, if *kind == "bridge" { Some(device.index) } else { device.master });
    let bridge = bridge.ok_or(Errno::NoEntry)?;
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let done = fabric.set_bridge(namespace, bridge, |bridge, now| match (*kind, *name) {
        ("bridge", name) => setting(name).map(|setting| bridge.set(setting, value, now)),
        (_, "path_cost") => Some(bridge.set_port_cost(index, u32::try_from(value).unwrap_or(u32::MAX), now)),
        (_, "priority") => Some(bridge.set_port_priority(index, value, now)),
        (_, name) => SWITCHES.iter().find(|(_, file, _)| *file == name).map(|(.., switch)| {
            bridge.switch_port(index, *switch, value != 0, now);
            Ok(())
        }),
    });
    done.ok_or(Errno::AccessDenied)?.map_err(|OutOfRange| Errno::OutOfRange)
}
