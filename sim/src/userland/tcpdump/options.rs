//! The command line of `tcpdump`.

use super::page::{Style, Time};
use crate::userland::getopt::Getopt;

/// What `--version` tells.
pub(super) const VERSION: &str = "tcpdump version 4.99.3\nlibpcap version 1.10.3 (with TPACKET_V3)\n";
const LETTERS: &str = "+AbB:c:C:d:DeE:fF:G:hHi:IjJ:KlLm:M:nNOpqQ:r:s:StT:uUvV:w:W:xXy:z:Z:#";
const LONG: [(&str, char); 8] = [
    ("version", 'h'),
    ("list-interfaces", 'D'),
    ("interface", 'i'),
    ("direction", 'Q'),
    ("absolute-tcp-sequence-numbers", 'S'),
    ("snapshot-length", 's'),
    ("packet-buffered", 'U'),
    ("no-promiscuous-mode", 'p'),
];

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Capture(Options),
    /// `-D`.
    Devices,
    Version,
}

/// What is captured, and how it is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) device: Option<String>,
    pub(super) count: Option<u64>,
    /// Only what goes out, or only what comes in.
    pub(super) only: Option<bool>,
    pub(super) style: Style,
    pub(super) expression: String,
}

/// Reads it; else what is said.
pub(super) fn parse(argv: &[String]) -> Result<Asked, String> {
    let mut getopt = Getopt::new(argv, LETTERS).with_long(&LONG);
    let mut options = Options::default();
    let (mut times, mut hex) = (0, 0);
    for option in getopt.by_ref() {
        let option = option.map_err(|error| format!("tcpdump: {error}\n{VERSION}"))?;
        let style = &mut options.style;
        match option.flag {
            'D' => return Ok(Asked::Devices),
            'h' => return Ok(Asked::Version),
            'i' => options.device = Some(option.value.to_owned()),
            'c' => options.count = Some(count(option.value)?),
            'n' | 'N' | 'f' => style.numeric |= option.flag != 'N',
            'e' => style.ether = true,
            'q' => style.quiet = true,
            'S' => style.absolute = true,
            'v' => style.verbose = style.verbose.saturating_add(1),
            't' => times += 1,
            'x' | 'X' => {
                hex += 1;
                style.dump.on = true;
                style.dump.link = hex > 1;
                style.dump.ascii |= option.flag == 'X';
            }
            'Q' => {
                options.only = match option.value {
                    "in" => Some(false),
                    "out" => Some(true),
                    "inout" => None,
                    other => return Err(format!("tcpdump: unknown capture direction `{other}'\n")),
                }
            }
            'l' | 'p' | 'U' | 's' | 'O' | 'K' | 'B' => {}
            other => return Err(format!("tcpdump: -{other} is not simulated; netyard test --pcap DIR writes files\n")),
        }
    }
    options.style.time = match times {
        0 => Time::OfDay,
        1 => Time::None,
        2 => Time::Unix,
        3 => Time::SincePrevious,
        4 => Time::Date,
        _ => Time::SinceFirst,
    };
    options.expression = getopt.operands().join(" ");
    Ok(Asked::Capture(options))
}

fn count(word: &str) -> Result<u64, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("tcpdump: invalid packet count {word}\n"))
}
