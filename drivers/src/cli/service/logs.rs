//! `docker service logs`: what the tasks of a service print, each line behind the name of its task.
//!
//! How it works: the engine says beside each line whose it is, by ids; what they are called is asked for when the first line
//! of a task comes.

use std::collections::BTreeMap;

use super::LS;
use crate::cli::command::{Arity, Command};
use crate::cli::flags::{Arguments, Flag};
use crate::cli::logs::moment;
use crate::cli::object::{short_id, text};
use crate::cli::query::{one, path_escaped, query};
use crate::cli::script::{Cx, Failure, Framing, Input, Next, OnSignal, Outcome, Session, Ticket, call, request};
use crate::percent::decode_query;

/// The stream on which the engine itself speaks.
const ENGINE: usize = 3;

/// The command.
pub(in super::super) const LOGS: Command = Command {
    usage: "[OPTIONS] SERVICE|TASK",
    about: "Fetch the logs of a service or task",
    aliases: "",
    flags: &[
        Flag::switch("details", "Show extra details provided to logs"),
        Flag::switch("follow", "Follow log output").short('f'),
        Flag::switch("no-resolve", "Do not map IDs to Names in output"),
        Flag::switch("no-task-ids", "Do not include task IDs in output"),
        Flag::switch("no-trunc", "Do not truncate output"),
        Flag::switch("raw", "Do not neatly format logs"),
        Flag::text(
            "since",
            "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
        ),
        Flag::text("tail", "Number of lines to show from the end of the logs").short('n').default("all"),
        Flag::switch("timestamps", "Show timestamps").short('t'),
    ],
    arity: Arity::Exactly(1),
    run,
    ..LS
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (typed, name) = (typed.clone(), typed.rest[0].clone());
    if name.trim().is_empty() {
        return Err(Failure::new("invalid service name or ID: value is empty"));
    }
    let service = format!("/services/{}?insertDefaults=false", path_escaped(&name));
    call(cx, request("GET", &service), move |reply, cx| {
        if reply.status != 404 {
            let spec = &reply.json()?["Spec"];
            let replicas = spec["Mode"]["Replicated"]["Replicas"].as_u64();
            let tty = spec["TaskTemplate"]["ContainerSpec"]["TTY"] == true;
            return begin(&typed, ("services", name), tty, replicas.map_or(1, digits), cx);
        }
        call(cx, request("GET", &format!("/tasks/{}", path_escaped(&name))), move |reply, cx| {
            if reply.status == 404 {
                return Err(Failure::new(format!("no such task or service: {name}")));
            }
            let task = reply.json()?;
            let tty = task["Spec"]["ContainerSpec"]["TTY"] == true;
            let width = digits(task["Slot"].as_u64().unwrap_or_default());
            begin(&typed, ("tasks", name), tty, width, cx)
        })
    })
}

/// How many digits a number has.
const fn digits(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Reads the logs; the numbers of tasks have so many digits.
fn begin(typed: &Arguments, (kind, name): (&str, String), tty: bool, width: usize, cx: &mut Cx<'_>) -> Outcome {
    let is_raw = typed.is_on("raw");
    if tty && !is_raw {
        return Err(Failure::new("tty service logs only supported with --raw"));
    }
    let query = query(&[
        ("details", one(!is_raw || typed.is_on("details"))),
        ("follow", one(typed.is_on("follow"))),
        ("since", moment(typed, "since", cx)?),
        ("stderr", one(true)),
        ("stdout", one(true)),
        ("tail", Some(typed.text("tail").unwrap_or("all").to_owned())),
        ("timestamps", one(typed.is_on("timestamps"))),
    ]);
    let ticket = cx.open(request("GET", &format!("/{kind}/{}/logs{query}", path_escaped(&name))));
    let printer = (!is_raw).then(|| Printer::new(typed, width));
    Ok(Next::Head(
        ticket,
        Box::new(move |reply, cx| {
            reply.accepted()?;
            if tty {
                let session = Session::new(ticket, Framing::Terminal, Input::Absent, OnSignal::End);
                return Ok(Next::Session(session, Box::new(|_, _| Ok(Next::Exit(0)))));
            }
            next_line(ticket, printer, cx)
        }),
    ))
}

/// Waits for the next line; without a printer it is shown as it is.
fn next_line(ticket: Ticket, printer: Option<Printer>, _: &mut Cx<'_>) -> Outcome {
    let show = move |frame: Option<(usize, Vec<u8>)>, cx: &mut Cx<'_>| match (frame, printer) {
        (None, _) => Ok(Next::Exit(0)),
        (Some((ENGINE, said)), _) => {
            Err(Failure::new(format!("error from daemon in stream: {}", String::from_utf8_lossy(&said))))
        }
        (Some((stream, line)), None) => {
            cx.write(stream, &line);
            next_line(ticket, None, cx)
        }
        (Some((stream, line)), Some(printer)) => {
            let line = Line::parse(&line, printer.timestamps)?;
            printer.print(line, cx, move |printer, line, cx| {
                cx.write(stream, &line);
                next_line(ticket, Some(printer), cx)
            })
        }
    };
    Ok(Next::Frame(ticket, Box::new(show)))
}

/// A line with what the engine says beside it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Line {
    at: Option<String>,
    node: String,
    service: String,
    task: String,
    /// The rest of what is said beside it.
    details: String,
    text: Vec<u8>,
}

impl Line {
    fn parse(bytes: &[u8], has_time: bool) -> Result<Self, Failure> {
        let mut parts = bytes.splitn(if has_time { 3 } else { 2 }, |byte| *byte == b' ');
        let mut part = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        let at = has_time.then(&mut part);
        let said = part();
        let mut details = BTreeMap::new();
        for pair in said.split(',').filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(Failure::new("invalid details format"));
            };
            details.insert(decode_query(key), decode_query(value));
        }
        let mut own = |what: &str| {
            let id = details.remove(&format!("com.docker.swarm.{what}.id"));
            id.ok_or_else(|| Failure::new(format!("missing {what} id in details: {said}")))
        };
        let (node, service, task) = (own("node")?, own("service")?, own("task")?);
        let rest: Vec<String> = details.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok(Self { at, node, service, task, details: rest.join(","), text: parts.next().unwrap_or_default().to_vec() })
    }
}

/// How lines are shown, and what is known by now of those they come from.
#[derive(Clone)]
struct Printer {
    width: usize,
    timestamps: bool,
    details: bool,
    resolves: bool,
    task_ids: bool,
    whole: bool,
    nodes: BTreeMap<String, String>,
    services: BTreeMap<String, String>,
    /// What stands before the lines of a task.
    prefixes: BTreeMap<String, String>,
}

impl Printer {
    fn new(typed: &Arguments, width: usize) -> Self {
        Self {
            width,
            timestamps: typed.is_on("timestamps"),
            details: typed.is_on("details"),
            resolves: !typed.is_on("no-resolve"),
            task_ids: !typed.is_on("no-task-ids"),
            whole: typed.is_on("no-trunc"),
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            prefixes: BTreeMap::new(),
        }
    }

    /// Gives the line as it is shown, once it is known what everything is called.
    fn print(
        mut self,
        line: Line,
        cx: &mut Cx<'_>,
        then: impl FnOnce(Self, Vec<u8>, &mut Cx<'_>) -> Outcome + Clone + 'static,
    ) -> Outcome {
        if let Some(prefix) = self.prefixes.get(&line.task) {
            let shown = self.shown(prefix, &line);
            return then(self, shown, cx);
        }
        if self.resolves && !self.nodes.contains_key(&line.node) {
            return call(cx, request("GET", &format!("/nodes/{}", line.node)), move |reply, cx| {
                // What is gone is called by its id.
                let node = reply.json().unwrap_or_default();
                let name = known(text(&node["Description"], "Hostname"), &line.node);
                self.nodes.insert(line.node.clone(), name);
                self.print(line, cx, then)
            });
        }
        if self.resolves && !self.services.contains_key(&line.service) {
            let path = format!("/services/{}?insertDefaults=false", line.service);
            return call(cx, request("GET", &path), move |reply, cx| {
                let service = reply.json().unwrap_or_default();
                let name = known(text(&service["Spec"], "Name"), &line.service);
                self.services.insert(line.service.clone(), name);
                self.print(line, cx, then)
            });
        }
        call(cx, request("GET", &format!("/tasks/{}", line.task)), move |reply, cx| {
            let slot = reply.json()?["Slot"].as_u64().unwrap_or_default();
            let prefix = self.prefix(&line, slot);
            self.prefixes.insert(line.task.clone(), prefix);
            self.print(line, cx, then)
        })
    }

    /// `web.1.ivg73mjtxtnv@node1    | `, as wide as for the longest number.
    fn prefix(&self, line: &Line, slot: u64) -> String {
        let name = |names: &BTreeMap<String, String>, id: &String| names.get(id).unwrap_or(id).clone();
        let (service, node) = (name(&self.services, &line.service), name(&self.nodes, &line.node));
        let task = match (self.task_ids, self.whole) {
            (false, _) => String::new(),
            (true, true) => format!(".{}", line.task),
            (true, false) => format!(".{}", short_id(&line.task)),
        };
        let padding = " ".repeat(self.width.saturating_sub(digits(slot)));
        format!("{service}.{slot}{task}@{node}{padding}    | ")
    }

    fn shown(&self, prefix: &str, line: &Line) -> Vec<u8> {
        let at = line.at.as_ref().map(|at| format!("{at} ")).unwrap_or_default();
        let details = if self.details { format!("{} ", line.details) } else { String::new() };
        [at.as_bytes(), prefix.as_bytes(), details.as_bytes(), &line.text].concat()
    }
}

fn known(name: &str, id: &str) -> String {
    if name.is_empty() { id } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, frame};

    const SERVICE: &str = r#"{"ID":"z9efl8lqmjeuckj06z50hpl4n","Spec":{"Name":"web","Mode":{"Replicated":{"Replicas":11}},
        "TaskTemplate":{"ContainerSpec":{}}}}"#;

    fn line(task: &str, text: &str) -> String {
        format!("com.docker.swarm.node.id=n1,com.docker.swarm.service.id=s1,com.docker.swarm.task.id={task} {text}\n")
    }

    /// What a real client asked for and printed, with the ids made shorter.
    #[test]
    fn each_line_stands_behind_the_name_of_its_task() {
        let mut play = Play::new("docker service logs web");
        play.answer(0, 200, SERVICE);
        assert_eq!(play.requests()[1], "GET /v1.41/services/web/logs?details=1&stderr=1&stdout=1&tail=all");
        play.head(1, 200);
        play.more(1, [frame(1, &line("wzja1ffja30vtxby5c2adt1pf", "hello")), frame(2, &line("t2", "oops"))].concat());
        play.answer(2, 200, r#"{"Description":{"Hostname":"store1"}}"#);
        play.answer(3, 200, r#"{"Spec":{"Name":"web"}}"#);
        play.answer(4, 200, r#"{"Slot":2}"#);
        play.answer(5, 200, r#"{"Slot":11}"#);
        let expected = [
            "GET /v1.41/nodes/n1",
            "GET /v1.41/services/s1?insertDefaults=false",
            "GET /v1.41/tasks/wzja1ffja30vtxby5c2adt1pf",
            "GET /v1.41/tasks/t2",
        ];
        assert_eq!(play.requests()[2..], expected);
        assert_eq!(play.stdout(), "web.2.wzja1ffja30v@store1     | hello\n");
        assert_eq!(play.stderr(), "web.11.t2@store1    | oops\n");
        play.more(1, frame(1, &line("t2", "more")));
        assert_eq!(play.stdout().lines().last(), Some("web.11.t2@store1    | more"));
        play.end(1);
        assert_eq!(play.exit(), Some(0));
    }

    #[test]
    fn times_and_details_stand_around_the_name() {
        let mut play = Play::new("docker service logs --no-resolve --no-task-ids --details -t --since 1h --tail 1 web");
        play.answer(0, 200, SERVICE);
        let query = "details=1&since=1795241310&stderr=1&stdout=1&tail=1&timestamps=1";
        assert_eq!(play.requests()[1], format!("GET /v1.41/services/web/logs?{query}"));
        play.head(1, 200);
        let said = line("t1", "hello").replace(' ', ",x=y+z ");
        play.more(1, frame(1, &format!("2026-11-30T05:57:03.489162474Z A=1,{said}")));
        play.answer(2, 200, r#"{"Slot":10}"#);
        assert_eq!(play.requests()[2], "GET /v1.41/tasks/t1");
        assert_eq!(play.stdout(), "2026-11-30T05:57:03.489162474Z s1.10@n1    | A=1,x=y z hello\n");
    }

    #[test]
    fn a_task_may_be_named_by_its_id() {
        let mut play = Play::new("docker service logs --raw t1");
        play.answer(0, 404, r#"{"message":"service t1 not found"}"#);
        play.answer(1, 200, r#"{"ID":"t1","Slot":1,"Spec":{"ContainerSpec":{}}}"#);
        assert_eq!(
            play.requests()[1..],
            ["GET /v1.41/tasks/t1", "GET /v1.41/tasks/t1/logs?stderr=1&stdout=1&tail=all"]
        );
        play.answer(2, 200, [frame(1, "hello\n"), frame(2, "oops\n")].concat());
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("hello\n", "oops\n", Some(0)));
    }

    #[test]
    fn what_is_no_service_and_no_task_is_told_in_the_clients_words() {
        let mut play = Play::new("docker service logs nosuch");
        play.answer(0, 404, r#"{"message":"service nosuch not found"}"#);
        play.answer(1, 404, r#"{"message":"task nosuch not found"}"#);
        assert_eq!((play.stderr(), play.exit()), ("no such task or service: nosuch\n", Some(1)));
        let play = Play::new("docker service logs ''");
        assert_eq!((play.stderr(), play.exit()), ("invalid service name or ID: value is empty\n", Some(1)));
    }

    #[test]
    fn what_a_terminal_shows_is_shown_only_as_it_is() {
        let service = SERVICE.replace(r#""ContainerSpec":{}"#, r#""ContainerSpec":{"TTY":true}"#);
        let mut play = Play::new("docker service logs web");
        play.answer(0, 200, &service);
        assert_eq!((play.stderr(), play.exit()), ("tty service logs only supported with --raw\n", Some(1)));
        let mut play = Play::new("docker service logs --raw web");
        play.answer(0, 200, &service);
        play.answer(1, 200, "hello\r\noops\r\n");
        assert_eq!((play.stdout(), play.exit()), ("hello\r\noops\r\n", Some(0)));
    }

    #[test]
    fn what_the_engine_says_of_missing_logs_is_the_end() {
        let mut play = Play::new("docker service logs --raw web");
        play.answer(0, 200, SERVICE);
        play.answer(1, 200, [frame(1, "hello\n"), frame(3, "Error grabbing logs: x\n")].concat());
        let told = "error from daemon in stream: Error grabbing logs: x\n\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("hello\n", told, Some(1)));
    }
}
