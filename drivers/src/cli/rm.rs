//! `docker rm`.

use super::command::{Arity, Command, plain};
use super::containers::{checked, each};
use super::flags::{Arguments, Flag, Order};
use super::query::{one, query};
use super::script::{Cx, Failure, Outcome, request};

/// The command.
pub(super) const RM: Command = Command {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Remove one or more containers",
    aliases: "docker container rm, docker container remove, docker rm",
    flags: &[
        Flag::switch("force", "Force the removal of a running container (uses SIGKILL)").short('f'),
        Flag::switch("link", "Remove the specified link").short('l'),
        Flag::switch("volumes", "Remove anonymous volumes associated with the container").short('v'),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run,
};

/// With `--force` a container that is not there is no failure.
fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let force = typed.is_on("force");
    let query = query(&[("force", one(force)), ("link", one(typed.is_on("link"))), ("v", one(typed.is_on("volumes")))]);
    let remove = |name: &str| match name.trim_matches('/') {
        "" => Err(Failure::new("container name cannot be empty")),
        name => Ok(request("DELETE", &format!("/containers/{}{query}", checked(name)?))),
    };
    each(&typed.rest, cx, remove, i32::from(!force))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn flags_become_the_query_and_links_keep_their_slash() {
        assert_eq!(Play::new("docker rm -fv c1").requests(), ["DELETE /v1.41/containers/c1?force=1&v=1"]);
        assert_eq!(Play::new("docker rm --link c2/c1").requests(), ["DELETE /v1.41/containers/c2/c1?link=1"]);
    }

    #[test]
    fn forced_a_missing_container_is_told_but_is_no_failure() {
        for (line, code) in [("docker rm nosuch", 1), ("docker rm -f nosuch", 0)] {
            let mut play = Play::new(line);
            play.answer(0, 404, no_such_container("nosuch"));
            assert_eq!(play.stderr(), "Error response from daemon: No such container: nosuch\n");
            assert_eq!(play.exit(), Some(code), "{line}");
        }
    }
}
