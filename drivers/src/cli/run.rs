//! `docker run`: makes a container, starts it and, unless it shall run in the background, stays with it to its end.

use super::attach::{Joined, detach_keys, exit_code};
use super::command::{Arity, Command, with_help};
use super::create::options::RUN_FLAGS;
use super::create::{Attached, Plan};
use super::flags::{Arguments, Order};
use super::script::{Cx, End, Failure, Next, Outcome, Session, Ticket, call, request};

const PATH: &str = "docker run";

/// The command.
pub(super) const RUN: Command = Command {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create and run a new container from an image",
    aliases: "docker container run, docker run",
    flags: &RUN_FLAGS,
    order: Order::FlagsFirst,
    arity: Arity::AtLeast(1),
    decorate,
    run,
};

/// A failure of the command itself is 125, of the container's command 126 or 127.
fn decorate(failure: Failure) -> Failure {
    if failure.code != 1 {
        return failure;
    }
    let says = |words: &[&str]| words.iter().any(|word| failure.message.contains(word));
    let code = if says(&["executable file not found", "no such file or directory"]) {
        127
    } else if says(&["permission denied", "is a directory"]) {
        126
    } else {
        125
    };
    with_help(PATH, &failure).code(code)
}

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let background = typed.is_on("detach");
    let attached = Attached::new(typed, background);
    let plan = Plan::new(typed, attached, PATH, cx)?;
    let objection = if background {
        let conflict = "conflicting options: cannot specify both --attach and --detach".to_owned();
        (!typed.list("attach").is_empty()).then_some(conflict)
    } else {
        cx.place.check_terminal(attached.stdin, typed.is_on("tty")).err().map(|failure| failure.message)
    };
    if let Some(objection) = objection {
        cx.error_line(&objection);
        return Ok(Next::Exit(1));
    }
    let condition = if typed.is_on("rm") { "removed" } else { "next-exit" };
    if !attached.stdin && !attached.stdout && !attached.stderr {
        return plan.begin(cx, move |id, cx| {
            cx.print_line(&id);
            wait(&id, condition, cx);
            start(&id, cx, |_| Ok(Next::Exit(0)))
        });
    }
    let joined = Joined {
        keys: detach_keys(typed),
        tty: typed.is_on("tty"),
        stdin: attached.stdin,
        stdout: attached.stdout,
        stderr: attached.stderr,
        forwarding: !typed.is_off("sig-proxy"),
    };
    plan.begin(cx, move |id, cx| foreground(id, joined, condition, cx))
}

/// Joined and awaited before it is started, so that nothing of it is missed. `docker start --attach` does the same.
pub(super) fn foreground(id: String, joined: Joined, condition: &'static str, cx: &mut Cx<'_>) -> Outcome {
    joined.open(&id.clone(), cx, move |session, cx| {
        let ended = wait(&id, condition, cx);
        let awaited = move |_, cx: &mut Cx<'_>| start(&id, cx, move |_| Ok(stay(session, ended)));
        Ok(Next::Head(ended, Box::new(awaited)))
    })
}

fn wait(id: &str, condition: &str, cx: &mut Cx<'_>) -> Ticket {
    cx.open(request("POST", &format!("/containers/{id}/wait?condition={condition}")))
}

fn start(id: &str, cx: &mut Cx<'_>, then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static) -> Outcome {
    call(cx, request("POST", &format!("/containers/{id}/start")), move |reply, cx| {
        reply.accepted()?;
        then(cx)
    })
}

/// To the end of its output, then its exit code; the detach keys leave it running.
fn stay(session: Session, ended: Ticket) -> Next {
    let then = move |end, _: &mut Cx<'_>| match end {
        End::Detached => Ok(Next::Exit(0)),
        End::Closed | End::Left => Ok(Next::reply(ended, |reply, _| exit_code(reply.json()?["StatusCode"].as_i64()))),
    };
    Next::Session(session, Box::new(then))
}

#[cfg(test)]
mod tests {
    use netyard_sim::userland::Signal;

    use crate::cli::play::{Play, frame};

    const MADE: &str = r#"{"Id":"6e72","Warnings":[]}"#;

    /// A container in the foreground that has been started.
    fn started(line: &str) -> Play {
        let mut play = Play::new(line);
        play.answer(0, 201, MADE);
        play.head(1, 101);
        play.head(2, 200);
        play.answer(3, 204, "");
        play
    }

    #[test]
    fn in_the_background_the_id_is_told_at_once() {
        let mut play = Play::new("docker run -itd --name c1 busybox");
        play.answer(0, 201, MADE);
        assert_eq!((play.stdout(), play.exit()), ("6e72\n", None));
        let expected = ["create?name=c1", "6e72/wait?condition=next-exit", "6e72/start"];
        assert_eq!(play.requests(), expected.map(|path| format!("POST /v1.41/containers/{path}")));
        play.answer(2, 204, "");
        assert_eq!(play.exit(), Some(0));
    }

    #[test]
    fn a_start_that_is_refused_leaves_the_id_behind() {
        let mut play = Play::new("docker run -d --net nosuch busybox true");
        play.answer(0, 201, MADE);
        play.answer(2, 404, r#"{"message":"network nosuch not found"}"#);
        let expected = "docker: Error response from daemon: network nosuch not found\n\n\
                        Run 'docker run --help' for more information\n";
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("6e72\n", expected, Some(125)));
    }

    #[test]
    fn in_the_foreground_output_and_exit_code_are_its_own() {
        let mut play = started("docker run --rm busybox sh -c 'exit 7'");
        let expected =
            ["create", "6e72/attach?stderr=1&stdout=1&stream=1", "6e72/wait?condition=removed", "6e72/start"];
        assert_eq!(play.requests(), expected.map(|path| format!("POST /v1.41/containers/{path}")));
        play.more(1, [frame(1, "out\n"), frame(2, "err\n")].concat());
        play.end(1);
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("out\n", "err\n", None));
        play.answer(2, 200, r#"{"Error":null,"StatusCode":7}"#);
        assert_eq!(play.exit(), Some(7));
    }

    #[test]
    fn a_command_that_cannot_be_found_is_127() {
        let mut play = Play::new("docker run --rm busybox nosuchcmd");
        play.answer(0, 201, MADE);
        play.head(1, 101);
        play.head(2, 200);
        play.answer(3, 400, r#"{"message":"exec: \"nosuchcmd\": executable file not found in $PATH: unknown"}"#);
        assert_eq!(play.exit(), Some(127));
    }

    #[test]
    fn signals_and_input_go_to_the_container() {
        let mut play = started("docker run -i busybox cat");
        assert!(play.requests()[1].ends_with("/attach?stderr=1&stdin=1&stdout=1&stream=1"));
        play.enter("hello\n");
        assert!(play.signal(Signal::Interrupt));
        assert_eq!(play.inputs(), [(1, "hello\n".to_owned())]);
        assert_eq!(play.requests()[4], "POST /v1.41/containers/6e72/kill?signal=INT");
        assert!(!started("docker run --sig-proxy=false busybox sleep 9").signal(Signal::Interrupt));
    }

    #[test]
    fn the_detach_keys_leave_it_running() {
        let mut play = started("docker run -it busybox");
        play.enter("\u{10}\u{11}");
        assert_eq!((play.stderr(), play.exit()), ("", Some(0)));
    }

    #[test]
    fn what_was_typed_wrong_never_reaches_the_engine() {
        let play = Play::new("docker run -d --name probe -p foo:80 web");
        let expected = "docker: invalid hostPort: foo\n\nRun 'docker run --help' for more information\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(125)));
        let play = Play::new("docker run -d -a stdin busybox");
        let expected = "conflicting options: cannot specify both --attach and --detach\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
        let play = Play::new("docker run --mac-address 02:42:aa:bb:cc:dd busybox");
        let expected = "docker: \"specify mac-address per network\" requires API version 1.44, but the Docker daemon API \
                        version is 1.41\n";
        assert!(play.stderr().starts_with(expected));
        let play = Play::new("docker run");
        let expected = "docker: 'docker run' requires at least 1 argument\n\n\
                        Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n\
                        See 'docker run --help' for more information\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }
}
