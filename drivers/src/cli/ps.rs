//! `docker ps`: the list of containers.

use netyard_sim::range;
use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::listing::{self, FORMAT, Kind};
use super::object::{items, short_id, text};
use super::query::{filters, one, query};
use super::script::{Cx, Failure, Next, Outcome, call, request};
use crate::template::{Context, Template};

/// The longest text of a command.
const COMMAND_MAX: usize = 20;

/// The command.
pub(super) const PS: Command = Command {
    usage: "[OPTIONS]",
    about: "List containers",
    aliases: "docker container ls, docker container list, docker container ps, docker ps",
    flags: &[
        Flag::switch("all", "Show all containers (default shows just running)").short('a'),
        Flag::filter("Filter output based on conditions provided").short('f'),
        FORMAT,
        Flag::int("last", "Show n last created containers (includes all states)").short('n').default("-1"),
        Flag::switch("latest", "Show the latest created container (includes all states)").short('l'),
        Flag::switch("no-trunc", "Don't truncate output"),
        Flag::switch("quiet", "Only display container IDs").short('q'),
        Flag::switch("size", "Display total file sizes").short('s'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run,
};

const KIND: Kind = Kind {
    type_name: "*formatter.ContainerContext",
    headers: &[
        ("ID", "CONTAINER ID"),
        ("Names", "NAMES"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Ports", "PORTS"),
        ("State", "STATE"),
        ("Status", "STATUS"),
        ("Size", "SIZE"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Networks", "NETWORKS"),
        ("Platform", "PLATFORM"),
    ],
    default: "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
    quiet: "{{.ID}}",
    raw: "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n",
};

const WITH_SIZE: Kind = Kind {
    default: "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}",
    ..KIND
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let wants_size = |format: &str| format.contains(".Size") || format.contains("json .}}") || format == "json";
    let size = typed.is_on("size") || typed.text("format").is_some_and(wants_size);
    let kind = if typed.is_on("size") { WITH_SIZE } else { KIND };
    let asked = typed.text("format").unwrap_or_default();
    try_out(asked)?;
    if typed.is_on("quiet") && !asked.is_empty() {
        cx.error_line("WARNING: Ignoring custom format, because both --format and --quiet are set.");
    }
    let format = kind.format(typed.text("format"), typed.is_on("quiet"))?;
    let last = if typed.is_on("latest") { Some(1) } else { typed.int("last").filter(|n| *n > 0) };
    let query = query(&[
        ("all", one(typed.is_on("all"))),
        ("filters", filters(typed.list("filter"))),
        ("limit", last.map(|n| n.to_string())),
        ("size", one(size)),
    ]);
    let whole = typed.is_on("no-trunc");
    call(cx, request("GET", &format!("/containers/json{query}")), move |reply, cx| {
        let containers = reply.json()?;
        let now = cx.place.seconds();
        let rows: Vec<Value> = items(&containers).iter().map(|container| row(container, whole, now)).collect();
        kind.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

/// The client first prints the format as it was typed for a container without properties, to see which of them it
/// will need.
fn try_out(format: &str) -> Result<(), Failure> {
    let template = Template::parse(format).map_err(|why| Failure::new(format!("failed to parse template: {why}")))?;
    let nobody = row(&json!({}), false, 0);
    let failed = |why| Failure::new(format!("failed to execute template: {why}"));
    template.render_for(&nobody, Context::Row { type_name: KIND.type_name }).map(drop).map_err(failed)
}

fn row(container: &Value, whole: bool, now: u64) -> Value {
    let id = text(container, "Id");
    let created = container["Created"].as_i64().unwrap_or_default();
    let age = now.saturating_sub(u64::try_from(created).unwrap_or_default());
    let mounts: Vec<&str> = items(&container["Mounts"]).iter().map(mount).collect();
    json!({
        "Command": format!("\"{}\"", command(text(container, "Command"), whole)),
        "CreatedAt": human::moment(i128::from(created) * 1_000_000_000),
        "ID": if whole { id } else { short_id(id) },
        "Image": image(container, whole),
        "Labels": listing::labels(&container["Labels"]),
        "LocalVolumes": items(&container["Mounts"]).iter().filter(|m| m["Driver"] == "local").count().to_string(),
        "Mounts": mounts.join(","),
        "Names": names(container, whole),
        "Networks": networks(container),
        "Platform": null,
        "Ports": ports(items(&container["Ports"])),
        "RunningFor": format!("{} ago", human::duration(age)),
        "Size": size(container),
        "State": text(container, "State"),
        "Status": text(container, "Status"),
    })
}

fn command(text: &str, whole: bool) -> String {
    if whole { text.to_owned() } else { human::shortened(text, COMMAND_MAX) }
}

fn image(container: &Value, whole: bool) -> String {
    let name = text(container, "Image");
    match name {
        "" => "<no image>".to_owned(),
        name if !whole && text(container, "ImageID") == name => short_id(name).to_owned(),
        name => name.to_owned(),
    }
}

fn mount(mount: &Value) -> &str {
    match text(mount, "Name") {
        "" => text(mount, "Source"),
        name => name,
    }
}

/// A name of a link has a second slash; it is shown only when nothing is cut.
fn names(container: &Value, whole: bool) -> String {
    let names = items(&container["Names"]).iter().filter_map(Value::as_str).map(|name| name.trim_start_matches('/'));
    let shown: Vec<&str> = names.filter(|name| whole || !name.contains('/')).collect();
    shown.join(",")
}

fn networks(container: &Value) -> String {
    let Some(networks) = container["NetworkSettings"]["Networks"].as_object() else { return String::new() };
    let mut names: Vec<&str> = networks.keys().map(String::as_str).collect();
    names.sort_unstable();
    names.join(",")
}

fn size(container: &Value) -> String {
    let bytes = |name: &str| container[name].as_u64().unwrap_or_default();
    match bytes("SizeRootFs") {
        0 => human::size(bytes("SizeRw"), 3),
        virtual_size => format!("{} (virtual {})", human::size(bytes("SizeRw"), 3), human::size(virtual_size, 3)),
    }
}

/// One published or exposed port.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Port<'a> {
    private: u64,
    address: &'a str,
    public: u64,
    protocol: &'a str,
}

/// Ports that follow one another on the same address and protocol.
struct Run<'a> {
    address: &'a str,
    protocol: &'a str,
    first: u64,
    last: u64,
}

impl Run<'_> {
    fn is_continued_by(&self, port: &Port<'_>) -> bool {
        (self.address, self.protocol, self.last + 1) == (port.address, port.protocol, port.private)
    }

    fn text(&self) -> String {
        let Self { address, protocol, first, last } = self;
        let range = range::text((first, last), '-');
        match *address {
            "" => format!("{range}/{protocol}"),
            address => format!("{}->{range}/{protocol}", joined(address, &range)),
        }
    }
}

/// The ports column. Ports published under their own number are drawn together to ranges and come first.
fn ports(list: &[Value]) -> String {
    let number = |port: &Value, name: &str| port[name].as_u64().unwrap_or_default();
    let mut ports: Vec<Port<'_>> = list
        .iter()
        .map(|port| Port {
            private: number(port, "PrivatePort"),
            address: text(port, "IP"),
            public: number(port, "PublicPort"),
            protocol: text(port, "Type"),
        })
        .collect();
    ports.sort();
    let mut ended = Vec::new();
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut mapped = Vec::new();
    for port in &ports {
        if !port.address.is_empty() && port.public != port.private {
            let host = joined(port.address, &port.public.to_string());
            mapped.push(format!("{host}->{}/{}", port.private, port.protocol));
            continue;
        }
        let run = runs.iter_mut().find(|run| (run.address, run.protocol) == (port.address, port.protocol));
        let fresh = Run { address: port.address, protocol: port.protocol, first: port.private, last: port.private };
        match run {
            None => runs.push(fresh),
            Some(run) if run.is_continued_by(port) => run.last = port.private,
            Some(run) => ended.push(core::mem::replace(run, fresh).text()),
        }
    }
    ended.extend(runs.iter().map(Run::text));
    ended.extend(mapped);
    ended.join(", ")
}

/// An address and a port, with brackets around IPv6.
pub(super) fn joined(address: &str, port: &str) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::play::Play;

    /// Two containers as engine 20.10.24 listed them, without what the list does not show.
    const LISTED: &str = r#"[
        {"Id":"41988f6814e6d160b00eb3e36c40c2993c9a898f52ece8c2e2fa9ff9c9c0e4b9","Names":["/container2"],
         "Image":"busybox","ImageID":"sha256:128d2871ac47","Command":"sh","Created":1795244909,"Ports":[],"Labels":{},
         "State":"running","Status":"Up Less than a second","NetworkSettings":{"Networks":{"bridge":{}}},"Mounts":[]},
        {"Id":"6e729bc15b17a1c31bb7fddfdbb5ac45b95dbf2f43613a6225636d540decc655","Names":["/c1","/c2/c1"],
         "Image":"busybox","ImageID":"sha256:128d2871ac47","Command":"sh -c 'sleep 1000; echo done'",
         "Created":1795242470,"Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
         {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}],"Labels":{"k":"v"},
         "State":"exited","Status":"Exited (137) 9 seconds ago",
         "NetworkSettings":{"Networks":{"n2":{},"n1":{}}},"Mounts":[]}]"#;

    fn shown(line: &str) -> String {
        let mut play = Play::new(line);
        play.answer(0, 200, LISTED);
        assert_eq!((play.stderr(), play.exit()), ("", Some(0)));
        play.stdout().to_owned()
    }

    #[test]
    fn the_default_table() {
        let expected = "\
CONTAINER ID   IMAGE     COMMAND                  CREATED          STATUS                       PORTS                                     NAMES
41988f6814e6   busybox   \"sh\"                     1 second ago     Up Less than a second                                                  container2
6e729bc15b17   busybox   \"sh -c 'sleep 1000; …\"   40 minutes ago   Exited (137) 9 seconds ago   0.0.0.0:8080->80/tcp, [::]:8080->80/tcp   c1
";
        assert_eq!(shown("docker ps -a"), expected);
    }

    #[test]
    fn names_of_links_show_only_when_nothing_is_cut() {
        assert_eq!(shown("docker ps --format {{.Names}}"), "container2\nc1\n");
        assert_eq!(shown("docker ps --no-trunc --format {{.Names}}"), "container2\nc1,c2/c1\n");
    }

    #[test]
    fn a_format_of_ones_own() {
        assert_eq!(
            shown("docker ps -a --format '{{.Names}} {{.Status}}'").lines().last(),
            Some("c1 Exited (137) 9 seconds ago")
        );
        assert_eq!(
            shown("docker ps --format 'table {{.Names}}\\t{{.Networks}}'"),
            "NAMES        NETWORKS\ncontainer2   bridge\nc1           n1,n2\n"
        );
        assert_eq!(shown("docker ps -q"), "41988f6814e6\n6e729bc15b17\n");
        let json = shown("docker ps --format json");
        let expected = concat!(
            r#"{"Command":"\"sh\"","CreatedAt":"2026-11-21 07:08:29 +0000 UTC","ID":"41988f6814e6","Image":"busybox","#,
            r#""Labels":"","LocalVolumes":"0","Mounts":"","Names":"container2","Networks":"bridge","Platform":null,"#,
            r#""Ports":"","RunningFor":"1 second ago","Size":"0B","State":"running","Status":"Up Less than a second"}"#,
        );
        assert_eq!(json.lines().next(), Some(expected));
    }

    #[test]
    fn flags_become_the_query() {
        let play = Play::new("docker ps -n 2 -f name=x -f status=running");
        let filters = "%7B%22name%22%3A%7B%22x%22%3Atrue%7D%2C%22status%22%3A%7B%22running%22%3Atrue%7D%7D";
        assert_eq!(play.requests(), [format!("GET /v1.41/containers/json?filters={filters}&limit=2")]);
        assert_eq!(Play::new("docker ps -as").requests(), ["GET /v1.41/containers/json?all=1&size=1"]);
        assert_eq!(Play::new("docker ps -l").requests(), ["GET /v1.41/containers/json?limit=1"]);
    }

    #[test]
    fn an_unknown_field_is_called_what_go_calls_it() {
        let play = Play::new("docker ps --format {{.Foo}}");
        let expected = "failed to execute template: template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in \
                        type *formatter.ContainerContext\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
        let play = Play::new("docker ps --format {{.Foo");
        assert_eq!(play.stderr(), "failed to parse template: template: :1: unclosed action\n");
    }

    #[test]
    fn ports_are_drawn_together_when_they_keep_their_number() {
        let port = |ip: &str, private: u64, public: u64| json!({"IP": ip, "PrivatePort": private, "PublicPort": public, "Type": "tcp"});
        let range = [
            port("0.0.0.0", 8001, 8001),
            port("0.0.0.0", 8000, 8000),
            port("::", 8000, 8000),
            port("0.0.0.0", 8005, 8005),
        ];
        let expected = "0.0.0.0:8000-8001->8000-8001/tcp, 0.0.0.0:8005->8005/tcp, [::]:8000->8000/tcp";
        assert_eq!(ports(&range), expected);
        let exposed = [json!({"PrivatePort": 53, "Type": "udp"}), port("127.0.0.1", 80, 8080)];
        assert_eq!(ports(&exposed), "53/udp, 127.0.0.1:8080->80/tcp");
    }
}
