//! `docker service update`, and `rollback`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::create::{find_kept, resolve, unresolved};
use super::spec::{self, change, list, set};
use super::{flags, progress};
use crate::cli::command::{Arity, Command};
use crate::cli::flags::Arguments;
use crate::cli::network::create::pairs;
use crate::cli::object::{items, text};
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// `docker service update`.
pub(in super::super) const UPDATE: Command = Command {
    usage: "[OPTIONS] SERVICE",
    about: "Update a service",
    aliases: "",
    flags: flags::UPDATE,
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
    if typed.is_on("rollback")
        && typed.count() > ["rollback", "detach", "quiet"].iter().filter(|flag| typed.has(flag)).count()
    {
        return Err(Failure::new("other flags may not be combined with --rollback"));
    }
    call(cx, request("GET", &format!("/services/{}", path_escaped(&name))), move |reply, cx| {
        let service = reply.json()?;
        let networks = typed.list("network-add").to_vec();
        resolve(networks, Vec::new(), cx, move |added, cx| {
            let removed = typed.list("network-rm").to_vec();
            resolve(removed, Vec::new(), cx, move |removed, cx| {
                let mut spec = service["Spec"].clone();
                merge(&mut spec, &typed)?;
                networks_of(&mut spec, added, &removed);
                let kept = [("config", "config-add"), ("secret", "secret-add")];
                let kept = kept.map(|(kind, flag)| (kind, typed.list(flag).to_vec()));
                find_kept(kept.into(), cx, move |cx| send(&service, &spec, typed, cx))
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
    // The real client (28.2.2) has `--max-concurrent` here, too, and does nothing about it.
    if typed.is_on("force") {
        let count = spec["TaskTemplate"]["ForceUpdate"].as_u64().unwrap_or_default();
        spec["TaskTemplate"]["ForceUpdate"] = json!(count + 1);
    }
    env(spec, typed);
    change(spec, "/TaskTemplate/Placement/Constraints", |constraints| {
        constraints.retain(|own| !typed.list("constraint-rm").iter().any(|gone| own == gone));
        constraints.extend(typed.list("constraint-add").iter().map(|added| json!(added)));
    });
    labels(spec, "/Labels", typed.list("label-add"), typed.list("label-rm"));
    for (at, name) in [("Labels", "container-label"), ("Sysctls", "sysctl")] {
        let [added, gone] = ["add", "rm"].map(|what| typed.list(&format!("{name}-{what}")));
        labels(spec, &format!("/TaskTemplate/ContainerSpec/{at}"), added, gone);
    }
    for (at, name) in [
        ("DNSConfig/Nameservers", "dns"),
        ("DNSConfig/Search", "dns-search"),
        ("DNSConfig/Options", "dns-option"),
        ("Groups", "group"),
    ] {
        sorted_list(spec, &format!("/TaskTemplate/ContainerSpec/{at}"), name, typed);
    }
    hosts(spec, typed);
    capabilities(spec, typed);
    mounts(spec, typed)?;
    named(
        spec,
        "/TaskTemplate/ContainerSpec/Ulimits",
        "/Name",
        spec::ulimits(typed.list("ulimit-add")),
        typed.list("ulimit-rm"),
    );
    let resources = typed.list("generic-resource-add").iter().map(|text| spec::resource(text));
    let resources = resources.collect::<Result<Vec<_>, _>>().map_err(Failure::new)?;
    let at = "/TaskTemplate/Resources/Reservations/GenericResources";
    named(spec, at, "/DiscreteResourceSpec/Kind", resources, typed.list("generic-resource-rm"));
    ports(spec, typed)
}

fn env(spec: &mut Value, typed: &Arguments) {
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let (added, gone) = (typed.list("env-add"), typed.list("env-rm"));
    change(spec, "/TaskTemplate/ContainerSpec/Env", |env| {
        env.retain(|line| {
            let own = name(line.as_str().unwrap_or_default());
            !gone.contains(&own) && !added.iter().any(|line| name(line) == own)
        });
        env.extend(added.iter().map(|line| json!(line)));
    });
}

/// Texts come and go by `--NAME-add` and `--NAME-rm`; they are sorted then.
fn sorted_list(spec: &mut Value, at: &str, name: &str, typed: &Arguments) {
    let [added, gone] = ["add", "rm"].map(|what| typed.list(&format!("{name}-{what}")));
    if added.is_empty() && gone.is_empty() {
        return;
    }
    change(spec, at, |list| {
        list.extend(added.iter().map(|text| json!(text)));
        list.retain(|own| !gone.iter().any(|gone| own == gone));
        list.sort_by_key(|own| own.as_str().unwrap_or_default().to_owned());
        list.dedup();
    });
}

/// Things that have a name come and go by it.
fn named(spec: &mut Value, at: &str, name: &str, added: Vec<Value>, gone: &[String]) {
    let name_of = |thing: &Value| thing.pointer(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if added.is_empty() && gone.is_empty() {
        return;
    }
    change(spec, at, |list| {
        list.retain(|own| !gone.contains(&name_of(own)) && !added.iter().any(|new| name_of(new) == name_of(own)));
        list.extend(added);
        list.sort_by_key(name_of);
    });
}

fn hosts(spec: &mut Value, typed: &Arguments) {
    let (added, gone) = (spec::hosts(typed.list("host-add")), typed.list("host-rm"));
    let is_gone = |own: &Value| {
        let (address, name) = own.as_str().and_then(|line| line.split_once(' ')).unwrap_or_default();
        gone.iter().any(|gone| match gone.split_once(':') {
            Some((host, at)) => host == name && at == address,
            None => gone == name,
        })
    };
    change(spec, "/TaskTemplate/ContainerSpec/Hosts", |hosts| {
        hosts.retain(|own| !is_gone(own) && !added.contains(own));
        hosts.extend(added.clone());
    });
}

/// Who is added or dropped is first taken out of the other list; only who is not there is put into the own one.
fn capabilities(spec: &mut Value, typed: &Arguments) {
    let lists = ["CapabilityAdd", "CapabilityDrop"].map(|field| format!("/TaskTemplate/ContainerSpec/{field}"));
    let [adding, mut dropping] = ["cap-add", "cap-drop"].map(|flag| spec::capabilities(typed.list(flag)));
    if adding.is_empty() && dropping.is_empty() {
        return;
    }
    dropping.retain(|name| !adding.contains(name));
    let [mut added, mut dropped] = lists.clone().map(|at| {
        let own = items(spec.pointer(&at).unwrap_or(&Value::Null)).iter().filter_map(Value::as_str);
        own.map(str::to_owned).collect::<BTreeSet<String>>()
    });
    let put = |change: &BTreeSet<String>, own: &mut BTreeSet<String>, other: &mut BTreeSet<String>| {
        if change.contains("RESET") {
            own.clear();
        }
        own.extend(change.iter().filter(|name| *name != "RESET" && !other.remove(*name)).cloned());
    };
    put(&dropping, &mut dropped, &mut added);
    put(&adding, &mut added, &mut dropped);
    for (at, own) in lists.iter().zip([added, dropped]) {
        change(spec, at, |list| *list = own.iter().map(|name| json!(name)).collect());
    }
}

/// Mounts come and go by where they are in the container.
fn mounts(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    let (added, gone) = (spec::mounts(typed.list("mount-add"))?, typed.list("mount-rm"));
    let target = |mount: &Value| text(mount, "Target").to_owned();
    if added.is_empty() && gone.is_empty() {
        return Ok(());
    }
    change(spec, "/TaskTemplate/ContainerSpec/Mounts", |mounts| {
        mounts.retain(|own| !gone.contains(&target(own)) && !added.iter().any(|new| target(new) == target(own)));
        mounts.extend(added.clone());
        mounts.sort_by_key(|mount| (text(mount, "Source").to_owned(), target(mount)));
    });
    Ok(())
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
    fn lists_come_and_go_by_what_their_things_are_called() {
        let mut play = Play::new(
            "docker service update -d --group-add 14 --group-rm 12 --ulimit-add nproc=5 --ulimit-rm nofile --mount-add \
             type=tmpfs,target=/t --mount-rm /data --host-add bar:2.3.4.5 --host-rm foo --cap-add sys_time --cap-drop \
             NET_ADMIN --limit-cpu 0 --read-only=false --sysctl-rm a.b svc",
        );
        let container = r#"{"Groups":["12","13"],"Ulimits":[{"Name":"nofile","Hard":20,"Soft":10}],"ReadOnly":true,"Mounts":
            [{"Type":"volume","Source":"v","Target":"/data"}],"Hosts":["1.2.3.4 foo"],"CapabilityAdd":["CAP_NET_ADMIN"],
            "CapabilityDrop":["CAP_MKNOD"],"Sysctls":{"a.b":"1"}}"#;
        let resources = r#"{"Limits":{"NanoCPUs":5},"Reservations":{}}"#;
        let service = format!(
            r#"{{"ID":"s1","Version":{{"Index":7}},"Spec":{{"TaskTemplate":{{"ContainerSpec":{container},"Resources":{resources}}}}}}}"#
        );
        play.answer(0, 200, service);
        let body: Value = serde_json::from_str(play.body(1)).unwrap();
        let expected = r#"{"Groups":["13","14"],"Ulimits":[{"Name":"nproc","Hard":5,"Soft":5}],"Mounts":[{"Type":"tmpfs","Target":"/t"}],"Hosts":["2.3.4.5 bar"],"CapabilityAdd":["CAP_SYS_TIME"],"CapabilityDrop":["CAP_MKNOD"],"Sysctls":{}}"#;
        assert_eq!(body["TaskTemplate"]["ContainerSpec"].to_string(), expected);
        assert_eq!(body["TaskTemplate"]["Resources"].to_string(), r#"{"Limits":{},"Reservations":{}}"#);
    }

    #[test]
    fn what_is_taken_back_is_not_changed_as_well() {
        let play = Play::new("docker service update --rollback --replicas 3 svc");
        assert_eq!((play.stderr(), play.exit()), ("other flags may not be combined with --rollback\n", Some(1)));
    }

    #[test]
    fn only_a_replicated_service_has_a_number() {
        let mut play = Play::new("docker service update --replicas 2 g");
        play.answer(0, 200, r#"{"ID":"s1","Version":{"Index":7},"Spec":{"Mode":{"Global":{}}}}"#);
        assert_eq!((play.stderr(), play.exit()), ("replicas can only be used with replicated mode\n", Some(1)));
    }
}
