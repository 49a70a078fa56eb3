//! A cluster of engines (a swarm): what its manager keeps, what its nodes say to each other, and the way that takes over
//! the network. Which request of a client leads to what is the engine's affair; devices are a driver's.
//!
//! How it works: the managers' state is in a [`store`]. One of them leads and alone changes it; the others agree to that or do
//! not, and one of them leads when it is gone ([`raft`]). A node asks the leader over TCP
//! ([`message`], answered by [`manager`]) and tells the other nodes over UDP what it has itself ([`gossip`]). Both are real
//! traffic of the hosts, carried by a process ([`post`]): what a cut cable stops is not known on its other side, and is
//! caught up with when it is mended. What tasks print goes the same way to whom wants it ([`broker`]).
//!
//! Engines that were given a store instead of a swarm (`--cluster-store`) have no manager: each is a [`client`] of the store
//! and plans its own changes ([`shared`]), of which the store takes those that were planned on what it says. The embedded
//! store is kept by a [`keeper`].

pub mod board;
pub mod broker;
pub mod client;
pub mod gossip;
pub mod keeper;
pub mod manager;
pub mod message;
pub mod object;
pub mod post;
pub mod raft;
pub mod remote;
pub mod service;
pub mod settings;
pub mod shared;
pub mod store;
pub mod token;
pub mod view;

/// Where managers are asked.
pub const CONTROL_PORT: u16 = 2377;
/// Where nodes hear each other.
pub const GOSSIP_PORT: u16 = 7946;
