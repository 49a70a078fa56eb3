//! `/proc`: processes and the system as generated files. Each subtree is a line of `SUBTREES`; what concerns the network
//! is written by those who know it.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use super::files::{Found, Generator};
use super::process::{Kernel, Pid, Seen};
use super::setting::Setting;
use super::{Errno, Flavour, Sys, ipvsadm, snmp};
use crate::namespace::Namespace;
use crate::time::{Duration, Instant};

/// `/proc`, to be mounted.
pub const PROC: &Generator = &Generator { name: "proc", find, write };

/// What is at a path below an entry of `/proc`, whose parts are given.
type Find = fn(&Kernel<'_>, &[&str]) -> Option<Found>;

/// The entries of `/proc` beside the processes, by name.
const SUBTREES: [(&str, Find); 15] = [
    ("cmdline", |_, rest| leaf(rest, || "BOOT_IMAGE=/boot/vmlinuz ro quiet\n".to_owned())),
    ("cpuinfo", |_, rest| leaf(rest, cpuinfo)),
    ("filesystems", |_, rest| {
        leaf(rest, || "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text4\nnodev\toverlay\n".to_owned())
    }),
    ("loadavg", |kernel, rest| leaf(rest, || loadavg(kernel))),
    ("meminfo", |_, rest| leaf(rest, meminfo)),
    ("modules", |_, rest| leaf(rest, String::new)),
    ("mounts", |_, rest| rest.is_empty().then(|| Found::Link("self/mounts".to_owned()))),
    ("net", |_, rest| rest.is_empty().then(|| Found::Link("self/net".to_owned()))),
    ("partitions", |_, rest| leaf(rest, || "major minor  #blocks  name\n\n".to_owned())),
    ("self", |kernel, rest| rest.is_empty().then(|| Found::Link(kernel.pid().0.to_string()))),
    ("stat", |kernel, rest| leaf(rest, || stat(kernel))),
    ("swaps", |_, rest| leaf(rest, || "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_owned())),
    ("sys", settings),
    ("uptime", |kernel, rest| leaf(rest, || uptime(kernel))),
    ("version", |_, rest| leaf(rest, version)),
];

fn find(kernel: &Kernel<'_>, parts: &[&str]) -> Option<Found> {
    let Some((first, rest)) = parts.split_first() else {
        let pids = kernel.processes().map(|seen| seen.pid.0.to_string());
        return Some(Found::directory(pids.chain(SUBTREES.iter().map(|(name, _)| (*name).to_owned()))));
    };
    if let Some((_, find)) = SUBTREES.iter().find(|(name, _)| name == first) {
        return find(kernel, rest);
    }
    process(kernel, Pid(first.parse().ok()?), rest)
}

/// Only settings take writes.
fn write(sys: &mut Sys<'_>, parts: &[&str], bytes: &[u8]) -> Result<(), Errno> {
    let ["sys", path @ ..] = parts else { return Err(Errno::AccessDenied) };
    let setting = Setting::named(&path.join("/"), sys.network()).ok_or(Errno::NoEntry)?;
    let (namespace, text) = (sys.namespace_id(), String::from_utf8_lossy(bytes));
    setting.write(sys.fabric(), namespace, &text)
}

/// `/proc/sys`: the settings of the network, in directories by the parts of their names. It is mounted to be read only where
/// the process may not change them.
fn settings(kernel: &Kernel<'_>, rest: &[&str]) -> Option<Found> {
    let (network, path) = (kernel.network(), rest.join("/"));
    let all = Setting::all(network);
    if let Some((_, setting)) = all.iter().find(|(name, _)| *name == path) {
        let text = setting.read(network) + "\n";
        let write = match setting.is_writable() {
            false => Err(Errno::AccessDenied),
            true if kernel.rights().settings => Ok(()),
            true => Err(Errno::ReadOnly),
        };
        return Some(Found::setting(text, write));
    }
    let below = |name: &str| {
        let rest = if path.is_empty() { Some(name) } else { name.strip_prefix(&path)?.strip_prefix('/') };
        rest?.split('/').next().map(str::to_owned)
    };
    let names: BTreeSet<String> = all.iter().filter_map(|(name, _)| below(name)).collect();
    (!names.is_empty()).then(|| Found::directory(names))
}

fn leaf(rest: &[&str], text: impl FnOnce() -> String) -> Option<Found> {
    rest.is_empty().then(|| Found::text(text()))
}

/// The entries of a process.
const OF_A_PROCESS: [&str; 12] =
    ["cmdline", "comm", "cwd", "environ", "exe", "fd", "mounts", "net", "ns", "root", "stat", "status"];
/// What a file says of a network at a moment.
type Of = fn(&Namespace, Instant) -> String;
/// What the network of a process counts.
const OF_A_NETWORK: [(&str, Of); 6] = [
    ("dev", |network, _| devices(network)),
    ("ip_vs", ipvsadm::services),
    ("ip_vs_conn", ipvsadm::connections),
    ("netstat", |network, _| snmp::rows(&snmp::netstat(network))),
    ("snmp", |network, _| snmp::rows(&snmp::snmp(network))),
    ("snmp6", |network, _| snmp::lines(&snmp::snmp6(network))),
];

fn process(kernel: &Kernel<'_>, pid: Pid, rest: &[&str]) -> Option<Found> {
    if let ["ns", "net"] = rest {
        // The host sees the processes of its containers too.
        let foreign = kernel.context().flavour == Flavour::Host;
        let own = kernel.processes().any(|seen| seen.pid == pid);
        let namespace = kernel.namespace_of(pid).filter(|_| own || foreign)?;
        return Some(Found::Link(format!("net:[{}]", namespace.0)));
    }
    let seen = kernel.processes().find(|seen| seen.pid == pid)?;
    Some(match rest {
        [] => Found::directory(OF_A_PROCESS),
        ["cmdline"] => Found::text(seen.argv.iter().map(|word| format!("{word}\0")).collect::<String>()),
        ["comm"] => Found::text(format!("{}\n", comm(&seen))),
        ["cwd"] => Found::Link(seen.cwd.to_owned()),
        ["environ"] => {
            let env = kernel.env_of(pid)?;
            Found::text(env.iter().map(|(name, value)| format!("{name}={value}\0")).collect::<String>())
        }
        ["exe"] => Found::Link("/bin/busybox".to_owned()),
        ["fd"] => Found::directory(kernel.streams_of(pid).into_iter().map(|(fd, _)| fd.to_string())),
        ["fd", number] => {
            let number: usize = number.parse().ok()?;
            Found::Link(kernel.streams_of(pid).into_iter().find(|(fd, _)| *fd == number)?.1)
        }
        ["mounts"] => Found::text(mounts(kernel)),
        ["net"] => Found::directory(OF_A_NETWORK.map(|(name, _)| name)),
        ["net", name] => {
            let (_, write) = OF_A_NETWORK.iter().find(|(known, _)| known == name)?;
            Found::text(write(kernel.network(), kernel.now()))
        }
        ["ns"] => Found::directory(["net"]),
        ["root"] => Found::Link("/".to_owned()),
        ["stat"] => Found::text(process_stat(&seen)),
        ["status"] => Found::text(status(&seen)),
        _ => return None,
    })
}

/// `/proc/net/dev`: what each device counts.
fn devices(network: &Namespace) -> String {
    let mut text =
        "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs \
                    drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
            .to_owned();
    for device in network.devices.values() {
        let c = &device.counters;
        let received = format!("{:>7} {:>7}    0 {:>4}", c.rx_bytes, c.rx_packets, c.rx_dropped);
        let sent = format!("{:>8} {:>7}    0 {:>4}", c.tx_bytes, c.tx_packets, c.tx_dropped);
        let name = &device.name;
        let _ = writeln!(
            text,
            "{name:>6}: {received}    0     0          0         0 {sent}    0     0       0          0"
        );
    }
    text
}

/// The short name of a process: its program, at most 15 bytes.
#[must_use]
pub fn comm(seen: &Seen<'_>) -> String {
    let name = seen.argv.first().map_or("", |word| super::files::path::base(word));
    name.chars().take(15).collect()
}

fn process_stat(seen: &Seen<'_>) -> String {
    let started = seen.age.as_millis() / 10;
    let (pid, parent, group) = (seen.pid.0, seen.parent.0, seen.group.0);
    format!(
        "{pid} ({}) {} {parent} {group} {group} 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 {started} 4521984 1\n",
        comm(seen),
        seen.state
    )
}

fn status(seen: &Seen<'_>) -> String {
    let state = match seen.state {
        'R' => "R (running)",
        'T' => "T (stopped)",
        'Z' => "Z (zombie)",
        _ => "S (sleeping)",
    };
    let (pid, parent, uid, gid) = (seen.pid.0, seen.parent.0, seen.user.uid, seen.user.gid);
    let groups: Vec<String> = seen.user.groups.iter().map(ToString::to_string).collect();
    let groups = groups.join(" ");
    format!(
        "Name:\t{}\nUmask:\t0022\nState:\t{state}\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\n\
         Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\nGroups:\t{groups} \nVmSize:\t    4416 kB\nVmRSS:\t     4 kB\nThreads:\t1\n",
        comm(seen)
    )
}

fn mounts(kernel: &Kernel<'_>) -> String {
    let root = if kernel.context().flavour == Flavour::Host {
        "/dev/vda1 / ext4 rw,relatime 0 0\n"
    } else {
        "overlay / overlay rw,relatime 0 0\n"
    };
    let files = kernel.files();
    let others = files.mounts().map(|(path, kind)| {
        let device = if kind == "ext4" { "/dev/vda1" } else { kind };
        format!("{device} {path} {kind} rw,relatime 0 0\n")
    });
    core::iter::once(root.to_owned()).chain(others).collect()
}

/// How long the machine has been up: since a while before the world began.
#[must_use]
pub fn up(kernel: &Kernel<'_>) -> Duration {
    Duration::from_nanos(kernel.now().as_nanos())
}

fn uptime(kernel: &Kernel<'_>) -> String {
    let up = up(kernel).as_secs_f64();
    format!("{up:.2} {up:.2}\n")
}

fn loadavg(kernel: &Kernel<'_>) -> String {
    let count = kernel.processes().count();
    format!("0.00 0.00 0.00 1/{count} {}\n", kernel.pid().0)
}

fn stat(kernel: &Kernel<'_>) -> String {
    let ticks = up(kernel).as_millis() / 10;
    let boot = kernel.epoch().utc(Instant::ZERO).unix_timestamp();
    format!(
        "cpu  0 0 0 {ticks} 0 0 0 0 0 0\ncpu0 0 0 0 {ticks} 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime {boot}\nprocesses {}\nprocs_running 1\nprocs_blocked 0\n",
        kernel.pid().0
    )
}

/// The memory of a machine, in KiB.
pub const MEMORY_TOTAL: u64 = 2_035_544;
/// What of it is free.
pub const MEMORY_FREE: u64 = 1_529_316;
/// What of it holds files.
pub const MEMORY_CACHED: u64 = 312_864;

fn meminfo() -> String {
    let line = |name: &str, kib: u64| format!("{name:<16}{kib:>8} kB\n");
    let available = MEMORY_FREE + MEMORY_CACHED;
    let lines = [
        ("MemTotal:", MEMORY_TOTAL),
        ("MemFree:", MEMORY_FREE),
        ("MemAvailable:", available),
        ("Buffers:", 0),
        ("Cached:", MEMORY_CACHED),
        ("SwapCached:", 0),
        ("SwapTotal:", 0),
        ("SwapFree:", 0),
        ("Shmem:", 0),
        ("SReclaimable:", 0),
    ];
    lines.into_iter().map(|(name, kib)| line(name, kib)).collect()
}

fn cpuinfo() -> String {
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Virtual CPU\ncpu MHz\t\t: 2000.000\n\n"
        .to_owned()
}

fn version() -> String {
    "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1\n".to_owned()
}
