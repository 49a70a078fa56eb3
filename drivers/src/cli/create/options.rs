//! The flags of `docker create` and `docker run`: those that say something about a container's network, process or
//! limits. Flags for devices, mounts, health checks and Windows are not there.

use super::networks;
use crate::cli::attach::DETACH_KEYS;
use crate::cli::environment;
use crate::cli::flags::{self, Flag, quoted};
use crate::cli::link;

const NETWORK: Flag =
    Flag::list("network", "Connect a container to a network").labelled("network").checked(networks::check);
const NETWORK_ALIAS: Flag = Flag::list("network-alias", "Add network-scoped alias for the container");
const DNS_OPTION: Flag = Flag::list("dns-option", "Set DNS options");

/// What both commands take.
const COMMON: [Flag; 75] = [
    Flag::list("add-host", "Add a custom host-to-IP mapping (host:ip)").checked(extra_host),
    Flag::list("attach", "Attach to STDIN, STDOUT or STDERR").short('a').checked(stream),
    Flag::list("cap-add", "Add Linux capabilities"),
    Flag::list("cap-drop", "Drop Linux capabilities"),
    Flag::text("cgroup-parent", "Optional parent cgroup for the container"),
    Flag::text("cidfile", "Write the container ID to the file"),
    Flag::int("cpu-period", "Limit CPU CFS (Completely Fair Scheduler) period"),
    Flag::int("cpu-quota", "Limit CPU CFS (Completely Fair Scheduler) quota"),
    Flag::int("cpu-shares", "CPU shares (relative weight)").short('c'),
    Flag::text("cpus", "Number of CPUs").labelled("decimal").checked(decimal),
    Flag::text("cpuset-cpus", "CPUs in which to allow execution (0-3, 0,1)"),
    Flag::text("cpuset-mems", "MEMs in which to allow execution (0-3, 0,1)"),
    Flag::list("dns", "Set custom DNS servers").checked(address),
    DNS_OPTION,
    Flag::alias("dns-opt", &DNS_OPTION),
    Flag::list("dns-search", "Set custom DNS search domains").checked(domain),
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
    Flag::text("memory", "Memory limit").short('m').labelled("bytes").checked(size),
    Flag::text("memory-reservation", "Memory soft limit").labelled("bytes").checked(size),
    Flag::text("memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
        .labelled("bytes")
        .checked(swap),
    Flag::int("memory-swappiness", "Tune container memory swappiness (0 to 100)").default("-1"),
    Flag::text("name", "Assign a name to the container"),
    NETWORK,
    Flag::alias("net", &NETWORK),
    NETWORK_ALIAS,
    Flag::alias("net-alias", &NETWORK_ALIAS),
    Flag::switch("oom-kill-disable", "Disable OOM Killer"),
    Flag::int("oom-score-adj", "Tune host's OOM preferences (-1000 to 1000)"),
    Flag::text("pid", "PID namespace to use"),
    Flag::int("pids-limit", "Tune container pids limit (set -1 for unlimited)"),
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
    Flag::text("shm-size", "Size of /dev/shm").labelled("bytes").checked(size),
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
    Flag::int("blkio-weight", "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)")
        .labelled("uint16"),
];

/// What `docker create` takes.
pub(in super::super) const CREATE_FLAGS: [Flag; 76] = flags::joined(
    COMMON,
    [Flag::text("pull", "Pull image before creating (\"always\", \"|missing\", \"never\")").default("missing")],
);

/// What `docker run` takes.
pub(in super::super) const RUN_FLAGS: [Flag; 79] = flags::joined(
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

/// `host:ip` or `host=ip`.
pub(super) fn host_and_address(text: &str) -> Option<(&str, &str)> {
    text.split_once(['=', ':']).filter(|(host, _)| !host.is_empty())
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

fn domain(text: &str) -> Result<(), String> {
    if crate::sandbox::resolv::is_domain(text) { Ok(()) } else { Err(format!("{text} is not a valid domain")) }
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

fn size(text: &str) -> Result<(), String> {
    bytes(text).map(drop)
}

fn swap(text: &str) -> Result<(), String> {
    if text == "-1" { Ok(()) } else { size(text) }
}

fn decimal(text: &str) -> Result<(), String> {
    nano_cpus(text).map(drop).ok_or_else(|| format!("failed to parse {text} as a rational number"))
}

/// Billionths of a processor.
pub(super) fn nano_cpus(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    scaled(digits, 1_000_000_000).map(|nanos| sign * nanos)
}

/// Bytes of a size such as `10m` or `1.5g`, in units of 1024.
pub(super) fn bytes(text: &str) -> Result<i64, String> {
    let number_end = text.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
    let (number, suffix) = (&text[..number_end], text[number_end..].trim_start().to_lowercase());
    let power = match suffix.as_str() {
        "" | "b" => 0,
        _ if number.is_empty() => 0,
        suffix => {
            let (unit, rest) = suffix.split_at(1);
            let power = "kmgtp".find(unit).filter(|_| matches!(rest, "" | "b" | "ib"));
            power.ok_or_else(|| format!("invalid suffix: '{suffix}'"))? + 1
        }
    };
    let scale = 1024_i64.pow(u32::try_from(power).expect("at most five"));
    scaled(number, scale).ok_or_else(|| format!("invalid size: '{text}'"))
}

/// `scale` times a number that may have a decimal point, cut to a whole one.
fn scaled(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let tens = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = digits.parse::<i128>().ok()?.checked_mul(i128::from(scale))?;
    i64::try_from(product / tens).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Check;

    #[test]
    fn values_are_checked_as_they_are_typed() {
        let cases: [(Check, &str, &str); 12] = [
            (stream, "foo", "valid streams are STDIN, STDOUT and STDERR"),
            (extra_host, "foo", "bad format for add-host: \"foo\""),
            (extra_host, ":192.0.2.9", "bad format for add-host: \":192.0.2.9\""),
            (extra_host, "foo:", "invalid IP address in add-host: \"\""),
            (address, "banana", "IP address is not correctly formatted: banana"),
            (address, "192.0.2.300", "IP address is not correctly formatted: 192.0.2.300"),
            (domain, "bad search!", "bad search! is not a valid domain"),
            (sysctl, "foo", "sysctl 'foo' is not allowed"),
            (size, "foo", "invalid size: 'foo'"),
            (size, "4x", "invalid suffix: 'x'"),
            (swap, "-2", "invalid size: '-2'"),
            (decimal, "x", "failed to parse x as a rational number"),
        ];
        for (check, text, expected) in cases {
            assert_eq!(check(text), Err(expected.to_owned()), "{text}");
        }
        assert!(extra_host("h:host-gateway").is_ok() && extra_host("b=fe80::1").is_ok() && domain("a.lan").is_ok());
        assert!(domain(".").is_ok() && sysctl("net.ipv4.ip_forward=1").is_ok() && swap("-1").is_ok());
    }

    #[test]
    fn sizes_and_shares() {
        assert_eq!(bytes("10m"), Ok(10_485_760));
        assert_eq!(bytes("1GiB"), Ok(1_073_741_824));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(bytes("1.5k"), Ok(1536));
        assert_eq!(nano_cpus("1.5"), Some(1_500_000_000));
    }
}
