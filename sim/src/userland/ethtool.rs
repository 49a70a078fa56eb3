//! `ethtool`: what a driver says of its device, as ethtool 6.1 prints it for the devices that this kernel has. What is
//! switched on and off (`-K`) is kept and shown; packets here are whole and their checksums right all the same.

mod features;

use super::{Flavour, Programs, Straight, Sys};
use crate::device::{Device, Kind};

/// Puts `ethtool` on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "ethtool", || Box::new(Straight(run)));
}

/// What is printed to which stream, and the exit code.
type Refusal = (&'static str, i32);

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["-S" | "--statistics", name] => find(sys, name).ok_or(NO_STATISTICS).and_then(statistics),
        ["-i" | "--driver", name] => find(sys, name).ok_or(NO_DRIVER).and_then(driver),
        ["-k" | "--show-features" | "--show-offload", name] => find(sys, name).ok_or(NO_SUCH).map(features::show),
        ["-K" | "--features" | "--offload", name, rest @ ..] => return features::change(sys, name, rest),
        ["--version"] => Ok("ethtool version 6.1\n".to_owned()),
        ["-P" | "--show-permaddr", name] => {
            find(sys, name).ok_or(NO_SUCH).map(|_| "Permanent address: not set\n".to_owned())
        }
        ["-g" | "--show-ring" | "-c" | "--show-coalesce" | "-a" | "--show-pause", name] => {
            find(sys, name).ok_or(NO_SUCH).and(Err(NOT_SUPPORTED))
        }
        [name] if !name.starts_with('-') => find(sys, name).ok_or(NO_SETTINGS).and_then(settings),
        _ => Err(BAD_LINE),
    };
    sys.conclude(outcome)
}

const BAD_LINE: Refusal = ("ethtool: bad command line argument(s)\nFor more information run ethtool -h\n", 1);
const NO_SUCH: Refusal = ("netlink error: no device matches name (offset 24)\nnetlink error: No such device\n", 1);
/// Each of the questions that make the settings is answered so.
const NO_SETTINGS: Refusal = (
    "netlink error: no device matches name (offset 24)\nnetlink error: No such device\n\
     netlink error: no device matches name (offset 24)\nnetlink error: No such device\n\
     netlink error: no device matches name (offset 24)\nnetlink error: No such device\n\
     netlink error: no device matches name (offset 24)\nnetlink error: No such device\n\
     netlink error: no device matches name (offset 24)\nnetlink error: No such device\nNo data available\n",
    75,
);
const NOT_SUPPORTED: Refusal = ("netlink error: Operation not supported\n", 1);
const NO_STATISTICS: Refusal = ("Cannot get stats strings information: No such device\n", 96);
const NO_DRIVER: Refusal = ("Cannot get driver information: No such device\n", 71);

fn find<'a>(sys: &'a mut Sys<'_>, name: &str) -> Option<&'a Device> {
    sys.network().device_named(name)
}

fn statistics(device: &Device) -> Result<String, Refusal> {
    let (Kind::Veth { .. }, Some(peer)) = (&device.kind, device.peer_index) else {
        return Err(("no stats available\n", 94));
    };
    let counters = [
        "rx_queue_0_xdp_packets",
        "rx_queue_0_xdp_bytes",
        "rx_queue_0_drops",
        "rx_queue_0_xdp_redirect",
        "rx_queue_0_xdp_drops",
        "rx_queue_0_xdp_tx",
        "rx_queue_0_xdp_tx_errors",
        "tx_queue_0_xdp_xmit",
        "tx_queue_0_xdp_xmit_errors",
    ];
    let lines: String = counters.iter().map(|name| format!("     {name}: 0\n")).collect();
    Ok(format!("NIC statistics:\n     peer_ifindex: {}\n{lines}", peer.0))
}

fn driver(device: &Device) -> Result<String, Refusal> {
    let (name, version, firmware, bus, statistics) = match &device.kind {
        Kind::Veth { .. } => ("veth", "1.0", "", "", "yes"),
        Kind::Bridge(_) => ("bridge", "2.3", "N/A", "N/A", "no"),
        Kind::Dummy => ("dummy", "1.0", "", "", "no"),
        Kind::Tun(tun) => ("tun", "1.6", "", if tun.tap { "tap" } else { "tun" }, "no"),
        Kind::Vxlan(_) => ("vxlan", "0.1", "", "", "no"),
        Kind::Stacked { over: crate::stack::Over::Macvlan(_), .. } => ("macvlan", "0.1", "", "", "no"),
        Kind::Stacked { over: crate::stack::Over::Ipvlan(_), .. } => ("ipvlan", "0.1", "", "", "no"),
        Kind::Stacked { over: crate::stack::Over::Vlan(_), .. } => ("802.1Q VLAN Support", "1.8", "N/A", "", "no"),
        Kind::Loopback => return Err(("Cannot get driver information: Operation not supported\n", 71)),
    };
    Ok(format!(
        "driver: {name}\nversion: {version}\nfirmware-version: {firmware}\nexpansion-rom-version: \nbus-info: {bus}\n\
         supports-statistics: {statistics}\nsupports-test: no\nsupports-eeprom-access: no\n\
         supports-register-dump: no\nsupports-priv-flags: no\n"
    ))
}

/// What `ethtool DEVICE` says: of a veth a speed that nothing limits.
fn settings(device: &Device) -> Result<String, Refusal> {
    let (speed, duplex, port, crossover) = match &device.kind {
        Kind::Loopback => {
            return Ok(format!("Settings for {}:\n\tLink detected: {}\n", device.name, yes(device.is_running())));
        }
        Kind::Veth { .. } => ("10000Mb/s", "Full", "Twisted Pair", "\tMDI-X: Unknown\n"),
        _ => ("Unknown!", "Unknown! (255)", "Other", ""),
    };
    Ok(format!(
        "Settings for {}:\n\tSupported ports: [  ]\n\tSupported link modes:   Not reported\n\
         \tSupported pause frame use: No\n\tSupports auto-negotiation: No\n\tSupported FEC modes: Not reported\n\
         \tAdvertised link modes:  Not reported\n\tAdvertised pause frame use: No\n\
         \tAdvertised auto-negotiation: No\n\tAdvertised FEC modes: Not reported\n\tSpeed: {speed}\n\
         \tDuplex: {duplex}\n\tAuto-negotiation: off\n\tPort: {port}\n\tPHYAD: 0\n\tTransceiver: internal\n\
         {crossover}\tLink detected: {}\n",
        device.name,
        yes(device.is_running())
    ))
}

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::super::ip::samples::{bridge, loopback, veth};
    use super::*;

    #[test]
    fn a_veth_names_its_peer_and_its_driver() {
        let end = veth(4, "va", "02:00:00:00:00:01", 3);
        assert!(
            statistics(&end)
                .unwrap()
                .starts_with("NIC statistics:\n     peer_ifindex: 3\n     rx_queue_0_xdp_packets: 0\n")
        );
        assert!(driver(&end).unwrap().starts_with("driver: veth\nversion: 1.0\nfirmware-version: \n"));
        assert_eq!(statistics(&loopback()), Err(("no stats available\n", 94)));
    }

    #[test]
    fn a_bridge_cannot_what_its_ports_can() {
        let br = features::show(&bridge(3, "br0", "02:00:00:00:00:03"));
        assert!(br.starts_with("Features for br0:\nrx-checksumming: off [fixed]\n"));
        assert!(br.contains("\ttx-checksum-sctp: off [fixed]\n"));
    }
}
