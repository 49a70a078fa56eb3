//! `docker service create`.

use serde_json::{Map, Value, json};

use super::spec::{self, set};
use super::{flags, progress};
use crate::cli::command::{Arity, Command};
use crate::cli::environment;
use crate::cli::flags::{Arguments, Order};
use crate::cli::object::{items, text};
use crate::cli::query::{filters, path_escaped, query};
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// The command.
pub(in super::super) const CREATE: Command = Command {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new service",
    aliases: "",
    flags: flags::CREATE,
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
        let kept = ["config", "secret"].map(|kind| (kind, typed.list(kind).to_vec()));
        find_kept(kept.into(), cx, move |cx| send(spec, typed, cx))
    })
}

/// Looks for secrets and configurations that are named, the first kind first. What is found would be sent; an engine that
/// keeps none has none to be found.
pub(super) fn find_kept(
    mut left: Vec<(&'static str, Vec<String>)>,
    cx: &mut Cx<'_>,
    then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let Some((kind, mut named)) = left.pop() else { return then(cx) };
    let Some(first) = named.pop() else { return find_kept(left, cx, then) };
    let fields = first.split(',').filter_map(|field| field.split_once('='));
    let source = fields.into_iter().find(|(key, _)| ["source", "src"].contains(key)).map(|(_, value)| value.to_owned());
    let name = source.unwrap_or(first);
    let query = query(&[("filters", filters(&[format!("name={name}")]))]);
    call(cx, request("GET", &format!("/{kind}s{query}")), move |reply, cx| {
        let found = reply.json()?;
        if !items(&found).iter().any(|object| text(&object["Spec"], "Name") == name) {
            return Err(Failure::new(format!("{kind} not found: {name}")));
        }
        left.push((kind, named));
        find_kept(left, cx, then)
    })
}

fn send(spec: Value, typed: Arguments, cx: &mut Cx<'_>) -> Outcome {
    let image = text(&spec["TaskTemplate"]["ContainerSpec"], "Image").to_owned();
    if typed.is_on("no-resolve-image") || image == typed.rest[0] && !image.contains(':') {
        return create(&spec, None, typed, cx);
    }
    call(cx, request("GET", &format!("/distribution/{}/json", path_escaped(&image))), move |reply, cx| {
        let warning = (reply.status >= 400).then(|| unresolved(&image));
        create(&spec, warning, typed, cx)
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
    for (flag, field) in [("container-label", "Labels"), ("sysctl", "Sysctls")] {
        if !typed.list(flag).is_empty() {
            container[field] = spec::labels(typed.list(flag));
        }
    }
    let mut lists = capabilities(typed);
    lists.push(("Groups", typed.list("group").iter().map(|group| json!(group)).collect()));
    lists.push(("Hosts", spec::hosts(typed.list("host"))));
    lists.push(("Mounts", spec::mounts(typed.list("mount"))?));
    lists.push(("Ulimits", spec::ulimits(typed.list("ulimit"))));
    for (field, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        container[field] = Value::Array(list);
    }
    for (flag, field) in [("dns", "Nameservers"), ("dns-search", "Search"), ("dns-option", "Options")] {
        if !typed.list(flag).is_empty() {
            container["DNSConfig"][field] = json!(typed.list(flag));
        }
    }
    let resources = typed.list("generic-resource").iter().map(|text| spec::resource(text));
    let resources = resources.collect::<Result<Vec<_>, _>>().map_err(Failure::new)?;
    if !resources.is_empty() {
        spec["TaskTemplate"]["Resources"]["Reservations"]["GenericResources"] = json!(resources);
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
    if ["ReplicatedJob", "GlobalJob"].iter().any(|job| spec["Mode"][job].is_object())
        && let Some(fields) = spec.as_object_mut()
    {
        fields.retain(|field, _| !["UpdateConfig", "RollbackConfig"].contains(&field.as_str()));
    }
    let ports = spec::ports(typed.list("publish"))?;
    if !ports.is_empty() {
        spec["EndpointSpec"]["Ports"] = Value::Array(ports);
    }
    spec::put(&mut spec, typed)?;
    Ok(spec)
}

/// What is added and dropped; who is in both is added.
fn capabilities(typed: &Arguments) -> Vec<(&'static str, Vec<Value>)> {
    let [added, dropped] = ["cap-add", "cap-drop"].map(|flag| spec::capabilities(typed.list(flag)));
    let dropped = dropped.difference(&added).map(|name| json!(name)).collect();
    vec![("CapabilityAdd", added.iter().map(|name| json!(name)).collect()), ("CapabilityDrop", dropped)]
}

fn mode(typed: &Arguments) -> Result<Value, Failure> {
    const ROLLING: [&str; 12] = [
        "rollback-delay",
        "rollback-failure-action",
        "rollback-max-failure-ratio",
        "rollback-monitor",
        "rollback-order",
        "rollback-parallelism",
        "update-delay",
        "update-failure-action",
        "update-max-failure-ratio",
        "update-monitor",
        "update-order",
        "update-parallelism",
    ];
    let mode = typed.text("mode").unwrap_or("replicated");
    let is_counted = ["replicated", "replicated-job"].contains(&mode);
    let only = |what: &str, which: &str| Err(Failure::new(format!("{what} can only be used with {which} mode")));
    if !is_counted && ["global", "global-job"].contains(&mode) {
        let counting = ["replicas-max-per-node", "replicas"].into_iter().find(|flag| typed.has(flag));
        if let Some(flag) = counting {
            return only(flag, "replicated or replicated-job");
        }
    }
    if typed.has("max-concurrent") && mode != "replicated-job" {
        return only("max-concurrent", "replicated-job");
    }
    if mode.ends_with("-job") && ROLLING.iter().any(|flag| typed.has(flag)) {
        return Err(Failure::new("update and rollback configuration is not supported for jobs"));
    }
    let replicas = typed.int("replicas").unwrap_or(1);
    match mode {
        "replicated" => Ok(json!({ "Replicated": { "Replicas": replicas } })),
        "global" => Ok(json!({ "Global": {} })),
        "replicated-job" => {
            // What is not said, the engine makes up.
            let total = typed.int("replicas");
            let counts = [("MaxConcurrent", typed.int("max-concurrent").or(total)), ("TotalCompletions", total)];
            let said = counts.into_iter().filter_map(|(field, count)| Some((field.to_owned(), json!(count?))));
            Ok(json!({ "ReplicatedJob": said.collect::<Map<_, _>>() }))
        }
        "global-job" => Ok(json!({ "GlobalJob": {} })),
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
    fn a_network_has_its_aliases_and_options_for_its_driver() {
        let line = "docker service create -d --no-resolve-image --network name=n1,alias=a,driver-opt=X.y=z web";
        let mut play = Play::new(line);
        play.answer(0, 200, r#"{"Name":"n1","Id":"n1id","Scope":"swarm"}"#);
        let last = play.requests().len() - 1;
        assert_eq!(play.requests()[last], "POST /v1.41/services/create");
        let networks = r#""Networks":[{"Target":"n1id","Aliases":["a"],"DriverOpts":{"x.y":"z"}}]"#;
        assert!(play.body(last).contains(networks), "{}", play.body(last));
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
    fn a_secret_that_is_not_there_is_told_before_anything_is_made() {
        let mut play = Play::new("docker service create -d --secret source=s,target=t web");
        play.answer(0, 200, "[]");
        assert_eq!(play.requests(), [r#"GET /v1.41/secrets?filters=%7B%22name%22%3A%7B%22s%22%3Atrue%7D%7D"#]);
        assert_eq!((play.stderr(), play.exit()), ("secret not found: s\n", Some(1)));
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
        assert_eq!(refused("--max-concurrent 2"), wrong("max-concurrent can only be used with replicated-job mode", 1));
        let rolling = "update and rollback configuration is not supported for jobs";
        assert_eq!(refused("--mode global-job --update-delay 3s"), wrong(rolling, 1));
        let mount = r#"invalid argument "foo" for "--mount" flag: invalid field 'foo' must be a key=value pair"#;
        assert_eq!(refused("--mount foo"), wrong(mount, 125));
        let open = r#"invalid argument "'a" for "--entrypoint" flag: EOF found when expecting closing quote"#;
        assert_eq!(refused(r#"--entrypoint "'a""#), wrong(open, 125));
        let network = r#"invalid argument "alias=x" for "--network" flag: network name/id is not specified"#;
        assert_eq!(refused("--network alias=x"), wrong(network, 125));
        let option = r#"invalid argument "name=n,driver-opt=a" for "--network" flag: invalid key value pair format in driver options"#;
        assert_eq!(refused("--network name=n,driver-opt=a"), wrong(option, 125));
        let port = r#"invalid argument "80:99999" for "-p, --publish" flag: invalid containerPort: 99999"#;
        assert_eq!(refused("-p 80:99999"), wrong(port, 125));
    }
}
