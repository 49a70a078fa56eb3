//! The kernel's settings of a network namespace, by name: what `/proc/sys` and `sysctl` show and take. Only those are here
//! that change something in this kernel, or that documents set. It knows neither files nor command lines.

use super::Errno;
use crate::addr::Family;
use crate::device::{CONFS, CONFS6, Conf, Conf6, IfIndex, Inet, Inet6, Ipv6};
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
    /// `net.ipv4.icmp_echo_ignore_broadcasts`
    EchoIgnoreBroadcasts,
    /// `net.ipv4.fib_multipath_hash_policy`
    MultipathPolicy,
    /// `net.ipv4.ip_default_ttl`
    DefaultTtl,
    /// `net.ipv4.tcp_syn_retries`
    SynRetries,
    /// `net.ipv4.conf.DEVICE.*`; `net.ipv4.ip_forward` is another name of `net.ipv4.conf.all.forwarding`.
    Inet(Devices, Conf),
    /// `net.ipv4.ipfrag_high_thresh`, `net.ipv6.ip6frag_high_thresh`
    Fragments(Family),
    /// `net.ipv6.conf.DEVICE.*`
    Inet6(Devices, Conf6),
    /// `net.ipv4.ip_local_port_range`: the first and the last port that the kernel gives to sockets.
    LocalPorts,
    /// `net.ipv4.neigh.default.gc_thresh2` and `gc_thresh3`, and the same of IPv6.
    Neighbours(Family, Threshold),
    /// `net.core.somaxconn`
    SoMaxConn,
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
const NAMED: [(&str, Setting); 18] = [
    ("net/bridge/bridge-nf-call-iptables", Setting::BridgeFirewall),
    ("net/core/somaxconn", Setting::SoMaxConn),
    ("net/ipv4/fib_multipath_hash_policy", Setting::MultipathPolicy),
    ("net/ipv4/icmp_echo_ignore_all", Setting::EchoIgnoreAll),
    ("net/ipv4/icmp_echo_ignore_broadcasts", Setting::EchoIgnoreBroadcasts),
    ("net/ipv4/ip_default_ttl", Setting::DefaultTtl),
    ("net/ipv4/ip_forward", Setting::Inet(Devices::All, Conf::Forwarding)),
    ("net/ipv4/ip_local_port_range", Setting::LocalPorts),
    ("net/ipv4/ipfrag_high_thresh", Setting::Fragments(Family::V4)),
    ("net/ipv4/neigh/default/gc_thresh2", Setting::Neighbours(Family::V4, Threshold::Kept)),
    ("net/ipv4/neigh/default/gc_thresh3", Setting::Neighbours(Family::V4, Threshold::Most)),
    ("net/ipv4/tcp_syn_retries", Setting::SynRetries),
    ("net/ipv6/conf/all/disable_ipv6", Setting::DisableIpv6(Devices::All)),
    ("net/ipv6/conf/default/disable_ipv6", Setting::DisableIpv6(Devices::Default)),
    ("net/ipv6/ip6frag_high_thresh", Setting::Fragments(Family::V6)),
    ("net/ipv6/neigh/default/gc_thresh2", Setting::Neighbours(Family::V6, Threshold::Kept)),
    ("net/ipv6/neigh/default/gc_thresh3", Setting::Neighbours(Family::V6, Threshold::Most)),
    ("net/netfilter/nf_conntrack_max", Setting::ConntrackMax),
];
/// `ipfrag_low_thresh`, beneath which the other may not be; nobody changes it here.
const FRAGMENTS_LOW: usize = 3 << 20;
/// The least MTU of IPv6.
const LEAST_MTU: i32 = 1280;
/// What makes link-local addresses of a secret, which nobody has told.
const GEN_SECRET: i32 = 2;
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
        let devices = network.devices.values().map(|device| (device.name.as_str(), Devices::One(device.index)));
        let places = [("all", Devices::All), ("default", Devices::Default)].into_iter().chain(devices);
        for (place, which) in places {
            let v4 = CONFS.iter().map(|(name, conf)| (format!("ipv4/conf/{place}/{name}"), Self::Inet(which, *conf)));
            let v6 = CONFS6.iter().map(|(name, conf)| (format!("ipv6/conf/{place}/{name}"), Self::Inet6(which, *conf)));
            all.extend(v4.chain(v6).map(|(name, setting)| (format!("net/{name}"), setting)));
        }
        all.push((COUNT.to_owned(), Self::ConntrackCount));
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The setting of this name, with dots or slashes between its parts.
    #[must_use]
    pub fn named(name: &str, network: &Namespace) -> Option<Self> {
        let path = Self::path(name);
        Self::all(network).into_iter().find(|(known, _)| *known == path).map(|(_, setting)| setting)
    }

    /// The path below `/proc/sys` that a name means, with dots or slashes between its parts.
    #[must_use]
    pub fn path(name: &str) -> String {
        // A device's name may have a dot itself, which is a slash when the others are dots.
        let first = name.find(['.', '/']).map_or('.', |at| if name[at..].starts_with('.') { '.' } else { '/' });
        let swap = |c: char| match c {
            '.' if first == '.' => '/',
            '/' if first == '.' => '.',
            c => c,
        };
        name.chars().map(swap).collect()
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
            Self::EchoIgnoreBroadcasts => switch(network.sysctl.echo_ignore_broadcasts),
            Self::MultipathPolicy => network.sysctl.multipath_policy.to_string(),
            Self::DefaultTtl => network.sysctl.default_ttl.to_string(),
            Self::SynRetries => network.sysctl.syn_retries.to_string(),
            Self::Inet(devices, conf) => inet(network, devices).map_or(0, |inet| inet.get(conf)).to_string(),
            Self::Fragments(family) => network.sysctl.fragments[family as usize].to_string(),
            Self::Neighbours(family, Threshold::Kept) => network.neighbours.limits[family as usize].kept.to_string(),
            Self::Neighbours(family, Threshold::Most) => network.neighbours.limits[family as usize].most.to_string(),
            Self::SoMaxConn => network.sysctl.somaxconn.to_string(),
            Self::Inet6(devices, conf) => inet6(network, devices, conf).to_string(),
            Self::LocalPorts => {
                let (first, last) = network.sysctl.local_ports;
                format!("{first}\t{last}")
            }
        }
    }

    /// What can be written.
    fn range(self) -> core::ops::RangeInclusive<i64> {
        match self {
            Self::EchoIgnoreAll | Self::EchoIgnoreBroadcasts => 0..=1,
            Self::MultipathPolicy => 0..=3,
            Self::DefaultTtl => 1..=255,
            Self::SynRetries => 1..=127,
            Self::Inet6(_, Conf6::HopLimit) => 1..=255,
            Self::Inet6(_, Conf6::AddrGenMode) => 0..=3,
            Self::Inet6(_, Conf6::RouterSolicitations) => -1..=i32::MAX.into(),
            _ => i32::MIN.into()..=i32::MAX.into(),
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
        let number = number(value).ok_or(Errno::Invalid)?;
        if !self.range().contains(&number) {
            return Err(Errno::Invalid);
        }
        let on = number != 0;
        let count = || usize::try_from(number).map_err(|_| Errno::Invalid);
        let network = fabric.namespace_mut(namespace);
        match self {
            Self::BridgeFirewall => network.sysctl.bridge_nf_call = on,
            // The table is the machine's: in other namespaces than its first nobody writes how large it is.
            Self::ConntrackMax if network.is_nested => return Err(Errno::AccessDenied),
            Self::ConntrackMax => network.netfilter.conntrack.set_limit(count()?),
            Self::DisableIpv6(devices) => disable_ipv6(fabric, namespace, devices, on),
            Self::EchoIgnoreAll => network.sysctl.echo_ignore_all = on,
            Self::EchoIgnoreBroadcasts => network.sysctl.echo_ignore_broadcasts = on,
            Self::MultipathPolicy => {
                network.sysctl.multipath_policy = u8::try_from(number).map_err(|_| Errno::Invalid)?;
            }
            Self::DefaultTtl => network.sysctl.default_ttl = u8::try_from(number).map_err(|_| Errno::Invalid)?,
            Self::SynRetries => network.sysctl.syn_retries = u32::try_from(number).map_err(|_| Errno::Invalid)?,
            Self::Inet(devices, conf) => {
                set_inet(network, devices, conf, i32::try_from(number).map_err(|_| Errno::Invalid)?);
            }
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
            Self::Inet6(devices, conf) => {
                let value = i32::try_from(number).map_err(|_| Errno::Invalid)?;
                set_inet6(fabric, namespace, (devices, conf), value)?;
            }
            Self::ConntrackCount | Self::LocalPorts => return Err(Errno::AccessDenied),
        }
        Ok(())
    }
}

/// The numbers of IPv4 of these devices.
fn inet(network: &Namespace, devices: Devices) -> Option<&Inet> {
    match devices {
        Devices::All => Some(&network.sysctl.inet_of_all),
        Devices::Default => Some(&network.sysctl.inet_of_new),
        Devices::One(index) => network.devices.get(&index).map(|device| &device.inet),
    }
}

fn set_inet(network: &mut Namespace, devices: Devices, conf: Conf, value: i32) {
    match devices {
        // That of all devices is a switch for each of them.
        Devices::All if conf == Conf::Forwarding => network.set_ipv4_forward(value),
        Devices::All => network.sysctl.inet_of_all.set(conf, value),
        Devices::Default => network.sysctl.inet_of_new.set(conf, value),
        Devices::One(index) => {
            if let Some(device) = network.devices.get_mut(&index) {
                device.inet.set(conf, value);
            }
        }
    }
}

/// A number of IPv6 of these devices.
fn inet6(network: &Namespace, devices: Devices, conf: Conf6) -> i32 {
    let (numbers, mtu) = match devices {
        Devices::All => (Some(&network.sysctl.inet6_of_all), LEAST_MTU),
        Devices::Default => (Some(&network.sysctl.inet6_of_new), LEAST_MTU),
        Devices::One(index) => {
            let device = network.devices.get(&index);
            let mtu = device.and_then(|device| i32::try_from(device.mtu.bytes()).ok());
            (device.map(|device| &device.inet6), mtu.unwrap_or_default())
        }
    };
    match (conf, numbers.map_or(0, |numbers| numbers.get(conf))) {
        (Conf6::Mtu, 0) => mtu,
        (_, number) => number,
    }
}

/// Sets a number of IPv6; of all devices `forwarding` and `addr_gen_mode` are those of each.
fn set_inet6(
    fabric: &mut Fabric,
    namespace: NamespaceId,
    (devices, conf): (Devices, Conf6),
    value: i32,
) -> Result<(), Errno> {
    let network = fabric.namespace_mut(namespace);
    check_inet6(network, (devices, conf), value)?;
    let indices: Vec<IfIndex> = match devices {
        Devices::All => network.devices.keys().collect(),
        Devices::Default => Vec::new(),
        Devices::One(index) => vec![index],
    };
    let of_new: &mut Inet6 = &mut network.sysctl.inet6_of_new;
    match (devices, conf) {
        (Devices::All, Conf6::Forwarding) => network.set_ipv6_forward(value),
        (Devices::All, Conf6::AddrGenMode) => {
            of_new.set(conf, value);
            network.sysctl.inet6_of_all.set(conf, value);
        }
        (Devices::All, _) => network.sysctl.inet6_of_all.set(conf, value),
        (Devices::Default, _) => of_new.set(conf, value),
        (Devices::One(index), _) => {
            let device = network.devices.get_mut(&index).ok_or(Errno::NoDevice)?;
            device.inet6.set(conf, value);
        }
    }
    if conf == Conf6::AddrGenMode {
        indices.into_iter().for_each(|index| fabric.set_address_generation(namespace, index, value));
    }
    Ok(())
}

/// An MTU is between IPv6's least and the device's own; an address made of a secret needs one.
fn check_inet6(network: &Namespace, (devices, conf): (Devices, Conf6), value: i32) -> Result<(), Errno> {
    let most = match devices {
        Devices::One(index) => network.devices.get(&index).map_or(0, |device| device.mtu.bytes()),
        Devices::All | Devices::Default => usize::MAX,
    };
    let is_wrong = match conf {
        Conf6::Mtu => value < LEAST_MTU || usize::try_from(value).is_ok_and(|mtu| mtu > most),
        Conf6::AddrGenMode => value == GEN_SECRET,
        _ => false,
    };
    if is_wrong { Err(Errno::Invalid) } else { Ok(()) }
}

/// The first number of a value as C reads it: decimal, or with 0x or 0 before it.
fn number(value: &str) -> Option<i64> {
    let word = value.split_whitespace().next()?;
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        None => digits.parse(),
    };
    number.ok().map(|number| sign * number)
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
    fn a_number_is_read_as_c_reads_it() {
        assert_eq!(["7", " -1\n", "0x10", "010", "1 2"].map(number), [Some(7), Some(-1), Some(16), Some(8), Some(1)]);
        assert_eq!(["", "1x", "x", "0x"].map(number), [None; 4]);
    }

    #[test]
    fn a_range_of_ports_is_two_that_rise() {
        assert_eq!((ports("1024\t65535"), ports(" 5 5 ")), (Some((1024, 65535)), Some((5, 5))));
        assert_eq!(
            (ports("2 1"), ports("1"), ports("0 9"), ports("1 2 3"), ports("1 65536")),
            (None, None, None, None, None)
        );
    }
}
