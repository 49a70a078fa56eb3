//! The ports of a machine on which the simulation runs, for who makes published ports real there. Nothing is opened here.

use core::fmt;
use core::net::SocketAddr;

use netyard_sim::socket::Errno;

use super::Protocol;

/// A machine that takes part when the simulated host publishes a port: its own programs may have that port.
///
/// What comes in there belongs to the same address of the simulated host: a program in its namespace that connects to it
/// (at 127.0.0.1 or `::1` when it is unspecified) is served by the port's `docker-proxy`, as any local client is.
pub trait Machine: fmt::Debug {
    /// Listens for a port that the simulated host listens on.
    ///
    /// # Errors
    /// What the machine's kernel says; the port is not published then.
    fn claim(&mut self, protocol: Protocol, at: SocketAddr) -> Result<(), Errno>;

    /// Listens no more.
    fn release(&mut self, protocol: Protocol, at: SocketAddr);
}
