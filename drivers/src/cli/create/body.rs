//! The body of a request for a new container: what the client sends when nothing is asked for (`body.json`, recorded
//! from client 28.2.2), with what was asked for put in its place.

use serde_json::{Map, Value, json};

use super::address::{host_and_address, mac};
use super::networks::Networks;
use super::publish::Ports;
use super::quantity::{bytes, nano_cpus, soft_and_hard};
use super::{device, health};
use crate::cli::endpoint::nothing_if;
use crate::cli::environment;
use crate::cli::flags::{Arguments, quoted};
use crate::cli::network::create::pairs;
use crate::cli::script::{Cx, Failure};

/// Which streams of the new container are attached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Attached {
    /// Standard input.
    pub(in super::super) stdin: bool,
    /// Standard output.
    pub(in super::super) stdout: bool,
    /// Standard error.
    pub(in super::super) stderr: bool,
}

impl Attached {
    /// What `--attach` and `--interactive` ask for; nothing for a container in the background.
    pub(in super::super) fn new(typed: &Arguments, background: bool) -> Self {
        let streams = typed.list("attach");
        let named = |name: &str| streams.iter().any(|stream| stream.eq_ignore_ascii_case(name));
        let both = !background && streams.is_empty();
        Self {
            stdin: !background && (typed.is_on("interactive") || named("stdin")),
            stdout: both || named("stdout"),
            stderr: both || named("stderr"),
        }
    }
}

/// The body for what was typed.
pub(super) fn body(typed: &Arguments, attached: Attached, cx: &Cx<'_>) -> Result<Value, Failure> {
    let ports = Ports::parse(typed.list("publish"), typed.list("expose"))?;
    check_modes(typed)?;
    let mut body: Value = serde_json::from_str(include_str!("body.json")).expect("the recorded body is well-formed");
    process(typed, attached, &ports, cx, fields(&mut body, ""))?;
    let host = fields(&mut body, "/HostConfig");
    copy(typed, host);
    limits(typed, host);
    restart(typed, host)?;
    device::devices(typed, cx, host)?;
    names(typed, host);
    volumes(typed, &mut body)?;
    let host = fields(&mut body, "/HostConfig");
    host.insert("PortBindings".to_owned(), ports.bindings());
    let networks = Networks::parse(typed)?;
    host.insert("NetworkMode".to_owned(), json!(networks.mode));
    fields(&mut body, "/NetworkingConfig").insert("EndpointsConfig".to_owned(), json!(networks.endpoints));
    Ok(body)
}

fn fields<'a>(body: &'a mut Value, at: &str) -> &'a mut Map<String, Value> {
    body.pointer_mut(at).and_then(Value::as_object_mut).expect("the recorded body has this object")
}

fn process(
    typed: &Arguments,
    attached: Attached,
    ports: &Ports,
    cx: &Cx<'_>,
    config: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
    let (image, command) = typed.rest.split_first().expect("a command line names an image");
    let open = typed.is_on("interactive");
    set("Image", json!(image));
    set("Cmd", nothing_if(command.is_empty(), &command));
    set("Tty", json!(typed.is_on("tty")));
    set("OpenStdin", json!(open));
    set("StdinOnce", json!(open && attached.stdin));
    set("AttachStdin", json!(attached.stdin));
    set("AttachStdout", json!(attached.stdout));
    set("AttachStderr", json!(attached.stderr));
    let env = environment::read(typed, &environment::latest(typed.list("env")), cx)?;
    set("Env", nothing_if(env.is_empty(), &env));
    set("Labels", Value::Object(labels(typed, cx)?));
    for (flag, name) in
        [("hostname", "Hostname"), ("domainname", "Domainname"), ("user", "User"), ("workdir", "WorkingDir")]
    {
        set(name, json!(typed.text(flag).unwrap_or_default()));
    }
    if let Some(entrypoint) = typed.text("entrypoint") {
        set("Entrypoint", json!([entrypoint]));
    }
    let optional = [
        ("Healthcheck", health::check(typed)?),
        ("ExposedPorts", ports.exposed()),
        ("StopSignal", typed.text("stop-signal").filter(|signal| !signal.is_empty()).map(|signal| json!(signal))),
        ("StopTimeout", typed.int("stop-timeout").map(|seconds| json!(seconds))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, value);
        }
    }
    Ok(())
}

fn labels(typed: &Arguments, cx: &Cx<'_>) -> Result<Map<String, Value>, Failure> {
    let mut labels = Vec::new();
    for path in typed.list("label-file") {
        labels.extend(environment::lines(path, cx)?.into_iter().filter(|line| line.contains('=')));
    }
    labels.extend_from_slice(typed.list("label"));
    Ok(pairs(&labels))
}

/// Flags whose values are sent as they were typed.
fn copy(typed: &Arguments, host: &mut Map<String, Value>) {
    const TEXTS: [(&str, &str); 11] = [
        ("cidfile", "ContainerIDFile"),
        ("volume-driver", "VolumeDriver"),
        ("cgroupns", "CgroupnsMode"),
        ("ipc", "IpcMode"),
        ("pid", "PidMode"),
        ("uts", "UTSMode"),
        ("userns", "UsernsMode"),
        ("isolation", "Isolation"),
        ("cgroup-parent", "CgroupParent"),
        ("cpuset-cpus", "CpusetCpus"),
        ("cpuset-mems", "CpusetMems"),
    ];
    const SWITCHES: [(&str, &str); 5] = [
        ("rm", "AutoRemove"),
        ("privileged", "Privileged"),
        ("publish-all", "PublishAllPorts"),
        ("read-only", "ReadonlyRootfs"),
        ("oom-kill-disable", "OomKillDisable"),
    ];
    const LISTS: [(&str, &str); 7] = [
        ("volumes-from", "VolumesFrom"),
        ("dns", "Dns"),
        ("dns-option", "DnsOptions"),
        ("dns-search", "DnsSearch"),
        ("group-add", "GroupAdd"),
        ("link", "Links"),
        ("security-opt", "SecurityOpt"),
    ];
    for (flag, name) in TEXTS {
        if let Some(text) = typed.text(flag) {
            host.insert(name.to_owned(), json!(text));
        }
    }
    for (flag, name) in SWITCHES {
        host.insert(name.to_owned(), json!(typed.is_on(flag)));
    }
    for (flag, name) in LISTS {
        if !typed.list(flag).is_empty() {
            host.insert(name.to_owned(), json!(typed.list(flag)));
        }
    }
    if let Some(domains) = host.get_mut("DnsSearch").and_then(Value::as_array_mut) {
        domains.iter_mut().for_each(take_root_off);
    }
    let driver = typed.text("log-driver").unwrap_or_default();
    if !driver.is_empty() || !typed.list("log-opt").is_empty() {
        let options = Value::Object(pairs(typed.list("log-opt")));
        host.insert("LogConfig".to_owned(), json!({"Type": driver, "Config": options}));
    }
    if !typed.list("ulimit").is_empty() {
        let limit = |text: &String| {
            let (name, values) = text.split_once('=')?;
            let (soft, hard) = soft_and_hard(values).ok()?;
            Some((name.to_owned(), json!({"Name": name, "Hard": hard, "Soft": soft})))
        };
        // The last one typed for a name counts.
        let limits: std::collections::BTreeMap<String, Value> = typed.list("ulimit").iter().filter_map(limit).collect();
        host.insert("Ulimits".to_owned(), limits.into_values().collect());
    }
    if let Some(runtime) = typed.text("runtime") {
        host.insert("Runtime".to_owned(), json!(runtime));
    }
    if typed.has("init") {
        host.insert("Init".to_owned(), json!(typed.is_on("init")));
    }
}

/// Limits.
pub(in super::super) fn limits(typed: &Arguments, host: &mut Map<String, Value>) {
    const INTEGERS: [(&str, &str); 9] = [
        ("cpu-shares", "CpuShares"),
        ("cpu-period", "CpuPeriod"),
        ("cpu-quota", "CpuQuota"),
        ("cpu-rt-period", "CpuRealtimePeriod"),
        ("cpu-rt-runtime", "CpuRealtimeRuntime"),
        ("memory-swappiness", "MemorySwappiness"),
        ("oom-score-adj", "OomScoreAdj"),
        ("pids-limit", "PidsLimit"),
        ("blkio-weight", "BlkioWeight"),
    ];
    const SIZES: [(&str, &str); 5] = [
        ("kernel-memory", "KernelMemory"),
        ("memory", "Memory"),
        ("memory-reservation", "MemoryReservation"),
        ("memory-swap", "MemorySwap"),
        ("shm-size", "ShmSize"),
    ];
    for (flag, name) in INTEGERS {
        if let Some(number) = typed.int(flag) {
            host.insert(name.to_owned(), json!(number));
        }
    }
    for (flag, name) in SIZES {
        if let Some(text) = typed.text(flag) {
            host.insert(name.to_owned(), json!(bytes(text).unwrap_or(-1)));
        }
    }
    if let Some(cpus) = typed.text("cpus").and_then(|text| nano_cpus(text).ok()) {
        host.insert("NanoCpus".to_owned(), json!(cpus));
    }
}

/// When the engine starts the container again.
pub(in super::super) fn policy(text: &str) -> Result<Value, Failure> {
    let (name, count) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() && text.contains(':') {
        return Err(Failure::new("invalid restart policy format: no policy provided before colon"));
    }
    let count: i64 = if count.is_empty() {
        0
    } else {
        let invalid = "invalid restart policy format: maximum retry count must be an integer";
        count.parse().map_err(|_| Failure::new(invalid))?
    };
    Ok(json!({"Name": name, "MaximumRetryCount": count}))
}

fn restart(typed: &Arguments, host: &mut Map<String, Value>) -> Result<(), Failure> {
    let policy = policy(typed.text("restart").unwrap_or("no"))?;
    if typed.is_on("rm") && !matches!(policy["Name"].as_str(), Some("" | "no")) {
        return Err(Failure::new("conflicting options: cannot specify both --restart and --rm"));
    }
    host.insert("RestartPolicy".to_owned(), policy);
    Ok(())
}

/// Hosts, capabilities and sysctls, which are written in one way whatever way they were typed.
fn names(typed: &Arguments, host: &mut Map<String, Value>) {
    let hosts: Vec<String> = typed
        .list("add-host")
        .iter()
        .filter_map(|text| host_and_address(text))
        .map(|(name, at)| format!("{name}:{}", at.trim_matches(['[', ']'])))
        .collect();
    if !hosts.is_empty() {
        host.insert("ExtraHosts".to_owned(), json!(hosts));
    }
    for (flag, name) in [("cap-add", "CapAdd"), ("cap-drop", "CapDrop")] {
        let mut capabilities: Vec<String> = typed.list(flag).iter().map(|text| capability(text)).collect();
        capabilities.sort();
        capabilities.dedup();
        if !capabilities.is_empty() {
            host.insert(name.to_owned(), json!(capabilities));
        }
    }
    if !typed.list("sysctl").is_empty() {
        host.insert("Sysctls".to_owned(), Value::Object(pairs(typed.list("sysctl"))));
    }
}

fn capability(text: &str) -> String {
    let upper = text.trim().to_uppercase();
    if upper == "ALL" || upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") }
}

/// Whether a volume has a source: a letter and a colon, even here, begin a path of Windows.
fn has_source(text: &str) -> bool {
    let mut bytes = text.bytes();
    let drive = bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.next() == Some(b':');
    let rest = if drive { &text[2..] } else { text };
    rest.split(':').filter(|part| !part.is_empty()).count() > 1
}

fn volumes(typed: &Arguments, body: &mut Value) -> Result<(), Failure> {
    if typed.list("volume").iter().any(String::is_empty) {
        return Err(Failure::new("invalid empty volume spec"));
    }
    let (binds, own): (Vec<&String>, Vec<&String>) = typed.list("volume").iter().partition(|text| has_source(text));
    if !binds.is_empty() {
        fields(body, "/HostConfig").insert("Binds".to_owned(), json!(binds));
    }
    let own: Map<String, Value> = own.into_iter().map(|path| (path.clone(), json!({}))).collect();
    fields(body, "").insert("Volumes".to_owned(), Value::Object(own));
    let tmpfs: Map<String, Value> = typed
        .list("tmpfs")
        .iter()
        .map(|text| text.split_once(':').unwrap_or((text, "")))
        .map(|(path, options)| (path.to_owned(), json!(options)))
        .collect();
    if !tmpfs.is_empty() {
        fields(body, "/HostConfig").insert("Tmpfs".to_owned(), Value::Object(tmpfs));
    }
    Ok(())
}

/// What is wrong with the namespaces that were asked for.
fn check_modes(typed: &Arguments) -> Result<(), Failure> {
    let another = |mode: &str| mode.strip_prefix("container:").is_some_and(|name| !name.is_empty());
    for (flag, name) in [("pid", "PID"), ("uts", "UTS"), ("userns", "USER"), ("cgroupns", "CGROUP")] {
        let mode = typed.text(flag).unwrap_or_default();
        let private = flag == "cgroupns" && mode == "private";
        if !(matches!(mode, "" | "host") || private || flag == "pid" && another(mode)) {
            return Err(Failure::new(format!("--{flag}: invalid {name} mode")));
        }
    }
    match typed.int("memory-swappiness").unwrap_or(-1) {
        -1..=100 => Ok(()),
        other => Err(Failure::new(format!("invalid value: {other}. Valid memory swappiness range is 0-100"))),
    }
}

/// What is wrong with `--mac-address`.
pub(super) fn check_mac(typed: &Arguments) -> Result<(), Failure> {
    let Some(text) = typed.text("mac-address").map(str::trim).filter(|text| !text.is_empty()) else { return Ok(()) };
    mac(text)
}

/// What is wrong with `--platform`: `os[/arch[/variant]]` with an architecture or a system that is known.
pub(super) fn check_platform(typed: &Arguments) -> Result<(), Failure> {
    const KNOWN: [&str; 24] = [
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "linux",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "windows",
        "386",
        "amd64",
        "x86_64",
        "x86-64",
        "arm",
        "armhf",
        "armel",
        "arm64",
        "aarch64",
        "ppc64le",
        "riscv64",
        "s390x",
        "mips64le",
    ];
    let Some(text) = typed.text("platform").filter(|text| !text.is_empty()) else { return Ok(()) };
    if text.contains('/') || KNOWN.contains(&text.to_lowercase().as_str()) {
        return Ok(());
    }
    let why = "unknown operating system or architecture: invalid argument";
    Err(Failure::new(format!("error parsing specified platform: {}: {why}", quoted(text))))
}

/// What is wrong with `--pull`.
pub(super) fn check_pull(typed: &Arguments) -> Result<(), Failure> {
    match typed.text("pull").unwrap_or_default() {
        "" | "always" | "missing" | "never" => Ok(()),
        other => Err(Failure::new(format!(
            "invalid pull option: '{other}': must be one of {}, {} or {}",
            quoted("always"),
            quoted("missing"),
            quoted("never")
        ))),
    }
}

/// A search domain goes without the dot at its end; the root alone stays.
fn take_root_off(domain: &mut Value) {
    let bare = domain.as_str().and_then(|text| text.strip_suffix('.')).filter(|text| !text.is_empty());
    if let Some(bare) = bare.map(str::to_owned) {
        *domain = json!(bare);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::play::Play;

    fn body(line: &str) -> Value {
        serde_json::from_str(Play::new(line).body(0)).expect("a body")
    }

    #[test]
    fn nothing_asked_for_is_what_the_client_was_recorded_to_send() {
        let body = body("docker create busybox");
        let mut recorded: Value = serde_json::from_str(include_str!("body.json")).expect("well-formed");
        recorded["Image"] = "busybox".into();
        recorded["NetworkingConfig"] = body["NetworkingConfig"].clone();
        assert_eq!(body, recorded);
        assert!(body["NetworkingConfig"]["EndpointsConfig"]["default"].is_object());
    }

    #[test]
    fn the_process() {
        let body =
            body("docker run -itd --name x -h h1 -e A=B -l k=v -w /x -u 5 --entrypoint sh busybox -c 'a b' --foo");
        let of = |name: &str| body[name].to_string();
        assert_eq!(of("Cmd"), r#"["-c","a b","--foo"]"#);
        assert_eq!(
            (of("Env"), of("Labels"), of("Entrypoint")),
            (r#"["A=B"]"#.into(), r#"{"k":"v"}"#.into(), r#"["sh"]"#.into())
        );
        assert_eq!((of("Hostname"), of("WorkingDir"), of("User")), ("\"h1\"".into(), "\"/x\"".into(), "\"5\"".into()));
        let streams = ["Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout"].map(|name| body[name] == true);
        assert_eq!(streams, [true, true, false, false, false], "a container in the background is not attached");
    }

    #[test]
    fn input_that_is_attached_ends_once() {
        let body = body("docker run -i busybox cat");
        let streams = ["OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout"].map(|name| body[name] == true);
        assert_eq!(streams, [true, true, true, true]);
    }

    #[test]
    fn the_host() {
        let line = "docker create --cap-add net_admin --cap-drop ALL --privileged --restart on-failure:3 --memory 10m \
                    --cpus 1.5 --sysctl net.ipv4.ip_forward=1 --dns 192.0.2.8 --dns-opt ndots:1 --add-host b=fe80::1 \
                    -v /a:/b -v /c --link c2:x --init busybox";
        let body = body(line);
        let of = |name: &str| body["HostConfig"][name].to_string();
        assert_eq!((of("CapAdd"), of("CapDrop")), (r#"["CAP_NET_ADMIN"]"#.into(), r#"["ALL"]"#.into()));
        assert_eq!(of("RestartPolicy"), r#"{"Name":"on-failure","MaximumRetryCount":3}"#);
        assert_eq!((of("Memory"), of("NanoCpus")), ("10485760".into(), "1500000000".into()));
        assert_eq!(of("Sysctls"), r#"{"net.ipv4.ip_forward":"1"}"#);
        assert_eq!((of("Dns"), of("DnsOptions")), (r#"["192.0.2.8"]"#.into(), r#"["ndots:1"]"#.into()));
        assert_eq!((of("ExtraHosts"), of("Links")), (r#"["b:fe80::1"]"#.into(), r#"["c2:x"]"#.into()));
        assert_eq!((of("Binds"), of("Init"), of("Privileged")), (r#"["/a:/b"]"#.into(), "true".into(), "true".into()));
        assert_eq!(body["Volumes"].to_string(), r#"{"/c":{}}"#);
    }

    #[test]
    fn ports_and_networks() {
        let body = body("docker create -p 8080:80 --expose 81/udp --net n1 --network-alias al1 web");
        assert_eq!(body["ExposedPorts"].to_string(), r#"{"80/tcp":{},"81/udp":{}}"#);
        assert_eq!(body["HostConfig"]["PortBindings"].to_string(), r#"{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}"#);
        assert_eq!(body["HostConfig"]["NetworkMode"], "n1");
        assert_eq!(body["NetworkingConfig"]["EndpointsConfig"]["n1"]["Aliases"].to_string(), r#"["al1"]"#);
    }
}
