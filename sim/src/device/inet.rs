//! What IPv4 is told of devices (`net.ipv4.conf.DEVICE.*`): numbers by name, and what those of one device and those of all
//! devices mean together. Who obeys them is the namespace.

use super::numbers::numbers;

numbers! {
    /// One of the numbers.
    Conf,
    /// All of them with their names, in the order of the names.
    CONFS,
    /// The numbers of one device, of all devices, or of those that are new.
    Inet {
        /// Whether packets from this host's own addresses may come by the device.
        AcceptLocal = "accept_local",
        /// Whether routers may say that another one is nearer.
        AcceptRedirects = "accept_redirects",
        /// Which address asks for neighbours: 0 that of the packet that waits, 1 the same if the neighbour knows it, 2 the best.
        ArpAnnounce = "arp_announce",
        /// Whether only the device answers that leads back to who asks.
        ArpFilter = "arp_filter",
        /// For which addresses it answers: 0 all of this host, 1 its own, 2 its own to its own subnet, 8 none.
        ArpIgnore = "arp_ignore",
        /// Whether what comes by the device for others goes on.
        Forwarding = "forwarding",
        /// Whether it answers for addresses that are reached by other devices.
        ProxyArp = "proxy_arp",
        /// Whether 127.0.0.0/8 may be on the wire.
        RouteLocalnet = "route_localnet",
        /// Whether the source must be reached by the device (1) or by any (2).
        RpFilter = "rp_filter",
        /// Whether who could reach a router directly is told so.
        SendRedirects = "send_redirects",
    }
}

impl Default for Inet {
    fn default() -> Self {
        let mut inet = Self::NOTHING;
        inet.set(Conf::AcceptRedirects, 1);
        inet.set(Conf::SendRedirects, 1);
        inet
    }
}

impl Inet {
    /// What holds for a device with these numbers where those of all devices are `all`.
    #[must_use]
    pub fn under(&self, all: &Self, conf: Conf) -> i32 {
        let (own, all) = (self.get(conf), all.get(conf));
        let switch = i32::from;
        match conf {
            Conf::Forwarding => own,
            Conf::ArpAnnounce | Conf::ArpIgnore | Conf::RpFilter => own.max(all),
            // Who forwards knows the ways: both must allow it.
            Conf::AcceptRedirects if self.get(Conf::Forwarding) != 0 => switch(own != 0 && all != 0),
            Conf::AcceptLocal
            | Conf::AcceptRedirects
            | Conf::ArpFilter
            | Conf::ProxyArp
            | Conf::RouteLocalnet
            | Conf::SendRedirects => switch(own != 0 || all != 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_device_and_of_all_are_taken_together() {
        let (mut own, mut all) = (Inet::default(), Inet::default());
        own.set(Conf::RpFilter, 1);
        all.set(Conf::RpFilter, 2);
        assert_eq!(own.under(&all, Conf::RpFilter), 2);
        own.set(Conf::AcceptRedirects, 0);
        assert_eq!(own.under(&all, Conf::AcceptRedirects), 1);
        own.set(Conf::Forwarding, 1);
        assert_eq!(own.under(&all, Conf::AcceptRedirects), 0);
        assert_eq!(Inet::default().under(&own, Conf::Forwarding), 0);
    }
}
