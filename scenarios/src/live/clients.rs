//! The clients of a live site: which exchange is whose, where its answer goes, and who waits for his input to be taken.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use netyard_drivers::engine::{ExchangeId, Media, Output, Patience};
use netyard_drivers::site::{Site, Transport};
use netyard_sim::fabric::NamespaceId;
use netyard_sim::userland::{ContextId, Request};
use serde_json::json;

use super::door::{Part, Reply, Ticket};
use super::pace::Demand;

/// Bytes that lie ready for a client that cannot be held up when it is sent away.
const TOO_MUCH: usize = 64 * 1024 * 1024;

#[derive(Debug)]
struct Client {
    exchange: ExchangeId,
    reply: Reply,
    /// Whether the site was told that it takes no more for now.
    is_held: bool,
}

/// All clients.
#[derive(Debug, Default)]
pub struct Clients {
    clients: BTreeMap<Ticket, Client>,
    tickets: BTreeMap<ExchangeId, Ticket>,
    /// Those whose input was not taken yet.
    typing: BTreeSet<Ticket>,
}

impl Clients {
    /// A client asks engine number `engine`.
    pub fn request(&mut self, site: &mut Site, engine: usize, ticket: Ticket, request: Request, reply: Reply) {
        let exchange = site.request(engine, request);
        self.welcome(ticket, exchange, reply);
    }

    /// A client sees what passes the place that the first word names; the others are options of `tcpdump`.
    pub fn capture(&mut self, site: &mut Site, ticket: Ticket, words: &[String], reply: Reply) {
        let place = words.first().map_or("", String::as_str);
        let options: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let begun = site.capture(place, &options);
        let status = if begun.is_some() { 101 } else { 404 };
        let head = Part::Head { status, media: Media::Json, headers: Vec::new() };
        match begun {
            Some(exchange) => {
                // Whoever is gone already will be noticed.
                let _ = reply.send(vec![head]);
                self.welcome(ticket, exchange, reply);
            }
            None => {
                let message = json!({"message": format!("no such place: {place}")}).to_string();
                let _ = reply.send(vec![head, Part::Body(message.into()), Part::End]);
            }
        }
    }

    /// A client speaks to an address as a program in a namespace, with these files, would; else as one on the host.
    pub fn dial(
        &mut self,
        site: &mut Site,
        from: Option<(NamespaceId, ContextId)>,
        ticket: Ticket,
        to: (Transport, SocketAddr),
        reply: Reply,
    ) {
        let from = from.filter(|(namespace, _)| site.world().fabric.exists(*namespace));
        let exchange = match from {
            Some(from) => site.dial_from(from, to.0, to.1),
            None => site.dial(0, to.0, to.1),
        };
        self.welcome(ticket, exchange, reply);
    }

    /// Somebody of the site has come to a client, who gets what it says.
    pub fn welcome(&mut self, ticket: Ticket, exchange: ExchangeId, reply: Reply) {
        self.clients.insert(ticket, Client { exchange, reply, is_held: false });
        self.tickets.insert(exchange, ticket);
    }

    /// A client sends more.
    pub fn input(&mut self, site: &mut Site, ticket: Ticket, bytes: Vec<u8>) {
        if let Some(client) = self.clients.get(&ticket) {
            site.input(client.exchange, bytes);
            self.typing.insert(ticket);
        }
    }

    /// A client is gone.
    pub fn hangup(&mut self, site: &mut Site, ticket: Ticket) {
        if let Some(client) = self.forget(ticket) {
            site.hangup(client.exchange);
        }
    }

    /// A client that was held takes more.
    pub fn taken(&mut self, site: &mut Site, ticket: Ticket) {
        if let Some(client) = self.clients.get_mut(&ticket) {
            client.is_held = false;
            site.release(client.exchange);
        }
    }

    /// Brings what the site has for them to the clients.
    pub fn deliver(&mut self, site: &mut Site) {
        let mut come: BTreeMap<Ticket, Vec<Part>> = BTreeMap::new();
        while let Some(output) = site.poll_output() {
            if let Some(ticket) = self.tickets.get(&output.exchange()) {
                come.entry(*ticket).or_default().push(part(output));
            }
        }
        for (ticket, parts) in come {
            let ended = parts.last() == Some(&Part::End);
            let client = self.clients.get_mut(&ticket).expect("whoever has a ticket is a client");
            let is_there = client.reply.send(parts);
            if ended {
                self.forget(ticket);
            } else if !is_there || client.reply.backlog() > TOO_MUCH {
                self.hangup(site, ticket);
            } else if client.reply.hold_when_full() {
                client.is_held = true;
                site.hold(client.exchange);
            }
        }
        let clients = &self.clients;
        self.typing.retain(|ticket| {
            let client = clients.get(ticket).filter(|client| !site.is_input_full(client.exchange));
            client.inspect(|client| client.reply.input_taken()).is_none()
        });
    }

    /// What all of them together want of time. Who takes nothing cannot wait for more.
    #[must_use]
    pub fn demand(&self, site: &Site) -> Demand {
        let of = |client: &Client| match site.patience(client.exchange) {
            None => Demand::Flow,
            Some(Patience::Time) if !client.is_held => Demand::Leap,
            Some(Patience::Time | Patience::Others) => Demand::Flow,
        };
        self.clients.values().map(of).max().unwrap_or(Demand::Flow)
    }

    fn forget(&mut self, ticket: Ticket) -> Option<Client> {
        let client = self.clients.remove(&ticket)?;
        self.tickets.remove(&client.exchange);
        self.typing.remove(&ticket);
        Some(client)
    }
}

fn part(output: Output) -> Part {
    match output {
        Output::Head { status, media, headers, .. } => Part::Head { status, media, headers },
        Output::Body { bytes, .. } => Part::Body(Bytes::from(bytes)),
        Output::End { .. } => Part::End,
    }
}
