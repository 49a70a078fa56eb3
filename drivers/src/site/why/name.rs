//! Why a name has no address for the one who asks: told from what the engines know of names.

use core::net::IpAddr;

use super::Stop;
use super::packet::dropped_anywhere;
use super::question::Question;
use crate::container::Container;
use crate::engine::Engine;
use crate::sandbox::resolv;
use crate::site::{Place, Site};

/// What keeps `question.from` from finding the name; `said` is what its resolver told it. `site` is as the look-up left it.
pub(super) fn judge(site: &Site, place: &Place, question: &Question, said: &str) -> Stop {
    let (from, to) = (&question.from, &question.to);
    if let Some(stop) = other_server(site, place, from) {
        return stop;
    }
    if said == "Temporary failure in name resolution" {
        return no_server(site, from);
    }
    if let Some(host) = site.engines.iter().map(Engine::host).find(|host| host.name == *to) {
        let namespace = site.world.fabric.namespace(host.namespace);
        let addresses = namespace.device_named("eth0").map(|device| &device.addresses);
        let address = addresses.and_then(|all| all.iter().map(|address| address.net.ip()).find(IpAddr::is_ipv4));
        return Stop::new(
            format!("{from}: no record `{to}`: no name server knows the hosts by name"),
            address.map(|address| format!("use its address, {address}")),
        );
    }
    let Some((engine, asker)) = container(site, from) else {
        return Stop::new(
            format!("{from}: no record `{to}`: hosts do not know the names of containers"),
            Some("use the container's address, or publish its port".to_owned()),
        );
    };
    if let Some(stop) = dead_link(asker, to) {
        return stop;
    }
    match known(site, to) {
        Known::Nobody => Stop::new(
            format!("{from}: no record `{to}`: nothing has that name or alias"),
            Some(format!("docker run --name {to} --network {} …", first_network(asker))),
        ),
        Known::Ended(target) => Stop::new(
            format!("{from}: no record `{to}`: container {} is {}", target.name, target.state.word()),
            Some(format!("docker start {}", target.name)),
        ),
        Known::Running(there, _) if there.host().name != engine.host().name => Stop::new(
            format!("{from}: no record `{to}`: it runs on {}, another host", there.host().name),
            Some("publish its port and use that host's name".to_owned()),
        ),
        Known::Running(_, target) => apart(asker, target, to),
    }
}

/// The name is one that the asker itself gave to another container, by a link.
fn dead_link(asker: &Container, to: &str) -> Option<Stop> {
    let (network, link) = asker.networks.iter().find_map(|(network, membership)| {
        let links = membership.config.links.as_deref().unwrap_or_default();
        links.iter().find(|link| link.alias == to).map(|link| (network, link))
    })?;
    let (from, target) = (&asker.name, &link.target);
    Some(Stop::new(
        format!("{from}: no record `{to}`: {from}'s link to {target} is on {network}, where {target} is not now"),
        Some(format!("docker network connect {network} {target}")),
    ))
}

/// Both run on one engine, and the name is still not known.
fn apart(asker: &Container, target: &Container, to: &str) -> Stop {
    let shared: Vec<&String> = asker.networks.keys().filter(|name| target.networks.contains_key(*name)).collect();
    let from = &asker.name;
    if shared.iter().any(|name| *name == "bridge") && shared.len() == 1 {
        return Stop::new(
            format!("{from}: no record `{to}`: the default bridge has no names"),
            Some(format!(
                "a network of your own for both: docker network create net; docker network connect net {from}; \
                docker network connect net {}",
                target.name
            )),
        );
    }
    if shared.is_empty() {
        let list = |c: &Container| match c.networks.len() {
            0 => "no network".to_owned(),
            _ => c.networks.keys().cloned().collect::<Vec<_>>().join(", "),
        };
        let network = target.networks.keys().find(|name| *name != "bridge");
        let mend = match network {
            Some(network) => format!("docker network connect {network} {from}"),
            None => format!("docker network connect {} {}", first_network(asker), target.name),
        };
        return Stop::new(
            format!(
                "{from}: no record `{to}`: {from} is on {}, {} is on {}: they share no network",
                list(asker),
                target.name,
                list(target)
            ),
            Some(mend),
        );
    }
    let network = shared.first().map_or("", |name| name.as_str());
    Stop::new(
        format!("{from}: no record `{to}` on {network}, which both are on"),
        Some(format!(
            "docker network disconnect {network} {0}; docker network connect --alias {to} {network} {0}",
            target.name
        )),
    )
}

/// The container's resolver does not ask Docker's server, though it is on a network that has names.
fn other_server(site: &Site, place: &Place, from: &str) -> Option<Stop> {
    let (_, asker) = container(site, from)?;
    let has_names = asker.networks.keys().any(|name| !matches!(name.as_str(), "bridge" | "host" | "none"));
    let files = &site.world.processes.context(place.context).files;
    let text = files.text("/etc/resolv.conf");
    let servers = resolv::servers(&text);
    if !has_names || servers.contains(&resolv::EMBEDDED) {
        return None;
    }
    let list: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let list = if list.is_empty() { "no server".to_owned() } else { list.join(", ") };
    Some(Stop::new(
        format!("{from}: /etc/resolv.conf names {list}, not Docker's server {}", resolv::EMBEDDED),
        Some(format!("nameserver {} in {from}'s /etc/resolv.conf", resolv::EMBEDDED)),
    ))
}

fn no_server(site: &Site, from: &str) -> Stop {
    match dropped_anywhere(&site.world.fabric.capture) {
        Some((spot, _, Some(note))) => Stop::new(format!("{from}: no name server answers: {spot}: {note}"), None),
        Some((spot, reason, None)) => Stop::new(format!("{from}: no name server answers: {spot}: {reason}"), None),
        None => Stop::new(format!("{from}: no name server answers"), None),
    }
}

fn first_network(container: &Container) -> &str {
    container.networks.keys().find(|name| *name != "bridge").map_or("NETWORK", String::as_str)
}

fn container<'s>(site: &'s Site, name: &str) -> Option<(&'s Engine, &'s Container)> {
    let name = name.rsplit('/').next().unwrap_or(name);
    site.engines.iter().find_map(|engine| engine.container(name).map(|container| (engine, container)))
}

/// Who is called so.
enum Known<'s> {
    Nobody,
    Ended(&'s Container),
    Running(&'s Engine, &'s Container),
}

fn known<'s>(site: &'s Site, name: &str) -> Known<'s> {
    let all = || site.engines.iter().flat_map(|engine| engine.containers().map(move |container| (engine, container)));
    let is_called = |container: &Container| {
        let aliases = container.networks.values().filter_map(|membership| membership.config.aliases.as_ref()).flatten();
        container.name == name || aliases.into_iter().any(|alias| alias == name) || container.id.short() == name
    };
    let called: Vec<_> = all().filter(|(_, container)| is_called(container)).collect();
    match called.iter().find(|(_, container)| container.is_running()) {
        Some((engine, container)) => Known::Running(engine, container),
        None => called.first().map_or(Known::Nobody, |(_, container)| Known::Ended(container)),
    }
}
