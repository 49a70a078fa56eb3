//! `docker info`: the engine at a glance. Only what the engine told is shown.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Order};
use super::inspect::FORMAT;
use super::listing;
use super::object::items;
use super::script::{Cx, Failure, Next, Outcome, Reply, request};
use super::version::CLIENT;
use crate::template::{Context, Template};

/// The command.
pub(super) const INFO: Command = Command {
    usage: "[OPTIONS]",
    about: "Display system-wide information",
    aliases: "docker system info, docker info",
    flags: &[FORMAT],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = listing::template(typed.text("format")).map(str::to_owned);
    let ticket = cx.open(request("GET", "/info"));
    let show = move |reply: Result<Reply, Failure>, cx: &mut Cx<'_>| match format {
        Some(format) => formatted(&format, &reply?.json()?, cx),
        None => told(reply, cx),
    };
    Ok(Next::Reply(ticket, Box::new(show)))
}

fn formatted(format: &str, info: &Value, cx: &mut Cx<'_>) -> Outcome {
    let broken = |why| Failure::new(format!("template parsing error: {why}")).code(64);
    let template = Template::parse(format).map_err(broken)?;
    let text = template
        .render_for(info, Context::Row { type_name: "system.dockerInfo" })
        .map_err(|why| Failure::new(why.to_string()))?;
    cx.print_line(&text);
    Ok(Next::Exit(0))
}

fn told(reply: Result<Reply, Failure>, cx: &mut Cx<'_>) -> Outcome {
    cx.print(format!("Client:\n Version:    {CLIENT}\n Context:    default\n Debug Mode: false\n\nServer:\n"));
    let info = reply.and_then(Reply::json);
    if let Ok(info) = &info {
        counts(info, cx);
        storage(info, cx);
        plugins(info, cx);
        machine(info, cx);
    }
    cx.print("\n");
    info.map(|_| Next::Exit(0))
}

/// A line when there is something to say.
fn line(name: &str, value: &Value, cx: &mut Cx<'_>) {
    match value {
        Value::Null => {}
        Value::String(text) => cx.print_line(&format!(" {name}: {text}")),
        other => cx.print_line(&format!(" {name}: {other}")),
    }
}

fn counts(info: &Value, cx: &mut Cx<'_>) {
    line("Containers", &info["Containers"], cx);
    line(" Running", &info["ContainersRunning"], cx);
    line(" Paused", &info["ContainersPaused"], cx);
    line(" Stopped", &info["ContainersStopped"], cx);
    line("Images", &info["Images"], cx);
    line("Server Version", &info["ServerVersion"], cx);
}

fn storage(info: &Value, cx: &mut Cx<'_>) {
    line("Storage Driver", &info["Driver"], cx);
    for pair in items(&info["DriverStatus"]) {
        line(&format!(" {}", pair[0].as_str().unwrap_or_default()), &pair[1], cx);
    }
    line("Logging Driver", &info["LoggingDriver"], cx);
    line("Cgroup Driver", &info["CgroupDriver"], cx);
    line("Cgroup Version", &info["CgroupVersion"], cx);
}

fn plugins(info: &Value, cx: &mut Cx<'_>) {
    let kinds = ["Volume", "Network", "Log"].map(|kind| (kind, joined(&info["Plugins"][kind])));
    if kinds.iter().any(|(_, names)| !names.is_empty()) {
        cx.print_line(" Plugins:");
    }
    for (kind, names) in kinds.iter().filter(|(_, names)| !names.is_empty()) {
        cx.print_line(&format!("  {kind}: {names}"));
    }
    swarm(&info["Swarm"], cx);
    if let Some(runtimes) = info["Runtimes"].as_object() {
        let mut names: Vec<&str> = runtimes.keys().map(String::as_str).collect();
        names.sort_unstable();
        cx.print_line(&format!(" Runtimes: {}", names.join(" ")));
    }
    line("Default Runtime", &info["DefaultRuntime"], cx);
    line("Init Binary", &info["InitBinary"], cx);
}

/// The host's place in a swarm.
fn swarm(swarm: &Value, cx: &mut Cx<'_>) {
    line("Swarm", &swarm["LocalNodeState"], cx);
    if matches!(swarm["LocalNodeState"].as_str(), None | Some("inactive" | "locked")) {
        return;
    }
    line(" NodeID", &swarm["NodeID"], cx);
    line(" Is Manager", &swarm["ControlAvailable"], cx);
    let cluster = &swarm["Cluster"];
    if swarm["ControlAvailable"] == true && cluster.is_object() {
        line(" ClusterID", &cluster["ID"], cx);
        line(" Managers", &swarm["Managers"], cx);
        line(" Nodes", &swarm["Nodes"], cx);
        let pools: Vec<&str> = items(&cluster["DefaultAddrPool"]).iter().filter_map(Value::as_str).collect();
        if !pools.is_empty() {
            cx.print_line(&format!("  Default Address Pool: {}  ", pools.join("  ")));
            line(" SubnetSize", &cluster["SubnetSize"], cx);
        }
        line(" Data Path Port", &cluster["DataPathPort"], cx);
        let spec = &cluster["Spec"];
        cx.print_line("  Orchestration:");
        line("  Task History Retention Limit", &spec["Orchestration"]["TaskHistoryRetentionLimit"], cx);
        cx.print_line("  Raft:");
        line("  Snapshot Interval", &spec["Raft"]["SnapshotInterval"], cx);
        line("  Number of Old Snapshots to Retain", &spec["Raft"]["KeepOldSnapshots"], cx);
        line("  Heartbeat Tick", &spec["Raft"]["HeartbeatTick"], cx);
        line("  Election Tick", &spec["Raft"]["ElectionTick"], cx);
        let seconds = |nanos: &Value| nanos.as_u64().unwrap_or_default() / 1_000_000_000;
        let period = super::human::duration(seconds(&spec["Dispatcher"]["HeartbeatPeriod"]));
        cx.print_line(&format!("  Dispatcher:\n   Heartbeat Period: {period}"));
        let expiry = super::human::duration(seconds(&spec["CAConfig"]["NodeCertExpiry"]));
        cx.print_line(&format!("  CA Configuration:\n   Expiry Duration: {expiry}\n   Force Rotate: 0"));
        line(" Autolock Managers", &spec["EncryptionConfig"]["AutoLockManagers"], cx);
        line(" Root Rotation In Progress", &cluster["RootRotationInProgress"], cx);
    }
    line(" Node Address", &swarm["NodeAddr"], cx);
    let mut managers: Vec<&str> = items(&swarm["RemoteManagers"]).iter().filter_map(|m| m["Addr"].as_str()).collect();
    if !managers.is_empty() {
        managers.sort_unstable();
        cx.print_line("  Manager Addresses:");
        managers.iter().for_each(|addr| cx.print_line(&format!("   {addr}")));
    }
}

fn joined(names: &Value) -> String {
    let names: Vec<&str> = items(names).iter().filter_map(Value::as_str).collect();
    names.join(" ")
}

fn machine(info: &Value, cx: &mut Cx<'_>) {
    line("Kernel Version", &info["KernelVersion"], cx);
    line("Operating System", &info["OperatingSystem"], cx);
    line("OSType", &info["OSType"], cx);
    line("Architecture", &info["Architecture"], cx);
    line("CPUs", &info["NCPU"], cx);
    if let Some(bytes) = info["MemTotal"].as_u64() {
        cx.print_line(&format!(" Total Memory: {}", memory(bytes)));
    }
    line("Name", &info["Name"], cx);
    line("ID", &info["ID"], cx);
    line("Docker Root Dir", &info["DockerRootDir"], cx);
    line("Debug Mode", &info["Debug"], cx);
    line("Experimental", &info["ExperimentalBuild"], cx);
    // Clients up to 20.10 show these, and so does every document that has them.
    line("Cluster Store", &info["ClusterStore"], cx);
    line("Cluster Advertise", &info["ClusterAdvertise"], cx);
    let registries = items(&info["RegistryConfig"]["InsecureRegistryCIDRs"]);
    if !registries.is_empty() {
        cx.print_line(" Insecure Registries:");
    }
    registries.iter().filter_map(Value::as_str).for_each(|range| cx.print_line(&format!("  {range}")));
    line("Live Restore Enabled", &info["LiveRestoreEnabled"], cx);
    let pools = items(&info["DefaultAddressPools"]);
    if !pools.is_empty() {
        cx.print_line(" Default Address Pools:");
    }
    for pool in pools {
        let base = pool["Base"].as_str().unwrap_or_default();
        cx.print_line(&format!("   Base: {base}, Size: {}", pool["Size"]));
    }
    for warning in items(&info["Warnings"]).iter().filter_map(Value::as_str) {
        cx.error_line(warning);
    }
}

/// `bytes` in units of 1024 with four digits that count: `23.54GiB`.
fn memory(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut unit, mut divisor) = (0, 1);
    while bytes / divisor >= 1024 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    let whole = bytes / divisor;
    let decimals = 4_usize.saturating_sub(whole.to_string().len());
    let scale = 10_u64.pow(u32::try_from(decimals).expect("at most four"));
    let fraction = (u128::from(bytes % divisor) * u128::from(scale)) / u128::from(divisor);
    let text = format!("{whole}.{fraction:0decimals$}");
    format!("{}{}", text.trim_end_matches('0').trim_end_matches('.'), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn only_what_the_engine_told_is_shown() {
        let mut play = Play::new("docker info");
        assert_eq!(play.requests(), ["GET /v1.41/info"]);
        play.answer(
            0,
            200,
            r#"{"Containers":2,"Images":1,"Driver":"overlay2","DriverStatus":[["userxattr","false"]],
            "Plugins":{"Network":["bridge","host"]},"Swarm":{"LocalNodeState":"inactive"},"MemTotal":25275789312}"#,
        );
        let expected = "Client:
 Version:    28.2.2
 Context:    default
 Debug Mode: false

Server:
 Containers: 2
 Images: 1
 Storage Driver: overlay2
  userxattr: false
 Plugins:
  Network: bridge host
 Swarm: inactive
 Total Memory: 23.53GiB

";
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn a_template_sees_what_was_sent() {
        let mut play = Play::new("docker info -f {{.Name}}");
        play.answer(0, 200, r#"{"Name":"docker01"}"#);
        assert_eq!(play.stdout(), "docker01\n");
    }
}
