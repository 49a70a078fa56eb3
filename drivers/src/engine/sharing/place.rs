//! What `--cluster-store` and `--cluster-advertise` mean: where the store is, and who one is in it.

use core::net::{IpAddr, SocketAddr};

use netyard_sim::vxlan;
use netyard_sim::world::World;

use crate::daemon::Error;
use crate::engine::Engine;

/// How the keys of stores begin whose URL says nothing else.
const PREFIX: &str = "netyard";

/// Where a store is, and who one is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::engine) struct Place {
    /// The store, as it was written.
    pub(super) url: String,
    /// Its host, as it was written.
    pub(super) host: String,
    /// Its address, when that was written.
    pub(super) addr: Option<SocketAddr>,
    /// How the keys begin.
    pub(super) prefix: String,
    /// Where others reach the node.
    pub(super) node: SocketAddr,
    /// The same, if it was said.
    pub(super) advertise: Option<String>,
}

/// What a store's URL says: host, port and how keys begin.
///
/// # Errors
/// In dockerd's words where it has some.
pub fn read_url(url: &str) -> Result<(String, u16, String), String> {
    let form = || "kv store daemon config must be of the form KV-PROVIDER://KV-URL".to_owned();
    let (provider, rest) = url.split_once("://").ok_or_else(form)?;
    if provider != "etcd" {
        return Err("Backend storage not supported yet, please choose one of etcd".to_owned());
    }
    let (at, path) = rest.split_once('/').unwrap_or((rest, ""));
    let wrong = || format!("netyard speaks to one etcd, at etcd://HOST:PORT[/PREFIX], and not at {url}");
    let (host, port) = at.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains([',', '@', '?', '#', ' ']) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let path = path.trim_matches('/');
    let prefix = if path.is_empty() { PREFIX } else { path };
    Ok((host.to_owned(), port, format!("{prefix}/")))
}

impl Engine {
    /// What its settings say; none when they name no store.
    ///
    /// # Errors
    /// They say what cannot be, in dockerd's words.
    pub(super) fn place_of(&self, world: &World) -> Result<Option<Place>, Error> {
        let Some(url) = self.config.cluster_store.clone() else { return Ok(None) };
        let node = self.config.cluster_advertise.as_deref().map(|text| self.advertise(world, text)).transpose()?;
        let refuse = |why: String| {
            Error::Start(format!("Error initializing network controller: error obtaining controller instance: {why}"))
        };
        let (host, port, prefix) = read_url(&url).map_err(refuse)?;
        let addr = host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
        let own = || {
            let towards = addr.and_then(|addr| self.source_towards(world, addr.ip()));
            let found = towards.map(|ip| SocketAddr::new(ip, vxlan::PORT));
            let found = found.map_or_else(|| self.advertised(world, vxlan::PORT, ""), Ok);
            found.map_err(|error| Error::Start(error.to_string()))
        };
        let advertise = node.map(|node| node.to_string());
        let node = node.map_or_else(own, Ok)?;
        Ok(Some(Place { url, host, addr, prefix, node, advertise }))
    }

    /// `ADDRESS:PORT` or `DEVICE:PORT`.
    fn advertise(&self, world: &World, text: &str) -> Result<SocketAddr, Error> {
        let failed = |why: String| Error::Start(format!("discovery advertise parsing failed: {why}"));
        let Some((host, port)) = text.rsplit_once(':') else {
            let why =
                format!("invalid --cluster-advertise configuration: {text}: address {text}: missing port in address");
            return Err(failed(why));
        };
        let port = port.parse().map_err(|_| failed(format!("invalid --cluster-advertise configuration: {text}")))?;
        let given = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let device = || world.fabric.namespace(self.host.namespace).device_named(host);
        let first = || device()?.addresses.iter().map(|address| address.net.ip()).find(IpAddr::is_ipv4);
        let ip = given.or_else(first).ok_or_else(|| {
            failed(format!(
                "invalid cluster advertise IP address or interface name ({text}) : route ip+net: no such network interface"
            ))
        });
        ip.map(|ip| SocketAddr::new(ip, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused() {
        let read = |url: &str| read_url(url).map(|(host, port, prefix)| format!("{host} {port} {prefix}"));
        assert_eq!(read("etcd://127.0.0.1:2379"), Ok("127.0.0.1 2379 netyard/".to_owned()));
        assert_eq!(read("etcd://[::1]:2379/a/b/"), Ok("::1 2379 a/b/".to_owned()));
        let form = "kv store daemon config must be of the form KV-PROVIDER://KV-URL";
        assert_eq!(read("127.0.0.1:2379"), Err(form.to_owned()));
        let other = "Backend storage not supported yet, please choose one of etcd";
        assert_eq!(read("consul://127.0.0.1:8500"), Err(other.to_owned()));
        for wrong in ["etcd://", "etcd://h", "etcd://h:0", "etcd://:1", "etcd://a:1,b:2", "etcd://u@h:1"] {
            assert!(read(wrong).is_err_and(|why| why.starts_with("netyard speaks to one etcd")), "{wrong}");
        }
    }
}
