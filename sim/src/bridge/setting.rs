//! What a bridge and its ports can be set to, by name and within the kernel's limits: `ip link`, `brctl` and
//! `/sys/class/net` all change it here. Times are in hundredths of a second, as the kernel counts them for programs.

use super::tree::Times;
use super::{Bridge, PortSettings};
use crate::id::IfIndex;
use crate::time::{Duration, Instant};

/// The value is not within the kernel's limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutOfRange;

/// What a bridge can be set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// How long a port listens, and how long it learns.
    ForwardDelay,
    /// How often the root speaks.
    HelloTime,
    /// When what was said is too old.
    MaxAge,
    /// How long an address is remembered.
    AgeingTime,
    /// Whether there is a spanning tree.
    StpState,
    /// Its priority in the tree.
    Priority,
    /// Whether it looks at VLANs.
    VlanFiltering,
    /// The VLAN of new ports; 0 for none.
    DefaultPvid,
    /// Whether IPv4 that crosses it passes the firewall.
    CallIptables,
    /// The same of IPv6.
    CallIp6tables,
    /// The same of ARP.
    CallArptables,
}

/// The settings by the names that `ip link` and the kernel's files have for them, in the order in which the kernel
/// heeds them.
pub const SETTINGS: [(&str, Setting); 11] = [
    ("forward_delay", Setting::ForwardDelay),
    ("hello_time", Setting::HelloTime),
    ("max_age", Setting::MaxAge),
    ("ageing_time", Setting::AgeingTime),
    ("stp_state", Setting::StpState),
    ("priority", Setting::Priority),
    ("vlan_filtering", Setting::VlanFiltering),
    ("vlan_default_pvid", Setting::DefaultPvid),
    ("nf_call_iptables", Setting::CallIptables),
    ("nf_call_ip6tables", Setting::CallIp6tables),
    ("nf_call_arptables", Setting::CallArptables),
];

impl Bridge {
    /// What a setting stands at.
    #[must_use]
    pub fn setting(&self, setting: Setting) -> u64 {
        let (own, _) = self.tree.times();
        match setting {
            Setting::ForwardDelay => hundredths(own.forward_delay),
            Setting::HelloTime => hundredths(own.hello),
            Setting::MaxAge => hundredths(own.max_age),
            Setting::AgeingTime => hundredths(self.ageing()),
            Setting::StpState => u64::from(self.tree.is_on()),
            Setting::Priority => u64::from(self.tree.id().priority),
            Setting::VlanFiltering => u64::from(self.filtering),
            Setting::DefaultPvid => u64::from(self.default_pvid.unwrap_or(0)),
            Setting::CallIptables => u64::from(self.calls[0]),
            Setting::CallIp6tables => u64::from(self.calls[1]),
            Setting::CallArptables => u64::from(self.calls[2]),
        }
    }

    /// Sets something.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn set(&mut self, setting: Setting, value: u64, now: Instant) -> Result<(), OutOfRange> {
        let (own, _) = self.tree.times();
        let is_on = self.tree.is_on();
        let within =
            |from: u64, to: u64| (from * 100..=to * 100).contains(&value).then(|| time(value)).ok_or(OutOfRange);
        match setting {
            Setting::ForwardDelay => {
                let forward_delay = if is_on { within(2, 30)? } else { time(value) };
                self.tell_tree(|tree| tree.set_times(Times { forward_delay, ..own }));
            }
            Setting::HelloTime => {
                let hello = within(1, 10)?;
                self.tell_tree(|tree| tree.set_times(Times { hello, ..own }));
            }
            Setting::MaxAge => {
                let max_age = within(6, 40)?;
                self.tell_tree(|tree| tree.set_times(Times { max_age, ..own }));
            }
            Setting::AgeingTime => self.set_ageing(time(value)),
            Setting::StpState => self.set_spanning(value != 0, own, now),
            Setting::Priority => {
                let priority = u16::try_from(value).map_err(|_| OutOfRange)?;
                self.tell_tree(|tree| tree.set_priority(priority, now));
            }
            Setting::VlanFiltering => self.set_filtering(value != 0),
            Setting::DefaultPvid if value < 4095 => {
                self.set_default_pvid(u16::try_from(value).ok().filter(|id| *id != 0));
            }
            Setting::DefaultPvid => return Err(OutOfRange),
            Setting::CallIptables => self.set_call(0, value != 0),
            Setting::CallIp6tables => self.set_call(1, value != 0),
            Setting::CallArptables => self.set_call(2, value != 0),
        }
        Ok(())
    }

    /// A tree that begins has a delay that is neither too short nor too long for it.
    fn set_spanning(&mut self, on: bool, own: Times, now: Instant) {
        if on {
            let forward_delay = own.forward_delay.clamp(Duration::from_secs(2), Duration::from_secs(30));
            self.tell_tree(|tree| tree.set_times(Times { forward_delay, ..own }));
        }
        self.tell_tree(|tree| tree.set_on(on, now));
    }
}

/// What a port can be switched to.
pub type Switch = fn(&mut PortSettings) -> &mut bool;

/// The switches of a port by the names that `bridge link` and the kernel's files have for them.
pub const SWITCHES: [(&str, &str, Switch); 12] = [
    ("hairpin", "hairpin_mode", |s| &mut s.hairpin),
    ("guard", "bpdu_guard", |s| &mut s.guard),
    ("root_block", "root_block", |s| &mut s.root_block),
    ("fastleave", "multicast_fast_leave", |s| &mut s.fast_leave),
    ("learning", "learning", |s| &mut s.learning),
    ("flood", "unicast_flood", |s| &mut s.flood),
    ("mcast_flood", "multicast_flood", |s| &mut s.mcast_flood),
    ("bcast_flood", "broadcast_flood", |s| &mut s.bcast_flood),
    ("mcast_to_unicast", "multicast_to_unicast", |s| &mut s.mcast_to_unicast),
    ("neigh_suppress", "neigh_suppress", |s| &mut s.neigh_suppress),
    ("isolated", "isolated", |s| &mut s.isolated),
    ("locked", "locked", |s| &mut s.locked),
];

impl Bridge {
    /// Switches something of a port.
    pub fn switch_port(&mut self, port: IfIndex, switch: Switch, on: bool, now: Instant) {
        self.change_port(port, |port| *switch(&mut port.settings) = on);
        let may_lead = self.port(port).is_some_and(|port| !port.settings.root_block);
        self.tell_tree(|tree| tree.set_may_lead(port, may_lead, now));
    }

    /// Sets what a way through a port costs.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn set_port_cost(&mut self, port: IfIndex, cost: u32, now: Instant) -> Result<(), OutOfRange> {
        if !(1..=65535).contains(&cost) {
            return Err(OutOfRange);
        }
        self.tell_tree(|tree| tree.set_cost(port, cost, now));
        Ok(())
    }

    /// Sets the priority of a port.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn set_port_priority(&mut self, port: IfIndex, priority: u64, now: Instant) -> Result<(), OutOfRange> {
        let priority = u8::try_from(priority).ok().filter(|p| *p < 64).ok_or(OutOfRange)?;
        self.tell_tree(|tree| tree.set_port_priority(port, priority, now));
        Ok(())
    }
}

fn hundredths(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX)
}

const fn time(hundredths: u64) -> Duration {
    Duration::from_millis(hundredths.saturating_mul(10))
}

/// What is left of a time in hundredths of a second; 0 when nothing is to come.
#[must_use]
pub fn left(timer: Option<Instant>, now: Instant) -> u64 {
    timer.map_or(0, |at| hundredths(at.since(now)))
}
