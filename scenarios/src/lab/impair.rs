//! Breaking the network, and mending it again when a guard goes.

use netyard_sim::frame::Frame;

use super::{Lab, LabError};

/// Something that is broken while this lives. It is mended when it goes, as far as what was broken is still there.
#[must_use = "what is broken is mended when this goes"]
pub struct Guard {
    lab: Lab,
    /// Where, and the command that mends it.
    mending: Vec<(String, String)>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        for (place, command) in self.mending.drain(..).rev() {
            // A container that is gone needs no mending.
            let _ = self.lab.sh_in(&place, &command);
        }
    }
}

impl Lab {
    /// Does something in a place and undoes it when the guard goes.
    ///
    /// # Errors
    /// As for [`sh_in`](Self::sh_in); nothing is left to undo then.
    pub fn with(&self, place: &str, doing: &str, undoing: &str) -> Result<Guard, LabError> {
        self.sh_in(place, doing)?;
        Ok(Guard { lab: self.clone(), mending: vec![(place.to_owned(), undoing.to_owned())] })
    }

    /// Keeps containers of the default host apart from others, both ways: no IPv4 packet passes between the two sets.
    ///
    /// # Errors
    /// `NoSuchPlace`, or what `iptables` says; nothing is left apart then.
    pub fn partition(&self, one: &[&str], other: &[&str]) -> Result<Guard, LabError> {
        let mut guard = Guard { lab: self.clone(), mending: Vec::new() };
        let host = self.host();
        for (one, other) in one.iter().flat_map(|one| other.iter().map(move |other| (*one, *other))) {
            let (ones, others) = (self.ipv4(one)?, self.ipv4(other)?);
            for (a, b) in ones.iter().flat_map(|a| others.iter().map(move |b| (a, b))) {
                for (from, to) in [(a, b), (b, a)] {
                    let rule = format!("DOCKER-USER -s {from} -d {to} -j DROP");
                    self.sh_in(&host, &format!("iptables -I {rule}"))?;
                    guard.mending.push((host.clone(), format!("iptables -D {rule}")));
                }
            }
        }
        Ok(guard)
    }

    /// Pulls the cable of a container's device: the host's end of its veth pair is down.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Failed` when the place has no such device or no cable at it.
    pub fn cut(&self, place: &str, device: &str) -> Result<Guard, LabError> {
        let peer = {
            let inner = self.0.borrow();
            let found = inner.site.place(place).ok_or_else(|| LabError::NoSuchPlace(place.to_owned()))?;
            let fabric = &inner.site.world().fabric;
            let index = fabric.namespace(found.namespace).device_named(device).map(|device| device.index);
            let end = index.and_then(|index| fabric.peer_of(found.namespace, index));
            end.and_then(|end| fabric.namespace(end.namespace).devices.get(&end.device).map(|peer| peer.name.clone()))
        };
        let Some(peer) = peer else {
            return Err(no_cable(place, device));
        };
        let host = self.host();
        self.with(&host, &format!("ip link set {peer} down"), &format!("ip link set {peer} up"))
    }

    /// Sends bytes as a frame from a device of a place, whatever they are.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Failed` when it has no such device.
    pub fn send(&self, place: &str, device: &str, frame: &[u8]) -> Result<(), LabError> {
        let inner = &mut *self.0.borrow_mut();
        let found = inner.site.place(place).ok_or_else(|| LabError::NoSuchPlace(place.to_owned()))?;
        let fabric = &mut inner.site.world_mut().fabric;
        let index = fabric.namespace(found.namespace).device_named(device).map(|device| device.index);
        let end = index.and_then(|index| fabric.peer_of(found.namespace, index));
        let Some(end) = end else { return Err(no_cable(place, device)) };
        fabric.inject(end.namespace, end.device, Frame::copy_of(frame));
        Ok(())
    }

    fn ipv4(&self, place: &str) -> Result<Vec<std::net::IpAddr>, LabError> {
        Ok(self.addresses(place)?.into_iter().filter(std::net::IpAddr::is_ipv4).collect())
    }
}

fn no_cable(place: &str, device: &str) -> LabError {
    let output = format!("Device \"{device}\" has no cable.\n");
    LabError::Failed { command: format!("{place}: cable of {device}"), status: 1, output }
}
