//! `docker network ls`: the list of networks.

use serde_json::{Value, json};

use crate::cli::command::{Arity, Command, plain};
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::human;
use crate::cli::listing::{self, FORMAT, Kind};
use crate::cli::object::{items, short_id, text};
use crate::cli::query::{filters, query};
use crate::cli::script::{Cx, Next, Outcome, call, request};

/// The command.
pub(in super::super) const LS: Command = Command {
    usage: "[OPTIONS]",
    about: "List networks",
    aliases: "docker network ls, docker network list",
    flags: &[
        Flag::filter("Provide filter values (e.g. \"driver=bridge\")").short('f'),
        FORMAT,
        Flag::switch("no-trunc", "Do not truncate the output"),
        Flag::switch("quiet", "Only display network IDs").short('q'),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run,
};

const KIND: Kind = Kind {
    type_name: "*network.networkContext",
    headers: &[
        ("ID", "NETWORK ID"),
        ("Name", "NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
    ],
    default: "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    quiet: "{{.ID}}",
    raw: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = KIND.format(typed.text("format"), typed.is_on("quiet"))?;
    let query = query(&[("filters", filters(typed.list("filter")))]);
    let whole = typed.is_on("no-trunc");
    call(cx, request("GET", &format!("/networks{query}")), move |reply, cx| {
        let networks = reply.json()?;
        let mut networks: Vec<&Value> = items(&networks).iter().collect();
        networks.sort_by_key(|network| listing::natural(text(network, "Name")));
        let rows: Vec<Value> = networks.into_iter().map(|network| row(network, whole)).collect();
        KIND.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

fn row(network: &Value, whole: bool) -> Value {
    let id = text(network, "Id");
    let is = |name: &str| (network[name] == true).to_string();
    json!({
        "CreatedAt": human::moment_of(text(network, "Created")),
        "Driver": text(network, "Driver"),
        "ID": if whole { id } else { short_id(id) },
        "IPv4": is("EnableIPv4"),
        "IPv6": is("EnableIPv6"),
        "Internal": is("Internal"),
        "Labels": listing::labels(&network["Labels"]),
        "Name": text(network, "Name"),
        "Scope": text(network, "Scope"),
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const LISTED: &str = r#"[
        {"Name":"none","Id":"7917c78e322d0799","Created":"2026-11-21T06:21:49.294931728Z","Scope":"local",
         "Driver":"null","EnableIPv6":false,"Internal":false,"Labels":{}},
        {"Name":"n10","Id":"f34894ad920b0799","Created":"2026-11-21T06:27:32.20769003Z","Scope":"local",
         "Driver":"bridge","EnableIPv6":true,"Internal":false,"Labels":{"a":"b"}},
        {"Name":"n2","Id":"13e670c8ea3e0ec3","Created":"2026-11-21T06:27:32.114087293Z","Scope":"local",
         "Driver":"bridge","EnableIPv6":false,"Internal":true,"Labels":{}}]"#;

    fn shown(line: &str) -> String {
        let mut play = Play::new(line);
        play.answer(0, 200, LISTED);
        play.stdout().to_owned()
    }

    #[test]
    fn the_default_table_is_in_natural_order() {
        let expected = "NETWORK ID     NAME      DRIVER    SCOPE
13e670c8ea3e   n2        bridge    local
f34894ad920b   n10       bridge    local
7917c78e322d   none      null      local
";
        assert_eq!(shown("docker network ls"), expected);
    }

    #[test]
    fn json_has_every_field_as_text() {
        let expected = concat!(
            r#"{"CreatedAt":"2026-11-21 06:27:32.20769003 +0000 UTC","Driver":"bridge","ID":"f34894ad920b","#,
            r#""IPv4":"false","IPv6":"true","Internal":"false","Labels":"a=b","Name":"n10","Scope":"local"}"#,
        );
        assert_eq!(shown("docker network ls --format json").lines().nth(1), Some(expected));
        assert_eq!(shown("docker network ls -q --no-trunc").lines().last(), Some("7917c78e322d0799"));
    }

    #[test]
    fn conditions_become_the_query() {
        let filters = "%7B%22driver%22%3A%7B%22bridge%22%3Atrue%7D%7D";
        assert_eq!(
            Play::new("docker network ls -f driver=bridge").requests(),
            [format!("GET /v1.41/networks?filters={filters}")]
        );
        let play = Play::new("docker network ls --filter driver");
        assert!(
            play.stderr().starts_with("invalid argument \"driver\" for \"-f, --filter\" flag: bad format of filter")
        );
        assert_eq!(play.exit(), Some(125));
    }
}
