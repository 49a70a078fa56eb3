//! `docker service ps`, and the list of tasks that `docker node ps` prints too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{image, published};
use crate::cli::command::{Arity, Command};
use crate::cli::flags::{Arguments, Flag};
use crate::cli::human;
use crate::cli::listing::{Format, Kind, natural};
use crate::cli::object::{items, short_id, text};
use crate::cli::query::{filters, query};
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request};
use crate::date::moment;

/// Letters of an error in a table.
const ERROR_MAX: usize = 30;

/// The flags of lists of tasks.
pub(in super::super) const FLAGS: [Flag; 5] = [
    Flag::filter("Filter output based on conditions provided").short('f'),
    Flag::text("format", "Pretty-print tasks using a Go template"),
    Flag::switch("no-resolve", "Do not map IDs to Names"),
    Flag::switch("no-trunc", "Do not truncate output"),
    Flag::switch("quiet", "Only display task IDs").short('q'),
];

/// The command.
pub(in super::super) const PS: Command = Command {
    usage: "[OPTIONS] SERVICE [SERVICE...]",
    about: "List the tasks of one or more services",
    aliases: "",
    flags: &FLAGS,
    arity: Arity::AtLeast(1),
    run: |typed, cx| {
        let listing = Listing::new(typed)?;
        let (names, filters) = (typed.rest.clone(), typed.list("filter").to_vec());
        find(names.clone(), names.into_iter().rev().collect(), Vec::new(), cx, move |found, missing, cx| {
            if found.is_empty() {
                return Err(Failure::new(missing.join("\n")));
            }
            let mut wanted = filters;
            wanted.extend(found.iter().map(|id| format!("service={id}")));
            listing.fetch(&wanted, missing, cx)
        })
    },
    ..super::LS
};

const KIND: Kind = Kind {
    type_name: "*task.taskContext",
    headers: &[
        ("ID", "ID"),
        ("Name", "NAME"),
        ("Image", "IMAGE"),
        ("Node", "NODE"),
        ("DesiredState", "DESIRED STATE"),
        ("CurrentState", "CURRENT STATE"),
        ("Error", "ERROR"),
        ("Ports", "PORTS"),
    ],
    default: "table {{.ID}}\t{{.Name}}\t{{.Image}}\t{{.Node}}\t{{.DesiredState}}\t{{.CurrentState}}\t{{.Error}}\t{{.Ports}}",
    quiet: "{{.ID}}",
    raw: "id: {{.ID}}\nname: {{.Name}}\nimage: {{.Image}}\nnode: {{.Node}}\ndesired_state: {{.DesiredState}}\n\
          current_state: {{.CurrentState}}\nerror: {{.Error}}\nports: {{.Ports}}\n",
};

/// Finds services by what was typed of each; the next is the last of `left`.
fn find(
    typed: Vec<String>,
    mut left: Vec<String>,
    mut found: Vec<String>,
    cx: &mut Cx<'_>,
    then: impl FnOnce(Vec<String>, Vec<String>, &mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let Some(name) = left.pop() else {
        let missing = typed.iter().zip(&found).filter(|(_, id)| id.is_empty());
        let missing = missing.map(|(name, _)| format!("no such service: {name}")).collect();
        return then(found.into_iter().filter(|id| !id.is_empty()).collect(), missing, cx);
    };
    let by = |key: &str| format!("/services{}", query(&[("filters", filters(&[format!("{key}={name}")]))]));
    let (by_id, by_name) = (by("id"), by("name"));
    call(cx, request("GET", &by_id), move |reply, cx| {
        let begun = items(&reply.json()?).to_vec();
        call(cx, request("GET", &by_name), move |reply, cx| {
            let named = items(&reply.json()?).to_vec();
            let exact = named.iter().find(|service| text(&service["Spec"], "Name") == name);
            let whole = begun.iter().find(|service| text(service, "ID") == name);
            let service = whole.or(exact).or_else(|| begun.first());
            found.push(service.map_or_else(String::new, |service| text(service, "ID").to_owned()));
            find(typed, left, found, cx, then)
        })
    })
}

/// How tasks are to be listed.
#[derive(Clone)]
pub(in super::super) struct Listing {
    format: Format,
    whole: bool,
    resolves: bool,
}

impl Listing {
    /// Reads what was typed.
    pub(in super::super) fn new(typed: &Arguments) -> Result<Self, Failure> {
        Ok(Self {
            format: KIND.format(typed.text("format"), typed.is_on("quiet"))?,
            whole: typed.is_on("no-trunc") || typed.is_on("quiet"),
            resolves: !typed.is_on("no-resolve"),
        })
    }

    /// Lists the tasks that fit, then tells what was not found.
    pub(in super::super) fn fetch(self, wanted: &[String], missing: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
        let tasks = format!("/tasks{}", query(&[("filters", filters(wanted))]));
        call(cx, request("GET", &tasks), move |reply, cx| {
            let tasks = items(&reply.json()?).to_vec();
            call(cx, request("GET", "/nodes"), move |reply, cx| {
                let nodes = names(&reply.json()?, |node| text(&node["Description"], "Hostname"));
                call(cx, request("GET", "/services"), move |reply, cx| {
                    let services = names(&reply.json()?, |service| text(&service["Spec"], "Name"));
                    self.print(tasks, &nodes, &services, cx)?;
                    if missing.is_empty() { Ok(Next::Exit(0)) } else { Err(Failure::new(missing.join("\n"))) }
                })
            })
        })
    }

    fn print(
        &self,
        mut tasks: Vec<Value>,
        nodes: &BTreeMap<String, String>,
        services: &BTreeMap<String, String>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Failure> {
        let resolved = |names: &BTreeMap<String, String>, id: &str| match names.get(id) {
            Some(name) if self.resolves => name.clone(),
            _ => id.to_owned(),
        };
        let name = |task: &Value| {
            let which = task["Slot"].as_u64().map_or_else(|| text(task, "NodeID").to_owned(), |slot| slot.to_string());
            format!("{}.{which}", resolved(services, text(task, "ServiceID")))
        };
        tasks.sort_by_key(|task| core::cmp::Reverse(text(task, "CreatedAt").to_owned()));
        tasks.sort_by_key(|task| natural(&name(task)));
        let mut before = String::new();
        let mut rows = Vec::new();
        for task in &tasks {
            let own = name(task);
            let shown = if own == before { format!(" \\_ {own}") } else { own.clone() };
            rows.push(self.row(task, &shown, &resolved(nodes, text(task, "NodeID")), cx.place.now));
            before = own;
        }
        KIND.print(&self.format, &rows, cx)
    }

    fn row(&self, task: &Value, name: &str, node: &str, now: u64) -> Value {
        let status = &task["Status"];
        let since = seconds_since(text(status, "Timestamp"), now);
        let error = match text(status, "Err") {
            "" => String::new(),
            error if self.whole => format!("\"{error}\""),
            error => format!("\"{}\"", human::shortened(error, ERROR_MAX)),
        };
        let ports: Vec<String> = items(&status["PortStatus"]["Ports"]).iter().map(published).collect();
        let (id, named) = (text(task, "ID"), text(&task["Spec"]["ContainerSpec"], "Image"));
        json!({
            "CurrentState": format!("{} {} ago", human::title(text(status, "State")), human::duration(since).to_lowercase()),
            "DesiredState": human::title(text(task, "DesiredState")),
            "Error": error,
            "ID": if self.whole { id } else { short_id(id) },
            "Image": if self.whole { named } else { image(named) },
            "Name": name,
            "Node": node,
            "Ports": ports.join(","),
        })
    }
}

/// What things are called, by their ids.
fn names(things: &Value, name: impl Fn(&Value) -> &str) -> BTreeMap<String, String> {
    items(things).iter().map(|thing| (text(thing, "ID").to_owned(), name(thing).to_owned())).collect()
}

/// How many seconds ago a moment was.
pub(super) fn seconds_since(at: &str, now: u64) -> u64 {
    let unix = moment::unix(at, now).unwrap_or_default();
    let (seconds, fraction) = unix.split_once('.').unwrap_or((&unix, ""));
    let fraction: u64 = format!("{fraction:0<9}").get(..9).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let at = seconds.parse::<u64>().unwrap_or_default().saturating_mul(1_000_000_000).saturating_add(fraction);
    now.saturating_sub(at) / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const SERVICES: &str = r#"[{"ID":"s1","Spec":{"Name":"svc"}}]"#;

    #[test]
    fn the_tasks_of_a_slot_are_listed_the_latest_first() {
        let mut play = Play::new("docker service ps svc");
        play.answer(0, 200, "[]");
        play.answer(1, 200, SERVICES);
        play.answer(
            2,
            200,
            r#"[{"ID":"kvhy92fv7ehlzgebi8nom0bdd","ServiceID":"s1","Slot":1,"NodeID":"n1","DesiredState":"shutdown",
            "CreatedAt":"2026-11-21T07:08:00Z","Spec":{"ContainerSpec":{"Image":"web:latest"}},
            "Status":{"Timestamp":"2026-11-21T07:08:22Z","State":"failed","Err":"starting container failed: driver failed"}},
            {"ID":"u2zmjd4811gghkcdgy51he6z6","ServiceID":"s1","Slot":1,"NodeID":"n1","DesiredState":"running",
            "CreatedAt":"2026-11-21T07:08:23Z","Spec":{"ContainerSpec":{"Image":"web:latest"}},
            "Status":{"Timestamp":"2026-11-21T07:08:29.5Z","State":"running","PortStatus":{"Ports":[{"Protocol":"udp",
            "TargetPort":81,"PublishedPort":8091,"PublishMode":"host"}]}}}]"#,
        );
        play.answer(3, 200, r#"[{"ID":"n1","Description":{"Hostname":"docker01"}}]"#);
        play.answer(4, 200, SERVICES);
        let expected = r#"ID             NAME        IMAGE        NODE       DESIRED STATE   CURRENT STATE                    ERROR                              PORTS
u2zmjd4811gg   svc.1       web:latest   docker01   Running         Running less than a second ago                                      *:8091->81/udp
kvhy92fv7ehl    \_ svc.1   web:latest   docker01   Shutdown        Failed 8 seconds ago             "starting container failed: dr…"   
"#;
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn a_service_that_is_not_there_has_no_tasks() {
        let mut play = Play::new("docker service ps nosuch");
        play.answer(0, 200, "[]");
        play.answer(1, 200, "[]");
        assert_eq!((play.stderr(), play.exit()), ("no such service: nosuch\n", Some(1)));
    }
}
