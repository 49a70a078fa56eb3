//! The outside, as the thread that owns the world sees it: which namespaces have twins in this machine's kernel, what the
//! twins shall look like, and the TAP devices that their frames come and go by. The twins themselves are kept by the
//! asynchronous side ([`super::twin`]).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant as WallInstant};

use netyard_drivers::site::Site;
use netyard_sim::device::IfIndex;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::frame::Frame;
use netyard_sim::link::End;
use netyard_sim::namespace::Lost;
use netyard_sim::packet::segment;
use netyard_sim::packet::train::Coupler;
use netyard_sim::userland::ContextId;
use tokio::sync::{oneshot, watch};

use super::buffers::Buffers;
use super::picture::Picture;
use super::vnet;
use super::watch::Watch;

/// How often it is looked at whether something changed.
const LOOK: Duration = Duration::from_millis(5);
/// How many bytes of a device are read, and a frame more, before the world goes on with them: so few that they are
/// still in the processor's cache when they leave it.
const BATCH: usize = 256 * 1024;

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
    /// A TAP device, which never blocks, is there for a device of a namespace.
    Plug(End, OwnedFd),
    /// It is not any more.
    Unplug(End),
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
    taps: BTreeMap<End, Tap>,
    /// Whose devices they are, by the numbers that they are watched by.
    numbers: BTreeMap<u64, End>,
    plugged: u64,
    buffers: Buffers,
    looked: Option<WallInstant>,
}

#[derive(Debug)]
struct Tap {
    device: OwnedFd,
    number: u64,
}

impl Outside {
    /// Does what the asynchronous side asks for.
    pub fn run(&mut self, site: &mut Site, errand: Errand, watch: &Watch) {
        match errand {
            // Who does not wait any more has gone.
            Errand::Enter { container, reply } => drop(reply.send(self.enter(site, &container))),
            Errand::Plug(end, device) => self.plug(site, end, device, watch),
            Errand::Unplug(end) => self.unplug(site, end, watch),
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

    fn plug(&mut self, site: &mut Site, end: End, device: OwnedFd, watch: &Watch) {
        self.unplug(site, end, watch);
        // A device that the system does not let us watch, or that is gone, has no part.
        if watch.add(&device, self.plugged).is_ok() && site.world_mut().fabric.set_outside(end, true).is_ok() {
            self.numbers.insert(self.plugged, end);
            self.taps.insert(end, Tap { device, number: self.plugged });
            self.plugged += 1;
        }
    }

    fn unplug(&mut self, site: &mut Site, end: End, watch: &Watch) {
        if let Some(tap) = self.taps.remove(&end) {
            watch.forget(&tap.device);
            self.numbers.remove(&tap.number);
            // The device may be gone already.
            let _ = site.world_mut().fabric.set_outside(end, false);
        }
    }

    /// Sends on what the TAP devices that are ready have, a part of it: who is left with some is ready again. Those frames
    /// wait in the device's own ring.
    pub fn take_in(&mut self, site: &mut Site, watch: &Watch, ready: &[u64]) {
        for number in ready {
            if let Some((end, tap)) = self.numbers.get(number).and_then(|end| self.taps.get_key_value(end)) {
                take_batch(site, *end, &tap.device, watch, &mut self.buffers);
            }
        }
    }

    /// Takes what left the world to its TAP device.
    pub fn carry(&mut self, site: &mut Site) {
        for (end, frame) in site.world_mut().fabric.take_left() {
            let is_taken = self.taps.get(&end).is_some_and(|tap| put_out(&tap.device, &frame).is_ok());
            if !is_taken {
                site.world_mut().fabric.count_lost_outside(end, Lost::Out, DropReason::RingFull, 1);
            }
            self.buffers.take_back(frame);
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
        let numbers = &mut self.numbers;
        self.taps.retain(|end, tap| {
            let fabric = &site.world().fabric;
            let namespace = fabric.exists(end.namespace).then(|| fabric.namespace(end.namespace));
            let is_there = namespace.is_some_and(|namespace| namespace.devices.contains_key(&end.device));
            if !is_there {
                numbers.remove(&tap.number);
            }
            is_there
        });
        None
    }
}

/// Sends on a part of what a TAP device has.
fn take_batch(site: &mut Site, end: End, device: &OwnedFd, watch: &Watch, buffers: &mut Buffers) {
    let fabric = &mut site.world_mut().fabric;
    let mut coupler = Coupler::default();
    let mut left = BATCH;
    while left > 0 {
        match buffers.read(device) {
            Ok(buffer) => {
                left = left.saturating_sub(buffer.len());
                match vnet::read(buffer) {
                    Some(frame) => coupler.take(frame, || buffers.long(), |frame| fabric.send_from_outside(end, frame)),
                    None => fabric.count_lost_outside(end, Lost::In, DropReason::Malformed, 1),
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(_) => {
                // The device was removed by somebody in its namespace: it has no more to say.
                watch.forget(device);
                break;
            }
        }
    }
    coupler.finish().into_iter().for_each(|frame| fabric.send_from_outside(end, frame));
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
