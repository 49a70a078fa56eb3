//! What Linux says: command lines with what they printed in a namespace of a real kernel, written down by `record` in
//! `recorded/`, and typed here again. An empty line is written as a dot, an exit code that is not 0 as `? CODE`.

use netyard_sim::userland::Flavour;

use super::machine::{Machine, masked};

/// Types all lines of a record in a new machine, and holds what they print against it.
fn replay(record: &str) {
    let mut host = Machine::asleep(Flavour::Host);
    let mut typed = String::new();
    for line in record.lines().filter(|line| line.starts_with(['#', '$'])) {
        typed += line;
        typed.push('\n');
        let Some(line) = line.strip_prefix("$ ") else { continue };
        let (said, code) = host.run(&format!("sh -c '{line}'"));
        said.lines().for_each(|line| typed += &format!("{}\n", if line.is_empty() { "." } else { line }));
        if code != 0 {
            typed += &format!("? {code}\n");
        }
    }
    compare(&masked(&typed), &masked(record));
}

/// Says which commands said something else, all of them.
fn compare(ours: &str, theirs: &str) {
    let (ours, theirs) = (blocks(ours), blocks(theirs));
    assert_eq!(ours.len(), theirs.len());
    let differs = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs);
    let wrong: String = differs.map(|(ours, theirs)| format!("--- Linux\n{theirs}+++ here\n{ours}\n")).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// The lines from each command to the next.
fn blocks(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(['$', '#']) || all.is_empty() {
            all.push(String::new());
        }
        let last = all.last_mut().expect("it was just pushed");
        *last += line;
        last.push('\n');
    }
    all
}

#[test]
fn links() {
    replay(include_str!("recorded/links.txt"));
}

#[test]
fn ifconfig() {
    replay(include_str!("recorded/ifconfig.txt"));
}

#[test]
fn flags() {
    replay(include_str!("recorded/flags.txt"));
}

#[test]
fn routes() {
    replay(include_str!("recorded/routes.txt"));
}

#[test]
fn routes_of_ipv6() {
    replay(include_str!("recorded/routes-v6.txt"));
}

#[test]
fn next_hops_with_numbers() {
    replay(include_str!("recorded/nexthops.txt"));
}

#[test]
fn next_hops_of_ipv6() {
    replay(include_str!("recorded/nexthops-v6.txt"));
}

#[test]
fn next_hops_that_are_refused() {
    replay(include_str!("recorded/nexthops-refused.txt"));
}

#[test]
fn next_hops_that_are_gone() {
    replay(include_str!("recorded/nexthops-gone.txt"));
}

#[test]
fn next_hops_and_routes_taken_away() {
    replay(include_str!("recorded/nexthops-and-routes.txt"));
}

#[test]
fn next_hops_and_what_goes_with_them() {
    replay(include_str!("recorded/nexthops-together.txt"));
}

#[test]
fn next_hops_in_a_monitor() {
    replay(include_str!("recorded/nexthops-monitored.txt"));
}

#[test]
fn next_hops_that_lead_somewhere() {
    replay(include_str!("recorded/nexthops-lead.txt"));
}

#[test]
fn routes_to_this_host() {
    replay(include_str!("recorded/routes-local.txt"));
}

#[test]
fn routes_of_ipv6_to_this_host() {
    replay(include_str!("recorded/routes-local-v6.txt"));
}

#[test]
fn routes_to_this_host_that_others_reach() {
    replay(include_str!("recorded/routes-local-reached.txt"));
}

#[test]
fn numbers_of_devices() {
    replay(include_str!("recorded/indices.txt"));
}

#[test]
fn realms_and_preferences() {
    replay(include_str!("recorded/realms.txt"));
}

#[test]
fn gateways_that_are_this_host() {
    replay(include_str!("recorded/routes-gateways-here.txt"));
}

#[test]
fn rules() {
    replay(include_str!("recorded/rules.txt"));
}

#[test]
fn rules_and_who_made_them() {
    replay(include_str!("recorded/makers-of-rules.txt"));
}

#[test]
fn ways() {
    replay(include_str!("recorded/ways.txt"));
}

#[test]
fn neighbours() {
    replay(include_str!("recorded/neighbours.txt"));
}

#[test]
fn matches_of_the_firewall() {
    replay(include_str!("recorded/matches.txt"));
}

#[test]
fn features_of_devices() {
    replay(include_str!("recorded/ethtool.txt"));
}

#[test]
fn settings_of_ipv6() {
    replay(include_str!("recorded/ipv6.txt"));
}

#[test]
fn settings() {
    replay(include_str!("recorded/sysctl.txt"));
}

#[test]
fn bridges() {
    replay(include_str!("recorded/bridge.txt"));
}

#[test]
fn bridges_of_old() {
    replay(include_str!("recorded/brctl.txt"));
}

#[test]
fn flows() {
    replay(include_str!("recorded/conntrack.txt"));
}

#[test]
fn users() {
    replay(include_str!("recorded/users.txt"));
}

#[test]
fn namespaces() {
    replay(include_str!("recorded/netns.txt"));
}

#[test]
fn addresses() {
    replay(include_str!("recorded/addresses.txt"));
}

#[test]
fn addresses_of_ipv6() {
    replay(include_str!("recorded/addresses-v6.txt"));
}

#[test]
fn routes_word_by_word() {
    replay(include_str!("recorded/route-words.txt"));
}

#[test]
fn gateways_are_looked_up_in_the_routes_own_table_first() {
    replay(include_str!("recorded/gateways.txt"));
}

#[test]
fn a_host_without_an_address_sends_all_the_same() {
    replay(include_str!("recorded/no-address.txt"));
}

#[test]
fn who_is_bound_to_a_device_sends_by_it() {
    replay(include_str!("recorded/bound.txt"));
}

#[test]
fn corners() {
    replay(include_str!("recorded/corners.txt"));
}

#[test]
fn which_address_a_packet_comes_from() {
    replay(include_str!("recorded/sources.txt"));
}

#[test]
fn routes_of_ipv6_word_by_word() {
    replay(include_str!("recorded/route-words-v6.txt"));
}

#[test]
fn kinds_of_links() {
    replay(include_str!("recorded/kinds.txt"));
}

#[test]
fn options() {
    replay(include_str!("recorded/options.txt"));
}

#[test]
fn moves() {
    replay(include_str!("recorded/moves.txt"));
}

#[test]
fn tables() {
    replay(include_str!("recorded/tables.txt"));
}

#[test]
fn chains() {
    replay(include_str!("recorded/chains.txt"));
}

#[test]
fn nat_and_restoring() {
    replay(include_str!("recorded/nat.txt"));
}

#[test]
fn tables_of_ipv6() {
    replay(include_str!("recorded/tables-v6.txt"));
}

#[test]
fn services_and_times() {
    replay(include_str!("recorded/services.txt"));
}

#[test]
fn ports_of_bridges() {
    replay(include_str!("recorded/ports.txt"));
}

#[test]
fn monitoring() {
    replay(include_str!("recorded/monitor.txt"));
}

#[test]
fn flows_by_hand() {
    replay(include_str!("recorded/conntrack-by-hand.txt"));
}

#[test]
fn switched_features() {
    replay(include_str!("recorded/offload.txt"));
}

#[test]
fn names_of_ports() {
    replay(include_str!("recorded/names-of-ports.txt"));
}

#[test]
fn sockets() {
    replay(include_str!("recorded/sockets.txt"));
}

#[test]
fn netcat() {
    replay(include_str!("recorded/nc.txt"));
}
