//! `docker service create`.

use serde_json::{Value, json};

use super::spec::{self, set};
use super::{progress, spec as flags};
use crate::cli::command::{Arity, Command};
use crate::cli::environment;
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::object::text;
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// The command.
pub(in super::super) const CREATE: Command = Command {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new service",
    aliases: "",
    flags: &[
        Flag::list("cap-add", "Add Linux capabilities"),
        Flag::list("cap-drop", "Drop Linux capabilities"),
        Flag::list("constraint", "Placement constraints"),
        Flag::list("container-label", "Container labels"),
        flags::DETACH,
        Flag::list("dns", "Set custom DNS servers"),
        Flag::list("dns-option", "Set DNS options"),
        Flag::list("dns-search", "Set custom DNS search domains"),
        flags::ENDPOINT_MODE.default("vip"),
        flags::ENTRYPOINT,
        flags::ENV,
        Flag::list("env-file", "Read in a file of environment variables"),
        flags::HEALTH[0],
        flags::HEALTH[1],
        flags::HEALTH[2],
        flags::HEALTH[3],
        flags::HEALTH[4],
        Flag::list("host", "Set one or more custom host-to-IP mappings (host:ip)"),
        flags::HOSTNAME,
        Flag::list("label", "Service labels").short('l').checked(environment::check_label),
        Flag::text("mode", "Service mode (\"replicated\", \"global\")").default("replicated"),
        Flag::text("name", "Service name"),
        flags::NETWORK,
        flags::HEALTH[5],
        flags::NO_RESOLVE,
        flags::PREFERENCE,
        flags::PUBLISH,
        flags::QUIET,
        flags::REPLICAS,
        flags::MAX_PER_NODE,
        flags::RESTART[0].default("any"),
        flags::RESTART[1].default("5s"),
        flags::RESTART[2],
        flags::ROLLBACKS[0].default("0s"),
        flags::ROLLBACKS[1].default("pause"),
        flags::ROLLBACKS[2].default("0"),
        flags::ROLLBACKS[3].default("5s"),
        flags::ROLLBACKS[4].default("stop-first"),
        flags::ROLLBACKS[5].default("1"),
        flags::STOP_GRACE.default("10s"),
        Flag::list("sysctl", "Sysctl options"),
        Flag::switch("tty", "Allocate a pseudo-TTY").short('t'),
        flags::UPDATES[0].default("0s"),
        flags::UPDATES[1].default("pause"),
        flags::UPDATES[2].default("0"),
        flags::UPDATES[3].default("5s"),
        flags::UPDATES[4].default("stop-first"),
        flags::UPDATES[5].default("1"),
        flags::USER,
        flags::WORKDIR,
    ],
    order: Order::FlagsFirst,
    arity: Arity::AtLeast(1),
    run,
    ..super::LS
};

/// What is said of an image that no registry knows.
pub(super) fn unresolved(image: &str) -> String {
    format!(
        "image {image} could not be accessed on a registry to record\nits digest. Each node will access {image} \
         independently,\npossibly leading to different nodes running different\nversions of the image.\n"
    )
}

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let spec = specification(typed, cx)?;
    let networks = typed.list("network").to_vec();
    let typed = typed.clone();
    resolve(networks, Vec::new(), cx, move |networks, cx| {
        let mut spec = spec;
        if !networks.is_empty() {
            set(&mut spec, "/TaskTemplate/Networks", Value::Array(networks));
        }
        let image = text(&spec["TaskTemplate"]["ContainerSpec"], "Image").to_owned();
        if typed.is_on("no-resolve-image") || image == typed.rest[0] && !image.contains(':') {
            return create(&spec, None, typed, cx);
        }
        call(cx, request("GET", &format!("/distribution/{}/json", path_escaped(&image))), move |reply, cx| {
            let warning = (reply.status >= 400).then(|| unresolved(&image));
            create(&spec, warning, typed, cx)
        })
    })
}

fn create(spec: &Value, warning: Option<String>, typed: Arguments, cx: &mut Cx<'_>) -> Outcome {
    call(cx, request_with("POST", "/services/create", spec), move |reply, cx| {
        let made = reply.json()?;
        let id = text(&made, "ID").to_owned();
        if let Some(warning) = warning {
            cx.error_line(&warning);
        }
        cx.print_line(&id);
        if !progress::is_wanted(&typed) {
            return Ok(Next::Exit(0));
        }
        progress::watch(&id, &id, typed.is_on("quiet"), cx, |_| Ok(Next::Exit(0)))
    })
}

/// Puts the ids of networks in place of their names, one after the other.
pub(super) fn resolve(
    mut left: Vec<String>,
    mut found: Vec<Value>,
    cx: &mut Cx<'_>,
    then: impl FnOnce(Vec<Value>, &mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    if left.is_empty() {
        found.sort_by_key(|network| text(network, "Target").to_owned());
        return then(found, cx);
    }
    let mut network = spec::network(&left.remove(0)).map_err(Failure::new)?;
    let path = format!("/networks/{}?scope=swarm", path_escaped(text(&network, "Target")));
    call(cx, request("GET", &path), move |reply, cx| {
        network["Target"] = json!(text(&reply.json()?, "Id"));
        found.push(network);
        resolve(left, found, cx, then)
    })
}

fn specification(typed: &Arguments, cx: &Cx<'_>) -> Result<Value, Failure> {
    let (image, args) = typed.rest.split_first().expect("a command line names an image");
    let mut spec = spec::usual();
    spec["Name"] = json!(typed.text("name").unwrap_or_default());
    spec["Labels"] = spec::labels(typed.list("label"));
    let container = &mut spec["TaskTemplate"]["ContainerSpec"];
    container["Image"] = json!(spec::image(image));
    if !args.is_empty() {
        container["Args"] = json!(args);
    }
    let env = environment::read(typed, &environment::latest(typed.list("env")), cx)?;
    if !env.is_empty() {
        container["Env"] = json!(env);
    }
    if typed.is_on("tty") {
        container["TTY"] = json!(true);
    }
    for (flag, field) in [("container-label", "Labels"), ("sysctl", "Sysctls")] {
        if !typed.list(flag).is_empty() {
            container[field] = spec::labels(typed.list(flag));
        }
    }
    for (flag, field) in [("cap-add", "CapabilityAdd"), ("cap-drop", "CapabilityDrop")] {
        if !typed.list(flag).is_empty() {
            container[field] = json!(typed.list(flag));
        }
    }
    let hosts = typed.list("host").iter().filter_map(|line| line.split_once(':'));
    let hosts: Vec<String> = hosts.map(|(name, address)| format!("{address} {name}")).collect();
    if !hosts.is_empty() {
        container["Hosts"] = json!(hosts);
    }
    for (flag, field) in [("dns", "Nameservers"), ("dns-option", "Options"), ("dns-search", "Search")] {
        if !typed.list(flag).is_empty() {
            container["DNSConfig"][field] = json!(typed.list(flag));
        }
    }
    if !typed.list("constraint").is_empty() {
        spec["TaskTemplate"]["Placement"]["Constraints"] = json!(typed.list("constraint"));
    }
    let preferences = typed.list("placement-pref").iter().map(|text| spec::preference(text));
    let preferences = preferences.collect::<Result<Vec<_>, _>>().map_err(Failure::new)?;
    if !preferences.is_empty() {
        spec["TaskTemplate"]["Placement"]["Preferences"] = json!(preferences);
    }
    spec["Mode"] = mode(typed)?;
    let ports = spec::ports(typed.list("publish"))?;
    if !ports.is_empty() {
        spec["EndpointSpec"]["Ports"] = Value::Array(ports);
    }
    spec::put(&mut spec, typed)?;
    Ok(spec)
}

fn mode(typed: &Arguments) -> Result<Value, Failure> {
    match typed.text("mode").unwrap_or("replicated") {
        "replicated" => Ok(json!({ "Replicated": { "Replicas": typed.int("replicas").unwrap_or(1) } })),
        "global" if typed.has("replicas-max-per-node") => {
            Err(Failure::new("replicas-max-per-node can only be used with replicated or replicated-job mode"))
        }
        "global" if typed.has("replicas") => {
            Err(Failure::new("replicas can only be used with replicated or replicated-job mode"))
        }
        "global" => Ok(json!({ "Global": {} })),
        other => Err(Failure::new(format!("Unknown mode: {other}, only replicated and global supported"))),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const MADE: &str = r#"{"ID":"pznav237q77aumeau6aysozg3"}"#;

    #[test]
    fn a_service_is_made_and_its_tasks_watched_until_they_have_run_for_a_while() {
        let mut play = Play::new("docker service create --name svc --replicas 2 --no-resolve-image web");
        assert_eq!(play.requests(), ["POST /v1.41/services/create"]);
        assert!(play.body(0).contains(r#""Image":"web:latest""#), "{}", play.body(0));
        play.answer(0, 201, MADE);
        play.answer(1, 200, r#"{"ID":"pznav237q77aumeau6aysozg3","Spec":{"Mode":{"Replicated":{"Replicas":2}}}}"#);
        play.answer(2, 200, r#"[{"Slot":1,"NodeID":"n","DesiredState":"running","Status":{"State":"running"}}]"#);
        play.answer(3, 200, r#"[{"ID":"n","Status":{"State":"ready"}}]"#);
        let told = "pznav237q77aumeau6aysozg3\noverall progress: 0 out of 2 tasks\n1/2:  \n2/2:  \noverall progress: 1 \
                    out of 2 tasks\n";
        assert_eq!((play.stdout(), play.exit()), (told, None));
    }

    #[test]
    fn who_does_not_wait_hears_of_an_image_that_no_registry_knows() {
        let mut play = Play::new("docker service create -d web");
        play.answer(0, 500, r#"{"message":"no registry"}"#);
        play.answer(1, 201, MADE);
        let told = "image web:latest could not be accessed on a registry to record
its digest. Each node will access web:latest independently,
possibly leading to different nodes running different
versions of the image.

";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("pznav237q77aumeau6aysozg3\n", told, Some(0)));
    }

    #[test]
    fn what_was_typed_wrong_never_reaches_the_engine() {
        let refused = |line: &str| {
            let play = Play::new(&format!("docker service create {line} web"));
            assert!(play.requests().is_empty());
            (play.stderr().lines().next().unwrap_or_default().to_owned(), play.exit())
        };
        let wrong = |text: &str, code| (text.to_owned(), Some(code));
        let number = r#"invalid argument "-1" for "--replicas" flag: strconv.ParseUint: parsing "-1": invalid syntax"#;
        assert_eq!(refused("--replicas -1"), wrong(number, 125));
        assert_eq!(refused("--mode globl"), wrong("Unknown mode: globl, only replicated and global supported", 1));
        let both = "replicas can only be used with replicated or replicated-job mode";
        assert_eq!(refused("--mode global --replicas 2"), wrong(both, 1));
        let port = r#"invalid argument "80:99999" for "-p, --publish" flag: invalid containerPort: 99999"#;
        assert_eq!(refused("-p 80:99999"), wrong(port, 125));
    }
}
