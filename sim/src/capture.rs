//! The capture: every frame at every device it passes, as tcpdump on all of them would see it, and what was dropped
//! where. It writes no file.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use crate::drop::DropReason;
use crate::frame::{Frame, ethertype};
use crate::id::{IfIndex, NamespaceId};
use crate::packet::Ip;
use crate::rng::{fnv1a, fnv1a_more};
use crate::time::Instant;

/// What happened to a frame at a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hop {
    /// It came in.
    Received,
    /// It went out.
    Sent,
    /// It went no further.
    Dropped(DropReason),
}

/// Where a frame was: a device of a namespace, or the namespace itself when it was dropped in no device. Its name is
/// kept by the capture, because a device may be gone before anybody reads it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Spot(u32);

/// A frame at one place and time.
#[derive(Clone, Debug)]
pub struct Captured {
    /// When.
    pub at: Instant,
    /// Where.
    pub spot: Spot,
    /// What happened.
    pub hop: Hop,
    /// The frame as it was there. Its bytes are shared, not copied.
    pub frame: Frame,
    /// What is to be said of a drop beyond its reason: the rule that did it, as `iptables -S` prints it. Of a frame that
    /// passed whose addresses the firewall had changed: what they were and what they are.
    pub note: Option<Box<str>>,
}

impl Captured {
    /// Whether the frame was on the wire there, and was not merely dropped.
    #[must_use]
    pub const fn passed(&self) -> bool {
        matches!(self.hop, Hop::Received | Hop::Sent)
    }
}

/// All that was captured, when capturing is on.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    on: bool,
    frames: Vec<Captured>,
    spots: BTreeMap<(NamespaceId, Option<IfIndex>), Spot>,
    names: Vec<(String, NamespaceId, Option<IfIndex>)>,
    /// What the firewalls of namespaces made of packets' ends, by what these are now.
    translations: BTreeMap<(NamespaceId, Ends), Ends>,
}

/// The two ends of a packet: addresses, and ports where it has some.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Ends {
    src: (IpAddr, Option<u16>),
    dst: (IpAddr, Option<u16>),
}

impl Ends {
    /// Those of a frame, when it carries a packet of IP.
    #[must_use]
    pub fn of(frame: &Frame) -> Option<Self> {
        if !matches!(frame.ethertype(), ethertype::IPV4 | ethertype::IPV6) {
            return None;
        }
        let ip = Ip::parse(frame.payload())?;
        let ports = ip.ports();
        Some(Self { src: (ip.src, ports.map(|(src, _)| src)), dst: (ip.dst, ports.map(|(_, dst)| dst)) })
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |(addr, port): (IpAddr, Option<u16>)| match port {
            Some(port) => SocketAddr::new(addr, port).to_string(),
            None => addr.to_string(),
        };
        write!(f, "{} > {}", end(self.src), end(self.dst))
    }
}

/// How often the ends of one packet are changed at most: on its way in, and on its way out.
const CHANGES: usize = 2;

impl Capture {
    /// Begins to capture.
    pub const fn start(&mut self) {
        self.on = true;
    }

    /// Forgets what it has and begins anew.
    pub fn restart(&mut self) {
        self.frames.clear();
        self.translations.clear();
        self.on = true;
    }

    /// Whether it captures.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Takes a frame that was at a spot.
    pub fn record(&mut self, captured: Captured) {
        self.frames.push(captured);
    }

    /// The firewall of a namespace changed a packet's ends.
    pub fn note_translation(&mut self, namespace: NamespaceId, before: Ends, after: Ends) {
        if self.on {
            self.translations.insert((namespace, after), before);
        }
    }

    /// What the ends of a packet at a device were before the firewall of that namespace changed them, in words.
    #[must_use]
    pub fn translation(&self, namespace: NamespaceId, frame: &Frame) -> Option<Box<str>> {
        if self.translations.is_empty() {
            return None;
        }
        let after = Ends::of(frame)?;
        let mut before = *self.translations.get(&(namespace, after))?;
        for _ in 1..CHANGES {
            before =
                self.translations.get(&(namespace, before)).filter(|first| **first != after).copied().unwrap_or(before);
        }
        Some(format!("{before} became {after}").into())
    }

    /// The spot with this name; a device that has another name by now is another spot.
    pub fn spot(&mut self, namespace: NamespaceId, device: Option<IfIndex>, name: &str) -> Spot {
        match self.spots.get(&(namespace, device)) {
            Some(spot) if self.name(*spot) == name => *spot,
            _ => {
                let spot = Spot(u32::try_from(self.names.len()).expect("a world has fewer than 2^32 devices"));
                self.names.push((name.to_owned(), namespace, device));
                self.spots.insert((namespace, device), spot);
                spot
            }
        }
    }

    /// The name of a spot: `docker01/docker0`.
    #[must_use]
    pub fn name(&self, spot: Spot) -> &str {
        &self.names[spot.0 as usize].0
    }

    /// The namespace of a spot, and the device unless it is the namespace itself.
    #[must_use]
    pub fn place(&self, spot: Spot) -> (NamespaceId, Option<IfIndex>) {
        let (_, namespace, device) = self.names[spot.0 as usize];
        (namespace, device)
    }

    /// What was captured, in order.
    #[must_use]
    pub fn frames(&self) -> &[Captured] {
        &self.frames
    }

    /// Forgets what was seen in other namespaces than these.
    pub fn keep(&mut self, namespaces: impl Fn(NamespaceId) -> bool) {
        let names = &self.names;
        self.frames.retain(|captured| namespaces(names[captured.spot.0 as usize].1));
    }

    /// A number that differs when any frame, time or place does.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.frames.iter().fold(fnv1a(&[]), |hash, c| {
            let hash = fnv1a_more(hash, &c.at.as_nanos().to_be_bytes());
            let hash = fnv1a_more(hash, self.name(c.spot).as_bytes());
            fnv1a_more(hash, c.frame.bytes())
        })
    }
}
