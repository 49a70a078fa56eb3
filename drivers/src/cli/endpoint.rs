//! Endpoint settings: how a container shall be joined to a network, as requests carry it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What was asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Endpoint {
    /// IPv4 address.
    pub(super) ip: String,
    /// IPv6 address.
    pub(super) ip6: String,
    /// Link-local addresses.
    pub(super) link_local: Vec<String>,
    /// Other containers under other names.
    pub(super) links: Vec<String>,
    /// Names on this network.
    pub(super) aliases: Vec<String>,
    /// Options of the driver.
    pub(super) driver_options: BTreeMap<String, String>,
    /// How much its gateway is wanted as the default one.
    pub(super) gateway_priority: i64,
}

impl Endpoint {
    /// The settings where what was not asked for is `null`, as `docker run` writes them.
    pub(super) fn sparse(&self) -> Value {
        let addresses = self.addresses();
        let is_empty = addresses.as_object().is_none_or(Map::is_empty);
        let aliases = nothing_if(self.aliases.is_empty(), &self.aliases);
        let options = nothing_if(self.driver_options.is_empty(), &self.driver_options);
        self.settings(&nothing_if(is_empty, &addresses), &aliases, &options)
    }

    /// The settings where what was not asked for is empty, as `docker network connect` writes them.
    pub(super) fn full(&self) -> Value {
        self.settings(&self.addresses(), &json!(self.aliases), &json!(self.driver_options))
    }

    fn addresses(&self) -> Value {
        let mut addresses = Map::new();
        for (name, address) in [("IPv4Address", &self.ip), ("IPv6Address", &self.ip6)] {
            if !address.is_empty() {
                addresses.insert(name.to_owned(), json!(address));
            }
        }
        if !self.link_local.is_empty() {
            addresses.insert("LinkLocalIPs".to_owned(), json!(self.link_local));
        }
        Value::Object(addresses)
    }

    fn settings(&self, addresses: &Value, aliases: &Value, options: &Value) -> Value {
        json!({
            "IPAMConfig": addresses, "Links": nothing_if(self.links.is_empty(), &self.links), "Aliases": aliases,
            "MacAddress": "", "DriverOpts": options, "GwPriority": self.gateway_priority, "NetworkID": "",
            "EndpointID": "", "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "",
            "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "DNSNames": null,
        })
    }
}

/// `value`, or `null` when there is nothing in it.
pub(super) fn nothing_if(empty: bool, value: &impl serde::Serialize) -> Value {
    if empty { Value::Null } else { json!(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_is_null_or_empty() {
        let nothing = Endpoint::default();
        let sparse = nothing.sparse().to_string();
        assert!(sparse.starts_with(r#"{"IPAMConfig":null,"Links":null,"Aliases":null,"#), "{sparse}");
        let full = nothing.full().to_string();
        assert!(full.starts_with(r#"{"IPAMConfig":{},"Links":null,"Aliases":[],"#), "{full}");
    }

    #[test]
    fn addresses_stand_together() {
        let asked =
            Endpoint { ip: "10.0.0.4".to_owned(), link_local: vec!["169.254.1.1".to_owned()], ..Endpoint::default() };
        let expected = r#"{"IPv4Address":"10.0.0.4","LinkLocalIPs":["169.254.1.1"]}"#;
        assert_eq!(asked.sparse()["IPAMConfig"].to_string(), expected);
    }
}
