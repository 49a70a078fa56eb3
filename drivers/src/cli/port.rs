//! `docker port`: where a container's ports are published.

use serde_json::Value;

use super::command::{Arity, Command, plain};
use super::containers::checked;
use super::flags::{Arguments, Order, quoted};
use super::listing::natural;
use super::object::{items, text};
use super::ps::joined;
use super::script::{Cx, Failure, Next, Outcome, call, request};

/// The command.
pub(super) const PORT: Command = Command {
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    about: "List port mappings or a specific mapping for the container",
    aliases: "docker container port, docker port",
    flags: &[],
    order: Order::Mixed,
    arity: Arity::Between(1, 2),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let container = typed.rest[0].clone();
    let port = typed.rest.get(1).cloned();
    call(cx, request("GET", &format!("/containers/{}/json", checked(&container)?)), move |reply, cx| {
        let found = reply.json()?;
        let ports = &found["NetworkSettings"]["Ports"];
        let mut lines = match port {
            Some(port) if !port.is_empty() => one(&container, &port, ports)?,
            _ => all(ports),
        };
        lines.sort_by_cached_key(|line| natural(line));
        lines.iter().for_each(|line| cx.print_line(line));
        Ok(Next::Exit(0))
    })
}

fn one(container: &str, port: &str, ports: &Value) -> Result<Vec<String>, Failure> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, ""));
    let protocol = if protocol.is_empty() { "tcp" } else { protocol };
    check(number).map_err(|why| Failure::new(format!("Error: invalid port ({number}): {why}")))?;
    let bindings = items(&ports[format!("{number}/{protocol}")]);
    if bindings.is_empty() {
        return Err(Failure::new(format!("Error: No public port '{port}' published for {container}")));
    }
    Ok(bindings.iter().map(address).collect())
}

/// What `strconv.ParseUint` says about a port.
pub(super) fn check(number: &str) -> Result<u16, String> {
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(number)));
    }
    number.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: value out of range", quoted(number)))
}

fn address(binding: &Value) -> String {
    joined(text(binding, "HostIp"), text(binding, "HostPort"))
}

fn all(ports: &Value) -> Vec<String> {
    let line = |port: &str, binding: &Value| format!("{port} -> {}", address(binding));
    let lines = ports.as_object().into_iter().flatten();
    lines.flat_map(|(port, bindings)| items(bindings).iter().map(move |binding| line(port, binding))).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    const PUBLISHED: &str = r#"{"NetworkSettings":{"Ports":{
        "443/tcp":[{"HostIp":"::","HostPort":"32775"},{"HostIp":"0.0.0.0","HostPort":"32775"}],
        "53/udp":[{"HostIp":"0.0.0.0","HostPort":"32768"}],"80/tcp":null}}}"#;

    fn play(line: &str) -> Play {
        let mut play = Play::new(line);
        play.answer(0, 200, PUBLISHED);
        play
    }

    #[test]
    fn addresses_are_sorted_by_number_as_well() {
        let mut play = Play::new("docker port twice 80");
        let ports = r#"{"80/tcp":[{"HostIp":"::","HostPort":"8002"},{"HostIp":"0.0.0.0","HostPort":"10001"},
            {"HostIp":"0.0.0.0","HostPort":"8001"}]}"#;
        play.answer(0, 200, format!(r#"{{"NetworkSettings":{{"Ports":{ports}}}}}"#));
        assert_eq!(play.stdout(), "0.0.0.0:8001\n0.0.0.0:10001\n[::]:8002\n");
    }

    #[test]
    fn ports_are_listed_by_number() {
        let expected = "53/udp -> 0.0.0.0:32768\n443/tcp -> 0.0.0.0:32775\n443/tcp -> [::]:32775\n";
        assert_eq!(play("docker port P2").stdout(), expected);
    }

    #[test]
    fn one_port_is_shown_without_its_number_and_sorted_too() {
        assert_eq!(play("docker port P2 53/udp").stdout(), "0.0.0.0:32768\n");
        assert_eq!(play("docker port P2 443").stdout(), "0.0.0.0:32775\n[::]:32775\n");
    }

    #[test]
    fn a_port_that_is_not_published_is_told() {
        let not_published = play("docker port web1 80/udp");
        assert_eq!(not_published.stderr(), "Error: No public port '80/udp' published for web1\n");
        let invalid = "Error: invalid port (foo): strconv.ParseUint: parsing \"foo\": invalid syntax\n";
        assert_eq!((play("docker port web1 foo").stderr(), not_published.exit()), (invalid, Some(1)));
    }
}
