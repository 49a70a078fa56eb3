//! Which address of a host a packet comes from when neither its sender nor its route says: of IPv4 an address that suits
//! the next hop (`inet_select_addr`), of IPv6 the best of all that there are (RFC 6724 §5, `ipv6_dev_get_saddr`). What a
//! route or a rule says is asked elsewhere.

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Address, Device, Devices, IfIndex, Scope};

/// How far an IPv6 address reaches, as RFC 4291 §2.7 numbers it; ::1 reaches as far as the link (RFC 6724 §3.1).
const LINK: u8 = 2;
const SITE: u8 = 5;
const GLOBAL: u8 = 14;

/// Addresses of one kind: a prefix, its length, and the label that they have in common.
const LABELS: [(Ipv6Addr, u8, u8); 10] = [
    (Ipv6Addr::LOCALHOST, 128, 0),
    (Ipv6Addr::UNSPECIFIED, 96, 3),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 4),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 6),
    (Ipv6Addr::new(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28, 7),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 12),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 2),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 11),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 5),
    (Ipv6Addr::UNSPECIFIED, 0, 1),
];

impl Devices {
    /// The IPv4 address to send from by a device: its first of the prefix that `near`, the next hop, is in; else its first;
    /// else the first that another device has and that is good beyond its link. Only those that reach as far as `reach` are
    /// looked at, and none that is the second of its prefix.
    #[must_use]
    pub fn source_v4(&self, index: IfIndex, near: Option<Ipv4Addr>, reach: Scope) -> Option<Ipv4Addr> {
        let own = self.get(&index)?.primaries().filter(|a| a.scope <= reach);
        let suits = |a: &&Address| near.is_none_or(|near| a.on_link().contains(IpAddr::V4(near)));
        let found = own.clone().find(suits).or_else(|| own.clone().next());
        let is_good_elsewhere = |a: &&Address| a.scope <= reach && a.scope != Scope::LINK;
        let elsewhere = || self.values().flat_map(Device::primaries).find(is_good_elsewhere);
        found.or_else(elsewhere).and_then(Address::v4)
    }

    /// The IPv6 address to send from to `dst`, which is reached by the device `out` if that is known. What goes no farther
    /// than a link comes from an address of that device, or from none.
    #[must_use]
    pub fn source_v6(&self, out: Option<IfIndex>, dst: Ipv6Addr) -> Option<Ipv6Addr> {
        let stays = out.is_some() && (dst.is_multicast() || reach_of(dst) <= LINK);
        let asked = self.values().filter(|device| device.up && (!stays || out == Some(device.index)));
        let all = asked.flat_map(|device| {
            // The newest is asked first.
            let known = device.addresses.iter().rev();
            known.filter_map(move |a| Some((merit(a, a.v6()?, out == Some(device.index), dst), a.v6()?)))
        });
        all.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, address)| address)
    }
}

/// How much speaks for an IPv6 address as the source of what goes to `dst`: the rules, the first first. That two are equal
/// but for what the last rule says is the usual case.
fn merit(address: &Address, own: Ipv6Addr, is_out: bool, dst: Ipv6Addr) -> impl PartialOrd + use<> {
    let (reach, wanted) = (reach_of(own), reach_of(dst));
    // The nearest of those that reach so far, else the one that reaches farthest.
    let reaches = (reach >= wanted, if reach >= wanted { Reverse(reach) } else { Reverse(u8::MAX - reach) });
    let in_common = (own.to_bits() ^ dst.to_bits()).leading_zeros().min(address.net.prefix().into());
    let is_alike = label(own) == label(dst);
    (own == dst, reaches, !address.is_deprecated, is_out, is_alike, in_common)
}

fn reach_of(address: Ipv6Addr) -> u8 {
    match address.octets() {
        [0xff, flags_and_scope, ..] => flags_and_scope & 0x0f,
        _ if address.is_loopback() || address.is_unicast_link_local() => LINK,
        [0xfe, second, ..] if second & 0xc0 == 0xc0 => SITE,
        _ => GLOBAL,
    }
}

/// The label of the longest prefix that an address is in (RFC 6724 §2.1, and those that Linux has besides).
fn label(address: Ipv6Addr) -> u8 {
    let is_in = |(prefix, len, _): &&(Ipv6Addr, u8, u8)| {
        let differs = (prefix.to_bits() ^ address.to_bits()).leading_zeros();
        differs >= u32::from(*len)
    };
    LABELS.iter().find(is_in).map_or(1, |(_, _, label)| *label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Mac;
    use crate::device::Kind;

    /// A host with devices eth1, eth2 and so on, each with these addresses, given in this order.
    fn host(devices: &[&[&str]]) -> Devices {
        let mut all = Devices::default();
        for (index, addresses) in (1..).map(IfIndex).zip(devices) {
            let mut device = Device::new(index, &format!("eth{}", index.0), Mac::ZERO, Kind::Dummy);
            device.up = true;
            device.addresses = addresses.iter().map(|net| Address::new(net.parse().unwrap())).collect();
            all.insert(index, device);
        }
        all
    }

    fn v6(host: &Devices, out: u32, dst: &str) -> String {
        host.source_v6(Some(IfIndex(out)), dst.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn an_ipv4_source_suits_the_gateway_and_never_the_destination() {
        let host = host(&[&["10.1.0.1/24", "10.9.1.1/24", "10.9.1.2/24"], &[]]);
        let near = |near: &str| host.source_v4(IfIndex(1), near.parse().ok(), Scope::GLOBAL).unwrap().to_string();
        assert_eq!([near(""), near("10.1.0.7"), near("10.9.1.7")], ["10.1.0.1", "10.1.0.1", "10.9.1.1"]);
        // A device without an address borrows one.
        assert_eq!(host.source_v4(IfIndex(2), None, Scope::LINK), "10.1.0.1".parse().ok());
    }

    #[test]
    fn an_ipv4_address_of_its_link_alone_is_not_lent_nor_sent_through_a_gateway() {
        let mut host = host(&[&["10.1.0.1/24"], &[]]);
        host.get_mut(&IfIndex(1)).unwrap().addresses[0].scope = Scope::LINK;
        let source = |index, reach| host.source_v4(IfIndex(index), None, reach).is_some();
        assert_eq!([source(1, Scope::LINK), source(1, Scope::GLOBAL), source(2, Scope::LINK)], [true, false, false]);
    }

    #[test]
    fn an_ipv6_source_is_the_destination_itself_then_reaches_as_far_then_is_of_the_device() {
        let host = host(&[&["fe80::1/64", "fd00:1::1/64"], &["fe80::2/64", "fd00:2::1/64"], &["fe80::3/64"]]);
        assert_eq!(v6(&host, 1, "fd00:2::1"), "fd00:2::1");
        assert_eq!([v6(&host, 1, "fd00:2::9"), v6(&host, 2, "fd00:2::9")], ["fd00:1::1", "fd00:2::1"]);
        assert_eq!([v6(&host, 1, "fe80::9"), v6(&host, 2, "ff02::1")], ["fe80::1", "fe80::2"]);
        // A device with no address that reaches so far borrows one.
        assert_eq!(v6(&host, 3, "fd00:2::9"), "fd00:2::1");
    }

    #[test]
    fn an_ipv6_source_is_of_the_destinations_kind_then_has_most_in_common_then_is_the_newest() {
        let host = host(&[&["2001:db8::1/64", "fd00:1::1/64", "fd00:2::1/64", "2002:101::1/64"]]);
        assert_eq!([v6(&host, 1, "2001:4::1"), v6(&host, 1, "2002:505::1")], ["2001:db8::1", "2002:101::1"]);
        assert_eq!([v6(&host, 1, "fd00:1:0:5::1"), v6(&host, 1, "fd00:7::1")], ["fd00:1::1", "fd00:2::1"]);
    }

    #[test]
    fn an_ipv6_address_that_is_deprecated_is_the_last_choice() {
        let mut host = host(&[&["fd00:1::1/64", "fd00:2::1/64"]]);
        host.get_mut(&IfIndex(1)).unwrap().addresses[0].is_deprecated = true;
        assert_eq!(v6(&host, 1, "fd00:1::9"), "fd00:2::1");
    }
}
