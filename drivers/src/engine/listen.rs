//! `GET /events`: what happened since, and what happens until.

use netyard_sim::time::{Duration, Epoch, Instant};
use netyard_sim::world::World;

use super::request::{Query, instant};
use super::{Call, Engine, ExchangeId, Media, Output, Reply};
use crate::error::Error;
use crate::events::{Message, Wanted};

/// How many messages somebody gets to hear who asks later.
const TOLD: usize = 256;
/// How many are kept for records of what happened.
const KEPT: usize = 16_384;

/// A client that listens.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) exchange: ExchangeId,
    /// When it has heard enough.
    pub(super) until: Option<Instant>,
    wanted: Wanted,
}

impl Engine {
    /// `GET /events`.
    pub(super) fn events(&mut self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let filters = query.filters(&[])?;
        let wanted = Wanted {
            subjects: filters.values("type").to_vec(),
            actions: filters.values("event").to_vec(),
            containers: filters.values("container").to_vec(),
            networks: filters.values("network").to_vec(),
            images: filters.values("image").to_vec(),
            volumes: filters.values("volume").to_vec(),
            nodes: filters.values("node").to_vec(),
            services: filters.values("service").to_vec(),
            labels: filters.values("label").to_vec(),
            scopes: filters.values("scope").to_vec(),
        };
        let exchange = call.exchange;
        let until = moment(query, "until", self.epoch);
        if let (Some(since), Some(until)) = (query.text("since"), query.text("until"))
            && instant(since, self.epoch) > instant(until, self.epoch)
        {
            let text = format!("`since` time ({since}) cannot be after `until` time ({until})");
            return Err(Error::BadParameter(text));
        }
        self.head_of_pieces(exchange, Media::Json);
        let since = moment(query, "since", self.epoch);
        if since.is_some() || until.is_some() {
            let begun = |m: &&Message| since.is_none_or(|since| m.at >= since);
            let last = self.messages.len().saturating_sub(TOLD);
            let past =
                self.messages.iter().skip(last).filter(begun).filter(|m| until.is_none_or(|until| m.at <= until));
            let lines = past.filter(|m| wanted.includes(m)).map(|m| m.line(self.epoch).into_bytes());
            self.outbox.extend(lines.map(|bytes| Output::Body { exchange, bytes }));
        }
        self.listeners.push(Listener { exchange, until, wanted });
        self.end_listeners(world.now());
        Ok(Reply::Later)
    }

    /// Keeps a message and shows it to all who listen for such. No two have the same time, as no two of a real engine
    /// have, so what happened in one instant keeps its order for who sorts by time.
    pub(super) fn publish(&mut self, mut message: Message) {
        if let Some(last) = self.messages.back() {
            message.at = message.at.max(last.at + Duration::from_nanos(1));
        }
        for listener in self.listeners.iter().filter(|listener| listener.wanted.includes(&message)) {
            let bytes = message.line(self.epoch).into_bytes();
            self.outbox.push_back(Output::Body { exchange: listener.exchange, bytes });
        }
        if self.messages.len() == KEPT {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// Ends the streams of those who have heard enough.
    pub(super) fn end_listeners(&mut self, now: Instant) {
        let done = |listener: &mut Listener| listener.until.is_some_and(|until| until <= now);
        for listener in self.listeners.extract_if(.., done) {
            self.outbox.push_back(Output::End { exchange: listener.exchange });
        }
    }
}

/// A moment in the query; zero is none.
pub(super) fn moment(query: &Query, key: &str, epoch: Epoch) -> Option<Instant> {
    instant(query.text(key).filter(|text| *text != "0")?, epoch)
}
