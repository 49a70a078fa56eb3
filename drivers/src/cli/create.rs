//! `docker create`, and the making of a container that `docker run` begins with.

mod address;
pub(super) mod body;
mod device;
pub(in crate::cli) mod health;
pub(super) mod mount;
pub(super) mod networks;
pub(super) mod options;
mod publish;
pub(super) mod quantity;

use netyard_sim::userland::files::normalise;
use serde_json::Value;

use super::command::{Arity, Command, plain, with_help};
use super::flags::{Arguments, Order};
use super::object::{items, text};
use super::pull::{Progress, pull};
use super::query::query;
use super::script::{Cx, Failure, Next, Outcome, Reply, Then, call, request_with};

use crate::image::Reference;

pub(super) use body::Attached;

/// The command.
pub(super) const CREATE: Command = Command {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new container",
    aliases: "docker container create, docker create",
    flags: &options::CREATE_FLAGS,
    order: Order::FlagsFirst,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed, cx| {
        let plan = Plan::new(typed, Attached::new(typed, false), "docker create", cx)?;
        plan.begin(cx, |id, cx| {
            cx.print_line(&id);
            Ok(Next::Exit(0))
        })
    },
};

/// The exposed ports and the bindings that `--publish` asks for.
pub(super) fn published(ports: &[String]) -> Result<(Value, Value), Failure> {
    let ports = publish::Ports::parse(ports, &[])?;
    Ok((ports.exposed().unwrap_or_default(), ports.bindings()))
}

/// A container to be made: all that could be checked without the engine.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    target: String,
    body: Value,
    image: Reference,
    pull: Pull,
    platform: Option<String>,
    quiet: bool,
    id_file: Option<String>,
    /// The first of `--dns` that means the container itself.
    localhost_server: Option<String>,
}

/// When the image is pulled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pull {
    Always,
    Missing,
    Never,
}

impl Plan {
    /// Reads what was typed. `path` is the command that help is offered for.
    pub(super) fn new(typed: &Arguments, attached: Attached, path: &str, cx: &Cx<'_>) -> Result<Self, Failure> {
        let checked = || {
            body::check_pull(typed)?;
            body::check_platform(typed)?;
            body::check_mac(typed)?;
            body::body(typed, attached, cx)
        };
        let body = checked().map_err(|failure| with_help(path, &failure))?;
        if networks::asks_for_mac(typed) {
            let text = "\"specify mac-address per network\" requires API version 1.44, but the Docker daemon API version \
                        is 1.41";
            return Err(Failure::new(text));
        }
        let name = typed.text("name").filter(|name| !name.is_empty()).map(str::to_owned);
        let platform = typed.text("platform").filter(|platform| !platform.is_empty()).map(str::to_owned);
        Ok(Self {
            target: format!("/containers/create{}", query(&[("name", name), ("platform", platform.clone())])),
            body,
            image: Reference::parse(&typed.rest[0])?,
            pull: match typed.text("pull") {
                Some("always") => Pull::Always,
                Some("never") => Pull::Never,
                _ => Pull::Missing,
            },
            platform,
            quiet: typed.is_on("quiet"),
            id_file: id_file(typed, cx)?,
            localhost_server: typed.list("dns").iter().find(|text| is_localhost(text)).cloned(),
        })
    }

    /// Has the engine make it, pulling the image first when that is wanted.
    pub(super) fn begin(
        self,
        cx: &mut Cx<'_>,
        then: impl FnOnce(String, &mut Cx<'_>) -> Outcome + Clone + 'static,
    ) -> Outcome {
        let then: Then<String> = Box::new(then);
        if let Some(server) = &self.localhost_server {
            cx.error_line(&format!("WARNING: Localhost DNS ({server}) may fail in containers."));
        }
        match self.pull {
            Pull::Always => self.pull(cx, then),
            Pull::Missing | Pull::Never => self.make(cx, then),
        }
    }

    fn make(self, cx: &mut Cx<'_>, then: Then<String>) -> Outcome {
        call(cx, request_with("POST", &self.target, &self.body), move |reply, cx| {
            let missing = reply.status == 404;
            if missing && self.pull == Pull::Missing {
                if !self.quiet {
                    cx.error_line(&format!("Unable to find image '{}' locally", self.image.familiar()));
                }
                return self.pull(cx, then);
            }
            self.made(reply, cx, then)
        })
    }

    /// Pulls the image, then tries (again).
    fn pull(mut self, cx: &mut Cx<'_>, then: Then<String>) -> Outcome {
        let progress = if self.quiet { Progress::Silent } else { Progress::Error };
        self.pull = Pull::Never;
        pull(&self.image.clone(), self.platform.clone().as_deref(), progress, cx, move |cx| self.make(cx, then))
    }

    fn made(self, reply: Reply, cx: &mut Cx<'_>, then: Then<String>) -> Outcome {
        let made = reply.json()?;
        let id = text(&made, "Id").to_owned();
        for warning in items(&made["Warnings"]).iter().filter_map(Value::as_str) {
            cx.error_line(&format!("WARNING: {warning}"));
        }
        if let Some(path) = self.id_file {
            cx.output.files.push((path, id.clone().into_bytes()));
        }
        then(id, cx)
    }
}

/// Whether a server's address is one of the container's own.
fn is_localhost(text: &str) -> bool {
    text.trim().parse::<core::net::IpAddr>().is_ok_and(|addr| addr.is_loopback())
}

/// The absolute path of `--cidfile`, which must not be there yet.
fn id_file(typed: &Arguments, cx: &Cx<'_>) -> Result<Option<String>, Failure> {
    let Some(path) = typed.text("cidfile").filter(|path| !path.is_empty()) else { return Ok(None) };
    if cx.place.read(path).is_ok() {
        let text = "container ID file found, make sure the other container isn't running or delete";
        return Err(Failure::new(format!("{text} {path}")));
    }
    let absolute = normalise(cx.place.cwd, path);
    let parent = absolute.rsplit_once('/').map_or("/", |(parent, _)| parent);
    if !parent.is_empty() && !cx.place.files.is_directory(parent) {
        let text = "failed to create the container ID file: open";
        return Err(Failure::new(format!("{text} {path}: no such file or directory")));
    }
    Ok(Some(absolute))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const MADE: &str = r#"{"Id":"6e729bc15b17","Warnings":[]}"#;

    #[test]
    fn the_id_is_told() {
        let mut play = Play::new("docker create --name c2 busybox sh");
        assert_eq!(play.requests(), ["POST /v1.41/containers/create?name=c2"]);
        play.answer(0, 201, MADE);
        assert_eq!((play.stdout(), play.exit()), ("6e729bc15b17\n", Some(0)));
    }

    #[test]
    fn an_image_that_is_not_there_is_pulled_and_the_container_made_after_all() {
        let mut play = Play::new("docker create web:2");
        play.answer(0, 404, r#"{"message":"No such image: web:2"}"#);
        assert_eq!(play.requests()[1], "POST /v1.41/images/create?fromImage=docker.io%2Flibrary%2Fweb&tag=2");
        play.answer(1, 200, "{\"status\":\"Status: Downloaded newer image for web:2\"}\n");
        play.answer(2, 201, MADE);
        let told = "Unable to find image 'web:2' locally\nStatus: Downloaded newer image for web:2\n";
        assert_eq!((play.stdout(), play.stderr()), ("6e729bc15b17\n", told));
        assert_eq!(play.body(0), play.body(2));
    }

    #[test]
    fn pulling_may_be_wanted_always_or_never() {
        assert!(Play::new("docker create --pull always web").requests()[0].starts_with("POST /v1.41/images/create?"));
        let mut play = Play::new("docker create --pull never web");
        play.answer(0, 404, r#"{"message":"No such image: web:latest"}"#);
        assert_eq!(play.stderr(), "Error response from daemon: No such image: web:latest\n");
        let play = Play::new("docker create --pull foo web");
        let expected = "docker: invalid pull option: 'foo': must be one of \"always\", \"missing\" or \"never\"\n";
        assert!(play.stderr().starts_with(expected));
    }

    #[test]
    fn what_was_typed_wrong_offers_help_and_what_the_engine_refuses_does_not() {
        let play = Play::new("docker create --net n1 --net n1 busybox");
        let expected =
            "docker: network \"n1\" is specified multiple times\n\nRun 'docker create --help' for more information\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(125)));
        let mut play = Play::new("docker create --name cc busybox");
        play.answer(0, 409, r#"{"message":"Conflict."}"#);
        assert_eq!((play.stderr(), play.exit()), ("Error response from daemon: Conflict.\n", Some(1)));
        let play = Play::new("docker create UPPER");
        let expected = "invalid reference format: repository name (library/UPPER) must be lowercase\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }

    #[test]
    fn warnings_are_told() {
        let mut play = Play::new("docker create --net host -p 80 web");
        play.answer(0, 201, r#"{"Id":"1","Warnings":["Published ports are discarded when using host network mode"]}"#);
        assert_eq!(play.stderr(), "WARNING: Published ports are discarded when using host network mode\n");
    }

    #[test]
    fn the_id_may_be_written_to_a_new_file() {
        let mut play = Play::new("docker create --cidfile cid busybox");
        play.answer(0, 201, MADE);
        assert_eq!(play.written(), [("/root/cid".to_owned(), b"6e729bc15b17".to_vec())]);
        let play = Play::with_files("docker create --cidfile cid busybox", &[("/root/cid", "x")]);
        let expected = "container ID file found, make sure the other container isn't running or delete cid\n";
        assert_eq!(play.stderr(), expected);
    }
}
