//! A [`Config`] as the text of a `daemon.json`: what is not as usual.

use core::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

use super::{Config, DefaultBridge, Firewall, OnShutdown};
use crate::options::{Icc, Masquerade};

impl Config {
    /// The text of the file that says the same; empty when all is as usual.
    #[must_use]
    pub fn to_file(&self) -> String {
        let mut keys = Map::new();
        let mut say = |key: &str, value: Value| {
            keys.insert(key.to_owned(), value);
        };
        match &self.bridge {
            DefaultBridge::Docker0 => {}
            DefaultBridge::Given(name) => say("bridge", name.as_str().into()),
            DefaultBridge::Without => say("bridge", "none".into()),
        }
        let texts = [
            ("bip", self.bip.map(|net| net.to_string())),
            ("fixed-cidr", self.fixed_cidr.map(|net| net.to_string())),
            ("fixed-cidr-v6", self.fixed_cidr_v6.map(|net| net.to_string())),
            ("default-gateway", self.default_gateway.map(|ip| ip.to_string())),
            ("default-gateway-v6", self.default_gateway_v6.map(|ip| ip.to_string())),
            ("ip", Some(self.binding).filter(|ip| *ip != IpAddr::V4(Ipv4Addr::UNSPECIFIED)).map(|ip| ip.to_string())),
        ];
        let cluster = [("cluster-store", &self.cluster_store), ("cluster-advertise", &self.cluster_advertise)];
        let cluster = cluster.map(|(key, text)| (key, text.clone()));
        texts
            .into_iter()
            .chain(cluster)
            .filter_map(|(key, text)| Some((key, text?)))
            .for_each(|(key, text)| say(key, text.into()));
        let switches = [
            ("ipv6", self.ipv6, false),
            ("icc", self.icc == Icc::On, true),
            ("ip-masq", self.masquerade == Masquerade::On, true),
            ("iptables", self.firewall == Firewall::Managed, true),
            ("ip-forward", self.ip_forward, true),
            ("userland-proxy", self.userland_proxy, true),
            ("live-restore", self.on_shutdown == OnShutdown::KeepRunning, false),
        ];
        switches.into_iter().filter(|(_, is, usual)| is != usual).for_each(|(key, is, _)| say(key, is.into()));
        if self.mtu != 0 {
            say("mtu", self.mtu.into());
        }
        let lists = [("dns", &self.dns.servers), ("dns-search", &self.dns.search), ("dns-opts", &self.dns.options)];
        lists.into_iter().filter(|(_, list)| !list.is_empty()).for_each(|(key, list)| say(key, json!(list)));
        let pools: Vec<Value> =
            self.pools.given().iter().map(|pool| json!({ "base": pool.base.to_string(), "size": pool.size })).collect();
        if !pools.is_empty() {
            say("default-address-pools", pools.into());
        }
        if keys.is_empty() {
            return String::new();
        }
        serde_json::to_string_pretty(&keys).expect("a map of values is JSON") + "\n"
    }
}
