//! `docker tag`: another name for an image.

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Order};
use super::query::{path_escaped, query};
use super::script::{Cx, Failure, Next, Outcome, call, request};
use crate::image::{Reference, ReferenceError};

/// The command.
pub(super) const TAG: Command = Command {
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    aliases: "docker image tag, docker tag",
    flags: &[],
    order: Order::Mixed,
    arity: Arity::Exactly(2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (source, target) = (&typed.rest[0], &typed.rest[1]);
    let wrong = |text: &str, why: ReferenceError| {
        Failure::new(format!("Error parsing reference: \"{text}\" is not a valid repository/tag: {why}"))
    };
    Reference::check_any(source).map_err(|why| wrong(source, why))?;
    let name = Reference::parse(target).map_err(|why| wrong(target, why))?;
    if name.digest().is_some() {
        return Err(Failure::new("refusing to create a tag with a digest reference"));
    }
    let query = query(&[("repo", Some(name.repository())), ("tag", Some(name.tag().to_owned()))]);
    call(cx, request("POST", &format!("/images/{}/tag{query}", path_escaped(source))), |reply, _| {
        reply.accepted().map(|_| Next::Exit(0))
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn both_names_are_read_before_the_engine_is_asked() {
        let play = Play::new("docker tag busybox probe:1");
        let expected = ["POST /v1.41/images/busybox/tag?repo=docker.io%2Flibrary%2Fprobe&tag=1"];
        assert_eq!(play.requests(), expected);
        let play = Play::new("docker tag busybox ''");
        let expected = "Error parsing reference: \"\" is not a valid repository/tag: invalid reference format\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }
}
