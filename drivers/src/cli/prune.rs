//! `docker container prune` and `docker network prune`: remove what is not used.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::object::{items, text};
use super::query::{filters, query};
use super::script::{Cx, Next, Outcome, call, request};
use super::volume::show_pruned;

/// `docker container prune`.
pub(super) const CONTAINERS: Command = Command {
    usage: "[OPTIONS]",
    about: "Remove all stopped containers",
    aliases: "",
    flags: &[
        Flag::filter("Provide filter values (e.g. \"until=<timestamp>\")"),
        Flag::switch("force", "Do not prompt for confirmation").short('f'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: |typed, cx| run(typed, "containers", "This will remove all stopped containers.", show_containers, cx),
};

/// `docker network prune`.
pub(super) const NETWORKS: Command = Command {
    about: "Remove all unused networks",
    run: |typed, cx| {
        let warning = "This will remove all custom networks not used by at least one container.";
        run(typed, "networks", warning, show_networks, cx)
    },
    ..CONTAINERS
};

/// `docker image prune`.
pub(super) const IMAGES: Command = Command {
    about: "Remove unused images",
    flags: &[
        Flag::switch("all", "Remove all unused images, not just dangling ones").short('a'),
        Flag::filter("Provide filter values (e.g. \"until=<timestamp>\")"),
        Flag::switch("force", "Do not prompt for confirmation").short('f'),
    ],
    run: |typed, cx| {
        let mut typed = typed.clone();
        let all = typed.is_on("all");
        typed.add("filter", format!("dangling={}", !all));
        let warning = if all {
            "This will remove all images without at least one container associated to them."
        } else {
            "This will remove all dangling images."
        };
        run(&typed, "images", warning, show_images, cx)
    },
    ..CONTAINERS
};

/// `docker volume prune`.
pub(super) const VOLUMES: Command = Command {
    about: "Remove unused local volumes",
    flags: &[
        Flag::filter("Provide filter values (e.g. \"label=<label>\")"),
        Flag::switch("force", "Do not prompt for confirmation").short('f'),
    ],
    run: |typed, cx| {
        let warning = "This will remove anonymous local volumes not used by at least one container.";
        run(typed, "volumes", warning, show_pruned, cx)
    },
    ..CONTAINERS
};

fn show_images(done: &Value, cx: &mut Cx<'_>) {
    let line = |image: &Value| match image["Untagged"].as_str() {
        Some(name) => format!("untagged: {name}"),
        None => format!("deleted: {}", text(image, "Deleted")),
    };
    let lines: Vec<String> = items(&done["ImagesDeleted"]).iter().map(line).collect();
    if !lines.is_empty() {
        cx.print(format!("Deleted Images:\n{}\n\n", lines.join("\n")));
    }
    let bytes = done["SpaceReclaimed"].as_u64().unwrap_or_default();
    cx.print_line(&format!("Total reclaimed space: {}", human::size(bytes, 4)));
}

fn run(typed: &Arguments, kind: &str, warning: &str, show: fn(&Value, &mut Cx<'_>), cx: &mut Cx<'_>) -> Outcome {
    let target = format!("/{kind}/prune{}", query(&[("filters", filters(typed.list("filter")))]));
    if typed.is_on("force") {
        return prune(&target, show, cx);
    }
    cx.print(format!("WARNING! {warning}\nAre you sure you want to continue? [y/N] "));
    Ok(Next::Line(Box::new(move |answer: String, cx| match answer.trim() {
        "y" | "Y" => prune(&target, show, cx),
        _ => Ok(Next::Exit(0)),
    })))
}

fn prune(target: &str, show: fn(&Value, &mut Cx<'_>), cx: &mut Cx<'_>) -> Outcome {
    call(cx, request("POST", target), move |reply, cx| {
        show(&reply.json()?, cx);
        Ok(Next::Exit(0))
    })
}

fn show_containers(done: &Value, cx: &mut Cx<'_>) {
    show_names("Deleted Containers:", &done["ContainersDeleted"], cx);
    let bytes = done["SpaceReclaimed"].as_u64().unwrap_or_default();
    cx.print_line(&format!("Total reclaimed space: {}", human::size(bytes, 4)));
}

fn show_networks(done: &Value, cx: &mut Cx<'_>) {
    show_names("Deleted Networks:", &done["NetworksDeleted"], cx);
}

fn show_names(title: &str, names: &Value, cx: &mut Cx<'_>) {
    let names: Vec<&str> = items(names).iter().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        cx.print(format!("{title}\n{}\n\n", names.join("\n")));
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn what_was_removed_is_told() {
        let mut play = Play::new("docker container prune -f");
        assert_eq!(play.requests(), ["POST /v1.41/containers/prune"]);
        play.answer(0, 200, r#"{"ContainersDeleted":["aaa","bbb"],"SpaceReclaimed":1234}"#);
        assert_eq!(play.stdout(), "Deleted Containers:\naaa\nbbb\n\nTotal reclaimed space: 1.234kB\n");
        let mut play = Play::new("docker network prune -f");
        play.answer(0, 200, r#"{"NetworksDeleted":["n1"]}"#);
        assert_eq!((play.stdout(), play.exit()), ("Deleted Networks:\nn1\n\n", Some(0)));
        let mut play = Play::new("docker network prune -f");
        play.answer(0, 200, r#"{"NetworksDeleted":null}"#);
        assert_eq!((play.stdout(), play.exit()), ("", Some(0)));
    }

    #[test]
    fn the_user_is_asked_first() {
        let mut play = Play::new("docker network prune");
        let question = "WARNING! This will remove all custom networks not used by at least one container.\n\
                        Are you sure you want to continue? [y/N] ";
        assert_eq!(play.stdout(), question);
        assert!(play.reads() && play.requests().is_empty());
        play.enter("y\n");
        assert_eq!(play.requests(), ["POST /v1.41/networks/prune"]);
        let mut play = Play::new("docker network prune");
        play.enter("");
        assert_eq!((play.requests().len(), play.exit()), (0, Some(0)));
    }
}
