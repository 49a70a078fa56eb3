//! `docker inspect` and its narrower forms for containers, images and networks. Without a format the engine's own bytes
//! are laid out; a template sees the client's struct first ([`Shape`]) and, when that fails, what was sent.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order, quoted};
use super::json;
use super::query::{path_escaped, query};
use super::script::{Cx, Failure, Outcome, Reply, call, finish, request};
use super::shape::{Shape, sorted};
use crate::template::{Template, TemplateError};

/// The flag `--format` of commands that print one thing.
pub(super) const FORMAT: Flag = Flag::text(
    "format",
    "Format output using a custom template:\n\
     'json':             Print in JSON format\n\
     'TEMPLATE':         Print output using the given Go template.\n\
     Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
)
.short('f');

/// The flags of commands that print one thing for people as well.
pub(super) const FLAGS: [Flag; 2] =
    [FORMAT, Flag::switch("pretty", "Print the information in a human friendly format")];

/// Whether a thing is to be printed for people.
///
/// # Errors
/// A format is asked for too.
pub(super) fn is_pretty(typed: &Arguments) -> Result<bool, Failure> {
    if typed.is_on("pretty") && typed.has("format") {
        return Err(Failure::new("--format is incompatible with human friendly format"));
    }
    Ok(typed.is_on("pretty"))
}

/// `docker inspect`.
pub(super) const INSPECT: Command = Command {
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    about: "Return low-level information on Docker objects",
    aliases: "",
    flags: &[
        FORMAT,
        Flag::switch("size", "Display total file sizes if the type is container").short('s'),
        Flag::text("type", "Only inspect objects of the given type"),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed, cx| match typed.text("type") {
        None => begin(typed, &[Kind::Container, Kind::Image, Kind::Network, Kind::Volume], cx),
        Some("container") => begin(typed, &[Kind::Container], cx),
        Some("image") => begin(typed, &[Kind::Image], cx),
        Some("network") => begin(typed, &[Kind::Network], cx),
        Some("volume") => begin(typed, &[Kind::Volume], cx),
        Some("plugin") => begin(typed, &[Kind::Plugin], cx),
        Some("node") => begin(typed, &[Kind::Swarm("nodes")], cx),
        Some("service") => begin(typed, &[Kind::Swarm("services")], cx),
        Some("task") => begin(typed, &[Kind::Swarm("tasks")], cx),
        Some("secret") => begin(typed, &[Kind::Swarm("secrets")], cx),
        Some("config") => begin(typed, &[Kind::Swarm("configs")], cx),
        Some("") => Err(Failure::new(format!("type is empty: {TYPES}"))),
        Some(other) => Err(Failure::new(format!("unknown type: {}: {TYPES}", quoted(other)))),
    },
};

/// `docker container inspect`.
pub(super) const CONTAINER: Command = Command {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Display detailed information on one or more containers",
    flags: &[FORMAT, Flag::switch("size", "Display total file sizes").short('s')],
    run: |typed, cx| begin(typed, &[Kind::Container], cx),
    ..INSPECT
};

/// `docker image inspect`.
pub(super) const IMAGE: Command = Command {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Display detailed information on one or more images",
    flags: &[FORMAT],
    run: |typed, cx| begin(typed, &[Kind::Image], cx),
    ..INSPECT
};

/// `docker network inspect`.
pub(super) const NETWORK: Command = Command {
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    about: "Display detailed information on one or more networks",
    flags: &[FORMAT, Flag::switch("verbose", "Verbose output for diagnostics").short('v')],
    run: |typed, cx| begin(typed, &[Kind::Network], cx),
    ..INSPECT
};

/// What may be inspected.
const TYPES: &str = "must be one of \"config\", \"container\", \"image\", \"network\", \"node\", \"plugin\", \
                     \"secret\", \"service\", \"task\", \"volume\"";

/// `docker volume inspect`.
pub(super) const VOLUME: Command = Command {
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Display detailed information on one or more volumes",
    flags: &[FORMAT],
    run: |typed, cx| begin(typed, &[Kind::Volume], cx),
    ..INSPECT
};

/// `docker service inspect`, as it prints what the engine says.
pub(super) fn services(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    begin(typed, &[Kind::Service], cx)
}

/// `docker node inspect`, of nodes by their names or ids.
pub(super) fn nodes(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    begin(typed, &[Kind::Swarm("nodes")], cx)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Container,
    Image,
    Network,
    Plugin,
    Service,
    /// Something of a swarm, under this path.
    Swarm(&'static str),
    Volume,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Network => "network",
            Self::Plugin => "plugin",
            Self::Service => "service",
            Self::Swarm(path) => path,
            Self::Volume => "volume",
        }
    }

    fn path(self, name: &str, typed: &Arguments) -> String {
        let (name, yes) = (path_escaped(name), |on: bool, value: &str| on.then(|| value.to_owned()));
        match self {
            Self::Container => format!("/containers/{name}/json{}", query(&[("size", yes(typed.is_on("size"), "1"))])),
            Self::Image => format!("/images/{name}/json"),
            Self::Network => {
                format!("/networks/{name}{}", query(&[("verbose", yes(typed.is_on("verbose"), "true"))]))
            }
            Self::Plugin => format!("/plugins/{name}/json"),
            Self::Service => format!("/services/{name}{}", query(&[("insertDefaults", Some("false".to_owned()))])),
            Self::Swarm(path) => format!("/{path}/{name}"),
            Self::Volume => format!("/volumes/{name}"),
        }
    }

    /// What a template sees.
    fn fit(self, sent: &Value) -> Value {
        match self {
            Self::Container => Shape::Container.fit(sent),
            Self::Network => Shape::Network.fit(sent),
            Self::Service | Self::Swarm("services") => Shape::Service.fit(sent),
            Self::Image | Self::Plugin | Self::Swarm(_) | Self::Volume => sent.clone(),
        }
    }
}

/// What is printed of the things that were found.
#[derive(Clone)]
enum Printer {
    Indented(Vec<String>),
    Compact(Vec<String>),
    Template(Template, String),
}

impl Printer {
    fn new(format: &str) -> Result<Self, Failure> {
        match format {
            "" => Ok(Self::Indented(Vec::new())),
            "json" => Ok(Self::Compact(Vec::new())),
            text => match Template::parse(text) {
                Ok(template) => Ok(Self::Template(template, String::new())),
                Err(why) => Err(broken(&why).code(64)),
            },
        }
    }

    fn add(&mut self, kind: Kind, raw: &str) -> Result<(), Failure> {
        match self {
            Self::Indented(found) | Self::Compact(found) => found.push(raw.to_owned()),
            Self::Template(template, printed) => {
                let sent: Value = serde_json::from_str(raw).map_err(|why| Failure::new(why.to_string()))?;
                let text = template.render(&kind.fit(&sent)).or_else(|_| template.render(&sorted(&sent)));
                printed.push_str(&text.map_err(|why| broken(&why))?);
                printed.push('\n');
            }
        }
        Ok(())
    }

    fn text(&self) -> String {
        let all = |found: &[String]| format!("[{}]", found.join(","));
        match self {
            Self::Indented(found) => format!("{}\n", json::indented(&all(found))),
            Self::Compact(found) => format!("{}\n", json::compact(&all(found))),
            Self::Template(_, printed) if printed.is_empty() => "\n".to_owned(),
            Self::Template(_, printed) => printed.clone(),
        }
    }
}

fn broken(why: &TemplateError) -> Failure {
    Failure::new(format!("template parsing error: {why}"))
}

/// An inspection under way: the names that are left (the next one last) and what came of the others.
#[derive(Clone)]
struct Inspection {
    typed: Arguments,
    kinds: &'static [Kind],
    left: Vec<String>,
    printer: Printer,
    failures: Vec<String>,
}

fn begin(typed: &Arguments, kinds: &'static [Kind], cx: &mut Cx<'_>) -> Outcome {
    let printer = Printer::new(typed.text("format").unwrap_or_default())?;
    let left = typed.rest.iter().rev().cloned().collect();
    Inspection { typed: typed.clone(), kinds, left, printer, failures: Vec::new() }.next(cx)
}

impl Inspection {
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else {
            cx.print(self.printer.text());
            return finish(&self.failures);
        };
        if name.trim().is_empty() {
            self.failures.push(format!("invalid {} name or ID: value is empty", self.kinds[0].name()));
            return self.next(cx);
        }
        let kinds = self.kinds;
        self.look(name, kinds, cx)
    }

    /// Looks for `name` among `kinds`, one after the other.
    fn look(mut self, name: String, kinds: &'static [Kind], cx: &mut Cx<'_>) -> Outcome {
        let Some((kind, others)) = kinds.split_first() else {
            self.failures.push(format!("Error: No such object: {name}"));
            return self.next(cx);
        };
        let path = kind.path(&name, &self.typed);
        call(cx, request("GET", &path), move |reply, cx| {
            if reply.status == 404 && self.kinds.len() > 1 {
                return self.look(name, others, cx);
            }
            if self.typed.is_on("size") && *kind != Kind::Container && reply.status == 200 {
                cx.error_line(&format!("WARNING: --size ignored for {}", kind.name()));
            }
            if reply.status == 404 && *kind == Kind::Service {
                self.failures.push(format!("Error: no such service: {name}"));
                return self.next(cx);
            }
            if let Err(failure) = self.found(*kind, reply) {
                self.failures.push(failure.message);
            }
            self.next(cx)
        })
    }

    fn found(&mut self, kind: Kind, reply: Reply) -> Result<(), Failure> {
        let reply = reply.accepted()?;
        self.printer.add(kind, String::from_utf8_lossy(&reply.body).trim())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn the_engines_bytes_are_laid_out() {
        let mut play = Play::new("docker network inspect n1");
        assert_eq!(play.requests(), ["GET /v1.41/networks/n1"]);
        play.answer(0, 200, "{\"Name\":\"n1\",\"IPAM\":{\"Options\":{},\"Config\":[{\"Subnet\":\"10.9.0.0/24\"}]}}\n");
        let expected = r#"[
    {
        "Name": "n1",
        "IPAM": {
            "Options": {},
            "Config": [
                {
                    "Subnet": "10.9.0.0/24"
                }
            ]
        }
    }
]
"#;
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn a_name_is_looked_for_among_all_kinds() {
        let mut play = Play::new("docker inspect zz c1");
        play.answer(0, 404, no_such_container("zz"));
        play.answer(1, 404, r#"{"message":"No such image: zz:latest"}"#);
        play.answer(2, 404, r#"{"message":"network zz not found"}"#);
        play.answer(3, 404, r#"{"message":"get zz: no such volume"}"#);
        let expected = ["containers/zz/json", "images/zz/json", "networks/zz", "volumes/zz", "containers/c1/json"];
        assert_eq!(play.requests(), expected.map(|path| format!("GET /v1.41/{path}")));
        play.answer(4, 200, "{}");
        assert_eq!((play.stdout(), play.stderr()), ("[\n    {}\n]\n", "Error: No such object: zz\n"));
        assert_eq!(play.exit(), Some(1));
    }

    #[test]
    fn with_a_type_the_engines_words_are_told() {
        let mut play = Play::new("docker inspect --type network zz");
        play.answer(0, 404, r#"{"message":"network zz not found"}"#);
        assert_eq!((play.stdout(), play.stderr()), ("[]\n", "Error response from daemon: network zz not found\n"));
        let play = Play::new("docker inspect --type foo x");
        assert!(play.stderr().starts_with("unknown type: \"foo\": must be one of \"config\", \"container\","));
    }

    #[test]
    fn a_template_sees_the_clients_struct_and_then_what_was_sent() {
        let mut play = Play::new("docker inspect -f '{{.Name}} {{json .NetworkSettings.Networks}}' c1");
        play.answer(0, 200, r#"{"Name":"/c1","NetworkSettings":{"Networks":{}},"Extra":{"b":1,"a":2}}"#);
        assert_eq!(play.stdout(), "/c1 {}\n");
        let mut play = Play::new("docker inspect -f '{{json .Extra}}' c1");
        play.answer(0, 200, r#"{"Name":"/c1","Extra":{"b":1,"a":2}}"#);
        assert_eq!(play.stdout(), "{\"a\":2,\"b\":1}\n");
    }

    #[test]
    fn a_template_that_finds_nothing_fails_and_leaves_an_empty_line() {
        let mut play = Play::new("docker inspect -f {{.NetworkSettings.Nope}} c1");
        play.answer(0, 200, r#"{"NetworkSettings":{}}"#);
        let expected = "template parsing error: template: :1:18: executing \"\" at <.NetworkSettings.Nope>: map has no \
                        entry for key \"Nope\"\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("\n", expected, Some(1)));
        let play = Play::new("docker inspect -f {{.Foo c1");
        assert_eq!(play.stderr(), "template parsing error: template: :1: unclosed action\n");
        assert_eq!(play.exit(), Some(64));
    }

    #[test]
    fn json_is_all_in_one_line() {
        let mut play = Play::new("docker inspect --format json a b");
        play.answer(0, 200, r#"{"Id": "1"}"#);
        play.answer(1, 200, r#"{"Id": "2"}"#);
        assert_eq!(play.stdout(), "[{\"Id\":\"1\"},{\"Id\":\"2\"}]\n");
    }

    #[test]
    fn a_name_that_is_empty_is_not_looked_for() {
        let play = Play::new("docker network inspect ''");
        assert_eq!((play.stdout(), play.stderr()), ("[]\n", "invalid network name or ID: value is empty\n"));
    }
}
