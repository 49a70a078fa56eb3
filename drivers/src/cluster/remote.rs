//! What is asked of a store that is somewhere else, and the answers: values, whoever carries them. The embedded store is
//! asked so over the simulated network, etcd over a real one.

use serde::{Deserialize, Serialize};

use super::store::{Change, Commit, LeaseId};

/// What is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Ask {
    /// All values whose keys begin so.
    Read {
        /// The beginning.
        prefix: String,
    },
    /// What has changed after a revision of those; the answer waits until something has, or long enough.
    Watch {
        /// The beginning of the keys.
        prefix: String,
        /// The revision.
        after: u64,
    },
    /// Changes, all or none.
    Commit(Commit),
    /// A lease.
    Grant {
        /// How long it lasts, in seconds.
        ttl_s: u64,
    },
    /// A lease begins anew.
    KeepAlive {
        /// Which.
        lease: LeaseId,
    },
    /// A lease ends.
    Revoke {
        /// Which.
        lease: LeaseId,
    },
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Answer {
    /// All values.
    All {
        /// The store's last revision.
        revision: u64,
        /// They.
        found: Vec<Found>,
    },
    /// What has changed, up to a revision.
    Changes {
        /// That.
        revision: u64,
        /// Oldest first.
        changes: Vec<Change>,
    },
    /// Not every change since then is remembered.
    Forgotten,
    /// Done, at this revision.
    Committed {
        /// That.
        revision: u64,
    },
    /// Not done: somebody else was first.
    Conflict,
    /// There is a lease.
    Granted {
        /// Its number.
        lease: LeaseId,
    },
    /// The lease has begun anew, or has ended as was wished.
    Noted,
    /// There is no such lease any more.
    NoLease,
}

/// A value of a store.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Found {
    /// Its key.
    pub key: String,
    /// What it says.
    pub value: String,
    /// The revision that changed it last.
    pub modified: u64,
    /// With what it goes.
    pub lease: Option<LeaseId>,
}
