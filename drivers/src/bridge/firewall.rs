//! The iptables rules of bridge networks, in the order in which the engine makes them (oracle fact 55 and
//! transcripts/01-states): those of a new network go to the front, and the jumps to `DOCKER-USER` and the isolation
//! chain to the front of all. It says which rules there are; what they do to packets is the simulated netfilter's work.

use netyard_sim::addr::{IpNetwork, network_of};
use netyard_sim::filter::{Policy, Rule, Ruleset, TableKind};

use crate::daemon::{Config, Firewall};
use crate::driver::Ground;
use crate::error::{Error, PublishFailure};
use crate::options::{Icc, Masquerade};
use crate::ports::PortBinding;

const FORWARD: &str = "FORWARD";
const POSTROUTING: &str = "POSTROUTING";
const DOCKER: &str = "DOCKER";
const STAGE_1: &str = "DOCKER-ISOLATION-STAGE-1";
const STAGE_2: &str = "DOCKER-ISOLATION-STAGE-2";
const USER: &str = "DOCKER-USER";

/// How far a network reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// Not beyond its bridge.
    Internal,
    /// Everywhere but the other bridges, with the host's address or not.
    Outside(Masquerade),
}

/// What decides the rules of one network.
#[derive(Clone, Debug)]
pub(super) struct Walls {
    /// Its bridge.
    pub(super) bridge: String,
    /// Its subnets; only IPv4 has rules in this engine.
    pub(super) subnets: Vec<IpNetwork>,
    /// How far it reaches.
    pub(super) reach: Reach,
    /// Whether its containers talk to each other.
    pub(super) icc: Icc,
    /// Whether its bridge leads packets back to where they came from.
    pub(super) hairpin: Hairpin,
}

/// Whether a container's own bridge may lead its packets back to it: it must where no `docker-proxy` does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hairpin {
    Off,
    On,
}

/// Where a rule goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    Front,
    End,
}

/// One rule: table, chain, place and text.
type Step = (TableKind, &'static str, At, String);

impl Walls {
    /// Whether the engine's chains stand, which users can remove.
    ///
    /// # Errors
    /// `NoChain`, for the first rule that has nowhere to go.
    pub(super) fn check(&self, ground: &Ground<'_>) -> Result<(), Error> {
        let rules = &ground.fabric.namespace(ground.host).netfilter.v4;
        let stands = |table: TableKind, chain: &str| {
            table.hooks().iter().any(|hook| hook.chain() == chain)
                || rules.table(table).is_some_and(|table| table.chain(chain).is_some())
        };
        for (table, chain, at, text) in self.steps() {
            let target = text.rsplit(' ').next().unwrap_or_default();
            let jumps = [DOCKER, STAGE_1, STAGE_2].contains(&target);
            if !stands(table, chain) || (jumps && !stands(table, target)) {
                let verb = if at == At::Front { "-I" } else { "-A" };
                return Err(Error::NoChain(format!("-t {} {verb} {chain} {text}", table.name())));
            }
        }
        Ok(())
    }

    /// Makes the rules.
    pub(super) fn raise(&self, ground: &mut Ground<'_>) {
        let rules = ruleset(ground);
        for (table, chain, at, text) in self.steps() {
            match at {
                At::Front => insert(rules, table, chain, &text),
                At::End => append(rules, table, chain, &text),
            }
        }
        move_jumps_to_front(rules);
    }

    /// Makes those that are missing: an engine that starts again flushes its own chains, not those of Linux.
    pub(super) fn restore(&self, ground: &mut Ground<'_>) {
        let rules = ruleset(ground);
        for (table, chain, at, text) in self.steps() {
            if rules.contains(table, chain, &parse(&text)) {
                continue;
            }
            match at {
                At::Front => insert(rules, table, chain, &text),
                At::End => append(rules, table, chain, &text),
            }
        }
        move_jumps_to_front(rules);
    }

    /// Removes them. One that the user removed already is missed by nobody.
    pub(super) fn tear_down(&self, ground: &mut Ground<'_>) {
        let rules = ruleset(ground);
        for (table, chain, _, text) in self.steps() {
            let _ = rules.delete(table, chain, &parse(&text));
        }
    }

    /// The rules in the order of making: since each goes to the front, the last is the first of its chain.
    fn steps(&self) -> Vec<Step> {
        let subnets = self.subnets.iter().filter(|net| net.is_ipv4()).map(|net| network_of(*net));
        let mut steps = Vec::new();
        for net in subnets {
            match self.reach {
                Reach::Internal => steps.extend(self.internal(net)),
                Reach::Outside(masquerade) => steps.extend(self.masquerade(net, masquerade)),
            }
        }
        steps.push(self.within());
        if matches!(self.reach, Reach::Outside(_)) {
            steps.extend(self.outside());
        }
        steps
    }

    /// Who is masqueraded also skips the rules of published ports (02 "enable_ip_masquerade=false").
    fn masquerade(&self, net: IpNetwork, masquerade: Masquerade) -> Vec<Step> {
        let br = &self.bridge;
        let nat = |chain, text| (TableKind::Nat, chain, At::Front, text);
        let outward =
            (masquerade == Masquerade::On).then(|| nat(POSTROUTING, format!("-s {net} ! -o {br} -j MASQUERADE")));
        let back = match self.hairpin {
            Hairpin::On => Some(nat(POSTROUTING, format!("-o {br} -m addrtype --src-type LOCAL -j MASQUERADE"))),
            Hairpin::Off => outward.is_some().then(|| nat(DOCKER, format!("-i {br} -j RETURN"))),
        };
        outward.into_iter().chain(back).collect()
    }

    fn internal(&self, net: IpNetwork) -> [Step; 2] {
        let br = &self.bridge;
        [format!("! -d {net} -i {br} -j DROP"), format!("! -s {net} -o {br} -j DROP")]
            .map(|text| (TableKind::Filter, STAGE_1, At::Front, text))
    }

    /// Between containers of the network. The refusal goes to the end (fact 55).
    fn within(&self) -> Step {
        let br = &self.bridge;
        match self.icc {
            Icc::On => (TableKind::Filter, FORWARD, At::Front, format!("-i {br} -o {br} -j ACCEPT")),
            Icc::Off => (TableKind::Filter, FORWARD, At::End, format!("-i {br} -o {br} -j DROP")),
        }
    }

    /// Out of the network and back, and not into another bridge.
    fn outside(&self) -> [Step; 5] {
        let br = &self.bridge;
        let forward = |text: String| (TableKind::Filter, FORWARD, At::Front, text);
        [
            forward(format!("-i {br} ! -o {br} -j ACCEPT")),
            forward(format!("-o {br} -j DOCKER")),
            forward(format!("-o {br} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")),
            (TableKind::Filter, STAGE_1, At::Front, format!("-i {br} ! -o {br} -j {STAGE_2}")),
            (TableKind::Filter, STAGE_2, At::Front, format!("-o {br} -j DROP")),
        ]
    }
}

/// The rules of one published port. Only IPv4 has some in this engine.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) bridge: String,
    pub(super) binding: PortBinding,
    pub(super) hairpin: Hairpin,
}

impl Opening {
    /// Makes the rules. One that stands already serves this port too.
    ///
    /// # Errors
    /// Somebody removed the engine's chains; none of the rules is left then.
    pub(super) fn open(&self, ground: &mut Ground<'_>) -> Result<(), PublishFailure> {
        for (table, chain, text) in self.rules() {
            let (rules, rule) = (ruleset(ground), self.parse(&text));
            if !rules.contains(table, chain, &rule) && rules.append(table, chain, rule).is_err() {
                self.close(ground);
                return Err(PublishFailure::NoChain(format!("-t {} -A {chain} {text}", table.name())));
            }
        }
        Ok(())
    }

    /// Removes them.
    pub(super) fn close(&self, ground: &mut Ground<'_>) {
        let rules = ruleset(ground);
        for (table, chain, text) in self.rules() {
            let _ = rules.delete(table, chain, &self.parse(&text));
        }
    }

    /// A rule out of the words that the engine gives to iptables, which knows the match that a protocol brings.
    fn parse(&self, text: &str) -> Rule {
        let dport = format!("-m {} --dport", self.binding.port.protocol);
        parse(&text.replace(" -d 0/0", "").replace("--dport", &dport))
    }

    /// The rules as the engine gives them to iptables.
    fn rules(&self) -> Vec<(TableKind, &'static str, String)> {
        let PortBinding { port, container, host } = self.binding;
        if !host.is_ipv4() {
            return Vec::new();
        }
        let (br, protocol) = (&self.bridge, port.protocol);
        let dst = if host.ip().is_unspecified() { "0/0".to_owned() } else { host.ip().to_string() };
        let outside = if self.hairpin == Hairpin::On { String::new() } else { format!(" ! -i {br}") };
        let (from, to, number) = (host.port(), container.ip(), container.port());
        let dnat = format!("-p {protocol} -d {dst} --dport {from} -j DNAT --to-destination {container}{outside}");
        let accept = format!("! -i {br} -o {br} -p {protocol} -d {to} --dport {number} -j ACCEPT");
        let masquerade = format!("-p {protocol} -s {to} -d {to} --dport {number} -j MASQUERADE");
        vec![
            (TableKind::Nat, DOCKER, dnat),
            (TableKind::Filter, DOCKER, accept),
            (TableKind::Nat, POSTROUTING, masquerade),
        ]
    }
}

/// What an engine does to the firewall when it starts: its chains, empty, the jumps to them, forwarding on and FORWARD
/// closed (fact 56). The rules of users, and those in Linux's own chains, stay.
pub(super) fn prepare(ground: &mut Ground<'_>, config: &Config) {
    let host = ground.fabric.namespace_mut(ground.host);
    let forwarded_before = host.forwards_ipv4();
    if config.ip_forward && !forwarded_before {
        host.set_ipv4_forward(1);
    }
    host.sysctl.bridge_nf_call = true;
    if config.firewall == Firewall::Untouched {
        return;
    }
    let rules = ruleset(ground);
    if config.ip_forward && !forwarded_before {
        rules.set_policy(TableKind::Filter, FORWARD, Policy::Drop).expect("FORWARD is a chain of every firewall");
    }
    let own = [(TableKind::Nat, DOCKER), (TableKind::Filter, DOCKER), (TableKind::Filter, STAGE_1)];
    for (table, chain) in own.into_iter().chain([(TableKind::Filter, STAGE_2)]) {
        // A chain that stands from another start is emptied; one that does not is made.
        let _ = rules.new_chain(table, chain);
        rules.flush(table, Some(chain)).expect("the chain stands now");
    }
    let _ = rules.new_chain(TableKind::Filter, USER);
    publish_to_local(rules, config.userland_proxy);
    for chain in [STAGE_1, STAGE_2] {
        append(rules, TableKind::Filter, chain, "-j RETURN");
    }
    if !rules.contains(TableKind::Filter, USER, &parse("-j RETURN")) {
        append(rules, TableKind::Filter, USER, "-j RETURN");
    }
    move_jumps_to_front(rules);
}

/// What is meant for the host itself goes through `DOCKER`; with a `docker-proxy`, loopback is its affair.
fn publish_to_local(rules: &mut Ruleset, userland_proxy: bool) {
    const JUMP: &str = "-m addrtype --dst-type LOCAL -j DOCKER";
    let beyond_loopback = format!("! -d 127.0.0.0/8 {JUMP}");
    for (chain, text) in [("PREROUTING", JUMP), ("OUTPUT", JUMP), ("OUTPUT", &beyond_loopback)] {
        let _ = rules.delete(TableKind::Nat, chain, &parse(text));
    }
    append(rules, TableKind::Nat, "PREROUTING", JUMP);
    append(rules, TableKind::Nat, "OUTPUT", if userland_proxy { &beyond_loopback } else { JUMP });
}

/// The engine takes its two jumps out and puts them back in front whenever it has made a network.
fn move_jumps_to_front(rules: &mut Ruleset) {
    for chain in [STAGE_1, USER] {
        let jump = format!("-j {chain}");
        let _ = rules.delete(TableKind::Filter, FORWARD, &parse(&jump));
        insert(rules, TableKind::Filter, FORWARD, &jump);
    }
}

fn ruleset<'a>(ground: &'a mut Ground<'_>) -> &'a mut Ruleset {
    &mut ground.fabric.namespace_mut(ground.host).netfilter.v4
}

fn insert(rules: &mut Ruleset, table: TableKind, chain: &str, text: &str) {
    rules.insert(table, chain, 1, parse(text)).expect("the chain stands");
}

fn append(rules: &mut Ruleset, table: TableKind, chain: &str, text: &str) {
    rules.append(table, chain, parse(text)).expect("the chain stands");
}

fn parse(text: &str) -> Rule {
    Rule::parse(text).expect("the engine's own rules are well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walls(bridge: &str, net: &str) -> Walls {
        Walls {
            bridge: bridge.to_owned(),
            subnets: vec![net.parse().unwrap()],
            reach: Reach::Outside(Masquerade::On),
            icc: Icc::On,
            hairpin: Hairpin::Off,
        }
    }

    /// The rules of a chain when these networks were made one after the other, as iptables-save prints them.
    fn chain(networks: &[Walls], table: TableKind, chain: &str) -> Vec<String> {
        let mut rules = Vec::new();
        for (_, _, at, text) in networks.iter().flat_map(Walls::steps).filter(|s| s.0 == table && s.1 == chain) {
            match at {
                At::Front => rules.insert(0, text),
                At::End => rules.push(text),
            }
        }
        rules
    }

    #[test]
    fn a_new_networks_rules_stand_before_those_of_the_old() {
        let networks = [walls("docker0", "172.17.0.0/16"), walls("br-a57cb390f472", "172.26.0.0/24")];
        assert_eq!(
            chain(&networks, TableKind::Filter, FORWARD),
            [
                "-o br-a57cb390f472 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-o br-a57cb390f472 -j DOCKER",
                "-i br-a57cb390f472 ! -o br-a57cb390f472 -j ACCEPT",
                "-i br-a57cb390f472 -o br-a57cb390f472 -j ACCEPT",
                "-o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-o docker0 -j DOCKER",
                "-i docker0 ! -o docker0 -j ACCEPT",
                "-i docker0 -o docker0 -j ACCEPT",
            ]
        );
        assert_eq!(
            chain(&networks, TableKind::Nat, POSTROUTING),
            ["-s 172.26.0.0/24 ! -o br-a57cb390f472 -j MASQUERADE", "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"]
        );
        assert_eq!(chain(&networks, TableKind::Filter, STAGE_2), ["-o br-a57cb390f472 -j DROP", "-o docker0 -j DROP"]);
    }

    #[test]
    fn without_proxies_the_hosts_own_packets_are_masqueraded() {
        let network = [Walls { hairpin: Hairpin::On, ..walls("docker0", "172.17.0.0/16") }];
        assert_eq!(
            chain(&network, TableKind::Nat, POSTROUTING),
            ["-o docker0 -m addrtype --src-type LOCAL -j MASQUERADE", "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"]
        );
        assert_eq!(chain(&network, TableKind::Nat, DOCKER), [""; 0]);
    }

    #[test]
    fn an_internal_network_has_two_walls_and_no_way_out() {
        let network = [Walls { reach: Reach::Internal, ..walls("br-3c55825cc174", "172.29.0.0/24") }];
        assert_eq!(
            chain(&network, TableKind::Filter, STAGE_1),
            ["! -s 172.29.0.0/24 -o br-3c55825cc174 -j DROP", "! -d 172.29.0.0/24 -i br-3c55825cc174 -j DROP"]
        );
        assert_eq!(chain(&network, TableKind::Filter, FORWARD), ["-i br-3c55825cc174 -o br-3c55825cc174 -j ACCEPT"]);
        assert_eq!(chain(&network, TableKind::Nat, POSTROUTING), [""; 0]);
    }

    #[test]
    fn without_icc_the_refusal_stands_at_the_end() {
        let networks =
            [walls("docker0", "172.17.0.0/16"), Walls { icc: Icc::Off, ..walls("br-e1557fa5b322", "10.9.9.77/24") }];
        let forward = chain(&networks, TableKind::Filter, FORWARD);
        assert_eq!(forward.last().map(String::as_str), Some("-i br-e1557fa5b322 -o br-e1557fa5b322 -j DROP"));
        assert_eq!(
            chain(&networks, TableKind::Nat, POSTROUTING)[0],
            "-s 10.9.9.0/24 ! -o br-e1557fa5b322 -j MASQUERADE",
            "rules name the network, not the address that was written"
        );
    }
}
