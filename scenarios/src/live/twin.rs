//! Twins: namespaces of this machine's kernel that share the addresses of simulated ones, and the guests in them. A guest
//! is a process of somebody who ran `netyard run` or `exec`; it makes the namespaces, or joins those of another guest, and
//! hands their TAP devices and sockets over. What they shall look like is known to the thread that owns the world.
//!
//! How it works: one task a guest. Whoever holds a twin's lead has its guest keep the namespaces as they shall be; when
//! that guest leaves the next one takes the lead. With the last guest the twin goes, and with it its TAP devices.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

use hickory_server::Server;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::End;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::door::Door;
use super::outside::{self, Entry, Errand, Refusal};
use super::parcel::{self, Kind, Letterbox, Order, Report};
use super::picture::Picture;
use super::resolver::{self, Names};

/// All twins.
#[derive(Clone, Debug)]
pub struct Twins {
    door: Door,
    twins: Arc<Mutex<BTreeMap<NamespaceId, Weak<Twin>>>>,
}

/// A twin.
#[derive(Debug)]
struct Twin {
    /// Its namespaces, once somebody has made them. Whoever holds this goes in.
    namespaces: Mutex<Option<Namespaces>>,
    lead: Arc<Mutex<Lead>>,
}

type Namespaces = Vec<(Kind, OwnedFd)>;

/// What the guest in the lead has to care for.
#[derive(Default)]
struct Lead {
    shown: Picture,
    taps: BTreeMap<u32, Tap>,
    resolver: Option<Server<Names>>,
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").field("taps", &self.taps).finish_non_exhaustive()
    }
}

/// A TAP device that is plugged in until this is dropped.
#[derive(Debug)]
struct Tap {
    door: Door,
    end: End,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.door.send_out(Errand::Unplug(self.end));
    }
}

/// A guest, as the engine speaks to it.
struct Guest {
    stream: UnixStream,
    letterbox: Letterbox,
}

impl Guest {
    async fn tell(&self, order: &Order, descriptors: &[OwnedFd]) -> io::Result<()> {
        let bytes = parcel::line(order);
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut sent = 0;
        while sent < bytes.len() {
            let with = if sent == 0 { borrowed.as_slice() } else { &[] };
            let send = || parcel::send(&self.stream, &bytes[sent..], with);
            sent += self.stream.async_io(Interest::WRITABLE, send).await?;
        }
        Ok(())
    }

    /// What it says next, and what comes with it. Nothing is lost when this is not awaited to its end.
    async fn hear(&mut self) -> io::Result<(Report, Vec<OwnedFd>)> {
        loop {
            if let Some(report) = self.letterbox.open::<Report>()? {
                let descriptors = self.letterbox.descriptors(report.descriptors())?;
                return Ok((report, descriptors));
            }
            let Self { stream, letterbox } = self;
            if !stream.async_io(Interest::READABLE, || letterbox.receive(&*stream)).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Twins {
    /// No twins, of what is behind the door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        Self { door, twins: Arc::default() }
    }

    /// Asks to go into a container.
    ///
    /// # Errors
    /// When there is no such container, or it has no network of its own now.
    pub async fn enter(&self, container: &str) -> Result<Entry, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.door.send_out(Errand::Enter { container: container.to_owned(), reply });
        answer.await.unwrap_or_else(|_| Err(Refusal(503, "the engine is shutting down".to_owned())))
    }

    /// Cares for a guest until it or its container is gone.
    pub async fn serve(self, stream: UnixStream, entry: Entry) {
        let twin = self.twin_of(entry.namespace).await;
        let mut guest = Guest { stream, letterbox: Letterbox::default() };
        // A guest that fails has been told why, or is gone.
        drop(self.attend(&twin, &mut guest, entry).await);
    }

    async fn twin_of(&self, namespace: NamespaceId) -> Arc<Twin> {
        let mut twins = self.twins.lock().await;
        twins.retain(|_, twin| twin.strong_count() > 0);
        if let Some(twin) = twins.get(&namespace).and_then(Weak::upgrade) {
            return twin;
        }
        let twin = Arc::new(Twin { namespaces: Mutex::default(), lead: Arc::default() });
        twins.insert(namespace, Arc::downgrade(&twin));
        twin
    }

    async fn attend(&self, twin: &Twin, guest: &mut Guest, mut entry: Entry) -> io::Result<()> {
        let mut namespaces = twin.namespaces.lock().await;
        let mut lead = None;
        if let Some(made) = namespaces.as_ref() {
            let kinds = made.iter().map(|(kind, _)| *kind).collect();
            let descriptors: io::Result<Vec<_>> = made.iter().map(|(_, descriptor)| descriptor.try_clone()).collect();
            guest.tell(&Order::Join(kinds), &descriptors?).await?;
            while guest.hear().await?.0 != Report::Ready {}
        } else {
            let mut taken = Arc::clone(&twin.lead).lock_owned().await;
            let picture = entry.pictures.borrow_and_update().clone();
            guest.tell(&Order::Make(picture.clone()), &[]).await?;
            *namespaces = Some(self.settle(guest, &mut taken, &entry).await?);
            taken.shown = picture;
            lead = Some(taken);
        }
        drop(namespaces);
        guest.tell(&Order::Begin, &[]).await?;
        let mut lead = match lead {
            Some(lead) => lead,
            None => self.wait_for_lead(twin, guest, &mut entry).await?,
        };
        self.keep(guest, &mut lead, &mut entry).await
    }

    /// Waits until the guest has to keep the namespaces, since whoever did is gone.
    async fn wait_for_lead(
        &self,
        twin: &Twin,
        guest: &mut Guest,
        entry: &mut Entry,
    ) -> io::Result<OwnedMutexGuard<Lead>> {
        let mut waiting = std::pin::pin!(Arc::clone(&twin.lead).lock_owned());
        loop {
            tokio::select! {
                lead = &mut waiting => {
                    guest.tell(&Order::Keep(lead.shown.clone()), &[]).await?;
                    entry.pictures.mark_changed();
                    return Ok(lead);
                }
                // It has nothing to say while another one keeps them: it is gone, or about to be.
                heard = guest.hear() => drop(heard?),
                changed = entry.pictures.changed() => changed.map_err(|_| io::ErrorKind::UnexpectedEof)?,
            }
        }
    }

    /// Has the guest keep the namespaces as they shall be.
    async fn keep(&self, guest: &mut Guest, lead: &mut Lead, entry: &mut Entry) -> io::Result<()> {
        loop {
            tokio::select! {
                changed = entry.pictures.changed() => {
                    changed.map_err(|_| io::ErrorKind::UnexpectedEof)?;
                    let picture = entry.pictures.borrow_and_update().clone();
                    // A device goes with its last descriptor.
                    lead.taps.retain(|index, _| picture.has_as(*index, &lead.shown));
                    guest.tell(&Order::Change(picture.clone()), &[]).await?;
                    self.settle(guest, lead, entry).await?;
                    lead.shown = picture;
                }
                heard = guest.hear() => {
                    let (report, descriptors) = heard?;
                    self.take(report, descriptors, lead, entry)?;
                }
            }
        }
    }

    /// Takes what a guest hands over until it has done what it was told; its namespaces, if it made any.
    async fn settle(&self, guest: &mut Guest, lead: &mut Lead, entry: &Entry) -> io::Result<Namespaces> {
        let mut namespaces = Vec::new();
        loop {
            match guest.hear().await? {
                (Report::Ready, _) => return Ok(namespaces),
                (Report::Namespaces(kinds), descriptors) => namespaces = kinds.into_iter().zip(descriptors).collect(),
                (report, descriptors) => self.take(report, descriptors, lead, entry)?,
            }
        }
    }

    fn take(&self, report: Report, descriptors: Vec<OwnedFd>, lead: &mut Lead, entry: &Entry) -> io::Result<()> {
        let mut descriptors = descriptors.into_iter();
        match (report, descriptors.next(), descriptors.next()) {
            (Report::Tap(index), Some(tap), _) => {
                let tap = self.plug(outside::end(entry.namespace, index), tap)?;
                lead.taps.insert(index, tap);
            }
            (Report::Resolver, Some(datagrams), Some(listener)) => {
                let place = (entry.namespace, entry.context);
                lead.resolver = Some(resolver::serve(self.door.clone(), place, datagrams, listener)?);
            }
            (Report::Lost(index, count), ..) => {
                self.door.send_out(Errand::Lost(outside::end(entry.namespace, index), count));
            }
            (Report::Namespaces(_) | Report::Tap(_) | Report::Resolver | Report::Ready, ..) => {}
        }
        Ok(())
    }

    /// Joins a TAP device to a device of the world.
    fn plug(&self, end: End, tap: OwnedFd) -> io::Result<Tap> {
        rustix::io::ioctl_fionbio(&tap, true)?;
        self.door.send_out(Errand::Plug(end, tap));
        Ok(Tap { door: self.door.clone(), end })
    }
}
