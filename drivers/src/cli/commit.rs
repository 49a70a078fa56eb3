//! `docker commit`: an image of a container as it is now.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Order};
use super::object::text;
use super::query::query;
use super::script::{Cx, Failure, Next, Outcome, call, request_with};
use crate::image::Reference;

/// The command.
pub(super) const COMMIT: Command = Command {
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    about: "Create a new image from a container's changes",
    aliases: "docker container commit, docker commit",
    flags: &[
        Flag::text("author", "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")").short('a'),
        Flag::list("change", "Apply Dockerfile instruction to the created image").short('c'),
        Flag::text("message", "Commit message").short('m'),
        Flag::switch("pause", "Pause container during commit").short('p').default("true"),
    ],
    order: Order::Mixed,
    arity: Arity::Between(1, 2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    checked(&typed.rest[0])?;
    let name = typed.rest.get(1).filter(|name| !name.is_empty());
    let name = name.map(|name| Reference::parse(name)).transpose()?;
    if name.as_ref().is_some_and(|name| name.digest().is_some()) {
        return Err(Failure::new("refusing to create a tag with a digest reference"));
    }
    let said = |flag: &str| typed.text(flag).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut parts = vec![
        ("author", said("author")),
        ("comment", said("message")),
        ("container", Some(typed.rest[0].clone())),
        ("pause", typed.is_off("pause").then(|| "0".to_owned())),
        ("repo", name.as_ref().map(Reference::repository)),
        ("tag", name.as_ref().map(|name| name.tag().to_owned())),
    ];
    parts.extend(typed.list("change").iter().map(|line| ("changes", Some(line.clone()))));
    let commit = request_with("POST", &format!("/commit{}", query(&parts)), &serde_json::Value::Null);
    call(cx, commit, |reply, cx| {
        cx.print_line(text(&reply.json()?, "Id"));
        Ok(Next::Exit(0))
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn the_name_is_read_here_and_the_changes_keep_their_order() {
        let mut play = Play::new("docker commit -c 'CMD b' -c 'CMD a' -p=false c1 probe:1");
        let expected = "POST /v1.41/commit?changes=CMD+b&changes=CMD+a&container=c1&pause=0&\
                        repo=docker.io%2Flibrary%2Fprobe&tag=1";
        assert_eq!(play.requests(), [expected]);
        play.answer(0, 201, r#"{"Id":"sha256:6e72"}"#);
        assert_eq!((play.stdout(), play.exit()), ("sha256:6e72\n", Some(0)));
        let play = Play::new("docker commit c1 'Bad Name'");
        let expected = "invalid reference format: repository name (library/Bad Name) must be lowercase\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
    }
}
