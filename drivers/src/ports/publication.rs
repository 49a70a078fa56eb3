//! Where the ports of a container shall be published: `PortBindings`, `PublishAllPorts` and the exposed ports of a
//! request, read into what a driver needs. Which port of the host it becomes is the allocator's choice.

use core::cmp::Reverse;
use core::net::IpAddr;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Port, Protocol};

/// A port that shall be published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Publication {
    /// The port of the container.
    pub port: Port,
    /// The address of the host; the network's own when none.
    pub address: Option<IpAddr>,
    /// The first and last of the host's ports that will do; 0 and 0 for any.
    pub range: (u16, u16),
}

/// Reads what is asked, in the order in which the engine publishes: those with the highest port of the host first, then
/// the highest port of the container, TCP before UDP (oracle fact 61). A binding of a port that is not exposed means
/// nothing, as in the engine.
///
/// # Errors
/// The word that is no port.
pub fn publications(
    bindings: &Map<String, Value>,
    exposed: &BTreeSet<Port>,
    all: bool,
) -> Result<Vec<Publication>, String> {
    let mut found = Vec::new();
    for (key, list) in bindings {
        let number = key.split('/').next().unwrap_or_default();
        if number.parse::<u16>().is_err() {
            return Err(number.to_owned());
        }
        // The engine looks a binding up by the exposed port's own text, so `81` alone is found by nobody.
        let port: Option<Port> = key.contains('/').then(|| key.parse().ok()).flatten();
        for binding in list.as_array().into_iter().flatten() {
            let range = range(binding["HostPort"].as_str().unwrap_or_default())?;
            let address = binding["HostIp"].as_str().and_then(|text| text.parse().ok());
            let port = port.filter(|port| exposed.contains(port));
            found.extend(port.map(|port| Publication { port, address, range }));
        }
    }
    if all {
        let bound: BTreeSet<Port> = found.iter().map(|p: &Publication| p.port).collect();
        let unbound = exposed.difference(&bound);
        found.extend(unbound.map(|port| Publication { port: *port, address: None, range: (0, 0) }));
    }
    found.sort_by_key(|p| Reverse((p.range.0, p.port.number, p.port.protocol == Protocol::Tcp)));
    Ok(found)
}

/// `8080`, `8000-8010`, or nothing for any.
fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u16>().ok() };
    let range = port(first).zip(port(last)).filter(|(first, last)| first <= last);
    range.ok_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bindings: &str, exposed: &[&str], all: bool) -> Result<Vec<String>, String> {
        let bindings = serde_json::from_str(bindings).unwrap();
        let exposed = exposed.iter().map(|text| text.parse().unwrap()).collect();
        let shown = |p: &Publication| format!("{}-{}->{}", p.range.0, p.range.1, p.port);
        publications(&bindings, &exposed, all).map(|found| found.iter().map(shown).collect())
    }

    #[test]
    fn the_highest_port_of_the_host_is_published_first() {
        let bindings = r#"{"53/tcp":[{"HostPort":"53"}],"53/udp":[{"HostPort":"53"}],"443/tcp":[{"HostPort":"8443"}],
            "80/tcp":[{"HostPort":"8001"},{"HostPort":"8002"}]}"#;
        let expected =
            ["8443-8443->443/tcp", "8002-8002->80/tcp", "8001-8001->80/tcp", "53-53->53/tcp", "53-53->53/udp"];
        assert_eq!(read(bindings, &["53", "53/udp", "443", "80"], false).unwrap(), expected);
    }

    #[test]
    fn all_exposed_ports_that_have_no_binding_are_published_from_the_highest_down() {
        let expected = ["9090-9090->80/tcp", "0-0->443/tcp", "0-0->53/udp"];
        assert_eq!(read(r#"{"80/tcp":[{"HostPort":"9090"}]}"#, &["80", "443", "53/udp"], true).unwrap(), expected);
    }

    #[test]
    fn what_is_not_exposed_is_not_published_and_what_is_no_port_is_refused() {
        assert_eq!(read(r#"{"81/tcp":[{"HostPort":"1"}],"80":[{"HostPort":"1"}]}"#, &["80"], false), Ok(vec![]));
        for (bindings, word) in [
            (r#"{"x/tcp":[]}"#, "x"),
            (r#"{"80-82/tcp":[]}"#, "80-82"),
            (r#"{"80/tcp":[{"HostPort":"70000"}]}"#, "70000"),
            (r#"{"80/tcp":[{"HostPort":"90-80"}]}"#, "90-80"),
        ] {
            assert_eq!(read(bindings, &["80"], false), Err(word.to_owned()));
        }
    }
}
