//! Devices that stand on another one and share it: macvlan, ipvlan and 802.1Q sub-interfaces. It decides which of them
//! a frame is for; it holds no frame and no device.
//!
//! The device beneath keeps what it must know of each ([`Upper`]), for they may be in other namespaces.

use core::net::IpAddr;

use crate::addr::Mac;
use crate::frame::{Frame, ethertype};
use crate::id::LinkId;
use crate::packet::Ip;

/// Whom a macvlan may talk to on its parent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MacvlanMode {
    /// Nobody, not even by way of a switch that sends its frames back.
    Private,
    /// The others, when the switch outside sends the frames back.
    Vepa,
    /// The others in this mode, within the host.
    Bridge,
    /// It is the only one, with the parent's own address.
    Passthru,
}

impl MacvlanMode {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Vepa => "vepa",
            Self::Bridge => "bridge",
            Self::Passthru => "passthru",
        }
    }
}

/// What an ipvlan looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IpvlanMode {
    /// It is on the parent's link: it speaks ARP.
    L2,
    /// The parent's namespace routes for it.
    L3,
    /// The same, past the firewall of the parent's namespace.
    L3s,
}

impl IpvlanMode {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L3 => "l3",
            Self::L3s => "l3s",
        }
    }
}

/// How a device shares the one beneath it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Over {
    /// By Ethernet addresses.
    Macvlan(MacvlanMode),
    /// By IP addresses, with one Ethernet address.
    Ipvlan(IpvlanMode),
    /// By 802.1Q tags: this number, 1 to 4094.
    Vlan(u16),
}

/// What a device knows of one that stands on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upper {
    /// What leads to it.
    pub link: LinkId,
    /// How it shares.
    pub over: Over,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its IP addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is up; what is down gets nothing.
    pub up: bool,
}

impl Upper {
    const fn macvlan(&self) -> Option<MacvlanMode> {
        match self.over {
            Over::Macvlan(mode) => Some(mode),
            _ => None,
        }
    }

    const fn ipvlan(&self) -> Option<IpvlanMode> {
        match self.over {
            Over::Ipvlan(mode) => Some(mode),
            _ => None,
        }
    }
}

/// Where a frame goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Shares {
    /// The devices above that get it.
    pub uppers: Vec<LinkId>,
    /// Whether the device beneath goes on with it: takes it in when it came from outside, sends it when it came from
    /// above.
    pub lower: bool,
    /// Whether it gets there without its tag.
    pub untag: bool,
    /// Whether the device beneath takes it in although it came from above (an ipvlan speaks to its parent).
    pub inward: bool,
    /// Whether the parent's namespace has to find its way.
    pub routed: bool,
}

impl Shares {
    fn lower() -> Self {
        Self { lower: true, ..Self::default() }
    }

    fn only(upper: &Upper) -> Self {
        Self { uppers: up(core::iter::once(upper)), ..Self::default() }
    }
}

/// Those of them that are up.
fn up<'a>(uppers: impl Iterator<Item = &'a Upper>) -> Vec<LinkId> {
    uppers.filter(|u| u.up).map(|u| u.link).collect()
}

/// Who gets a frame that came to the device from outside.
#[must_use]
pub fn from_outside(uppers: &[Upper], frame: &Frame) -> Shares {
    if let Some(vlan) = frame.vlan()
        && let Some(upper) = uppers.iter().find(|u| u.over == Over::Vlan(vlan))
    {
        return Shares { untag: true, ..Shares::only(upper) };
    }
    if uppers.iter().any(|u| u.macvlan().is_some()) {
        macvlans_from_outside(uppers, frame)
    } else if uppers.iter().any(|u| u.ipvlan().is_some()) {
        ipvlans_from_outside(uppers, frame)
    } else {
        Shares::lower()
    }
}

fn macvlans_from_outside(uppers: &[Upper], frame: &Frame) -> Shares {
    let (src, dst) = (frame.src(), frame.dst());
    let at = |mac: Mac| uppers.iter().find(|u| u.macvlan().is_some() && u.mac == mac);
    if let Some(only) = uppers.iter().find(|u| u.macvlan() == Some(MacvlanMode::Passthru)) {
        return Shares { lower: dst.is_multicast(), ..Shares::only(only) };
    }
    if !dst.is_multicast() {
        return at(dst).map_or_else(Shares::lower, Shares::only);
    }
    // A group's frame may be one of our own that the switch sent back.
    let gets = |mode: MacvlanMode| match at(src).and_then(Upper::macvlan) {
        None => true,
        Some(MacvlanMode::Vepa) => matches!(mode, MacvlanMode::Vepa | MacvlanMode::Bridge),
        Some(MacvlanMode::Bridge) => mode == MacvlanMode::Vepa,
        Some(MacvlanMode::Private | MacvlanMode::Passthru) => false,
    };
    let members = uppers.iter().filter(|u| u.mac != src && u.macvlan().is_some_and(gets));
    Shares { uppers: up(members), ..Shares::lower() }
}

fn ipvlans_from_outside(uppers: &[Upper], frame: &Frame) -> Shares {
    let all = uppers.iter().filter(|u| u.ipvlan() == Some(IpvlanMode::L2));
    if frame.dst().is_multicast() && all.clone().next().is_some() {
        return Shares { uppers: up(all), ..Shares::lower() };
    }
    destination(frame).and_then(|ip| with_address(uppers, ip)).map_or_else(Shares::lower, Shares::only)
}

/// Who gets a frame that the device above behind `from` sends.
#[must_use]
pub fn from_above(uppers: &[Upper], from: LinkId, own: Mac, frame: &Frame) -> Shares {
    let Some(sender) = uppers.iter().find(|u| u.link == from) else { return Shares::default() };
    let others = uppers.iter().filter(|u| u.link != from);
    match sender.over {
        Over::Vlan(_) => Shares::lower(),
        Over::Macvlan(MacvlanMode::Bridge) => {
            let mut bridged = others.filter(|u| u.macvlan() == Some(MacvlanMode::Bridge));
            if frame.dst().is_multicast() {
                return Shares { uppers: up(bridged), ..Shares::lower() };
            }
            bridged.find(|u| u.mac == frame.dst()).map_or_else(Shares::lower, Shares::only)
        }
        Over::Macvlan(_) => Shares::lower(),
        Over::Ipvlan(IpvlanMode::L2) if frame.dst().is_multicast() => {
            Shares { uppers: up(others.filter(|u| u.ipvlan().is_some())), ..Shares::lower() }
        }
        Over::Ipvlan(IpvlanMode::L2) if frame.dst() == own => {
            let inward = Shares { inward: true, ..Shares::default() };
            destination(frame).and_then(|ip| with_address(uppers, ip)).map_or(inward, Shares::only)
        }
        Over::Ipvlan(IpvlanMode::L2) => Shares::lower(),
        Over::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s) => {
            let routed = Shares { routed: true, ..Shares::default() };
            destination(frame).and_then(|ip| with_address(uppers, ip)).map_or(routed, Shares::only)
        }
    }
}

/// The ipvlan that has this address.
fn with_address(uppers: &[Upper], ip: IpAddr) -> Option<&Upper> {
    uppers.iter().find(|u| u.ipvlan().is_some() && u.addresses.contains(&ip))
}

/// The IP address that a frame is for: a packet's destination, or whom an ARP packet asks for.
fn destination(frame: &Frame) -> Option<IpAddr> {
    match frame.ethertype() {
        ethertype::ARP => {
            let target: [u8; 4] = frame.payload().get(24..28)?.try_into().ok()?;
            Some(IpAddr::from(target))
        }
        ethertype::IPV4 | ethertype::IPV6 => Ip::parse(frame.payload()).map(|ip| ip.dst),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;

    const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const OUTSIDE: Mac = Mac([2, 0, 0, 0, 0, 99]);

    fn mac(n: u8) -> Mac {
        Mac([2, 0, 0, 0, 1, n])
    }

    fn link(n: u8) -> LinkId {
        LinkId(NonZeroU32::new(n.into()).unwrap())
    }

    fn upper(n: u8, over: Over) -> Upper {
        let addresses = vec![IpAddr::from([10, 0, 0, n])];
        Upper { link: link(n), over, mac: mac(n), addresses, up: true }
    }

    fn macvlans(mode: MacvlanMode) -> Vec<Upper> {
        (2..5).map(|n| upper(n, Over::Macvlan(mode))).collect()
    }

    fn frame(dst: Mac, src: Mac) -> Frame {
        Frame::ethernet(dst, src, ethertype::ARP, 28)
    }

    fn reached(shares: &Shares) -> Vec<u32> {
        shares.uppers.iter().map(|l| l.0.get()).collect()
    }

    #[test]
    fn macvlans_in_bridge_mode_reach_each_other_and_the_wire_but_not_their_parent() {
        let uppers = macvlans(MacvlanMode::Bridge);
        let to_sibling = from_above(&uppers, link(2), OWN, &frame(mac(3), mac(2)));
        assert_eq!((reached(&to_sibling), to_sibling.lower, to_sibling.inward), (vec![3], false, false));
        let to_all = from_above(&uppers, link(2), OWN, &frame(Mac::BROADCAST, mac(2)));
        assert_eq!((reached(&to_all), to_all.lower, to_all.inward), (vec![3, 4], true, false));
        let to_parent = from_above(&uppers, link(2), OWN, &frame(OWN, mac(2)));
        assert_eq!(to_parent, Shares::lower(), "it goes out by the wire, where nobody answers to that address");
    }

    #[test]
    fn a_reflected_frame_reaches_vepa_siblings_and_no_private_ones() {
        for (mode, expected) in [(MacvlanMode::Vepa, vec![3, 4]), (MacvlanMode::Private, vec![])] {
            let uppers = macvlans(mode);
            assert_eq!(from_above(&uppers, link(2), OWN, &frame(mac(3), mac(2))), Shares::lower());
            let back = from_outside(&uppers, &frame(Mac::BROADCAST, mac(2)));
            assert_eq!(reached(&back), expected, "{mode:?}");
            assert_eq!(reached(&from_outside(&uppers, &frame(Mac::BROADCAST, OUTSIDE))), [2, 3, 4]);
        }
    }

    #[test]
    fn a_passthru_takes_all_that_comes() {
        let uppers = [upper(2, Over::Macvlan(MacvlanMode::Passthru))];
        let shares = from_outside(&uppers, &frame(mac(77), OUTSIDE));
        assert_eq!((reached(&shares), shares.lower), (vec![2], false));
    }

    #[test]
    fn tags_choose_the_sub_interface_and_unknown_ones_stay_below() {
        let uppers = [upper(2, Over::Vlan(10)), upper(3, Over::Vlan(20))];
        let tagged = from_outside(&uppers, &frame(OWN, OUTSIDE).tagged(20));
        assert_eq!((reached(&tagged), tagged.untag, tagged.lower), (vec![3], true, false));
        assert_eq!(from_outside(&uppers, &frame(OWN, OUTSIDE).tagged(30)), Shares::lower());
        assert_eq!(from_outside(&uppers, &frame(OWN, OUTSIDE)), Shares::lower());
    }

    #[test]
    fn ipvlans_are_told_apart_by_address() {
        let uppers: Vec<Upper> = (2..4).map(|n| upper(n, Over::Ipvlan(IpvlanMode::L2))).collect();
        let mut asks = frame(OWN, OUTSIDE);
        asks.payload_mut()[24..28].copy_from_slice(&[10, 0, 0, 3]);
        assert_eq!(reached(&from_outside(&uppers, &asks)), [3]);
        asks.payload_mut()[24..28].copy_from_slice(&[10, 0, 0, 9]);
        assert_eq!(from_outside(&uppers, &asks), Shares::lower());
        assert!(from_above(&uppers, link(2), OWN, &asks).inward, "the address is shared, so it is the parent's");
        let l3: Vec<Upper> = (2..4).map(|n| upper(n, Over::Ipvlan(IpvlanMode::L3))).collect();
        assert!(from_above(&l3, link(2), OWN, &asks).routed);
    }
}
