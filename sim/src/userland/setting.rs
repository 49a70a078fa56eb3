//! The kernel's settings of a network namespace, by name: what `/proc/sys` and `sysctl` show and take. Only those are here
//! that change something in this kernel. It knows neither files nor command lines.

use super::Errno;
use crate::device::{IfIndex, Ipv6};
use crate::fabric::{Fabric, NamespaceId};
use crate::namespace::Namespace;

/// A setting of a namespace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// `net.bridge.bridge-nf-call-iptables`
    BridgeFirewall,
    /// `net.netfilter.nf_conntrack_count`, which nobody writes.
    ConntrackCount,
    /// `net.netfilter.nf_conntrack_max`
    ConntrackMax,
    /// `net.ipv6.conf.DEVICE.disable_ipv6`; of `all` and `default` when there is no device.
    DisableIpv6(Devices),
    /// `net.ipv4.icmp_echo_ignore_all`
    EchoIgnoreAll,
    /// `net.ipv4.ipfrag_high_thresh`, `net.ipv6.ip6frag_high_thresh`
    Fragments(Family),
    /// `net.ipv4.ip_forward`, which is also called `net.ipv4.conf.all.forwarding`.
    Ipv4Forward,
    /// `net.ipv6.conf.all.forwarding`
    Ipv6Forward,
    /// `net.ipv4.ip_local_port_range`: the first and the last port that the kernel gives to sockets.
    LocalPorts,
    /// `net.ipv4.neigh.default.gc_thresh2` and `gc_thresh3`, and the same of IPv6.
    Neighbours(Family, Threshold),
    /// `net.core.somaxconn`
    SoMaxConn,
}

/// Of which family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a number of neighbours means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Threshold {
    /// So many are always kept.
    Kept,
    /// There are never more.
    Most,
}

/// Of which devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Devices {
    /// Those that are there, and new ones.
    All,
    /// New ones.
    Default,
    /// This one.
    One(IfIndex),
}

/// The settings without devices, in the order of their names, which are `/proc/sys`'s.
const NAMED: [(&str, Setting); 16] = [
    ("net/bridge/bridge-nf-call-iptables", Setting::BridgeFirewall),
    ("net/core/somaxconn", Setting::SoMaxConn),
    ("net/ipv4/conf/all/forwarding", Setting::Ipv4Forward),
    ("net/ipv4/icmp_echo_ignore_all", Setting::EchoIgnoreAll),
    ("net/ipv4/ip_forward", Setting::Ipv4Forward),
    ("net/ipv4/ip_local_port_range", Setting::LocalPorts),
    ("net/ipv4/ipfrag_high_thresh", Setting::Fragments(Family::V4)),
    ("net/ipv4/neigh/default/gc_thresh2", Setting::Neighbours(Family::V4, Threshold::Kept)),
    ("net/ipv4/neigh/default/gc_thresh3", Setting::Neighbours(Family::V4, Threshold::Most)),
    ("net/ipv6/conf/all/disable_ipv6", Setting::DisableIpv6(Devices::All)),
    ("net/ipv6/conf/all/forwarding", Setting::Ipv6Forward),
    ("net/ipv6/conf/default/disable_ipv6", Setting::DisableIpv6(Devices::Default)),
    ("net/ipv6/ip6frag_high_thresh", Setting::Fragments(Family::V6)),
    ("net/ipv6/neigh/default/gc_thresh2", Setting::Neighbours(Family::V6, Threshold::Kept)),
    ("net/ipv6/neigh/default/gc_thresh3", Setting::Neighbours(Family::V6, Threshold::Most)),
    ("net/netfilter/nf_conntrack_max", Setting::ConntrackMax),
];
/// `ipfrag_low_thresh`, beneath which the other may not be; nobody changes it here.
const FRAGMENTS_LOW: usize = 3 << 20;
/// The one that nobody writes.
const COUNT: &str = "net/netfilter/nf_conntrack_count";

impl Setting {
    /// All settings of a namespace with their names, as paths below `/proc/sys`, in their order.
    #[must_use]
    pub fn all(network: &Namespace) -> Vec<(String, Self)> {
        let own = |device: &crate::device::Device| {
            let name = format!("net/ipv6/conf/{}/disable_ipv6", device.name);
            (name, Self::DisableIpv6(Devices::One(device.index)))
        };
        let named = NAMED.iter().map(|(name, setting)| ((*name).to_owned(), *setting));
        let mut all: Vec<_> = named.chain(network.devices.values().map(own)).collect();
        all.push((COUNT.to_owned(), Self::ConntrackCount));
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The setting of this name, with dots or slashes between its parts.
    #[must_use]
    pub fn named(name: &str, network: &Namespace) -> Option<Self> {
        // A device's name may have a dot itself, which is a slash when the others are dots.
        let first = name.find(['.', '/']).map_or('.', |at| if name[at..].starts_with('.') { '.' } else { '/' });
        let swap = |c: char| match c {
            '.' if first == '.' => '/',
            '/' if first == '.' => '.',
            c => c,
        };
        let path: String = name.chars().map(swap).collect();
        Self::all(network).into_iter().find(|(known, _)| *known == path).map(|(_, setting)| setting)
    }

    /// Whether it can be written.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self != Self::ConntrackCount
    }

    /// What it says.
    #[must_use]
    pub fn read(self, network: &Namespace) -> String {
        let switch = |on: bool| u8::from(on).to_string();
        match self {
            Self::BridgeFirewall => switch(network.sysctl.bridge_nf_call),
            Self::ConntrackCount => network.netfilter.conntrack.len().to_string(),
            Self::ConntrackMax => network.netfilter.conntrack.limit().to_string(),
            Self::DisableIpv6(Devices::All | Devices::Default) => switch(network.ipv6 == Ipv6::Disabled),
            Self::DisableIpv6(Devices::One(index)) => {
                switch(network.devices.get(&index).is_some_and(|device| device.ipv6 == Ipv6::Disabled))
            }
            Self::EchoIgnoreAll => switch(network.sysctl.echo_ignore_all),
            Self::Fragments(family) => network.sysctl.fragments[family as usize].to_string(),
            Self::Neighbours(family, Threshold::Kept) => network.neighbours.limits[family as usize].kept.to_string(),
            Self::Neighbours(family, Threshold::Most) => network.neighbours.limits[family as usize].most.to_string(),
            Self::SoMaxConn => network.sysctl.somaxconn.to_string(),
            Self::Ipv4Forward => switch(network.sysctl.ipv4_forward),
            Self::Ipv6Forward => switch(network.sysctl.ipv6_forward),
            Self::LocalPorts => {
                let (first, last) = network.sysctl.local_ports;
                format!("{first}\t{last}")
            }
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// `Invalid` for what is no number, or no range of ports.
    pub fn write(self, fabric: &mut Fabric, namespace: NamespaceId, value: &str) -> Result<(), Errno> {
        if self == Self::LocalPorts {
            fabric.namespace_mut(namespace).sysctl.local_ports = ports(value).ok_or(Errno::Invalid)?;
            return Ok(());
        }
        let number: i64 = value.trim().parse().map_err(|_| Errno::Invalid)?;
        let on = number != 0;
        let count = || usize::try_from(number).map_err(|_| Errno::Invalid);
        let network = fabric.namespace_mut(namespace);
        match self {
            Self::BridgeFirewall => network.sysctl.bridge_nf_call = on,
            Self::ConntrackMax => network.netfilter.conntrack.set_limit(count()?),
            Self::DisableIpv6(devices) => disable_ipv6(fabric, namespace, devices, on),
            Self::EchoIgnoreAll => network.sysctl.echo_ignore_all = on,
            Self::Fragments(family) => {
                let limit = count()?;
                if limit < FRAGMENTS_LOW {
                    return Err(Errno::Invalid);
                }
                network.sysctl.fragments[family as usize] = limit;
            }
            Self::Neighbours(family, Threshold::Kept) => network.neighbours.limits[family as usize].kept = count()?,
            Self::Neighbours(family, Threshold::Most) => network.neighbours.limits[family as usize].most = count()?,
            Self::SoMaxConn => network.sysctl.somaxconn = count()?,
            Self::Ipv4Forward => network.sysctl.ipv4_forward = on,
            Self::Ipv6Forward => network.sysctl.ipv6_forward = on,
            Self::ConntrackCount | Self::LocalPorts => return Err(Errno::AccessDenied),
        }
        Ok(())
    }
}

fn disable_ipv6(fabric: &mut Fabric, namespace: NamespaceId, devices: Devices, on: bool) {
    let ipv6 = if on { Ipv6::Disabled } else { Ipv6::Enabled };
    let network = fabric.namespace_mut(namespace);
    let indices: Vec<IfIndex> = match devices {
        Devices::All => network.devices.keys().collect(),
        Devices::Default => Vec::new(),
        Devices::One(index) => vec![index],
    };
    if !matches!(devices, Devices::One(_)) {
        network.ipv6 = ipv6;
    }
    indices.into_iter().for_each(|index| fabric.set_ipv6(namespace, index, ipv6));
}

/// Two ports of which the first is not above the last.
fn ports(value: &str) -> Option<(u16, u16)> {
    let mut words = value.split_whitespace().map(|word| word.parse::<u16>().ok().filter(|port| *port > 0));
    let range = (words.next()??, words.next()??);
    (words.next().is_none() && range.0 <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_is_two_that_rise() {
        assert_eq!((ports("1024\t65535"), ports(" 5 5 ")), (Some((1024, 65535)), Some((5, 5))));
        assert_eq!(
            (ports("2 1"), ports("1"), ports("0 9"), ports("1 2 3"), ports("1 65536")),
            (None, None, None, None, None)
        );
    }
}
