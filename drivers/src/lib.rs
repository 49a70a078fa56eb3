//! Docker's view of a simulated network: networks, endpoints, sandboxes, containers, and the engine that answers for
//! them. Commands go in, replies and events come out; files, sockets and clocks are not known here.
//!
//! The layers, each importing only from the ones before it:
//! `error id date` · `options ipam names image ports` · `plugin` · `network endpoint sandbox container events proxy` · `daemon` (its
//! settings) · `driver` (the trait) · `bridge host none overlay remote` · `cluster` · `controller` · `engine` (the HTTP-shaped door) ·
//! `template cli` (the `docker` program) · `site`.

#![forbid(unsafe_code)]

mod archive;
pub mod bridge;
pub mod bug;
pub mod cli;
pub mod cluster;
pub mod container;
pub mod controller;
pub mod daemon;
pub mod date;
pub mod driver;
pub mod endpoint;
pub mod engine;
pub mod error;
pub mod events;
pub mod host;
pub mod id;
pub mod image;
pub mod ipam;
pub mod macvlan;
pub mod names;
pub mod network;
pub mod none;
pub mod options;
pub mod overlay;
mod percent;
pub mod pipework;
pub mod plugin;
pub mod ports;
pub mod proxy;
pub mod remote;
pub mod sandbox;
mod shape;
pub mod site;
pub mod template;
pub mod volume;
