//! Breaking the network, and mending it again when a guard goes.

use netyard_drivers::site::impair::Impairment;
use netyard_sim::frame::Frame;
use netyard_sim::link::End;

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

    /// Lets the links of a place do something to frames, as `netyard impair set PLACE` takes it: `wifi-bad`,
    /// `delay 20ms 5ms loss 1%`, `out tbf rate 1mbit burst 10k latency 50ms`. Without `in` or `out` it is both ways. When
    /// the guard goes, the links of that direction do nothing more. `c1:eth1` is one link of a place.
    ///
    /// # Errors
    /// `Failed` with what the command says; nothing is changed then.
    pub fn impair(&self, place: &str, told: &str) -> Result<Guard, LabError> {
        let directions: &[&str] = match told.split_whitespace().next() {
            Some("in") => &["in"],
            Some("out") => &["out"],
            _ => &["in", "out"],
        };
        let host = self.host();
        self.sh_in(&host, &format!("netyard impair set {place} {told}"))?;
        let mend = |direction| (host.clone(), format!("netyard impair reset {place} {direction}"));
        Ok(Guard { lab: self.clone(), mending: directions.iter().map(mend).collect() })
    }

    /// Drops what some places send to others, one way only, where it fits matches of `iptables` (all when there are none:
    /// `-p tcp --dport 80` for some).
    ///
    /// # Errors
    /// `Failed` with what the command says; nothing is dropped then.
    pub fn blackhole(&self, from: &[&str], to: &[&str], matches: &str) -> Result<Guard, LabError> {
        let (from, to) = (from.join(","), to.join(","));
        let doing = format!("netyard impair set {from} to {to} blackhole {matches}");
        self.with(&self.host(), &doing, &format!("netyard impair reset {from} to {to}"))
    }

    /// Lets something go wrong as `netyard fault` takes it: `kill c2`, `pause engine docker01`, `restart docker02`,
    /// `pause c2 --on 'connect c3'`, `bug late-records`. What happens at once has happened when this returns. When the
    /// guard goes, what was killed is started again, what was paused goes on, and bugs are switched off.
    ///
    /// # Errors
    /// `Failed` with what the command says; nothing is harmed then.
    pub fn fault(&self, told: &str) -> Result<Guard, LabError> {
        let host = self.host();
        self.sh_in(&host, &format!("netyard fault {told}"))?;
        let (verb, rest) = told.trim().split_once(' ').unwrap_or((told, ""));
        let victim = rest.split(" --").next().unwrap_or(rest);
        let mending = match verb {
            "kill" => vec![format!("netyard fault start {victim}")],
            "pause" => vec![format!("netyard fault unpause {victim}")],
            "bug" => vec![format!("netyard fault bug {} off", victim.split(' ').next().unwrap_or(victim))],
            _ => Vec::new(),
        };
        Ok(Guard { lab: self.clone(), mending: mending.into_iter().map(|command| (host.clone(), command)).collect() })
    }

    /// What links were told to do to frames, with what was asked against what was delivered.
    #[must_use]
    pub fn impairments(&self) -> Vec<Impairment> {
        self.0.borrow().site.impairments()
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
        let end = self.far_end(place, device)?;
        let peer = {
            let inner = self.0.borrow();
            let devices = &inner.site.world().fabric.namespace(end.namespace).devices;
            devices.get(&end.device).map(|peer| peer.name.clone())
        };
        let peer = peer.ok_or_else(|| no_cable(place, device))?;
        let host = self.host();
        self.with(&host, &format!("ip link set {peer} down"), &format!("ip link set {peer} up"))
    }

    /// Sends bytes as a frame from a device of a place, whatever they are.
    ///
    /// # Errors
    /// `NoSuchPlace`; `Failed` when it has no such device.
    pub fn send(&self, place: &str, device: &str, frame: &[u8]) -> Result<(), LabError> {
        let end = self.far_end(place, device)?;
        let inner = &mut *self.0.borrow_mut();
        inner.site.world_mut().fabric.inject(end.namespace, end.device, Frame::copy_of(frame));
        Ok(())
    }

    /// The other end of a device's cable.
    fn far_end(&self, place: &str, device: &str) -> Result<End, LabError> {
        let end = self.end_of(place, device)?;
        let far = end.and_then(|end| self.0.borrow().site.world().fabric.peer_of(end.namespace, end.device));
        far.ok_or_else(|| no_cable(place, device))
    }

    fn ipv4(&self, place: &str) -> Result<Vec<std::net::IpAddr>, LabError> {
        Ok(self.addresses(place)?.into_iter().filter(std::net::IpAddr::is_ipv4).collect())
    }
}

fn no_cable(place: &str, device: &str) -> LabError {
    let output = format!("Device \"{device}\" has no cable.\n");
    LabError::Failed { command: format!("{place}: cable of {device}"), status: 1, output }
}
