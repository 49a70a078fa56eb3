//! `docker rmi`: removes images.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::object::items;
use super::query::{one, path_escaped, query};
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const RM: Command = Command {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Remove one or more images",
    aliases: "docker image rm, docker image remove, docker rmi",
    flags: &[
        Flag::switch("force", "Force removal of the image").short('f'),
        Flag::switch("no-prune", "Do not delete untagged parents"),
    ],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed: &Arguments, cx| {
        let query = query(&[("force", one(typed.is_on("force"))), ("noprune", one(typed.is_on("no-prune")))]);
        let mut names = typed.rest.clone();
        names.reverse();
        next(names, query, Vec::new(), cx)
    },
};

/// Removes the last of `left`, then the others.
fn next(mut left: Vec<String>, query: String, mut refused: Vec<String>, cx: &mut Cx<'_>) -> Outcome {
    let Some(name) = left.pop() else {
        let failed = !refused.is_empty();
        return if failed { Err(Failure::new(refused.join("\n"))) } else { Ok(Next::Exit(0)) };
    };
    call(cx, request("DELETE", &format!("/images/{}{query}", path_escaped(&name))), move |reply, cx| {
        match reply.json() {
            Ok(done) => tell(&done, cx),
            Err(failure) => refused.push(failure.message),
        }
        next(left, query, refused, cx)
    })
}

/// `Untagged: busybox:latest` and so on.
fn tell(done: &Value, cx: &mut Cx<'_>) {
    for (what, name) in items(done).iter().filter_map(Value::as_object).flatten() {
        cx.print_line(&format!("{what}: {}", name.as_str().unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn what_was_removed_is_told() {
        let mut play = Play::new("docker rmi -f alpine:3.10 nosuch");
        assert_eq!(play.requests(), ["DELETE /v1.41/images/alpine:3.10?force=1"]);
        play.answer(0, 200, r#"[{"Untagged":"alpine:3.10"}]"#);
        play.answer(1, 404, r#"{"message":"No such image: nosuch:latest"}"#);
        assert_eq!(play.stdout(), "Untagged: alpine:3.10\n");
        assert_eq!(play.stderr(), "Error response from daemon: No such image: nosuch:latest\n");
        assert_eq!(play.exit(), Some(1));
    }
}
