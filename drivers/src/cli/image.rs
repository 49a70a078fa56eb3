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
        let patient = typed.is_on("force");
        next(Removing { left: names, query, refused: Vec::new(), patient }, cx)
    },
};

/// Names that are left, the next one last, and what was objected to.
#[derive(Clone)]
struct Removing {
    left: Vec<String>,
    query: String,
    refused: Vec<String>,
    /// Whether an image that is not there is as good as one that was removed.
    patient: bool,
}

/// Removes the next image, then the others.
fn next(mut removing: Removing, cx: &mut Cx<'_>) -> Outcome {
    let Some(name) = removing.left.pop() else {
        let text = removing.refused.join("\n");
        return match removing.refused.is_empty() {
            true => Ok(Next::Exit(0)),
            false => Err(Failure::new(text).code(i32::from(!removing.patient))),
        };
    };
    let path = format!("/images/{}{}", path_escaped(&name), removing.query);
    call(cx, request("DELETE", &path), move |reply, cx| {
        removing.patient &= reply.status < 400 || reply.status == 404;
        match reply.json() {
            Ok(done) => tell(&done, cx),
            Err(failure) => removing.refused.push(failure.message),
        }
        next(removing, cx)
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
        assert_eq!(play.exit(), Some(0));
    }
}
