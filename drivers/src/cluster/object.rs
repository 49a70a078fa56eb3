//! What a cluster's store has: nodes, as values that are written and read as JSON.

use core::net::IpAddr;
use std::collections::BTreeMap;

use netyard_sim::time::Instant;
use serde::{Deserialize, Serialize};

/// What a node may do in its cluster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It runs containers.
    Worker,
    /// It decides, too.
    Manager,
}

/// What a node shall be used for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// All.
    Active,
    /// What it has, and no more.
    Pause,
    /// Nothing.
    Drain,
}

impl Availability {
    /// Reads a word of a client.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "pause" => Some(Self::Pause),
            "drain" => Some(Self::Drain),
            _ => None,
        }
    }
}

/// What a user says of a node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeSpec {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it may do.
    pub role: Role,
    /// What it is used for.
    pub availability: Availability,
}

/// A node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Node {
    /// Its id: 25 digits of base 36.
    pub id: String,
    /// The name of its host.
    pub hostname: String,
    /// Where it is reached.
    pub addr: IpAddr,
    /// What a user says of it.
    pub spec: NodeSpec,
    /// When it came, in nanoseconds since the world's beginning.
    pub created: u64,
    /// When it was changed last.
    pub updated: u64,
}

impl Node {
    /// When it came.
    #[must_use]
    pub const fn created(&self) -> Instant {
        Instant::from_nanos(self.created)
    }

    /// When it was changed last.
    #[must_use]
    pub const fn updated(&self) -> Instant {
        Instant::from_nanos(self.updated)
    }
}
