//! Which ports of a host are given away, as libnetwork's port allocator keeps it: for each address and protocol a set of
//! its own. It binds nothing: whether Linux has the port is found out later, by listening.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use super::Protocol;
use crate::error::PublishFailure;

/// The ports that the engine picks itself: Linux's `ip_local_port_range`.
const EPHEMERAL: (u16, u16) = (32768, 60999);

/// The ports of one address and protocol.
#[derive(Clone, Debug, Default)]
struct Ports {
    taken: BTreeSet<u16>,
    /// The last port that was picked out of a range: the next search begins after it, so numbers climb (oracle fact 61).
    last: BTreeMap<(u16, u16), u16>,
}

/// All ports of a host.
#[derive(Clone, Debug, Default)]
pub struct Allocator(BTreeMap<(IpAddr, Protocol), Ports>);

impl Allocator {
    /// Takes a port between `first` and `last`; 0 and 0 mean any.
    ///
    /// # Errors
    /// What is taken already.
    pub fn request(
        &mut self,
        address: IpAddr,
        protocol: Protocol,
        first: u16,
        last: u16,
    ) -> Result<u16, PublishFailure> {
        let ports = self.0.entry((address, protocol)).or_default();
        if first > 0 && first == last {
            let taken = || PublishFailure::Allocated(SocketAddr::new(address, first));
            return if ports.taken.insert(first) { Ok(first) } else { Err(taken()) };
        }
        let (begin, end) = if first == 0 { EPHEMERAL } else { (first, last) };
        let before = ports.last.get(&(begin, end)).copied().unwrap_or(end);
        let after = (before..end).map(|port| port + 1);
        let found =
            after.chain(begin..=before).find(|port| !ports.taken.contains(port)).ok_or(PublishFailure::AllAllocated)?;
        ports.taken.insert(found);
        ports.last.insert((begin, end), found);
        Ok(found)
    }

    /// Gives a port back.
    pub fn release(&mut self, address: IpAddr, protocol: Protocol, port: u16) {
        if let Some(ports) = self.0.get_mut(&(address, protocol)) {
            ports.taken.remove(&port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: IpAddr = IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED);

    #[test]
    fn picked_ports_climb_even_over_those_that_were_given_back() {
        let mut ports = Allocator::default();
        assert_eq!(ports.request(ANY, Protocol::Tcp, 0, 0), Ok(32768));
        ports.release(ANY, Protocol::Tcp, 32768);
        assert_eq!(ports.request(ANY, Protocol::Tcp, 0, 0), Ok(32769));
        assert_eq!(ports.request(ANY, Protocol::Udp, 0, 0), Ok(32768), "each protocol counts for itself");
        assert_eq!(ports.request("127.0.0.1".parse().unwrap(), Protocol::Tcp, 0, 0), Ok(32768), "so does each address");
    }

    #[test]
    fn a_range_is_gone_through_and_begun_again() {
        let mut ports = Allocator::default();
        let next = |ports: &mut Allocator| ports.request(ANY, Protocol::Tcp, 8000, 8001);
        assert_eq!([next(&mut ports), next(&mut ports)], [Ok(8000), Ok(8001)]);
        assert_eq!(next(&mut ports).unwrap_err().to_string(), "all ports are allocated");
        ports.release(ANY, Protocol::Tcp, 8001);
        assert_eq!(next(&mut ports), Ok(8001));
    }

    #[test]
    fn one_port_is_had_once() {
        let mut ports = Allocator::default();
        assert_eq!(ports.request(ANY, Protocol::Tcp, 5050, 5050), Ok(5050));
        let refused = ports.request(ANY, Protocol::Tcp, 5050, 5050).unwrap_err();
        assert_eq!(refused.to_string(), "Bind for 0.0.0.0:5050 failed: port is already allocated");
        ports.release(ANY, Protocol::Tcp, 5050);
        assert_eq!(ports.request(ANY, Protocol::Tcp, 5050, 5050), Ok(5050));
    }
}
