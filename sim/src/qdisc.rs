//! Queueing disciplines: what becomes of a frame between a device and its link, as Linux has it. A device without one
//! sends at once (`noqueue`). Here a frame is delayed, lost, doubled, spoilt or kept waiting; where it goes afterwards is
//! the namespace's affair.
//!
//! Disciplines that shape (netem, tbf) are classful with one class, `1:1` under `1:`, in which another one may stand.
//! What each was asked and what it did is in its [`Ledger`].

mod chance;
mod distribution;
mod fifo;
mod fq_codel;
mod ledger;
mod netem;
mod tbf;

use core::fmt;

pub use chance::{Chance, Share};
pub use distribution::Distribution;
pub use fifo::{Fifo, Unit};
pub use fq_codel::FqCodel;
pub use ledger::{Finding, Ledger, Tally, Verdict};
pub use netem::{Loss, Netem, Rate};
pub use tbf::{Peak, Tbf, Ticks};

use crate::drop::DropReason;
use crate::frame::Frame;
use crate::rng::Seed;
use crate::time::Instant;

/// What a discipline is told to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Settings {
    /// Tail drop by frames or bytes (`pfifo`, `bfifo`).
    Fifo(Fifo),
    /// Fair queues that are kept short (`fq_codel`).
    FqCodel(FqCodel),
    /// What a wire or the air does to frames (`netem`).
    Netem(Box<Netem>),
    /// None, by hand (`noqueue`).
    Noqueue,
    /// Three bands of tail drop (`pfifo_fast`); everything here is of the middle one.
    PfifoFast,
    /// A token bucket (`tbf`).
    Tbf(Tbf),
}

impl Settings {
    /// What `tc` calls it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fifo(Fifo { unit: Unit::Bytes, .. }) => "bfifo",
            Self::Fifo(_) => "pfifo",
            Self::FqCodel(_) => "fq_codel",
            Self::Netem(_) => "netem",
            Self::Noqueue => "noqueue",
            Self::PfifoFast => "pfifo_fast",
            Self::Tbf(_) => "tbf",
        }
    }

    const fn is_classful(&self) -> bool {
        matches!(self, Self::Netem(_) | Self::Tbf(_))
    }
}

/// Where a discipline stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Parent {
    /// At the device itself.
    Root,
    /// In a class of another one: its handle, and the class's number.
    Class(u16, u16),
}

/// How a discipline is set, as `tc` asks the kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// There must be none yet.
    Add,
    /// There must be one.
    Change,
    /// It does not matter.
    Replace,
}

/// What `tc qdisc` asks.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where; none when the handle alone says which.
    pub parent: Option<Parent>,
    /// Its handle, 0 when it does not matter.
    pub handle: u16,
    /// What it is to do; none is a question for a kind that has no name.
    pub settings: Option<Settings>,
}

/// Why the kernel refuses, in its words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum QdiscError {
    /// There is one.
    Exists,
    /// There is one with that handle elsewhere.
    HandleExists,
    /// Another one stands there.
    Other,
    /// It is of another kind.
    OtherKind,
    /// None is there to be changed.
    NotFound,
    /// Neither a place nor a handle was said.
    NoHandle,
    /// No discipline has that handle.
    NoSuch,
    /// No discipline has the parent's handle.
    NoParent,
    /// The parent has no classes.
    NotClassful,
    /// It would stand in itself.
    Loop,
    /// Nobody knows that kind.
    UnknownKind,
    /// What is there has another handle.
    WrongHandle,
    /// What is there came by itself.
    Default,
    /// No discipline has the handle of the class.
    NoClass,
    /// No discipline has that handle.
    NoSuchHandle,
    /// It was not said where it stands.
    NoPlace,
    /// There is nothing in that class.
    Empty,
}

impl fmt::Display for QdiscError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "Exclusivity flag on, cannot modify.",
            Self::HandleExists => "Exclusivity flag on, cannot override.",
            Self::Other => "NLM_F_REPLACE needed to override.",
            Self::OtherKind => "Invalid qdisc name: must match existing qdisc.",
            Self::NotFound => "Qdisc not found. To create specify NLM_F_CREATE flag.",
            Self::NoHandle => "Handle cannot be zero.",
            Self::NoSuch => "Specified qdisc not found.",
            Self::NoParent => "Failed to find specified qdisc.",
            Self::NotClassful => "Parent qdisc is not classful.",
            Self::Loop => "Qdisc parent/child loop detected.",
            Self::UnknownKind => "Specified qdisc kind is unknown.",
            Self::WrongHandle => "Invalid handle.",
            Self::Default => "Cannot delete qdisc with handle of zero.",
            Self::NoClass => "Failed to find qdisc with specified classid.",
            Self::NoSuchHandle => "Failed to find qdisc with specified handle.",
            Self::NoPlace => "Classid cannot be zero.",
            Self::Empty => "Cannot find specified qdisc on specified device.",
        })
    }
}

/// What a discipline counted, as `tc -s` shows it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Bytes that left it.
    pub bytes: u64,
    /// Frames that left it.
    pub packets: u64,
    /// Frames it dropped.
    pub drops: u64,
    /// How often it held a frame back.
    pub overlimits: u64,
    /// Frames it put before others.
    pub requeues: u64,
    /// Bytes that wait.
    pub backlog: u64,
    /// Frames that wait.
    pub waiting: u64,
}

/// What a discipline holds and knows beside its settings.
#[derive(Clone, Debug)]
enum State {
    Fifo(fifo::State),
    FqCodel(Box<fq_codel::State>),
    Netem(Box<netem::State>),
    Tbf(tbf::State),
}

/// A queueing discipline with what stands in it.
#[derive(Clone, Debug)]
pub struct Qdisc {
    /// Its handle; 0 of one that came by itself.
    pub handle: u16,
    /// What it is to do.
    pub settings: Settings,
    /// What it counted.
    pub counters: Counters,
    /// What it was asked and what it did.
    pub ledger: Ledger,
    state: State,
    child: Option<Box<Self>>,
}

/// The frames that a discipline dropped, and why.
pub type Dropped = Vec<(DropReason, Frame)>;

impl Qdisc {
    /// A discipline at work. What it draws at random depends on `seed` and `name`.
    #[must_use]
    pub fn new(handle: u16, settings: Settings, seed: Seed, name: &str) -> Self {
        let mut child = None;
        let state = match &settings {
            Settings::Fifo(_) | Settings::Noqueue | Settings::PfifoFast => State::Fifo(fifo::State::default()),
            Settings::FqCodel(told) => State::FqCodel(Box::new(fq_codel::State::new(told, seed, name))),
            Settings::Netem(_) => State::Netem(Box::new(netem::State::new(seed, name))),
            Settings::Tbf(told) => {
                let inner = Settings::Fifo(Fifo { unit: Unit::Bytes, limit: told.limit });
                child = Some(Box::new(Self::new(0, inner, seed, name)));
                State::Tbf(tbf::State::new(told))
            }
        };
        Self { handle, settings, counters: Counters::default(), ledger: Ledger::default(), state, child }
    }

    /// Takes a frame. What it drops instead is put into `dropped`.
    pub fn enqueue(&mut self, now: Instant, frame: Frame, dropped: &mut Dropped) {
        let before = dropped.len();
        match (&self.settings, &mut self.state) {
            (Settings::Fifo(told), State::Fifo(state)) => state.enqueue(*told, frame, dropped),
            (Settings::PfifoFast | Settings::Noqueue, State::Fifo(state)) => {
                state.enqueue(Fifo { unit: Unit::Packets, limit: 1000 }, frame, dropped);
            }
            (Settings::FqCodel(told), State::FqCodel(state)) => state.enqueue(told, now, frame, dropped),
            (Settings::Netem(told), State::Netem(state)) => {
                state.enqueue(told, (&mut self.ledger, &mut self.counters), now, frame, dropped);
            }
            (Settings::Tbf(told), State::Tbf(_)) => {
                let child = self.child.as_mut().expect("a tbf has something in its class");
                if frame.len() as u64 > told.longest() {
                    dropped.push((DropReason::QueueFull, frame));
                } else {
                    child.enqueue(now, frame, dropped);
                }
            }
            _ => unreachable!("the state of a discipline is of its kind"),
        }
        self.counters.drops += (dropped.len() - before) as u64;
        self.recount();
    }

    /// The next frame that may leave now.
    pub fn dequeue(&mut self, now: Instant, dropped: &mut Dropped) -> Option<Frame> {
        let before = dropped.len();
        let frame = match (&self.settings, &mut self.state) {
            (_, State::Fifo(state)) => state.dequeue(),
            (Settings::FqCodel(told), State::FqCodel(state)) => state.dequeue(told, now, dropped),
            (_, State::Netem(state)) => match &mut self.child {
                None => state.dequeue(&mut self.ledger, now),
                Some(child) => {
                    while let Some(frame) = state.dequeue(&mut self.ledger, now) {
                        child.enqueue(now, frame, dropped);
                    }
                    child.dequeue(now, dropped)
                }
            },
            (Settings::Tbf(told), State::Tbf(state)) => {
                let child = self.child.as_mut().expect("a tbf has something in its class");
                if state.held.is_none() {
                    state.held = child.dequeue(now, dropped);
                }
                let frame = state.release(told, now);
                self.counters.overlimits += u64::from(frame.is_none() && state.held.is_some());
                self.ledger.shaped(now, frame.as_ref().map(Frame::len), state.held.is_some());
                frame
            }
            _ => unreachable!("the state of a discipline is of its kind"),
        };
        self.counters.drops += (dropped.len() - before) as u64;
        if let Some(frame) = &frame {
            self.counters.packets += 1;
            self.counters.bytes += frame.len() as u64;
        }
        self.recount();
        frame
    }

    /// When a frame may leave next; the beginning of time for one that may leave at once.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let inner = self.child.as_ref().and_then(|child| child.next_at());
        match &self.state {
            State::Fifo(state) => (!state.is_empty()).then_some(Instant::ZERO),
            State::FqCodel(state) => (!state.is_empty()).then_some(Instant::ZERO),
            State::Netem(state) => [state.next_at(), inner].into_iter().flatten().min(),
            State::Tbf(state) if state.held.is_some() => Some(state.ready_at),
            State::Tbf(_) => inner,
        }
    }

    /// Forgets the frames that wait, and gives them back.
    pub fn reset(&mut self) -> Vec<Frame> {
        let mut waiting = match &mut self.state {
            State::Fifo(state) => state.take(),
            State::FqCodel(state) => state.take(),
            State::Netem(state) => state.take(),
            State::Tbf(state) => state.held.take().into_iter().collect(),
        };
        waiting.extend(self.child.iter_mut().flat_map(|child| child.reset()));
        self.recount();
        waiting
    }

    /// Takes new settings of the same kind and goes on.
    fn change(&mut self, settings: Settings) -> Past {
        let ledger = core::mem::take(&mut self.ledger);
        let past = Past { handle: self.handle, settings: self.settings.clone(), ledger };
        if let State::Netem(state) = &mut self.state {
            state.begin_anew();
        }
        self.settings = match (settings, &self.settings) {
            (Settings::Netem(new), Settings::Netem(old)) => Settings::Netem(Box::new(new.over(old))),
            (Settings::Tbf(new), _) => {
                if let State::Tbf(state) = &mut self.state {
                    state.refill(&new);
                }
                if let Some(Settings::Fifo(inner)) = self.child.as_mut().map(|child| &mut child.settings) {
                    inner.limit = new.limit;
                }
                Settings::Tbf(new)
            }
            (new, _) => new,
        };
        past
    }

    fn recount(&mut self) {
        let (mut bytes, mut frames) = match &self.state {
            State::Fifo(state) => state.size(),
            State::FqCodel(state) => state.size(),
            State::Netem(state) => state.size(),
            State::Tbf(state) => state.held.as_ref().map_or((0, 0), |frame| (frame.len() as u64, 1)),
        };
        if let Some(child) = &self.child {
            bytes += child.counters.backlog;
            frames += child.counters.waiting;
        }
        (self.counters.backlog, self.counters.waiting) = (bytes, frames);
    }

    /// What stands in its class, unless that came by itself.
    #[must_use]
    pub fn child(&self) -> Option<&Self> {
        self.child.as_deref().filter(|child| child.handle != 0)
    }

    /// What stands in its class, with what came by itself.
    #[must_use]
    pub fn inner(&self) -> Option<&Self> {
        self.child.as_deref()
    }

    /// This one and what stands in it.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |qdisc| qdisc.child())
    }

    fn with_handle(&mut self, handle: u16) -> Option<&mut Self> {
        if self.handle == handle {
            return Some(self);
        }
        self.child.as_mut()?.with_handle(handle)
    }
}

/// A discipline that is gone or has other settings now: what it was told and what it did.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its handle.
    pub handle: u16,
    /// What it was told.
    pub settings: Settings,
    /// What it did.
    pub ledger: Ledger,
}

/// What a change leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// What is over.
    pub past: Vec<Past>,
    /// The frames that waited.
    pub waiting: Vec<Frame>,
}

impl Remains {
    fn of(gone: Option<Box<Qdisc>>) -> Self {
        let Some(mut gone) = gone else { return Self::default() };
        let waiting = gone.reset();
        let past = |qdisc: &Qdisc| Past {
            handle: qdisc.handle,
            settings: qdisc.settings.clone(),
            ledger: qdisc.ledger.clone(),
        };
        Self { past: gone.chain().map(past).collect(), waiting }
    }
}

/// Takes away all that stands at a device.
pub fn clear(root: &mut Option<Box<Qdisc>>) -> Remains {
    Remains::of(root.take())
}

/// Does to what stands at a device what `tc qdisc add|change|replace` asks, as the kernel judges it. `make` makes a new
/// one with a handle, or with the next that is free.
///
/// # Errors
/// What the kernel says.
pub fn set(
    root: &mut Option<Box<Qdisc>>,
    verb: Verb,
    request: Request,
    make: impl FnOnce(Option<u16>, Settings) -> Qdisc,
) -> Result<Remains, QdiscError> {
    let Request { parent, handle, settings } = request;
    let Some(parent) = parent else {
        if handle == 0 {
            return Err(QdiscError::NoHandle);
        }
        let found = root.as_mut().and_then(|root| root.with_handle(handle)).ok_or(QdiscError::NoSuch)?;
        return change(found, verb, settings);
    };
    let slot = slot_of(root, parent, QdiscError::NoParent)?;
    // What came by itself does not count.
    let present = slot.as_mut().filter(|qdisc| qdisc.handle != 0);
    match present {
        Some(found) if handle == found.handle => return change(found, verb, settings),
        Some(_) if handle != 0 && verb != Verb::Replace => return Err(QdiscError::Other),
        Some(found) if handle == 0 && settings.as_ref().is_none_or(|s| s.kind() == found.settings.kind()) => {
            return change(found, verb, settings);
        }
        None if verb == Verb::Change => return Err(QdiscError::NotFound),
        _ => {}
    }
    if handle != 0 && root.as_mut().is_some_and(|root| root.with_handle(handle).is_some()) {
        return Err(if verb == Verb::Add { QdiscError::HandleExists } else { QdiscError::Loop });
    }
    let settings = settings.ok_or(QdiscError::UnknownKind)?;
    let slot = slot_of(root, parent, QdiscError::NoParent)?;
    Ok(Remains::of(slot.replace(Box::new(make((handle != 0).then_some(handle), settings)))))
}

fn change(found: &mut Qdisc, verb: Verb, settings: Option<Settings>) -> Result<Remains, QdiscError> {
    match settings {
        _ if verb == Verb::Add => Err(QdiscError::Exists),
        Some(settings) if settings.kind() != found.settings.kind() => Err(QdiscError::OtherKind),
        Some(settings) => Ok(Remains { past: vec![found.change(settings)], waiting: Vec::new() }),
        None => Ok(Remains::default()),
    }
}

/// Takes away what stands somewhere, as `tc qdisc del` asks. `make` makes what comes by itself in its place.
///
/// # Errors
/// What the kernel says.
pub fn delete(
    root: &mut Option<Box<Qdisc>>,
    parent: Option<Parent>,
    handle: u16,
    kind: Option<&str>,
    make: impl FnOnce(Option<u16>, Settings) -> Qdisc,
) -> Result<Remains, QdiscError> {
    let is_kind = |actual: &str| kind.is_none_or(|kind| kind == actual);
    let Some(parent) = parent else {
        let found = root.as_mut().and_then(|root| root.with_handle(handle)).ok_or(QdiscError::NoSuchHandle)?;
        return Err(if is_kind(found.settings.kind()) { QdiscError::NoPlace } else { QdiscError::OtherKind });
    };
    let refill = match (parent, root.as_ref().map(|root| &root.settings)) {
        (Parent::Class(..), Some(Settings::Tbf(told))) => Some(Fifo { unit: Unit::Bytes, limit: told.limit }),
        _ => None,
    };
    let slot = slot_of(root, parent, QdiscError::NoClass)?;
    let (actual, own) = match slot {
        Some(found) => (found.settings.kind(), found.handle),
        None if parent == Parent::Root => ("noqueue", 0),
        None => return Err(QdiscError::Empty),
    };
    if handle != 0 && handle != own {
        return Err(QdiscError::WrongHandle);
    }
    if !is_kind(actual) {
        return Err(QdiscError::OtherKind);
    }
    if own == 0 {
        return Err(QdiscError::Default);
    }
    let gone = slot.take();
    if let Some(fifo) = refill {
        *slot = Some(Box::new(make(Some(0), Settings::Fifo(fifo))));
    }
    Ok(Remains::of(gone))
}

fn slot_of(
    root: &mut Option<Box<Qdisc>>,
    parent: Parent,
    missing: QdiscError,
) -> Result<&mut Option<Box<Qdisc>>, QdiscError> {
    let Parent::Class(major, _) = parent else { return Ok(root) };
    let found = root.as_mut().and_then(|root| root.with_handle(major)).ok_or(missing)?;
    if found.settings.is_classful() { Ok(&mut found.child) } else { Err(QdiscError::NotClassful) }
}
