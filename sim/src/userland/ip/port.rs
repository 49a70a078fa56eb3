//! What is changed of a bridge's port: `ip link set … type bridge_slave`, and `bridge link set`, which has words of its own.

use super::{Error, Refusal, Words};
use crate::bridge::setting::{OutOfRange, SWITCHES, Switch};
use crate::device::IfIndex;
use crate::fabric::NamespaceId;
use crate::userland::Sys;

/// What shall be changed of a port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// What is switched on and off.
    pub(crate) switches: Vec<(Switch, bool)>,
    /// What the way by it costs.
    pub(crate) cost: Option<u32>,
    /// Which of several ports is preferred.
    pub(crate) priority: Option<u64>,
    /// The state it is in, where no spanning tree decides.
    pub(crate) state: Option<u64>,
    /// Whether what was learned at it is forgotten.
    pub(crate) forgets: bool,
}

impl Change {
    /// Reads what follows `type bridge_slave`.
    pub(super) fn parse(mut words: Words) -> Result<Self, Error> {
        let mut change = Self::default();
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "fdb_flush" => change.forgets = true,
                "state" => change.state = Some(number(words.value()?, u8::MAX.into(), "state is invalid")?),
                "priority" => change.priority = Some(number(words.value()?, u16::MAX.into(), "priority is invalid")?),
                "cost" => {
                    let cost = number(words.value()?, u32::MAX.into(), "cost is invalid")?;
                    change.cost = u32::try_from(cost).ok();
                }
                "proxy_arp" | "proxy_arp_wifi" | "mcast_router" | "group_fwd_mask" | "vlan_tunnel" | "backup_port"
                | "nobackup_port" => return Err(Refusal::NotSupported.into()),
                "help" => return Err(Error::TypeHelp("bridge_slave")),
                _ => {
                    let asked = if word == "mcast_fast_leave" { "fastleave" } else { &word };
                    let known = SWITCHES.iter().find(|(name, ..)| *name == asked);
                    let Some((name, _, switch)) = known else {
                        return Err(Error::UnknownParticular { kind: "bridge_slave", word });
                    };
                    change.switches.push((*switch, on_or_off(name, words.value()?)?));
                }
            }
        }
        Ok(change)
    }

    /// Carries it out, in the kernel's order: what comes first stays when a later one is refused.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn apply(self, sys: &mut Sys<'_>, namespace: NamespaceId, port: IfIndex) -> Result<(), Refusal> {
        if !sys.is_network_administrator() {
            return Err(Refusal::NotPermitted);
        }
        let fabric = sys.fabric();
        let device = fabric.namespace(namespace).devices.get(&port).ok_or(Refusal::NoDevice)?;
        // A device that is not up has no state to be changed; one without carrier can only be disabled.
        let is_changeable = device.up && (device.carrier || self.state == Some(0));
        let master = device.master.ok_or(Refusal::NotSupported)?;
        fabric.set_bridge(namespace, master, |bridge, now| {
            if self.state.is_some() && (bridge.tree().is_on() || !is_changeable) {
                return Err(if bridge.tree().is_on() { Refusal::Busy } else { Refusal::Down });
            }
            for (switch, on) in self.switches {
                bridge.switch_port(port, switch, on, now);
            }
            let out_of_range = |OutOfRange| Refusal::OutOfRange;
            // A cost of nought is none.
            if let Some(cost) = self.cost.filter(|cost| *cost != 0) {
                bridge.set_port_cost(port, cost, now).map_err(out_of_range)?;
            }
            if let Some(priority) = self.priority {
                bridge.set_port_priority(port, priority, now).map_err(out_of_range)?;
            }
            if let Some(state) = self.state {
                bridge.tell_tree(|tree| tree.set_state(port, state)).map_err(|OutOfRange| Refusal::Invalid)?;
            }
            if self.forgets {
                bridge.flush_port(port);
            }
            Ok(())
        })
    }
}

fn number(word: String, most: u64, why: &'static str) -> Result<u64, Error> {
    word.parse().ok().filter(|number| *number <= most).ok_or(Error::Invalid { word, why })
}

fn on_or_off(name: &'static str, word: String) -> Result<bool, Error> {
    match word.as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::OneOf { name, word }),
    }
}
