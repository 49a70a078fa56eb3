//! Where a program's packets come from, and whether there is a way at all: what ping and traceroute ask before they
//! send. It chooses nothing by itself; routes do.

use core::net::{IpAddr, SocketAddr};

use super::{Errno, Sys};
use crate::addr;

/// The address that packets to `dst` come from: the one that was asked for, else what the route says.
#[must_use]
pub fn towards(sys: &Sys<'_>, dst: IpAddr, asked: Option<IpAddr>) -> IpAddr {
    asked.or_else(|| sys.source_for(dst)).unwrap_or_else(|| addr::unspecified(dst))
}

/// Connects a datagram socket to learn whether there is a way to `peer`.
///
/// # Errors
/// What `connect(2)` says.
pub fn probe(sys: &mut Sys<'_>, peer: SocketAddr) -> Result<(), Errno> {
    let socket = sys.udp_bind(SocketAddr::new(addr::unspecified(peer.ip()), 0))?;
    let result = sys.udp_connect(socket, peer);
    sys.close(socket);
    result
}
