//! The command line of `nc`.

use core::time::Duration;

use crate::userland::Flavour;
use crate::userland::getopt::Getopt;

/// What is asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) listen: bool,
    pub(super) udp: bool,
    pub(super) verbose: bool,
    /// Only look whether somebody listens.
    pub(super) scan: bool,
    pub(super) v4: bool,
    pub(super) v6: bool,
    /// How long to wait for the connection, and then for news on it.
    pub(super) idle: Option<Duration>,
    /// The peer, or the address to listen at; empty for any.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Options {
    /// Reads a command line, or says what is wrong with it.
    pub(super) fn parse(argv: &[String], flavour: Flavour) -> Result<Self, String> {
        let mut read = Getopt::new(argv, "lunvz46Nkq:w:i:p:s:");
        let (mut options, mut local_port) = (Self::default(), None);
        for option in &mut read {
            let option = option.map_err(|error| error.to_string())?;
            match option.flag {
                'l' => options.listen = true,
                'u' => options.udp = true,
                'v' => options.verbose = true,
                'z' => options.scan = true,
                '4' => options.v4 = true,
                '6' => options.v6 = true,
                'w' => options.idle = Some(Duration::from_secs(number(option.value, "timeout", flavour)?)),
                'p' => local_port = Some(port(option.value, flavour)?),
                _ => {}
            }
        }
        options.place(&read.operands(), local_port, flavour)?;
        Ok(options)
    }

    /// Host and port: a listener's port may stand alone.
    fn place(&mut self, operands: &[&str], local: Option<u16>, flavour: Flavour) -> Result<(), String> {
        let (host, number) = match (self.listen, operands, local) {
            (true, [], Some(local)) => ("", local),
            (true, [host], Some(local)) => (*host, local),
            (true, [number], None) => ("", port(number, flavour)?),
            (_, [host, number], _) => (*host, port(number, flavour)?),
            (_, [_], _) => return Err("missing port number".to_owned()),
            _ => return Err("missing destination".to_owned()),
        };
        (self.host, self.port) = (host.to_owned(), number);
        Ok(())
    }
}

fn number(text: &str, what: &str, flavour: Flavour) -> Result<u64, String> {
    text.parse().map_err(|_| match flavour {
        Flavour::Busybox => format!("invalid number '{text}'"),
        Flavour::Host => format!("{what} is invalid: {text}"),
    })
}

fn port(text: &str, flavour: Flavour) -> Result<u16, String> {
    let bad = || match flavour {
        Flavour::Busybox => format!("bad port '{text}'"),
        Flavour::Host => format!("port number invalid: {text}"),
    };
    text.parse().ok().filter(|port| *port != 0).ok_or_else(bad)
}

/// The name of a well-known TCP port, as `/etc/services` has it.
pub(super) const fn service(port: u16) -> &'static str {
    match port {
        21 => "ftp",
        22 => "ssh",
        25 => "smtp",
        53 => "domain",
        80 => "http",
        443 => "https",
        3306 => "mysql",
        5432 => "postgresql",
        6379 => "redis",
        8080 => "http-alt",
        _ => "*",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::parse(&argv, Flavour::Host)
    }

    #[test]
    fn a_listener_has_its_port_with_or_without_p() {
        for line in ["nc -l -p 8080", "nc -l 8080", "nc -lp 8080"] {
            let options = parse(line).unwrap();
            assert!(options.listen && options.host.is_empty() && options.port == 8080, "{line}");
        }
        let options = parse("nc -zv -w 2 web 80").unwrap();
        assert_eq!((options.host.as_str(), options.port, options.idle), ("web", 80, Some(Duration::from_secs(2))));
        assert_eq!(parse("nc web"), Err("missing port number".to_owned()));
        assert_eq!(parse("nc web x"), Err("port number invalid: x".to_owned()));
    }
}
