//! `docker system df` and `prune`: what all kinds of things take, and removing what is not used.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::listing::{FORMAT, Kind};
use super::object::{items, text};
use super::query::{filters, query};
use super::script::{Cx, Next, Outcome, call, request};

/// `docker system df`.
pub(super) const DF: Command = Command {
    usage: "[OPTIONS]",
    about: "Show docker disk usage",
    aliases: "",
    flags: &[FORMAT, Flag::switch("verbose", "Show detailed information on space usage").short('v')],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: usage,
};

/// `docker system prune`.
pub(super) const PRUNE: Command = Command {
    usage: "[OPTIONS]",
    about: "Remove unused data",
    aliases: "",
    flags: &[
        Flag::switch("all", "Remove all unused images not just dangling ones").short('a'),
        Flag::filter("Provide filter values (e.g. \"label=<key>=<value>\")"),
        Flag::switch("force", "Do not prompt for confirmation").short('f'),
        Flag::switch("volumes", "Prune anonymous volumes"),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: prune,
};

const KIND: Kind = Kind {
    type_name: "*formatter.diskUsageImagesContext",
    headers: &[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ],
    default: "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
    quiet: "{{.Type}}",
    raw: "",
};

fn usage(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = KIND.format(typed.text("format"), false)?;
    call(cx, request("GET", "/system/df"), move |reply, cx| {
        let used = reply.json()?;
        let rows = [images(&used), containers(&used), volumes(&used), row("Build Cache", 0, 0, 0, "0B")];
        KIND.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

fn row(kind: &str, count: usize, active: usize, size: u64, reclaimable: &str) -> Value {
    json!({
        "Active": active.to_string(), "Reclaimable": reclaimable, "Size": human::size(size, 4),
        "TotalCount": count.to_string(), "Type": kind,
    })
}

/// What could be had back, and which part of all that is.
fn share(part: u64, whole: u64) -> String {
    match (part * 100).checked_div(whole) {
        Some(percent) => format!("{} ({percent}%)", human::size(part, 4)),
        None => human::size(part, 4),
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn images(used: &Value) -> Value {
    let images = items(&used["Images"]);
    let in_use = |image: &&Value| image["Containers"].as_i64().is_some_and(|count| count > 0);
    let whole = number(&used["LayersSize"]);
    // What images share is counted once: only what is an image's own is taken off.
    let own = |image: &Value| number(&image["Size"]).saturating_sub(number(&image["SharedSize"]));
    let busy: u64 = images.iter().filter(in_use).map(own).sum();
    row("Images", images.len(), images.iter().filter(in_use).count(), whole, &share(whole.saturating_sub(busy), whole))
}

fn containers(used: &Value) -> Value {
    let containers = items(&used["Containers"]);
    let active = |container: &&Value| matches!(text(container, "State"), "running" | "paused" | "restarting");
    let size = |container: &Value| number(&container["SizeRw"]);
    let whole: u64 = containers.iter().map(size).sum();
    let idle: u64 = containers.iter().filter(|container| !active(container)).map(size).sum();
    row("Containers", containers.len(), containers.iter().filter(active).count(), whole, &share(idle, whole))
}

fn volumes(used: &Value) -> Value {
    let volumes = items(&used["Volumes"]);
    let users = |volume: &Value| volume["UsageData"]["RefCount"].as_i64().unwrap_or(0);
    let size = |volume: &Value| number(&volume["UsageData"]["Size"]);
    let whole: u64 = volumes.iter().map(size).sum();
    let idle: u64 = volumes.iter().filter(|volume| users(volume) == 0).map(size).sum();
    let active = volumes.iter().filter(|volume| users(volume) > 0).count();
    row("Local Volumes", volumes.len(), active, whole, &share(idle, whole))
}

/// What is pruned: its path, the list in the answer, and the title above it.
const PRUNED: [(&str, &str, &str); 4] = [
    ("containers", "ContainersDeleted", "Deleted Containers:"),
    ("networks", "NetworksDeleted", "Deleted Networks:"),
    ("images", "ImagesDeleted", "Deleted Images:"),
    ("build", "CachesDeleted", "Deleted build cache objects:"),
];

fn prune(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let typed = typed.clone();
    if typed.is_on("force") {
        return prune_all(typed, cx);
    }
    cx.print(warning(&typed));
    Ok(Next::Line(Box::new(move |answer: String, cx| match answer.trim() {
        "y" | "Y" => prune_all(typed, cx),
        _ => Ok(Next::Exit(0)),
    })))
}

fn warning(typed: &Arguments) -> String {
    let mut parts = vec!["all stopped containers", "all networks not used by at least one container"];
    if typed.is_on("volumes") {
        parts.push("all anonymous volumes not used by at least one container");
    }
    parts.extend(if typed.is_on("all") {
        ["all images without at least one container associated to them", "all build cache"]
    } else {
        ["all dangling images", "unused build cache"]
    });
    let mut text = "WARNING! This will remove:\n".to_owned();
    parts.iter().for_each(|part| text.push_str(&format!("  - {part}\n")));
    if !typed.list("filter").is_empty() {
        text.push_str("\n  Items to be pruned will be filtered with:\n");
        typed.list("filter").iter().for_each(|filter| text.push_str(&format!("  - {filter}\n")));
    }
    text + "\nAre you sure you want to continue? [y/N] "
}

fn prune_all(typed: Arguments, cx: &mut Cx<'_>) -> Outcome {
    let mut left: Vec<_> = PRUNED.to_vec();
    if typed.is_on("volumes") {
        left.insert(2, ("volumes", "VolumesDeleted", "Deleted Volumes:"));
    }
    left.reverse();
    prune_next(typed, left, 0, cx)
}

/// Prunes the last of `left`, then the others.
fn prune_next(
    typed: Arguments,
    mut left: Vec<(&'static str, &'static str, &'static str)>,
    reclaimed: u64,
    cx: &mut Cx<'_>,
) -> Outcome {
    let Some((kind, list, title)) = left.pop() else {
        cx.print_line(&format!("Total reclaimed space: {}", human::size(reclaimed, 4)));
        return Ok(Next::Exit(0));
    };
    let mut conditions = typed.list("filter").to_vec();
    if kind == "images" {
        conditions.push(format!("dangling={}", !typed.is_on("all")));
    }
    let query = query(&[("filters", filters(&conditions))]);
    call(cx, request("POST", &format!("/{kind}/prune{query}")), move |reply, cx| {
        let done = reply.json()?;
        let name = |item: &Value| match item {
            Value::String(name) => name.clone(),
            item if item["Untagged"].is_string() => format!("untagged: {}", text(item, "Untagged")),
            item => format!("deleted: {}", text(item, "Deleted")),
        };
        let names: Vec<String> = items(&done[list]).iter().map(name).collect();
        if !names.is_empty() {
            cx.print(format!("{title}\n{}\n\n", names.join("\n")));
        }
        prune_next(typed, left, reclaimed + number(&done["SpaceReclaimed"]), cx)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn what_things_take_is_told_kind_by_kind() {
        let mut play = Play::new("docker system df");
        play.answer(
            0,
            200,
            r#"{"LayersSize":1984251,"Images":[{"Containers":9,"Size":1984251,"SharedSize":1984251}],
                "Containers":[{"State":"running","SizeRw":12}],"Volumes":[]}"#,
        );
        let expected = "\
TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE
Images          1         1         1.984MB   1.984MB (100%)
Containers      1         1         12B       0B (0%)
Local Volumes   0         0         0B        0B
Build Cache     0         0         0B        0B
";
        assert_eq!((play.stdout(), play.exit()), (expected, Some(0)));
    }

    #[test]
    fn everything_is_pruned_after_a_question() {
        let mut play = Play::new("docker system prune");
        let question = "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least \
                        one container\n  - all dangling images\n  - unused build cache\n\nAre you sure you want to \
                        continue? [y/N] ";
        assert_eq!(play.stdout(), question);
        play.enter("y\n");
        play.answer(0, 200, r#"{"ContainersDeleted":["aaa"],"SpaceReclaimed":5}"#);
        play.answer(1, 200, r#"{"NetworksDeleted":null}"#);
        play.answer(2, 200, r#"{"ImagesDeleted":null,"SpaceReclaimed":0}"#);
        play.answer(3, 200, r#"{"CachesDeleted":null,"SpaceReclaimed":0}"#);
        let kinds: Vec<&str> = vec!["containers", "networks", "images", "build"];
        let asked: Vec<String> =
            play.requests().iter().map(|r| r.split('/').nth(2).unwrap_or_default().to_owned()).collect();
        assert_eq!(asked, kinds);
        assert!(play.stdout().ends_with("Deleted Containers:\naaa\n\nTotal reclaimed space: 5B\n"));
    }
}
