//! `ss` of iproute2: the TCP and UDP sockets of a host's network. The kernel's details (`-i`, `-m`, `-e`, `-o`) are not shown;
//! what would do something else than show (`-K`, `-E`, `-D`, `-F`) is refused.

mod filter;
mod table;

use super::getopt::Getopt;
use super::sockets::{self, Row, State, Transport};
use super::{Flavour, Programs, Straight, Sys};
use crate::addr::Family;
use crate::filter::name;
use crate::packet::protocol;
use filter::{Filter, Wrong};
use table::Table;

const SPEC: &str = "hVtulnapeomirH46bsOxw0dSzZTMA:f:KED:F:N:";
const LONG: &[(&str, char)] = &[
    ("help", 'h'),
    ("version", 'V'),
    ("tcp", 't'),
    ("udp", 'u'),
    ("listening", 'l'),
    ("numeric", 'n'),
    ("all", 'a'),
    ("processes", 'p'),
    ("threads", 'T'),
    ("no-header", 'H'),
    ("oneline", 'O'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("packet", '0'),
    ("summary", 's'),
    ("extended", 'e'),
    ("options", 'o'),
    ("memory", 'm'),
    ("info", 'i'),
    ("resolve", 'r'),
    ("unix", 'x'),
    ("raw", 'w'),
    ("dccp", 'd'),
    ("sctp", 'S'),
    ("mptcp", 'M'),
    ("bpf", 'b'),
    ("context", 'Z'),
    ("contexts", 'z'),
    ("query", 'A'),
    ("socket", 'A'),
    ("family", 'f'),
    ("kill", 'K'),
    ("events", 'E'),
    ("diag", 'D'),
    ("filter", 'F'),
    ("net", 'N'),
];
/// The tables of sockets that `-A` names, but those of TCP and UDP, and their names for several.
const OTHERS: [&str; 17] = [
    "raw",
    "unix",
    "unix_stream",
    "unix_dgram",
    "unix_seqpacket",
    "packet",
    "packet_raw",
    "packet_dgram",
    "netlink",
    "dccp",
    "sctp",
    "vsock_stream",
    "vsock_dgram",
    "mptcp",
    "tipc",
    "xdp",
    "vsock",
];
const USAGE: &str = include_str!("ss/usage.txt");

/// Adds the program.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "ss", || Box::new(Straight(run)));
}

/// What is asked for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Options {
    tcp: bool,
    udp: bool,
    /// Sockets that there are none of here: Unix, raw, packet.
    others: bool,
    listening: bool,
    all: bool,
    numeric: bool,
    processes: bool,
    bare: bool,
    summary: bool,
    family: Option<Family>,
    filter: Filter,
}

/// Why no sockets are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Refusal {
    Help,
    Version,
    /// What is wrong with the command line, before the usage.
    Usage(String),
    Filter(Wrong),
    /// What would do something that cannot be done here.
    NotSimulated(char),
}

impl Refusal {
    fn tell(self, sys: &mut Sys<'_>) -> i32 {
        let (text, code) = match self {
            Self::Help => {
                sys.print(USAGE);
                return 0;
            }
            Self::Version => {
                sys.print("ss utility, iproute2-6.1.0\n");
                return 0;
            }
            Self::Usage(said) => (format!("ss: {said}\n{USAGE}"), 255),
            Self::Filter(wrong @ Wrong::Syntax) => (wrong.text() + USAGE, 255),
            Self::Filter(wrong @ (Wrong::State(_) | Wrong::Incomplete)) => (wrong.text(), 255),
            Self::Filter(wrong) => (wrong.text(), 1),
            Self::NotSimulated(flag) => (format!("ss: -{flag} is not simulated\n"), 1),
        };
        sys.eprint(text);
        code
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv()) {
        Ok(options) => options,
        Err(refusal) => return refusal.tell(sys),
    };
    let rows = [sockets::udp(sys), sockets::tcp(sys)].concat();
    let text = if options.summary { summary(&rows) } else { options.table(&rows) };
    sys.print(text);
    0
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let mut read = Getopt::new(argv, SPEC).with_long(LONG);
        let mut options = Self::default();
        for option in &mut read {
            let option = option.map_err(|error| Refusal::Usage(error.to_string()))?;
            match option.flag {
                'h' => return Err(Refusal::Help),
                'V' => return Err(Refusal::Version),
                't' => options.tcp = true,
                'u' => options.udp = true,
                'x' | 'w' | '0' | 'd' | 'S' | 'M' => options.others = true,
                'l' => options.listening = true,
                'a' => options.all = true,
                'n' => options.numeric = true,
                'p' => options.processes = true,
                'H' => options.bare = true,
                's' => options.summary = true,
                '4' => options.family = Some(Family::V4),
                '6' => options.family = Some(Family::V6),
                'f' => options.choose_family(option.value)?,
                'A' => options.choose_tables(option.value)?,
                flag @ ('K' | 'E' | 'D' | 'F' | 'N') => return Err(Refusal::NotSimulated(flag)),
                _ => {}
            }
        }
        if !options.tcp && !options.udp && !options.others {
            (options.tcp, options.udp, options.others) = (true, true, true);
        }
        let protocols = [(options.tcp, protocol::TCP), (options.udp, protocol::UDP)];
        let protocols: Vec<u8> = protocols.into_iter().filter_map(|(asked, number)| asked.then_some(number)).collect();
        options.filter = Filter::parse(&read.operands(), &protocols).map_err(Refusal::Filter)?;
        Ok(options)
    }

    fn choose_family(&mut self, name: &str) -> Result<(), Refusal> {
        match name {
            "inet" => self.family = Some(Family::V4),
            "inet6" => self.family = Some(Family::V6),
            "link" | "unix" | "netlink" | "vsock" | "tipc" | "xdp" => self.others = true,
            "help" => return Err(Refusal::Help),
            _ => return Err(Refusal::Usage(format!("\"{name}\" is invalid family"))),
        }
        Ok(())
    }

    fn choose_tables(&mut self, names: &str) -> Result<(), Refusal> {
        for name in names.split(',') {
            match name {
                "all" | "inet" => (self.tcp, self.udp, self.others) = (true, true, true),
                "tcp" => self.tcp = true,
                "udp" => self.udp = true,
                name if OTHERS.contains(&name) => self.others = true,
                name => return Err(Refusal::Usage(format!("\"{name}\" is illegal socket table id"))),
            }
        }
        Ok(())
    }

    fn shows(&self, row: &Row) -> bool {
        let waits = row.waits();
        let state = match (&self.filter.states, self.all, self.listening) {
            (Some(states), ..) => states.contains(&row.state),
            (None, true, _) => true,
            (None, false, true) => waits,
            // Without -a and -l: what has a peer and is neither beginning nor over.
            (None, false, false) => !waits && !matches!(row.state, State::TimeWait | State::SynReceived),
        };
        row.is_of([self.tcp, self.udp], self.family) && state && self.filter.fits(row)
    }

    fn table(&self, rows: &[Row]) -> String {
        let kinds = [self.tcp, self.udp, self.others].iter().filter(|kind| **kind).count();
        // Of UDP alone only what has a peer is asked for without a word about states, and that is one.
        let is_udp_alone = self.udp && !self.tcp && !self.others && !self.all && !self.listening;
        let one_state = self.filter.states.as_ref().map_or(is_udp_alone, |states| states.len() == 1);
        let mut table = Table::new(kinds > 1, !one_state);
        if !self.bare {
            table.add([
                "Netid",
                "State",
                "Recv-Q",
                "Send-Q",
                "Local Address:",
                "Port",
                "Peer Address:",
                "Port",
                "Process",
            ]);
        }
        for row in rows.iter().filter(|row| self.shows(row)) {
            let cells = self.cells(row);
            table.add(cells.each_ref().map(String::as_str));
        }
        table.to_string()
    }

    /// The cells of a row, without what parts them.
    fn cells(&self, row: &Row) -> [String; 9] {
        let (netid, number) = match row.transport {
            Transport::Tcp => ("tcp", protocol::TCP),
            Transport::Udp => ("udp", protocol::UDP),
        };
        let port = |port: u16| match port {
            0 => "*".to_owned(),
            port => name::port(port, number, self.numeric),
        };
        let address = |addr: core::net::IpAddr| match addr {
            addr if row.dual && addr.is_unspecified() => "*:".to_owned(),
            core::net::IpAddr::V4(v4) => format!("{v4}:"),
            core::net::IpAddr::V6(v6) => format!("[{v6}]:"),
        };
        let peer = row.peer.map_or_else(|| sockets::anybody(row.family), |peer| peer.ip());
        let process = match &row.holder {
            Some(h) if self.processes => format!(" users:((\"{}\",pid={},fd={}))", h.program, h.pid, h.fd),
            _ => String::new(),
        };
        [
            netid.to_owned(),
            word(row).to_owned(),
            // These two are laid out before the table is.
            format!("{:<6}", row.received),
            format!("{:<6}", row.unsent),
            address(row.local.ip()),
            port(row.local.port()),
            address(peer),
            port(row.peer.map_or(0, |peer| peer.port())),
            process,
        ]
    }
}

/// A state in iproute2's words.
const fn word(row: &Row) -> &'static str {
    match row.state {
        State::Established => "ESTAB",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECV",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::TimeWait => "TIME-WAIT",
        State::Closed => "UNCONN",
        State::CloseWait => "CLOSE-WAIT",
        State::LastAck => "LAST-ACK",
        State::Listen => "LISTEN",
        State::Closing => "CLOSING",
    }
}

/// `ss -s`.
fn summary(rows: &[Row]) -> String {
    let count = |fits: &dyn Fn(&&Row) -> bool| rows.iter().filter(fits).count();
    let of = |transport: Transport, family: Family| {
        let open = |row: &&Row| row.state != State::TimeWait && row.transport == transport && row.family == family;
        count(&open)
    };
    let state = |state: State| count(&|row| row.transport == Transport::Tcp && row.state == state);
    let orphans = |row: &&Row| row.transport == Transport::Tcp && row.holder.is_none() && row.state != State::TimeWait;
    let (waiting, tcp) = (state(State::TimeWait), count(&|row| row.transport == Transport::Tcp));
    let numbers = |transport| (of(transport, Family::V4), of(transport, Family::V6));
    let (udp, tcp_open) = (numbers(Transport::Udp), numbers(Transport::Tcp));
    let line = |name: &str, (v4, v6): (usize, usize)| format!("{name}\t  {:<9} {v4:<9} {v6:<9}\n", v4 + v6);
    let all = (udp.0 + tcp_open.0, udp.1 + tcp_open.1);
    format!(
        "Total: {}\nTCP:   {tcp} (estab {}, closed {waiting}, orphaned {}, timewait {waiting})\n\n\
         Transport Total     IP        IPv6\n{}{}{}{}{}\n",
        all.0 + all.1,
        state(State::Established),
        count(&orphans),
        line("RAW", (0, 0)),
        line("UDP", udp),
        line("TCP", tcp_open),
        line("INET", all),
        line("FRAG", (0, 0)),
    )
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::socket::SocketId;
    use crate::userland::sockets::Holder;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("the test writes an address")
    }

    fn listener(local: &str, pid: u32) -> Row {
        let local = at(local);
        Row {
            socket: SocketId(pid),
            transport: Transport::Tcp,
            family: Family::of(local.ip()),
            dual: false,
            state: State::Listen,
            received: 0,
            unsent: 4096,
            local,
            peer: None,
            holder: Some(Holder { program: "docker-proxy".to_owned(), pid, fd: 4 }),
        }
    }

    fn shown(line: &str, rows: &[Row]) -> String {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::parse(&argv).expect("a good command line").table(rows)
    }

    #[test]
    fn listeners_are_shown_as_they_were_recorded() {
        let rows = [listener("0.0.0.0:5050", 428), listener("[::]:5050", 433)];
        let recorded = "\
Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess                               \n\
tcp   LISTEN 0      4096         0.0.0.0:5050      0.0.0.0:*    users:((\"docker-proxy\",pid=428,fd=4))\n\
tcp   LISTEN 0      4096            [::]:5050         [::]:*    users:((\"docker-proxy\",pid=433,fd=4))\n";
        assert_eq!(shown("ss -ltnup", &rows), recorded);
        let recorded = "\
State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
LISTEN 0      4096         0.0.0.0:5050      0.0.0.0:*          \n";
        assert_eq!(shown("ss -ltn4", &rows), recorded);
        assert_eq!(shown("ss -H -ltn", &rows[..1]), "LISTEN 0      4096   0.0.0.0:5050 0.0.0.0:*\n");
        let recorded = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n";
        assert_eq!(shown("ss -ltnup", &[]), recorded);
    }

    #[test]
    fn connections_make_the_columns_as_wide_as_they_need() {
        let over = Row {
            state: State::TimeWait,
            unsent: 0,
            local: at("127.0.0.1:5050"),
            peer: Some(at("127.0.0.1:40270")),
            holder: None,
            ..listener("0.0.0.0:5050", 1)
        };
        let rows = [listener("0.0.0.0:5050", 1), over, listener("[::]:5050", 2)];
        let recorded = "\
State     Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
LISTEN    0      4096         0.0.0.0:5050      0.0.0.0:*           \n\
TIME-WAIT 0      0          127.0.0.1:5050    127.0.0.1:40270       \n\
LISTEN    0      4096            [::]:5050         [::]:*           \n";
        assert_eq!(shown("ss -tan", &rows), recorded);
        assert_eq!(shown("ss -tn", &rows).lines().count(), 1, "neither listeners nor what is over");
    }

    #[test]
    fn a_filter_picks_states_and_ports() {
        let rows = [listener("0.0.0.0:5050", 1), listener("0.0.0.0:6060", 2)];
        assert_eq!(shown("ss -ltn sport = :6060", &rows).lines().count(), 2);
        let bare = shown("ss -Hnt state listening src :5050", &rows);
        assert_eq!(bare, "0      4096   0.0.0.0:5050 0.0.0.0:*\n", "one state needs no column");
        let refused = Options::parse(&["ss".to_owned(), "foo".to_owned()]).unwrap_err();
        assert_eq!(refused, Refusal::Filter(Wrong::Address("foo".to_owned())));
    }
}
