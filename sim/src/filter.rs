//! stub
use crate::time::Instant;
use core::net::IpAddr;
/// x
#[derive(Default)]
pub struct Netfilter;
/// x
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    /// x
    Prerouting,
    /// x
    Input,
    /// x
    Forward,
    /// x
    Output,
    /// x
    Postrouting,
}
/// x
pub struct Place<'a> {
    /// x
    pub hook: Hook,
    /// x
    pub ingress: Option<&'a str>,
    /// x
    pub egress: Option<&'a str>,
}
/// x
pub trait Locality {
    /// x
    fn is_local(&self, a: IpAddr) -> bool;
    /// x
    fn is_broadcast(&self, a: IpAddr) -> bool;
    /// x
    fn masquerade_address(&self, like: IpAddr) -> Option<IpAddr>;
}
/// x
pub enum Outcome {
    /// x
    Accept,
    /// x
    Drop,
    /// x
    Reject(Reject),
}
/// x
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reject {
    /// x
    TcpReset,
}
impl Reject {
    /// x
    pub const fn icmp_code(self) -> Option<u8> {
        None
    }
    /// x
    pub const fn icmpv6_code(self) -> Option<u8> {
        None
    }
}
impl Netfilter {
    /// x
    pub fn is_idle(&self) -> bool {
        true
    }
    /// x
    pub fn pass(&mut self, _n: Instant, _p: &Place<'_>, _l: &dyn Locality, _b: &mut [u8]) -> Outcome {
        Outcome::Accept
    }
}
