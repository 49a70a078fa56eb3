//! A network namespace.
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use crate::device::{Device, IfIndex};
use crate::socket::{Datagram, Errno, SendOptions, SocketId};
use crate::{neighbour, route};

/// x
pub struct Cx;
/// x
#[derive(Default)]
pub struct Sysctl {
    /// x
    pub ipv4_forward: bool,
}
/// x
pub struct Namespace {
    /// x
    pub sysctl: Sysctl,
    /// x
    pub devices: BTreeMap<IfIndex, Device>,
    /// x
    pub routes: route::Table,
    /// x
    pub neighbours: neighbour::Table,
}

impl Namespace {
    /// A device by name.
    pub fn device_named(&self, name: &str) -> Option<&Device> {
        self.devices.values().find(|d| d.name == name)
    }
    /// x
    pub fn udp_bind(&mut self, _local: SocketAddr) -> Result<SocketId, Errno> {
        todo!()
    }
    /// x
    pub fn udp_connect(&mut self, _s: SocketId, _peer: SocketAddr) -> Result<(), Errno> {
        todo!()
    }
    /// x
    pub fn raw_open(&mut self, _p: u8) -> SocketId {
        todo!()
    }
    /// x
    pub fn send_to(
        &mut self,
        _cx: &mut Cx,
        _s: SocketId,
        _dst: SocketAddr,
        _data: &[u8],
        _o: SendOptions,
    ) -> Result<(), Errno> {
        todo!()
    }
    /// x
    pub fn recv_from(&mut self, _s: SocketId) -> Result<Option<Datagram>, Errno> {
        todo!()
    }
    /// x
    pub fn close(&mut self, _cx: &mut Cx, _s: SocketId) {
        todo!()
    }
    /// x
    pub fn source_for(&self, _dst: IpAddr) -> Option<IpAddr> {
        todo!()
    }
}
