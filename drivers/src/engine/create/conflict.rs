//! Options of a new container that do not go together. What one of them means is not known here.

use super::{Asked, HostAsked};
use crate::container::NetworkMode;
use crate::error::Error;

/// Refuses what cannot go together, in Docker's order.
///
/// # Errors
/// `BadParameter` with the first conflict.
pub(super) fn check(mode: &NetworkMode, asked: &Asked, host: &HostAsked) -> Result<(), Error> {
    let joins = matches!(mode, NetworkMode::Container(_));
    let named = asked.hostname.as_ref().is_some_and(|name| !name.is_empty());
    let publishes = host.port_bindings.as_ref().is_some_and(|ports| !ports.is_empty());
    let publishes = publishes || host.publish_all_ports == Some(true);
    let exposes = asked.exposed_ports.as_ref().is_some_and(|ports| !ports.is_empty());
    let conflicts = [
        (joins && named, "hostname and the network mode"),
        (joins && filled(&host.links), CONTAINER_WITH_LINKS),
        (joins && filled(&host.dns), "dns and the network mode"),
        (joins && filled(&host.extra_hosts), "custom host-to-IP mapping and the network mode"),
        (joins && publishes, "port publishing and the container type network mode"),
        (joins && exposes, "port exposing and the container type network mode"),
        (named && host.uts_mode.as_deref() == Some("host"), "hostname and the UTS mode"),
        (*mode == NetworkMode::Host && filled(&host.links), HOST_WITH_LINKS),
    ];
    match conflicts.iter().find(|(found, _)| *found) {
        Some((_, text)) => Err(Error::BadParameter(format!("conflicting options: {text}"))),
        None => Ok(()),
    }
}

const CONTAINER_WITH_LINKS: &str =
    "container type network can't be used with links. This would result in undefined behavior";
const HOST_WITH_LINKS: &str = "host type networking can't be used with links. This would result in undefined behavior";

fn filled(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn conflict(mode: &str, asked: Value, host: Value) -> Option<String> {
        let mode = NetworkMode::parse(mode).expect("a good mode");
        let asked: Asked = serde_json::from_value(asked).expect("a body");
        let host: HostAsked = serde_json::from_value(host).expect("a host configuration");
        let refused = check(&mode, &asked, &host).err()?.to_string();
        Some(refused.strip_prefix("conflicting options: ").expect("what every conflict begins with").to_owned())
    }

    #[test]
    fn who_joins_another_container_brings_nothing_of_its_own() {
        let said = |asked, host| conflict("container:c1", asked, host);
        assert_eq!(said(json!({}), json!({"PortBindings": {}, "PublishAllPorts": false})), None);
        let ports = "port publishing and the container type network mode";
        assert_eq!(said(json!({}), json!({"PublishAllPorts": true})).as_deref(), Some(ports));
        assert_eq!(
            said(json!({"ExposedPorts": {"80/tcp": {}}}), json!({"PortBindings": {"80/tcp": []}})).as_deref(),
            Some(ports),
            "publishing is looked at before exposing"
        );
        let exposed = said(json!({"ExposedPorts": {"80/tcp": {}}}), json!({}));
        assert_eq!(exposed.as_deref(), Some("port exposing and the container type network mode"));
        let named = said(json!({"Hostname": "x"}), json!({"UTSMode": "host", "Dns": ["192.0.2.8"]}));
        assert_eq!(named.as_deref(), Some("hostname and the network mode"));
    }

    #[test]
    fn a_host_name_needs_a_uts_namespace_and_links_one_for_the_network() {
        let uts = json!({"UTSMode": "host"});
        assert_eq!(conflict("none", json!({"Hostname": "x"}), uts).as_deref(), Some("hostname and the UTS mode"));
        assert_eq!(conflict("host", json!({"Hostname": "x"}), json!({})), None);
        assert_eq!(conflict("host", json!({}), json!({"Links": ["c1"]})).as_deref(), Some(HOST_WITH_LINKS));
        assert_eq!(conflict("none", json!({}), json!({"Links": ["c1"]})), None);
    }
}
