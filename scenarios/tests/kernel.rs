//! The kernel of this machine as the judge: networks that chance drew are built twice by the same command lines, in
//! netyard and in real network namespaces, and probed by the same pings and connections. What the programs say must be
//! the same: a reply, or which error from whom, and its TTL.
//!
//! It needs root, veth, bridges, iproute2, iputils, iptables and nsenter; where they are missing it says so and compares
//! nothing. `NETYARD_KERNEL_TOPOLOGIES` says how many networks (none when it is not set), `NETYARD_KERNEL_SEED` which.
//! A network that is judged otherwise is made as small as it still shows it in `NETYARD_KERNEL_SHRINKS` attempts, and
//! saved in `kernel/cases` with what the kernel said of it. What is saved there is asked of netyard again in every run,
//! and of the kernel too when it judges.

mod case;
mod judge;
mod probe;
mod simulated;
mod topology;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use case::Case;
use topology::{Plan, Topology};

/// How many networks wait for the kernel at a time: a silent host keeps a probe for seconds.
const AT_A_TIME: usize = 40;
/// How often a network that disagrees is made smaller, unless it is said otherwise.
const SHRINKS: usize = 40;

fn setting(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Where the two differ in what they say of a network: nothing when they agree.
fn differences(case: &Case) -> String {
    let ours = simulated::run(&case.plan);
    let mut differences = String::new();
    for ((question, theirs), ours) in case.plan.questions().zip(&case.answers).zip(&ours) {
        if theirs != ours {
            differences += &format!("{question}\n  kernel:  {}\n  netyard: {}\n", theirs.trim_end(), ours.trim_end());
        }
    }
    differences
}

/// What the kernel says of a network.
fn judged(plan: Plan, number: usize) -> Case {
    let answers = judge::run(&plan, number);
    Case { plan, answers }
}

/// A network drawn by chance that is judged otherwise, and smaller ones until none is any more.
fn smallest(mut tree: impl ValueTree<Value = Topology>, mut best: Case, number: usize) -> Case {
    let mut more = tree.simplify();
    for _ in 0..setting("NETYARD_KERNEL_SHRINKS", SHRINKS) {
        if !more {
            break;
        }
        let case = judged(tree.current().plan(), number);
        more = if differences(&case).is_empty() {
            tree.complicate()
        } else {
            best = case;
            tree.simplify()
        };
    }
    best
}

/// What came of one network: how many probes agreed, or what is to be told of it.
type Outcome = Result<usize, String>;

/// The networks of one worker: the numbers that it takes from the common count.
fn work(next: &AtomicUsize, count: usize, seed: u64, report: &mpsc::Sender<Outcome>) {
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
        let case = judged(tree.current().plan(), number);
        let outcome = if differences(&case).is_empty() {
            Ok(case.plan.probes.len())
        } else {
            let case = smallest(tree, case, number);
            save(&format!("{seed}-{number}"), &case);
            Err(format!("# Network {number} of seed {seed}\n{case}\n{}", differences(&case)))
        };
        report.send(outcome).expect("the test waits for all reports");
    }
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/cases")
}

fn save(name: &str, case: &Case) {
    let saved = fs::create_dir_all(cases())
        .and_then(|()| fs::write(cases().join(format!("{name}.txt")), format!("# Network {name}\n{case}")));
    if let Err(error) = saved {
        println!("not saved: {error}");
    }
}

/// The saved networks, by name.
fn saved() -> Vec<(String, Case)> {
    let entries = fs::read_dir(cases()).expect("there are saved networks");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let read = |path: PathBuf| Case::parse(&fs::read_to_string(path).expect("it can be read"));
    paths.into_iter().map(|path| (name(&path), read(path))).collect()
}

#[test]
fn netyard_says_of_saved_networks_what_the_kernel_said() {
    for (name, case) in saved() {
        assert_eq!(differences(&case), "", "{name}:\n{case}");
    }
}

#[test]
fn the_kernel_judges_as_netyard_does() {
    let count = setting("NETYARD_KERNEL_TOPOLOGIES", 0);
    if count == 0 {
        println!("SKIPPED: NETYARD_KERNEL_TOPOLOGIES does not say how many networks to compare");
        return;
    }
    if let Err(missing) = judge::is_possible() {
        println!("SKIPPED: this machine cannot judge: {missing}");
        return;
    }
    let seed = setting("NETYARD_KERNEL_SEED", 1) as u64;
    let next = AtomicUsize::new(0);
    let (report, reports) = mpsc::channel();
    let (mut networks, mut probes, mut disagree) = (0, 0, 0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            let (next, report) = (&next, report.clone());
            scope.spawn(move || work(next, count, seed, &report));
        }
        for (number, (name, case)) in saved().into_iter().enumerate() {
            let report = report.clone();
            scope.spawn(move || report.send(reconsidered(&name, case, count + number)).expect("all are waited for"));
        }
        drop(report);
        for outcome in reports {
            networks += 1;
            match outcome {
                Ok(agreed) => probes += agreed,
                Err(text) => {
                    disagree += 1;
                    println!("{text}");
                }
            }
        }
    });
    println!("{networks} networks and {probes} probes compared, {disagree} disagree");
    assert_eq!(disagree, 0, "the kernel judges {disagree} of {networks} networks otherwise");
}

/// Whether the kernel still says of a saved network what it said.
fn reconsidered(name: &str, case: Case, number: usize) -> Outcome {
    let now = judged(case.plan, number);
    if now.answers == case.answers {
        Ok(now.plan.probes.len())
    } else {
        Err(format!("# The kernel says otherwise now of {name}\n{now}"))
    }
}

/// Not a test of its own: what the judge starts in a real namespace. Without a judge it does nothing.
#[test]
fn an_agent_in_a_namespace() {
    if let Ok(door) = env::var(probe::DOOR) {
        probe::obey(&door);
    }
}
