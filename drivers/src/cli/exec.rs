//! `docker exec`: another process in a running container.

use serde_json::{Value, json};

use super::attach::{DETACH_KEYS, detach_keys};
use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::environment;
use super::flags::{Arguments, Flag, Order};
use super::object::text;
use super::script::{
    Cx, End, Failure, Framing, Input, Next, OnSignal, Outcome, Reply, Session, call, request, request_with, upgrading,
};

/// The command.
pub(super) const EXEC: Command = Command {
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    about: "Execute a command in a running container",
    aliases: "docker container exec, docker exec",
    flags: &[
        Flag::switch("detach", "Detached mode: run command in the background").short('d'),
        DETACH_KEYS,
        Flag::list("env", "Set environment variables").short('e').checked(environment::check),
        Flag::list("env-file", "Read in a file of environment variables"),
        Flag::switch("interactive", "Keep STDIN open even if not attached").short('i'),
        Flag::switch("privileged", "Give extended privileges to the command"),
        Flag::switch("tty", "Allocate a pseudo-TTY").short('t'),
        Flag::text("user", "Username or UID (format: \"<name|uid>[:<group|gid>]\")").short('u'),
        Flag::text("workdir", "Working directory inside the container").short('w'),
    ],
    order: Order::FlagsFirst,
    arity: Arity::AtLeast(2),
    decorate: plain,
    run,
};

/// What a process gets: its input, a terminal, or nothing at all.
#[derive(Clone)]
struct Attached {
    keys: Option<String>,
    detached: bool,
    interactive: bool,
    tty: bool,
}

/// The container is looked at first, so that its own refusal is told before anything is made.
fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let container = checked(&typed.rest[0])?;
    let attached = Attached {
        keys: detach_keys(typed),
        detached: typed.is_on("detach"),
        interactive: typed.is_on("interactive") && !typed.is_on("detach"),
        tty: typed.is_on("tty"),
    };
    let body = body(typed, &attached, cx)?;
    call(cx, request("GET", &format!("/containers/{container}/json")), move |reply, cx| {
        reply.accepted()?;
        if !attached.detached {
            cx.place.check_terminal(attached.interactive, attached.tty)?;
        }
        call(cx, request_with("POST", &format!("/containers/{container}/exec"), &body), move |reply, cx| {
            let made = reply.json()?;
            match text(&made, "Id") {
                "" => Err(Failure::new("exec ID empty")),
                id => start(id.to_owned(), attached, cx),
            }
        })
    })
}

fn body(typed: &Arguments, attached: &Attached, cx: &Cx<'_>) -> Result<Value, Failure> {
    let env = environment::read(typed, typed.list("env"), cx)?;
    Ok(json!({
        "User": typed.text("user").unwrap_or_default(),
        "Privileged": typed.is_on("privileged"),
        "Tty": attached.tty,
        "AttachStdin": attached.interactive,
        "AttachStderr": !attached.detached,
        "AttachStdout": !attached.detached,
        "Detach": attached.detached,
        "DetachKeys": attached.keys.as_deref().unwrap_or_default(),
        "Env": if env.is_empty() { Value::Null } else { env.into() },
        "WorkingDir": typed.text("workdir").unwrap_or_default(),
        "Cmd": typed.rest[1..],
    }))
}

fn start(id: String, attached: Attached, cx: &mut Cx<'_>) -> Outcome {
    let body = json!({"Detach": attached.detached, "Tty": attached.tty});
    let start = request_with("POST", &format!("/exec/{id}/start"), &body);
    if attached.detached {
        return call(cx, start, |reply, _| reply.accepted().map(|_| Next::Exit(0)));
    }
    let ticket = cx.open(upgrading(start));
    let attach = move |reply: Reply, _: &mut Cx<'_>| {
        reply.accepted()?;
        let framing = if attached.tty { Framing::Terminal } else { Framing::Frames };
        let input = if attached.interactive { Input::Open } else { Input::Closed };
        let session = Session::new(ticket, framing, input, OnSignal::Leave);
        let session = attached.keys.iter().fold(session, |session, keys| session.detached_by(keys));
        Ok(Next::Session(session, Box::new(move |end, cx| finish(&id, end, cx))))
    };
    Ok(Next::Head(ticket, Box::new(attach)))
}

/// The process's exit code is the command's. A signal ends the command well, as client 28.2.2 was seen to do.
fn finish(id: &str, end: End, cx: &mut Cx<'_>) -> Outcome {
    match end {
        End::Closed => {}
        End::Detached => return Err(Failure::new("read escape sequence")),
        End::Left => return Ok(Next::Exit(0)),
    }
    call(cx, request("GET", &format!("/exec/{id}/json")), |reply, _| {
        let code = reply.json()?["ExitCode"].as_i64().unwrap_or_default();
        Ok(Next::Exit(i32::try_from(code).unwrap_or(1)))
    })
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::Signal;

    use crate::cli::play::{Play, frame};

    fn started(line: &str) -> Play {
        let mut play = Play::new(line);
        play.answer(0, 200, "{}");
        play.answer(1, 201, r#"{"Id":"5ebb"}"#);
        play
    }

    #[test]
    fn a_process_runs_to_its_end() {
        let mut play = started("docker exec c1 sh -c 'echo o; exit 7'");
        let expected =
            ["GET /v1.41/containers/c1/json", "POST /v1.41/containers/c1/exec", "POST /v1.41/exec/5ebb/start"];
        assert_eq!(play.requests(), expected);
        let body = concat!(
            r#"{"User":"","Privileged":false,"Tty":false,"AttachStdin":false,"AttachStderr":true,"AttachStdout":true,"#,
            r#""Detach":false,"DetachKeys":"","Env":null,"WorkingDir":"","Cmd":["sh","-c","echo o; exit 7"]}"#,
        );
        assert_eq!((play.body(1), play.body(2)), (body, r#"{"Detach":false,"Tty":false}"#));
        play.head(2, 101);
        assert_eq!((play.inputs(), play.reads()), (vec![(2, String::new())], false));
        play.more(2, frame(1, "o\n"));
        assert_eq!(play.stdout(), "o\n");
        play.end(2);
        play.answer(3, 200, r#"{"Running":false,"ExitCode":7}"#);
        assert_eq!((play.requests()[3].as_str(), play.exit()), ("GET /v1.41/exec/5ebb/json", Some(7)));
    }

    #[test]
    fn input_is_passed_on_to_its_end() {
        let mut play = started("docker exec -i c1 cat");
        play.head(2, 101);
        play.enter("hi\n");
        play.enter("");
        assert_eq!(play.inputs(), [(2, "hi\n".to_owned()), (2, String::new())]);
    }

    #[test]
    fn a_signal_ends_the_client_well_and_leaves_the_process() {
        let mut play = started("docker exec c1 sleep 100");
        play.head(2, 101);
        assert!(play.signal(Signal::Interrupt));
        assert_eq!((play.requests().len(), play.exit()), (3, Some(0)));
    }

    #[test]
    fn flags_become_the_body() {
        let play = started("docker exec -d -e A=b -w /tmp -u root --privileged c1 sleep 4");
        let body = concat!(
            r#"{"User":"root","Privileged":true,"Tty":false,"AttachStdin":false,"AttachStderr":false,"#,
            r#""AttachStdout":false,"Detach":true,"DetachKeys":"","Env":["A=b"],"WorkingDir":"/tmp","Cmd":["sleep","4"]}"#,
        );
        assert_eq!((play.body(1), play.body(2)), (body, r#"{"Detach":true,"Tty":false}"#));
    }

    #[test]
    fn a_container_that_does_not_run_is_told() {
        let mut play = Play::new("docker exec stopped true");
        play.answer(0, 200, "{}");
        play.answer(1, 409, r#"{"message":"Container 6e72 is not running"}"#);
        let expected = "Error response from daemon: Container 6e72 is not running\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }

    #[test]
    fn the_detach_keys_leave_the_process_running() {
        let mut play = started("docker exec -it c1 sh");
        play.head(2, 101);
        play.enter("\u{10}\u{11}");
        assert_eq!((play.stderr(), play.exit()), ("read escape sequence\n", Some(1)));
    }
}
