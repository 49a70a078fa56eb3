//! Bugs that real engines had or have, by name: what an engine does wrong while one is switched on. All are off until somebody
//! wants to see what his own programs make of them. Here is which there are; each is a switch in the mechanism it
//! concerns.

use core::fmt;
use std::collections::BTreeSet;

/// A bug of real engines.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Bug {
    /// A name that has no IPv6 address is denied altogether when its IPv6 address is asked for.
    AaaaNxdomain,
    /// Datagrams of tunnels have wrong checksums, and whoever gets them drops them.
    BadChecksums,
    /// The MTU that a network was given is not set on its devices.
    LargeMtu,
    /// Names are known to others only some seconds after their containers are on the network.
    LateRecords,
    /// A container that comes back to a network has no aliases there.
    LostAliases,
    /// Tunnels forget behind which host the containers are that they were told of.
    LostRemote,
    /// The flows of a container outlive it in the connection tracking.
    StaleFlows,
}

impl Bug {
    /// All of them, by name.
    pub const ALL: [Self; 7] = [
        Self::AaaaNxdomain,
        Self::BadChecksums,
        Self::LargeMtu,
        Self::LateRecords,
        Self::LostAliases,
        Self::LostRemote,
        Self::StaleFlows,
    ];

    /// The bug of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AaaaNxdomain => "aaaa-nxdomain",
            Self::BadChecksums => "bad-checksums",
            Self::LargeMtu => "large-mtu",
            Self::LateRecords => "late-records",
            Self::LostAliases => "lost-aliases",
            Self::LostRemote => "lost-remote",
            Self::StaleFlows => "stale-flows",
        }
    }

    /// Where it was reported.
    #[must_use]
    pub const fn issue(self) -> &'static str {
        match self {
            Self::AaaaNxdomain => "docker/for-mac#5088",
            Self::BadChecksums => "moby/moby#41775",
            Self::LargeMtu => "moby/moby#22297",
            Self::LateRecords => "moby/moby#40976",
            Self::LostAliases => "moby/moby#24322",
            Self::LostRemote => "moby/moby#52661",
            Self::StaleFlows => "moby/moby#8795",
        }
    }

    /// What it does, in words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::AaaaNxdomain => "a name without an IPv6 address is denied when its AAAA record is asked for",
            Self::BadChecksums => "VXLAN datagrams of the host have wrong checksums",
            Self::LargeMtu => "devices of endpoints do not get the MTU of their network",
            Self::LateRecords => "names and addresses reach the DNS servers of others 3 s late",
            Self::LostAliases => "a container that is connected again to a network has no aliases there",
            Self::LostRemote => "VXLAN devices of the host lose the far ends of single addresses",
            Self::StaleFlows => "flows of a container stay in the connection tracking when it is gone",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bugs that an engine has.
pub type Bugs = BTreeSet<Bug>;
