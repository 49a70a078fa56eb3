//! `brctl stp`, `showstp` and the verbs that set a bridge's times and priorities, as bridge-utils 1.7 has them.

use core::fmt::Write as _;

use super::Error;
use crate::bridge::Bridge;
use crate::bridge::bpdu::BridgeId;
use crate::bridge::setting::{OutOfRange, SWITCHES, Setting, left};
use crate::bridge::tree::Port;
use crate::device::{Device, IfIndex};
use crate::time::Instant;
use crate::userland::Sys;

/// A verb that sets a number of a bridge: what is set, what a word that is none is called, and what failed else.
const NUMBERS: [(&str, Setting, &str, &str); 5] = [
    ("setageing", Setting::AgeingTime, "bad ageing time value", "set ageing time"),
    ("setbridgeprio", Setting::Priority, "bad priority", "set bridge priority"),
    ("setfd", Setting::ForwardDelay, "bad forward delay value", "set forward delay"),
    ("sethello", Setting::HelloTime, "bad hello timer value", "set hello timer"),
    ("setmaxage", Setting::MaxAge, "bad max age value", "set max age"),
];

/// Whether a verb with this many words behind the bridge is one of these.
pub(super) fn is_change(verb: &str, rest: &[&str]) -> bool {
    match verb {
        "stp" => rest.len() == 1,
        "setpathcost" | "setportprio" | "hairpin" => rest.len() == 2,
        _ => rest.len() == 1 && NUMBERS.iter().any(|(known, ..)| *known == verb),
    }
}

/// Carries such a verb out.
pub(super) fn change(sys: &mut Sys<'_>, verb: &str, bridge: &str, rest: &[&str]) -> Result<(), Error> {
    if !sys.is_network_administrator() {
        return Err(Error::NotPermitted(bridge.to_owned()));
    }
    match (verb, rest) {
        ("stp", [word]) => {
            let on = on_or_off(word)?;
            set(sys, bridge, Setting::StpState, u64::from(on), "set stp status")
        }
        ("hairpin", [port, word]) => hairpin(sys, bridge, port, word),
        ("setpathcost", [port, word]) => {
            let cost = word.parse().map_err(|_| Error::BadValue("bad path cost value"))?;
            set_port(sys, port, "set path cost", |bridge, port, now| bridge.set_port_cost(port, cost, now))
        }
        ("setportprio", [port, word]) => {
            let priority = word.parse().map_err(|_| Error::BadValue("bad path priority value"))?;
            set_port(sys, port, "set port priority", |bridge, port, now| bridge.set_port_priority(port, priority, now))
        }
        (_, words) => {
            let known = NUMBERS.iter().find(|(known, ..)| *known == verb).expect("the verb was looked at");
            let (_, setting, bad, what) = *known;
            let word = words.first().copied().unwrap_or_default();
            let value = if setting == Setting::Priority { priority(word) } else { hundredths(word) };
            set(sys, bridge, setting, value.ok_or(Error::BadValue(bad))?, what)
        }
    }
}

/// A priority, as C reads numbers: of a greater one the lower sixteen bits count.
fn priority(word: &str) -> Option<u64> {
    let number = match (word.strip_prefix("0x"), word.strip_prefix('0')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16),
        (None, Some(octal)) if !octal.is_empty() => u64::from_str_radix(octal, 8),
        _ => word.parse(),
    };
    number.ok().map(|number| number & 0xffff)
}

/// Seconds, perhaps with a fraction, in hundredths.
fn hundredths(word: &str) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<2}").get(..2)?.parse().ok()?;
    whole.checked_mul(100)?.checked_add(fraction)
}

fn on_or_off(word: &str) -> Result<bool, Error> {
    match word {
        "on" | "yes" | "1" => Ok(true),
        "off" | "no" | "0" => Ok(false),
        _ => Err(Error::NoSwitch),
    }
}

fn set(sys: &mut Sys<'_>, bridge: &str, setting: Setting, value: u64, what: &'static str) -> Result<(), Error> {
    let device = sys.network().device_named(bridge).filter(|device| device.bridge().is_some());
    let index = device.map(|device| device.index).ok_or(Error::Failed { what, why: "No such device" })?;
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let done = fabric.set_bridge(namespace, index, |bridge, now| bridge.set(setting, value, now));
    done.map_err(|OutOfRange| Error::Failed { what, why: "Numerical result out of range" })
}

/// Sets something of a port, whose own bridge is meant, whatever bridge was named.
fn set_port(
    sys: &mut Sys<'_>,
    port: &str,
    what: &'static str,
    change: impl FnOnce(&mut Bridge, IfIndex, Instant) -> Result<(), OutOfRange>,
) -> Result<(), Error> {
    let device = sys.network().device_named(port).ok_or(Error::Failed { what, why: "No such device" })?;
    let (port, master) = (device.index, device.master);
    let master = master.ok_or(Error::Failed { what, why: "No such file or directory" })?;
    let (namespace, fabric) = (sys.namespace_id(), sys.fabric());
    let done = fabric.set_bridge(namespace, master, |bridge, now| change(bridge, port, now));
    done.map_err(|OutOfRange| Error::Failed { what, why: "Numerical result out of range" })
}

fn hairpin(sys: &mut Sys<'_>, bridge: &str, port: &str, word: &str) -> Result<(), Error> {
    let (_, _, switch) = *SWITCHES.iter().find(|(name, ..)| *name == "hairpin").expect("a port has it");
    let on = on_or_off(word)?;
    if sys.network().device_named(bridge).and_then(Device::bridge).is_none() {
        return Err(Error::NoBridge(bridge.to_owned()));
    }
    if sys.network().device_named(port).is_none() {
        return Err(Error::NoDevice(port.to_owned()));
    }
    let done = set_port(sys, port, "hairpin", |bridge, port, now| {
        bridge.switch_port(port, switch, on, now);
        Ok(())
    });
    done.map_err(|_| Error::NoHairpin { port: port.to_owned(), bridge: bridge.to_owned() })
}

/// A bridge in the tree: its priority and its address.
pub(in crate::userland) fn identifier(id: BridgeId) -> String {
    format!("{:04x}.{}", id.priority, id.mac.to_string().replace(':', ""))
}

/// `brctl showstp`.
pub(super) fn show(sys: &mut Sys<'_>, name: &str) -> Result<String, Error> {
    let now = sys.now();
    let network = sys.network();
    let device = network.device_named(name).ok_or_else(|| Error::NoBridge(name.to_owned()))?;
    let bridge = device.bridge().ok_or_else(|| Error::NotABridge(name.to_owned()))?;
    let mut text = format!("{name}\n{}\n\n", of_bridge(bridge, now));
    let named = |index: &IfIndex| network.devices.get(index).map(|device| device.name.as_str());
    let mut ports: Vec<(&str, IfIndex)> = bridge.ports().iter().filter_map(|i| Some((named(i)?, *i))).collect();
    ports.sort_unstable();
    for (name, index) in ports {
        if let (Some(port), Some(known)) = (bridge.tree().port(index), bridge.port(index)) {
            text.push_str(&of_port(name, port, known.settings.hairpin, now));
        }
    }
    Ok(text)
}

/// Hundredths of a second as seconds.
fn seconds(hundredths: u64) -> String {
    format!("{:>4}.{:02}", hundredths / 100, hundredths % 100)
}

fn of_bridge(bridge: &Bridge, now: Instant) -> String {
    let tree = bridge.tree();
    let (own, told) = tree.times();
    let time = |time: core::time::Duration| seconds(u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX));
    let [hello, notice, change] = tree.timers().map(|timer| seconds(left(timer, now)));
    let mut text = format!(" bridge id\t\t{}\n", identifier(tree.id()));
    let _ = writeln!(text, " designated root\t{}", identifier(tree.root()));
    let _ = writeln!(text, " root port\t\t{:>4}\t\t\tpath cost\t\t{:>4}", tree.root_port(), tree.root_cost());
    let _ = writeln!(text, " max age\t\t{}\t\t\tbridge max age\t\t{}", time(told.max_age), time(own.max_age));
    let _ = writeln!(text, " hello time\t\t{}\t\t\tbridge hello time\t{}", time(told.hello), time(own.hello));
    let _ = writeln!(
        text,
        " forward delay\t\t{}\t\t\tbridge forward delay\t{}",
        time(told.forward_delay),
        time(own.forward_delay)
    );
    let _ = writeln!(text, " ageing time\t\t{}", time(bridge.ageing()));
    let _ = writeln!(text, " hello timer\t\t{hello}\t\t\ttcn timer\t\t{notice}");
    let _ = writeln!(text, " topology change timer\t{change}\t\t\tgc timer\t\t{}", seconds(0));
    let (changing, detected) = tree.changes();
    let flags = [(changing, "TOPOLOGY_CHANGE "), (detected, "TOPOLOGY_CHANGE_DETECTED ")];
    let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    text + &format!(" flags\t\t\t{flags}\n")
}

fn of_port(name: &str, port: &Port, hairpin: bool, now: Instant) -> String {
    let [age, delay, hold] = [port.message_age, port.forward_delay, port.hold].map(|timer| seconds(left(timer, now)));
    let mut text = format!("{name} ({})\n", port.number);
    let _ = writeln!(text, " port id\t\t{:04x}\t\t\tstate\t\t{:>15}", port.id, port.state.name());
    let _ = writeln!(text, " designated root\t{}\tpath cost\t\t{:>4}", identifier(port.root), port.cost);
    let _ = writeln!(text, " designated bridge\t{}\tmessage age timer\t{age}", identifier(port.bridge));
    let _ = writeln!(text, " designated port\t{:04x}\t\t\tforward delay timer\t{delay}", port.designated_port);
    let _ = writeln!(text, " designated cost\t{:>4}\t\t\thold timer\t\t{hold}", port.designated_cost);
    text.push_str(" flags\t\t\t\n");
    if hairpin {
        let _ = writeln!(text, " hairpin mode\t\t{:>4}", 1);
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_have_fractions_and_priorities_are_cut() {
        assert_eq!((hundredths("2.5"), hundredths("15"), hundredths("x")), (Some(250), Some(1500), None));
        assert_eq!((priority("99999"), priority("-1")), (Some(0x869f), None));
        assert_eq!((priority("0x1000"), priority("010"), priority("0")), (Some(0x1000), Some(8), Some(0)));
    }

    #[test]
    fn a_bridge_without_a_tree_is_its_own_root() {
        assert_eq!(
            of_bridge(&Bridge::default(), Instant::ZERO),
            " bridge id\t\t8000.000000000000\n designated root\t8000.000000000000\n \
             root port\t\t   0\t\t\tpath cost\t\t   0\n \
             max age\t\t  20.00\t\t\tbridge max age\t\t  20.00\n \
             hello time\t\t   2.00\t\t\tbridge hello time\t   2.00\n \
             forward delay\t\t  15.00\t\t\tbridge forward delay\t  15.00\n \
             ageing time\t\t 300.00\n \
             hello timer\t\t   0.00\t\t\ttcn timer\t\t   0.00\n \
             topology change timer\t   0.00\t\t\tgc timer\t\t   0.00\n \
             flags\t\t\t\n"
        );
    }
}
