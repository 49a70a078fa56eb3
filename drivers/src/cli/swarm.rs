//! `docker swarm`: a host begins a swarm, joins one and leaves it.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::create::quantity;
use super::flags::{Arguments, Flag, Order};
use super::object::text;
use super::query::{one, path_escaped, query};
use super::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// Where a manager listens when nothing is said.
const EVERYWHERE: &str = "0.0.0.0:2377";
const ADVERTISE: Flag = Flag::text("advertise-addr", "Advertised address (format: \"<ip|interface>[:port]\")");
const AVAILABILITY: Flag =
    Flag::text("availability", "Availability of the node (\"active\", \"pause\", \"drain\")").default("active");
const DATA_PATH: Flag =
    Flag::text("data-path-addr", "Address or interface to use for data path traffic (format: \"<ip|interface>\")");
const LISTEN: Flag = Flag::text("listen-addr", "Listen address (format: \"<ip|interface>[:port]\")")
    .labelled("node-addr")
    .checked(check_node_addr)
    .default(EVERYWHERE);
const CERT_EXPIRY: Flag =
    Flag::duration("cert-expiry", "Validity period for node certificates (ns|us|ms|s|m|h)").default("2160h0m0s");
const HEARTBEAT: Flag =
    Flag::duration("dispatcher-heartbeat", "Dispatcher heartbeat period (ns|us|ms|s|m|h)").default("5s");
const EXTERNAL_CA: Flag = Flag::list("external-ca", "Specifications of one or more certificate signing endpoints")
    .labelled("external-ca")
    .checked(check_external_ca);
const SNAPSHOTS: Flag = Flag::uint("max-snapshots", "Number of additional Raft snapshots to retain");
const SNAPSHOT_INTERVAL: Flag =
    Flag::uint("snapshot-interval", "Number of log entries between Raft snapshots").default("10000");
const HISTORY: Flag = Flag::int("task-history-limit", "Task history retention limit").default("5");

/// `docker swarm init`.
pub(super) const INIT: Command = Command {
    usage: "[OPTIONS]",
    about: "Initialize a swarm",
    aliases: "",
    flags: &[
        ADVERTISE,
        Flag::switch("autolock", "Enable manager autolocking (requiring an unlock key to start a stopped manager)"),
        AVAILABILITY,
        CERT_EXPIRY,
        DATA_PATH,
        Flag::uint32(
            "data-path-port",
            "Port number to use for data path traffic (1024 - 49151). If no value is set or is set to 0, the default \
             port (4789) is used.",
        ),
        Flag::strings("default-addr-pool", "default address pool in CIDR format")
            .labelled("ipNetSlice")
            .default("[]")
            .checked(check_pool),
        Flag::uint32("default-addr-pool-mask-length", "default address pool subnet mask length").default("24"),
        HEARTBEAT,
        EXTERNAL_CA,
        Flag::switch("force-new-cluster", "Force create a new cluster from current state"),
        LISTEN,
        SNAPSHOTS,
        SNAPSHOT_INTERVAL,
        HISTORY,
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: init,
};

/// `docker swarm join`.
pub(super) const JOIN: Command = Command {
    usage: "[OPTIONS] HOST:PORT",
    about: "Join a swarm as a node and/or manager",
    flags: &[ADVERTISE, AVAILABILITY, DATA_PATH, LISTEN, Flag::text("token", "Token for entry into the swarm")],
    arity: Arity::Exactly(1),
    run: join,
    ..INIT
};

/// `docker swarm join-token`.
pub(super) const JOIN_TOKEN: Command = Command {
    usage: "[OPTIONS] (worker|manager)",
    about: "Manage join tokens",
    flags: &[Flag::switch("quiet", "Only display token").short('q'), Flag::switch("rotate", "Rotate join token")],
    arity: Arity::Exactly(1),
    run: join_token,
    ..INIT
};

/// `docker swarm leave`.
pub(super) const LEAVE: Command = Command {
    usage: "[OPTIONS]",
    about: "Leave the swarm",
    flags: &[Flag::switch("force", "Force this node to leave the swarm, ignoring warnings").short('f')],
    run: |typed, cx| {
        let query = query(&[("force", one(typed.is_on("force")))]);
        call(cx, request("POST", &format!("/swarm/leave{query}")), |reply, cx| {
            reply.accepted()?;
            cx.print_line("Node left the swarm.");
            Ok(Next::Exit(0))
        })
    },
    ..INIT
};

/// `docker swarm update`.
pub(super) const UPDATE: Command = Command {
    usage: "[OPTIONS]",
    about: "Update the swarm",
    flags: &[
        Flag::switch("autolock", "Change manager autolocking setting (true|false)"),
        CERT_EXPIRY,
        HEARTBEAT,
        EXTERNAL_CA,
        SNAPSHOTS,
        SNAPSHOT_INTERVAL,
        HISTORY,
    ],
    run: update,
    ..INIT
};

/// `docker swarm unlock`.
pub(super) const UNLOCK: Command = Command {
    usage: "",
    about: "Unlock swarm",
    flags: &[],
    run: |_, cx| {
        call(cx, request("GET", "/info"), |reply, _| {
            match text(&reply.json()?["Swarm"], "LocalNodeState") {
                "inactive" => return Err(Failure::new("Error: This node is not part of a swarm")),
                "locked" => {}
                _ => return Err(Failure::new("Error: swarm is not locked")),
            }
            Ok(Next::Line(Box::new(|key: String, cx| {
                let body = json!({ "UnlockKey": key.trim() });
                call(cx, request_with("POST", "/swarm/unlock", &body), |reply, _| {
                    reply.accepted()?;
                    Ok(Next::Exit(0))
                })
            })))
        })
    },
    ..INIT
};

/// `docker swarm unlock-key`.
pub(super) const UNLOCK_KEY: Command = Command {
    usage: "[OPTIONS]",
    about: "Manage the unlock key",
    flags: &[Flag::switch("quiet", "Only display token").short('q'), Flag::switch("rotate", "Rotate unlock key")],
    run: |typed, cx| {
        let quiet = typed.is_on("quiet");
        if !typed.is_on("rotate") {
            return show_key(quiet, cx);
        }
        call(cx, request("GET", "/swarm"), move |reply, cx| {
            let swarm = reply.json()?;
            if swarm["Spec"]["EncryptionConfig"]["AutoLockManagers"] != true {
                return Err(Failure::new("cannot rotate because autolock is not turned on"));
            }
            send_settings("rotateManagerUnlockKey", &swarm, &swarm["Spec"], cx, move |cx| {
                if !quiet {
                    cx.print_line("Successfully rotated manager unlock key.");
                }
                show_key(quiet, cx)
            })
        })
    },
    ..INIT
};

/// `docker swarm ca`.
pub(super) const CA: Command = Command {
    usage: "[OPTIONS]",
    about: "Display and rotate the root CA",
    flags: &[
        Flag::text("ca-cert", "Path to the PEM-formatted root CA certificate to use for the new cluster")
            .labelled("pem-file"),
        Flag::text("ca-key", "Path to the PEM-formatted root CA key to use for the new cluster").labelled("pem-file"),
        CERT_EXPIRY,
        Flag::switch("detach", "Exit immediately instead of waiting for the root rotation to converge").short('d'),
        EXTERNAL_CA,
        Flag::switch("quiet", "Suppress progress output").short('q'),
        Flag::switch(
            "rotate",
            "Rotate the swarm CA - if no certificate or key are provided, new ones will be generated",
        ),
    ],
    run: |typed, cx| {
        let turning = ["ca-cert", "ca-key", "cert-expiry", "external-ca"];
        if let Some(flag) = turning.into_iter().find(|flag| typed.has(flag)).filter(|_| !typed.is_on("rotate")) {
            return Err(Failure::new(format!("`--{flag}` flag requires the `--rotate` flag to update the CA")));
        }
        if typed.is_on("rotate") {
            return Err(Failure::new("netyard simulates networks: its nodes have no certificates to rotate"));
        }
        call(cx, request("GET", "/swarm"), |reply, cx| {
            match text(&reply.json()?["TLSInfo"], "TrustRoot") {
                "" => cx.print_line("No CA information available"),
                root => cx.print_line(root.trim_end()),
            }
            Ok(Next::Exit(0))
        })
    },
    ..INIT
};

/// Tells the key by which managers are unlocked.
fn show_key(quiet: bool, cx: &mut Cx<'_>) -> Outcome {
    call(cx, request("GET", "/swarm/unlockkey"), move |reply, cx| {
        let fetched = reply.json().map_err(|f| Failure::new(format!("could not fetch unlock key: {}", f.message)))?;
        match (text(&fetched, "UnlockKey"), quiet) {
            ("", _) => return Err(Failure::new("no unlock key is set")),
            (key, true) => cx.print_line(key),
            (key, false) => cx.print_line(&format!(
                "To unlock a swarm manager after it restarts, run the `docker swarm unlock`\ncommand and provide the \
                 following key:\n\n    {key}\n\nRemember to store this key in a password manager, since without it \
                 you\nwill not be able to restart the manager."
            )),
        }
        Ok(Next::Exit(0))
    })
}

/// Sends the settings of a swarm that was seen like this, perhaps with a wish for a new secret.
fn send_settings(
    rotation: &str,
    swarm: &Value,
    spec: &Value,
    cx: &mut Cx<'_>,
    then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let wish = (!rotation.is_empty()).then(|| "true".to_owned());
    let query = query(&[(rotation, wish), ("version", Some(swarm["Version"]["Index"].to_string()))]);
    call(cx, request_with("POST", &format!("/swarm/update{query}"), spec), move |reply, cx| {
        reply.accepted()?;
        then(cx)
    })
}

fn check_external_ca(text: &str) -> Result<(), String> {
    let mut fields = text.split(',');
    match fields.find(|field| !field.contains('=')) {
        Some(field) => Err(format!("invalid field '{field}' must be a key=value pair")),
        None => Ok(()),
    }
}

fn check_node_addr(text: &str) -> Result<(), String> {
    node_addr(text).map(drop)
}

fn listen_addr(typed: &Arguments) -> Result<String, Failure> {
    node_addr(typed.text("listen-addr").unwrap_or_default()).map_err(Failure::new)
}

/// Host and port where a manager listens, with what was left out in its place (`opts.ParseTCPAddr`).
fn node_addr(text: &str) -> Result<String, String> {
    let written = text.strip_prefix("tcp://").unwrap_or(text);
    let (usual_host, usual_port) = EVERYWHERE.split_once(':').expect("it has a port");
    if written.contains("://") || (written.is_empty() && !text.is_empty() && text != "tcp://") {
        return Err(format!("invalid proto, expected tcp: {text}"));
    }
    let (host, port) = match written.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (written, ""),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("parse \"tcp://{written}\": invalid port \":{port}\" after host"));
    }
    let or = |said: &str, usual: &str| if said.is_empty() { usual.to_owned() } else { said.to_owned() };
    Ok(format!("{}:{}", or(host, usual_host), or(port, usual_port)))
}

fn check_pool(text: &str) -> Result<(), String> {
    let read = crate::ipam::parse_prefix(text);
    read.map(drop).ok_or_else(|| format!("invalid string being converted to CIDR: {text}"))
}

fn init(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let pools = typed.list("default-addr-pool");
    let body = json!({
        "ListenAddr": listen_addr(typed)?,
        "AdvertiseAddr": typed.text("advertise-addr").unwrap_or_default(),
        "DataPathAddr": typed.text("data-path-addr").unwrap_or_default(),
        "DataPathPort": typed.int("data-path-port").unwrap_or_default(),
        "ForceNewCluster": typed.is_on("force-new-cluster"),
        "Spec": changed(json!({
            "Labels": null,
            "Orchestration": {},
            "Raft": { "ElectionTick": 0, "HeartbeatTick": 0 },
            "Dispatcher": {},
            "CAConfig": {},
            "TaskDefaults": {},
            "EncryptionConfig": { "AutoLockManagers": typed.is_on("autolock") },
        }), typed)?,
        "AutoLockManagers": typed.is_on("autolock"),
        "Availability": typed.text("availability").unwrap_or("active").to_lowercase(),
        "DefaultAddrPool": if pools.is_empty() { Value::Null } else { json!(pools) },
        "SubnetSize": typed.int("default-addr-pool-mask-length").unwrap_or(24),
    });
    let locks = typed.is_on("autolock");
    call(cx, request_with("POST", "/swarm/init", &body), move |reply, cx| {
        let node = reply.json()?.as_str().unwrap_or_default().to_owned();
        cx.print_line(&format!("Swarm initialized: current node ({node}) is now a manager.\n"));
        show_command(&node, "worker", cx, move |cx| {
            cx.print_line(
                "To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.",
            );
            if locks { show_key(false, cx) } else { Ok(Next::Exit(0)) }
        })
    })
}

/// Settings of a swarm with those that were typed in their place.
fn changed(mut spec: Value, typed: &Arguments) -> Result<Value, Failure> {
    let durations =
        [("cert-expiry", "CAConfig", "NodeCertExpiry"), ("dispatcher-heartbeat", "Dispatcher", "HeartbeatPeriod")];
    for (flag, part, field) in durations {
        if let Some(text) = typed.text(flag).filter(|_| typed.has(flag)) {
            let nanos = quantity::nanoseconds(text).map_err(Failure::new)?;
            spec[part][field] = json!(nanos);
        }
    }
    let numbers = [
        ("max-snapshots", "Raft", "KeepOldSnapshots"),
        ("snapshot-interval", "Raft", "SnapshotInterval"),
        ("task-history-limit", "Orchestration", "TaskHistoryRetentionLimit"),
    ];
    for (flag, part, field) in numbers {
        if let Some(number) = typed.int(flag).filter(|_| typed.has(flag)) {
            spec[part][field] = json!(number);
        }
    }
    if !typed.list("external-ca").is_empty() {
        spec["CAConfig"]["ExternalCAs"] = json!(typed.list("external-ca"));
    }
    Ok(spec)
}

/// Tells by which command others join, as the node knows it, and what comes then.
fn show_command(
    node: &str,
    role: &'static str,
    cx: &mut Cx<'_>,
    then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    call(cx, request("GET", &format!("/nodes/{}", path_escaped(node))), move |reply, cx| {
        let addr = text(&reply.json()?["ManagerStatus"], "Addr").to_owned();
        call(cx, request("GET", "/swarm"), move |reply, cx| {
            let field = if role == "worker" { "Worker" } else { "Manager" };
            let token = text(&reply.json()?["JoinTokens"], field).to_owned();
            cx.print_line(&format!(
                "To add a {role} to this swarm, run the following command:\n\n    docker swarm join --token {token} {addr}\n"
            ));
            then(cx)
        })
    })
}

fn join(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let body = json!({
        "ListenAddr": listen_addr(typed)?,
        "AdvertiseAddr": typed.text("advertise-addr").unwrap_or_default(),
        "DataPathAddr": typed.text("data-path-addr").unwrap_or_default(),
        "RemoteAddrs": typed.rest,
        "JoinToken": typed.text("token").unwrap_or_default(),
        "Availability": typed.text("availability").unwrap_or("active").to_lowercase(),
    });
    call(cx, request_with("POST", "/swarm/join", &body), |reply, cx| {
        reply.accepted()?;
        call(cx, request("GET", "/info"), |reply, cx| {
            let is_manager = reply.json()?["Swarm"]["ControlAvailable"] == true;
            let role = if is_manager { "manager" } else { "worker" };
            cx.print_line(&format!("This node joined a swarm as a {role}."));
            Ok(Next::Exit(0))
        })
    })
}

fn join_token(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let role = match typed.rest[0].as_str() {
        "worker" => "worker",
        "manager" => "manager",
        other => return Err(Failure::new(format!("unknown role {other}"))),
    };
    let quiet = typed.is_on("quiet");
    if !typed.is_on("rotate") {
        return show_token(role, quiet, cx);
    }
    call(cx, request("GET", "/swarm"), move |reply, cx| {
        let swarm = reply.json()?;
        let flag = if role == "worker" { "rotateWorkerToken" } else { "rotateManagerToken" };
        send_settings(flag, &swarm, &swarm["Spec"], cx, move |cx| {
            if !quiet {
                cx.print_line(&format!("Successfully rotated {role} join token.\n"));
            }
            show_token(role, quiet, cx)
        })
    })
}

fn show_token(role: &'static str, quiet: bool, cx: &mut Cx<'_>) -> Outcome {
    call(cx, request("GET", "/swarm"), move |reply, cx| {
        let tokens = reply.json()?["JoinTokens"].take();
        if quiet {
            cx.print_line(text(&tokens, if role == "worker" { "Worker" } else { "Manager" }));
            return Ok(Next::Exit(0));
        }
        call(cx, request("GET", "/info"), move |reply, cx| {
            let node = text(&reply.json()?["Swarm"], "NodeID").to_owned();
            show_command(&node, role, cx, |_| Ok(Next::Exit(0)))
        })
    })
}

fn update(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    if typed.is_empty() {
        cx.print(UPDATE.help("docker swarm update"));
        return Ok(Next::Exit(0));
    }
    let typed = typed.clone();
    call(cx, request("GET", "/swarm"), move |reply, cx| {
        let swarm = reply.json()?;
        let mut spec = changed(swarm["Spec"].clone(), &typed)?;
        if typed.has("autolock") {
            spec["EncryptionConfig"]["AutoLockManagers"] = json!(typed.is_on("autolock"));
        }
        let was_locked = swarm["Spec"]["EncryptionConfig"]["AutoLockManagers"] == true;
        let locks = spec["EncryptionConfig"]["AutoLockManagers"] == true && !was_locked;
        send_settings("", &swarm, &spec, cx, move |cx| {
            cx.print_line("Swarm updated.");
            if locks { show_key(false, cx) } else { Ok(Next::Exit(0)) }
        })
    })
}
