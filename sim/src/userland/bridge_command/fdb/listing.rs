//! What is in the forwarding databases, as `bridge fdb show` and `get` print it, in lines or as JSON.

use core::fmt::Write as _;

use super::super::{Failure, Options};
use super::{index_of, mac};
use crate::addr::Mac;
use crate::bridge::Life;
use crate::device::{Device, Devices, IfIndex};
use crate::time::Instant;
use crate::userland::Sys;
use crate::userland::json::Json;
use crate::vxlan::{self, Remote};

/// An entry of a database, with what is said of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Row<'a> {
    mac: Mac,
    device: &'a str,
    /// The far end of a tunnel, with the name of the device to it.
    remote: Option<(Remote, Option<String>)>,
    /// 0 while the bridge looks at none.
    vlan: u16,
    /// The bridge that has it; the device itself when none.
    master: Option<&'a str>,
    /// `permanent`, `static`, or nothing for what ages.
    state: &'static str,
    /// When it was last used; none of what a device has for itself.
    seen: Option<Instant>,
}

impl<'a> Row<'a> {
    /// One that a device has for itself.
    const fn of_self(device: &'a Device, mac: Mac, state: &'static str) -> Self {
        Self { mac, device: device.name.as_str(), remote: None, vlan: 0, master: None, state, seen: None }
    }

    fn of_bridge(device: &'a Device, bridge: &'a Device, mac: Mac, life: Life) -> Self {
        let state = match life {
            Life::Local => "permanent",
            Life::Static => "static",
            Life::Learned => "",
        };
        Self { master: Some(bridge.name.as_str()), ..Self::of_self(device, mac, state) }
    }

    /// One field after the other: its name in JSON, the word before it in the line, and its value.
    fn fields(&self, manner: Manner) -> Vec<(&'static str, &'static str, Json)> {
        let mut fields = vec![("mac", "", Json::from(self.mac.to_string()))];
        if manner.names_device {
            fields.push(("ifname", "dev ", self.device.into()));
        }
        if let Some((remote, _)) = &self.remote {
            fields.push(("dst", "dst ", remote.ip.to_string().into()));
        }
        if self.vlan != 0 {
            fields.push(("vlan", "vlan ", u32::from(self.vlan).into()));
        }
        if let Some((remote, via)) = &self.remote {
            fields.extend(of_far_end(remote, via.as_deref()));
        }
        fields
    }

    /// For how many seconds it was not used, and not changed, where that is asked for.
    fn idle(&self, manner: Manner) -> Option<u64> {
        Some(manner.now?.since(self.seen?).as_secs())
    }

    fn line(&self, manner: Manner) -> String {
        let mut line = String::new();
        for (_, word, value) in self.fields(manner) {
            let _ = match value {
                Json::Text(text) => write!(line, "{word}{text} "),
                value => write!(line, "{word}{} ", value.print(false).trim_end()),
            };
        }
        if let Some(idle) = self.idle(manner) {
            let _ = write!(line, "used {idle}/{idle} ");
        }
        match self.master {
            Some(master) => writeln!(line, "master {master} {}", self.state),
            None => writeln!(line, "self {}", self.state),
        }
        .expect("a string takes everything");
        line
    }

    fn json(&self, manner: Manner) -> Json {
        let mut fields: Vec<_> = self.fields(manner).into_iter().map(|(name, _, value)| (name, value)).collect();
        if let Some(idle) = self.idle(manner) {
            fields.extend([("used", idle.into()), ("updated", idle.into())]);
        }
        fields.push(("flags", Json::List(if self.master.is_none() { vec!["self".into()] } else { Vec::new() })));
        fields.extend(self.master.map(|master| ("master", master.into())));
        fields.push(("state", self.state.into()));
        Json::Object(fields)
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    names_device: bool,
    /// The present, where the age of entries is told.
    now: Option<Instant>,
}

/// What is said of a tunnel's far end besides its address.
fn of_far_end(remote: &Remote, via: Option<&str>) -> Vec<(&'static str, &'static str, Json)> {
    let port = remote.port.map(|port| ("port", "port ", u32::from(port).into()));
    let vni = remote.vni.map(|vni| ("vni", "vni ", vni.number().into()));
    let via = via.map(|via| ("viaIf", "via ", via.into()));
    port.into_iter().chain(vni).chain(via).collect()
}

fn print(rows: &[Row<'_>], names_device: bool, now: Instant, options: Options) -> String {
    let manner = Manner { names_device, now: options.statistics.then_some(now) };
    options.print(rows, |row| row.line(manner), |row| row.json(manner))
}

/// What `bridge fdb show` is limited to.
#[derive(Debug, Default, Eq, PartialEq)]
struct Limits {
    bridge: Option<IfIndex>,
    port: Option<IfIndex>,
    vlan: Option<u16>,
    state: Option<&'static str>,
}

impl Limits {
    fn parse(sys: &Sys<'_>, words: &[&str]) -> Result<Self, Failure> {
        let mut limits = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "dynamic" {
                limits.state = Some("");
                continue;
            }
            let Some(value) = words.next() else {
                // A bare word is no filter, and iproute2 says nothing of it.
                break;
            };
            match *word {
                "state" => limits.state = state(value)?,
                "vlan" => limits.vlan = Some(super::vlan(value)?),
                "br" => limits.bridge = Some(index_of(sys, "bridge device", value)?),
                _ => limits.port = Some(index_of(sys, "device", value)?),
            }
        }
        Ok(limits)
    }
}

/// What a state's name means as a filter; none for all.
fn state(word: &str) -> Result<Option<&'static str>, Failure> {
    match word {
        "permanent" => Ok(Some("permanent")),
        "static" | "temp" => Ok(Some("static")),
        "dynamic" | "reachable" => Ok(Some("")),
        "all" => Ok(None),
        _ => Err((format!("Error: argument \"{word}\" is wrong: invalid state\n"), 255)),
    }
}

pub(super) fn show(sys: &Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    let limits = Limits::parse(sys, words)?;
    let now = sys.now();
    let devices = &sys.network().devices;
    let shown = |device: &&Device| {
        let is_bridge = device.bridge().is_some();
        let of_bridge = limits.bridge.is_none_or(|b| device.index == b && is_bridge || device.master == Some(b));
        of_bridge && limits.port.is_none_or(|p| device.index == p)
    };
    let rows = devices.values().filter(shown).flat_map(|device| rows(device, devices, now));
    // iproute2 passes over entries of other VLANs, not over those of none.
    let in_vlan = |row: &Row<'_>| row.vlan == 0 || limits.vlan.is_none_or(|vlan| row.vlan == vlan);
    let meant = |row: &Row<'_>| in_vlan(row) && limits.state.is_none_or(|state| row.state == state);
    let rows: Vec<_> = rows.filter(meant).collect();
    Ok(print(&rows, limits.port.is_none(), now, options))
}

/// All of one device: the far ends of a tunnel, what its bridge knows behind it, its own address, and the groups it
/// listens to.
fn rows<'a>(device: &'a Device, devices: &'a Devices, now: Instant) -> Vec<Row<'a>> {
    let mut own = far_ends(device, devices, now);
    own.extend(heard(device).into_iter().map(|mac| Row::of_self(device, mac, "permanent")));
    let (bridge, master) = match device.bridge() {
        Some(bridge) => (bridge, device),
        None => match device.master.and_then(|index| devices.get(&index)) {
            Some(master) => (master.bridge().expect("a master is a bridge"), master),
            None => return own,
        },
    };
    let mut known: Vec<_> = bridge.fdb(now).filter(|(_, e)| e.port == device.index).collect();
    known.sort_by_key(|(mac, entry)| (entry.life == Life::Local, *mac));
    let known = known.into_iter();
    let mut rows: Vec<Row<'_>> = known
        .map(|(mac, e)| Row { vlan: e.vlan, seen: Some(e.seen), ..Row::of_bridge(device, master, mac, e.life) })
        .collect();
    if device.bridge().is_none() {
        rows.extend(own);
        return rows;
    }
    if bridge.fixed_mac {
        rows.push(Row::of_bridge(device, device, device.mac, Life::Local));
    }
    own.extend(rows);
    own
}

/// The far ends of a tunnel.
fn far_ends<'a>(device: &'a Device, devices: &Devices, now: Instant) -> Vec<Row<'a>> {
    let name = |via| devices.get(&via).map_or_else(|| format!("if{}", via.0), |d: &Device| d.name.clone());
    let mut rows = Vec::new();
    for (mac, entry) in device.tunnel().into_iter().flat_map(|tunnel| tunnel.fdb(now)) {
        let state = match entry.life {
            vxlan::Life::Permanent => "permanent",
            vxlan::Life::Static => "static",
            vxlan::Life::Ageing => "",
        };
        for remote in &entry.remotes {
            let remote = Some((*remote, remote.via.map(name)));
            rows.push(Row { remote, ..Row::of_self(device, mac, state) });
        }
    }
    rows
}

/// What a device listens to besides its own address: stations and groups that it was told, and the groups that it knows.
fn heard(device: &Device) -> Vec<Mac> {
    let (mut groups, mut heard): (Vec<Mac>, Vec<Mac>) = device.stations.iter().partition(|mac| mac.is_multicast());
    let own = device.groups();
    groups.retain(|group| !own.contains(group));
    heard.extend(own.into_iter().chain(groups));
    heard
}

/// What `bridge fdb get` asks for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Question<'a> {
    mac: Option<&'a str>,
    device: Option<&'a str>,
    bridge: Option<&'a str>,
    of_self: bool,
}

impl<'a> Question<'a> {
    fn parse(words: &[&'a str]) -> Result<Self, Failure> {
        let mut question = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().ok_or_else(|| (super::INCOMPLETE.to_owned(), 255));
            match *word {
                "dev" | "brport" => question.device = Some(value()?),
                "br" => question.bridge = Some(value()?),
                "self" => question.of_self = true,
                "master" | "dynamic" => {}
                "to" => question.mac = Some(value()?),
                _ if question.mac.is_some() => {
                    return Err((format!("Error: either \"to\" is duplicate, or \"{word}\" is a garbage.\n"), 255));
                }
                word => question.mac = Some(word),
            }
        }
        Ok(question)
    }
}

/// One entry, of the bridge or the tunnel that is asked.
pub(super) fn get(sys: &Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    let asked = Question::parse(words)?;
    let Some(word) = asked.mac.filter(|_| asked.device.is_some() || asked.bridge.is_some()) else {
        return Err(("Device or master and address are required arguments.\n".to_owned(), 255));
    };
    let mac = mac(word)?;
    let device = asked.device.map(|name| index_of(sys, "device", name)).transpose()?;
    let bridge = asked.bridge.map(|name| index_of(sys, "bridge device", name)).transpose()?;
    let refused = |why: &str| (format!("Error: {why}.\n"), 254);
    let devices = &sys.network().devices;
    let place = match (device, bridge) {
        (Some(_), Some(_)) => return Err(refused("Master and device are mutually exclusive")),
        (None, Some(index)) => index,
        (Some(index), None) if asked.of_self => index,
        (Some(index), None) => devices
            .get(&index)
            .and_then(|device| device.master)
            .ok_or_else(|| refused("Device is not a bridge port"))?,
        (None, None) => unreachable!("one of them was asked for"),
    };
    let keeper = devices.get(&place).expect("it was just found");
    if keeper.bridge().is_none() && keeper.tunnel().is_none() {
        return Err(refused("Fdb get operation not supported by device"));
    }
    let is_of_keeper = |row: &Row<'_>| match keeper.bridge() {
        Some(_) => row.master == Some(keeper.name.as_str()),
        None => row.device == keeper.name && row.master.is_none(),
    };
    let mut rows = devices.values().flat_map(|device| rows(device, devices, sys.now()));
    let found = rows.find(|row| row.mac == mac && is_of_keeper(row)).ok_or_else(|| refused("Fdb entry not found"))?;
    Ok(print(&[found], true, sys.now(), options))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::host;
    use super::*;

    fn named() -> Manner {
        Manner { names_device: true, now: None }
    }

    #[test]
    fn the_database_lists_groups_learned_and_own_addresses() {
        let devices = host();
        let text: String = devices
            .values()
            .flat_map(|device| rows(device, &devices, Instant::ZERO))
            .map(|row| row.line(named()))
            .collect();
        assert_eq!(
            text,
            "33:33:00:00:00:01 dev docker0 self permanent\n\
             01:00:5e:00:00:6a dev docker0 self permanent\n\
             33:33:00:00:00:6a dev docker0 self permanent\n\
             01:00:5e:00:00:01 dev docker0 self permanent\n\
             33:33:ff:18:8e:39 dev docker0 self permanent\n\
             02:42:4b:18:8e:39 dev docker0 master docker0 permanent\n\
             02:42:ac:11:00:02 dev veth01020fb master docker0 \n\
             5e:f1:a1:82:d6:a0 dev veth01020fb master docker0 permanent\n\
             33:33:00:00:00:01 dev veth01020fb self permanent\n\
             01:00:5e:00:00:01 dev veth01020fb self permanent\n\
             33:33:ff:82:d6:a0 dev veth01020fb self permanent\n"
        );
    }

    #[test]
    fn a_far_end_says_all_that_it_has() {
        let remote = Remote {
            ip: "10.0.0.9".parse().unwrap(),
            port: Some(8472),
            vni: vxlan::Vni::new(7),
            via: Some(IfIndex(2)),
        };
        let row = Row {
            mac: Mac::ZERO,
            device: "vx0",
            remote: Some((remote, Some("eth0".to_owned()))),
            vlan: 0,
            master: None,
            state: "permanent",
            seen: None,
        };
        assert_eq!(
            row.line(named()),
            "00:00:00:00:00:00 dev vx0 dst 10.0.0.9 port 8472 vni 7 via eth0 self permanent\n"
        );
        assert_eq!(
            row.json(Manner::default()).print(false),
            "{\"mac\":\"00:00:00:00:00:00\",\"dst\":\"10.0.0.9\",\"port\":8472,\"vni\":7,\"viaIf\":\"eth0\",\
             \"flags\":[\"self\"],\"state\":\"permanent\"}\n"
        );
    }
}
