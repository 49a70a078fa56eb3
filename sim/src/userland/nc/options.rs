//! The command line of `nc`: what both flavours understand, and what each says of what is wrong with it.

use core::time::Duration;

use crate::filter::name;
use crate::packet::protocol;
use crate::userland::Flavour;
use crate::userland::getopt::{Getopt, Opt, OptError};
use crate::userland::lookup::Family;

const BUSYBOX: &str = "lunvz46Nkq:w:i:p:s:";
const HOST: &str = "46bCDdFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz";
const RARE: &str = "CFiMmPSTtUVXxZ";
const USAGE: &str = include_str!("host_usage.txt");

/// What is asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) listen: bool,
    /// Whether it listens again when a connection has ended.
    pub(super) keeps: bool,
    pub(super) udp: bool,
    pub(super) verbose: bool,
    /// Only look whether somebody listens.
    pub(super) scan: bool,
    /// No names are looked up.
    pub(super) numeric: bool,
    /// Nothing is read.
    pub(super) detached: bool,
    /// The end of what is read is told to the peer.
    pub(super) shuts: bool,
    pub(super) family: Family,
    /// How long to wait for the connection, and then for news on it.
    pub(super) idle: Option<Duration>,
    /// How long it goes on after the end of what it reads.
    pub(super) quit: Option<Duration>,
    /// How many times it receives before it ends.
    pub(super) receives: Option<u64>,
    /// Whence to connect.
    pub(super) source: Option<String>,
    pub(super) source_port: u16,
    /// The peer, or the address to listen at; empty for any.
    pub(super) host: String,
    /// The ports of the peer, one after the other, or the one to listen at.
    pub(super) ports: Vec<u16>,
}

/// Why a command line asks for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// This is wrong with it.
    Said(String),
    /// It is no command line at all.
    Usage(Option<OptError>),
    /// The page was asked for.
    Help,
}

impl Refusal {
    /// What is printed after the program's name and a colon, or as it is.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Said(text) => format!("nc: {text}\n"),
            Self::Usage(None) => USAGE.to_owned(),
            Self::Usage(Some(error)) => format!("nc: {error}\n{USAGE}"),
            Self::Help => format!("OpenBSD netcat (Debian patchlevel 1.219-1)\n{USAGE}"),
        }
    }
}

fn said<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Said(text.into()))
}

impl Options {
    /// Reads a command line, or says what is wrong with it.
    pub(super) fn parse(argv: &[String], flavour: Flavour) -> Result<Self, Refusal> {
        match flavour {
            Flavour::Busybox => Self::parse_busybox(argv),
            Flavour::Host => Self::parse_host(argv),
        }
    }

    fn parse_busybox(argv: &[String]) -> Result<Self, Refusal> {
        let mut read = Getopt::new(argv, BUSYBOX);
        // Its connections end where their input does.
        let mut options = Self { shuts: true, ..Self::default() };
        let mut local = None;
        for option in &mut read {
            let option = option.map_err(|error| Refusal::Said(error.to_string()))?;
            match option.flag {
                'w' => {
                    let wrong = || Refusal::Said(format!("invalid number '{}'", option.value));
                    options.idle = Some(Duration::from_secs(option.value.parse().map_err(|_| wrong())?));
                }
                'p' => local = Some(busybox_port(option.value)?),
                's' => options.source = Some(option.value.to_owned()),
                flag => options.switch(flag),
            }
        }
        let (host, port) = match (options.listen, read.operands().as_slice(), local) {
            (true, [], Some(local)) => ("", local),
            (true, [host], Some(local)) => (*host, local),
            (true, [number], None) => ("", busybox_port(number)?),
            (_, [host, number], _) => (*host, busybox_port(number)?),
            (_, [_], _) => return said("missing port number"),
            _ => return said("missing destination"),
        };
        options.source_port = local.filter(|_| !options.listen).unwrap_or_default();
        Ok(Self { host: host.to_owned(), ports: vec![port], ..options })
    }

    fn switch(&mut self, flag: char) {
        match flag {
            'l' => self.listen = true,
            'k' => self.keeps = true,
            'u' => self.udp = true,
            'v' => self.verbose = true,
            'z' => self.scan = true,
            'n' => self.numeric = true,
            'd' => self.detached = true,
            'N' => self.shuts = true,
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            // Sizes of buffers, broadcasts and random ports: what they change is not seen here.
            _ => {}
        }
    }

    fn parse_host(argv: &[String]) -> Result<Self, Refusal> {
        let mut read = Getopt::new(argv, HOST);
        let (mut options, mut local) = (Self::default(), None);
        for option in &mut read {
            let option = option.map_err(|error| Refusal::Usage(Some(error)))?;
            match option.flag {
                'p' => local = Some(option.value),
                // What would have no effect here is refused rather than taken in silence.
                flag if RARE.contains(flag) => return said(format!("-{flag} is not simulated")),
                _ => options.set(option)?,
            }
        }
        let operands = read.operands();
        let source = options.source.clone().unwrap_or_default();
        let (host, ports) = match (operands.as_slice(), local) {
            ([], Some(local)) if options.listen => (source.as_str(), vec![local]),
            ([], None) if options.listen => return said("missing port number"),
            (_, None) if options.listen && options.source.is_some() => return Err(Refusal::Usage(None)),
            ([port], None) if options.listen => ("", vec![*port]),
            ([_], None) => return said("missing port number"),
            ([_], Some(_)) if !options.listen => return said("missing port number"),
            ([host, port], None) if options.listen => (*host, vec![*port]),
            ([host, ports @ ..], _) if !options.listen && !ports.is_empty() => (*host, ports.to_vec()),
            _ => return Err(Refusal::Usage(None)),
        };
        if options.listen && options.scan {
            return said("cannot use -z and -l");
        }
        if !options.listen && options.keeps {
            return said("must use -l with -k");
        }
        options.host = host.to_owned();
        options.ports = if options.listen { vec![options.bound_port(ports[0])?] } else { options.all_ports(&ports)? };
        options.source_port = local.filter(|_| !options.listen).map_or(Ok(0), |port| options.bound_port(port))?;
        Ok(options)
    }

    fn set(&mut self, option: Opt<'_>) -> Result<(), Refusal> {
        let value = option.value;
        match option.flag {
            'h' => return Err(Refusal::Help),
            'w' => self.idle = Some(Duration::from_secs(number(value, "timeout", 0)?)),
            'q' => {
                let seconds = signed(value, "quit timer")?;
                self.quit = u64::try_from(seconds).ok().map(Duration::from_secs);
                self.shuts |= self.quit.is_some();
            }
            'W' => self.receives = Some(number(value, "receive limit", 1)?),
            's' => self.source = Some(value.to_owned()),
            flag => self.switch(flag),
        }
        Ok(())
    }

    const fn protocol(&self) -> Option<u8> {
        Some(if self.udp { protocol::UDP } else { protocol::TCP })
    }

    /// A port by number or by its name with the protocol.
    fn port(&self, text: &str) -> Option<u16> {
        name::parse_port(text, self.protocol()).ok()
    }

    /// A port to bind to.
    fn bound_port(&self, text: &str) -> Result<u16, Refusal> {
        match name::address_port(text, self.protocol()) {
            Some(port) => Ok(port),
            None => said("getaddrinfo: Servname not supported for ai_socktype"),
        }
    }

    /// Ports and ranges of ports of a peer; a range that runs backward is turned.
    fn all_ports(&self, words: &[&str]) -> Result<Vec<u16>, Refusal> {
        let mut ports = Vec::new();
        for word in words {
            match word.split_once('-').filter(|(first, _)| !first.is_empty() && self.port(word).is_none()) {
                Some((first, last)) => {
                    let (first, last) = (self.peer_port(first)?, self.peer_port(last)?);
                    ports.extend(first.min(last)..=first.max(last));
                }
                None => ports.push(self.peer_port(word)?),
            }
        }
        Ok(ports)
    }

    fn peer_port(&self, text: &str) -> Result<u16, Refusal> {
        match (text.parse::<i64>(), self.port(text)) {
            (Ok(number), _) if number < 1 => said(format!("port number too small: {text}")),
            (Ok(number), _) if number > 65535 => said(format!("port number too large: {text}")),
            (_, Some(port)) => Ok(port),
            (_, None) => said(format!("port number invalid: {text}")),
        }
    }
}

fn busybox_port(text: &str) -> Result<u16, Refusal> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| Refusal::Said(format!("bad port '{text}'")))
}

/// A number as `strtonum(3)` reads it.
fn number(text: &str, what: &str, least: i64) -> Result<u64, Refusal> {
    let number = signed(text, what)?;
    match u64::try_from(number) {
        Ok(number) if i64::try_from(number).is_ok_and(|number| number >= least) => Ok(number),
        _ => said(format!("{what} too small: {text}")),
    }
}

fn signed(text: &str, what: &str) -> Result<i64, Refusal> {
    let is_number = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if i32::try_from(number).is_ok() => Ok(number),
        Ok(number) if number < 0 => said(format!("{what} too small: {text}")),
        Ok(_) => said(format!("{what} too large: {text}")),
        Err(_) if is_number && text.len() > 1 => said(format!("{what} too large: {text}")),
        Err(_) => said(format!("{what} invalid: {text}")),
    }
}
