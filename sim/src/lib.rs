//! A network in one process, as a function of input, time and seed.
//!
//! It holds Linux network namespaces with their devices, bridges, routes, neighbours, netfilter and sockets, the
//! links between them, and a small userland (a shell, ping, ip …) that runs on top. Frames and time go in, frames
//! and time come out. It is not aware of Docker, and it never sees a clock, a thread, a file or a real socket.
//!
//! The layers, each importing only from the ones before it:
//! `time rng` · `addr id range` · `frame` · `packet` · `socket event drop mib link bridge vxlan stack` · `qdisc` · `device` ·
//! `capture route neighbour conntrack dns` · `ipvs` · `filter` · `nat` · `netfilter` · `namespace` · `fabric` · `userland` ·
//! `world`.

#![forbid(unsafe_code)]

pub mod addr;
pub mod bridge;
pub mod capture;
pub mod conntrack;
pub mod device;
pub mod dns;
pub mod drop;
pub mod event;
pub mod fabric;
pub mod filter;
pub mod frame;
pub mod id;
pub mod ipvs;
pub mod link;
pub mod mib;
pub mod namespace;
pub mod nat;
pub mod neighbour;
pub mod netfilter;
pub mod packet;
pub mod qdisc;
pub mod range;
pub mod rng;
pub mod route;
pub mod socket;
pub mod stack;
pub mod time;
pub mod userland;
pub mod vxlan;
pub mod world;
