//! `docker network create`.

use serde_json::{Map, Value, json};

use super::subnet::Typed;
use crate::cli::command::{Arity, Command, plain};
use crate::cli::environment::check_label;
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::object::text;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request_with};

/// The command.
pub(in super::super) const CREATE: Command = Command {
    usage: "[OPTIONS] NETWORK",
    about: "Create a network",
    aliases: "",
    flags: &[
        Flag::switch("attachable", "Enable manual container attachment"),
        Flag::map("aux-address", "Auxiliary IPv4 or IPv6 addresses used by Network driver"),
        Flag::text("config-from", "The network from which to copy the configuration"),
        Flag::switch("config-only", "Create a configuration only network"),
        Flag::text("driver", "Driver to manage the Network").short('d').default("bridge"),
        Flag::strings("gateway", "IPv4 or IPv6 Gateway for the master subnet"),
        Flag::switch("ingress", "Create swarm routing-mesh network"),
        Flag::switch("internal", "Restrict external access to the network"),
        Flag::strings("ip-range", "Allocate container ip from a sub-range"),
        Flag::text("ipam-driver", "IP Address Management Driver").default("default"),
        Flag::map("ipam-opt", "Set IPAM driver specific options"),
        Flag::switch("ipv4", "Enable or disable IPv4 address assignment").default("true"),
        Flag::switch("ipv6", "Enable or disable IPv6 address assignment"),
        Flag::list("label", "Set metadata on a network").checked(check_label),
        Flag::map("opt", "Set driver specific options").short('o'),
        Flag::text("scope", "Control the network's scope"),
        Flag::strings("subnet", "Subnet in CIDR format that represents a network segment"),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(1),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let body = body(typed)?;
    call(cx, request_with("POST", "/networks/create", &body), |reply, cx| {
        cx.print_line(text(&reply.json()?, "Id"));
        Ok(Next::Exit(0))
    })
}

fn body(typed: &Arguments) -> Result<Value, Failure> {
    let mut body = Map::new();
    body.insert("Driver".to_owned(), json!(typed.text("driver").unwrap_or("bridge")));
    body.insert("Scope".to_owned(), json!(typed.text("scope").unwrap_or_default()));
    for (flag, field) in [("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")] {
        if typed.has(flag) {
            body.insert(field.to_owned(), json!(typed.is_on(flag)));
        }
    }
    let from = typed.text("config-from").filter(|name| !name.is_empty());
    let rest = json!({
        "IPAM": ipam(typed)?,
        "Internal": typed.is_on("internal"),
        "Attachable": typed.is_on("attachable"),
        "Ingress": typed.is_on("ingress"),
        "ConfigOnly": typed.is_on("config-only"),
        "ConfigFrom": from.map(|name| json!({"Network": name})),
        "Options": pairs(typed.list("opt")),
        "Labels": pairs(typed.list("label")),
        "Name": typed.rest[0],
        "CheckDuplicate": true,
    });
    if let Value::Object(rest) = rest {
        body.extend(rest);
    }
    Ok(Value::Object(body))
}

fn ipam(typed: &Arguments) -> Result<Value, Failure> {
    let auxiliary: Vec<(String, String)> = pairs(typed.list("aux-address"))
        .into_iter()
        .map(|(name, at)| (name, at.as_str().unwrap_or_default().to_owned()))
        .collect();
    let typed_subnets = Typed {
        subnets: typed.list("subnet"),
        ranges: typed.list("ip-range"),
        gateways: typed.list("gateway"),
        auxiliary: &auxiliary,
    };
    Ok(json!({
        "Driver": typed.text("ipam-driver").unwrap_or("default"),
        "Options": pairs(typed.list("ipam-opt")),
        "Config": typed_subnets.consolidated()?,
    }))
}

/// `a=b` and `c` as an object, in order of their names.
pub(in super::super) fn pairs(typed: &[String]) -> Map<String, Value> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for text in typed {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
    }
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn what_was_asked_for_becomes_the_body() {
        let line = "docker network create --subnet 10.9.0.0/24 --ip-range 10.9.0.128/25 --gateway 10.9.0.254 \
                    --aux-address x=10.9.0.130 -o com.docker.network.bridge.name=brx --label a=b n1";
        let mut play = Play::new(line);
        assert_eq!(play.requests(), ["POST /v1.41/networks/create"]);
        let expected = concat!(
            r#"{"Driver":"bridge","Scope":"","IPAM":{"Driver":"default","Options":{},"Config":[{"Subnet":"10.9.0.0/24","#,
            r#""IPRange":"10.9.0.128/25","Gateway":"10.9.0.254","AuxiliaryAddresses":{"x":"10.9.0.130"}}]},"#,
            r#""Internal":false,"Attachable":false,"Ingress":false,"ConfigOnly":false,"ConfigFrom":null,"#,
            r#""Options":{"com.docker.network.bridge.name":"brx"},"Labels":{"a":"b"},"Name":"n1","CheckDuplicate":true}"#,
        );
        assert_eq!(play.body(0), expected);
        play.answer(0, 201, r#"{"Id":"13e670c8ea3e","Warning":""}"#);
        assert_eq!((play.stdout(), play.exit()), ("13e670c8ea3e\n", Some(0)));
    }

    #[test]
    fn families_are_told_only_when_they_were_typed() {
        let play = Play::new("docker network create --ipv6 --ipv4=false --config-from x --internal n9");
        assert!(
            play.body(0).starts_with(r#"{"Driver":"bridge","Scope":"","EnableIPv4":false,"EnableIPv6":true,"IPAM":"#)
        );
        assert!(play.body(0).contains(r#""Config":[]},"Internal":true,"#));
        assert!(play.body(0).contains(r#""ConfigFrom":{"Network":"x"}"#));
    }

    #[test]
    fn an_empty_subnet_is_none() {
        let play = Play::new("docker network create --subnet '' probe_nw");
        assert!(play.body(0).contains(r#""Config":[]"#), "{}", play.body(0));
    }

    #[test]
    fn wrong_words_never_reach_the_engine() {
        let play = Play::new("docker network create");
        let expected = "docker: 'docker network create' requires 1 argument

Usage:  docker network create [OPTIONS] NETWORK

Run 'docker network create --help' for more information
";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(1)));
        let play = Play::new("docker network create --label =x probe_nw");
        assert!(
            play.stderr().starts_with("invalid argument \"=x\" for \"--label\" flag: invalid label '=x': empty name\n")
        );
        assert_eq!(play.exit(), Some(125));
        let play = Play::new("docker network create --aux-address foo=10.70.0.5 probe_nw");
        assert_eq!(play.stderr(), "no matching subnet for aux-address 10.70.0.5\n");
        assert!(play.requests().is_empty());
    }
}
