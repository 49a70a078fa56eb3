//! One seed, one history: the walkthrough twice with the same seed is the same to the byte, and with other seeds chance
//! decides otherwise while everything that was promised still holds.

use std::collections::BTreeSet;

use netyard::{Scenario, Settings, Verdict, play, record};

use super::host::Host;

const ALIASES: &str = include_str!("../../walkthroughs/aliases.md");

fn walkthrough() -> Scenario {
    Scenario::parse("aliases.md", ALIASES.to_owned()).expect("the file is right")
}

fn settings(seed: u64) -> Settings {
    Settings { seed, ..Settings::default() }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let scenario = walkthrough();
    let [one, two] = [(); 2].map(|()| record(&scenario, &settings(5)).expect("every place is there"));
    assert!(one.recording.packets.len() > 1000, "{} packets", one.recording.packets.len());
    assert_eq!(one.recording.first_difference(&two.recording), None);
    let outputs =
        |recorded: &netyard::Recorded| recorded.playback.steps.iter().map(|s| s.output.clone()).collect::<Vec<_>>();
    assert_eq!(outputs(&one), outputs(&two));
    let files = [&one, &two].map(|recorded| {
        let mut file = Vec::new();
        recorded.recording.write_pcapng(netyard_sim::time::Epoch::DEFAULT, &mut file).expect("memory takes all");
        file
    });
    assert!(files[0] == files[1], "the captures are the same bytes");
}

#[test]
fn ten_seeds_shuffle_differently_and_all_pass() {
    let scenario = walkthrough();
    let mut orders = BTreeSet::new();
    for seed in 1..=10 {
        let playback = play(&scenario, &settings(seed)).expect("every place is there");
        assert_eq!(Verdict::over(&scenario, &playback), Verdict::Passed, "seed {seed}");
        orders.insert(answers_of_an_alias(seed));
    }
    assert!(orders.len() >= 5, "ten seeds gave only {} different orders", orders.len());
}

/// The answers to eight queries for an alias with two owners, in their order.
fn answers_of_an_alias(seed: u64) -> String {
    let mut host = Host::new(seed);
    host.run("docker network create n1");
    for name in ["a", "b", "asker"] {
        host.run(&format!("docker run -itd --name {name}1 --network n1 --network-alias app busybox"));
    }
    (0..8).map(|_| host.run_in("asker1", "dig +short app").replace('\n', " ")).collect()
}
