//! `docker pull`, and the pulling that `docker run` does for an image that is not there.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::object::text;
use super::query::query;
use super::script::{Cx, Failure, Next, OnLine, Outcome, Reply, request};
use crate::image::reference::Reference;

/// The command.
pub(super) const PULL: Command = Command {
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    about: "Download an image from a registry",
    aliases: "docker image pull, docker pull",
    flags: &[
        Flag::switch("disable-content-trust", "Skip image verification").default("true"),
        Flag::text("platform", "Set platform if server is multi-platform capable"),
        Flag::switch("quiet", "Suppress verbose output").short('q'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

/// Where the progress of a pull is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// On standard output.
    Output,
    /// On standard error.
    Error,
    /// Nowhere.
    Silent,
}

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let reference = Reference::parse(&typed.rest[0])?;
    let progress = if typed.is_on("quiet") { Progress::Silent } else { Progress::Output };
    if !reference.is_tagged() && progress == Progress::Output {
        cx.print_line("Using default tag: latest");
    }
    let platform = typed.text("platform").filter(|platform| !platform.is_empty());
    pull(&reference.clone(), platform, progress, cx, move |cx| {
        cx.print_line(&reference.whole());
        Ok(Next::Exit(0))
    })
}

/// Has the engine pull an image, then goes on.
pub(super) fn pull(
    reference: &Reference,
    platform: Option<&str>,
    progress: Progress,
    cx: &mut Cx<'_>,
    then: impl FnOnce(&mut Cx<'_>) -> Outcome + Clone + 'static,
) -> Outcome {
    let query = query(&[
        ("fromImage", Some(reference.repository())),
        ("platform", platform.map(str::to_owned)),
        ("tag", Some(reference.tag().to_owned())),
    ]);
    let ticket = cx.open(request("POST", &format!("/images/create{query}")));
    let show: OnLine = Box::new(move |line, cx| {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Ok(()) };
        if let Some(error) = message["error"].as_str() {
            return Err(Failure::new(error));
        }
        let status = text(&message, "status");
        let line = message["id"].as_str().map_or_else(|| status.to_owned(), |id| format!("{id}: {status}"));
        match progress {
            Progress::Output => cx.print_line(&line),
            Progress::Error => cx.error_line(&line),
            Progress::Silent => {}
        }
        Ok(())
    });
    let ended = move |reply: Reply, cx: &mut Cx<'_>| {
        reply.accepted()?;
        then(cx)
    };
    Ok(Next::Lines(ticket, show, Box::new(ended)))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const PULLED: &str = "{\"status\":\"Pulling from library/busybox\",\"id\":\"latest\"}\n\
        {\"status\":\"Status: Image is up to date for busybox:latest\"}\n";

    #[test]
    fn progress_is_told_line_by_line() {
        let mut play = Play::new("docker pull busybox");
        assert_eq!(play.requests(), ["POST /v1.41/images/create?fromImage=docker.io%2Flibrary%2Fbusybox&tag=latest"]);
        play.answer(0, 200, PULLED);
        let expected = "Using default tag: latest
latest: Pulling from library/busybox
Status: Image is up to date for busybox:latest
docker.io/library/busybox:latest
";
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn quietly_only_the_name_is_told() {
        let mut play = Play::new("docker pull -q busybox:1");
        play.answer(0, 200, PULLED);
        assert_eq!(play.stdout(), "docker.io/library/busybox:1\n");
    }

    #[test]
    fn a_refusal_may_come_early_or_late() {
        let mut play = Play::new("docker pull nosuch:3");
        play.answer(0, 404, r#"{"message":"pull access denied for nosuch"}"#);
        assert_eq!(play.stderr(), "Error response from daemon: pull access denied for nosuch\n");
        let mut play = Play::new("docker pull nosuch:3");
        play.answer(0, 200, "{\"errorDetail\":{\"message\":\"no space\"},\"error\":\"no space\"}\n");
        assert_eq!((play.stderr(), play.exit()), ("no space\n", Some(1)));
    }
}
