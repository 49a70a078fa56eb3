//! `conntrack`: lists, counts and forgets the flows of a namespace. It makes none and follows none as they come, and since
//! nothing here expects flows, the table of those is empty.

use core::net::IpAddr;

use super::Output;
use crate::conntrack::{Counts, Entry, Flow, Table, Tuple};
use crate::filter::matching::mark::parse_masked;
use crate::filter::words::{Flag, Word, Words};
use crate::filter::{Family, name};
use crate::time::Instant;

const VERSION: &str = "conntrack v1.4.7 (conntrack-tools)";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Count,
    Delete,
    Flush,
    List,
    Statistics,
    Version,
}

/// What a flow must be (`-u`).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    Assured,
    SeenReply,
    Unreplied,
}

/// Which flows are meant; `None` means whichever.
#[derive(Debug, Default)]
struct Filter {
    family: Option<Family>,
    protocol: Option<u8>,
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    reply_src: Option<IpAddr>,
    reply_dst: Option<IpAddr>,
    sport: Option<u16>,
    dport: Option<u16>,
    mark: Option<(u32, u32)>,
    state: Option<String>,
    status: Option<Status>,
    /// Whether its source, or its destination, must have been translated, to this address if one was named.
    translated: [Option<Option<IpAddr>>; 2],
    /// Whether the table of flows that are expected is meant.
    of_expected: bool,
    extended: bool,
}

/// Runs the program.
#[must_use]
pub fn run(table: &mut Table, now: Instant, arguments: &[String]) -> Output {
    if arguments.first().is_none_or(|word| !word.starts_with('-')) || arguments == ["-h"] || arguments == ["--help"] {
        let code = 0;
        return Output { out: USAGE.to_owned(), code, ..Output::default() };
    }
    match parse(arguments) {
        Ok((command, filter)) => execute(table, now, command, &filter),
        Err(text) => {
            let err = format!("{VERSION}: {text}\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
            Output { err, code: 2, ..Output::default() }
        }
    }
}

const USAGE: &str = include_str!("conntrack_usage.txt");

fn execute(table: &mut Table, now: Instant, command: Command, filter: &Filter) -> Output {
    let line = |entry: &Entry| filter.line(entry, now);
    if filter.of_expected {
        return of_expected(command);
    }
    match command {
        Command::Count => Output { out: format!("{}\n", table.list(now).len()), ..Output::default() },
        Command::Delete => {
            let gone = table.forget(now, |entry| filter.fits(entry));
            let err = format!("{VERSION}: {} flow entries have been deleted.\n", gone.len());
            Output { out: gone.iter().map(line).collect(), err, code: i32::from(gone.is_empty()) }
        }
        Command::Flush => {
            table.forget(now, |_| true);
            Output { err: format!("{VERSION}: connection tracking table has been emptied.\n"), ..Output::default() }
        }
        Command::List => {
            let listed = table.list(now);
            let shown: Vec<&Entry> = listed.into_iter().filter(|entry| filter.fits(entry)).collect();
            let err = format!("{VERSION}: {} flow entries have been shown.\n", shown.len());
            Output { out: shown.into_iter().map(line).collect(), err, code: 0 }
        }
        Command::Statistics => Output { out: statistics(table), ..Output::default() },
        Command::Version => Output { out: format!("{VERSION}\n"), ..Output::default() },
    }
}

/// The same for the flows that are expected, of which there are none.
fn of_expected(command: Command) -> Output {
    let said = match command {
        Command::Count => return Output { out: "0\n".to_owned(), ..Output::default() },
        Command::Flush => "expectation table has been emptied",
        _ => "0 expectations have been shown",
    };
    Output { err: format!("{VERSION}: {said}.\n"), ..Output::default() }
}

/// What went wrong, on the one processor that there is.
fn statistics(table: &Table) -> String {
    let Counts { invalid, insert_failed, drop, early_drop } = table.counts();
    format!(
        "cpu=0   \tfound=0 invalid={invalid} insert=0 insert_failed={insert_failed} drop={drop} \
         early_drop={early_drop} error=0 search_restart=0 clash_resolve=0 chaintoolong=0 \n"
    )
}

fn parse(arguments: &[String]) -> Result<(Command, Filter), String> {
    let mut words = Words::new(arguments);
    let (mut command, mut filter) = (None, Filter::default());
    while let Some(word) = words.next() {
        let flag = match word {
            Word::Option(flag) => flag,
            Word::Plain(text) => return Err(format!("unknown argument `{text}'")),
            Word::Not => return Err("unknown argument `!'".to_owned()),
        };
        match command_of(flag) {
            Some(_) if command.is_some() => return Err("Invalid commands combination".to_owned()),
            Some(found) => {
                command = Some(found);
                match words.plain() {
                    None | Some("conntrack") => {}
                    Some("expect") => filter.of_expected = true,
                    Some(other) => return Err(format!("unknown type `{other}'")),
                }
            }
            None => filter.option(flag, &mut words)?,
        }
    }
    command.map(|command| (command, filter)).ok_or_else(|| "no command specified".to_owned())
}

const fn command_of(flag: Flag<'_>) -> Option<Command> {
    Some(match flag {
        Flag::Short('C') => Command::Count,
        Flag::Short('D') => Command::Delete,
        Flag::Short('F') => Command::Flush,
        Flag::Short('L') => Command::List,
        Flag::Short('S') => Command::Statistics,
        Flag::Short('V') => Command::Version,
        Flag::Long(name) => return long_command(name.as_bytes()),
        Flag::Short(_) => return None,
    })
}

const fn long_command(name: &[u8]) -> Option<Command> {
    Some(match name {
        b"count" => Command::Count,
        b"delete" => Command::Delete,
        b"flush" => Command::Flush,
        b"dump" => Command::List,
        b"stats" => Command::Statistics,
        b"version" => Command::Version,
        _ => return None,
    })
}

impl Filter {
    fn option(&mut self, flag: Flag<'_>, words: &mut Words<'_>) -> Result<(), String> {
        if let Some(end) = translated_end(flag) {
            let named = words.plain().map(address).transpose()?;
            self.translated[end] = Some(named);
            return Ok(());
        }
        let mut value = || words.value().map_err(|_| format!("option `{flag}' requires an argument"));
        match flag {
            Flag::Short('p') | Flag::Long("proto" | "protonum") => self.protocol = Some(protocol(value()?)?),
            Flag::Short('s') | Flag::Long("src" | "orig-src") => self.src = Some(address(value()?)?),
            Flag::Short('d') | Flag::Long("dst" | "orig-dst") => self.dst = Some(address(value()?)?),
            Flag::Short('r') | Flag::Long("reply-src") => self.reply_src = Some(address(value()?)?),
            Flag::Short('q') | Flag::Long("reply-dst") => self.reply_dst = Some(address(value()?)?),
            Flag::Long("sport" | "orig-port-src") => self.sport = Some(port(value()?)?),
            Flag::Long("dport" | "orig-port-dst") => self.dport = Some(port(value()?)?),
            Flag::Short('f') | Flag::Long("family") => self.family = Some(family(value()?)?),
            Flag::Short('m') | Flag::Long("mark") => self.mark = Some(mark(value()?)?),
            Flag::Long("state") => self.state = Some(value()?.to_ascii_uppercase()),
            Flag::Short('u') | Flag::Long("status") => self.status = Some(status(value()?)?),
            // Nothing here counts the packets of a flow.
            Flag::Short('z') | Flag::Long("zero") => {}
            Flag::Short('o') | Flag::Long("output") => self.extended = value()?.contains("extended"),
            other => return Err(format!("unknown option `{other}'")),
        }
        Ok(())
    }

    /// Whether a flow is meant; IPv4 when no family was named.
    fn fits(&self, entry: &Entry) -> bool {
        let Tuple { src, dst, protocol, src_port, dst_port } = entry.original;
        let family = if src.is_ipv4() { Family::V4 } else { Family::V6 };
        self.family.unwrap_or(Family::V4) == family
            && self.protocol.is_none_or(|p| p == protocol)
            && self.src.is_none_or(|a| a == src)
            && self.dst.is_none_or(|a| a == dst)
            && self.reply_src.is_none_or(|a| a == entry.reply.src)
            && self.reply_dst.is_none_or(|a| a == entry.reply.dst)
            && self.sport.is_none_or(|p| p == src_port)
            && self.dport.is_none_or(|p| p == dst_port)
            && self.mark.is_none_or(|(mark, mask)| entry.mark & mask == mark)
            && self.state.as_deref().is_none_or(|state| matches!(entry.flow, Flow::Tcp(tcp) if tcp.name() == state))
            && self.status.is_none_or(|status| match status {
                Status::Assured => entry.assured,
                Status::SeenReply => entry.replied,
                Status::Unreplied => !entry.replied,
            })
            && self.fits_translation(entry)
    }

    fn fits_translation(&self, entry: &Entry) -> bool {
        let ends = [(entry.original.src, entry.reply.dst), (entry.original.dst, entry.reply.src)];
        let fits = |wanted: &Option<Option<IpAddr>>, (before, after): (IpAddr, IpAddr)| {
            wanted.is_none_or(|named| before != after && named.is_none_or(|addr| addr == after))
        };
        self.translated.iter().zip(ends).all(|(wanted, end)| fits(wanted, end))
    }

    fn line(&self, entry: &Entry, now: Instant) -> String {
        let family = match (self.extended, entry.original.src.is_ipv4()) {
            (false, _) => "",
            (true, true) => "ipv4     2 ",
            (true, false) => "ipv6     10 ",
        };
        let state = match entry.flow {
            Flow::Tcp(state) => format!("{} ", state.name()),
            Flow::Icmp | Flow::Other | Flow::Udp { .. } => String::new(),
        };
        format!(
            "{family}{:<8} {} {} {state}{}{} {}{} mark={} use=1\n",
            entry.protocol_name(),
            entry.original.protocol,
            left(entry, now),
            tuple(&entry.original),
            if entry.replied { "" } else { " [UNREPLIED]" },
            tuple(&entry.reply),
            if entry.assured { " [ASSURED]" } else { "" },
            entry.mark,
        )
    }
}

/// Whole seconds that a flow still lives. Some of the first one is over when a real listing comes to print it.
fn left(entry: &Entry, now: Instant) -> u64 {
    let nanos = entry.deadline.since(now).as_nanos().saturating_sub(1);
    u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
}

fn tuple(tuple: &Tuple) -> String {
    let addresses = format!("src={} dst={}", tuple.src, tuple.dst);
    if tuple.is_icmp() {
        let (kind, code) = tuple.icmp();
        return format!("{addresses} type={kind} code={code} id={}", tuple.src_port);
    }
    match tuple.protocol {
        6 | 17 => format!("{addresses} sport={} dport={}", tuple.src_port, tuple.dst_port),
        _ => addresses,
    }
}

/// Which end must have been translated: 0 the source, 1 the destination.
const fn translated_end(flag: Flag<'_>) -> Option<usize> {
    match flag {
        Flag::Short('n') => Some(0),
        Flag::Short('g') => Some(1),
        Flag::Long(name) => match name.as_bytes() {
            b"src-nat" => Some(0),
            b"dst-nat" => Some(1),
            _ => None,
        },
        Flag::Short(_) => None,
    }
}

fn mark(text: &str) -> Result<(u32, u32), String> {
    parse_masked(text).ok_or_else(|| format!("Bad parameter `{text}'"))
}

fn status(text: &str) -> Result<Status, String> {
    match text.to_ascii_uppercase().as_str() {
        "ASSURED" => Ok(Status::Assured),
        "SEEN_REPLY" => Ok(Status::SeenReply),
        "UNREPLIED" => Ok(Status::Unreplied),
        _ => Err(format!("Bad parameter `{text}'")),
    }
}

fn protocol(text: &str) -> Result<u8, String> {
    name::parse_protocol(text).map_err(|_| format!("`{text}' unsupported protocol"))
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("Invalid IP address `{text}'"))
}

fn port(text: &str) -> Result<u16, String> {
    name::parse_port(text).map_err(|_| format!("invalid port/service `{text}' specified"))
}

fn family(text: &str) -> Result<Family, String> {
    match text {
        "ipv4" => Ok(Family::V4),
        "ipv6" => Ok(Family::V6),
        _ => Err(format!("`{text}' unsupported protocol")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conntrack::Tracked;
    use crate::filter::words;
    use crate::nat::{self, Range};
    use crate::packet::{End, Ip, sample, tcp_flag};
    use core::time::Duration;

    const START: Instant = Instant::ZERO;

    /// Takes packets through a table; the source of a new flow becomes `public`, when there is one.
    fn pass(table: &mut Table, public: Option<&str>, packets: &[Vec<u8>]) {
        for packet in packets {
            let tracked = table.track(START, packet, &Ip::parse(packet).unwrap());
            let Tracked::Fresh(mut entry) = tracked else { continue };
            if let Some(public) = public {
                let range = Range::address(public.parse().unwrap());
                nat::bind(table, START, &mut entry, End::Source, range).unwrap();
            }
            table.confirm(START, entry).unwrap();
        }
    }

    fn docker_host() -> Table {
        use tcp_flag::{ACK, SYN};
        let mut table = Table::default();
        let ping = [sample::echo("172.17.0.3", "192.0.2.1", 8, 63), sample::echo("192.0.2.1", "192.0.2.10", 0, 63)];
        pass(&mut table, Some("192.0.2.10"), &ping);
        let there = |flags| sample::tcp("127.0.0.1", 58098, "127.0.0.1", 80, flags);
        let back = sample::tcp("127.0.0.1", 80, "127.0.0.1", 58098, SYN | ACK);
        pass(&mut table, None, &[there(SYN), back, there(ACK), there(ACK)]);
        pass(&mut table, None, &[sample::udp("127.0.0.1", 53209, "127.0.0.1", 9)]);
        pass(&mut table, None, &[sample::echo("fd00::1", "fd00::2", 128, 5)]);
        table
    }

    fn conntrack(table: &mut Table, after: u64, arguments: &str) -> (String, String, i32) {
        let now = START + Duration::from_secs(after);
        let Output { out, err, code } = run(table, now, &words::split(arguments));
        (out, err.replace("conntrack v1.4.7 (conntrack-tools): ", ""), code)
    }

    #[test]
    fn flows_are_listed_as_they_were_recorded() {
        let (out, err, code) = conntrack(&mut docker_host(), 0, "-L");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines,
            [
                "icmp     1 29 src=172.17.0.3 dst=192.0.2.1 type=8 code=0 id=63 src=192.0.2.1 dst=192.0.2.10 type=0 code=0 id=63 mark=0 use=1",
                "tcp      6 431999 ESTABLISHED src=127.0.0.1 dst=127.0.0.1 sport=58098 dport=80 src=127.0.0.1 dst=127.0.0.1 sport=80 dport=58098 [ASSURED] mark=0 use=1",
                "udp      17 29 src=127.0.0.1 dst=127.0.0.1 sport=53209 dport=9 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=9 dport=53209 mark=0 use=1",
            ]
        );
        assert_eq!((err.as_str(), code), ("3 flow entries have been shown.\n", 0));
    }

    #[test]
    fn flows_are_picked_deleted_and_forgotten() {
        let mut table = docker_host();
        assert_eq!(conntrack(&mut table, 0, "-L -f ipv6").0.split(' ').next(), Some("icmpv6"));
        assert_eq!(conntrack(&mut table, 0, "-L -p udp --dport 9 -o extended").0.split(' ').next(), Some("ipv4"));
        let mut count = |filter: &str| conntrack(&mut table, 0, &format!("-L {filter}")).0.lines().count();
        assert_eq!(["-n", "-n 192.0.2.10", "-n 192.0.2.11", "-g"].map(&mut count), [1, 1, 0, 0]);
        assert_eq!(["-u ASSURED", "-u unreplied", "-m 0/1", "-m 1"].map(&mut count), [1, 1, 3, 0]);
        assert_eq!(["--state established", "--state CLOSE"].map(&mut count), [1, 0]);
        assert_eq!(conntrack(&mut table, 0, "-L -d 1.1.1.1").1, "0 flow entries have been shown.\n");
        assert_eq!(conntrack(&mut table, 0, "-D -p tcp").1, "1 flow entries have been deleted.\n");
        assert_eq!(conntrack(&mut table, 0, "-D -p tcp").2, 1);
        assert_eq!(conntrack(&mut table, 0, "-C").0, "3\n");
        assert_eq!(conntrack(&mut table, 31, "-C").0, "0\n", "time passes");
        assert_eq!(conntrack(&mut table, 0, "-F").1, "connection tracking table has been emptied.\n");
        assert!(table.is_empty());
    }

    #[test]
    fn what_is_typed_wrong_is_told() {
        let wrong = |arguments| conntrack(&mut Table::default(), 0, arguments).1.lines().next().map(str::to_owned);
        assert_eq!(wrong("-L -p foo").unwrap(), "`foo' unsupported protocol");
        assert_eq!(wrong("-Q").unwrap(), "unknown option `-Q'");
        assert_eq!(wrong("-L foo").unwrap(), "unknown type `foo'");
        assert_eq!(wrong("-L -p").unwrap(), "option `-p' requires an argument");
    }
}
