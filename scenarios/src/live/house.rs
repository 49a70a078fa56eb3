//! An open house: the site of somebody who lets clients and real programs of this machine in while he goes on with it
//! himself. What `netyard up` does for a site of its own this does for one that somebody else has, and only while that
//! one lets it.
//!
//! How it works: clients are served by a thread of their own, as far as the door. Whoever has the site takes what came
//! through the door in turns: while somebody visits ([`House::receive`]) or while a terminal of the site is awaited
//! ([`House::run`]).

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use netyard_drivers::site::{Site, TerminalEvent};
use netyard_sim::time::Epoch;
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::cannot_run;
use super::door::Door;
use super::owner::{Inbox, Keeper};
use super::pace::{Demand, Pace};
use super::publish::{Publisher, Reach};
use super::serve::Listener;
use super::socket::Socket;
use super::twin::Twins;
use super::uplink::Uplinks;

/// How long it rests at most while a terminal is awaited.
const GLANCE: Duration = Duration::from_millis(2);

/// An open house; it closes when this is dropped.
#[derive(Debug)]
pub struct House {
    keeper: Keeper,
    inbox: Inbox,
    door: Door,
    socket: Socket,
    /// Until this is dropped clients are served.
    open: Option<oneshot::Sender<()>>,
    doorman: Option<JoinHandle<()>>,
}

/// Tells the keeper that a visit is over, however it ends.
struct Visit(Door);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl House {
    /// Opens a site that began at `epoch`; its first engine is asked at the Unix socket `path`. The site needs
    /// [`programs`](super::owner::programs).
    ///
    /// # Errors
    /// In words, when the socket cannot be had, or no thread.
    pub fn open(site: &mut Site, epoch: Epoch, path: &Path) -> Result<Self, String> {
        let mut socket = Socket::bind(path)?;
        super::raise_limit();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| cannot_run(&error))?;
        let (door, inbox) = Door::new().map_err(|error| cannot_run(&error))?;
        site.publish_on(0, Box::new(Publisher::new(Reach::Loopback, door.clone(), runtime.handle().clone())));
        let uplinks = Uplinks::new(Vec::new(), door.clone(), runtime.handle().clone());
        let keeper = Keeper::new(site, Pace::Fast, epoch, uplinks);
        let listener = socket.take_listener().expect("nobody has taken it");
        let (open, closed) = oneshot::channel();
        let served = door.clone();
        let serve = move || {
            runtime.block_on(async {
                if let Ok(listener) = awaited(listener) {
                    tokio::spawn(Listener::Unix(listener).serve(served.clone(), Twins::new(served)));
                }
                // It is never sent, but dropped.
                drop(closed.await);
            });
            runtime.shutdown_background();
        };
        let doorman = thread::Builder::new().name("door".to_owned()).spawn(serve);
        let doorman = doorman.map_err(|error| cannot_run(&error))?;
        Ok(Self { keeper, inbox, door, socket, open: Some(open), doorman: Some(doorman) })
    }

    /// Where its engine is asked.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// Keeps the site for visitors until `visit`, which is done on a thread of its own, is over.
    ///
    /// # Panics
    /// When `visit` does.
    pub fn receive<T: Send>(&mut self, site: &mut Site, visit: impl FnOnce() -> T + Send) -> T {
        self.keeper.wish(Demand::Flow);
        let over = Visit(self.door.clone());
        thread::scope(|scope| {
            let visit = scope.spawn(move || {
                let _over = over;
                visit()
            });
            while self.keeper.turn(site, &self.inbox, None) {}
            visit.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Lets a little time pass as it is wished, and says what a terminal of the site says. A real program that takes part
    /// lives in real time, whatever is wished.
    pub fn run(&mut self, site: &mut Site, wish: Demand) -> Option<TerminalEvent> {
        self.keeper.wish(wish);
        site.run(site.now()).or_else(|| {
            self.keeper.turn(site, &self.inbox, Some(GLANCE));
            site.run(site.now())
        })
    }
}

fn awaited(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(doorman) = self.doorman.take() {
            // It has nothing to say.
            drop(doorman.join());
        }
    }
}
