//! The devices, addresses and routes of the namespace that this process is in: what `ip` changes, by the same messages
//! (rtnetlink). Nothing is remembered here.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use netyard_sim::addr::{IpNetwork, broadcast};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use crate::live::picture::Way;

const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;

const IFF_UP: u32 = 1;
const IFLA_ADDRESS: u16 = 1;
const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_F_NODAD: u8 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_BOOT: u8 = 3;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Frames that a TAP device keeps for who reads it: more than it has of itself, so that bursts are not lost.
const RING: u32 = 10_000;

/// The kernel's side of a namespace.
#[derive(Debug)]
pub struct Links(OwnedFd);

/// A message under way: its head, and attributes after it.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        Self(bytes)
    }

    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let len = u16::try_from(4 + value.len()).expect("attributes are short");
        self.0.extend(len.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn with_address(self, kind: u16, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => self.with(kind, &v4.octets()),
            IpAddr::V6(v6) => self.with(kind, &v6.octets()),
        }
    }
}

const fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { AF_INET } else { AF_INET6 }
}

impl Links {
    /// Those of the namespace that this process is in now.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> io::Result<Self> {
        Ok(Self(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?))
    }

    /// Sends a message and waits for what the kernel says to it.
    fn ask(&self, message: Message) -> io::Result<()> {
        let Message(mut bytes) = message;
        let len = u32::try_from(bytes.len()).expect("messages are short");
        bytes[..4].copy_from_slice(&len.to_ne_bytes());
        sendto(&self.0, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = [0; 1024];
        let (_, len) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        let kind = answer.get(4..6).map(|kind| u16::from_ne_bytes([kind[0], kind[1]]));
        match (kind, answer[..len.min(1024)].get(16..20)) {
            (Some(NLMSG_ERROR), Some(code)) => match i32::from_ne_bytes(code.try_into().expect("four bytes")) {
                0 => Ok(()),
                code => Err(io::Error::from_raw_os_error(-code)),
            },
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Switches a device on or off.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_up(&self, index: u32, up: bool) -> io::Result<()> {
        self.ask(Message::new(RTM_NEWLINK, 0, &link(index, u32::from(up), IFF_UP)))
    }

    /// Sets the address and the MTU of a device, and makes room in its ring.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_device(&self, index: u32, mac: [u8; 6], mtu: u32) -> io::Result<()> {
        let message = Message::new(RTM_NEWLINK, 0, &link(index, 0, 0));
        let message = message.with(IFLA_ADDRESS, &mac).with(IFLA_MTU, &mtu.to_ne_bytes());
        self.ask(message.with(IFLA_TXQLEN, &RING.to_ne_bytes()))
    }

    /// Sets the MTU of a device.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_mtu(&self, index: u32, mtu: u32) -> io::Result<()> {
        self.ask(Message::new(RTM_NEWLINK, 0, &link(index, 0, 0)).with(IFLA_MTU, &mtu.to_ne_bytes()))
    }

    /// Gives a device an address.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn add_address(&self, index: u32, address: (IpAddr, u8)) -> io::Result<()> {
        self.ask(addressing(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address))
    }

    /// Takes an address from a device.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_address(&self, index: u32, address: (IpAddr, u8)) -> io::Result<()> {
        self.ask(addressing(RTM_DELADDR, 0, index, address))
    }

    /// Adds a route by the device with this number here.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn add_route(&self, index: u32, way: &Way) -> io::Result<()> {
        self.ask(routing(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, index, way))
    }

    /// Removes a route.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_route(&self, index: u32, way: &Way) -> io::Result<()> {
        self.ask(routing(RTM_DELROUTE, 0, index, way))
    }
}

/// `struct ifinfomsg`.
fn link(index: u32, flags: u32, change: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), change.to_ne_bytes()].concat()
}

/// `struct ifaddrmsg` and what it needs.
fn addressing(kind: u16, flags: u16, index: u32, (address, prefix): (IpAddr, u8)) -> Message {
    // Nobody else has it: it was given out by the engine.
    let how = if address.is_ipv6() { IFA_F_NODAD } else { 0 };
    let body = [[family(address), prefix, how, RT_SCOPE_UNIVERSE], index.to_ne_bytes()].concat();
    let message = Message::new(kind, flags, &body).with_address(IFA_LOCAL, address).with_address(IFA_ADDRESS, address);
    match IpNetwork::new(address, prefix).ok().and_then(broadcast) {
        Some(everybody) => message.with(IFA_BROADCAST, &everybody.octets()),
        None => message,
    }
}

/// `struct rtmsg` and what it needs.
fn routing(kind: u16, flags: u16, index: u32, way: &Way) -> Message {
    let (to, prefix) = way.to;
    let scope = if way.via.is_some() || to.is_ipv6() { RT_SCOPE_UNIVERSE } else { RT_SCOPE_LINK };
    let body = [family(to), prefix, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST, 0, 0, 0, 0];
    let mut message = Message::new(kind, flags, &body).with(RTA_OIF, &index.to_ne_bytes());
    if prefix > 0 {
        message = message.with_address(RTA_DST, to);
    }
    if way.metric > 0 {
        message = message.with(RTA_PRIORITY, &way.metric.to_ne_bytes());
    }
    for (kind, address) in [(RTA_GATEWAY, way.via), (RTA_PREFSRC, way.source)] {
        if let Some(address) = address {
            message = message.with_address(kind, address);
        }
    }
    message
}
