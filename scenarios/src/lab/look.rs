//! Looking: what a place finds, reaches and knows. Names, pings and connections are asked for with real packets; tables
//! are read where they are.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netyard_sim::addr::Mac;
use netyard_sim::bridge::FdbEntry;
use netyard_sim::conntrack;
use netyard_sim::device::Counters;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::Fabric;
use netyard_sim::link::End;
use netyard_sim::namespace::Namespace;
use netyard_sim::neighbour;
use netyard_sim::route::Route;

use super::net::{TcpStream, lookup_host};
use super::{Lab, LabError};
use crate::runner::recording::Packet;

/// What a ping came back with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reply {
    /// Who answered.
    pub from: IpAddr,
    /// The hop limit that was left.
    pub ttl: u8,
    /// The time from the request to the reply.
    pub time: Duration,
}

impl Lab {
    /// The addresses that a name has in a place, the preferred first.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Socket` when there is no such name or nobody answers.
    pub fn resolve(&self, place: &str, name: &str) -> Result<Vec<IpAddr>, LabError> {
        let name = name.to_owned();
        let found = self.run_in(place, async move { lookup_host((name, 0)).await })??;
        Ok(found.into_iter().map(|addr| addr.ip()).collect())
    }

    /// One echo request from a place to a name or address, which waits a second for its reply.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Failed` with what `ping` says when none came.
    pub fn ping(&self, place: &str, target: &str) -> Result<Reply, LabError> {
        let command = format!("ping -c 1 -W 1 {target}");
        let output = self.sh_in(place, &command)?;
        let after = |key: &str| output.split_once(key).map(|(_, rest)| rest);
        let word = |text: &str| text.split([' ', ':', '\n']).next().unwrap_or_default().to_owned();
        let parsed = || {
            let line = after("bytes from ")?.lines().next()?;
            // Linux prints a name with its address in brackets.
            let from = line.split_once('(').and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
            let v6 = || line.rsplit_once(": ")?.0.parse().ok();
            let millis: f64 = word(after("time=")?).parse().ok()?;
            Some(Reply {
                from: from.or_else(|| word(line).parse().ok()).or_else(v6)?,
                ttl: word(after("ttl=")?).parse().ok()?,
                time: Duration::from_secs_f64(millis / 1000.0),
            })
        };
        parsed().ok_or_else(|| LabError::Failed { command, status: 0, output: output.clone() })
    }

    /// Whether a TCP connection from a place to a name and port comes about.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Socket` with why it does not.
    pub fn connect(&self, place: &str, target: &str, port: u16) -> Result<(), LabError> {
        let target = target.to_owned();
        self.run_in(place, async move { TcpStream::connect((target, port)).await.map(drop) })?.map_err(LabError::from)
    }

    /// Looks into the network stack of a place.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn look<T>(&self, place: &str, at: impl FnOnce(&Namespace) -> T) -> Result<T, LabError> {
        let inner = self.0.borrow();
        let found = inner.site.place(place).ok_or_else(|| LabError::NoSuchPlace(place.to_owned()))?;
        Ok(at(inner.site.world().fabric.namespace(found.namespace)))
    }

    /// A device of a place, as the world knows it; none when the place has no such device.
    ///
    /// # Errors
    /// There is no such place.
    pub(crate) fn end_of(&self, place: &str, device: &str) -> Result<Option<End>, LabError> {
        let inner = self.0.borrow();
        let found = inner.site.place(place).ok_or_else(|| LabError::NoSuchPlace(place.to_owned()))?;
        let device = inner.site.world().fabric.namespace(found.namespace).device_named(device);
        Ok(device.map(|device| End { namespace: found.namespace, device: device.index }))
    }

    /// A copy of all networks without anybody in them.
    pub(crate) fn fabric(&self) -> Fabric {
        self.0.borrow().site.world().fabric.clone()
    }

    /// The routes of a place.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn routes(&self, place: &str) -> Result<Vec<Route>, LabError> {
        self.look(place, |stack| stack.routes.iter().cloned().collect())
    }

    /// The neighbours that a place knows, by device and address.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn neighbours(&self, place: &str) -> Result<Vec<(String, IpAddr, neighbour::State)>, LabError> {
        self.look(place, |stack| {
            let name = |device| stack.devices.get(&device).map(|device| device.name.clone()).unwrap_or_default();
            stack.neighbours.iter().map(|(device, addr, entry)| (name(device), addr, entry.state)).collect()
        })
    }

    /// The connections that a place tracks.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn conntrack(&self, place: &str) -> Result<Vec<conntrack::Entry>, LabError> {
        let now = self.0.borrow().site.now();
        self.look(place, |stack| stack.netfilter.conntrack.list(now).into_iter().cloned().collect())
    }

    /// What a bridge of a place has learned; nothing when there is no such bridge.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn fdb(&self, place: &str, bridge: &str) -> Result<Vec<(Mac, FdbEntry)>, LabError> {
        let now = self.0.borrow().site.now();
        self.look(place, |stack| {
            let bridge = stack.device_named(bridge).and_then(|device| device.bridge());
            bridge.into_iter().flat_map(|bridge| bridge.fdb(now)).collect()
        })
    }

    /// Every frame that passed a device of a place so far, in order.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn packets_at(&self, place: &str, device: &str) -> Result<Vec<Packet>, LabError> {
        let name = self.look(place, |stack| format!("{}/{device}", stack.name))?;
        Ok(self.packets().into_iter().filter(|packet| packet.device == name).collect())
    }

    /// The counters of a device; none when there is no such device.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn counters(&self, place: &str, device: &str) -> Result<Option<Counters>, LabError> {
        self.look(place, |stack| stack.device_named(device).map(|device| device.counters))
    }

    /// What was dropped in a place, by device and reason.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn drops(&self, place: &str) -> Result<Vec<(Option<String>, DropReason, u64)>, LabError> {
        self.look(place, |stack| {
            let name = |device| stack.devices.get(&device).map(|device| device.name.clone());
            stack.drops.iter().map(|(device, reason, count)| (device.and_then(name), reason, count)).collect()
        })
    }

    /// The addresses of a place, loopback apart.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn addresses(&self, place: &str) -> Result<Vec<IpAddr>, LabError> {
        self.look(place, |stack| {
            let devices = stack.devices.values().filter(|device| !device.is_loopback());
            devices.flat_map(|device| device.addresses.iter().map(|address| address.net.ip())).collect()
        })
    }

    /// Where a place listens for TCP.
    ///
    /// # Errors
    /// `NoSuchPlace`.
    pub fn listeners(&self, place: &str) -> Result<Vec<SocketAddr>, LabError> {
        self.look(place, |stack| stack.tcp_listeners().map(|listener| listener.local).collect())
    }
}
