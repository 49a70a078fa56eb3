//! `docker history`: the layers of an image.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::listing::{FORMAT, Kind};
use super::object::{items, short_id, text};
use super::query::path_escaped;
use super::script::{Cx, Next, Outcome, call, request};

/// The longest text of a command in a table.
const COMMAND_MAX: usize = 45;

/// The command.
pub(super) const HISTORY: Command = Command {
    usage: "[OPTIONS] IMAGE",
    about: "Show the history of an image",
    aliases: "docker image history, docker history",
    flags: &[
        FORMAT,
        Flag::switch("human", "Print sizes and dates in human readable format").short('H').default("true"),
        Flag::switch("no-trunc", "Don't truncate output"),
        Flag::text("platform", "Show history for the given platform.").needs(super::flags::Needs::Api("1.48")),
        Flag::switch("quiet", "Only show image IDs").short('q'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

const KIND: Kind = Kind {
    type_name: "*image.historyContext",
    headers: &[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ],
    default: "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
    quiet: "{{.ID}}",
    raw: "raw",
};

const EXACT: Kind = Kind { default: "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", ..KIND };

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let (human, whole) = (!typed.is_off("human"), typed.is_on("no-trunc"));
    let kind = if human { KIND } else { EXACT };
    let format = typed.text("format").map(str::to_owned);
    let quiet = typed.is_on("quiet");
    call(cx, request("GET", &format!("/images/{}/history", path_escaped(&typed.rest[0]))), move |reply, cx| {
        let layers = reply.json()?;
        let format = kind.format(format.as_deref(), quiet)?;
        let now = cx.place.seconds();
        let rows: Vec<Value> = items(&layers).iter().map(|layer| row(layer, human, whole, now)).collect();
        kind.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

fn row(layer: &Value, human: bool, whole: bool, now: u64) -> Value {
    let id = text(layer, "Id");
    let created = layer["Created"].as_i64().unwrap_or_default();
    let age = now.saturating_sub(u64::try_from(created).unwrap_or_default());
    let size = layer["Size"].as_u64().unwrap_or_default();
    let command = text(layer, "CreatedBy").replace('\t', " ");
    json!({
        "Comment": text(layer, "Comment"),
        "CreatedAt": human::rfc3339(created),
        "CreatedBy": if whole { command } else { human::shortened(&command, COMMAND_MAX) },
        "CreatedSince": format!("{} ago", human::duration(age)),
        "ID": if whole { id } else { short_id(id) },
        "Size": if human { human::size(size, 3) } else { size.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn layers_are_told_for_people_or_exactly() {
        let told = r#"[{"Comment":"Imported from -","Created":1795241557,"CreatedBy":"",
            "Id":"sha256:128d2871ac47abd950698ad61d36cf8319861c8103c6f33ae2e1bae86267e787","Size":1984162,"Tags":null}]"#;
        let shown = |line: &str| {
            let mut play = Play::new(line);
            play.answer(0, 200, told);
            play.stdout().to_owned()
        };
        let expected = "IMAGE          CREATED          CREATED BY   SIZE      COMMENT
128d2871ac47   55 minutes ago                1.98MB    Imported from -
";
        assert_eq!(shown("docker history busybox"), expected);
        let format = "docker history --human=false --format '{{.CreatedAt}} {{.Size}}' busybox";
        assert_eq!(shown(format), "2026-11-21T06:12:37Z 1984162\n");
    }
}
