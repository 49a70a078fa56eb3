//! What IPv6 is told of devices (`net.ipv6.conf.DEVICE.*`): numbers by name, of one device, of all devices, or of those that
//! are new. Who obeys them is the namespace. No router advertises itself here and no address is tried before it is used, so
//! what is said of those is kept and changes nothing. Whether IPv6 runs at all is [`super::Ipv6`].

use super::numbers::numbers;

numbers! {
    /// One of the numbers.
    Conf6,
    /// All of them with their names, in the order of the names.
    CONFS6,
    /// The numbers of one device, of all devices, or of those that are new.
    Inet6 {
        /// Whether an address is tried before it is used. Kept only.
        AcceptDad = "accept_dad",
        /// Whether routers may say what is on the link. Kept only.
        AcceptRa = "accept_ra",
        /// Whether routers may say that another one is nearer. Kept only.
        AcceptRedirects = "accept_redirects",
        /// Which link-local address a device gives itself: 0 by its Ethernet address, 1 none, 3 any.
        AddrGenMode = "addr_gen_mode",
        /// Whether addresses are made of what routers say. Kept only.
        Autoconf = "autoconf",
        /// How often an address is tried before it is used. Kept only.
        DadTransmits = "dad_transmits",
        /// Whether the host is a router on the device; what is for others goes on if it is one on all.
        Forwarding = "forwarding",
        /// The hop limit of packets from here.
        HopLimit = "hop_limit",
        /// Whether addresses stay when the device goes down, but link-local ones.
        KeepAddrOnDown = "keep_addr_on_down",
        /// The largest packet; 0 as the device says.
        Mtu = "mtu",
        /// Whether it answers for the addresses that it was told to stand for (`ip neigh add proxy`).
        ProxyNdp = "proxy_ndp",
        /// How often it asks for routers. Kept only.
        RouterSolicitations = "router_solicitations",
        /// Whether it makes itself addresses that do not last. Kept only.
        UseTempaddr = "use_tempaddr",
    }
}

/// Which link-local address a device gives itself: none.
pub const GEN_NONE: i32 = 1;
/// The same: one by chance.
pub const GEN_RANDOM: i32 = 3;

impl Default for Inet6 {
    /// Those of a new device.
    fn default() -> Self {
        let mut inet6 = Self::NOTHING;
        let ones = [Conf6::AcceptDad, Conf6::AcceptRa, Conf6::AcceptRedirects, Conf6::Autoconf, Conf6::DadTransmits];
        ones.into_iter().for_each(|conf| inet6.set(conf, 1));
        inet6.set(Conf6::HopLimit, 64);
        inet6.set(Conf6::RouterSolicitations, -1);
        inet6
    }
}

impl Inet6 {
    /// Those of all devices together.
    #[must_use]
    pub fn of_all() -> Self {
        let mut inet6 = Self::default();
        inet6.set(Conf6::AcceptDad, 0);
        inet6
    }

    /// Those of lo.
    #[must_use]
    pub const fn loopback(mut self) -> Self {
        self.set(Conf6::AcceptDad, -1);
        self.set(Conf6::UseTempaddr, -1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_devices_and_lo_begin_as_no_new_one_does() {
        assert!(CONFS6.is_sorted_by_key(|(name, _)| *name));
        let (all, lo) = (Inet6::of_all(), Inet6::default().loopback());
        assert_eq!([all, lo].map(|inet6| inet6.get(Conf6::AcceptDad)), [0, -1]);
        assert_eq!([all, lo].map(|inet6| inet6.get(Conf6::HopLimit)), [64, 64]);
    }
}
