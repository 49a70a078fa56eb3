//! The kernel of this machine as the judge: networks that chance drew are built twice by the same command lines, in
//! netyard and in real network namespaces, and probed by the same pings and connections. What the programs say must be
//! the same: a reply, or which error from whom, and its TTL.
//!
//! It needs root or user namespaces, veth, bridges, iproute2, iputils and iptables; where they are missing it says so
//! and compares nothing. `NETYARD_KERNEL_TOPOLOGIES` says how many networks (none when it is not set, for it takes
//! minutes), `NETYARD_KERNEL_SEED` which. A network that is judged otherwise is made as small as it still shows it, and saved beside this file in `kernel/disagreements`.

mod judge;
mod probe;
mod simulated;
mod topology;

use std::env;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use topology::{Plan, Topology};

/// How many networks wait for the kernel at a time: a silent host keeps a probe for seconds.
const AT_A_TIME: usize = 24;
/// How often a network that disagrees is made smaller.
const SHRINKS: usize = 40;

fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What the two made of one network.
enum Verdict {
    Agreed { probes: usize },
    Disagreed(String),
}

/// Builds and probes a network in both worlds.
fn compare(plan: &Plan, number: usize) -> Verdict {
    let kernel = judge::run(plan, number);
    let ours = simulated::run(plan);
    let lines = plan.setup.iter().map(|line| line.text.clone()).chain(plan.probes.iter().map(ToString::to_string));
    let mut differences = String::new();
    for ((line, kernel), ours) in lines.zip(&kernel).zip(&ours) {
        if kernel != ours {
            differences += &format!("{line}\n  kernel:  {}\n  netyard: {}\n", kernel.trim_end(), ours.trim_end());
        }
    }
    if differences.is_empty() { Verdict::Agreed { probes: plan.probes.len() } } else { Verdict::Disagreed(differences) }
}

/// A network drawn by chance, and smaller ones until none is judged otherwise any more.
fn smallest(mut tree: impl ValueTree<Value = Topology>, mut found: String, number: usize) -> (Plan, String) {
    let mut best = tree.current().plan();
    let mut more = tree.simplify();
    for _ in 0..SHRINKS {
        if !more {
            break;
        }
        let plan = tree.current().plan();
        more = match compare(&plan, number) {
            Verdict::Agreed { .. } => tree.complicate(),
            Verdict::Disagreed(differences) => {
                (best, found) = (plan, differences);
                tree.simplify()
            }
        };
    }
    (best, found)
}

/// The networks of one worker: the numbers that it takes from the common count.
fn work(next: &AtomicUsize, count: usize, seed: u64, report: &mpsc::Sender<Result<usize, String>>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&(number as u64).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let tree = topology::network().new_tree(&mut runner).expect("the strategy rejects nothing");
        let outcome = match compare(&tree.current().plan(), number) {
            Verdict::Agreed { probes } => Ok(probes),
            Verdict::Disagreed(differences) => {
                let (plan, differences) = smallest(tree, differences, number);
                Err(format!("# Network {number} of seed {seed}\n\n{plan}\n{differences}"))
            }
        };
        report.send(outcome).expect("the test waits for all reports");
    }
}

fn save(number: usize, text: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/disagreements");
    let saved = fs::create_dir_all(&directory).and_then(|()| fs::write(directory.join(format!("{number}.txt")), text));
    if let Err(error) = saved {
        println!("not saved: {error}");
    }
}

#[test]
fn the_kernel_judges_as_netyard_does() {
    let count = number("NETYARD_KERNEL_TOPOLOGIES", 0);
    if count == 0 {
        println!("SKIPPED: NETYARD_KERNEL_TOPOLOGIES does not say how many networks to compare");
        return;
    }
    if let Err(missing) = judge::is_possible() {
        println!("SKIPPED: this machine cannot judge: {missing}");
        return;
    }
    let seed = number("NETYARD_KERNEL_SEED", 1) as u64;
    let next = AtomicUsize::new(0);
    let (report, reports) = mpsc::channel();
    let (mut networks, mut probes, mut disagreements) = (0, 0, Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            let (next, report) = (&next, report.clone());
            scope.spawn(move || work(next, count, seed, &report));
        }
        drop(report);
        for outcome in reports {
            networks += 1;
            match outcome {
                Ok(agreed) => probes += agreed,
                Err(text) => disagreements.push(text),
            }
        }
    });
    println!("{networks} networks and {probes} probes compared, {} disagree", disagreements.len());
    for (number, text) in disagreements.iter().enumerate() {
        save(number, text);
        println!("\n{text}");
    }
    assert!(disagreements.is_empty(), "the kernel judges {} of {networks} networks otherwise", disagreements.len());
}

/// Not a test of its own: what the judge starts in a real namespace, to serve or to knock. Without an order it does
/// nothing.
#[test]
fn probe_in_a_namespace() {
    if let Ok(order) = env::var(probe::ORDER) {
        probe::obey(&order);
    }
}
