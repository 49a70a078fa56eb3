//! Requests that wait for the store: making and removing networks that are shared. Whatever happens to the store, each is
//! answered: done, refused, or, when the store stays away for too long, that it is not known.

use netyard_sim::time::{Duration, Instant};
use netyard_sim::world::World;
use serde_json::json;

use super::{Purpose, Sharing};
use crate::cluster::client::{Outcome, Standing};
use crate::cluster::object::Occupant;
use crate::cluster::shared;
use crate::cluster::store::Commit;
use crate::engine::{Engine, ExchangeId, Media, NetworkName, Reply};
use crate::error::{Error, SwarmError};
use crate::id::Id;
use crate::network::{Network, NetworkConfig, is_predefined};
use crate::overlay;

/// How long a request waits for a store that is not there yet, or not any more.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a change is planned anew because others were faster.
const TRIES: u32 = 100;

/// What is wanted.
#[derive(Clone, Debug)]
enum Wish {
    Create(Id, NetworkConfig),
    Remove(NetworkName),
}

/// A request that waits.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    /// Who waits; nobody any more when the client has gone.
    pub(super) exchange: Option<ExchangeId>,
    wish: Wish,
    pub(super) until: Instant,
    /// The change under way.
    commit: Option<u64>,
    tries: u32,
    /// Why it is not known what has become of the last one.
    doubt: Option<String>,
}

/// What comes next.
enum Next {
    Wait,
    Done,
    Refuse(Error),
    Commit(Commit),
}

impl Wish {
    fn what(&self) -> String {
        match self {
            Self::Create(_, config) => format!("network {} was being made", config.name),
            Self::Remove(network) => format!("network {} was being removed", network.name),
        }
    }

    /// That the store is away, in docker's words where it has some.
    fn away(&self, why: &str) -> SwarmError {
        Sharing::away(
            match self {
                Self::Create(..) => {
                    "error getting pools config from store: could not get pools config from store".to_owned()
                }
                Self::Remove(network) => format!("could not get network {} from store", network.name),
            },
            why,
        )
    }
}

impl Engine {
    /// Makes a network that is shared by the store.
    pub(in crate::engine) fn network_create_global(
        &mut self,
        world: &mut World,
        exchange: ExchangeId,
        config: NetworkConfig,
    ) -> Result<Reply, Error> {
        if is_predefined(&config.name) {
            return Err(Error::NetworkPredefined(config.name));
        }
        if config.name.trim().is_empty() {
            return Err(Error::NetworkNameInvalid(config.name));
        }
        overlay::check(&config)?;
        if self.controller.named(&config.name).next().is_some() {
            return Err(Error::NetworkNameTaken(config.name));
        }
        let sharing = self.sharing.as_mut().expect("only who shares a store has such networks");
        let id = loop {
            // What a node of the same seed and name has made before is in the store.
            let id = Id::random(&mut sharing.ids);
            if sharing.client.view().get(&format!("network/{id}")).is_none() {
                break id;
            }
        };
        self.run_errand(world, exchange, Wish::Create(id, config));
        Ok(Reply::Later)
    }

    /// Removes a network that is shared by the store; false when the term does not mean one.
    ///
    /// # Errors
    /// `NetworkActive`, and that the store, which may know it, was not heard yet.
    pub(in crate::engine) fn network_remove_global(
        &mut self,
        world: &mut World,
        term: &str,
        exchange: ExchangeId,
    ) -> Result<bool, Error> {
        let Some(sharing) = &self.sharing else { return Ok(false) };
        let here = self.controller.find(term).ok();
        if here.is_some_and(|network| !network.is_shared()) {
            return Ok(false);
        }
        let Some(found) = shared::find(sharing.client.view(), term) else {
            return match here {
                // The store has forgotten it, and it is still here since containers are on it.
                Some(network) => Err(Error::NetworkActive { name: network.name().to_owned(), id: network.id }),
                None => Ok(sharing.has_been_read(term).map(|()| false)?),
            };
        };
        let name = NetworkName { id: found.id, name: found.network.name, driver: "overlay".to_owned() };
        self.run_errand(world, exchange, Wish::Remove(name));
        Ok(true)
    }

    fn run_errand(&mut self, world: &mut World, exchange: ExchangeId, wish: Wish) {
        let Some(sharing) = &mut self.sharing else { return };
        let (exchange, until) = (Some(exchange), world.now() + PATIENCE);
        sharing.errands.push(Errand { exchange, wish, until, commit: None, tries: 0, doubt: None });
        self.poll_sharing(world);
    }

    /// It is known what has become of a change.
    pub(super) fn errand_came_to(&mut self, number: u64, outcome: Outcome) {
        let errands = self.sharing.iter_mut().flat_map(|sharing| &mut sharing.errands);
        let Some(errand) = errands.into_iter().find(|errand| errand.commit == Some(number)) else { return };
        errand.commit = None;
        if let Outcome::Doubtful(why) = outcome {
            errand.doubt = Some(why);
        }
    }

    /// Goes on with every request, as far as the store lets it.
    pub(super) fn go_on_with_errands(&mut self, world: &mut World) {
        let now = world.now();
        let Some(sharing) = &mut self.sharing else { return };
        for mut errand in core::mem::take(&mut sharing.errands) {
            let next = self.next_of(now, &errand);
            let Some(sharing) = &mut self.sharing else { return };
            match next {
                Next::Wait => sharing.errands.push(errand),
                Next::Commit(commit) => {
                    let number = sharing.client.commit(now, commit);
                    sharing.commits.insert(number, Purpose::Errand);
                    (errand.commit, errand.tries) = (Some(number), errand.tries + 1);
                    sharing.errands.push(errand);
                }
                Next::Done => self.errand_is_done(world, errand),
                Next::Refuse(error) => {
                    if let Some(exchange) = errand.exchange {
                        self.refuse(exchange, &error);
                    }
                }
            }
        }
    }

    fn next_of(&self, now: Instant, errand: &Errand) -> Next {
        let Some(sharing) = &self.sharing else { return Next::Wait };
        if errand.commit.is_some() {
            return Next::Wait;
        }
        let doubt = |why: &String| SwarmError::StoreInDoubt { what: errand.wish.what(), why: why.clone() };
        match (sharing.client.standing(), &errand.doubt) {
            (Standing::Up, _) if !sharing.is_whole() => Next::Wait,
            (Standing::Up, _) => self.plan_errand(sharing, errand).unwrap_or_else(Next::Refuse),
            (Standing::Away(why), None) => Next::Refuse(errand.wish.away(why).into()),
            (_, Some(why)) if errand.until <= now => Next::Refuse(doubt(why).into()),
            (Standing::Calling, None) if errand.until <= now => {
                Next::Refuse(errand.wish.away("no answer so far").into())
            }
            (Standing::Away(_) | Standing::Calling, _) => Next::Wait,
        }
    }

    /// What comes next while the store can be used: it may say already what is wanted.
    fn plan_errand(&self, sharing: &Sharing, errand: &Errand) -> Result<Next, Error> {
        let view = sharing.client.view();
        if errand.tries >= TRIES {
            return Err(SwarmError::StoreBusy(errand.tries).into());
        }
        match &errand.wish {
            Wish::Create(id, _) if view.get(&format!("network/{id}")).is_some() => Ok(Next::Done),
            Wish::Create(id, config) => {
                let created = self.epoch.unix_nanos(errand.until) - u64::try_from(PATIENCE.as_nanos()).unwrap_or(0);
                shared::create(view, *id, created, config).map(Next::Commit)
            }
            Wish::Remove(network) => {
                let Some(found) = shared::find(view, &network.id.to_string()) else {
                    let is_own = errand.tries > 0;
                    return if is_own { Ok(Next::Done) } else { Err(Error::NetworkUnknown(network.name.clone())) };
                };
                let is_held = |occupant: &Occupant| {
                    self.grants
                        .keys()
                        .any(|(container, id)| *id == network.id && container.to_string() == occupant.container)
                };
                let node = sharing.place.node;
                let commit = shared::remove(view, &found, |occupant| occupant.node == node && !is_held(occupant));
                commit.map(Next::Commit)
            }
        }
    }

    fn errand_is_done(&mut self, world: &mut World, errand: Errand) {
        let (network, action) = match errand.wish {
            Wish::Create(id, config) => {
                if let Some(exchange) = errand.exchange {
                    let body = json!({ "Id": id, "Warning": "" }).to_string() + "\n";
                    self.answer(exchange, 201, Media::Json, &body);
                }
                (NetworkName { id, name: config.name, driver: config.driver }, "create")
            }
            Wish::Remove(network) => {
                if let Some(exchange) = errand.exchange {
                    self.answer(exchange, 204, Media::None, "");
                }
                (network, "destroy")
            }
        };
        self.tell_network(world, &network, action, &[]);
    }

    /// The networks that only the store knows of.
    pub(in crate::engine) fn networks_in_store(&self) -> Vec<Network> {
        let Some(sharing) = &self.sharing else { return Vec::new() };
        let all = shared::networks(sharing.client.view()).into_iter();
        all.filter(|found| self.controller.network(found.id).is_none()).map(|found| self.as_listed(found)).collect()
    }

    /// The one of them that is meant.
    pub(in crate::engine) fn network_in_store(&self, term: &str) -> Option<Network> {
        let found = shared::find(self.sharing.as_ref()?.client.view(), term)?;
        Some(self.as_listed(found))
    }
}
