//! `GET /containers/json`: the list.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use netyard_sim::world::World;
use serde::Serialize;
use serde_json::Value;

use super::health::Health;
use super::request::Filters;
use super::shapes::EndpointJson;
use super::{Call, Engine, Reply};
use crate::container::{Container, State};
use crate::date;
use crate::error::Error;
use crate::id::Id;
use crate::ports::Port;

const FILTERS: [&str; 15] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

/// Words for how a container stands, and for its health.
const STATES: [&str; 7] = ["created", "dead", "exited", "paused", "removing", "restarting", "running"];
const HEALTH: [&str; 4] = ["healthy", "none", "starting", "unhealthy"];

/// Ports that a filter means: `80`, `80-90/udp`.
struct PortRange {
    numbers: core::ops::RangeInclusive<u16>,
    protocol: String,
}

impl PortRange {
    fn parse(text: &str) -> Result<Self, String> {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (low, high) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let number = |part: &str| {
            let why = if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                "invalid syntax"
            } else {
                "value out of range"
            };
            part.parse::<u16>().map_err(|_| format!("strconv.ParseUint: parsing \"{part}\": {why}"))
        };
        let (low, high) = (number(low)?, number(high)?);
        if low > high {
            return Err(format!("Invalid range specified for the Port: {numbers}"));
        }
        Ok(Self { numbers: low..=high, protocol: protocol.to_owned() })
    }

    fn has(&self, port: &Port) -> bool {
        self.numbers.contains(&port.number) && port.protocol.to_string() == self.protocol
    }
}

/// One container in the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    id: Id,
    names: Vec<String>,
    image: &'a str,
    #[serde(rename = "ImageID")]
    image_id: String,
    command: String,
    created: u64,
    ports: Vec<PortLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_rw: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_root_fs: Option<u64>,
    labels: &'a BTreeMap<String, String>,
    state: &'static str,
    status: String,
    host_config: HostLine,
    network_settings: NetworksLine,
    mounts: Vec<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PortLine {
    #[serde(rename = "IP", skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    private_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_port: Option<u16>,
    #[serde(rename = "Type")]
    protocol: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostLine {
    network_mode: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NetworksLine {
    networks: BTreeMap<String, EndpointJson>,
}

impl Engine {
    /// `GET /containers/json`: the running ones, or all; the youngest first.
    pub(super) fn container_list(&self, world: &mut World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let filters = query.filters(&FILTERS)?;
        self.check_filters(&filters)?;
        let limit = query.number("limit").and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let all = query.flag("all") || limit.is_some() || !filters.values("status").is_empty();
        let mut fits: Vec<&Container> =
            self.containers.values().filter(|c| all || c.is_up()).filter(|c| self.is_listed(c, &filters)).collect();
        fits.sort_by_key(|c| core::cmp::Reverse(c.created));
        fits.truncate(limit.unwrap_or(usize::MAX));
        let sized = query.flag("size");
        Ok(Reply::ok(&fits.into_iter().map(|c| self.line(world, c, sized)).collect::<Vec<_>>()))
    }

    /// All containers with their sizes, the youngest first.
    pub(super) fn all_lines<'a>(&'a self, world: &mut World) -> Vec<impl Serialize + use<'a>> {
        let mut all: Vec<&Container> = self.containers.values().collect();
        all.sort_by_key(|c| core::cmp::Reverse(c.created));
        all.into_iter().map(|c| self.line(world, c, true)).collect()
    }

    fn line<'a>(&'a self, world: &mut World, container: &'a Container, sized: bool) -> Line<'a> {
        let written = if sized { self.written(world, container) } else { 0 };
        let networks = container.networks.iter().map(|(name, membership)| {
            let endpoint = self.endpoint_of(container, membership);
            (name.clone(), EndpointJson::listed(membership, endpoint))
        });
        Line {
            id: container.id,
            names: self.names_of(container),
            image: &container.config.image_reference,
            image_id: container.config.image.digest(),
            command: command(&container.config.argv),
            created: self.epoch.unix_nanos(container.created) / 1_000_000_000,
            ports: self.ports_of(container).iter().flat_map(|(port, hosts)| lines(*port, hosts)).collect(),
            size_rw: Some(written).filter(|written| *written > 0),
            size_root_fs: sized.then_some(container.config.image.size + written),
            labels: &container.config.labels,
            state: container.state.word(),
            status: status(world, container, self.health_of(container.id)),
            host_config: HostLine { network_mode: self.runs[&container.id].echo.host_config()["NetworkMode"].take() },
            network_settings: NetworksLine { networks: networks.collect() },
            mounts: container.config.mounts.iter().map(super::inspect::mount).collect(),
        }
    }

    /// The ports of a running container, with the host's addresses at which they are published. Those that it only
    /// exposes are shown when it is on a network that could publish them.
    pub(super) fn ports_of(&self, container: &Container) -> BTreeMap<Port, Vec<SocketAddr>> {
        let mut ports = BTreeMap::new();
        // One of them may be there only for the way out.
        for endpoint in container.sandbox.into_iter().flat_map(|sandbox| self.controller.endpoints_in(sandbox)) {
            let Some(published) = &endpoint.published else { continue };
            for port in &container.config.exposed {
                ports.entry(*port).or_insert_with(Vec::new);
            }
            for binding in published {
                ports.entry(binding.port).or_insert_with(Vec::new).push(binding.host);
            }
        }
        ports
    }

    fn is_listed(&self, container: &Container, filters: &Filters) -> bool {
        let config = &container.config;
        let youth = |term: &str| self.find_container(term).ok().map(|other| container.created.cmp(&other.created));
        filters.any("id", |prefix| container.id.begins_with(prefix))
            && filters.matches("name", &[&format!("/{}", container.name), &container.name])
            && filters.any("status", |word| word == container.state.word())
            && filters.any("ancestor", |image| self.images.find(image).is_some_and(|image| image.id == config.image.id))
            && filters.any("health", |word| self.health_of(container.id).map_or("none", Health::word) == word)
            && filters.any("network", |term| self.is_on(container, term))
            && filters.any("exited", |code| container.state == State::Exited(code.parse().unwrap_or(-1)))
            && filters.any("is-task", |word| matches!(word, "0" | "false"))
            && filters.any("expose", |port| {
                PortRange::parse(port).is_ok_and(|range| config.exposed.iter().any(|port| range.has(port)))
            })
            && filters
                .any("publish", |port| PortRange::parse(port).is_ok_and(|range| self.is_published(container, &range)))
            && filters.any("before", |term| youth(term) == Some(core::cmp::Ordering::Less))
            && filters.any("since", |term| youth(term) == Some(core::cmp::Ordering::Greater))
            && filters.any("volume", |term| {
                config.mounts.iter().any(|m| m.volume.as_deref() == Some(term) || m.destination == term)
            })
            && filters.labels(&config.labels)
    }

    /// Whether one of these ports of the host leads to it.
    fn is_published(&self, container: &Container, range: &PortRange) -> bool {
        let ports = self.ports_of(container);
        ports.iter().any(|(port, hosts)| {
            port.protocol.to_string() == range.protocol && hosts.iter().any(|host| range.numbers.contains(&host.port()))
        })
    }

    /// Whether the values of filters are such as the engine knows, in its order of looking.
    fn check_filters(&self, filters: &Filters) -> Result<(), Error> {
        let first = |key: &str, wrong: &dyn Fn(&str) -> bool| filters.values(key).iter().find(|value| wrong(value));
        if let Some(code) = first("exited", &|code| code.parse::<i64>().is_err()) {
            return Err(Error::BadParameter(format!("strconv.Atoi: parsing \"{code}\": invalid syntax")));
        }
        if let Some(word) = first("status", &|word| !STATES.contains(&word)) {
            return Err(Error::InvalidFilter(format!("status={word}")));
        }
        if let Some(word) = first("is-task", &|word| !matches!(word, "0" | "1" | "false" | "true")) {
            return Err(Error::InvalidFilter(format!("is-task=[{word}]")));
        }
        if let Some(word) = first("health", &|word| !HEALTH.contains(&word)) {
            return Err(Error::BadParameter(format!("Unrecognised filter value for health: {word}")));
        }
        for key in ["before", "since"] {
            if let Some(name) = first(key, &|name| self.find_container(name).is_err()) {
                return Err(Error::NoSuchContainer(name.clone()));
            }
        }
        for key in ["publish", "expose"] {
            for port in filters.values(key) {
                let look_up = |why| Error::BadParameter(format!("error while looking up for {key} {port}: {why}"));
                PortRange::parse(port).map_err(look_up)?;
            }
        }
        Ok(())
    }

    fn is_on(&self, container: &Container, term: &str) -> bool {
        let by_id = |id: &Id| id.to_string() == term;
        container.networks.iter().any(|(name, m)| name == term || m.network.as_ref().is_some_and(by_id))
    }
}

/// A port as the list shows it: once for each address at which it is published.
fn lines(port: Port, hosts: &[SocketAddr]) -> Vec<PortLine> {
    let line = |host: Option<&SocketAddr>| PortLine {
        ip: host.map(SocketAddr::ip),
        private_port: port.number,
        public_port: host.map(SocketAddr::port),
        protocol: port.protocol.to_string(),
    };
    if hosts.is_empty() { vec![line(None)] } else { hosts.iter().map(|host| line(Some(host))).collect() }
}

/// Program and arguments; an argument with a blank in it stands in quotes.
fn command(argv: &[String]) -> String {
    let quoted = |(at, word): (usize, &String)| {
        if at > 0 && word.contains(' ') { format!("'{word}'") } else { word.clone() }
    };
    argv.iter().enumerate().map(quoted).collect::<Vec<_>>().join(" ")
}

fn status(world: &World, container: &Container, health: Option<&Health>) -> String {
    let since = |at| date::human(world.now().since(at));
    match (container.state, container.started, container.finished) {
        (State::Running(_), Some(at), _) => match health {
            Some(health) => format!("Up {} ({})", since(at), health.remark()),
            None => format!("Up {}", since(at)),
        },
        (State::Paused(_), Some(at), _) => format!("Up {} (Paused)", since(at)),
        (State::Restarting(code), _, Some(at)) => format!("Restarting ({code}) {} ago", since(at)),
        (State::Exited(code), _, Some(at)) => format!("Exited ({code}) {} ago", since(at)),
        _ => "Created".to_owned(),
    }
}
