//! `docker events`: what happens, as it happens.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::inspect::FORMAT as LETTERED_FORMAT;
use super::listing;
use super::object::text;
use super::query::{filters, query};
use super::script::{Cx, Failure, Next, OnLine, Outcome, request};
use crate::date::moment;
use crate::template::Template;
use time::OffsetDateTime;

/// The letter `f` is the filter's here.
const FORMAT: Flag = LETTERED_FORMAT.without_letter();

/// The command.
pub(super) const EVENTS: Command = Command {
    usage: "[OPTIONS]",
    about: "Get real time events from the server",
    aliases: "docker system events, docker events",
    flags: &[
        Flag::filter("Filter output based on conditions provided").short('f'),
        FORMAT,
        Flag::text("since", "Show all events created since timestamp"),
        Flag::text("until", "Stream events until this timestamp"),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let broken = |why| Failure::new(format!("Error parsing format: {why}")).code(64);
    let template = listing::template(typed.text("format")).map(Template::parse).transpose().map_err(broken)?;
    let now = cx.place.now;
    let moment = |name| typed.text(name).map(|text| moment::unix(text, now).map_err(Failure::new)).transpose();
    let query =
        query(&[("filters", filters(typed.list("filter"))), ("since", moment("since")?), ("until", moment("until")?)]);
    let ticket = cx.open(request("GET", &format!("/events{query}")));
    let show: OnLine = Box::new(move |line, cx| {
        let event: Value = serde_json::from_str(line).map_err(|why| Failure::new(why.to_string()))?;
        let shown = match &template {
            None => plain_line(&event),
            Some(template) => template.render(&event).map_err(|why| Failure::new(why.to_string()))?,
        };
        cx.print_line(&shown);
        Ok(())
    });
    Ok(Next::Lines(ticket, show, Box::new(|reply, _| reply.accepted().map(|_| Next::Exit(0)))))
}

/// `2026-11-21T07:08:31.041892620Z network create dd17… (name=isolated_nw, type=bridge)`.
fn plain_line(event: &Value) -> String {
    let actor = &event["Actor"];
    let mut line = format!("{} {} {}", at(event), text(event, "Type"), text(event, "Action"));
    line.push_str(&format!(" {}", text(actor, "ID")));
    let Some(attributes) = actor["Attributes"].as_object().filter(|attributes| !attributes.is_empty()) else {
        return line;
    };
    let mut pairs: Vec<String> =
        attributes.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    pairs.sort();
    format!("{line} ({})", pairs.join(", "))
}

fn at(event: &Value) -> String {
    let nanos = event["timeNano"].as_i64().unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second, nano) = at.to_hms_nano();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nano:09}Z")
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    /// As engine 20.10.24 told it.
    const CREATE: &str = concat!(
        r#"{"Type":"network","Action":"create","Actor":{"ID":"dd17c41a","Attributes":{"type":"bridge","name":"n1"}},"#,
        r#""scope":"local","time":1795244911,"timeNano":1795244911041892620}"#,
    );

    #[test]
    fn events_are_shown_as_they_come() {
        let mut play = Play::new("docker events");
        assert_eq!(play.requests(), ["GET /v1.41/events"]);
        play.head(0, 200);
        play.more(0, format!("{CREATE}\n{{\"Type\""));
        let expected = "2026-11-21T07:08:31.041892620Z network create dd17c41a (name=n1, type=bridge)\n";
        assert_eq!((play.stdout(), play.exit()), (expected, None));
        play.more(0, ":\"daemon\",\"Action\":\"reload\",\"Actor\":{\"ID\":\"x\"},\"timeNano\":0}\n");
        play.end(0);
        assert_eq!(play.stdout().lines().last(), Some("1970-01-01T00:00:00.000000000Z daemon reload x"));
        assert_eq!(play.exit(), Some(0));
    }

    #[test]
    fn a_template_sees_what_was_sent() {
        let mut play = Play::new("docker events --format '{{.Type}} {{.Action}} {{.Actor.ID}}'");
        play.answer(0, 200, format!("{CREATE}\n"));
        assert_eq!(play.stdout(), "network create dd17c41a\n");
    }

    #[test]
    fn flags_become_the_query() {
        let play = Play::new("docker events --since 10m --until 0s -f type=network");
        let filters = "%7B%22type%22%3A%7B%22network%22%3Atrue%7D%7D";
        let expected = format!("GET /v1.41/events?filters={filters}&since=1795244310&until=1795244910");
        assert_eq!(play.requests(), [expected]);
        assert_eq!(Play::new("docker events --since foo").exit(), Some(1));
    }
}
