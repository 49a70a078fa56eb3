//! The flags of `docker create` and `docker run`: those that say something about a container's network, process or
//! limits.

use super::address::host_and_address;
use super::networks;
use crate::cli::attach::DETACH_KEYS;
use crate::cli::environment;
use crate::cli::flags::{self, Flag, Needs, quoted};
use crate::cli::link;
use crate::sandbox::resolv::check_domain;

pub(in super::super) use super::quantity::size_or_unlimited;
use super::{device, mount, quantity};

const NETWORK: Flag =
    Flag::list("network", "Connect a container to a network").labelled("network").checked(networks::check);
const NETWORK_ALIAS: Flag = Flag::list("network-alias", "Add network-scoped alias for the container");
const DNS_OPTION: Flag = Flag::list("dns-option", "Set DNS options");

/// Limits that `docker update` takes too.
pub(in super::super) const BLKIO_WEIGHT: Flag =
    Flag::int("blkio-weight", "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)")
        .labelled("uint16")
        .checked(quantity::weight);
pub(in super::super) const CPU_PERIOD: Flag =
    Flag::int("cpu-period", "Limit CPU CFS (Completely Fair Scheduler) period");
pub(in super::super) const CPU_QUOTA: Flag = Flag::int("cpu-quota", "Limit CPU CFS (Completely Fair Scheduler) quota");
pub(in super::super) const CPU_SHARES: Flag = Flag::int("cpu-shares", "CPU shares (relative weight)").short('c');
pub(in super::super) const CPUS: Flag = Flag::decimal("cpus", "Number of CPUs");
pub(in super::super) const CPUSET_CPUS: Flag = Flag::text("cpuset-cpus", "CPUs in which to allow execution (0-3, 0,1)");
pub(in super::super) const CPUSET_MEMS: Flag = Flag::text("cpuset-mems", "MEMs in which to allow execution (0-3, 0,1)");
pub(in super::super) const KERNEL_MEMORY: Flag = Flag::bytes("kernel-memory", "Kernel memory limit");
pub(in super::super) const MEMORY: Flag = Flag::bytes("memory", "Memory limit").short('m');
pub(in super::super) const MEMORY_RESERVATION: Flag = Flag::bytes("memory-reservation", "Memory soft limit");
pub(in super::super) const PIDS_LIMIT: Flag =
    Flag::int("pids-limit", "Tune container pids limit (set -1 for unlimited)");

/// What both commands take.
const COMMON: [Flag; 103] = [
    Flag::list("add-host", "Add a custom host-to-IP mapping (host:ip)").checked(extra_host),
    Flag::list("attach", "Attach to STDIN, STDOUT or STDERR").short('a').checked(stream),
    Flag::list("cap-add", "Add Linux capabilities"),
    Flag::list("cap-drop", "Drop Linux capabilities"),
    Flag::text("cgroup-parent", "Optional parent cgroup for the container"),
    Flag::text("cidfile", "Write the container ID to the file"),
    CPU_PERIOD,
    CPU_QUOTA,
    CPU_SHARES,
    CPUS,
    CPUSET_CPUS,
    CPUSET_MEMS,
    Flag::list("dns", "Set custom DNS servers").checked(address),
    DNS_OPTION,
    Flag::alias("dns-opt", &DNS_OPTION),
    Flag::list("dns-search", "Set custom DNS search domains").checked(check_domain),
    Flag::text("domainname", "Container NIS domain name"),
    Flag::text("entrypoint", "Overwrite the default ENTRYPOINT of the image"),
    Flag::list("env", "Set environment variables").short('e').checked(environment::check),
    Flag::list("env-file", "Read in a file of environment variables"),
    Flag::list("expose", "Expose a port or a range of ports"),
    Flag::list("group-add", "Add additional groups to join"),
    Flag::switch("help", "Print usage"),
    Flag::text("hostname", "Container host name").short('h'),
    Flag::switch("init", "Run an init inside the container that forwards signals and reaps processes"),
    Flag::switch("interactive", "Keep STDIN open even if not attached").short('i'),
    Flag::text("ip", "IPv4 address (e.g., 172.30.100.104)"),
    Flag::text("ip6", "IPv6 address (e.g., 2001:db8::33)"),
    Flag::text("ipc", "IPC mode to use"),
    Flag::text("isolation", "Container isolation technology"),
    Flag::list("label", "Set meta data on a container").short('l').checked(environment::check_label),
    Flag::list("label-file", "Read in a line delimited file of labels"),
    Flag::list("link", "Add link to another container").checked(link::check),
    Flag::list("link-local-ip", "Container IPv4/IPv6 link-local addresses"),
    Flag::text("log-driver", "Logging driver for the container"),
    Flag::text("mac-address", "Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    MEMORY,
    MEMORY_RESERVATION,
    Flag::text("memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
        .labelled("bytes")
        .checked(size_or_unlimited),
    Flag::int("memory-swappiness", "Tune container memory swappiness (0 to 100)").default("-1"),
    Flag::text("name", "Assign a name to the container"),
    NETWORK,
    Flag::alias("net", &NETWORK),
    NETWORK_ALIAS,
    Flag::alias("net-alias", &NETWORK_ALIAS),
    Flag::switch("oom-kill-disable", "Disable OOM Killer"),
    Flag::int("oom-score-adj", "Tune host's OOM preferences (-1000 to 1000)"),
    Flag::text("pid", "PID namespace to use"),
    PIDS_LIMIT,
    Flag::text("platform", "Set platform if server is multi-platform capable"),
    Flag::switch("privileged", "Give extended privileges to this container"),
    Flag::list("publish", "Publish a container's port(s) to the host").short('p'),
    Flag::switch("publish-all", "Publish all exposed ports to random ports").short('P'),
    Flag::switch("quiet", "Suppress the pull output").short('q'),
    Flag::switch("read-only", "Mount the container's root filesystem as read only"),
    Flag::text("restart", "Restart policy to apply when a container exits").default("no"),
    Flag::switch("rm", "Automatically remove the container and its associated anonymous volumes when it exits"),
    Flag::text("runtime", "Runtime to use for this container"),
    Flag::list("security-opt", "Security Options"),
    Flag::bytes("shm-size", "Size of /dev/shm"),
    Flag::text("stop-signal", "Signal to stop the container"),
    Flag::int("stop-timeout", "Timeout (in seconds) to stop a container"),
    Flag::map("sysctl", "Sysctl options").checked(sysctl),
    Flag::list("tmpfs", "Mount a tmpfs directory"),
    Flag::switch("tty", "Allocate a pseudo-TTY").short('t'),
    Flag::text("user", "Username or UID (format: <name|uid>[:<group|gid>])").short('u'),
    Flag::text("userns", "User namespace to use"),
    Flag::text("uts", "UTS namespace to use"),
    Flag::list("volume", "Bind mount a volume").short('v'),
    Flag::text("volume-driver", "Optional volume driver for the container"),
    Flag::list("volumes-from", "Mount volumes from the specified container(s)"),
    Flag::text("workdir", "Working directory inside the container").short('w'),
    Flag::switch("disable-content-trust", "Skip image verification").default("true"),
    Flag::text(
        "cgroupns",
        "Cgroup namespace to use (host|private)
\
         'host':    Run the container in the Docker host's cgroup namespace
\
         'private': Run the container in its own private cgroup namespace
\
         '':        Use the cgroup namespace as configured by the
           \
         default-cgroupns-mode option on the daemon (default)",
    ),
    BLKIO_WEIGHT,
    Flag::list("blkio-weight-device", "Block IO weight (relative device weight)")
        .default("[]")
        .checked(quantity::device_weight),
    Flag::int("cpu-rt-period", "Limit CPU real-time period in microseconds"),
    Flag::int("cpu-rt-runtime", "Limit CPU real-time runtime in microseconds"),
    Flag::list("device", "Add a host device to the container"),
    Flag::list("device-cgroup-rule", "Add a rule to the cgroup allowed devices list").checked(quantity::device_rule),
    Flag::list("device-read-bps", "Limit read rate (bytes per second) from a device")
        .default("[]")
        .checked(quantity::device_bytes),
    Flag::list("device-read-iops", "Limit read rate (IO per second) from a device")
        .default("[]")
        .checked(quantity::device_operations),
    Flag::list("device-write-bps", "Limit write rate (bytes per second) to a device")
        .default("[]")
        .checked(quantity::device_bytes),
    Flag::list("device-write-iops", "Limit write rate (IO per second) to a device")
        .default("[]")
        .checked(quantity::device_operations),
    Flag::text("health-cmd", "Command to run to check health"),
    Flag::duration("health-interval", "Time between running the check (ms|s|m|h)").default("0s"),
    Flag::int("health-retries", "Consecutive failures needed to report unhealthy"),
    Flag::duration(
        "health-start-period",
        "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
    )
    .default("0s"),
    Flag::text("health-start-interval", "Time between running the check during the start period (ms|s|m|h)")
        .checked(quantity::duration)
        .needs(Needs::Api("1.44")),
    Flag::duration("health-timeout", "Maximum time to allow one check to run (ms|s|m|h)").default("0s"),
    KERNEL_MEMORY,
    Flag::list("log-opt", "Log driver options"),
    Flag::list("mount", "Attach a filesystem mount to the container").labelled("mount").checked(mount::check),
    Flag::text("gpus", "GPU devices to add to the container ('all' to pass all GPUs)")
        .labelled("gpu-request")
        .checked(device::gpus),
    Flag::switch("use-api-socket", "Bind mount Docker API socket and required auth"),
    Flag::switch("no-healthcheck", "Disable any container-specified HEALTHCHECK"),
    Flag::list("storage-opt", "Storage driver options for the container"),
    Flag::list("ulimit", "Ulimit options").labelled("ulimit").default("[]").checked(quantity::ulimit),
    Flag::list("annotation", "Add an annotation to the container (passed through to the OCI runtime)")
        .needs(Needs::Api("1.43")),
    Flag::int("cpu-count", "CPU count (Windows only)").needs(Needs::Windows),
    Flag::int("cpu-percent", "CPU percent (Windows only)").needs(Needs::Windows),
    Flag::int("io-maxiops", "Maximum IOps limit for the system drive (Windows only)").needs(Needs::Windows),
    Flag::bytes("io-maxbandwidth", "Maximum IO bandwidth limit for the system drive (Windows only)")
        .needs(Needs::Windows),
];

/// What `docker create` takes.
pub(in super::super) const CREATE_FLAGS: [Flag; 104] = flags::joined(
    COMMON,
    [Flag::text("pull", "Pull image before creating (\"always\", \"|missing\", \"never\")").default("missing")],
);

/// What `docker run` takes.
pub(in super::super) const RUN_FLAGS: [Flag; 107] = flags::joined(
    COMMON,
    [
        Flag::text("pull", "Pull image before running (\"always\", \"missing\", \"never\")").default("missing"),
        Flag::switch("detach", "Run container in background and print container ID").short('d'),
        DETACH_KEYS,
        Flag::switch("sig-proxy", "Proxy received signals to the process").default("true"),
    ],
);

fn stream(text: &str) -> Result<(), String> {
    match text.to_lowercase().as_str() {
        "stdin" | "stdout" | "stderr" => Ok(()),
        _ => Err("valid streams are STDIN, STDOUT and STDERR".to_owned()),
    }
}

fn extra_host(text: &str) -> Result<(), String> {
    let (_, at) = host_and_address(text).ok_or_else(|| format!("bad format for add-host: {}", quoted(text)))?;
    let bare = at.strip_prefix('[').and_then(|at| at.strip_suffix(']')).unwrap_or(at);
    if at == "host-gateway" || bare.parse::<core::net::IpAddr>().is_ok() {
        return Ok(());
    }
    Err(format!("invalid IP address in add-host: {}", quoted(at)))
}

fn address(text: &str) -> Result<(), String> {
    let parsed = text.trim().parse::<core::net::IpAddr>();
    parsed.map(drop).map_err(|_| format!("IP address is not correctly formatted: {text}"))
}

/// Only what belongs to a container's own namespaces may be set.
fn sysctl(text: &str) -> Result<(), String> {
    const OWN: [&str; 7] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
    ];
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let ours = ["net.", "fs.mqueue."].iter().any(|prefix| name.starts_with(prefix));
    if ours || OWN.contains(&name) || name == "kernel.shm_rmid_forced" {
        return Ok(());
    }
    Err(format!("sysctl '{text}' is not allowed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Check;

    #[test]
    fn values_are_checked_as_they_are_typed() {
        let cases: [(Check, &str, &str); 8] = [
            (stream, "foo", "valid streams are STDIN, STDOUT and STDERR"),
            (extra_host, "foo", "bad format for add-host: \"foo\""),
            (extra_host, ":192.0.2.9", "bad format for add-host: \":192.0.2.9\""),
            (extra_host, "foo:", "invalid IP address in add-host: \"\""),
            (address, "banana", "IP address is not correctly formatted: banana"),
            (address, "192.0.2.300", "IP address is not correctly formatted: 192.0.2.300"),
            (check_domain, "bad search!", "bad search! is not a valid domain"),
            (sysctl, "foo", "sysctl 'foo' is not allowed"),
        ];
        for (check, text, expected) in cases {
            assert_eq!(check(text), Err(expected.to_owned()), "{text}");
        }
        assert!(
            extra_host("h:host-gateway").is_ok() && extra_host("b=fe80::1").is_ok() && check_domain("a.lan").is_ok()
        );
        assert!(check_domain(".").is_ok() && sysctl("net.ipv4.ip_forward=1").is_ok());
    }
}
