//! VLANs of a bridge (IEEE 802.1Q): which numbers a port takes and gives, and with what tag. It holds no frame.

use std::collections::BTreeMap;

/// The number that every port has from the beginning.
pub const DEFAULT: u16 = 1;

/// The VLANs of a port, or of the bridge's own device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vlans {
    /// The number that frames without a tag are taken to have; none are taken without.
    pvid: Option<u16>,
    /// The numbers that pass, and whether they leave without a tag.
    members: BTreeMap<u16, bool>,
}

impl Vlans {
    /// Those of a new port: the default alone, without a tag.
    #[must_use]
    pub fn new(default: Option<u16>) -> Self {
        Self { pvid: default, members: default.map(|id| (id, true)).into_iter().collect() }
    }

    /// Lets a number pass.
    pub fn add(&mut self, id: u16, pvid: bool, untagged: bool) {
        self.members.insert(id, untagged);
        if pvid {
            self.pvid = Some(id);
        } else {
            self.pvid = self.pvid.filter(|known| *known != id);
        }
    }

    /// Lets a number pass no longer; false when it did not.
    pub fn remove(&mut self, id: u16) -> bool {
        self.pvid = self.pvid.filter(|known| *known != id);
        self.members.remove(&id).is_some()
    }

    /// The number of a frame that comes in with this tag; none when it is not taken.
    #[must_use]
    pub fn ingress(&self, tag: Option<u16>) -> Option<u16> {
        // A tag with the number 0 has a priority only.
        tag.filter(|id| *id != 0).or(self.pvid).filter(|id| self.members.contains_key(id))
    }

    /// Whether frames of a number leave without a tag; none when they do not leave.
    #[must_use]
    pub fn egress(&self, id: u16) -> Option<bool> {
        self.members.get(&id).copied()
    }

    /// The number that frames without a tag are taken to have.
    #[must_use]
    pub const fn pvid(&self) -> Option<u16> {
        self.pvid
    }

    /// The numbers, and whether they leave without a tag.
    pub fn iter(&self) -> impl Iterator<Item = (u16, bool)> {
        self.members.iter().map(|(id, untagged)| (*id, *untagged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_takes_its_numbers_and_frames_without_a_tag_as_its_own() {
        let mut port = Vlans::new(Some(DEFAULT));
        port.add(10, false, false);
        assert_eq!((port.ingress(None), port.ingress(Some(0)), port.ingress(Some(10))), (Some(1), Some(1), Some(10)));
        assert_eq!((port.ingress(Some(20)), port.egress(1), port.egress(10)), (None, Some(true), Some(false)));
        port.add(10, true, true);
        assert_eq!((port.ingress(None), port.egress(10)), (Some(10), Some(true)));
        assert!(port.remove(10) && !port.remove(10));
        assert_eq!((port.ingress(None), port.pvid()), (None, None));
    }
}
