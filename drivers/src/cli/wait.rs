//! `docker wait`: the exit codes of containers, each awaited after the one before it.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Order};
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const WAIT: Command = Command {
    usage: "CONTAINER [CONTAINER...]",
    about: "Block until one or more containers stop, then print their exit codes",
    aliases: "docker container wait, docker wait",
    flags: &[],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed: &Arguments, cx| {
        let mut names = typed.rest.clone();
        names.reverse();
        next(names, Vec::new(), cx)
    },
};

/// Waits for the last of `left`, then for the others.
fn next(mut left: Vec<String>, mut refused: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
    let Some(name) = left.pop() else {
        let failed = !refused.is_empty();
        return if failed { Err(Failure::new(refused.join("\n"))) } else { Ok(Next::Exit(0)) };
    };
    call(cx, request("POST", &format!("/containers/{}/wait", checked(&name)?)), move |reply, cx| {
        match reply.json() {
            Ok(ended) => cx.print_line(&ended["StatusCode"].to_string()),
            Err(failure) => refused.push(failure.message),
        }
        next(left, refused, cx)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn containers_are_awaited_one_after_the_other() {
        let mut play = Play::new("docker wait c1 nosuch c2");
        assert_eq!(play.requests(), ["POST /v1.41/containers/c1/wait"]);
        play.answer(0, 200, r#"{"Error":null,"StatusCode":137}"#);
        play.answer(1, 404, no_such_container("nosuch"));
        assert_eq!(play.stdout(), "137\n");
        play.answer(2, 200, r#"{"Error":null,"StatusCode":0}"#);
        assert_eq!(play.stdout(), "137\n0\n");
        assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
        assert_eq!(play.exit(), Some(1));
    }
}
