//! `docker network connect`.

use serde_json::json;

use crate::cli::command::{Arity, Command, plain};
use crate::cli::endpoint::Endpoint;
use crate::cli::flags::{Arguments, Flag, Order};
use crate::cli::link;
use crate::cli::query::path_escaped;
use crate::cli::script::{Cx, Failure, Next, Outcome, call, request_with};

/// The command.
pub(in super::super) const CONNECT: Command = Command {
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Connect a container to a network",
    aliases: "",
    flags: &[
        Flag::strings("alias", "Add network-scoped alias for the container"),
        Flag::strings("driver-opt", "driver options for the network"),
        Flag::int(
            "gw-priority",
            "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
        ),
        Flag::text("ip", "IPv4 address (e.g., \"172.30.100.104\")"),
        Flag::text("ip6", "IPv6 address (e.g., \"2001:db8::33\")"),
        Flag::list("link", "Add link to another container").checked(link::check),
        Flag::strings("link-local-ip", "Add a link-local address for the container"),
    ],
    order: Order::Mixed,
    arity: Arity::Exactly(2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let endpoint = endpoint(typed)?;
    let (network, container) = named(typed)?;
    let body = json!({"Container": container, "EndpointConfig": endpoint.full()});
    let path = format!("/networks/{}/connect", path_escaped(network));
    call(cx, request_with("POST", &path, &body), |reply, _| reply.accepted().map(|_| Next::Exit(0)))
}

/// The network and the container that were typed.
pub(in super::super) fn named(typed: &Arguments) -> Result<(&str, &str), Failure> {
    let named = |at: usize, kind: &str| match typed.rest[at].trim() {
        "" => Err(Failure::new(format!("invalid {kind} name or ID: value is empty"))),
        name => Ok(name),
    };
    Ok((named(0, "network")?, named(1, "container")?))
}

fn endpoint(typed: &Arguments) -> Result<Endpoint, Failure> {
    let option = |option: &String| match option.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_lowercase(), value.trim().to_owned())),
        _ => Err(Failure::new("invalid key/value pair format in driver options")),
    };
    Ok(Endpoint {
        ip: typed.text("ip").unwrap_or_default().to_owned(),
        ip6: typed.text("ip6").unwrap_or_default().to_owned(),
        link_local: typed.list("link-local-ip").to_vec(),
        links: typed.list("link").to_vec(),
        aliases: typed.list("alias").to_vec(),
        driver_options: typed.list("driver-opt").iter().map(option).collect::<Result<_, _>>()?,
        gateway_priority: typed.int("gw-priority").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    #[test]
    fn what_was_asked_for_becomes_the_endpoint() {
        let line = "docker network connect --alias zz --ip 10.9.0.220 --link c2:x --driver-opt A=b n1 c5";
        let mut play = Play::new(line);
        assert_eq!(play.requests(), ["POST /v1.41/networks/n1/connect"]);
        let expected = concat!(
            r#"{"Container":"c5","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.9.0.220"},"Links":["c2:x"],"#,
            r#""Aliases":["zz"],"MacAddress":"","DriverOpts":{"a":"b"},"GwPriority":0,"NetworkID":"","EndpointID":"","#,
            r#""Gateway":"","IPAddress":"","IPPrefixLen":0,"IPv6Gateway":"","GlobalIPv6Address":"","#,
            r#""GlobalIPv6PrefixLen":0,"DNSNames":null}}"#,
        );
        assert_eq!(play.body(0), expected);
        play.answer(0, 200, "");
        assert_eq!((play.stdout(), play.exit()), ("", Some(0)));
    }

    #[test]
    fn wrong_links_and_options_are_refused_before_the_engine_is_asked() {
        let play = Play::new("docker network connect --link container2:a:b isolated_nw container1");
        let expected = "invalid argument \"container2:a:b\" for \"--link\" flag: bad format for links: container2:a:b

Usage:  docker network connect [OPTIONS] NETWORK CONTAINER

Run 'docker network connect --help' for more information
";
        assert_eq!((play.stderr(), play.exit()), (expected, Some(125)));
        let play = Play::new("docker network connect --driver-opt foo isolated_nw container1");
        assert_eq!(play.stderr(), "invalid key/value pair format in driver options\n");
    }
}
