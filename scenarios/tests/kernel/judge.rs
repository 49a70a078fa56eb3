//! The kernel's side: a network's command lines are run in real network namespaces, whose names begin with this test's
//! own, each by an agent inside, and everything is taken down again.

use std::env;
use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::probe::{self, Order};
use super::topology::{Plan, Probe, plain};

/// What the kernel is told before: no kind of ICMP error is limited (a rate of zero would count against the errors of
/// routes, which have a limit of their own), no filter on sources, no redirects.
const QUIET: &str = "sysctl -q -w net.ipv4.icmp_ratemask=0 net.ipv4.conf.all.rp_filter=0 \
                     net.ipv4.conf.default.rp_filter=0 \
                     net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 >/dev/null 2>&1";
/// What it is told of IPv6 where that is used: the same, and no questions whether an address is free or who routes.
const QUIET_V6: &str = "sysctl -q -w net.ipv6.icmp.ratelimit=0 net.ipv6.conf.all.accept_dad=0 \
                        net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 \
                        net.ipv6.conf.all.accept_redirects=0 net.ipv6.conf.default.accept_redirects=0 \
                        net.ipv6.conf.default.router_solicitations=0 >/dev/null 2>&1";
/// What it is told where there is none.
const NO_V6: &str =
    "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 >/dev/null 2>&1";
/// A silent neighbour is given up after three times this: waiting is most of the work.
const HASTE: &str = "for wait in /proc/sys/net/ipv[46]/neigh/*/retrans_time_ms; do echo 200 >$wait; done";
/// The kernel tells bridges and routes of a carrier up to a second later.
const LINK_WATCH: Duration = Duration::from_millis(1500);
/// An agent that says nothing for so long is lost.
const LOST: Duration = Duration::from_secs(60);

/// Whether this machine can build such networks; what is missing if not.
pub(crate) fn is_possible() -> Result<(), String> {
    let name = format!("ny{}-try", std::process::id());
    let script = format!(
        "ip netns add {name} && ip -n {name} link add try0 type veth peer name try1 && ip -n {name} link add try2 type bridge \
         && ip netns exec {name} iptables -A INPUT -m conntrack --ctstate NEW -j ACCEPT && ping -V >/dev/null \
         && nsenter --version >/dev/null; code=$?; ip netns del {name}; exit $code"
    );
    let output = Command::new("sh").args(["-c", &script]).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Builds a network, asks it, and takes it down: what each command line printed and its exit code, then each answer.
pub(crate) fn run(plan: &Plan, number: usize) -> Vec<String> {
    let mut machine = Machine::new(plan, number).expect("this machine can judge, as it was asked before");
    let mut answers = Vec::new();
    for line in &plan.setup {
        let text = machine.localized(&line.text);
        answers.push(machine.ask(line.place, &Order::Run(text)));
    }
    for host in 0..plan.hosts {
        machine.ask(host, &Order::Run(HASTE.to_owned()));
        machine.ask(host, &Order::Serve);
    }
    thread::sleep(LINK_WATCH);
    for probe in &plan.probes {
        answers.push(match probe {
            Probe::Ping { from, words } => {
                machine.ask(*from, &Order::Run(format!("ping -W {} {words}", probe::PATIENCE.as_secs())))
            }
            Probe::Udp { from, to } => machine.ask(*from, &Order::Udp(*to)),
            Probe::Tcp { from, to } => machine.ask(*from, &Order::Tcp(*to)),
        });
    }
    answers.iter().map(|answer| plain(answer)).collect()
}

/// A network's namespaces with an agent in each. All of it goes when this goes.
struct Machine {
    prefix: String,
    directory: PathBuf,
    names: Vec<String>,
    agents: Vec<(Child, UnixStream)>,
}

impl Machine {
    fn new(plan: &Plan, number: usize) -> io::Result<Self> {
        let prefix = format!("ny{}-{number}-", std::process::id());
        let directory = env::temp_dir().join(format!("{prefix}run"));
        fs::create_dir_all(&directory)?;
        let names = plan.namespaces.iter().map(|name| format!("{prefix}{name}")).collect();
        let mut machine = Self { prefix, directory, names, agents: Vec::new() };
        for place in 0..machine.names.len() {
            machine.enter(place)?;
            let family = if plan.has_v6() { QUIET_V6 } else { NO_V6 };
            machine.ask(place, &Order::Run(format!("{QUIET}; {family}")));
        }
        Ok(machine)
    }

    /// Makes a namespace and puts an agent into it.
    fn enter(&mut self, place: usize) -> io::Result<()> {
        let name = &self.names[place];
        let made = Command::new("ip").args(["netns", "add", name]).status()?;
        assert!(made.success(), "{name} can be made");
        let door = self.directory.join(place.to_string());
        let listener = UnixListener::bind(&door)?;
        listener.set_nonblocking(true)?;
        let mut agent = Command::new("nsenter")
            .arg(format!("--net=/run/netns/{name}"))
            .arg(env::current_exe()?)
            .args(["--exact", "kernel::an_agent_in_a_namespace", "--quiet"])
            .env(probe::DOOR, &door)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => assert_eq!(agent.try_wait()?, None, "the agent finds its judge"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(LOST))?;
        self.agents.push((agent, stream));
        Ok(())
    }

    fn ask(&mut self, place: usize, order: &Order) -> String {
        order.give(&mut self.agents[place].1).expect("the agent lives")
    }

    /// A command line in which namespaces are called as they are on this machine.
    fn localized(&self, text: &str) -> String {
        match text.split_once(" netns ") {
            Some((before, name)) => format!("{before} netns {}{name}", self.prefix),
            None => text.to_owned(),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for (mut agent, stream) in self.agents.drain(..) {
            // It ends when its judge hangs up; one that hangs itself is not waited for.
            drop(stream);
            let _ = agent.kill();
            let _ = agent.wait();
        }
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}
