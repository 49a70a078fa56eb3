//! The kernel's side: a network's command lines are run in real network namespaces, whose names begin with this test's
//! own, and everything is taken down again.

use core::fmt::Write as _;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::probe;
use super::topology::{Plan, Probe, plain};

/// What the kernel is told before: no limit on ICMP errors, no filter on sources, no redirects (netyard sends none), no
/// IPv6.
const QUIET: &str = "sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv4.conf.all.rp_filter=0 \
                     net.ipv4.conf.default.rp_filter=0 \
                     net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 \
                     net.ipv6.conf.all.disable_ipv6=1 \
                     net.ipv6.conf.default.disable_ipv6=1 >/dev/null 2>&1";

/// The names of a network's namespaces on this machine.
struct Names {
    prefix: String,
}

impl Names {
    fn new(number: usize) -> Self {
        Self { prefix: format!("ny{}-{number}-", std::process::id()) }
    }

    fn of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A command line in which namespaces are called as they are on this machine.
    fn localized(&self, text: &str) -> String {
        match text.split_once(" netns ") {
            Some((before, name)) => format!("{before} netns {}", self.of(name)),
            None => text.to_owned(),
        }
    }
}

/// Whether this machine can build such networks; what is missing if not.
pub(crate) fn is_possible() -> Result<(), String> {
    let name = Names::new(usize::MAX).of("try");
    let script = format!(
        "ip netns add {name} && ip -n {name} link add try0 type veth peer name try1 && ip -n {name} link add try2 type bridge \
         && ip netns exec {name} iptables -A INPUT -m conntrack --ctstate NEW -j ACCEPT && ping -V >/dev/null; \
         code=$?; ip netns del {name}; exit $code"
    );
    let output = Command::new("sh").args(["-c", &script]).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Builds a network, asks it, and takes it down: what each command line printed and its exit code, then each answer.
pub(crate) fn run(plan: &Plan, number: usize) -> Vec<String> {
    let names = Names::new(number);
    let directory = env::temp_dir().join(names.of("run"));
    fs::create_dir_all(&directory).expect("the temporary directory can be written");
    let script = script(plan, &names, &directory);
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("NETYARD_PROBE_BINARY", env::current_exe().expect("this program has a path"))
        .stdin(Stdio::null())
        .output()
        .expect("sh can be started");
    fs::remove_dir_all(&directory).expect("the directory is ours");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = text.split("\u{1}").skip(1).map(plain).collect::<Vec<_>>();
    let expected = plan.setup.len() + plan.probes.len();
    assert_eq!(answers.len(), expected, "every command has its answer: {}", String::from_utf8_lossy(&output.stderr));
    answers
}

/// All of it as one script: starting a shell a command would take longer than the commands.
fn script(plan: &Plan, names: &Names, directory: &Path) -> String {
    let mut script = String::new();
    for name in &plan.namespaces {
        let name = names.of(name);
        let _ = writeln!(script, "ip netns add {name}; ip netns exec {name} {QUIET}");
    }
    for line in &plan.setup {
        let (place, text) = (names.of(&plan.namespaces[line.place]), names.localized(&line.text));
        let _ = writeln!(script, "printf '\\001'; ip netns exec {place} {text} 2>&1; echo \"exit $?\"");
    }
    let knock = "\"$NETYARD_PROBE_BINARY\" --exact kernel::probe_in_a_namespace --quiet >/dev/null 2>&1";
    for host in &plan.namespaces[..plan.hosts] {
        let ready = directory.join(host);
        let order = probe::serve(&ready);
        let name = names.of(host);
        let _ = writeln!(script, "{}='{order}' ip netns exec {name} {knock} &", probe::ORDER);
    }
    for host in &plan.namespaces[..plan.hosts] {
        let _ = writeln!(
            script,
            "for i in $(seq 200); do [ -e {} ] && break; sleep 0.1; done",
            directory.join(host).display()
        );
    }
    // The kernel tells bridges and routes of a carrier up to a second later.
    script.push_str("sleep 1.5\n");
    for probe in &plan.probes {
        let _ = writeln!(script, "printf '\\001'; {}", ask(probe, plan, names, directory, knock));
    }
    for host in &plan.namespaces[..plan.hosts] {
        let _ = writeln!(script, "kill $(cat {})", directory.join(host).display());
    }
    script.push_str("wait\n");
    for name in &plan.namespaces {
        let _ = writeln!(script, "ip netns del {}", names.of(name));
    }
    script
}

fn ask(probe: &Probe, plan: &Plan, names: &Names, directory: &Path, knock: &str) -> String {
    let place = |from: usize| format!("ip netns exec {}", names.of(&plan.namespaces[from]));
    let answer = directory.join("answer");
    let knocking = |from: usize, order: String| {
        format!(
            "{}='{order}' {} {knock}; cat {}; rm -f {}",
            probe::ORDER,
            place(from),
            answer.display(),
            answer.display()
        )
    };
    match probe {
        Probe::Ping { from, line } => format!("{} {line} 2>&1; echo \"exit $?\"", place(*from)),
        Probe::Udp { from, to, port } => knocking(*from, probe::udp(*to, *port, &answer)),
        Probe::Tcp { from, to, port } => knocking(*from, probe::tcp(*to, *port, &answer)),
    }
}
