//! What an engine remembers of the store that it shares, in case the store forgets: one whose data are gone says nothing of
//! networks on which containers still speak, and would give their subnets and numbers to others. Whoever remembers them tells
//! them to it again, before anything else is changed there.
//!
//! How it works: the first who finds a store without one gives it a mark. A store with another mark than before, or with a
//! revision that it was past already, is not what it was; what it does not say any more of the networks that were known is
//! told to it again, one after the other.

use netyard_sim::world::World;

use super::{Purpose, Sharing};
use crate::cluster::client::Standing;
use crate::cluster::shared::{self, Shared};
use crate::cluster::store::Commit;
use crate::engine::Engine;

/// What is remembered of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The mark that it had.
    mark: Option<String>,
    /// The revision at which it was looked at last.
    revision: u64,
    /// The networks that it knew then.
    networks: Vec<Shared>,
    /// Those of them that it has forgotten.
    forgotten: Vec<Shared>,
}

impl Sharing {
    /// Whether the store can be used and knows all that it knew.
    pub(super) fn is_whole(&self) -> bool {
        let Memory { mark, forgotten, .. } = &self.memory;
        let has_mark = mark.is_some() && mark.as_deref() == shared::mark(self.client.view());
        self.client.standing() == Standing::Up && has_mark && forgotten.is_empty()
    }

    /// Looks at what the store says now; whether it is not what it was.
    fn recall(&mut self) -> bool {
        let (view, memory) = (self.client.view(), &mut self.memory);
        if self.client.standing() != Standing::Up || memory.revision == view.revision() {
            return false;
        }
        let Some(mark) = shared::mark(view) else { return false };
        let is_new = memory.mark.as_deref().is_some_and(|known| known != mark);
        let is_other = is_new || view.revision() < memory.revision;
        if is_other {
            memory.forgotten.append(&mut memory.networks);
        }
        memory.forgotten.retain(|network| !shared::has(view, &network.network.id));
        (memory.mark, memory.revision) = (Some(mark.to_owned()), view.revision());
        memory.networks = shared::networks(view);
        is_other && !memory.forgotten.is_empty()
    }

    /// What has to be told it before anything else, if anything.
    fn next_to_tell(&mut self, mark: &str) -> Option<Commit> {
        if self.client.standing() != Standing::Up {
            return None;
        }
        let view = self.client.view();
        if shared::mark(view).is_none() {
            return Some(shared::give_mark(mark));
        }
        while let Some(network) = self.memory.forgotten.first() {
            match shared::tell_again(view, network) {
                Ok(commit) => return Some(commit),
                Err(error) => {
                    let (url, name) = (&self.place.url, &network.network.name);
                    self.notes.push_back(format!("store {url}: network {name} cannot be told to it again: {error}"));
                    self.memory.forgotten.remove(0);
                }
            }
        }
        None
    }
}

impl Engine {
    /// Has the store know what it knew.
    pub(super) fn remember(&mut self, world: &World) {
        let now = world.now();
        let Some(sharing) = &mut self.sharing else { return };
        if sharing.recall() {
            let url = &sharing.place.url;
            sharing.notes.push_back(format!("store {url} has lost what it knew: its networks are told to it again"));
        }
        if sharing.commits.values().any(|purpose| matches!(purpose, Purpose::Upkeep)) {
            return;
        }
        // Whoever starts anew with the same seed must not take a new store for the old one.
        let mark = format!("{:x}-{:x}", self.epoch.unix_nanos(now), sharing.ids.clone().u64());
        if let Some(commit) = sharing.next_to_tell(&mark) {
            let number = sharing.client.commit(now, commit);
            sharing.commits.insert(number, Purpose::Upkeep);
        }
    }
}
