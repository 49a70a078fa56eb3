//! What can be asked: whether a place reaches another one, in which way. It knows no site.

use core::fmt;

use thiserror::Error;

/// How something is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// Its name is found, nothing more.
    Name,
    /// By an echo request.
    Ping,
    /// By a connection to this port.
    Tcp(u16),
    /// By a datagram to this port.
    Udp(u16),
}

impl Manner {
    /// Reads `tcp/80`, `udp/53`, `icmp` or `name`; a number alone is a TCP port.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let (protocol, port) = text.split_once('/').unwrap_or(("tcp", text));
        let port = || port.parse().ok().filter(|port| *port != 0).ok_or_else(|| Unreadable(text.to_owned()));
        match (protocol, text) {
            (_, "icmp" | "ping") => Ok(Self::Ping),
            (_, "name") => Ok(Self::Name),
            ("tcp", _) => Ok(Self::Tcp(port()?)),
            ("udp", _) => Ok(Self::Udp(port()?)),
            _ => Err(Unreadable(text.to_owned())),
        }
    }
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::Ping => f.write_str("icmp"),
            Self::Tcp(port) => write!(f, "tcp/{port}"),
            Self::Udp(port) => write!(f, "udp/{port}"),
        }
    }
}

/// A word that says in no way how something is reached.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("invalid port {0:?}: write tcp/80, udp/53 or icmp")]
pub struct Unreadable(String);

/// Whether `from` reaches `to`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// A place: a host, a container, or `HOST/NAMESPACE`.
    pub from: String,
    /// A name as a program there would use it, or an address.
    pub to: String,
    /// In which way.
    pub manner: Manner,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {}", self.from, self.to, self.manner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_with_their_protocol() {
        assert_eq!(Manner::parse("tcp/80"), Ok(Manner::Tcp(80)));
        assert_eq!(Manner::parse("80"), Ok(Manner::Tcp(80)));
        assert_eq!(Manner::parse("udp/53"), Ok(Manner::Udp(53)));
        assert_eq!(Manner::parse("icmp"), Ok(Manner::Ping));
        for wrong in ["", "tcp/", "tcp/0", "tcp/65536", "sctp/5", "http"] {
            let error = Manner::parse(wrong).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid port {wrong:?}: write tcp/80, udp/53 or icmp"));
        }
    }
}
