//! Walls between places: what comes from some is dropped by others before anything else looks at it, by rules of the raw
//! table with a comment that says whose they are.

use core::net::IpAddr;

use netyard_sim::addr::Family;
use netyard_sim::device::Scope;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::filter::{Rule, TableKind};

use super::Site;

/// What the comment of such a rule begins with.
const MARK: &str = "netyard impair: from ";
/// Where they stand.
const CHAIN: &str = "PREROUTING";

impl Site {
    /// Keeps two sets of places apart, both ways.
    pub(super) fn set_apart(&mut self, places: &str, others: &str) -> Result<(), String> {
        let walls = [self.wall(places, others, &[])?, self.wall(others, places, &[])?];
        walls.into_iter().flatten().for_each(|brick| self.lay(brick));
        Ok(())
    }

    /// What some send to others, and what matches fit, is dropped.
    pub(super) fn blackhole(&mut self, from: &str, to: &str, matches: &[&str]) -> Result<(), String> {
        let wall = self.wall(from, to, matches)?;
        wall.into_iter().for_each(|brick| self.lay(brick));
        Ok(())
    }

    /// The rules of a wall: for each address of those who send, one at each who receives.
    fn wall(&self, from: &str, to: &str, matches: &[&str]) -> Result<Vec<(NamespaceId, Family, Rule)>, String> {
        let receivers = to.split(',').map(|place| self.namespace_called(place)).collect::<Result<Vec<_>, _>>()?;
        let mut bricks = Vec::new();
        for place in from.split(',') {
            for addr in self.addresses_of(self.namespace_called(place)?) {
                let family = Family::of(addr);
                let matches = matches.join(" ");
                let text = format!("-s {addr} {matches} -m comment --comment \"{MARK}{place}\" -j DROP");
                let rule = Rule::parse_for(family, &text).map_err(|error| format!("{error}\n"))?;
                bricks.extend(receivers.iter().map(|receiver| (*receiver, family, rule.clone())));
            }
        }
        Ok(bricks)
    }

    fn lay(&mut self, (at, family, rule): (NamespaceId, Family, Rule)) {
        let ruleset = self.world.fabric.namespace_mut(at).netfilter.rules_mut(family);
        if !ruleset.contains(TableKind::Raw, CHAIN, &rule) {
            let laid = ruleset.append(TableKind::Raw, CHAIN, rule);
            debug_assert!(laid.is_ok(), "the raw table has a chain for what comes in");
        }
    }

    /// The addresses by which a namespace speaks to others.
    fn addresses_of(&self, namespace: NamespaceId) -> Vec<IpAddr> {
        let devices = self.world.fabric.namespace(namespace).devices.values();
        let addresses = devices.flat_map(|device| &device.addresses).filter(|address| address.scope == Scope::GLOBAL);
        addresses.map(|address| address.net.ip()).collect()
    }

    /// The walls that stand, a line for each rule: those before a place, or all.
    pub(super) fn walls(&self, place: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, namespace) in self.world.fabric.namespaces() {
            let name = self.name_of_namespace(id);
            if place.is_some_and(|place| place != name) {
                continue;
            }
            for family in [Family::V4, Family::V6] {
                let rules = namespace.netfilter.rules(family);
                lines.extend(own_rules(rules).iter().map(|rule| format!("{name}: -A {CHAIN} {rule}\n")));
            }
        }
        lines
    }

    /// Takes down the walls that keep some from others.
    pub(super) fn tear_down_between(&mut self, from: &str, to: &str) -> Result<(), String> {
        let receivers = to.split(',').map(|place| self.namespace_called(place)).collect::<Result<Vec<_>, _>>()?;
        for receiver in receivers {
            for place in from.split(',') {
                self.take_rules(receiver, |rule| rule.to_string().contains(&format!("\"{MARK}{place}\"")));
            }
        }
        Ok(())
    }

    fn take_rules(&mut self, at: NamespaceId, is_meant: impl Fn(&Rule) -> bool) {
        for family in [Family::V4, Family::V6] {
            let ruleset = self.world.fabric.namespace_mut(at).netfilter.rules_mut(family);
            for rule in own_rules(ruleset).into_iter().filter(&is_meant) {
                let gone = ruleset.delete(TableKind::Raw, CHAIN, &rule);
                debug_assert!(gone.is_ok(), "it was just found");
            }
        }
    }

    /// Takes down the walls before a place and those against it, or all.
    pub(super) fn tear_down(&mut self, place: Option<&str>) {
        let ids: Vec<(NamespaceId, String)> =
            self.world.fabric.namespaces().map(|(id, _)| (id, self.name_of_namespace(id))).collect();
        for (id, name) in ids {
            self.take_rules(id, |rule| {
                place.is_none_or(|place| place == name || rule.to_string().contains(&format!("\"{MARK}{place}\"")))
            });
        }
    }
}

/// The rules of walls in a rule set.
fn own_rules(rules: &netyard_sim::filter::Ruleset) -> Vec<Rule> {
    let chain = rules.table(TableKind::Raw).and_then(|table| table.chain(CHAIN));
    let rules = chain.into_iter().flat_map(|chain| chain.rules()).map(|installed| installed.rule.clone());
    rules.filter(|rule| rule.to_string().contains(MARK)).collect()
}
