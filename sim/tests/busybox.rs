//! Commands in a container print what a real busybox printed: the table `busybox/recorded.txt` was recorded by
//! `busybox/record` with busybox 1.35.0 of Debian 12.

use std::collections::BTreeMap;

use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::context::Context;
use netyard_sim::userland::process::Event;
use netyard_sim::userland::{Flavour, Read, Rights, Spawn, Stream, programs};
use netyard_sim::world::World;

const RECORDED: &str = include_str!("busybox/recorded.txt");

/// Commands whose output is not that of the recording, with the reason. They are to become fewer.
const DIFFERENT: &[(&str, &str)] = &[];

struct Case {
    command: String,
    output: String,
    code: i32,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in RECORDED.lines() {
        let Some(case) = cases.last_mut() else {
            if let Some(command) = line.strip_prefix("$ ") {
                cases.push(Case { command: command.to_owned(), output: String::new(), code: 0 });
            }
            continue;
        };
        if let Some(command) = line.strip_prefix("$ ") {
            cases.push(Case { command: command.to_owned(), output: String::new(), code: 0 });
        } else if let Some(more) = line.strip_prefix("> ").or_else(|| line.strip_prefix('>')) {
            case.command += "\n";
            case.command += more;
        } else if let Some(output) = line.strip_prefix("| ") {
            case.output += output;
            case.output += "\n";
        } else if line == "\\" {
            case.output.pop();
        } else if let Some(code) = line.strip_prefix("? ") {
            case.code = code.parse().expect("an exit code is a number");
        }
    }
    cases
}

/// What a command prints in a fresh container, and its exit code.
fn run(command: &str) -> (String, i32) {
    let mut world = World::new(Seed(1), Epoch::DEFAULT, programs::linux());
    let namespace = world.fabric.create_namespace("c1");
    let mut files = world.processes.base_files(Flavour::Busybox);
    files.make_directory("/tmp/work");
    let context = Context { files, hostname: "c1".to_owned(), flavour: Flavour::Busybox };
    let context = world.processes.create_context(context);
    let (mut output, stdout) = world.processes.streams_mut().pipe();
    let stderr = world.processes.streams_mut().dup(&stdout);
    let env = [("HOME", "/root"), ("PATH", "/bin")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let spawn = Spawn {
        argv: ["sh", "-c", command].map(str::to_owned).to_vec(),
        env: BTreeMap::from(env),
        cwd: "/tmp/work".to_owned(),
        namespace,
        rights: Rights::Administer,
        context,
        streams: [Stream::Null, stdout, stderr],
        group: None,
        init: false,
    };
    let pid = world.processes.spawn(spawn, None, Instant::ZERO).expect("there is a shell");
    let limit = Instant::ZERO + Duration::from_secs(30);
    let mut text = Vec::new();
    let mut collect = |world: &mut World| {
        while let Read::Data(bytes) = world.processes.read(&mut output) {
            text.extend(bytes);
        }
    };
    let code = loop {
        match world.run_until(limit) {
            Some(Event::Exited(ended, status)) if ended == pid => break status.code(),
            Some(_) => collect(&mut world),
            None => break -1,
        }
    };
    collect(&mut world);
    (String::from_utf8_lossy(&text).into_owned(), code)
}

#[test]
fn commands_print_what_busybox_prints() {
    let known = |command: &str| DIFFERENT.iter().any(|(known, _)| *known == command);
    let mut report = String::new();
    let (mut agree, mut all) = (0, 0);
    for case in cases() {
        let (output, code) = run(&case.command);
        all += 1;
        let agrees = (output.as_str(), code) == (case.output.as_str(), case.code);
        agree += usize::from(agrees);
        if agrees == known(&case.command) {
            report += &format!(
                "$ {}\n--- busybox ({})\n{}--- netyard ({code})\n{output}\n",
                case.command, case.code, case.output
            );
        }
    }
    println!("{agree} of {all} commands agree with busybox");
    assert!(report.is_empty(), "these agree now, or differ without a known reason:\n{report}");
}
