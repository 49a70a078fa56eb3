//! `docker service update`, and `rollback`.

use serde_json::{Value, json};

use super::create::{resolve, unresolved};
use super::spec::{self, list, set};
use super::{progress, spec as flags};
use crate::cli::command::{Arity, Command};
use crate::cli::flags::{Arguments, Flag};
use crate::cli::network::create::pairs;
use crate::cli::object::{items, text};
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// `docker service update`.
pub(in super::super) const UPDATE: Command = Command {
    usage: "[OPTIONS] SERVICE",
    about: "Update a service",
    aliases: "",
    flags: &[
        Flag::text("args", "Service command args").labelled("command"),
        Flag::list("constraint-add", "Add or update a placement constraint"),
        Flag::list("constraint-rm", "Remove a constraint"),
        Flag::list("container-label-add", "Add or update a container label"),
        Flag::list("container-label-rm", "Remove a container label by its key"),
        flags::DETACH,
        flags::ENDPOINT_MODE,
        flags::ENTRYPOINT,
        Flag::list("env-add", "Add or update an environment variable"),
        Flag::list("env-rm", "Remove an environment variable"),
        Flag::switch("force", "Force update even if no changes require it"),
        flags::HEALTH[0],
        flags::HEALTH[1],
        flags::HEALTH[2],
        flags::HEALTH[3],
        flags::HEALTH[4],
        flags::HOSTNAME,
        Flag::text("image", "Service image tag"),
        Flag::list("label-add", "Add or update a service label"),
        Flag::list("label-rm", "Remove a label by its key"),
        flags::NETWORK_ADD,
        Flag::list("network-rm", "Remove a network"),
        flags::HEALTH[5],
        flags::NO_RESOLVE,
        Flag::list("placement-pref-add", "Add a placement preference")
            .labelled("pref")
            .checked(flags::check_preference),
        Flag::list("placement-pref-rm", "Remove a placement preference")
            .labelled("pref")
            .checked(flags::check_preference),
        flags::PUBLISH_ADD,
        Flag::list("publish-rm", "Remove a published port by its target port").labelled("port"),
        flags::QUIET,
        flags::REPLICAS,
        flags::MAX_PER_NODE,
        flags::RESTART[0],
        flags::RESTART[1],
        flags::RESTART[2],
        Flag::switch("rollback", "Rollback to previous specification"),
        flags::ROLLBACKS[0],
        flags::ROLLBACKS[1],
        flags::ROLLBACKS[2],
        flags::ROLLBACKS[3],
        flags::ROLLBACKS[4],
        flags::ROLLBACKS[5],
        flags::STOP_GRACE,
        flags::UPDATES[0],
        flags::UPDATES[1],
        flags::UPDATES[2],
        flags::UPDATES[3],
        flags::UPDATES[4],
        flags::UPDATES[5],
        flags::USER,
        flags::WORKDIR,
    ],
    arity: Arity::Exactly(1),
    run,
    ..super::LS
};

/// `docker service rollback`.
pub(in super::super) const ROLLBACK: Command = Command {
    usage: "[OPTIONS] SERVICE",
    about: "Revert changes to a service's configuration",
    flags: &[flags::DETACH, flags::QUIET],
    run: |typed, cx| {
        let mut typed = typed.clone();
        typed.add("rollback", "true".to_owned());
        run(&typed, cx)
    },
    ..UPDATE
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (name, typed) = (typed.rest[0].clone(), typed.clone());
    call(cx, request("GET", &format!("/services/{}", path_escaped(&name))), move |reply, cx| {
        let service = reply.json()?;
        let networks = typed.list("network-add").to_vec();
        resolve(networks, Vec::new(), cx, move |added, cx| {
            let removed = typed.list("network-rm").to_vec();
            resolve(removed, Vec::new(), cx, move |removed, cx| {
                let mut spec = service["Spec"].clone();
                merge(&mut spec, &typed)?;
                networks_of(&mut spec, added, &removed);
                send(&service, &spec, typed, cx)
            })
        })
    })
}

/// Preferences go, then others come behind those that stay.
fn prefer(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    let [added, removed] = ["placement-pref-add", "placement-pref-rm"].map(|flag| typed.list(flag));
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let read = |typed: &[String]| {
        typed.iter().map(|text| spec::preference(text)).collect::<Result<Vec<_>, _>>().map_err(Failure::new)
    };
    let (added, removed) = (read(added)?, read(removed)?);
    let preferences = list(spec, "/TaskTemplate/Placement/Preferences");
    preferences.retain(|preference| !removed.contains(preference));
    preferences.extend(added);
    Ok(())
}

fn send(service: &Value, spec: &Value, typed: Arguments, cx: &mut Cx<'_>) -> Outcome {
    let rollback = if typed.is_on("rollback") { "&rollback=previous" } else { "" };
    let (id, version) = (text(service, "ID").to_owned(), &service["Version"]["Index"]);
    let path = format!("/services/{id}/update?version={version}{rollback}");
    let image = typed.text("image").filter(|_| !typed.is_on("no-resolve-image")).map(spec::image);
    call(cx, request_with("POST", &path, spec), move |reply, cx| {
        reply.accepted()?;
        if let Some(image) = image {
            cx.error_line(&unresolved(&image));
        }
        let name = typed.rest[0].clone();
        cx.print_line(&name);
        if !progress::is_wanted(&typed) {
            return Ok(Next::Exit(0));
        }
        progress::watch(&id, &name, typed.is_on("quiet"), cx, |_| Ok(Next::Exit(0)))
    })
}

fn merge(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    spec::put(spec, typed)?;
    prefer(spec, typed)?;
    if let Some(image) = typed.text("image") {
        set(spec, "/TaskTemplate/ContainerSpec/Image", json!(spec::image(image)));
    }
    if let Some(replicas) = typed.int("replicas") {
        if !spec["Mode"]["Replicated"].is_object() {
            return Err(Failure::new("replicas can only be used with replicated mode"));
        }
        spec["Mode"]["Replicated"]["Replicas"] = json!(replicas);
    }
    if typed.is_on("force") {
        let count = spec["TaskTemplate"]["ForceUpdate"].as_u64().unwrap_or_default();
        spec["TaskTemplate"]["ForceUpdate"] = json!(count + 1);
    }
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let env = list(spec, "/TaskTemplate/ContainerSpec/Env");
    let (added, gone) = (typed.list("env-add"), typed.list("env-rm"));
    env.retain(|line| {
        let own = name(line.as_str().unwrap_or_default());
        !gone.contains(&own) && !added.iter().any(|line| name(line) == own)
    });
    env.extend(added.iter().map(|line| json!(line)));
    let constraints = list(spec, "/TaskTemplate/Placement/Constraints");
    constraints.retain(|own| !typed.list("constraint-rm").iter().any(|gone| own == gone));
    constraints.extend(typed.list("constraint-add").iter().map(|added| json!(added)));
    labels(spec, "/Labels", typed.list("label-add"), typed.list("label-rm"));
    let at = "/TaskTemplate/ContainerSpec/Labels";
    labels(spec, at, typed.list("container-label-add"), typed.list("container-label-rm"));
    ports(spec, typed)
}

fn labels(spec: &mut Value, at: &str, added: &[String], gone: &[String]) {
    if added.is_empty() && gone.is_empty() {
        return;
    }
    let mut labels = spec.pointer(at).and_then(Value::as_object).cloned().unwrap_or_default();
    labels.retain(|key, _| !gone.contains(key));
    labels.extend(pairs(added));
    set(spec, at, Value::Object(labels));
}

fn ports(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    let added = spec::ports(typed.list("publish-add"))?;
    let ports = list(spec, "/EndpointSpec/Ports");
    let target = |port: &Value| format!("{}/{}", port["TargetPort"], text(port, "Protocol"));
    let gone: Vec<String> = typed
        .list("publish-rm")
        .iter()
        .map(|port| if port.contains('/') { port.clone() } else { format!("{port}/tcp") })
        .collect();
    ports.retain(|port| !gone.contains(&target(port)) && !added.contains(port));
    for port in added {
        ports.retain(|own| own["PublishedPort"] != port["PublishedPort"] || target(own) != target(&port));
        ports.push(port);
    }
    Ok(())
}

fn networks_of(spec: &mut Value, added: Vec<Value>, removed: &[Value]) {
    if added.is_empty() && removed.is_empty() {
        return;
    }
    let networks = list(spec, "/TaskTemplate/Networks");
    networks.retain(|own| !removed.iter().any(|gone| gone["Target"] == own["Target"]));
    for network in added {
        if !items(&json!(networks)).iter().any(|own| own["Target"] == network["Target"]) {
            networks.push(network);
        }
    }
    networks.sort_by_key(|network| text(network, "Target").to_owned());
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::play::Play;

    #[test]
    fn a_change_is_put_into_what_the_service_is() {
        let mut play = Play::new(
            "docker service update -d --replicas 2 --env-add A=2 --env-rm B --publish-add 8099:80 --publish-rm 81 svc",
        );
        play.answer(
            0,
            200,
            r#"{"ID":"s1","Version":{"Index":7},"Spec":{"Mode":{"Replicated":{"Replicas":1}},"TaskTemplate":{"ContainerSpec":
            {"Env":["A=1","B=1","C=1"]}},"EndpointSpec":{"Ports":[{"Protocol":"tcp","TargetPort":81,"PublishMode":"host"}]}}}"#,
        );
        assert_eq!(play.requests()[1], "POST /v1.41/services/s1/update?version=7");
        let body: Value = serde_json::from_str(play.body(1)).unwrap();
        assert_eq!(body["TaskTemplate"]["ContainerSpec"]["Env"].to_string(), r#"["C=1","A=2"]"#);
        assert_eq!(body["Mode"]["Replicated"]["Replicas"], 2);
        let ports = r#"[{"Protocol":"tcp","TargetPort":80,"PublishedPort":8099,"PublishMode":"ingress"}]"#;
        assert_eq!(body["EndpointSpec"]["Ports"].to_string(), ports);
        play.answer(1, 200, "{}");
        assert_eq!((play.stdout(), play.exit()), ("svc\n", Some(0)));
    }

    #[test]
    fn only_a_replicated_service_has_a_number() {
        let mut play = Play::new("docker service update --replicas 2 g");
        play.answer(0, 200, r#"{"ID":"s1","Version":{"Index":7},"Spec":{"Mode":{"Global":{}}}}"#);
        assert_eq!((play.stderr(), play.exit()), ("replicas can only be used with replicated mode\n", Some(1)));
    }
}
