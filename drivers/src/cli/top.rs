//! `docker top`: the processes of a container.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Order};
use super::object::items;
use super::query::query;
use super::script::{Cx, Next, Outcome, call, request};

/// The narrowest column.
const NARROW: usize = 20;
/// Blanks between two columns.
const PADDING: usize = 3;

/// The command.
pub(super) const TOP: Command = Command {
    usage: "CONTAINER [ps OPTIONS]",
    about: "Display the running processes of a container",
    aliases: "docker container top, docker top",
    flags: &[],
    order: Order::FlagsFirst,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let options = typed.rest[1..].join(" ");
    let query = query(&[("ps_args", (!options.is_empty()).then_some(options))]);
    call(cx, request("GET", &format!("/containers/{}/top{query}", checked(&typed.rest[0])?)), |reply, cx| {
        let listed = reply.json()?;
        let titles = core::iter::once(&listed["Titles"]);
        let lines: Vec<Vec<&str>> = titles.chain(items(&listed["Processes"])).map(cells).collect();
        print(&lines, cx);
        Ok(Next::Exit(0))
    })
}

fn cells(line: &Value) -> Vec<&str> {
    items(line).iter().filter_map(Value::as_str).collect()
}

fn print(lines: &[Vec<&str>], cx: &mut Cx<'_>) {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.len() + PADDING).max().unwrap_or(0).max(NARROW)
    };
    for line in lines {
        let Some((last, padded)) = line.split_last() else { continue };
        let padded: String = padded.iter().enumerate().map(|(at, cell)| format!("{cell:0$}", width(at))).collect();
        cx.print_line(&format!("{padded}{last}"));
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn columns_are_twenty_wide() {
        let mut play = Play::new("docker top c1 -o pid,cmd");
        assert_eq!(play.requests(), ["GET /v1.41/containers/c1/top?ps_args=-o+pid%2Ccmd"]);
        play.answer(0, 200, r#"{"Titles":["UID","PID","CMD"],"Processes":[["root","17222","sleep 1000"]]}"#);
        let expected = "UID                 PID                 CMD
root                17222               sleep 1000
";
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }
}
