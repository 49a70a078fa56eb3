//! `ethtool`: what a driver says of its device, as ethtool 6.1 prints it for the devices that this kernel has. It changes
//! nothing.

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
        ["-k" | "--show-features" | "--show-offload", name] => find(sys, name).ok_or(NO_SUCH).map(features),
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

/// What a veth can do, and where a bridge and lo differ.
fn features(device: &Device) -> String {
    let others: &[(&str, &str)] = match &device.kind {
        Kind::Bridge(_) => &BRIDGE_FEATURES,
        Kind::Loopback => &LOOPBACK_FEATURES,
        _ => &[],
    };
    let features: String = FEATURES
        .lines()
        .map(|line| {
            let name = line.trim_start().split(':').next().unwrap_or_default();
            let other = others.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
            let indent = if line.starts_with('\t') { "\t" } else { "" };
            other.map_or_else(|| format!("{line}\n"), |value| format!("{indent}{name}: {value}\n"))
        })
        .collect();
    format!("Features for {}:\n{features}", device.name)
}

/// Where lo differs from a veth.
const LOOPBACK_FEATURES: [(&str, &str); 20] = [
    ("rx-checksumming", "on [fixed]"),
    ("tx-checksum-ip-generic", "on [fixed]"),
    ("tx-checksum-sctp", "on [fixed]"),
    ("tx-scatter-gather", "on [fixed]"),
    ("tx-scatter-gather-fraglist", "on [fixed]"),
    ("generic-receive-offload", "on"),
    ("rx-vlan-offload", "off [fixed]"),
    ("tx-vlan-offload", "off [fixed]"),
    ("highdma", "on [fixed]"),
    ("vlan-challenged", "on [fixed]"),
    ("tx-gre-segmentation", "off [fixed]"),
    ("tx-gre-csum-segmentation", "off [fixed]"),
    ("tx-ipxip4-segmentation", "off [fixed]"),
    ("tx-ipxip6-segmentation", "off [fixed]"),
    ("tx-udp_tnl-segmentation", "off [fixed]"),
    ("tx-udp_tnl-csum-segmentation", "off [fixed]"),
    ("tx-nocache-copy", "off [fixed]"),
    ("loopback", "on [fixed]"),
    ("tx-vlan-stag-hw-insert", "off [fixed]"),
    ("rx-vlan-stag-hw-parse", "off [fixed]"),
];

const BRIDGE_FEATURES: [(&str, &str); 10] = [
    ("rx-checksumming", "off [fixed]"),
    ("tx-checksum-sctp", "off [fixed]"),
    ("generic-receive-offload", "on"),
    ("rx-vlan-offload", "off [fixed]"),
    ("tx-gso-robust", "on"),
    ("tx-fcoe-segmentation", "on"),
    ("tx-gso-partial", "on"),
    ("tx-tunnel-remcsum-segmentation", "on"),
    ("tx-esp-segmentation", "on"),
    ("rx-vlan-stag-hw-parse", "off [fixed]"),
];

const FEATURES: &str = "\
rx-checksumming: on
tx-checksumming: on
\ttx-checksum-ipv4: off [fixed]
\ttx-checksum-ip-generic: on
\ttx-checksum-ipv6: off [fixed]
\ttx-checksum-fcoe-crc: off [fixed]
\ttx-checksum-sctp: on
scatter-gather: on
\ttx-scatter-gather: on
\ttx-scatter-gather-fraglist: on
tcp-segmentation-offload: on
\ttx-tcp-segmentation: on
\ttx-tcp-ecn-segmentation: on
\ttx-tcp-mangleid-segmentation: on
\ttx-tcp6-segmentation: on
\ttx-tcp-accecn-segmentation: on
generic-segmentation-offload: on
generic-receive-offload: off
large-receive-offload: off [fixed]
rx-vlan-offload: on
tx-vlan-offload: on
ntuple-filters: off [fixed]
receive-hashing: off [fixed]
highdma: on
rx-vlan-filter: off [fixed]
vlan-challenged: off [fixed]
tx-gso-robust: off [fixed]
tx-fcoe-segmentation: off [fixed]
tx-gre-segmentation: on
tx-gre-csum-segmentation: on
tx-ipxip4-segmentation: on
tx-ipxip6-segmentation: on
tx-udp_tnl-segmentation: on
tx-udp_tnl-csum-segmentation: on
tx-gso-partial: off [fixed]
tx-tunnel-remcsum-segmentation: off [fixed]
tx-sctp-segmentation: on
tx-esp-segmentation: off [fixed]
tx-udp-segmentation: on
tx-gso-list: on
tx-nocache-copy: off
loopback: off [fixed]
rx-fcs: off [fixed]
rx-all: off [fixed]
tx-vlan-stag-hw-insert: on
rx-vlan-stag-hw-parse: on
rx-vlan-stag-filter: off [fixed]
l2-fwd-offload: off [fixed]
hw-tc-offload: off [fixed]
esp-hw-offload: off [fixed]
esp-tx-csum-hw-offload: off [fixed]
rx-udp_tunnel-port-offload: off [fixed]
tls-hw-tx-offload: off [fixed]
tls-hw-rx-offload: off [fixed]
rx-gro-hw: off [fixed]
tls-hw-record: off [fixed]
rx-gro-list: off
macsec-hw-offload: off [fixed]
rx-udp-gro-forwarding: off
hsr-tag-ins-offload: off [fixed]
hsr-tag-rm-offload: off [fixed]
hsr-fwd-offload: off [fixed]
hsr-dup-offload: off [fixed]
";

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
        let br = features(&bridge(3, "br0", "02:00:00:00:00:03"));
        assert!(br.starts_with("Features for br0:\nrx-checksumming: off [fixed]\n"));
        assert!(br.contains("\ttx-checksum-sctp: off [fixed]\n"));
    }
}
