//! `docker attach`: joins the streams of a running container.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Order};
use super::query::{one, query};
use super::script::{
    Cx, End, Failure, Framing, Input, Next, OnSignal, Outcome, Reply, Session, Ticket, call, request, upgrading,
};

/// The flag `--detach-keys` of every command that stays with a process.
pub(super) const DETACH_KEYS: Flag = Flag::text("detach-keys", "Override the key sequence for detaching a container");

/// The keys that were chosen.
pub(super) fn detach_keys(typed: &Arguments) -> Option<String> {
    typed.text("detach-keys").filter(|keys| !keys.is_empty()).map(str::to_owned)
}

/// The command.
pub(super) const ATTACH: Command = Command {
    usage: "[OPTIONS] CONTAINER",
    about: "Attach local standard input, output, and error streams to a running container",
    aliases: "docker container attach, docker attach",
    flags: &[
        DETACH_KEYS,
        Flag::switch("no-stdin", "Do not attach STDIN"),
        Flag::switch("sig-proxy", "Proxy all received signals to the process").default("true"),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

/// The end of the container is awaited before anything else, so that no end is missed.
fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let container = checked(&typed.rest[0])?;
    let wait = cx.open(request("POST", &format!("/containers/{container}/wait")));
    let reading = !typed.is_on("no-stdin");
    let forwarding = !typed.is_off("sig-proxy");
    let keys = detach_keys(typed);
    call(cx, request("GET", &format!("/containers/{container}/json")), move |reply, cx| {
        let found = reply.json()?;
        let is = |name: &str| found["State"][name] == true;
        let objection = match () {
            () if !is("Running") => Some("You cannot attach to a stopped container, start it first"),
            () if is("Paused") => Some("You cannot attach to a paused container, unpause it first"),
            () if is("Restarting") => Some("You cannot attach to a restarting container, wait until it is running"),
            () => None,
        };
        if let Some(objection) = objection {
            return Err(Failure::new(objection));
        }
        cx.place.check_terminal(reading, found["Config"]["Tty"] == true)?;
        let joined = Joined {
            keys,
            tty: found["Config"]["Tty"] == true,
            stdin: reading && found["Config"]["OpenStdin"] == true,
            stdout: true,
            stderr: true,
            forwarding,
        };
        let join = move |end, cx: &mut Cx<'_>| finish(wait, end, cx);
        joined.open(&container, cx, move |session, _| Ok(Next::Session(session, Box::new(join))))
    })
}

fn finish(wait: Ticket, end: End, _: &mut Cx<'_>) -> Outcome {
    match end {
        End::Detached => Err(Failure::new("read escape sequence")),
        End::Closed | End::Left => Ok(Next::reply(wait, |reply, _| exit_code(reply.json()?["StatusCode"].as_i64()))),
    }
}

/// The end of a command that shows a container's exit code as its own.
pub(super) fn exit_code(code: Option<i64>) -> Outcome {
    let code = code.unwrap_or_default();
    Ok(Next::Exit(i32::try_from(code).unwrap_or(1)))
}

/// How the streams of a container are joined.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    /// The keys that leave it, when others were chosen.
    pub(super) keys: Option<String>,
    /// Whether the container has a terminal.
    pub(super) tty: bool,
    /// Whether it gets our input.
    pub(super) stdin: bool,
    /// Whether we get its output.
    pub(super) stdout: bool,
    /// Whether we get what it says about errors.
    pub(super) stderr: bool,
    /// Whether it gets our signals; those of a terminal come as keys.
    pub(super) forwarding: bool,
}

impl Joined {
    /// Joins `container`; `then` gets the session as soon as the engine has agreed.
    pub(super) fn open(
        self,
        container: &str,
        cx: &mut Cx<'_>,
        then: impl FnOnce(Session, &mut Cx<'_>) -> Outcome + Clone + 'static,
    ) -> Outcome {
        let streams = query(&[
            ("detachKeys", self.keys.clone()),
            ("stderr", one(self.stderr)),
            ("stdin", one(self.stdin)),
            ("stdout", one(self.stdout)),
            ("stream", one(true)),
        ]);
        let ticket = cx.open(upgrading(request("POST", &format!("/containers/{container}/attach{streams}"))));
        let framing = if self.tty { Framing::Terminal } else { Framing::Frames };
        let input = if self.stdin { Input::Open } else { Input::Closed };
        let on_signal =
            if self.forwarding && !self.tty { OnSignal::Forward(container.to_owned()) } else { OnSignal::End };
        let agreed = move |reply: Reply, cx: &mut Cx<'_>| {
            // Whoever asks for a stream does not read why there is none.
            if reply.status >= 400 {
                cx.error_line(&format!("unable to upgrade to tcp, received {}", reply.status));
                return Ok(Next::Exit(1));
            }
            let session = Session::new(ticket, framing, input, on_signal);
            then(self.keys.iter().fold(session, |session, keys| session.detached_by(keys)), cx)
        };
        Ok(Next::Head(ticket, Box::new(agreed)))
    }
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::Signal;

    use crate::cli::play::{Play, frame, no_such_container};

    const RUNNING: &str = r#"{"State":{"Running":true},"Config":{"Tty":false,"OpenStdin":true}}"#;
    const TERMINAL: &str = r#"{"State":{"Running":true},"Config":{"Tty":true,"OpenStdin":true}}"#;

    #[test]
    fn streams_are_joined_until_the_container_ends() {
        let mut play = Play::new("docker attach c1");
        assert_eq!(play.requests(), ["POST /v1.41/containers/c1/wait", "GET /v1.41/containers/c1/json"]);
        play.head(0, 200);
        play.answer(1, 200, RUNNING);
        assert_eq!(play.requests()[2], "POST /v1.41/containers/c1/attach?stderr=1&stdin=1&stdout=1&stream=1");
        play.head(2, 101);
        play.enter("exit 3\n");
        play.more(2, [frame(1, "out\n"), frame(2, "err\n")].concat());
        play.end(2);
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("out\n", "err\n", None));
        play.answer(0, 200, r#"{"Error":null,"StatusCode":3}"#);
        assert_eq!(play.exit(), Some(3));
    }

    #[test]
    fn signals_are_forwarded_unless_there_is_a_terminal() {
        for (line, body, forwarded) in [
            ("docker attach c1", RUNNING, true),
            ("docker attach --sig-proxy=false c1", RUNNING, false),
            ("docker attach c1", TERMINAL, false),
        ] {
            let mut play = Play::new(line);
            play.answer(1, 200, body);
            play.head(2, 101);
            assert_eq!(play.signal(Signal::Interrupt), forwarded, "{line}");
            assert_eq!(play.requests().last().is_some_and(|r| r.ends_with("/kill?signal=INT")), forwarded);
        }
    }

    #[test]
    fn the_detach_keys_leave_the_container_running() {
        let mut play = Play::new("docker attach c1");
        play.answer(1, 200, TERMINAL);
        play.head(2, 101);
        play.enter("\u{10}\u{11}");
        assert_eq!((play.stderr(), play.exit()), ("read escape sequence\n", Some(1)));
    }

    #[test]
    fn only_a_running_container_can_be_joined() {
        let mut play = Play::new("docker attach nosuch");
        play.answer(1, 404, no_such_container("nosuch"));
        assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
        let mut play = Play::new("docker attach c1");
        play.answer(1, 200, r#"{"State":{"Running":false},"Config":{}}"#);
        assert_eq!(play.stderr(), "You cannot attach to a stopped container, start it first\n");
        assert_eq!(play.exit(), Some(1));
    }
}
