//! The command line of `arping`, of iputils and of busybox.

use core::net::Ipv4Addr;
use core::time::Duration;

use crate::userland::Flavour;
use crate::userland::getopt::Getopt;

/// What is sent, and what is awaited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    /// Requests, and their answers.
    Ask,
    /// Requests about the own address, so that others learn it (`-U`).
    Tell,
    /// Answers that nobody asked for (`-A`).
    Answer,
    /// Requests from nobody, to see whether the address is taken (`-D`).
    Detect,
}

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    pub(super) mode: Mode,
    /// End at the first answer.
    pub(super) first_only: bool,
    pub(super) quiet: bool,
    /// Go on asking everybody.
    pub(super) broadcast: bool,
    pub(super) count: Option<u64>,
    pub(super) patience: Option<Duration>,
    pub(super) device: Option<String>,
    pub(super) source: Option<Ipv4Addr>,
}

const VERSION: &str = "arping from iputils 20221126\n\
                       libcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes\n";

/// What iputils prints when it does not know what to do.
pub(super) const USAGE: &str = "
Usage:
  arping [options] <destination>

Options:
  -f            quit on first reply
  -q            be quiet
  -b            keep on broadcasting, do not unicast
  -D            duplicate address detection mode
  -U            unsolicited ARP mode, update your neighbours
  -A            ARP answer mode, update your neighbours
  -V            print version and exit
  -c <count>    how many packets to send
  -w <timeout>  how long to wait for a reply
  -i <interval> set interval between packets (default: 1 second)
  -I <device>   which ethernet device to use
  -s <source>   source ip address
  <destination> dns name or ip address

For more details see arping(8).
";

const BUSYBOX_USAGE: &str = "\
BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.

Usage: arping [-fqbDUA] [-c CNT] [-w TIMEOUT] [-I IFACE] [-s SRC_IP] DST_IP

Send ARP requests/replies

\t-f\t\tQuit on first ARP reply
\t-q\t\tQuiet
\t-b\t\tKeep broadcasting, don't go unicast
\t-D\t\tExit with 1 if DST_IP replies
\t-U\t\tUnsolicited ARP mode, update your neighbors
\t-A\t\tARP answer mode, update your neighbors
\t-c N\t\tStop after sending N ARP requests
\t-w TIMEOUT\tSeconds to wait for ARP reply
\t-I IFACE\tInterface to use (default eth0)
\t-s SRC_IP\tSender IP address
\tDST_IP\t\tTarget IP address
";

impl Options {
    /// Reads the line; else what is printed, and the exit code.
    pub(super) fn parse(argv: &[String], flavour: Flavour) -> Result<Self, (String, i32)> {
        let (spec, usage, code) = match flavour {
            Flavour::Host => ("hbfDUAqc:w:i:s:I:V", USAGE, 2),
            Flavour::Busybox => ("UDAqfbc:w:I:s:", BUSYBOX_USAGE, 1),
        };
        let mut options = Self {
            host: String::new(),
            mode: Mode::Ask,
            first_only: false,
            quiet: false,
            broadcast: false,
            count: None,
            patience: None,
            device: None,
            source: None,
        };
        let mut getopt = Getopt::new(argv, spec);
        for opt in getopt.by_ref() {
            let opt = opt.map_err(|error| (format!("arping: {error}\n{usage}"), code))?;
            options.set(opt.flag, opt.value, flavour)?;
        }
        match getopt.operands().as_slice() {
            [host] => options.host = (*host).to_owned(),
            _ => return Err((usage.to_owned(), code)),
        }
        Ok(options)
    }

    fn set(&mut self, flag: char, value: &str, flavour: Flavour) -> Result<(), (String, i32)> {
        let number = || {
            let wrong = match flavour {
                Flavour::Host => format!("arping: invalid argument: '{value}'\n"),
                Flavour::Busybox => format!("arping: invalid number '{value}'\n"),
            };
            value.parse::<u64>().map_err(|_| (wrong, 1))
        };
        match flag {
            'f' => self.first_only = true,
            'q' => self.quiet = true,
            'b' => self.broadcast = true,
            'D' => self.mode = Mode::Detect,
            'U' => self.mode = Mode::Tell,
            'A' => self.mode = Mode::Answer,
            'c' => self.count = Some(number()?).filter(|count| *count > 0),
            'w' => self.patience = Some(Duration::from_secs(number()?)).filter(|patience| !patience.is_zero()),
            // The questions here are a second apart.
            'i' => number().map(|_| ())?,
            'I' => self.device = Some(value.to_owned()),
            's' => {
                let wrong = (format!("arping: invalid source {value}\n"), 2);
                self.source = Some(value.parse().map_err(|_| wrong)?);
            }
            'V' => return Err((VERSION.to_owned(), 0)),
            _ => return Err((USAGE.to_owned(), 2)),
        }
        Ok(())
    }
}
