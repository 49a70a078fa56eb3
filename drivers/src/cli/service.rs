//! `docker service`: services of a swarm, as its manager knows them. What is typed of a service is read in [`spec`].

pub(super) mod create;
mod flags;
mod job;
pub(super) mod logs;
mod port;
mod pretty;
mod progress;
pub(super) mod scale;
mod spec;
pub(super) mod tasks;
pub(super) mod update;

use netyard_sim::range;
use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Order};
use super::inspect;
use super::listing::{self, Kind, natural};
use super::object::{items, short_id, text};
use super::query::{filters, query};
use super::removal;
use super::script::{Cx, Next, Outcome, call, request};

/// `docker service ls`.
pub(super) const LS: Command = Command {
    usage: "[OPTIONS]",
    about: "List services",
    aliases: "docker service ls, docker service list",
    flags: &listing::FLAGS,
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: list,
};

/// `docker service inspect`.
pub(super) const INSPECT: Command = Command {
    usage: "[OPTIONS] SERVICE [SERVICE...]",
    about: "Display detailed information on one or more services",
    aliases: "",
    flags: &inspect::FLAGS,
    arity: Arity::AtLeast(1),
    run: |typed, cx| {
        if inspect::is_pretty(typed)? {
            return pretty::show(typed.rest.clone(), cx);
        }
        inspect::services(typed, cx)
    },
    ..LS
};

/// `docker service rm`.
pub(super) const RM: Command = Command {
    usage: "SERVICE [SERVICE...]",
    about: "Remove one or more services",
    aliases: "docker service rm, docker service remove",
    flags: &[],
    arity: Arity::AtLeast(1),
    run: |typed, cx| removal::each("/services", &typed.rest, String::new(), cx),
    ..LS
};

const KIND: Kind = Kind {
    type_name: "*service.serviceContext",
    headers: &[
        ("ID", "ID"),
        ("Name", "NAME"),
        ("Mode", "MODE"),
        ("Replicas", "REPLICAS"),
        ("Image", "IMAGE"),
        ("Ports", "PORTS"),
    ],
    default: "table {{.ID}}\t{{.Name}}\t{{.Mode}}\t{{.Replicas}}\t{{.Image}}\t{{.Ports}}",
    quiet: "{{.ID}}",
    raw: "id: {{.ID}}\nname: {{.Name}}\nmode: {{.Mode}}\nreplicas: {{.Replicas}}\nimage: {{.Image}}\nports: {{.Ports}}\n",
};

fn list(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = KIND.format(typed.text("format"), typed.is_on("quiet"))?;
    let query = query(&[("filters", filters(typed.list("filter"))), ("status", Some("true".to_owned()))]);
    call(cx, request("GET", &format!("/services{query}")), move |reply, cx| {
        let mut services = items(&reply.json()?).to_vec();
        services.sort_by_key(|service| natural(text(&service["Spec"], "Name")));
        let rows: Vec<Value> = services.iter().map(row).collect();
        KIND.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

fn row(service: &Value) -> Value {
    let (spec, status) = (&service["Spec"], &service["ServiceStatus"]);
    let count = |name: &str| status[name].as_u64().unwrap_or_default();
    let replicas = format!("{}/{}", count("RunningTasks"), count("DesiredTasks"));
    let most = spec["TaskTemplate"]["Placement"]["MaxReplicas"].as_u64().filter(|most| *most > 0);
    let completed = |total: u64| format!("{replicas} ({}/{total} completed)", count("CompletedTasks"));
    let job = &spec["Mode"]["ReplicatedJob"];
    let (mode, replicas) = match (job.is_object(), spec["Mode"]["GlobalJob"].is_object(), most) {
        (true, _, _) => ("replicated job", completed(job["TotalCompletions"].as_u64().unwrap_or_default())),
        (_, true, _) => ("global job", completed(count("DesiredTasks") + count("CompletedTasks"))),
        _ if spec["Mode"]["Global"].is_object() => ("global", replicas),
        (_, _, Some(most)) => ("replicated", format!("{replicas} (max {most} per node)")),
        _ => ("replicated", replicas),
    };
    json!({
        "ID": short_id(text(service, "ID")),
        "Image": image(text(&spec["TaskTemplate"]["ContainerSpec"], "Image")),
        "Mode": mode,
        "Name": text(spec, "Name"),
        "Ports": ports(items(&service["Endpoint"]["Ports"])),
        "Replicas": replicas,
    })
}

/// An image without its digest.
fn image(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// The ports of all nodes by which a service is reached.
fn ports(ports: &[Value]) -> String {
    let ingress = ports.iter().filter(|port| text(port, "PublishMode") == "ingress");
    let mut ingress: Vec<(String, u64, u64)> = ingress
        .map(|port| {
            let number = |field: &str| port[field].as_u64().unwrap_or_default();
            (text(port, "Protocol").to_owned(), number("PublishedPort"), number("TargetPort"))
        })
        .collect();
    ingress.sort_by(|a, b| (a.1, a.2, &a.0).cmp(&(b.1, b.2, &b.0)));
    // Ports that follow each other are a range.
    let ranges =
        ingress.chunk_by(|(protocol, published, target), next| next == &(protocol.clone(), published + 1, target + 1));
    let told = ranges.map(|ports| {
        let (first, last) = (&ports[0], &ports[ports.len() - 1]);
        let [published, target] = [(first.1, last.1), (first.2, last.2)].map(|range| range::text(range, '-'));
        format!("*:{published}->{target}/{}", first.0)
    });
    told.collect::<Vec<_>>().join(", ")
}

fn published(port: &Value) -> String {
    format!("*:{}->{}/{}", port["PublishedPort"], port["TargetPort"], text(port, "Protocol"))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn the_list_tells_how_many_tasks_run_and_where_they_are_reached() {
        let mut play = Play::new("docker service ls");
        assert_eq!(play.requests(), ["GET /v1.41/services?status=true"]);
        play.answer(
            0,
            200,
            r#"[{"ID":"pznav237q77aumeau6aysozg3","Spec":{"Name":"svc","TaskTemplate":{"ContainerSpec":{"Image":"web:latest@sha256:x"}},
            "Mode":{"Replicated":{"Replicas":2}}},"Endpoint":{"Ports":[{"Protocol":"tcp","TargetPort":80,"PublishedPort":8090,
            "PublishMode":"ingress"},{"Protocol":"udp","TargetPort":81,"PublishedPort":8091,"PublishMode":"host"}]},
            "ServiceStatus":{"RunningTasks":1,"DesiredTasks":2}}]"#,
        );
        let expected = "\
ID             NAME      MODE         REPLICAS   IMAGE        PORTS
pznav237q77a   svc       replicated   1/2        web:latest   *:8090->80/tcp
";
        assert_eq!(play.stdout(), expected);
    }

    #[test]
    fn what_cannot_be_removed_is_told_at_the_end() {
        let mut play = Play::new("docker service rm nosuch svc");
        play.answer(0, 404, r#"{"message":"service nosuch not found"}"#);
        play.answer(1, 200, "");
        let told = "Error response from daemon: service nosuch not found\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("svc\n", told, Some(1)));
    }

    #[test]
    fn an_inspection_of_nothing_says_so_in_the_clients_words() {
        let mut play = Play::new("docker service inspect nosuch");
        play.answer(0, 404, r#"{"message":"service nosuch not found"}"#);
        let told = "Error: no such service: nosuch\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("[]\n", told, Some(1)));
    }
}
