//! Shared set-up of the benches: the networks that they measure.

pub mod router;

use netyard_sim::addr::Mac;
use netyard_sim::bridge::Bridge;
use netyard_sim::device::{Device, IfIndex};
use netyard_sim::fabric::{Fabric, NamespaceId};
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::link::Condition;
use netyard_sim::namespace::{Cx, Namespace};
use netyard_sim::rng::Seed;
use netyard_sim::time::Instant;

/// A namespace with a bridge of `ports` running ports, whose far ends have learned addresses.
pub struct Switch {
    fabric: Fabric,
    host: NamespaceId,
    ports: Vec<IfIndex>,
}

impl Switch {
    /// A bridge with this many ports.
    ///
    /// # Panics
    /// When `ports` is above 250.
    #[must_use]
    pub fn new(ports: u8) -> Self {
        let mut fabric = Fabric::new(Seed(1));
        let (host, far) = (fabric.create_namespace("switch"), fabric.create_namespace("far"));
        let bridge = fabric.create_bridge(host, "br0", None).expect("the name is free");
        fabric.set_up(host, bridge, true);
        let ports = (0..ports).map(|n| Self::port(&mut fabric, host, far, bridge, n)).collect();
        let mut switch = Self { fabric, host, ports };
        for port in 0..switch.ports.len() {
            switch.receive(port, &Frame::ethernet(Mac::BROADCAST, station(port), ethertype::ARP, 46));
        }
        switch
    }

    fn port(fabric: &mut Fabric, host: NamespaceId, far: NamespaceId, bridge: IfIndex, n: u8) -> IfIndex {
        let (port, peer) =
            fabric.create_veth(host, &format!("p{n}"), "peer", Condition::default()).expect("the name is free");
        let peer = fabric.move_device(host, peer, far, &format!("p{n}")).expect("the name is free");
        fabric.set_up(host, port, true);
        fabric.set_up(far, peer, true);
        fabric.set_master(host, port, Some(bridge)).expect("it is a bridge");
        port
    }

    fn receive(&mut self, port: usize, frame: &Frame) {
        let (host, device) = (self.host, self.ports[port]);
        self.fabric.with(host, |ns, cx| ns.receive(cx, device, frame.clone()));
    }

    /// The namespace itself, to receive frames without the fabric around it, and the device of a port.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn namespace(&mut self, port: usize) -> (&mut Namespace, IfIndex) {
        let device = self.ports[port];
        (self.fabric.namespace_mut(self.host), device)
    }

    /// The bridge alone.
    ///
    /// # Panics
    /// Never: it was made first.
    pub fn bridge(&mut self) -> &mut Bridge {
        let device = self.fabric.namespace_mut(self.host).devices.get_mut(&IfIndex(2));
        device.and_then(Device::bridge_mut).expect("the bridge is the second device")
    }
}

/// The address of the station behind a port.
///
/// # Panics
/// When `port` is above 255.
#[must_use]
pub fn station(port: usize) -> Mac {
    Mac([2, 0, 0, 0, 1, u8::try_from(port).expect("a port number fits a byte")])
}

/// A place for what a namespace sends.
#[must_use]
pub fn outbox() -> Cx {
    Cx::at(Instant::ZERO)
}
