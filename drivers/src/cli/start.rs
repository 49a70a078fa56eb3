//! `docker start`: starts containers one after the other, or one and stays with it.

use super::attach::{DETACH_KEYS, Joined, detach_keys};
use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Needs, Order};
use super::object::text;
use super::run::foreground;
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const START: Command = Command {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Start one or more stopped containers",
    aliases: "docker container start, docker start",
    flags: &[
        Flag::switch("attach", "Attach STDOUT/STDERR and forward signals").short('a'),
        Flag::text("checkpoint", "Restore from this checkpoint").needs(Needs::Experiments),
        Flag::text("checkpoint-dir", "Use a custom checkpoint storage directory").needs(Needs::Experiments),
        DETACH_KEYS,
        Flag::switch("interactive", "Attach container's STDIN").short('i'),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let stays = typed.is_on("attach") || typed.is_on("interactive");
    if !stays {
        return Starting { left: typed.rest.iter().rev().cloned().collect(), failed: Vec::new() }.next(cx);
    }
    match typed.rest.as_slice() {
        [name] => attached(name, typed, cx),
        _ => Err(Failure::new("you cannot start and attach multiple containers at once")),
    }
}

fn attached(name: &str, typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (interactive, keys) = (typed.is_on("interactive"), detach_keys(typed));
    call(cx, request("GET", &format!("/containers/{}/json", checked(name)?)), move |reply, cx| {
        let found = reply.json()?;
        let joined = Joined {
            keys,
            tty: found["Config"]["Tty"] == true,
            stdin: interactive && found["Config"]["OpenStdin"] == true,
            stdout: true,
            stderr: true,
            forwarding: true,
        };
        let removed = found["HostConfig"]["AutoRemove"] == true;
        let condition = if removed { "removed" } else { "next-exit" };
        foreground(text(&found, "Id").to_owned(), joined, condition, cx)
    })
}

/// Names that are left, the next one last, and those that could not be started.
#[derive(Clone)]
struct Starting {
    left: Vec<String>,
    failed: Vec<String>,
}

impl Starting {
    fn next(mut self, cx: &mut Cx<'_>) -> Outcome {
        let Some(name) = self.left.pop() else { return self.finish() };
        let path = match checked(&name) {
            Ok(name) => format!("/containers/{name}/start"),
            Err(failure) => {
                cx.error_line(&failure.message);
                self.failed.push(name);
                return self.next(cx);
            }
        };
        call(cx, request("POST", &path), move |reply, cx| {
            match reply.accepted() {
                Ok(_) => cx.print_line(&name),
                Err(failure) => {
                    cx.error_line(&failure.message);
                    self.failed.push(name);
                }
            }
            self.next(cx)
        })
    }

    fn finish(self) -> Outcome {
        if self.failed.is_empty() {
            return Ok(Next::Exit(0));
        }
        Err(Failure::new(format!("Error: failed to start containers: {}", self.failed.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, frame, no_such_container};

    #[test]
    fn those_that_fail_are_named_at_the_end() {
        let mut play = Play::new("docker start nosuch c1 nosuch");
        play.answer(0, 404, no_such_container("nosuch"));
        play.answer(1, 204, "");
        assert_eq!(play.requests()[1], "POST /v1.41/containers/c1/start");
        play.answer(2, 404, no_such_container("nosuch"));
        let refusal = "Error response from daemon: No such container: nosuch\n";
        let expected = format!("{refusal}{refusal}Error: failed to start containers: nosuch, nosuch\n");
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("c1\n", expected.as_str(), Some(1)));
    }

    #[test]
    fn one_that_runs_already_is_started() {
        let mut play = Play::new("docker start c1");
        play.answer(0, 304, "");
        assert_eq!((play.stdout(), play.exit()), ("c1\n", Some(0)));
    }

    #[test]
    fn attached_it_is_seen_to_its_end() {
        let mut play = Play::new("docker start -ai c1");
        play.answer(
            0,
            200,
            r#"{"Id":"6e72","Config":{"Tty":false,"OpenStdin":false},"HostConfig":{"AutoRemove":false}}"#,
        );
        play.head(1, 101);
        play.head(2, 200);
        play.answer(3, 204, "");
        let expected = ["6e72/attach?stderr=1&stdout=1&stream=1", "6e72/wait?condition=next-exit", "6e72/start"];
        assert_eq!(play.requests()[1..], expected.map(|path| format!("POST /v1.41/containers/{path}")));
        play.answer(1, 101, frame(1, "out\n"));
        play.answer(2, 200, r#"{"StatusCode":7}"#);
        assert_eq!((play.stdout(), play.exit()), ("out\n", Some(7)));
        let play = Play::new("docker start -a c1 c2");
        assert_eq!(play.stderr(), "you cannot start and attach multiple containers at once\n");
    }
}
