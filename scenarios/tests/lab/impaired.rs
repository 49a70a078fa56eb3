//! Links that are bad while a guard lives.

use netyard::prelude::*;
use netyard_sim::qdisc::Verdict;

use super::lab_with;

fn millis(lab: &Lab, from: &str, to: &str) -> u128 {
    lab.ping(from, to).expect("it is near").time.as_millis()
}

#[test]
fn a_link_is_slow_in_the_directions_that_were_named() {
    let lab = lab_with(&["c1", "c2"]);
    // They have each other's address then, and a ping asks for none.
    assert_eq!(millis(&lab, "c1", "c2"), 0);
    let both = lab.impair("c1", "delay 20ms").expect("it is netem's");
    assert_eq!((millis(&lab, "c1", "c2"), millis(&lab, "c2", "c1")), (40, 40));
    let out = lab.impair("c2", "out delay 100ms").expect("it is netem's");
    assert_eq!(millis(&lab, "c1", "c2"), 140);
    drop(both);
    assert_eq!(millis(&lab, "c1", "c2"), 100);
    drop(out);
    assert_eq!(millis(&lab, "c1", "c2"), 0);
    let asked = lab.impairments();
    assert!(asked.iter().all(|link| link.over) && asked.len() == 3, "{asked:?}");
    assert!(asked.iter().flat_map(|link| &link.findings).all(|finding| finding.verdict == Verdict::Met), "{asked:?}");
}

#[test]
fn what_is_no_impairment_changes_nothing() {
    let lab = lab_with(&["c1"]);
    for (place, told) in [("c1", "loss 101%"), ("c1:eth9", "delay 1ms"), ("c9", "wifi"), ("c1", "carrier-pigeon")] {
        assert!(matches!(lab.impair(place, told), Err(LabError::Failed { status: 2, .. })), "{place} {told}");
    }
    assert!(lab.impairments().is_empty());
}

#[test]
fn a_wall_stands_in_one_direction_and_for_what_matches() {
    let lab = lab_with(&["c1"]);
    lab.container("web").image("nginx").network("n1").run().expect("web");
    let wall = lab.blackhole(&["c1"], &["web"], "-p tcp --dport 80").expect("a rule");
    assert!(lab.connect("c1", "web", 80).is_err());
    assert!(lab.ping("c1", "web").is_ok() && lab.connect("web", "c1", 81).is_err());
    drop(wall);
    assert!(lab.connect("c1", "web", 80).is_ok());
}

#[test]
fn every_kind_of_network_that_has_a_name_carries_a_page() {
    for preset in netyard_drivers::site::impair::PRESETS {
        let lab = lab_with(&["c1"]);
        lab.container("web").image("nginx").network("n1").run().expect("web");
        let _guard = lab.impair("c1", preset.name).expect(preset.name);
        lab.sh_in("c1", "wget -T 60 -q -O /dev/null http://web/").expect(preset.name);
        let missed =
            lab.impairments().into_iter().flat_map(|link| link.findings).find(|f| f.verdict == Verdict::Missed);
        assert_eq!(missed, None, "{}", preset.name);
    }
}

#[test]
fn a_fault_lasts_as_long_as_its_guard() {
    let lab = Lab::new();
    lab.network("n1").create().expect("the network can be made");
    for name in ["c1", "c2"] {
        lab.container(name).network("n1").run().expect("the container can run");
    }
    let killed = lab.fault("kill c2").expect("c2 runs");
    assert!(lab.ping("c1", "c2").is_err());
    drop(killed);
    assert!(lab.ping("c1", "c2").is_ok());
    assert!(lab.fault("pause nobody").is_err());
}
