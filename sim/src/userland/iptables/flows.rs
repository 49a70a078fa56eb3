//! `conntrack`: lists, counts, makes, changes and forgets the flows of a namespace. Since nothing here expects flows, the
//! table of those is empty.

mod events;
mod page;

use core::net::IpAddr;
use core::time::Duration;

use ipnetwork::IpNetwork;

use super::Output;
use crate::conntrack::{ConfirmError, Counts, Entry, Flow, Table, Tuple, tcp};
use crate::filter::matching::mark::parse_masked;
use crate::filter::words::{Flag, Word, Words};
use crate::filter::{Family, name};
use crate::packet::protocol as number;
use crate::time::Instant;
use crate::userland::exec::Next;
use events::{Events, Kind};
use page::Manner;

const VERSION: &str = "conntrack v1.4.7 (conntrack-tools)";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Count,
    Delete,
    Events,
    Flush,
    Get,
    Insert,
    List,
    Statistics,
    Update,
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
#[derive(Clone, Debug, Default)]
struct Filter {
    family: Option<Family>,
    protocol: Option<u8>,
    src: Option<IpNetwork>,
    dst: Option<IpNetwork>,
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
    /// How it is told.
    manner: Manner,
    /// What of a flow is told as it happens; nothing for all.
    kinds: Vec<Kind>,
    /// How many seconds a flow shall live.
    timeout: Option<u64>,
    /// Type, code and identifier of ICMP.
    icmp: (u8, u8, u16),
}

/// Runs the program.
#[must_use]
pub fn run(table: &mut Table, now: Instant, arguments: &[String]) -> Output {
    if arguments.first().is_none_or(|word| !word.starts_with('-')) || arguments == ["-h"] || arguments == ["--help"] {
        let code = 0;
        return Output { out: USAGE.to_owned(), code, ..Output::default() };
    }
    match parse(arguments) {
        Ok((command, filter)) => execute(table, now, command, &filter).unwrap_or_else(|text| refused(&text)),
        Err(text) => refused(&text),
    }
}

/// What goes on until it is interrupted, if that was asked for.
pub(super) fn listen(namespace: crate::fabric::NamespaceId, arguments: &[String]) -> Option<Next> {
    match parse(arguments) {
        Ok((Command::Events, filter)) => Some(Next::Own(Box::new(Events::new(namespace, filter)))),
        _ => None,
    }
}

/// A command line that was typed wrong.
fn refused(text: &str) -> Output {
    let err = format!("{VERSION}: {text}\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
    Output { err, code: 2, ..Output::default() }
}

/// What the kernel did not do.
fn failed(why: &str) -> Output {
    Output { err: format!("{VERSION}: Operation failed: {why}\n"), code: 1, ..Output::default() }
}

const USAGE: &str = include_str!("conntrack_usage.txt");

fn execute(table: &mut Table, now: Instant, command: Command, filter: &Filter) -> Result<Output, String> {
    let manner = Manner { used: Some(1), ..filter.manner };
    let line = |entry: &Entry| manner.print(entry, now);
    let page = |lines: String| match manner.xml {
        true => format!("{}{lines}{}", page::HEAD, page::FOOT),
        false => lines,
    };
    if filter.of_expected {
        return Ok(of_expected(command));
    }
    Ok(match command {
        Command::Count => Output { out: format!("{}\n", table.list(now).len()), ..Output::default() },
        Command::Delete => {
            let gone = table.forget(now, |entry| filter.fits(entry));
            let err = format!("{VERSION}: {} flow entries have been deleted.\n", gone.len());
            let code = i32::from(gone.is_empty());
            Output { out: page(gone.iter().map(line).collect()), err, code, ..Output::default() }
        }
        // Somebody else listens.
        Command::Events => Output::default(),
        Command::Get => get(table, now, filter)?,
        Command::Insert => insert(table, now, filter)?,
        Command::Update => {
            let changed = update(table, now, filter);
            let err = format!("{VERSION}: {} flow entries have been updated.\n", changed.len());
            let code = i32::from(changed.is_empty());
            Output { out: page(changed.iter().map(line).collect()), err, code, ..Output::default() }
        }
        Command::Flush => {
            table.forget(now, |_| true);
            Output { err: format!("{VERSION}: connection tracking table has been emptied.\n"), ..Output::default() }
        }
        Command::List => {
            let listed = table.list(now);
            let shown: Vec<&Entry> = listed.into_iter().filter(|entry| filter.fits(entry)).collect();
            let err = format!("{VERSION}: {} flow entries have been shown.\n", shown.len());
            Output { out: page(shown.into_iter().map(line).collect()), err, ..Output::default() }
        }
        Command::Statistics => Output { out: statistics(table), ..Output::default() },
        Command::Version => Output { out: format!("{VERSION}\n"), ..Output::default() },
    })
}

/// The one flow that is named.
fn get(table: &Table, now: Instant, filter: &Filter) -> Result<Output, String> {
    let original = filter.tuple()?;
    let listed = table.list(now);
    let Some(entry) = listed.into_iter().find(|entry| entry.original == original) else {
        return Ok(failed("such conntrack doesn't exist"));
    };
    // Who asks holds it too.
    let manner = Manner { used: Some(2), ..filter.manner };
    let err = format!("{VERSION}: 1 flow entries have been shown.\n");
    Ok(Output { out: manner.print(entry, now), err, ..Output::default() })
}

/// Makes a flow.
fn insert(table: &mut Table, now: Instant, filter: &Filter) -> Result<Output, String> {
    let original = filter.tuple_for(true)?;
    let seconds = filter.timeout.ok_or_else(|| needs("timeout"))?;
    let flow = match original.protocol {
        number::TCP => {
            let state = filter.state.as_deref().ok_or_else(|| needs("state"))?;
            Flow::Tcp(tcp::State::named(state).ok_or_else(|| format!("unknown TCP state `{state}'"))?)
        }
        number::UDP => Flow::Udp { stream_at: now + Duration::from_secs(2) },
        number::ICMP | number::ICMPV6 => Flow::Icmp,
        _ => Flow::Other,
    };
    let mut entry = Entry::made(original, flow, now + Duration::from_secs(seconds));
    entry.mark = filter.mark.map_or(0, |(mark, _)| mark);
    entry.assured = filter.status == Some(Status::Assured);
    entry.replied = filter.status == Some(Status::SeenReply);
    let is_known = table.list(now).iter().any(|known| known.original == original);
    if is_known {
        return Ok(failed("Such conntrack exists, try -U to update"));
    }
    Ok(match table.confirm(now, entry) {
        Ok(_) => Output { err: format!("{VERSION}: 1 flow entries have been created.\n"), ..Output::default() },
        Err(ConfirmError::Clash) => failed("Such conntrack exists, try -U to update"),
        Err(ConfirmError::Full) => failed("Cannot allocate memory"),
    })
}

/// Gives flows another mark, or another time to live.
fn update(table: &mut Table, now: Instant, filter: &Filter) -> Vec<Entry> {
    if filter.mark.is_none() && filter.timeout.is_none() {
        return Vec::new();
    }
    let meant = Filter { mark: None, ..filter.clone() };
    let mut changed = table.forget(now, |entry| meant.fits(entry));
    for entry in &mut changed {
        if let Some((mark, mask)) = filter.mark {
            entry.mark = entry.mark & !mask | mark & mask;
        }
        if let Some(seconds) = filter.timeout {
            entry.deadline = now + Duration::from_secs(seconds);
        }
        table.confirm(now, entry.clone()).expect("its place was just made free");
    }
    changed
}

fn needs(option: &str) -> String {
    format!("You need to supply the `--{option}' option for this command")
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
        Flag::Short('E') => Command::Events,
        Flag::Short('G') => Command::Get,
        Flag::Short('I' | 'A') => Command::Insert,
        Flag::Short('U') => Command::Update,
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
        b"event" => Command::Events,
        b"get" => Command::Get,
        b"create" | b"add" => Command::Insert,
        b"update" => Command::Update,
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
            Flag::Short('s') | Flag::Long("src" | "orig-src") => self.src = Some(network(value()?, self.src)?),
            Flag::Short('d') | Flag::Long("dst" | "orig-dst") => self.dst = Some(network(value()?, self.dst)?),
            Flag::Long("mask-src") => self.src = Some(masked(value()?, self.src)?),
            Flag::Long("mask-dst") => self.dst = Some(masked(value()?, self.dst)?),
            Flag::Short('t') | Flag::Long("timeout") => self.timeout = Some(value()?.parse().unwrap_or(0)),
            Flag::Short('e') | Flag::Long("event-mask") => self.kinds = events::kinds(value()?)?,
            Flag::Long("icmp-type") => self.icmp.0 = value()?.parse().unwrap_or(0),
            Flag::Long("icmp-code") => self.icmp.1 = value()?.parse().unwrap_or(0),
            Flag::Long("icmp-id") => self.icmp.2 = value()?.parse().unwrap_or(0),
            Flag::Short('r') | Flag::Long("reply-src") => self.reply_src = Some(address(value()?)?),
            Flag::Short('q') | Flag::Long("reply-dst") => self.reply_dst = Some(address(value()?)?),
            Flag::Long("sport" | "orig-port-src") => self.sport = Some(port(value()?)),
            Flag::Long("dport" | "orig-port-dst") => self.dport = Some(port(value()?)),
            Flag::Short('f') | Flag::Long("family") => self.family = Some(family(value()?)?),
            Flag::Short('m') | Flag::Long("mark") => self.mark = Some(mark(value()?)?),
            Flag::Long("state") => self.state = Some(value()?.to_ascii_uppercase()),
            Flag::Short('u') | Flag::Long("status") => self.status = Some(status(value()?)?),
            // Nothing here counts the packets of a flow.
            Flag::Short('z') | Flag::Long("zero") => {}
            Flag::Short('o') | Flag::Long("output") => self.tells(value()?)?,
            other => return Err(format!("unknown option `{other}'")),
        }
        Ok(())
    }

    /// How flows shall be told. Of the words that change nothing here, times are of those that the kernel does not keep.
    fn tells(&mut self, text: &str) -> Result<(), String> {
        for word in text.split(',') {
            match word {
                "extended" => self.manner.extended = true,
                "id" => self.manner.id = true,
                "xml" => self.manner.xml = true,
                "timestamp" | "ktimestamp" | "userspace" => {}
                _ => return Err(format!("Bad parameter `{text}'")),
            }
        }
        Ok(())
    }

    /// The flow that is named.
    fn tuple(&self) -> Result<Tuple, String> {
        self.tuple_for(false)
    }

    fn tuple_for(&self, is_new: bool) -> Result<Tuple, String> {
        let protocol = self.protocol.ok_or_else(|| needs("protonum"))?;
        if is_new && self.timeout.is_none() {
            return Err(needs("timeout"));
        }
        let (Some(src), Some(dst)) = (self.src, self.dst) else {
            return Err("you have to specify `--src' and `--dst'".to_owned());
        };
        let has_ports = matches!(protocol, number::TCP | number::UDP);
        if has_ports && (self.sport.is_none() || self.dport.is_none()) {
            return Err("you have to specify `--sport' and `--dport'".to_owned());
        }
        let (kind, code, id) = self.icmp;
        let (src_port, dst_port) = match protocol {
            number::ICMP | number::ICMPV6 => (id, u16::from_be_bytes([kind, code])),
            _ => (self.sport.unwrap_or_default(), self.dport.unwrap_or_default()),
        };
        Ok(Tuple { src: src.ip(), dst: dst.ip(), protocol, src_port, dst_port })
    }

    /// Whether a flow is meant.
    fn fits(&self, entry: &Entry) -> bool {
        let Tuple { src, dst, protocol, src_port, dst_port } = entry.original;
        let family = Family::of(src);
        self.family.is_none_or(|wanted| wanted == family)
            && self.protocol.is_none_or(|p| p == protocol)
            && self.src.is_none_or(|net| net.contains(src))
            && self.dst.is_none_or(|net| net.contains(dst))
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

/// An address or a prefix; a mask that came before it stays.
fn network(text: &str, known: Option<IpNetwork>) -> Result<IpNetwork, String> {
    let Some((ip, length)) = text.split_once('/') else {
        let ip = address(text)?;
        let full = if ip.is_ipv4() { 32 } else { 128 };
        let length = known.map_or(full, |net| net.prefix());
        return IpNetwork::new(ip, length).map_err(|_| "Invalid netmask".to_owned());
    };
    let length = length.parse().map_err(|_| "Invalid netmask".to_owned())?;
    IpNetwork::new(address(ip)?, length).map_err(|_| "Invalid netmask".to_owned())
}

/// The same with a mask that is said by itself.
fn masked(text: &str, known: Option<IpNetwork>) -> Result<IpNetwork, String> {
    let mask = address(text)?;
    let ip = known.map_or_else(|| crate::addr::unspecified(mask), |net| net.ip());
    IpNetwork::with_netmask(ip, mask).map_err(|_| "Invalid netmask".to_owned())
}

/// A port as `atoi(3)` reads it: the digits in front, 0 when there are none, and what is too large goes round.
fn port(text: &str) -> u16 {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    u16::try_from(digits.parse::<u64>().unwrap_or(0) & 0xffff).unwrap_or(0)
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
        let Output { out, err, code, .. } = run(table, now, &words::split(arguments));
        (out, err.replace("conntrack v1.4.7 (conntrack-tools): ", ""), code)
    }

    #[test]
    fn flows_are_listed_as_they_were_recorded() {
        let (out, err, code) = conntrack(&mut docker_host(), 0, "-L -f ipv4");
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
        assert_eq!(conntrack(&mut table, 0, "-L").1, "4 flow entries have been shown.\n");
        assert_eq!(conntrack(&mut table, 0, "-L -f ipv6").0.split(' ').next(), Some("icmpv6"));
        assert_eq!(conntrack(&mut table, 0, "-L -p udp --dport 9 -o extended").0.split(' ').next(), Some("ipv4"));
        let mut count = |filter: &str| conntrack(&mut table, 0, &format!("-L -f ipv4 {filter}")).0.lines().count();
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
