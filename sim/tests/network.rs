//! Short stories about networks: namespaces joined by hand, and what passes between them.

mod network {
    pub(crate) mod balance;
    pub(crate) mod bridge;
    pub(crate) mod configure;
    pub(crate) mod determinism;
    pub(crate) mod errors;
    pub(crate) mod firewall;
    pub(crate) mod fragments;
    pub(crate) mod hostile;
    pub(crate) mod lab;
    pub(crate) mod neighbours;
    pub(crate) mod outside;
    pub(crate) mod qdisc;
    pub(crate) mod resolver;
    pub(crate) mod routing;
    pub(crate) mod spanning;
    pub(crate) mod tcp;
    pub(crate) mod udp;
    pub(crate) mod vxlan;
}
