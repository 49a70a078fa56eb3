//! The way of a live engine to the store that it shares: its questions go to etcd, each as a task of its own, and the answers
//! come back through the door. What it has to say of the store is said on standard error.

use netyard_drivers::cluster::remote::{Answer, Ask};
use netyard_drivers::site::Site;
use tokio::runtime::Handle;

use super::door::{Command, Door};
use super::etcd::Etcd;

/// The engine that shares a store: a live site has one.
const ENGINE: usize = 0;

/// What a store has answered, or why it has not.
#[derive(Debug)]
pub struct Answered {
    number: u64,
    answer: Result<Answer, String>,
}

/// The way to a store.
#[derive(Debug)]
pub struct Store {
    etcd: Etcd,
    door: Door,
    handle: Handle,
}

impl Store {
    /// The way to an etcd, whose connections live in the runtime of `handle`.
    #[must_use]
    pub const fn new(etcd: Etcd, door: Door, handle: Handle) -> Self {
        Self { etcd, door, handle }
    }

    /// Takes away what the engine asks, and says what it has to say.
    pub fn carry(&self, site: &mut Site) {
        for (number, ask) in site.take_store_asks(ENGINE) {
            self.handle.spawn(ask_for(self.etcd.clone(), self.door.clone(), number, ask));
        }
        for note in site.take_store_notes(ENGINE) {
            eprintln!("netyard: {note}");
        }
    }
}

async fn ask_for(etcd: Etcd, door: Door, number: u64, ask: Ask) {
    let answer = etcd.ask(&ask).await;
    door.send(Command::Store(Answered { number, answer }));
}

impl Answered {
    /// Tells the engine.
    pub fn tell(self, site: &mut Site) {
        site.store_answered(ENGINE, self.number, self.answer);
    }
}
