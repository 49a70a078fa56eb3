//! ARP packets for IPv4 over Ethernet (RFC 826): read and written. Who asks and who answers is the namespace's.

use core::net::Ipv4Addr;

use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress};

use crate::addr::Mac;

/// Length of such a packet.
pub const LEN: usize = 28;

/// An ARP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arp {
    /// What it is.
    pub operation: Operation,
    /// Who sends it.
    pub sender: (Ipv4Addr, Mac),
    /// Whom it is about, or for.
    pub target: (Ipv4Addr, Mac),
}

/// What an ARP packet is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// It asks for the target's address.
    Request,
    /// It tells the sender's.
    Reply,
    /// Something else.
    Other,
}

impl Arp {
    /// Reads one; none when it is none of IPv4 over Ethernet.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let repr = ArpRepr::parse(&ArpPacket::new_checked(bytes).ok()?).ok()?;
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_hardware_addr,
            target_protocol_addr,
        } = repr
        else {
            return None;
        };
        let operation = match operation {
            ArpOperation::Request => Operation::Request,
            ArpOperation::Reply => Operation::Reply,
            ArpOperation::Unknown(_) => Operation::Other,
        };
        let sender = (source_protocol_addr, Mac(source_hardware_addr.0));
        Some(Self { operation, sender, target: (target_protocol_addr, Mac(target_hardware_addr.0)) })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let repr = ArpRepr::EthernetIpv4 {
            operation: match self.operation {
                Operation::Request => ArpOperation::Request,
                Operation::Reply | Operation::Other => ArpOperation::Reply,
            },
            source_hardware_addr: EthernetAddress(self.sender.1.0),
            source_protocol_addr: self.sender.0,
            target_hardware_addr: EthernetAddress(self.target.1.0),
            target_protocol_addr: self.target.0,
        };
        repr.emit(&mut ArpPacket::new_unchecked(&mut bytes));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let one = (Ipv4Addr::new(10, 0, 0, 1), Mac([2, 0, 0, 0, 0, 1]));
        let other = (Ipv4Addr::new(10, 0, 0, 2), Mac::ZERO);
        let arp = Arp { operation: Operation::Request, sender: one, target: other };
        assert_eq!(Arp::parse(&arp.bytes()), Some(arp));
        assert_eq!(Arp::parse(&arp.bytes()[..27]), None);
    }
}
