//! `docker logs`: what a container has printed.

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Flag, Order};
use super::object::text;
use super::query::{one, query};
use super::script::{Cx, Failure, Framing, Input, Next, OnSignal, Outcome, Reply, Session, call, request};
use crate::date::moment;

/// The command.
pub(super) const LOGS: Command = Command {
    usage: "[OPTIONS] CONTAINER",
    about: "Fetch the logs of a container",
    aliases: "docker container logs, docker logs",
    flags: &[
        Flag::switch("details", "Show extra details provided to logs"),
        Flag::switch("follow", "Follow log output").short('f'),
        Flag::text(
            "since",
            "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
        ),
        Flag::text("tail", "Number of lines to show from the end of the logs").short('n').default("all"),
        Flag::switch("timestamps", "Show timestamps").short('t'),
        Flag::text(
            "until",
            "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
        ),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let container = checked(&typed.rest[0])?;
    let (since, until) = (moment(typed, "since", cx)?, moment(typed, "until", cx)?);
    let query = query(&[
        ("details", one(typed.is_on("details"))),
        ("follow", one(typed.is_on("follow"))),
        ("since", since),
        ("stderr", one(true)),
        ("stdout", one(true)),
        ("tail", Some(typed.text("tail").unwrap_or("all").to_owned())),
        ("timestamps", one(typed.is_on("timestamps"))),
        ("until", until),
    ]);
    call(cx, request("GET", &format!("/containers/{container}/json")), move |reply, cx| {
        let found = reply.json()?;
        let framing = if found["Config"]["Tty"] == true { Framing::Terminal } else { Framing::Frames };
        let ticket = cx.open(request("GET", &format!("/containers/{}/logs{query}", text(&found, "Id"))));
        let show = move |reply: Reply, _: &mut Cx<'_>| {
            reply.accepted()?;
            Ok(Next::Session(
                Session::new(ticket, framing, Input::Absent, OnSignal::End),
                Box::new(|_, _| Ok(Next::Exit(0))),
            ))
        };
        Ok(Next::Head(ticket, Box::new(show)))
    })
}

/// A moment that was typed, as the engine takes it.
pub(super) fn moment(typed: &Arguments, name: &str, cx: &Cx<'_>) -> Result<Option<String>, Failure> {
    let Some(text) = typed.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let explain = |why: String| Failure::new(format!("invalid value for \"{name}\": {why}"));
    moment::unix(text, cx.place.now).map(Some).map_err(explain)
}

#[cfg(test)]
mod tests {
    use crate::cli::play::{Play, frame};

    #[test]
    fn both_streams_are_shown_on_their_own() {
        let mut play = Play::new("docker logs c1");
        play.answer(0, 200, r#"{"Id":"371d","Config":{"Tty":false}}"#);
        assert_eq!(play.requests()[1], "GET /v1.41/containers/371d/logs?stderr=1&stdout=1&tail=all");
        play.answer(1, 200, [frame(1, "created\n"), frame(2, "oops\n")].concat());
        assert_eq!((play.stdout(), play.stderr(), play.exit()), ("created\n", "oops\n", Some(0)));
        assert!(play.inputs().is_empty(), "nothing is sent on a call that only reads");
    }

    #[test]
    fn flags_become_the_query() {
        let mut play = Play::new("docker logs -f --tail 5 -t --since 10m c1");
        play.answer(0, 200, r#"{"Id":"371d","Config":{"Tty":true}}"#);
        let query = "follow=1&since=1795244310&stderr=1&stdout=1&tail=5&timestamps=1";
        assert_eq!(play.requests()[1], format!("GET /v1.41/containers/371d/logs?{query}"));
        play.head(1, 200);
        play.more(1, "as it is\r\n");
        assert_eq!((play.stdout(), play.exit()), ("as it is\r\n", None));
    }
}
