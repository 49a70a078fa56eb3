//! `docker service inspect --pretty`: a service for people.

use serde_json::Value;

use super::tasks::seconds_since;
use crate::cli::human;
use crate::cli::object::{items, text};
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request};

/// Prints services, one after the other; the next is the first.
pub(super) fn show(mut names: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
    if names.is_empty() {
        return Ok(Next::Exit(0));
    }
    let name = names.remove(0);
    call(cx, request("GET", &format!("/services/{}", path_escaped(&name))), move |reply, cx| {
        if reply.status == 404 {
            return Err(Failure::new(format!("Error: no such service: {name}")));
        }
        let service = reply.json()?;
        call(cx, request("GET", "/networks"), move |reply, cx| {
            let networks = items(&reply.json()?).to_vec();
            cx.print(pretty(&service, &networks, cx.place.now));
            show(names, cx)
        })
    })
}

fn pretty(service: &Value, networks: &[Value], now: u64) -> String {
    let spec = &service["Spec"];
    let container = &spec["TaskTemplate"]["ContainerSpec"];
    let mut said = format!("\nID:\t\t{}\nName:\t\t{}\n", text(service, "ID"), text(spec, "Name"));
    if let Some(labels) = spec["Labels"].as_object().filter(|labels| !labels.is_empty()) {
        said.push_str("Labels:\n");
        labels.iter().for_each(|(k, v)| said.push_str(&format!(" {k}={}\n", v.as_str().unwrap_or_default())));
    }
    match spec["Mode"]["Replicated"]["Replicas"].as_u64() {
        Some(replicas) => said.push_str(&format!("Service Mode:\tReplicated\n Replicas:\t{replicas}\n")),
        None if spec["Mode"]["Global"].is_object() => said.push_str("Service Mode:\tGlobal\n"),
        // The real client (28.2.2) has no words for jobs there.
        None => said.push_str("Service Mode:\n"),
    }
    let status = &service["UpdateStatus"];
    if status.is_object() {
        let ago = |field: &str| human::duration(seconds_since(text(status, field), now));
        said.push_str(&format!("UpdateStatus:\n State:\t\t{}\n", text(status, "State")));
        said.push_str(&format!(" Started:\t{} ago\n", ago("StartedAt")));
        if !text(status, "CompletedAt").is_empty() {
            said.push_str(&format!(" Completed:\t{} ago\n", ago("CompletedAt")));
        }
        said.push_str(&format!(" Message:\t{}\n", text(status, "Message")));
    }
    said.push_str("Placement:\n");
    let placement = &spec["TaskTemplate"]["Placement"];
    if !items(&placement["Constraints"]).is_empty() {
        said.push_str(&format!(" Constraints:\t{}\n", texts(&placement["Constraints"]).join(", ")));
    }
    if let Some(most) = placement["MaxReplicas"].as_u64().filter(|most| *most > 0) {
        said.push_str(&format!(" Max Replicas Per Node:\t{most}\n"));
    }
    said.push_str(&rolling("UpdateConfig", "Update order:      ", &spec["UpdateConfig"]));
    said.push_str(&rolling("RollbackConfig", "Rollback order:    ", &spec["RollbackConfig"]));
    said.push_str(&format!("ContainerSpec:\n Image:\t\t{}\n", text(container, "Image")));
    for (field, title) in [("Args", "Args"), ("Env", "Env")] {
        if !items(&container[field]).is_empty() {
            said.push_str(&format!(" {title}:\t\t{} \n", texts(&container[field]).join(" ")));
        }
    }
    if !text(container, "Dir").is_empty() {
        said.push_str(&format!(" Dir:\t\t{}\n", text(container, "Dir")));
    }
    if container["Init"].is_boolean() {
        said.push_str(&format!(" Init:\t\t{}\n", container["Init"]));
    }
    if !text(container, "User").is_empty() {
        said.push_str(&format!(" User: {}\n", text(container, "User")));
    }
    said.push_str(&rights(container));
    said.push_str(&mounts(items(&container["Mounts"])));
    said.push_str(&log_driver(&spec["TaskTemplate"]["LogDriver"]));
    said.push_str(&resources(&spec["TaskTemplate"]["Resources"]));
    said.push_str(&reached(service, networks));
    said.push('\n');
    said
}

/// What the processes of a task may do.
fn rights(container: &Value) -> String {
    let mut said = String::new();
    let [added, dropped] = ["CapabilityAdd", "CapabilityDrop"].map(|field| texts(&container[field]).join(", "));
    if !added.is_empty() || !dropped.is_empty() {
        said.push_str("Capabilities:\n");
    }
    for (title, names) in [("Add", added), ("Drop", dropped)].into_iter().filter(|(_, names)| !names.is_empty()) {
        said.push_str(&format!(" {title}: {names}\n"));
    }
    if let Some(settings) = container["Sysctls"].as_object().filter(|settings| !settings.is_empty()) {
        said.push_str("SysCtls:\n");
        settings.iter().for_each(|(k, v)| said.push_str(&format!(" {k}: {}\n", v.as_str().unwrap_or_default())));
    }
    let limits = items(&container["Ulimits"]);
    if !limits.is_empty() {
        said.push_str("Ulimits:\n");
    }
    for limit in limits {
        said.push_str(&format!(" {}: {}:{}\n", text(limit, "Name"), limit["Soft"], limit["Hard"]));
    }
    said
}

fn mounts(mounts: &[Value]) -> String {
    let mut said = if mounts.is_empty() { String::new() } else { "Mounts:\n".to_owned() };
    for mount in mounts {
        said.push_str(&format!(
            " Target:\t{}\n  Source:\t{}\n  ReadOnly:\t{}\n  Type:\t\t{}\n",
            text(mount, "Target"),
            text(mount, "Source"),
            mount["ReadOnly"] == true,
            text(mount, "Type")
        ));
    }
    said
}

fn log_driver(driver: &Value) -> String {
    if !driver.is_object() {
        return String::new();
    }
    let mut said = format!("Log Driver:\n Name:\t\t{}\n", text(driver, "Name"));
    if let Some(options) = driver["Options"].as_object().filter(|options| !options.is_empty()) {
        said.push_str(" LogOpts:\n");
        options.iter().for_each(|(k, v)| said.push_str(&format!("  {k}:       {}\n", v.as_str().unwrap_or_default())));
    }
    said + "\n"
}

fn resources(resources: &Value) -> String {
    let mut said = "Resources:\n".to_owned();
    for part in ["Reservations", "Limits"] {
        let amount = |field: &str| resources[part][field].as_u64().filter(|amount| *amount > 0);
        let [cpus, memory, pids] = ["NanoCPUs", "MemoryBytes", "Pids"].map(amount);
        if cpus.is_some() || memory.is_some() || pids.is_some() {
            said.push_str(&format!(" {part}:\n"));
        }
        if let Some(cpus) = cpus {
            let billion = 1_000_000_000;
            let fraction = format!("{:09}", cpus % billion);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            said.push_str(&format!("  CPU:\t\t{}{point}{fraction}\n", cpus / billion));
        }
        if let Some(memory) = memory {
            said.push_str(&format!("  Memory:\t{}\n", human::binary_size(memory)));
        }
        if let Some(pids) = pids {
            said.push_str(&format!("  PIDs:\t\t{pids}\n"));
        }
    }
    said
}

/// The networks of a service, and how it is reached.
fn reached(service: &Value, networks: &[Value]) -> String {
    let mut said = String::new();
    let wanted = items(&service["Spec"]["TaskTemplate"]["Networks"]);
    if !wanted.is_empty() {
        let name = |wanted: &Value| {
            let found = networks.iter().find(|network| text(network, "Id") == text(wanted, "Target"));
            found.map_or_else(|| text(wanted, "Target").to_owned(), |network| text(network, "Name").to_owned())
        };
        said.push_str(&format!("Networks: {} \n", wanted.iter().map(name).collect::<Vec<_>>().join(" ")));
    }
    let mode = text(&service["Spec"]["EndpointSpec"], "Mode");
    said.push_str(&format!("Endpoint Mode:\t{mode}\n"));
    let ports = items(&service["Endpoint"]["Ports"]);
    if !ports.is_empty() {
        said.push_str("Ports:\n");
    }
    for port in ports {
        said.push_str(&format!(
            " PublishedPort = {}\n  Protocol = {}\n  TargetPort = {}\n  PublishMode = {}\n",
            port["PublishedPort"],
            text(port, "Protocol"),
            port["TargetPort"],
            text(port, "PublishMode")
        ));
    }
    said
}

fn rolling(title: &str, order: &str, config: &Value) -> String {
    if !config.is_object() {
        return String::new();
    }
    let mut said = format!("{title}:\n Parallelism:\t{}\n", config["Parallelism"]);
    if let Some(delay) = config["Delay"].as_u64().filter(|delay| *delay > 0) {
        said.push_str(&format!(" Delay:\t\t{}\n", go_duration(delay)));
    }
    said.push_str(&format!(" On failure:\t{}\n", text(config, "FailureAction")));
    let monitor = go_duration(config["Monitor"].as_u64().unwrap_or_default());
    said.push_str(&format!(" Monitoring Period: {monitor}\n Max failure ratio: {}\n", config["MaxFailureRatio"]));
    said.push_str(&format!(" {order}{}\n", text(config, "Order")));
    said
}

/// A span of time as Go writes it: `1m0s`.
fn go_duration(nanos: u64) -> String {
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if rest > 0 => format!("{}ms", rest / 1_000_000),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn texts(list: &Value) -> Vec<&str> {
    items(list).iter().filter_map(Value::as_str).collect()
}
