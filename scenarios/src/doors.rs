//! The doors by which strangers' bytes come in, and what is promised at each: an answer, a counted drop or an error,
//! never a panic or a hang. The fuzz targets and the test suite knock here; nobody else does. Nothing is drawn here.

mod frames;
mod lines;
mod messages;
mod nodes;
mod plugins;
mod store;

use crate::panics;

/// A door, and with it what bytes mean there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Door {
    /// Requests to the engine's API: a line with method and target and then the body, each up to a zero byte.
    Api,
    /// Frames into a bridge with four ports.
    Bridge,
    /// Lines that a stranger says to the nodes of a swarm, and that a false manager answers.
    Cluster,
    /// DNS messages to a container's server, as queries and as what its upstream says.
    Dns,
    /// Lines of words for `docker`.
    Docker,
    /// Frames into a stack with open sockets.
    Host,
    /// Lines of words for `ip`.
    Ip,
    /// Lines of words for `iptables`.
    Iptables,
    /// Frames that a capture file shall hold.
    Pcapng,
    /// What a plugin answers, a line each, while networks and containers come and go that it has a hand in.
    Plugin,
    /// Frames into a router with NAT, from both its sides.
    Router,
    /// Scenario files.
    Scenario,
    /// Lines of a shell.
    Shell,
    /// What strangers write into a store that engines share, and what they answer in etcd's place.
    Store,
    /// Frames as a TAP device hands them over, header first, into a bridge with others on it.
    Tap,
    /// Go templates.
    Template,
    /// Frames into a bridge with a tunnel's end on it, and datagrams for the tunnel.
    Vtep,
}

impl Door {
    /// All of them, with the names that their fuzz targets and corpora have.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Api, "api"),
        (Self::Bridge, "bridge"),
        (Self::Cluster, "cluster"),
        (Self::Dns, "dns"),
        (Self::Docker, "docker"),
        (Self::Host, "host"),
        (Self::Ip, "ip"),
        (Self::Iptables, "iptables"),
        (Self::Pcapng, "pcapng"),
        (Self::Plugin, "plugin"),
        (Self::Router, "router"),
        (Self::Scenario, "scenario"),
        (Self::Shell, "shell"),
        (Self::Store, "store"),
        (Self::Tap, "tap"),
        (Self::Template, "template"),
        (Self::Vtep, "vtep"),
    ];

    /// Puts bytes in.
    ///
    /// # Panics
    /// When what is promised is not kept.
    pub fn knock(self, bytes: &[u8]) {
        panics::hush();
        let text = || String::from_utf8_lossy(bytes);
        match self {
            Self::Api => messages::api(bytes),
            Self::Bridge => frames::bridge(bytes),
            Self::Cluster => nodes::cluster(&text()),
            Self::Dns => messages::dns(bytes),
            Self::Docker => lines::docker(&text()),
            Self::Host => frames::host(bytes),
            Self::Ip => lines::ip(&text()),
            Self::Iptables => lines::iptables(&text()),
            Self::Pcapng => messages::pcapng(bytes),
            Self::Plugin => plugins::plugin(&text()),
            Self::Router => frames::router(bytes),
            Self::Scenario => lines::scenario(&text()),
            Self::Shell => lines::shell(&text()),
            Self::Store => store::store(&text()),
            Self::Tap => frames::tap(bytes),
            Self::Template => lines::template(&text()),
            Self::Vtep => frames::vtep(bytes),
        }
    }

    /// Frames as the bytes that the doors for frames take: each with the port it comes in by.
    #[must_use]
    pub fn frames<'f>(frames: impl IntoIterator<Item = (u8, &'f [u8])>) -> Vec<u8> {
        frames::write(frames)
    }
}
