//! `docker volume`: the commands on volumes.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Order};
use super::human;
use super::listing::{self, FORMAT, Kind};
use super::network::create::pairs;
use super::object::{items, text};
use super::query::{filters, one, query};
use super::removal;
use super::script::{Cx, Failure, Next, Outcome, call, request, request_with};

/// `docker volume ls`.
pub(super) const LS: Command = Command {
    usage: "[OPTIONS]",
    about: "List volumes",
    aliases: "docker volume ls, docker volume list",
    flags: &[
        Flag::filter("Provide filter values (e.g. \"dangling=true\")").short('f'),
        FORMAT,
        Flag::switch("quiet", "Only display volume names").short('q'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run: list,
};

/// `docker volume create`.
pub(super) const CREATE: Command = Command {
    usage: "[OPTIONS] [VOLUME]",
    about: "Create a volume",
    aliases: "",
    flags: &[
        Flag::text("driver", "Specify volume driver name").short('d').default("local"),
        Flag::list("label", "Set metadata for a volume"),
        Flag::text("name", "Specify volume name").hidden(),
        Flag::map("opt", "Set driver specific options").short('o'),
    ],
    order: Order::Mixed,
    arity: Arity::AtMost(1),
    decorate: plain,
    run: create,
};

/// `docker volume rm`.
pub(super) const RM: Command = Command {
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Remove one or more volumes",
    aliases: "docker volume rm, docker volume remove",
    flags: &[Flag::switch("force", "Force the removal of one or more volumes").short('f')],
    order: Order::Mixed,
    arity: Arity::AtLeast(1),
    decorate: plain,
    run: |typed, cx| removal::each("/volumes", &typed.rest, query(&[("force", one(typed.is_on("force")))]), cx),
};

const KIND: Kind = Kind {
    type_name: "*formatter.volumeContext",
    headers: &[
        ("Name", "VOLUME NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("Availability", "AVAILABILITY"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Labels", "LABELS"),
        ("Links", "LINKS"),
        ("Size", "SIZE"),
        ("Group", "GROUP"),
        ("Status", "STATUS"),
    ],
    default: "table {{.Driver}}\t{{.Name}}",
    quiet: "{{.Name}}",
    raw: "name: {{.Name}}\ndriver: {{.Driver}}\n",
};

fn list(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = KIND.format(typed.text("format"), typed.is_on("quiet"))?;
    let query = query(&[("filters", filters(typed.list("filter")))]);
    call(cx, request("GET", &format!("/volumes{query}")), move |reply, cx| {
        let found = reply.json()?;
        let mut volumes: Vec<&Value> = items(&found["Volumes"]).iter().collect();
        volumes.sort_by_key(|volume| text(volume, "Name"));
        let rows: Vec<Value> = volumes.into_iter().map(row).collect();
        KIND.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

fn row(volume: &Value) -> Value {
    json!({
        "Availability": "N/A",
        "Driver": text(volume, "Driver"),
        "Group": "N/A",
        "Labels": listing::labels(&volume["Labels"]),
        "Links": "N/A",
        "Mountpoint": text(volume, "Mountpoint"),
        "Name": text(volume, "Name"),
        "Scope": text(volume, "Scope"),
        "Size": "N/A",
        "Status": "N/A",
    })
}

fn create(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let named = typed.text("name").unwrap_or_default();
    let name = match typed.rest.first() {
        Some(_) if !named.is_empty() => {
            let text = "conflicting options: cannot specify a volume-name through both --name and as a positional arg";
            return Err(Failure::new(text));
        }
        Some(name) => name.as_str(),
        None => named,
    };
    let body = json!({
        "Driver": typed.text("driver").unwrap_or("local"), "DriverOpts": pairs(typed.list("opt")),
        "Labels": pairs(typed.list("label")), "Name": name,
    });
    call(cx, request_with("POST", "/volumes/create", &body), |reply, cx| {
        cx.print_line(text(&reply.json()?, "Name"));
        Ok(Next::Exit(0))
    })
}

/// What `docker volume prune` tells.
pub(super) fn show_pruned(done: &Value, cx: &mut Cx<'_>) {
    let names: Vec<&str> = items(&done["VolumesDeleted"]).iter().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        cx.print(format!("Deleted Volumes:\n{}\n\n", names.join("\n")));
    }
    cx.print_line(&format!("Total reclaimed space: {}", human::size(done["SpaceReclaimed"].as_u64().unwrap_or(0), 4)));
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn volumes_are_listed_by_name() {
        let mut play = Play::new("docker volume ls");
        play.answer(0, 200, r#"{"Volumes":[{"Name":"b","Driver":"local"},{"Name":"a","Driver":"local"}]}"#);
        assert_eq!(play.stdout(), "DRIVER    VOLUME NAME\nlocal     a\nlocal     b\n");
    }

    #[test]
    fn one_has_one_name() {
        let play = Play::new("docker volume create --name x y");
        let expected =
            "conflicting options: cannot specify a volume-name through both --name and as a positional arg\n";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
        let mut play = Play::new("docker volume rm x");
        play.answer(0, 404, r#"{"message":"get x: no such volume"}"#);
        assert_eq!(play.stderr(), "Error response from daemon: get x: no such volume\n");
    }
}
