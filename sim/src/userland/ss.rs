//! `ss` of iproute2: the TCP and UDP sockets of a host's network. Addresses and ports are numbers, for hosts here have no
//! `/etc/services`; the kernel's details (`-i`, `-m`) are not shown.

mod filter;
mod table;

use super::getopt::{Getopt, OptError};
use super::sockets::{self, Family, PortText, Row, State, Transport};
use super::{Flavour, Programs, Straight, Sys};
use filter::Filter;
use table::Table;

const SPEC: &str = "tulnapeomirH46bsOxw0dSZ";
const LONG: &[(&str, char)] = &[
    ("tcp", 't'),
    ("udp", 'u'),
    ("listening", 'l'),
    ("numeric", 'n'),
    ("all", 'a'),
    ("processes", 'p'),
    ("no-header", 'H'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("summary", 's'),
    ("extended", 'e'),
    ("options", 'o'),
    ("memory", 'm'),
    ("info", 'i'),
    ("resolve", 'r'),
    ("unix", 'x'),
    ("raw", 'w'),
];

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
    processes: bool,
    bare: bool,
    summary: bool,
    family: Option<Family>,
    filter: Filter,
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv()) {
        Ok(options) => options,
        Err((said, code)) => {
            sys.eprint(said);
            return code;
        }
    };
    let rows = [sockets::udp(sys), sockets::tcp(sys)].concat();
    let text = if options.summary { summary(&rows) } else { options.table(&rows) };
    sys.print(text);
    0
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, (String, i32)> {
        let mut read = Getopt::new(argv, SPEC).with_long(LONG);
        let mut options = Self::default();
        for option in &mut read {
            let option = option.map_err(|error| (refusal(&error), 255))?;
            match option.flag {
                't' => options.tcp = true,
                'u' => options.udp = true,
                'x' | 'w' | '0' | 'd' | 'S' => options.others = true,
                'l' => options.listening = true,
                'a' => options.all = true,
                'p' => options.processes = true,
                'H' => options.bare = true,
                's' => options.summary = true,
                '4' => options.family = Some(Family::V4),
                '6' => options.family = Some(Family::V6),
                _ => {}
            }
        }
        options.filter = Filter::parse(&read.operands()).map_err(|said| (said, 1))?;
        if !options.tcp && !options.udp && !options.others {
            (options.tcp, options.udp, options.others) = (true, true, options.family.is_none());
        }
        Ok(options)
    }

    fn shows(&self, row: &Row) -> bool {
        let kind = match row.transport {
            Transport::Tcp => self.tcp,
            Transport::Udp => self.udp,
        };
        let waits = matches!(row.state, State::Listen | State::Closed);
        let state = match (&self.filter.states, self.all, self.listening) {
            (Some(states), ..) => states.contains(&row.state),
            (None, true, _) => true,
            (None, false, true) => waits,
            // Without -a and -l: what has a peer and is neither beginning nor over.
            (None, false, false) => !waits && !matches!(row.state, State::TimeWait | State::SynReceived),
        };
        kind && state && self.family.is_none_or(|family| family == row.family) && self.filter.fits(row)
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
            let cells = cells(row, self.processes);
            table.add(cells.each_ref().map(String::as_str));
        }
        table.to_string()
    }
}

/// The cells of a row, without what parts them.
fn cells(row: &Row, processes: bool) -> [String; 9] {
    let netid = match row.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let address = |addr: core::net::IpAddr| match addr {
        addr if row.dual && addr.is_unspecified() => "*:".to_owned(),
        core::net::IpAddr::V4(v4) => format!("{v4}:"),
        core::net::IpAddr::V6(v6) => format!("[{v6}]:"),
    };
    let peer = row.peer.map_or_else(|| sockets::anybody(row.family), |peer| peer.ip());
    let process = match &row.holder {
        Some(h) if processes => format!(" users:((\"{}\",pid={},fd={}))", h.program, h.pid, h.fd),
        _ => String::new(),
    };
    [
        netid.to_owned(),
        word(row).to_owned(),
        // These two are laid out before the table is.
        format!("{:<6}", row.received),
        format!("{:<6}", row.unsent),
        address(row.local.ip()),
        row.local.port().to_string(),
        address(peer),
        PortText(row.peer.map(|peer| peer.port())).to_string(),
        process,
    ]
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

fn refusal(error: &OptError) -> String {
    format!("ss: {error}\nUsage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]\n")
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
            family: if local.is_ipv4() { Family::V4 } else { Family::V6 },
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
        assert_eq!(
            refused.0,
            "Error: an inet prefix is expected rather than \"foo\".\nCannot parse dst/src address.\n"
        );
    }
}
