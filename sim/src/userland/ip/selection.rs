//! Which devices a listing shows: `ip link show type bridge`, `ip addr show dev eth0 up`. It chooses and prints nothing.

use super::device::{Scene, kind};
use super::{Error, Family, Words, addr, prefix};
use crate::addr::IpNetwork;
use crate::device::{Address, Device, Scope};
use crate::userland::shell::wildcard;

/// What the words after `show` ask for; a part that is none asks for nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Selection {
    device: Option<String>,
    master: Option<String>,
    kind: Option<String>,
    within: Option<IpNetwork>,
    scope: Option<Scope>,
    group: Option<u32>,
    up: bool,
    /// A pattern of what addresses are called.
    label: Option<String>,
    /// Only devices that are in no bridge.
    free: bool,
    /// What must be true of an address, or must not.
    flags: Vec<(Flag, bool)>,
}

/// What can be asked of an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flag {
    /// It has an end.
    Dynamic,
    /// Another one of its prefix is before it.
    Secondary,
    /// It is said of it, as `ip addr` prints it.
    Said(&'static str),
    /// Nothing here is ever that.
    Never,
}

impl Flag {
    const NAMES: [(&'static str, Self, bool); 14] = [
        ("dynamic", Self::Dynamic, true),
        ("permanent", Self::Dynamic, false),
        ("secondary", Self::Secondary, true),
        ("temporary", Self::Secondary, true),
        ("primary", Self::Secondary, false),
        ("nodad", Self::Said("nodad"), true),
        ("home", Self::Said("home"), true),
        ("deprecated", Self::Said("deprecated"), true),
        ("mngtmpaddr", Self::Said("mngtmpaddr"), true),
        ("noprefixroute", Self::Said("noprefixroute"), true),
        ("tentative", Self::Never, true),
        ("dadfailed", Self::Never, true),
        ("optimistic", Self::Never, true),
        ("autojoin", Self::Never, true),
    ];

    /// What a word asks for; one with a minus asks for the contrary.
    fn parse(word: &str) -> Option<(Self, bool)> {
        let (bare, wanted) = word.strip_prefix('-').map_or((word, true), |bare| (bare, false));
        let found = Self::NAMES.into_iter().find(|(name, ..)| *name == bare);
        found.map(|(_, flag, on)| (flag, on == wanted))
    }
}

impl Selection {
    /// Reads `[dev] NAME`, `master`, `group`, `type`, `up`, `scope` and `to`.
    ///
    /// # Errors
    /// `Incomplete`, `Garbage`.
    pub(super) fn parse(words: &mut Words, family: Family) -> Result<Self, Error> {
        let mut selection = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "up" => selection.up = true,
                "master" => selection.master = Some(words.value()?),
                "group" => selection.group = Some(group(words.value()?)?),
                "type" => selection.kind = Some(words.value()?),
                "to" => selection.within = Some(prefix(&words.value()?, family)?),
                "scope" => selection.scope = scope(words.value()?)?,
                "label" => selection.label = Some(words.value()?),
                "nomaster" => selection.free = true,
                "dev" if selection.device.is_some() => {
                    return Err(Error::Garbage { place: "dev", word: words.value()? });
                }
                "dev" => selection.device = Some(words.value()?),
                "help" => return Err(Error::Help),
                _ if Flag::parse(&word).is_some() => selection.flags.extend(Flag::parse(&word)),
                _ if selection.device.is_some() => return Err(Error::Garbage { place: "dev", word }),
                _ => selection.device = Some(word),
            }
        }
        Ok(selection)
    }

    /// The family of the prefix that addresses are to be of, or the one that was asked for.
    pub(super) fn family(&self, asked: Family) -> Family {
        match self.within {
            Some(IpNetwork::V4(_)) if asked == Family::Any => Family::V4,
            Some(IpNetwork::V6(_)) if asked == Family::Any => Family::V6,
            _ => asked,
        }
    }

    /// Whether one device is asked for by its name.
    pub(super) const fn names_device(&self) -> bool {
        self.device.is_some()
    }

    /// Whether addresses are asked for by what they are called.
    pub(super) const fn names_label(&self) -> bool {
        self.label.is_some()
    }

    /// The devices that are asked for, by number.
    ///
    /// # Errors
    /// `NotShown` for a device that is not there, `Wrong` for such a master.
    pub(super) fn devices<'a>(&self, scene: &Scene<'a>) -> Result<Vec<&'a Device>, Error> {
        if let Some(name) = &self.device {
            scene.named(name).ok_or_else(|| Error::NotShown(name.clone()))?;
        }
        if let Some(name) = &self.master {
            let why = "Device does not exist";
            scene.named(name).ok_or_else(|| Error::Wrong { word: name.clone(), why })?;
        }
        Ok(scene.devices.values().filter(|d| self.includes(d, scene)).collect())
    }

    fn includes(&self, device: &Device, scene: &Scene<'_>) -> bool {
        let named = self.device.as_ref().is_none_or(|name| device.name == *name);
        let below = self.master.as_deref().is_none_or(|name| scene.master(device) == Some(name));
        let is_of = |name: &str| kind(device) == Some(name) || name == "bridge_slave" && device.master.is_some();
        let typed = self.kind.as_deref().is_none_or(is_of);
        let grouped = self.group.is_none_or(|group| device.group == group);
        named && below && typed && grouped && (device.up || !self.up) && !(self.free && device.master.is_some())
    }

    /// Whether an address is asked for.
    #[must_use]
    pub(super) fn includes_address(&self, device: &Device, address: &Address, secondary: bool) -> bool {
        let label = || addr::label(device, address);
        let has = |flag: Flag| match flag {
            Flag::Dynamic => address.lifetime.valid.is_some(),
            Flag::Secondary => secondary,
            Flag::Said(name) => addr::flags(address, secondary).contains(&name),
            Flag::Never => false,
        };
        self.within.is_none_or(|net| net.contains(address.net.ip()))
            && self.scope.is_none_or(|scope| address.scope == scope)
            && self.label.as_ref().is_none_or(|pattern| wildcard(pattern, label()))
            && self.flags.iter().all(|(flag, wanted)| has(*flag) == *wanted)
    }
}

/// A group of devices by its number; the first has a name.
pub(super) fn group(word: String) -> Result<u32, Error> {
    match word.as_str() {
        "default" => Ok(0),
        _ => word.parse().map_err(|_| Error::Wrong { word, why: "Invalid \"group\" value" }),
    }
}

/// A scope by name or number; none for all of them.
fn scope(word: String) -> Result<Option<Scope>, Error> {
    match word.as_str() {
        "all" => Ok(None),
        _ => Scope::parse(&word).map(Some).ok_or(Error::Wrong { word, why: "invalid \"scope\"" }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use super::super::device::tests::{all, bridge, loopback, veth};
    use super::*;
    use crate::device::IfIndex;
    use crate::time::Instant;
    use crate::userland::Flavour;

    fn chosen(line: &str) -> Result<Vec<String>, Error> {
        let mut port = veth(4, "v1", "02:00:00:00:00:04", 9);
        port.master = Some(IfIndex(3));
        let mut down = veth(5, "v2", "02:00:00:00:00:05", 8);
        down.up = false;
        let devices = all([loopback(), bridge(3, "br0", "02:00:00:00:00:03"), port, down]);
        let peers = BTreeMap::new();
        let scene = Scene { devices: &devices, peers: &peers, flavour: Flavour::Host, now: Instant::ZERO };
        let mut words = Words(line.split_whitespace().map(str::to_owned).collect::<VecDeque<_>>());
        let selection = Selection::parse(&mut words, Family::Any)?;
        Ok(selection.devices(&scene)?.iter().map(|d| d.name.clone()).collect())
    }

    #[test]
    fn words_narrow_the_listing() {
        assert_eq!(chosen("").unwrap(), ["lo", "br0", "v1", "v2"]);
        assert_eq!(chosen("v1").unwrap(), ["v1"]);
        assert_eq!(chosen("type veth up").unwrap(), ["v1"]);
        assert_eq!(chosen("master br0").unwrap(), ["v1"]);
    }

    #[test]
    fn what_is_not_there_cannot_be_shown() {
        assert_eq!(chosen("dev nosuch"), Err(Error::NotShown("nosuch".into())));
        assert_eq!(chosen("v1 v2"), Err(Error::Garbage { place: "dev", word: "v2".into() }));
        assert_eq!(chosen("dev"), Err(Error::Incomplete));
    }
}
