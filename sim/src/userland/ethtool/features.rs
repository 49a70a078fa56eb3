//! The features of a device (`ethtool -k`), and which of them are switched (`-K`): some go with others.

use std::collections::BTreeMap;

use crate::device::{Device, Kind};
use crate::userland::Sys;

/// The features as the kernel numbers them: its name, and that of the list where it is another.
const NAMES: [(&str, &str); 22] = [
    ("tx-scatter-gather", "tx-scatter-gather"),
    ("tx-checksum-ipv4", "tx-checksum-ipv4"),
    ("tx-checksum-ip-generic", "tx-checksum-ip-generic"),
    ("tx-checksum-ipv6", "tx-checksum-ipv6"),
    ("tx-scatter-gather-fraglist", "tx-scatter-gather-fraglist"),
    ("tx-vlan-hw-insert", "tx-vlan-offload"),
    ("rx-vlan-hw-parse", "rx-vlan-offload"),
    ("tx-generic-segmentation", "generic-segmentation-offload"),
    ("rx-gro", "generic-receive-offload"),
    ("rx-lro", "large-receive-offload"),
    ("tx-tcp-segmentation", "tx-tcp-segmentation"),
    ("tx-tcp-ecn-segmentation", "tx-tcp-ecn-segmentation"),
    ("tx-tcp-mangleid-segmentation", "tx-tcp-mangleid-segmentation"),
    ("tx-tcp6-segmentation", "tx-tcp6-segmentation"),
    ("tx-tcp-accecn-segmentation", "tx-tcp-accecn-segmentation"),
    ("tx-udp-segmentation", "tx-udp-segmentation"),
    ("tx-checksum-fcoe-crc", "tx-checksum-fcoe-crc"),
    ("tx-checksum-sctp", "tx-checksum-sctp"),
    ("rx-ntuple-filter", "ntuple-filters"),
    ("rx-hashing", "receive-hashing"),
    ("rx-checksum", "rx-checksumming"),
    ("tx-nocache-copy", "tx-nocache-copy"),
];

/// What the short words of `-K` stand for, by the names of the list.
fn members(word: &str) -> Option<Vec<&'static str>> {
    let starting = |prefix: &str, but: &[&str]| {
        let all = NAMES.iter().map(|(_, listed)| *listed);
        all.filter(|name| name.starts_with(prefix) && !but.contains(name)).collect()
    };
    Some(match word {
        "rx" | "rx-checksumming" => vec!["rx-checksumming"],
        "tx" | "tx-checksumming" => starting("tx-checksum-", &[]),
        "sg" | "scatter-gather" => starting("tx-scatter-gather", &[]),
        "tso" | "tcp-segmentation-offload" => starting("tx-tcp", &[]),
        "gso" => vec!["generic-segmentation-offload"],
        "gro" => vec!["generic-receive-offload"],
        "lro" => vec!["large-receive-offload"],
        "rxvlan" => vec!["rx-vlan-offload"],
        "txvlan" => vec!["tx-vlan-offload"],
        "ntuple" => vec!["ntuple-filters"],
        "rxhash" => vec!["receive-hashing"],
        _ => {
            let named = NAMES.iter().find(|(name, listed)| *name == word || *listed == word);
            let fixed = LIST.lines().map(|line| line.trim_start().split(':').next().unwrap_or_default());
            match named {
                Some((_, listed)) => vec![*listed],
                None => vec![fixed.into_iter().find(|name| *name == word)?],
            }
        }
    })
}

/// A feature of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Feature {
    on: bool,
    /// Whether it is wanted, though it may have to go with another one.
    wanted: bool,
    fixed: bool,
}

/// What a device has, by the names of the list.
fn all(device: &Device) -> BTreeMap<&'static str, Feature> {
    let others: &[(&str, &str)] = match &device.kind {
        Kind::Bridge(_) => &BRIDGE_FEATURES,
        Kind::Loopback => &LOOPBACK_FEATURES,
        _ => &[],
    };
    let mut features = BTreeMap::new();
    for line in LIST.lines() {
        let (name, value) = line.trim_start().split_once(": ").expect("each line has a value");
        let value = others.iter().find(|(n, _)| *n == name).map_or(value, |(_, value)| *value);
        let fixed = value.ends_with("[fixed]");
        let on = value.starts_with("on");
        let wanted = device.features.get(name).copied().filter(|_| !fixed).unwrap_or(on);
        features.insert(name, Feature { on: wanted, wanted, fixed });
    }
    let is_on = |name: &str| features.get(name).is_some_and(|feature| feature.on);
    // The kernel cuts no packets that it cannot sum, nor such as lie in one piece (`netdev_fix_features`).
    let sums = is_on("tx-checksum-ip-generic");
    let gathers = is_on("tx-scatter-gather");
    for kind in ["", "-ecn", "-mangleid", "6"] {
        lose(&mut features, &format!("tx-tcp{kind}-segmentation"), sums && gathers);
    }
    lose(&mut features, "tx-udp-segmentation", sums);
    lose(&mut features, "generic-segmentation-offload", gathers);
    features
}

fn lose(features: &mut BTreeMap<&'static str, Feature>, name: &str, stays: bool) {
    if let Some(feature) = features.get_mut(name) {
        feature.on &= stays;
    }
}

/// The list of a device's features.
pub(super) fn show(device: &Device) -> String {
    let features = all(device);
    let any = |prefix: &str| {
        let mut of = features.iter().filter(|(name, _)| name.starts_with(prefix));
        of.any(|(_, feature)| feature.on)
    };
    let mut text = format!("Features for {}:\n", device.name);
    for line in LIST.lines() {
        let name = line.trim_start().split(':').next().unwrap_or_default();
        let indent = if line.starts_with('\t') { "\t" } else { "" };
        let feature = features.get(name).expect("the list is where it is from");
        // What stands for several is on while one of them is.
        let on = match name {
            "tx-checksumming" => any("tx-checksum-"),
            "scatter-gather" => any("tx-scatter-gather"),
            "tcp-segmentation-offload" => any("tx-tcp"),
            _ => feature.on,
        };
        let is_sum = matches!(name, "tx-checksumming" | "scatter-gather" | "tcp-segmentation-offload");
        let note = match feature {
            Feature { fixed: true, .. } => " [fixed]",
            Feature { on: false, wanted: true, .. } if !is_sum => " [requested on]",
            _ => "",
        };
        text += &format!("{indent}{name}: {}{note}\n", word(on));
    }
    text
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Switches features on and off; gives the exit code.
pub(super) fn change(sys: &mut Sys<'_>, device: &str, words: &[&str]) -> i32 {
    let mut asked: BTreeMap<&'static str, bool> = BTreeMap::new();
    for pair in words.chunks(2) {
        let on = match pair.get(1).copied() {
            Some("on") => true,
            Some("off") => false,
            other => {
                let flag = other.unwrap_or("(null)");
                let why = "is not followed by 'on' or 'off'";
                sys.eprint(format!("ethtool (-K): flag '{flag}' for parameter '(null)' {why}\n"));
                return 1;
            }
        };
        let Some(members) = members(pair[0]) else {
            sys.eprint("netlink error: bit name not found (offset 52)\nnetlink error: Operation not supported\n");
            return 92;
        };
        asked.extend(members.into_iter().map(|name| (name, on)));
    }
    let Some(found) = sys.network().device_named(device) else {
        sys.eprint(super::NO_SUCH.0);
        return 92;
    };
    if !sys.is_network_administrator() {
        sys.eprint("netlink error: Operation not permitted\n");
        return 92;
    }
    let (index, before) = (found.index, all(found));
    let namespace = sys.namespace_id();
    let found = sys.fabric().namespace_mut(namespace).devices.get_mut(&index).expect("it was just found");
    let free = asked.iter().filter(|(name, _)| before.get(*name).is_some_and(|feature| !feature.fixed));
    found.features.extend(free);
    let after = all(found);
    let (text, code) = report(&asked, &before, &after);
    sys.print(text);
    code
}

/// What is said of a change: nothing when it is just what was asked for.
fn report(
    asked: &BTreeMap<&'static str, bool>,
    before: &BTreeMap<&'static str, Feature>,
    after: &BTreeMap<&'static str, Feature>,
) -> (String, i32) {
    let on = |features: &BTreeMap<&'static str, Feature>, name: &str| features.get(name).is_some_and(|f| f.on);
    let (mut lines, mut changed, mut other) = (String::new(), asked.is_empty(), false);
    let is_same = asked.iter().all(|(name, wanted)| on(before, name) == *wanted);
    for (name, listed) in NAMES {
        let now = on(after, listed);
        let is_new = now != on(before, listed);
        let note = match asked.get(listed) {
            Some(wanted) if *wanted != now => " [requested on]",
            Some(_) => "",
            None => " [not requested]",
        };
        if is_new || note == " [requested on]" {
            lines += &format!("{name}: {}{note}\n", word(now));
            other |= !note.is_empty();
        }
        changed |= is_new;
    }
    match (changed && !asked.is_empty(), other) {
        (false, _) if is_same && !asked.is_empty() => (String::new(), 0),
        (false, false) => ("Could not change any device features\n".to_owned(), 1),
        (false, true) => (format!("Could not change any device features\nActual changes:\n{lines}"), 1),
        (true, false) => (String::new(), 0),
        (true, true) => (format!("Actual changes:\n{lines}"), 0),
    }
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

/// What a veth has.
const LIST: &str = "\
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
