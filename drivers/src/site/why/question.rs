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
        let port = || port.parse().ok().filter(|port| *port != 0).ok_or_else(|| Unreadable::Manner(text.to_owned()));
        match (protocol, text) {
            (_, "icmp" | "ping") => Ok(Self::Ping),
            (_, "name") => Ok(Self::Name),
            ("tcp", _) => Ok(Self::Tcp(port()?)),
            ("udp", _) => Ok(Self::Udp(port()?)),
            _ => Err(Unreadable::Manner(text.to_owned())),
        }
    }

    /// Reads how much a packet of this kind carries.
    fn size(self, word: &str) -> Result<usize, Unreadable> {
        if matches!(self, Self::Name | Self::Tcp(_)) {
            return Err(Unreadable::Unsized(self));
        }
        word.parse().ok().filter(|size| *size <= MOST).ok_or_else(|| Unreadable::Size(word.to_owned()))
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

/// The most bytes that one packet can carry besides its headers.
const MOST: usize = 65535 - 20 - 8;

/// A word that says in no way what is asked.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unreadable {
    /// No way to reach anybody.
    #[error("invalid port {0:?}: write tcp/80, udp/53 or icmp")]
    Manner(String),
    /// No number of bytes.
    #[error("invalid size {0:?}: write a number of bytes, at most {MOST}")]
    Size(String),
    /// Connections have no packets of one size.
    #[error("a size is for icmp and udp, not for {0}")]
    Unsized(Manner),
}

/// Whether `from` reaches `to`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// A place: a host, a container, or `HOST/NAMESPACE`.
    pub from: String,
    /// A name as a program there would use it, or an address.
    pub to: String,
    /// In which way.
    pub manner: Manner,
    /// By a packet that carries so many bytes and must not be cut; one as programs send them else.
    pub size: Option<usize>,
}

impl Question {
    /// Reads `FROM TO [MANNER] [--size BYTES]`; none when the words are too few or too many.
    ///
    /// # Errors
    /// When a word is none of those.
    pub fn parse(words: &[&str]) -> Option<Result<Self, Unreadable>> {
        let at = words.iter().position(|word| *word == "--size");
        let (words, size) = match at {
            Some(at) => (&words[..at], Some(words.get(at + 1).filter(|_| words.len() == at + 2)?)),
            None => (words, None),
        };
        let [from, to, rest @ ..] = words else { return None };
        let manner = match rest {
            [] => Ok(Manner::Ping),
            [word] => Manner::parse(word),
            _ => return None,
        };
        let read = |manner: Manner| {
            let size = size.map(|word| manner.size(word)).transpose()?;
            Ok(Self { from: (*from).to_owned(), to: (*to).to_owned(), manner, size })
        };
        Some(manner.and_then(read))
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {}", self.from, self.to, self.manner)?;
        self.size.iter().try_for_each(|size| write!(f, " of {size} bytes"))
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
    #[test]
    fn a_packet_of_some_size_is_asked_for() {
        let read = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            Question::parse(&words).map(|question| question.map_or_else(|e| e.to_string(), |q| q.to_string()))
        };
        for (line, said) in [
            ("a b", "a -> b icmp"),
            ("a b --size 1472", "a -> b icmp of 1472 bytes"),
            ("a b udp/53 --size 9", "a -> b udp/53 of 9 bytes"),
            ("a b tcp/80 --size 9", "a size is for icmp and udp, not for tcp/80"),
            ("a b --size big", "invalid size \"big\": write a number of bytes, at most 65507"),
            ("a b --size 65508", "invalid size \"65508\": write a number of bytes, at most 65507"),
        ] {
            assert_eq!(read(line).as_deref(), Some(said), "{line}");
        }
        for wrong in ["a", "a b icmp more", "a b --size", "a b --size 1 icmp"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
