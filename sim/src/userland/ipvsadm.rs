//! `ipvsadm`: lists the services that the kernel balances, and `/proc/net/ip_vs`. It shows and does not change: who has the
//! services set up (Docker's engine) does so without it.

use core::fmt::Write as _;
use core::net::IpAddr;

use super::getopt::Getopt;
use super::{Flavour, Programs, Straight, Sys};
use crate::filter::name;
use crate::ipvs::{Connection, Counts, Server, Service, Table};
use crate::namespace::Namespace;
use crate::packet::protocol;
use crate::time::Instant;

/// What is said at the top; the size is that of Linux's table of connections.
const VERSION: &str = "IP Virtual Server version 1.2.1 (size=4096)\n";

const SPEC: &str = "LlSZCAEDRadef:t:u:r:s:nchmgiw:p:M:123456789";
const LONG: &[(&str, char)] = &[
    ("list", 'L'),
    ("save", 'S'),
    ("zero", 'Z'),
    ("clear", 'C'),
    ("add-service", 'A'),
    ("edit-service", 'E'),
    ("delete-service", 'D'),
    ("restore", 'R'),
    ("add-server", 'a'),
    ("edit-server", 'e'),
    ("delete-server", 'd'),
    ("fwmark-service", 'f'),
    ("tcp-service", 't'),
    ("udp-service", 'u'),
    ("connection", 'c'),
    ("numeric", 'n'),
    ("stats", '1'),
    ("rate", '2'),
    ("exact", '3'),
    ("timeout", '4'),
    ("daemon", '5'),
    ("sort", '6'),
    ("nosort", '7'),
    ("thresholds", '8'),
    ("persistent-conn", '9'),
    ("help", 'h'),
];

/// How services are shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Form {
    #[default]
    Usual,
    /// What passed.
    Counts,
    /// How many connections a server takes.
    Thresholds,
    /// How many connections stay with a server.
    Persistence,
    /// The commands that make them.
    Rules,
}

/// What is asked for.
#[derive(Debug, Default)]
struct Options {
    /// Letters of commands; the last one counts.
    command: Option<char>,
    form: Form,
    numeric: bool,
    exact: bool,
    unsorted: bool,
    /// Only the service of this mark.
    mark: Option<u32>,
    /// Only a service of an address, of which there are none here.
    of_address: bool,
    connections: bool,
    timeouts: bool,
    daemon: bool,
}

/// Puts `ipvsadm` on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "ipvsadm", || Box::new(Straight(run)));
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let argv = sys.argv().to_vec();
    let options = match parse(&argv) {
        Ok(options) => options,
        Err(said) => {
            sys.eprint(&said);
            return 2;
        }
    };
    let (now, id) = (sys.now(), sys.namespace_id());
    if options.command == Some('Z') {
        sys.fabric().namespace_mut(id).netfilter.ipvs.zero();
        return 0;
    }
    match show(&sys.network().netfilter.ipvs, now, &options) {
        Ok(text) => {
            sys.print(text);
            0
        }
        Err(said) => {
            sys.eprint(said);
            1
        }
    }
}

fn parse(argv: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = Getopt::new(argv, SPEC).with_long(LONG);
    for option in words.by_ref() {
        let option = option.map_err(|why| format!("ipvsadm: {why}\n"))?;
        match option.flag {
            'L' | 'l' | 'Z' => options.command = Some(option.flag),
            'S' => (options.command, options.form) = (Some('S'), Form::Rules),
            'h' => {
                return Err("ipvsadm: see ipvsadm(8); here it lists with -L, -S, -Z, -n, -c and --stats\n".to_owned());
            }
            'A' | 'E' | 'D' | 'C' | 'R' | 'a' | 'e' | 'd' => {
                let why = "netyard's services are made by its engine: ipvsadm shows them and changes none";
                return Err(format!("ipvsadm: {why}\n"));
            }
            'f' => {
                let mark = option.value.parse().ok().filter(|mark| *mark > 0);
                options.mark = Some(mark.ok_or_else(|| "illegal firewall mark specified\n".to_owned())?);
            }
            't' | 'u' => options.of_address = true,
            'n' => options.numeric = true,
            'c' => options.connections = true,
            '1' => options.form = Form::Counts,
            '2' => return Err("ipvsadm: netyard counts what passes and estimates no rates\n".to_owned()),
            '3' => options.exact = true,
            '4' => options.timeouts = true,
            '5' => options.daemon = true,
            '6' => options.unsorted = false,
            '7' => options.unsorted = true,
            '8' => options.form = Form::Thresholds,
            '9' => options.form = Form::Persistence,
            other => return Err(format!("ipvsadm: option -{other} goes with commands that change services\n")),
        }
    }
    match words.operands().first() {
        Some(word) => Err(format!("unexpected argument {word}\n")),
        None => Ok(options),
    }
}

fn show(table: &Table, now: Instant, options: &Options) -> Result<String, &'static str> {
    if options.connections {
        let listed = table.connections(now).map(|connection| entry(connection, now, options.numeric));
        let title = format!("pro expire {:<11} {:<18} {:<18} destination\n", "state", "source", "virtual");
        return Ok(["IPVS connection entries\n".to_owned(), title].into_iter().chain(listed).collect());
    }
    if options.timeouts {
        return Ok("Timeout (tcp tcpfin udp): 900 120 300\n".to_owned());
    }
    if options.daemon {
        return Ok(String::new());
    }
    let one = options.mark.is_some() || options.of_address;
    let fits = |service: &&Service| !one || (options.mark == Some(service.mark) && !options.of_address);
    let mut services: Vec<&Service> = table.services().iter().filter(fits).collect();
    if one && services.is_empty() {
        return Err("No such service\n");
    }
    if !options.unsorted {
        services.sort_by_key(|service| service.mark);
    }
    let is_rules = options.form == Form::Rules;
    let mut text = if one || is_rules { String::new() } else { VERSION.to_owned() };
    text += &title(options.form);
    services.iter().for_each(|service| text += &of_service(table, now, service, options));
    Ok(text)
}

fn title(form: Form) -> String {
    const BELOW: &str = "  -> RemoteAddress:Port\n";
    const LEFT: &str = "Prot LocalAddress:Port";
    match form {
        Form::Usual => "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight \
                        ActiveConn InActConn\n"
            .to_owned(),
        Form::Counts => {
            let [a, b, c, d, e] = ["Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"];
            format!("{LEFT:<33} {a:>8} {b:>8} {c:>8} {d:>8} {e:>8}\n{BELOW}")
        }
        Form::Thresholds => {
            let [a, b, c, d] = ["Uthreshold", "Lthreshold", "ActiveConn", "InActConn"];
            format!("{LEFT:<33} {a:<10} {b:<10} {c:<10} {d:<10}\n{BELOW}")
        }
        Form::Persistence => {
            let [a, b, c, d] = ["Weight", "PersistConn", "ActiveConn", "InActConn"];
            format!("{LEFT:<33} {a:<9} {b:<11} {c:<10} {d:<10}\n{BELOW}")
        }
        Form::Rules => String::new(),
    }
}

fn of_service(table: &Table, now: Instant, service: &Service, options: &Options) -> String {
    let mark = service.mark;
    let mut text = match options.form {
        Form::Rules => format!("-A -f {mark} -s rr\n"),
        Form::Counts => format!("{:<33}{}\n", format!("FWM  {mark}"), counts(&service.counts, options.exact)),
        Form::Usual | Form::Thresholds | Form::Persistence => format!("FWM  {mark} rr\n"),
    };
    let mut servers: Vec<&Server> = service.servers.iter().collect();
    if options.unsorted {
        // The kernel puts a new one in front.
        servers.reverse();
    } else {
        servers.sort_by_key(|server| server.addr);
    }
    for server in servers {
        let at = place(server.addr, 0, protocol::TCP, options.numeric);
        let (active, other) = table.load(now, mark, server.addr);
        text += &match options.form {
            Form::Rules => format!("-a -f {mark} -r {at} -m -w 1\n"),
            Form::Counts => format!("  -> {at:<28}{}\n", counts(&server.counts, options.exact)),
            Form::Thresholds => format!("  -> {at:<28} {:<10} {:<10} {active:<10} {other:<10}\n", 0, 0),
            Form::Persistence => format!("  -> {at:<28} {:<9} {:<11} {active:<10} {other:<10}\n", 1, 0),
            Form::Usual => format!("  -> {at:<28} {:<7} {:<6} {active:<10} {other:<10}\n", "Masq", 1),
        };
    }
    text
}

fn counts(counts: &Counts, exact: bool) -> String {
    let all = [counts.connections, counts.came.0, counts.went.0, counts.came.1, counts.went.1];
    all.iter().map(|count| large(*count, exact)).collect()
}

/// A number in nine letters, shortened unless it shall be exact.
fn large(count: u64, exact: bool) -> String {
    match count {
        _ if exact && count > 99_999_999 => format!(" {count}"),
        0..100_000_000 => format!("{count:>9}"),
        100_000_000..1_000_000_000 => format!("{:>8}K", count / 1_000),
        1_000_000_000..100_000_000_000 => format!("{:>8}M", count / 1_000_000),
        100_000_000_000..100_000_000_000_000 => format!("{:>8}G", count / 1_000_000_000),
        _ => format!("{:>8}T", count / 1_000_000_000_000),
    }
}

fn place(addr: IpAddr, port: u16, protocol: u8, numeric: bool) -> String {
    let port = if port == 0 { "0".to_owned() } else { name::port(port, protocol, numeric) };
    match addr {
        IpAddr::V4(addr) => format!("{addr}:{port}"),
        IpAddr::V6(addr) => format!("[{addr}]:{port}"),
    }
}

fn protocol_name(connection: &Connection) -> &'static str {
    if connection.client.protocol == protocol::TCP { "TCP" } else { "UDP" }
}

fn seconds_left(connection: &Connection, now: Instant) -> u64 {
    connection.deadline.since(now).as_secs()
}

fn entry(connection: &Connection, now: Instant, numeric: bool) -> String {
    let (client, left) = (&connection.client, seconds_left(connection, now));
    let at = |addr: IpAddr, port: u16| place(addr, port, client.protocol, numeric);
    format!(
        "{:<3} {:<6} {:<11} {:<18} {:<18} {}\n",
        protocol_name(connection),
        format!("{:02}:{:02}", left / 60, left % 60),
        connection.state.name(),
        at(client.src, client.src_port),
        at(client.dst, client.dst_port),
        at(connection.server, client.dst_port)
    )
}

fn hexadecimal(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => format!("{:08X}", addr.to_bits()),
        IpAddr::V6(addr) => format!("[{addr}]"),
    }
}

/// `/proc/net/ip_vs` (`ip_vs_info_seq_show`).
#[must_use]
pub fn services(network: &Namespace, now: Instant) -> String {
    let table = &network.netfilter.ipvs;
    let mut text = format!(
        "{VERSION}Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
    );
    for service in table.services() {
        let _ = writeln!(text, "FWM  {:08X} rr ", service.mark);
        for server in service.servers.iter().rev() {
            let (active, other) = table.load(now, service.mark, server.addr);
            let addr = hexadecimal(server.addr);
            let _ = writeln!(text, "  -> {addr}:0000      {:<7} {:<6} {active:<10} {other:<10}", "Masq", 1);
        }
    }
    text
}

/// `/proc/net/ip_vs_conn` (`ip_vs_conn_seq_show`).
#[must_use]
pub fn connections(network: &Namespace, now: Instant) -> String {
    let title = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n".to_owned();
    let listed = network.netfilter.ipvs.connections(now).map(|connection| {
        let client = &connection.client;
        format!(
            "{:<3} {} {:04X} {} {:04X} {} {:04X} {:<11} {:>7}\n",
            protocol_name(connection),
            hexadecimal(client.src),
            client.src_port,
            hexadecimal(client.dst),
            client.dst_port,
            hexadecimal(connection.server),
            client.dst_port,
            connection.state.name(),
            seconds_left(connection, now)
        )
    });
    [title].into_iter().chain(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::tcp_flag::SYN;
    use crate::packet::{Ip, sample};
    use crate::time::Duration;

    fn table() -> Table {
        let mut table = Table::default();
        table.set(257, vec!["10.0.1.9".parse().unwrap()]);
        table.set(256, ["10.0.1.3", "10.0.1.4"].map(|addr| addr.parse().unwrap()).to_vec());
        let packet = sample::tcp("10.0.1.7", 40_000, "10.0.1.2", 80, SYN);
        table.take(Instant::ZERO, 256, &Ip::parse(&packet).unwrap());
        table
    }

    fn typed(line: &str) -> String {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match parse(&argv) {
            Ok(options) => {
                show(&table(), Instant::ZERO + Duration::from_secs(1), &options).unwrap_or_else(str::to_owned)
            }
            Err(said) => said,
        }
    }

    #[test]
    fn services_are_listed_by_their_marks_with_their_servers() {
        let expected = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
FWM  256 rr
  -> 10.0.1.3:0                   Masq    1      1          0         
  -> 10.0.1.4:0                   Masq    1      0          0         
FWM  257 rr
  -> 10.0.1.9:0                   Masq    1      0          0         
";
        assert_eq!(typed("ipvsadm -Ln"), expected);
        assert_eq!(typed("ipvsadm"), expected);
        let rules = "-A -f 256 -s rr\n-a -f 256 -r 10.0.1.3:0 -m -w 1\n-a -f 256 -r 10.0.1.4:0 -m -w 1\n-A -f 257 -s rr\n\
                     -a -f 257 -r 10.0.1.9:0 -m -w 1\n";
        assert_eq!(typed("ipvsadm -S -n"), rules);
    }

    #[test]
    fn one_service_is_shown_by_its_mark_with_what_passed() {
        let expected = "\
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
FWM  256                                 1        1        0       40        0
  -> 10.0.1.3:0                          1        1        0       40        0
  -> 10.0.1.4:0                          0        0        0        0        0
";
        assert_eq!(typed("ipvsadm -L -n --stats -f 256"), expected);
        assert_eq!(typed("ipvsadm -L -f 9"), "No such service\n");
    }

    #[test]
    fn connections_are_listed_with_what_is_left_of_them() {
        let expected = "\
IPVS connection entries
pro expire state       source             virtual            destination
TCP 00:59  SYN_RECV    10.0.1.7:40000     10.0.1.2:80        10.0.1.3:80
";
        assert_eq!(typed("ipvsadm -Lnc"), expected);
    }

    #[test]
    fn what_would_change_services_is_refused_in_words() {
        assert!(typed("ipvsadm -A -f 1 -s rr").contains("changes none"));
        assert_eq!(typed("ipvsadm -L -f x"), "illegal firewall mark specified\n");
        assert_eq!(typed("ipvsadm -L foo"), "unexpected argument foo\n");
    }

    #[test]
    fn large_numbers_are_shortened_unless_they_shall_be_exact() {
        assert_eq!([large(99_999_999, false), large(100_000_000, false)], [" 99999999", "  100000K"]);
        assert_eq!(large(100_000_000, true), " 100000000");
    }
}
