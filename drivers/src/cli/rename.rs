//! `docker rename`.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Order};
use super::query::query;
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const RENAME: Command = Command {
    usage: "CONTAINER NEW_NAME",
    about: "Rename a container",
    aliases: "docker container rename, docker rename",
    flags: &[],
    order: Order::Mixed,
    arity: Arity::Exactly(2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (old, new) = (typed.rest[0].trim(), typed.rest[1].trim());
    if old.is_empty() || new.is_empty() {
        return Err(Failure::new("Error: Neither old nor new names may be empty"));
    }
    let query = query(&[("name", Some(new.to_owned()))]);
    let old = old.to_owned();
    call(cx, request("POST", &format!("/containers/{}/rename{query}", checked(&old)?)), move |reply, _| {
        match reply.accepted() {
            Ok(_) => Ok(Next::Exit(0)),
            Err(why) => Err(Failure::new(format!("{}\nError: failed to rename container named {old}", why.message))),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, no_such_container};

    #[test]
    fn renames_in_silence() {
        let mut play = Play::new("docker rename uno due");
        assert_eq!(play.requests(), ["POST /v1.41/containers/uno/rename?name=due"]);
        play.answer(0, 204, "");
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("", "", Some(0)));
    }

    #[test]
    fn says_which_name_it_could_not_change() {
        let mut play = Play::new("docker rename nosuch foo1");
        play.answer(0, 404, no_such_container("nosuch"));
        let expected =
            "Error response from daemon: No such container: nosuch\nError: failed to rename container named nosuch\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }
}
