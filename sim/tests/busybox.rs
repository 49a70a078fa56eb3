//! Commands in a container print what a real busybox printed: the table `busybox/recorded.txt` was recorded by
//! `busybox/record` with busybox 1.35.0 of Debian 12.

use std::collections::BTreeMap;

use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::userland::context::Context;
use netyard_sim::userland::process::Event;
use netyard_sim::userland::stream::Streams;
use netyard_sim::userland::{Flavour, Pid, Read, Rights, Spawn, Stream, programs};
use netyard_sim::world::World;

const RECORDED: &str = include_str!("busybox/recorded.txt");

/// Commands whose output is not that of the recording, with the reason. They are to become fewer.
const DIFFERENT: &[(&str, &str)] = &[
    ("alias ll='ls -l'; alias ll", "the grammar knows no aliases"),
    ("echo $- | grep -c .", "the shell does not say in `$-` that it was told its script"),
    ("for do", "the parser looks for the end of the loop first"),
    ("mkdir d; touch d/f; find d -delete; ls", LEAN),
    ("cat nosuch; cat .; head nosuch; tail nosuch; wc nosuch; sort nosuch; grep x nosuch", "tail sums nothing up"),
    ("echo hi | md5sum; echo hi | sha256sum; echo hi | base64; echo aGkK | base64 -d; echo hi | cksum", LEAN),
    ("nohup echo x; nice echo y; time true 2>&1 | grep -c real", "`time` is a word of the grammar; and LEAN"),
    (
        "timeout 0.1 sleep 5; echo $?; timeout 5 true; echo $?; timeout; echo $?",
        "the program is a child of timeout and not in its place, so that the shell sees no signal",
    ),
    ("printenv HOME; printenv NOSUCH; echo $?", LEAN),
    ("cmp /dev/null /dev/null; echo $?", "there is no cmp"),
];

/// Debian's busybox is built without what the image's has.
const LEAN: &str = "Debian's busybox is built without what that of the image has";

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

/// A fresh container, in which one process is to run.
struct Container {
    world: World,
    process: Pid,
    output: Stream,
    text: Vec<u8>,
}

impl Container {
    /// Starts a process whose standard output and error are one.
    fn start(argv: &[&str], streams: impl FnOnce(&mut Streams) -> (Stream, Stream, Stream)) -> Self {
        let mut world = World::new(Seed(1), Epoch::DEFAULT, programs::linux());
        let namespace = world.fabric.create_namespace("c1");
        let mut files = world.processes.base_files(Flavour::Busybox);
        files.make_directory("/tmp/tmp");
        let context = Context { files, hostname: "c1".to_owned(), flavour: Flavour::Busybox };
        let context = world.processes.create_context(context);
        let (stdin, stdout, output) = streams(world.processes.streams_mut());
        let stderr = world.processes.streams_mut().dup(&stdout);
        let env = [("HOME", "/root"), ("PATH", "/bin")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let spawn = Spawn {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::from(env),
            cwd: "/tmp/tmp".to_owned(),
            namespace,
            rights: Rights::ALL,
            user: netyard_sim::userland::User::ROOT,
            context,
            streams: [stdin, stdout, stderr],
            group: None,
            init: false,
        };
        let process = world.processes.spawn(spawn, None, Instant::ZERO).expect("there is such a program");
        Self { world, process, output, text: Vec::new() }
    }

    /// Lets time pass; the exit code when the process ended.
    fn pass(&mut self, time: Duration) -> Option<i32> {
        let until = self.world.now() + time;
        let mut code = None;
        while code.is_none() {
            match self.world.run_until(until) {
                Some(Event::Exited(ended, status)) if ended == self.process => code = Some(status.code()),
                Some(_) => {}
                None => break,
            }
            self.collect();
        }
        self.collect();
        code
    }

    fn collect(&mut self) {
        while let Read::Data(bytes) = self.world.processes.read(&mut self.output) {
            self.text.extend(bytes);
        }
    }

    /// What was printed since the last time.
    fn printed(&mut self) -> String {
        String::from_utf8_lossy(&core::mem::take(&mut self.text)).into_owned()
    }
}

/// What a command prints in a fresh container, and its exit code.
fn run(command: &str) -> (String, i32) {
    let mut container = Container::start(&["sh", "-c", command], |streams| {
        let (output, stdout) = streams.pipe();
        (Stream::Null, stdout, output)
    });
    let code = container.pass(Duration::from_secs(30)).unwrap_or(-1);
    (container.printed(), code)
}

#[test]
fn a_shell_at_a_terminal_prompts_and_what_is_typed_is_shown() {
    let mut keys = Stream::Null;
    let mut container = Container::start(&["sh"], |streams| {
        let ends = streams.open_terminal();
        keys = ends.keys;
        (ends.input, ends.output, ends.screen)
    });
    container.pass(Duration::from_millis(10));
    assert_eq!(container.printed(), "/tmp/tmp # ");
    let mut typed = |text: &str| {
        container.world.processes.write(&keys, text.as_bytes());
        let code = container.pass(Duration::from_millis(10));
        (container.printed(), code)
    };
    let shown = |text: &str| (text.to_owned(), None);
    assert_eq!(typed("cd; tty; sttx\x7fy size\r"), shown("cd; tty; sttx\x08 \x08y size\n/dev/pts/0\n0 0\n~ # "));
    assert_eq!(typed("if [ -t 0 ]; then\r"), shown("if [ -t 0 ]; then\n> "));
    assert_eq!(typed("touch a b; ls; ls | cat; fi\r"), shown("touch a b; ls; ls | cat; fi\na  b\na\nb\n~ # "));
    assert_eq!(typed("sleep 100\r"), shown("sleep 100\n"));
    assert_eq!(typed("\x03"), shown("^C\n~ # "));
    assert_eq!(typed("echo $? ho"), shown("echo $? ho"));
    assert_eq!(typed("\r"), shown("\n130 ho\n~ # "));
    assert_eq!(typed("forgotten\x03"), shown("forgotten^C\n~ # "));
    assert_eq!(typed("cat\rone\r\x04"), shown("cat\none\none\n~ # "));
    assert_eq!(typed("\x04"), ("\n".to_owned(), Some(0)));
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
    assert!(report.is_empty(), "{agree} of {all} agree; these agree now, or differ without a known reason:\n{report}");
}
