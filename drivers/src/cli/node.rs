//! `docker node`: the nodes of a swarm, as its manager knows them.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::inspect;
use super::listing::{self, Kind};
use super::object::{items, text};
use super::query::{filters, one, path_escaped, query};
use super::removal;
use super::script::{Cx, Failure, Next, Outcome, call, request, request_with};
use super::service::tasks;

/// `docker node ls`.
pub(super) const LS: Command = Command {
    usage: "[OPTIONS]",
    about: "List nodes in the swarm",
    aliases: "docker node ls, docker node list",
    flags: &listing::FLAGS,
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: list,
};

/// `docker node inspect`.
pub(super) const INSPECT: Command = Command {
    usage: "[OPTIONS] self|NODE [NODE...]",
    about: "Display detailed information on one or more nodes",
    aliases: "",
    flags: &inspect::FLAGS,
    arity: Arity::AtLeast(1),
    run: |typed, cx| {
        let (mut typed, is_pretty) = (typed.clone(), inspect::is_pretty(typed)?);
        resolve(typed.rest.clone(), cx, move |names, cx| {
            if is_pretty {
                return show(names, cx);
            }
            typed.rest = names;
            inspect::nodes(&typed, cx)
        })
    },
    ..LS
};

/// `docker node ps`.
pub(super) const PS: Command = Command {
    usage: "[OPTIONS] [NODE...]",
    about: "List tasks running on one or more nodes, defaults to current node",
    aliases: "",
    flags: &tasks::FLAGS,
    arity: Arity::AtLeast(0),
    run: tasks,
    ..LS
};

/// `docker node rm`.
pub(super) const RM: Command = Command {
    usage: "[OPTIONS] NODE [NODE...]",
    about: "Remove one or more nodes from the swarm",
    aliases: "docker node rm, docker node remove",
    flags: &[Flag::switch("force", "Force remove a node from the swarm").short('f')],
    arity: Arity::AtLeast(1),
    run: |typed, cx| removal::each("/nodes", &typed.rest, query(&[("force", one(typed.is_on("force")))]), cx),
    ..LS
};

/// `docker node update`.
pub(super) const UPDATE: Command = Command {
    usage: "[OPTIONS] NODE",
    about: "Update a node",
    aliases: "",
    flags: &[
        Flag::text("availability", "Availability of the node (\"active\", \"pause\", \"drain\")"),
        Flag::list("label-add", "Add or update a node label (\"key=value\")"),
        Flag::list("label-rm", "Remove a node label if exists"),
        Flag::text("role", "Role of the node (\"worker\", \"manager\")"),
    ],
    arity: Arity::Exactly(1),
    run: |typed, cx| {
        let change = Change::Typed(typed.clone());
        update(vec![typed.rest[0].clone()], change, cx)
    },
    ..LS
};

/// `docker node promote`.
pub(super) const PROMOTE: Command = Command {
    usage: "NODE [NODE...]",
    about: "Promote one or more nodes to manager in the swarm",
    aliases: "",
    flags: &[],
    arity: Arity::AtLeast(1),
    run: |typed, cx| update(typed.rest.iter().rev().cloned().collect(), Change::Role("manager"), cx),
    ..LS
};

/// `docker node demote`.
pub(super) const DEMOTE: Command = Command {
    about: "Demote one or more nodes from manager in the swarm",
    run: |typed, cx| update(typed.rest.iter().rev().cloned().collect(), Change::Role("worker"), cx),
    ..PROMOTE
};

const KIND: Kind = Kind {
    type_name: "*node.nodeContext",
    headers: &[
        ("ID", "ID"),
        ("Self", ""),
        ("Hostname", "HOSTNAME"),
        ("Status", "STATUS"),
        ("Availability", "AVAILABILITY"),
        ("ManagerStatus", "MANAGER STATUS"),
        ("EngineVersion", "ENGINE VERSION"),
        ("TLSStatus", "TLS STATUS"),
    ],
    default: "table {{.ID}} {{if .Self}}*{{else}} {{ end }}\t{{.Hostname}}\t{{.Status}}\t{{.Availability}}\t\
              {{.ManagerStatus}}\t{{.EngineVersion}}",
    quiet: "{{.ID}}",
    raw: "node_id: {{.ID}}\nhostname: {{.Hostname}}\nstatus: {{.Status}}\navailability: {{.Availability}}\n\
          manager_status: {{.ManagerStatus}}\n",
};

fn list(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = KIND.format(typed.text("format"), typed.is_on("quiet"))?;
    let query = query(&[("filters", filters(typed.list("filter")))]);
    call(cx, request("GET", &format!("/nodes{query}")), move |reply, cx| {
        let mut nodes = items(&reply.json()?).to_vec();
        nodes.sort_by_key(|node| listing::natural(text(&node["Description"], "Hostname")));
        call(cx, request("GET", "/info"), move |reply, cx| {
            let info = reply.json()?;
            let own = text(&info["Swarm"], "NodeID");
            let rows: Vec<Value> = nodes.iter().map(|node| row(node, own)).collect();
            KIND.print(&format, &rows, cx)?;
            Ok(Next::Exit(0))
        })
    })
}

fn row(node: &Value, own: &str) -> Value {
    let manager = &node["ManagerStatus"];
    let status =
        if manager["Leader"] == true { "Leader".to_owned() } else { human::title(text(manager, "Reachability")) };
    json!({
        "Availability": human::title(text(&node["Spec"], "Availability")),
        "EngineVersion": text(&node["Description"]["Engine"], "EngineVersion"),
        "Hostname": text(&node["Description"], "Hostname"),
        "ID": text(node, "ID"),
        "ManagerStatus": status,
        "Self": text(node, "ID") == own,
        "Status": human::title(text(&node["Status"], "State")),
        "TLSStatus": "Unknown",
    })
}

/// Puts the host's own node in place of `self`.
fn resolve(
    names: Vec<String>,
    cx: &mut Cx<'_>,
    then: impl FnOnce(Vec<String>, &mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    if !names.iter().any(|name| name == "self") {
        return then(names, cx);
    }
    call(cx, request("GET", "/info"), move |reply, cx| {
        let node = text(&reply.json()?["Swarm"], "NodeID").to_owned();
        // A host without a swarm is told so by what is asked next.
        let own = |name: String| if name == "self" && !node.is_empty() { node.clone() } else { name };
        then(names.into_iter().map(own).collect(), cx)
    })
}

/// Prints nodes for people, one after the other; the next is the first.
fn show(mut names: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
    if names.is_empty() {
        return Ok(Next::Exit(0));
    }
    let name = names.remove(0);
    call(cx, request("GET", &format!("/nodes/{}", path_escaped(&name))), move |reply, cx| {
        cx.print(pretty(&reply.json()?));
        show(names, cx)
    })
}

fn pretty(node: &Value) -> String {
    let (spec, description) = (&node["Spec"], &node["Description"]);
    let mut said = format!("ID:\t\t\t{}\n", text(node, "ID"));
    if let Some(labels) = spec["Labels"].as_object().filter(|labels| !labels.is_empty()) {
        said.push_str("Labels:\n");
        labels.iter().for_each(|(k, v)| said.push_str(&format!(" - {k}={}\n", v.as_str().unwrap_or_default())));
    }
    let joined = human::moment_of(text(node, "CreatedAt")).replace("UTC", "utc");
    said.push_str(&format!(
        "Hostname:              \t{}\nJoined at:             \t{joined}\n",
        text(description, "Hostname")
    ));
    let state = human::title(text(&node["Status"], "State"));
    said.push_str(&format!("Status:\n State:\t\t\t{state}\n"));
    match text(&node["Status"], "Message") {
        "" => {}
        message => said.push_str(&format!(" Message:\t\t{}\n", human::title(message))),
    }
    said.push_str(&format!(" Availability:         \t{}\n", human::title(text(spec, "Availability"))));
    said.push_str(&format!(" Address:\t\t{}\n", text(&node["Status"], "Addr")));
    let manager = &node["ManagerStatus"];
    if manager.is_object() {
        let leader = if manager["Leader"] == true { "Yes" } else { "No" };
        let (addr, reach) = (text(manager, "Addr"), human::title(text(manager, "Reachability")));
        said.push_str(&format!(
            "Manager Status:\n Address:\t\t{addr}\n Raft Status:\t\t{reach}\n Leader:\t\t{leader}\n"
        ));
    }
    let platform = &description["Platform"];
    let (os, architecture) = (text(platform, "OS"), text(platform, "Architecture"));
    said.push_str(&format!("Platform:\n Operating System:\t{os}\n Architecture:\t\t{architecture}\n"));
    let resources = &description["Resources"];
    let cpus = resources["NanoCPUs"].as_u64().unwrap_or_default() / 1_000_000_000;
    let memory = human::binary_size(resources["MemoryBytes"].as_u64().unwrap_or_default());
    said.push_str(&format!("Resources:\n CPUs:\t\t\t{cpus}\n Memory:\t\t{memory}\nPlugins:\n"));
    let plugins = items(&description["Engine"]["Plugins"]);
    for kind in ["Log", "Network", "Volume"] {
        let names: Vec<&str> = plugins.iter().filter(|p| text(p, "Type") == kind).map(|p| text(p, "Name")).collect();
        said.push_str(&format!(" {kind}:\t\t{}\n", names.join(", ")));
    }
    said.push_str(&format!("Engine Version:\t\t{}\n", text(&description["Engine"], "EngineVersion")));
    said
}

fn tasks(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let names = if typed.rest.is_empty() { vec!["self".to_owned()] } else { typed.rest.clone() };
    let listing = tasks::Listing::new(typed)?;
    let typed = typed.list("filter").to_vec();
    resolve(names, cx, move |names, cx| {
        let node = path_escaped(names.first().map_or("", String::as_str));
        call(cx, request("GET", &format!("/nodes/{node}")), move |reply, cx| {
            let mut wanted = typed;
            wanted.push(format!("node={}", text(&reply.json()?, "ID")));
            listing.fetch(&wanted, Vec::new(), cx)
        })
    })
}

/// What is to be changed of nodes.
#[derive(Clone)]
enum Change {
    /// What was typed.
    Typed(Arguments),
    /// What they may do.
    Role(&'static str),
}

/// Changes nodes; the next is the last of `left`.
fn update(mut left: Vec<String>, change: Change, cx: &mut Cx<'_>) -> Outcome {
    let Some(name) = left.pop() else { return Ok(Next::Exit(0)) };
    call(cx, request("GET", &format!("/nodes/{}", path_escaped(&name))), move |reply, cx| {
        let node = reply.json()?;
        let mut spec = node["Spec"].clone();
        match &change {
            Change::Role(role) if text(&spec, "Role") == *role => {
                cx.print_line(&format!("Node {} is already a {role}.", text(&node, "ID")));
                return update(left, change, cx);
            }
            Change::Role(role) => spec["Role"] = json!(role),
            Change::Typed(typed) => merge(&mut spec, typed)?,
        }
        let path = format!("/nodes/{}/update?version={}", text(&node, "ID"), node["Version"]["Index"]);
        call(cx, request_with("POST", &path, &spec), move |reply, cx| {
            reply.accepted()?;
            match &change {
                Change::Typed(_) => cx.print_line(&name),
                Change::Role("manager") => cx.print_line(&format!("Node {name} promoted to a manager in the swarm.")),
                Change::Role(_) => cx.print_line(&format!("Manager {name} demoted in the swarm.")),
            }
            update(left, change, cx)
        })
    })
}

fn merge(spec: &mut Value, typed: &Arguments) -> Result<(), Failure> {
    for (flag, field) in [("role", "Role"), ("availability", "Availability")] {
        if let Some(word) = typed.text(flag).filter(|_| typed.has(flag)) {
            spec[field] = json!(word);
        }
    }
    let Value::Object(mut labels) = spec["Labels"].take() else { return Ok(()) };
    for label in typed.list("label-add") {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        labels.insert(key.to_owned(), json!(value));
    }
    for key in typed.list("label-rm") {
        if labels.remove(key).is_none() {
            return Err(Failure::new(format!("key {key} doesn't exist in node's labels")));
        }
    }
    spec["Labels"] = Value::Object(labels);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const NODES: &str = r#"[{"ID":"y5j7mt6r7820tv3h1ptvohllr","Spec":{"Availability":"active"},
        "Description":{"Hostname":"node1","Engine":{"EngineVersion":"20.10.24+dfsg1"}},"Status":{"State":"ready"},
        "ManagerStatus":{"Leader":true,"Reachability":"reachable"}},
        {"ID":"alr2wga3xnecrs07mu55kybiu","Spec":{"Availability":"drain"},
        "Description":{"Hostname":"node2","Engine":{"EngineVersion":"20.10.24+dfsg1"}},"Status":{"State":"down"}}]"#;

    #[test]
    fn the_list_marks_the_node_that_is_asked() {
        let mut play = Play::new("docker node ls");
        play.answer(0, 200, NODES);
        play.answer(1, 200, r#"{"Swarm":{"NodeID":"y5j7mt6r7820tv3h1ptvohllr"}}"#);
        let expected = "\
ID                            HOSTNAME   STATUS    AVAILABILITY   MANAGER STATUS   ENGINE VERSION
y5j7mt6r7820tv3h1ptvohllr *   node1      Ready     Active         Leader           20.10.24+dfsg1
alr2wga3xnecrs07mu55kybiu     node2      Down      Drain                           20.10.24+dfsg1
";
        assert_eq!(play.stdout(), expected);
    }

    #[test]
    fn a_label_that_is_not_there_cannot_be_removed() {
        let mut play = Play::new("docker node update --availability active --label-rm zz n2");
        play.answer(0, 200, r#"{"ID":"x","Version":{"Index":4},"Spec":{"Labels":{},"Role":"worker"}}"#);
        assert_eq!((play.stderr(), play.exit()), ("key zz doesn't exist in node's labels\n", Some(1)));
    }

    #[test]
    fn who_has_that_role_is_passed_over() {
        let mut play = Play::new("docker node promote a b");
        play.answer(0, 200, r#"{"ID":"x","Version":{"Index":4},"Spec":{"Labels":{},"Role":"manager"}}"#);
        play.answer(1, 200, r#"{"ID":"y","Version":{"Index":5},"Spec":{"Labels":{},"Role":"worker"}}"#);
        assert_eq!(play.requests()[2], "POST /v1.41/nodes/y/update?version=5");
        play.answer(2, 200, "");
        let said = "Node x is already a manager.\nNode b promoted to a manager in the swarm.\n";
        assert_eq!((play.stdout(), play.exit()), (said, Some(0)));
    }
}
