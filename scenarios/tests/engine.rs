//! A real Docker engine as the judge: command sequences that chance drew are typed in netyard and on a real engine, and
//! what the commands print, their exit codes and what can be seen afterwards must be the same, ids apart.
//!
//! It needs root and `../shared/oracle/host`, which starts an engine in namespaces of its own; where they are missing it
//! says so and compares nothing. `NETYARD_ENGINE_SEQUENCES` says how many sequences (none when it is not set),
//! `NETYARD_ENGINE_SEED` which. One that is judged otherwise is made as small as it still shows it, and saved in
//! `engine/cases` with what the engine said; what is saved there is asked of netyard again in every run.

mod judge;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use netyard::Lab;
use netyard::LabError;
use netyard::lab::strategy::{self, Command};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use judge::Engine;

/// How often a sequence that disagrees is made smaller.
const SHRINKS: usize = 25;
/// How often the engine says the same before it is believed against netyard. Its commands race with its own threads (a
/// program that ends, a namespace that is taken down), so that on a busy machine it sometimes says two things.
const HEARINGS: usize = 8;
/// To one sequence of so many the engine may say two things; of more, something else is wrong.
const MOST_UNDECIDED: usize = 50;
/// What is looked at after the last command.
const LOOKS: [&str; 3] = [
    "docker ps -a --format '{{.Names}} {{.State}}' | sort",
    "docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}' | sort",
    "for n in n0 n1 n2; do docker network inspect -f '{{.Name}} {{.Internal}} {{range .IPAM.Config}}{{.Subnet}} \
     {{.Gateway}}{{end}} {{range .Containers}}{{.Name}} {{.IPv4Address}} {{end}}' $n 2>&1; done; for c in w0 w1 w2 w3; do \
     docker inspect -f '{{.Name}} {{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{$v.Aliases}} \
     {{end}}' $c 2>&1; done",
];

fn setting(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The lines of a sequence, those of the looks included. Subnets that Docker chooses depend on all that the engine did
/// before, so every network has one that is asked for.
fn lines(commands: &[Command]) -> Vec<String> {
    let asked = |command: &Command| match command {
        Command::CreateNetwork { network, subnet: None, internal } => {
            Command::CreateNetwork { network: *network, subnet: Some(10 + network), internal: *internal }
        }
        other => other.clone(),
    };
    commands.iter().map(|command| asked(command).to_string()).chain(LOOKS.map(str::to_owned)).collect()
}

/// What a line printed and its exit code, without what chance decides.
fn masked(output: &str, status: i32) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for c in output.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let is_id = matches!(word.len(), 12 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit());
        text += if is_id { "[ID]" } else { &word };
        word.clear();
        text.push(c);
    }
    format!("{}\n[exit {status}]", text.trim_end())
}

/// What netyard says to the lines.
fn ours(lines: &[String]) -> Vec<String> {
    let lab = Lab::new();
    let answer = |line: &String| match lab.sh(line) {
        Ok(output) => masked(&output, 0),
        Err(LabError::Failed { output, status, .. }) => masked(&output, status),
        Err(error) => error.to_string(),
    };
    lines.iter().map(answer).collect()
}

/// Where two differ in their answers; nothing when they agree.
fn differences(lines: &[String], theirs: &[String], ours: &[String]) -> String {
    let mut text = String::new();
    for ((line, theirs), ours) in lines.iter().zip(theirs).zip(ours).filter(|((_, theirs), ours)| theirs != ours) {
        write!(text, "$ {line}\n--- engine\n{theirs}\n--- netyard\n{ours}\n").expect("memory takes it");
    }
    text
}

/// What came of asking the engine.
enum Verdict {
    /// It says what netyard says.
    Agrees,
    /// It said something else at first, and then what netyard says: these were the differences.
    SaysBoth(String),
    /// It says something else, each time: what it said last.
    Differs(Vec<String>),
}

/// Asks the engine, again when it says something else than netyard.
fn judged(lines: &[String], engine: &Engine) -> Verdict {
    let ours = ours(lines);
    let mut first = String::new();
    let mut said = Vec::new();
    for hearing in 0..HEARINGS {
        said = engine.ask(lines);
        let found = differences(lines, &said, &ours);
        match (found.is_empty(), hearing) {
            (true, 0) => return Verdict::Agrees,
            (true, _) => return Verdict::SaysBoth(first),
            (false, 0) => first = found,
            (false, _) => {}
        }
    }
    Verdict::Differs(said)
}

/// The smallest sequence that is still judged otherwise, and what the engine said to it. `theirs` is what it said to
/// the whole.
fn smallest(
    mut tree: impl ValueTree<Value = Vec<Command>>,
    theirs: Vec<String>,
    engine: &Engine,
) -> (Vec<String>, Vec<String>) {
    let mut best = (lines(&tree.current()), theirs);
    let mut more = tree.simplify();
    for _ in 0..SHRINKS {
        if !more {
            break;
        }
        let lines = lines(&tree.current());
        more = if let Verdict::Differs(theirs) = judged(&lines, engine) {
            best = (lines, theirs);
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    best
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/cases")
}

/// A case as it is saved: each line after `$ `, then what was said to it.
fn written(lines: &[String], theirs: &[String]) -> String {
    lines.iter().zip(theirs).fold(String::new(), |text, (line, said)| text + &format!("$ {line}\n{said}\n"))
}

fn parsed(text: &str) -> (Vec<String>, Vec<String>) {
    let mut cases: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => cases.push((command.to_owned(), Vec::new())),
            None => cases.last_mut().expect("a case begins with a command").1.push(line),
        }
    }
    cases.into_iter().map(|(command, said)| (command, said.join("\n"))).unzip()
}

#[test]
fn what_the_engine_judged_once_is_said_again() {
    let files = fs::read_dir(cases()).into_iter().flatten().filter_map(Result::ok);
    for file in files.filter(|file| file.path().extension().is_some_and(|ext| ext == "txt")) {
        let (lines, theirs) = parsed(&fs::read_to_string(file.path()).expect("it was just listed"));
        let found = differences(&lines, &theirs, &ours(&lines));
        assert!(found.is_empty(), "{}:\n{found}", file.path().display());
    }
}

#[test]
fn a_real_engine_says_what_netyard_says() {
    let count = setting("NETYARD_ENGINE_SEQUENCES", 0);
    if count == 0 {
        return;
    }
    let engine = match Engine::start() {
        Ok(engine) => engine,
        Err(reason) => {
            println!("SKIPPED: {reason}");
            return;
        }
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&setting("NETYARD_ENGINE_SEED", 1).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let (mut agreed, mut both, mut told) = (0, 0, String::new());
    for number in 0..count {
        let tree = strategy::commands(4..16).new_tree(&mut runner).expect("nothing is filtered");
        let asked = lines(&tree.current());
        let theirs = match judged(&asked, &engine) {
            Verdict::Agrees => {
                agreed += asked.len();
                continue;
            }
            Verdict::SaysBoth(first) => {
                both += 1;
                println!("sequence {number}: the engine says two things; at first\n{}\n{first}", asked.join("\n"));
                continue;
            }
            Verdict::Differs(theirs) => theirs,
        };
        let (asked, theirs) = smallest(tree, theirs, &engine);
        let found = differences(&asked, &theirs, &ours(&asked));
        let path = cases().join(format!("found-{number}.txt"));
        let saved = fs::create_dir_all(cases()).and_then(|()| fs::write(&path, written(&asked, &theirs)));
        write!(told, "{}\n{found}\n", saved.map_or_else(|e| e.to_string(), |()| path.display().to_string()))
            .expect("memory takes it");
        println!("sequence {number}:\n{}{found}", asked.join("\n"));
    }
    println!(
        "{count} command sequences were judged by a real engine: {agreed} lines agree; to {both} sequences it says two things"
    );
    assert!(told.is_empty(), "{told}");
    assert!(both * MOST_UNDECIDED <= count, "the engine says two things to {both} of {count} sequences");
}
