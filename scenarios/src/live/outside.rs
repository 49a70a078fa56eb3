//! The outside, as the thread that owns the world sees it: which namespaces have twins in this machine's kernel, what the
//! twins shall look like, and the TAP devices that their frames come and go by. The twins themselves are kept by the
//! asynchronous side ([`super::twin`]).

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant as WallInstant};

use netyard_drivers::site::Site;
use netyard_sim::device::IfIndex;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::frame::Frame;
use netyard_sim::link::End;
use netyard_sim::namespace::Lost;
use netyard_sim::packet::segment;
use netyard_sim::userland::ContextId;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::picture::Picture;
use super::vnet;

/// How often it is looked at whether something changed.
const LOOK: Duration = Duration::from_millis(5);

/// What the asynchronous side asks for.
#[derive(Debug)]
pub enum Errand {
    /// Somebody wants to go into a container.
    Enter {
        /// Its name or id.
        container: String,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Entry, Refusal>>,
    },
    /// A TAP device is there for a device of a namespace.
    Plug(End, Arc<OwnedFd>),
    /// It is not any more.
    Unplug(End),
    /// Frames came from it, each with its header. The permit is given back when they have been taken.
    Frames(End, Vec<Vec<u8>>, OwnedSemaphorePermit),
    /// Its ring was full for so many frames.
    Lost(End, u64),
}

/// Why somebody cannot go into a container: the HTTP status, and in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal(pub u16, pub String);

/// What somebody is told who may go into a container.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its network.
    pub namespace: NamespaceId,
    /// Its files.
    pub context: ContextId,
    /// What the twin of its network shall look like, now and whenever that changes; it ends with the container.
    pub pictures: watch::Receiver<Picture>,
}

#[derive(Debug)]
struct Watched {
    context: ContextId,
    pictures: watch::Sender<Picture>,
}

/// Everything outside.
#[derive(Debug, Default)]
pub struct Outside {
    watched: BTreeMap<NamespaceId, Watched>,
    taps: BTreeMap<End, Arc<OwnedFd>>,
    looked: Option<WallInstant>,
}

impl Outside {
    /// Does what the asynchronous side asks for.
    pub fn run(&mut self, site: &mut Site, errand: Errand) {
        match errand {
            // Who does not wait any more has gone.
            Errand::Enter { container, reply } => drop(reply.send(self.enter(site, &container))),
            Errand::Plug(end, tap) => {
                if site.world_mut().fabric.set_outside(end, true).is_ok() {
                    self.taps.insert(end, tap);
                }
            }
            Errand::Unplug(end) => self.unplug(site, end),
            Errand::Frames(end, frames, permit) => {
                frames.iter().for_each(|bytes| take_in(site, end, bytes));
                drop(permit);
            }
            Errand::Lost(end, count) => {
                site.world_mut().fabric.count_lost_outside(end, Lost::In, DropReason::RingFull, count);
            }
        }
    }

    /// Whether anything outside takes part, so that time has to pass as it does there.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.taps.is_empty()
    }

    fn enter(&mut self, site: &Site, name: &str) -> Result<Entry, Refusal> {
        let engine = &site.engines()[0];
        let Some(container) = engine.container(name) else {
            return Err(Refusal(404, format!("No such container: {name}")));
        };
        let place = engine.namespace_of(container).filter(|_| container.is_running()).zip(container.context);
        let Some((namespace, context)) = place else {
            return Err(Refusal(409, format!("Container {} is not running", container.name)));
        };
        if namespace == engine.host().namespace {
            let text = "has no network of its own: a real program cannot be in that of the simulated host";
            return Err(Refusal(409, format!("Container {} {text}", container.name)));
        }
        let watched = self.watched.entry(namespace).or_insert_with(|| {
            let (pictures, _) = watch::channel(Picture::of(site, namespace, context));
            Watched { context, pictures }
        });
        Ok(Entry { namespace, context, pictures: watched.pictures.subscribe() })
    }

    fn unplug(&mut self, site: &mut Site, end: End) {
        if self.taps.remove(&end).is_some() {
            // The device may be gone already.
            let _ = site.world_mut().fabric.set_outside(end, false);
        }
    }

    /// Takes what left the world to its TAP device.
    pub fn carry(&self, site: &mut Site) {
        for (end, frame) in site.world_mut().fabric.take_left() {
            let is_taken = self.taps.get(&end).is_some_and(|tap| put_out(tap, &frame).is_ok());
            if !is_taken {
                site.world_mut().fabric.count_lost_outside(end, Lost::Out, DropReason::RingFull, 1);
            }
        }
    }

    /// Sees to it that twins look as their namespaces do; when to look again, where that was put off.
    pub fn look(&mut self, site: &Site, wall: WallInstant) -> Option<Duration> {
        if self.watched.is_empty() {
            return None;
        }
        let since = self.looked.map(|looked| wall.saturating_duration_since(looked));
        if let Some(wait) = since.and_then(|since| LOOK.checked_sub(since)).filter(|wait| !wait.is_zero()) {
            return Some(wait);
        }
        self.looked = Some(wall);
        self.watched.retain(|namespace, watched| {
            let is_there = site.world().fabric.exists(*namespace) && !watched.pictures.is_closed();
            if is_there {
                let picture = Picture::of(site, *namespace, watched.context);
                watched.pictures.send_if_modified(|shown| {
                    *shown != picture && {
                        *shown = picture;
                        true
                    }
                });
            }
            is_there
        });
        self.taps.retain(|end, _| {
            let fabric = &site.world().fabric;
            fabric.exists(end.namespace) && fabric.namespace(end.namespace).devices.contains_key(&end.device)
        });
        None
    }
}

/// A frame that came from a TAP device goes on its way, if it can.
fn take_in(site: &mut Site, end: End, bytes: &[u8]) {
    let fabric = &mut site.world_mut().fabric;
    match vnet::read(bytes) {
        Some(frame) => fabric.send_from_outside(end, frame),
        None => fabric.count_lost_outside(end, Lost::In, DropReason::Malformed, 1),
    }
}

fn put_out(tap: &OwnedFd, frame: &Frame) -> io::Result<()> {
    match vnet::header(frame) {
        Some(header) => rustix::io::writev(tap, &[IoSlice::new(&header), IoSlice::new(frame.bytes())]).map(drop)?,
        None => segment::whole(frame.clone()).iter().try_for_each(|frame| put_out(tap, frame))?,
    }
    Ok(())
}

/// A device of a namespace.
#[must_use]
pub const fn end(namespace: NamespaceId, index: u32) -> End {
    End { namespace, device: IfIndex(index) }
}
