//! What IPv6 is told of devices (`net.ipv6.conf.DEVICE.*`): numbers by name, of one device, of all devices, or of those that
//! are new. Who obeys them is the namespace. No router advertises itself here and no address is tried before it is used, so
//! what is said of those is kept and changes nothing. Whether IPv6 runs at all is [`super::Ipv6`].

/// One of the numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conf6 {
    /// Whether an address is tried before it is used. Kept only.
    AcceptDad,
    /// Whether routers may say what is on the link. Kept only.
    AcceptRa,
    /// Whether routers may say that another one is nearer. Kept only.
    AcceptRedirects,
    /// Which link-local address a device gives itself: 0 by its Ethernet address, 1 none, 3 any.
    AddrGenMode,
    /// Whether addresses are made of what routers say. Kept only.
    Autoconf,
    /// How often an address is tried before it is used. Kept only.
    DadTransmits,
    /// Whether the host is a router on the device; what is for others goes on if it is one on all.
    Forwarding,
    /// The hop limit of packets from here.
    HopLimit,
    /// Whether addresses stay when the device goes down, but link-local ones.
    KeepAddrOnDown,
    /// The largest packet; 0 as the device says.
    Mtu,
    /// Whether it answers for the addresses that it was told to stand for (`ip neigh add proxy`).
    ProxyNdp,
    /// How often it asks for routers. Kept only.
    RouterSolicitations,
    /// Whether it makes itself addresses that do not last. Kept only.
    UseTempaddr,
}

/// All of them with their names, in the order of the names.
pub const CONFS6: [(&str, Conf6); 13] = [
    ("accept_dad", Conf6::AcceptDad),
    ("accept_ra", Conf6::AcceptRa),
    ("accept_redirects", Conf6::AcceptRedirects),
    ("addr_gen_mode", Conf6::AddrGenMode),
    ("autoconf", Conf6::Autoconf),
    ("dad_transmits", Conf6::DadTransmits),
    ("forwarding", Conf6::Forwarding),
    ("hop_limit", Conf6::HopLimit),
    ("keep_addr_on_down", Conf6::KeepAddrOnDown),
    ("mtu", Conf6::Mtu),
    ("proxy_ndp", Conf6::ProxyNdp),
    ("router_solicitations", Conf6::RouterSolicitations),
    ("use_tempaddr", Conf6::UseTempaddr),
];

/// Which link-local address a device gives itself: none.
pub const GEN_NONE: i32 = 1;
/// The same: one by chance.
pub const GEN_RANDOM: i32 = 3;

/// The numbers of one device, of all devices, or of those that are new.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Inet6([i32; CONFS6.len()]);

impl Default for Inet6 {
    /// Those of a new device.
    fn default() -> Self {
        let mut inet6 = Self([0; CONFS6.len()]);
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

    /// A number.
    #[must_use]
    pub const fn get(&self, conf: Conf6) -> i32 {
        self.0[conf as usize]
    }

    /// Changes a number.
    pub const fn set(&mut self, conf: Conf6, value: i32) {
        self.0[conf as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_stand_where_their_names_do() {
        assert!(CONFS6.iter().enumerate().all(|(at, (_, conf))| *conf as usize == at));
        assert!(CONFS6.is_sorted_by_key(|(name, _)| *name));
        let (all, lo) = (Inet6::of_all(), Inet6::default().loopback());
        assert_eq!([all, lo].map(|inet6| inet6.get(Conf6::AcceptDad)), [0, -1]);
        assert_eq!([all, lo].map(|inet6| inet6.get(Conf6::HopLimit)), [64, 64]);
    }
}
