//! `type bridge`: the words that set a bridge, and what `ip -d link` says of one. Bridges themselves are
//! `crate::bridge`.

use super::detail::Details;
use super::{Error, Refusal, Words, usage};
use crate::bridge::Bridge;
use crate::bridge::bpdu::BridgeId;
use crate::bridge::setting::{SETTINGS, SWITCHES, Setting, left};
use crate::device::IfIndex;
use crate::time::Instant;

/// What is said to a word that sets nothing.
pub(super) fn unknown(word: &str) -> String {
    if word == "help" {
        return usage::of_type("bridge").unwrap_or_default().to_owned();
    }
    format!("bridge: unknown command \"{word}\"?\n{}", usage::of_type("bridge").unwrap_or_default())
}

/// Settings of the kernel's bridges that bridges here do not have.
const UNKNOWN: [&str; 17] = [
    "group_fwd_mask",
    "group_address",
    "no_linklocal_learn",
    "fdb_max_learned",
    "vlan_protocol",
    "vlan_stats_enabled",
    "vlan_stats_per_port",
    "mcast_snooping",
    "mcast_vlan_snooping",
    "mcast_router",
    "mcast_query_use_ifaddr",
    "mcast_querier",
    "mcast_hash_elasticity",
    "mcast_hash_max",
    "mcast_stats_enabled",
    "mcast_igmp_version",
    "mcast_mld_version",
];

/// What a value of a setting must be, as iproute2 says it of one that is not.
const fn wrong(setting: Setting) -> &'static str {
    match setting {
        Setting::ForwardDelay => "invalid forward_delay",
        Setting::HelloTime => "invalid hello_time",
        Setting::MaxAge => "invalid max_age",
        Setting::AgeingTime => "invalid ageing_time",
        Setting::StpState => "invalid stp_state",
        Setting::Priority => "invalid priority",
        Setting::VlanFiltering => "invalid vlan_filtering",
        Setting::DefaultPvid => "invalid vlan_default_pvid",
        Setting::CallIptables => "invalid nf_call_iptables",
        Setting::CallIp6tables => "invalid nf_call_ip6tables",
        Setting::CallArptables => "invalid nf_call_arptables",
    }
}

/// What a setting holds at most.
const fn most(setting: Setting) -> u64 {
    match setting {
        Setting::Priority | Setting::DefaultPvid => u16::MAX as u64,
        Setting::VlanFiltering | Setting::CallIptables | Setting::CallIp6tables | Setting::CallArptables => {
            u8::MAX as u64
        }
        _ => u32::MAX as u64,
    }
}

/// What shall be set.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wish(Vec<(Setting, u64)>);

impl Wish {
    /// Reads what follows `type bridge`.
    pub(super) fn parse(mut words: Words) -> Result<Self, Error> {
        let mut wish = Self::default();
        while let Some(word) = words.take_next() {
            let Some((_, setting)) = SETTINGS.iter().find(|(name, _)| *name == word) else {
                // The kernel has settings that nothing here goes by.
                return Err(if UNKNOWN.contains(&word.as_str()) {
                    Refusal::NotSupported.into()
                } else {
                    Error::NoBridgeSetting(word)
                });
            };
            let value = words.value()?;
            let number = value.parse().ok().filter(|number| *number <= most(*setting));
            wish.0.push((*setting, number.ok_or_else(|| Error::Invalid { word: value, why: wrong(*setting) })?));
        }
        Ok(wish)
    }

    /// Sets it, in the kernel's order: what comes first stays when a later one is refused.
    pub(super) fn apply(&self, bridge: &mut Bridge, now: Instant) -> Result<(), Refusal> {
        for (_, setting) in SETTINGS {
            if let Some((_, value)) = self.0.iter().rfind(|(asked, _)| *asked == setting) {
                bridge.set(setting, *value, now).map_err(|_| match setting {
                    Setting::DefaultPvid => Refusal::Invalid,
                    _ => Refusal::OutOfRange,
                })?;
            }
        }
        Ok(())
    }
}

/// A bridge in the tree, as iproute2 prints it: the bytes of the address without a leading nought.
fn identifier(id: BridgeId) -> String {
    let [a, b, c, d, e, f] = id.mac.0;
    format!("{:04x}.{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}", id.priority)
}

/// What `-d` says of a bridge, in the order in which the kernel sends it. Of VLANs it speaks while the bridge looks at
/// them: the kernel that was asked was built without.
pub(super) fn particulars(bridge: &Bridge, now: Instant) -> Details {
    let (tree, at) = (bridge.tree(), |setting| bridge.setting(setting));
    let mut said = Details::default();
    for (name, setting) in &SETTINGS[..7] {
        said.named(name, at(*setting));
    }
    if bridge.is_filtering() {
        said.named("vlan_protocol", "802.1Q");
    }
    said.named("bridge_id", identifier(tree.id()));
    said.renamed("designated_root", "root_id", identifier(tree.root()));
    said.named("root_port", tree.root_port());
    said.named("root_path_cost", tree.root_cost());
    let (change, detected) = tree.changes();
    said.named("topology_change", u8::from(change));
    said.named("topology_change_detected", u8::from(detected));
    let timers = ["hello_timer", "tcn_timer", "topology_change_timer"].into_iter().zip(tree.timers());
    for (name, timer) in timers.chain([("gc_timer", None)]) {
        said.timer(name, left(timer, now));
    }
    if bridge.is_filtering() {
        said.named("vlan_default_pvid", at(Setting::DefaultPvid));
        said.named("vlan_stats_enabled", 0u8);
        said.named("vlan_stats_per_port", 0u8);
    }
    said.named("group_fwd_mask", "0");
    said.renamed("group_address", "group_addr", "01:80:c2:00:00:00");
    for (name, key, value) in FIXED {
        said.renamed(name, key, value);
    }
    for (name, setting) in &SETTINGS[8..] {
        said.named(name, at(*setting));
    }
    said
}

/// What of a bridge cannot be changed here, as Linux has it from the beginning, with the names that programs know.
const FIXED: [(&str, &str, u32); 19] = [
    ("mcast_snooping", "mcast_snooping", 1),
    ("no_linklocal_learn", "no_linklocal_learn", 0),
    ("mcast_vlan_snooping", "mcast_vlan_snooping", 0),
    ("mcast_router", "mcast_router", 1),
    ("mcast_query_use_ifaddr", "mcast_query_use_ifaddr", 0),
    ("mcast_querier", "mcast_querier", 0),
    ("mcast_hash_elasticity", "mcast_hash_elasticity", 16),
    ("mcast_hash_max", "mcast_hash_max", 4096),
    ("mcast_last_member_count", "mcast_last_member_cnt", 2),
    ("mcast_startup_query_count", "mcast_startup_query_cnt", 2),
    ("mcast_last_member_interval", "mcast_last_member_intvl", 100),
    ("mcast_membership_interval", "mcast_membership_intvl", 26000),
    ("mcast_querier_interval", "mcast_querier_intvl", 25500),
    ("mcast_query_interval", "mcast_query_intvl", 12500),
    ("mcast_query_response_interval", "mcast_query_response_intvl", 1000),
    ("mcast_startup_query_interval", "mcast_startup_query_intvl", 3124),
    ("mcast_stats_enabled", "mcast_stats_enabled", 0),
    ("mcast_igmp_version", "mcast_igmp_version", 2),
    ("mcast_mld_version", "mcast_mld_version", 1),
];

/// What `-d` says of a bridge's port, after `bridge_slave`.
pub(super) fn of_port(bridge: &Bridge, port: IfIndex, now: Instant) -> Option<Details> {
    let (known, mut settings) = (bridge.tree().port(port)?, bridge.port(port)?.settings);
    let mut is_on = |name: &str| SWITCHES.iter().any(|(known, _, switch)| *known == name && *switch(&mut settings));
    let mut said = Details::default();
    said.named("state", known.state.name());
    said.named("priority", known.priority);
    said.named("cost", known.cost);
    for name in ["hairpin", "guard", "root_block", "fastleave", "learning", "flood"] {
        said.switch(name, is_on(name));
    }
    said.renamed("port_id", "id", format!("{:#x}", known.id));
    said.renamed("port_no", "no", format!("{:#x}", known.number));
    said.named("designated_port", known.designated_port);
    said.named("designated_cost", known.designated_cost);
    said.renamed("designated_bridge", "bridge_id", identifier(known.bridge));
    said.renamed("designated_root", "root_id", identifier(known.root));
    said.timer("hold_timer", left(known.hold, now));
    said.timer("message_age_timer", left(known.message_age, now));
    said.timer("forward_delay_timer", left(known.forward_delay, now));
    said.named("topology_change_ack", u8::from(known.acknowledges));
    said.named("config_pending", u8::from(known.pending));
    said.switch("proxy_arp", false);
    said.switch("proxy_arp_wifi", false);
    said.renamed("mcast_router", "multicast_router", 1u8);
    said.spoken(if is_on("fastleave") { "mcast_fast_leave on " } else { "mcast_fast_leave off " });
    for name in ["mcast_flood", "bcast_flood", "mcast_to_unicast", "neigh_suppress"] {
        said.switch(name, is_on(name));
    }
    said.named("group_fwd_mask", "0");
    said.named("group_fwd_mask_str", "0x0");
    for name in ["vlan_tunnel", "isolated", "locked"] {
        said.switch(name, is_on(name));
    }
    Some(said)
}
