//! Devices with a queueing discipline: what they hold back, and when it goes on. What a discipline does is
//! [`crate::qdisc`]'s affair.

use super::{Cx, Namespace};
use crate::device::IfIndex;
use crate::drop::DropReason;
use crate::frame::Frame;
use crate::packet::segment;
use crate::qdisc::{self, Parent, Past, Qdisc, QdiscError, Remains, Request, Settings, Verb};

/// How many disciplines that are gone a namespace remembers.
const REMEMBERED: usize = 1024;

/// The first handle that the kernel gives by itself.
pub(super) const FIRST_HANDLE: u16 = 0x8001;
/// What a device's queue holds when it is made one and holds nothing.
const DEFAULT_QUEUE_LEN: u32 = 1000;

/// A discipline that is over.
#[derive(Clone, Debug)]
pub struct Retired {
    /// The name of the device that it was at.
    pub device: String,
    /// What it was told and what it did.
    pub past: Past,
}

impl Namespace {
    /// A frame goes by way of a device's queue.
    pub(super) fn queue_frame(&mut self, cx: &mut Cx, index: IfIndex, frame: Frame) {
        let mut dropped = Vec::new();
        let Some(queue) = self.devices.get_mut(&index).and_then(|device| device.queue.as_mut()) else { return };
        if frame.offload.is_whole() {
            queue.enqueue(cx.now, frame, &mut dropped);
        } else {
            segment::whole(frame).into_iter().for_each(|frame| queue.enqueue(cx.now, frame, &mut dropped));
        }
        self.tell_dropped(cx, index, dropped);
        self.run_queue(cx, index);
    }

    /// Lets go on what may, and notes when the next may.
    fn run_queue(&mut self, cx: &mut Cx, index: IfIndex) {
        let mut dropped = Vec::new();
        let mut leaving = Vec::new();
        let Some(queue) = self.devices.get_mut(&index).and_then(|device| device.queue.as_mut()) else { return };
        while let Some(frame) = queue.dequeue(cx.now, &mut dropped) {
            leaving.push(frame);
        }
        if let Some(at) = queue.next_at() {
            self.queues_at = Some(self.queues_at.map_or(at, |planned| planned.min(at)));
        }
        leaving.into_iter().for_each(|frame| self.depart(cx, index, frame));
        self.tell_dropped(cx, index, dropped);
    }

    /// Lets go on what may, of all devices.
    pub(super) fn poll_queues(&mut self, cx: &mut Cx) {
        if self.queues_at.is_none_or(|at| at > cx.now) {
            return;
        }
        self.queues_at = None;
        let queued: Vec<IfIndex> = self.devices.values().filter(|d| d.queue.is_some()).map(|d| d.index).collect();
        queued.into_iter().for_each(|index| self.run_queue(cx, index));
    }

    /// What waits at a device that does not run any more is dropped.
    pub(super) fn flush_queue(&mut self, cx: &mut Cx, index: IfIndex) {
        let queue = self.devices.get_mut(&index).and_then(|device| device.queue.as_mut());
        let waiting = queue.map(|queue| queue.reset()).unwrap_or_default();
        self.tell_dropped(cx, index, waiting.into_iter().map(|frame| (DropReason::LinkDown, frame)).collect());
    }

    fn tell_dropped(&mut self, cx: &mut Cx, index: IfIndex, dropped: Vec<(DropReason, Frame)>) {
        dropped.into_iter().for_each(|(reason, frame)| self.drop_frame(cx, Some(index), reason, &frame));
    }

    /// Sets a queueing discipline as `tc qdisc add|change|replace` does.
    ///
    /// # Errors
    /// What the kernel says; `NoSuch` for a device that is not there.
    pub fn set_qdisc(&mut self, cx: &mut Cx, index: IfIndex, verb: Verb, request: Request) -> Result<(), QdiscError> {
        let at = request.parent;
        let is_none = request.settings == Some(Settings::Noqueue) && at == Some(Parent::Root);
        self.with_queue(cx, index, at, |root, make| match is_none {
            true => Ok(qdisc::clear(root)),
            false => qdisc::set(root, verb, request, make),
        })
    }

    /// Takes one away as `tc qdisc del` does.
    ///
    /// # Errors
    /// What the kernel says; `NoSuch` for a device that is not there.
    pub fn delete_qdisc(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        (parent, handle): (Option<Parent>, u16),
        kind: Option<&str>,
    ) -> Result<(), QdiscError> {
        self.with_queue(cx, index, parent, |root, make| qdisc::delete(root, parent, handle, kind, make))
    }

    /// Takes all away, as when a device goes to another namespace.
    pub(super) fn clear_queue(&mut self, cx: &mut Cx, index: IfIndex) {
        if self.devices.get(&index).is_some_and(|device| device.queue.is_some()) {
            let cleared = self.with_queue(cx, index, Some(Parent::Root), |root, _| Ok(qdisc::clear(root)));
            cleared.expect("nothing is refused");
        }
    }

    /// Changes the disciplines of a device. What is over is remembered, and what waited there is dropped.
    fn with_queue(
        &mut self,
        cx: &mut Cx,
        index: IfIndex,
        parent: Option<Parent>,
        change: impl FnOnce(
            &mut Option<Box<Qdisc>>,
            &mut dyn FnMut(Option<u16>, Settings) -> Qdisc,
        ) -> Result<Remains, QdiscError>,
    ) -> Result<(), QdiscError> {
        let device = self.devices.get_mut(&index).ok_or(QdiscError::NoSuch)?;
        let place = match parent {
            Some(Parent::Class(major, minor)) => format!("{major:x}:{minor:x}"),
            _ => "root".to_owned(),
        };
        let name = format!("qdisc/{}/{}/{place}", self.name, device.name);
        let (seed, next) = (self.seed, &mut self.next_qdisc);
        let mut make = |handle: Option<u16>, settings| {
            let handle = handle.unwrap_or_else(|| {
                let own = *next;
                *next = next.checked_add(1).unwrap_or(FIRST_HANDLE);
                own
            });
            Qdisc::new(handle, settings, seed, &name)
        };
        let Remains { past, waiting } = change(&mut device.queue, &mut make)?;
        if device.queue.is_some() && device.queue_len == 0 {
            device.queue_len = DEFAULT_QUEUE_LEN;
        }
        let retired = past.into_iter().map(|past| Retired { device: device.name.clone(), past });
        self.retired.extend(retired.filter(|retired| retired.past.ledger.has_seen_any()));
        let too_many = self.retired.len().saturating_sub(REMEMBERED);
        self.retired.drain(..too_many);
        self.tell_dropped(cx, index, waiting.into_iter().map(|frame| (DropReason::LinkDown, frame)).collect());
        self.run_queue(cx, index);
        Ok(())
    }

    /// The disciplines that are gone or have other settings now, with what they did, oldest first.
    #[must_use]
    pub fn retired_qdiscs(&self) -> &[Retired] {
        &self.retired
    }

    /// Takes them out.
    pub(crate) fn take_retired_qdiscs(&mut self) -> Vec<Retired> {
        core::mem::take(&mut self.retired)
    }
}
