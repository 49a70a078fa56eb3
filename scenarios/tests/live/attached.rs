//! Network namespaces that somebody else has made get an interface of a network, and lose it again.

use std::process::{Command, Stdio};

use super::engine::{Job, Said, said};
use super::guests::engine;

/// How often something is looked at that is about to change.
const TRIES: u32 = 400;

/// A namespace of networks that a process keeps, with a device of its own that is called eth0.
pub(super) struct Namespace(Job);

impl Namespace {
    /// One that belongs to whoever runs this, who is root in it alone.
    pub(super) fn new() -> Self {
        let mut command = Command::new("unshare");
        let line = "ip link set lo up; ip link add eth0 type bridge; ip addr add 10.77.0.1/24 dev eth0; echo made; cat";
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", line]);
        let mut job = Job::of(command);
        assert_eq!(job.line(), "made\n");
        Self(job)
    }

    pub(super) fn process(&self) -> String {
        self.0.id().to_string()
    }

    /// What a line of a shell says there.
    pub(super) fn sh(&self, line: &str) -> Said {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.process(), "--user", "--net", "--preserve-credentials", "sh", "-c", line]);
        Said::from(command.stdin(Stdio::null()).output().expect("util-linux is there"))
    }

    /// The names and IPv4 addresses of its devices.
    fn addresses(&self) -> String {
        self.sh("ip -br -4 addr show scope global | awk '{print $1, $3}'").stdout
    }
}

#[test]
fn a_namespace_of_somebody_else_is_a_member_until_it_is_detached() {
    let Some(engine) = engine() else { return };
    let namespace = Namespace::new();
    engine.docker("network create --subnet 10.8.0.0/24 k");
    engine.docker("network connect k c1");
    let before = namespace.sh("ip addr; ip route; ip -6 route");
    let words = ["attach", "--netns", &namespace.process(), "--network", "k", "--name", "mine", "--ip", "10.8.0.77"];
    let mut attached = Job::of(engine.netyard(&words));
    assert_eq!(attached.line(), "eth1 10.8.0.77/24\n");
    assert_eq!(namespace.addresses(), "eth0 10.77.0.1/24\neth1 10.8.0.77/24\n");
    let pinged = engine.docker("exec c1 ping -c 1 -W 10 mine");
    assert!(pinged.contains(" 0% packet loss"), "{pinged}");
    let pinged = namespace.sh("ping -c 1 -W 10 10.8.0.1");
    assert!(pinged.stdout.contains(" 0% packet loss"), "{pinged:?}");
    engine.docker("network create --subnet 10.9.0.0/24 m");
    engine.docker("network connect m mine");
    let both = "eth0 10.77.0.1/24\neth1 10.8.0.77/24\neth2 10.9.0.2/24\n";
    assert!((0..TRIES).any(|_| namespace.addresses() == both), "{}", namespace.addresses());
    drop(Command::new("kill").args(["-INT", &attached.id().to_string()]).status());
    assert_eq!(attached.end(), 0);
    assert_eq!(namespace.sh("ip addr; ip route; ip -6 route"), before, "it is as it was");
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n");
}

#[test]
fn an_attachment_is_gone_with_whoever_keeps_it() {
    let Some(engine) = engine() else { return };
    let namespace = Namespace::new();
    let path = format!("/proc/{}/ns/net", namespace.process());
    let words = ["attach", "--netns", &path, "--network", "n", "--name", "mine", "--interface", "yard"];
    let is_clean =
        || namespace.addresses() == "eth0 10.77.0.1/24\n" && engine.docker("ps -a --format {{.Names}}") == "c1\nweb\n";
    let mut attached = Job::of(engine.netyard(&words));
    assert_eq!(attached.line(), "yard 172.18.0.4/16\n");
    attached.kill();
    assert!((0..TRIES).any(|_| is_clean()), "{}", namespace.addresses());
    let mut attached = Job::of(engine.netyard(&words));
    assert_eq!(attached.line(), "yard 172.18.0.4/16\n");
    engine.docker("stop mine");
    assert_eq!(attached.end(), 0);
    assert!(is_clean(), "{}", namespace.addresses());
}

#[test]
fn what_cannot_be_attached_to_is_said() {
    let Some(engine) = engine() else { return };
    let attach =
        |netns: &str| Said::from(engine.netyard(&["attach", "--netns", netns]).output().expect("it was built"));
    let cannot = |why: &str| said("", &format!("error: cannot attach to that namespace: {why}\n"), 2);
    assert_eq!(attach("/nosuch"), cannot("No such file or directory (os error 2)"));
    assert_eq!(attach("/etc/passwd"), cannot("it is no network namespace"));
    assert_eq!(attach("/proc/self/ns/uts"), cannot("it is no network namespace"));
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n");
}
