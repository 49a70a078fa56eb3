//! Ports as they are typed for `--publish` and `--expose`, in the words of docker/go-connections for what is wrong.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::port::check;
use crate::cli::script::Failure;

/// Ports of a container: which are exposed, and where they are published.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Ports(BTreeMap<String, Vec<Binding>>);

/// Where a port is published: address and port of the host; empty when the engine shall choose.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Binding {
    address: String,
    port: String,
}

impl Ports {
    /// Reads what was typed.
    pub(super) fn parse(published: &[String], exposed: &[String]) -> Result<Self, Failure> {
        let mut ports = Self::default();
        for text in published {
            ports.publish(&short_form(text)?)?;
        }
        for text in exposed {
            ports.expose(text)?;
        }
        Ok(ports)
    }

    /// The exposed ports as a request carries them; none when there are none.
    pub(super) fn exposed(&self) -> Option<Value> {
        let set: BTreeMap<&String, Value> = self.0.keys().map(|port| (port, json!({}))).collect();
        (!set.is_empty()).then(|| json!(set))
    }

    /// The bindings as a request carries them.
    pub(super) fn bindings(&self) -> Value {
        let binding = |b: &Binding| json!({"HostIp": b.address, "HostPort": b.port});
        let list = |bindings: &Vec<Binding>| bindings.iter().map(binding).collect::<Vec<_>>();
        let published = self.0.iter().filter(|(_, bindings)| !bindings.is_empty());
        json!(published.map(|(port, bindings)| (port, list(bindings))).collect::<BTreeMap<_, _>>())
    }

    /// `[[address:][host]:]container[/protocol]`, where ports may be ranges.
    fn publish(&mut self, text: &str) -> Result<(), Failure> {
        let (address, host, container) = parts(text);
        let address = checked_address(&address)?;
        let (container, protocol) = protocol(container);
        if container.is_empty() {
            return Err(Failure::new(format!("no port specified: {text}<empty>")));
        }
        let ports = Range::parse(container).map_err(|_| Failure::new(format!("invalid containerPort: {container}")))?;
        let hosts = if host.is_empty() {
            None
        } else {
            Some(Range::parse(host).map_err(|_| Failure::new(format!("invalid hostPort: {host}")))?)
        };
        if hosts.is_some_and(|hosts| hosts.span() != ports.span() && ports.span() != 0) {
            let text = format!("invalid ranges specified for container and host Ports: {container} and {host}");
            return Err(Failure::new(text));
        }
        let protocol = protocol.to_lowercase();
        if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
            return Err(Failure::new(format!("invalid proto: {protocol}")));
        }
        for (index, port) in (ports.first..=ports.last).enumerate() {
            let port_of_host = hosts.map_or_else(String::new, |hosts| hosts.text_for(index, ports));
            let bindings = self.0.entry(format!("{port}/{protocol}")).or_default();
            bindings.push(Binding { address: address.clone(), port: port_of_host });
        }
        Ok(())
    }

    /// `port[/protocol]`, where the port may be a range.
    fn expose(&mut self, text: &str) -> Result<(), Failure> {
        if text.contains(':') {
            return Err(Failure::new(format!("invalid port format for --expose: {text}")));
        }
        let (port, protocol) = protocol(text);
        let range = Range::parse(port)
            .map_err(|why| Failure::new(format!("invalid range format for --expose: {text}, error: {why}")))?;
        for port in range.first..=range.last {
            self.0.entry(format!("{port}/{protocol}")).or_default();
        }
        Ok(())
    }
}

/// Address, host port and container port; the last two colons part them.
fn parts(text: &str) -> (String, &str, &str) {
    let pieces: Vec<&str> = text.split(':').collect();
    match pieces.as_slice() {
        [container] => (String::new(), "", *container),
        [host, container] => (String::new(), *host, *container),
        [address @ .., host, container] => (address.join(":"), *host, *container),
        [] => (String::new(), "", ""),
    }
}

fn protocol(text: &str) -> (&str, &str) {
    let mut pieces = text.split('/');
    let port = pieces.next().unwrap_or_default();
    (port, pieces.next().filter(|protocol| !protocol.is_empty()).unwrap_or("tcp"))
}

fn checked_address(text: &str) -> Result<String, Failure> {
    let bare = match text.strip_prefix('[') {
        None => text,
        Some(inner) => inner.strip_suffix(']').ok_or_else(|| {
            Failure::new(format!("invalid IP address {text}: address {text}:: missing ']' in address"))
        })?,
    };
    if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
        return Err(Failure::new(format!("invalid IP address: {bare}")));
    }
    Ok(bare.to_owned())
}

/// `target=80,published=8080,protocol=udp` in the short form; other text as it is.
fn short_form(text: &str) -> Result<String, Failure> {
    if !text.contains('=') {
        return Ok(text.to_owned());
    }
    let (mut target, mut published, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("target", value)) => target = value,
            Some(("published", value)) => published = value,
            Some(("protocol", value)) => protocol = value,
            Some(_) => {}
            None => {
                let text = "invalid publish opts format (should be name=value but got '";
                return Err(Failure::new(format!("{text}{field}')")));
            }
        }
    }
    Ok(if published.is_empty() { format!("{target}/{protocol}") } else { format!("{published}:{target}/{protocol}") })
}

/// Ports that follow one another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Range {
    first: u16,
    last: u16,
}

impl Range {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty string specified for ports".to_owned());
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: check(first)?, last: check(last)? };
        if range.last < range.first {
            return Err(format!("invalid range specified for port: {text}"));
        }
        Ok(range)
    }

    /// How many ports follow the first.
    const fn span(self) -> u16 {
        self.last - self.first
    }

    /// The host port of the container port number `index`; the whole range when one port may have any of it.
    fn text_for(self, index: usize, ports: Self) -> String {
        if ports.span() == 0 && self.span() != 0 {
            return format!("{}-{}", self.first, self.last);
        }
        (usize::from(self.first) + index).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(published: &[&str], exposed: &[&str]) -> Result<Ports, String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Ports::parse(&owned(published), &owned(exposed)).map_err(|failure| failure.message)
    }

    fn bound(text: &str) -> String {
        parse(&[text], &[]).expect(text).bindings().to_string()
    }

    #[test]
    fn every_form_of_publishing() {
        assert_eq!(bound("80"), r#"{"80/tcp":[{"HostIp":"","HostPort":""}]}"#);
        assert_eq!(bound("8080:80"), r#"{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}"#);
        assert_eq!(bound("127.0.0.1::53/udp"), r#"{"53/udp":[{"HostIp":"127.0.0.1","HostPort":""}]}"#);
        assert_eq!(bound("[::1]:8080:80"), r#"{"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]}"#);
        assert_eq!(bound("::1:8080:80"), r#"{"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]}"#);
        assert_eq!(bound("9000-9005:90"), r#"{"90/tcp":[{"HostIp":"","HostPort":"9000-9005"}]}"#);
        let expected = r#"{"80/tcp":[{"HostIp":"","HostPort":"8000"}],"81/tcp":[{"HostIp":"","HostPort":"8001"}]}"#;
        assert_eq!(bound("8000-8001:80-81"), expected);
        assert_eq!(bound("target=80,published=8080,protocol=udp"), r#"{"80/udp":[{"HostIp":"","HostPort":"8080"}]}"#);
    }

    #[test]
    fn exposed_ports_stand_beside_published_ones() {
        let ports = parse(&["80"], &["7000-7001", "5/udp", "80/tcp/udp"]).expect("good");
        let exposed = ports.exposed().map(|ports| ports.to_string());
        assert_eq!(exposed.as_deref(), Some(r#"{"5/udp":{},"7000/tcp":{},"7001/tcp":{},"80/tcp":{}}"#));
        assert_eq!(ports.bindings().to_string(), r#"{"80/tcp":[{"HostIp":"","HostPort":""}]}"#);
        assert_eq!(Ports::default().exposed(), None);
    }

    /// Rows 227 to 261 of the recorded wrong commands.
    #[test]
    fn what_is_wrong_with_a_published_port() {
        let cases = [
            ("80:80:80:80", "invalid IP address: 80:80"),
            ("foo:80", "invalid hostPort: foo"),
            ("70000:80", "invalid hostPort: 70000"),
            ("80:70000", "invalid containerPort: 70000"),
            ("-1:80", "invalid hostPort: -1"),
            ("\"\"", "invalid containerPort: \"\""),
            ("80:80/foo", "invalid proto: foo"),
            ("80/foo", "invalid proto: foo"),
            ("300.1.1.1:80:80", "invalid IP address: 300.1.1.1"),
            ("localhost:8082:80", "invalid IP address: localhost"),
            ("8000-8005:80-82", "invalid ranges specified for container and host Ports: 80-82 and 8000-8005"),
            ("8010-8005:90-80", "invalid containerPort: 90-80"),
            ("[::1:8080:80", "invalid IP address [::1: address [::1:: missing ']' in address"),
            ("[banana]:8080:80", "invalid IP address: banana"),
            ("127.0.0.1:80", "invalid hostPort: 127.0.0.1"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("8086:80 ", "invalid containerPort: 80 "),
            ("8087 : 80", "invalid containerPort:  80"),
            ("8088:80,8089:81", "invalid IP address: 8088"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(&[text], &[]).expect_err(text), expected, "{text}");
        }
    }

    /// Rows 262 to 270 of the recorded wrong commands.
    #[test]
    fn what_is_wrong_with_an_exposed_port() {
        let invalid = |text: &str| format!("strconv.ParseUint: parsing {text}: invalid syntax");
        let cases = [
            ("foo", invalid("\"foo\"")),
            ("-1", invalid("\"\"")),
            ("80-70", "invalid range specified for port: 80-70".to_owned()),
            ("80-abc", invalid("\"abc\"")),
            ("\"\"", invalid("\"\\\"\\\"\"")),
        ];
        for (text, why) in cases {
            let expected = format!("invalid range format for --expose: {text}, error: {why}");
            assert_eq!(parse(&[], &[text]).expect_err(text), expected);
        }
        assert_eq!(parse(&[], &["80:90"]).expect_err("a colon"), "invalid port format for --expose: 80:90");
    }
}
