//! What the resolver is told by files: `/etc/resolv.conf` and `/etc/hosts`, as glibc reads them. It asks nobody.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

/// The most name servers that glibc keeps (`MAXNS`).
const MAX_SERVERS: usize = 3;

/// How names are asked for: resolv.conf(5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The name servers that the file names, in order.
    pub servers: Vec<IpAddr>,
    /// The domains to try, in order.
    pub search: Vec<String>,
    /// A name with at least so many dots is tried as it is first.
    pub ndots: usize,
    /// How long to wait for the first server.
    pub timeout: Duration,
    /// How often to go through the servers.
    pub attempts: u32,
}

impl Config {
    /// Reads the text of resolv.conf. Without a search list the domain of the host's own name is searched.
    #[must_use]
    pub fn parse(text: &str, hostname: &str) -> Self {
        let mut config = Self {
            servers: Vec::new(),
            search: hostname.split_once('.').map(|(_, domain)| domain.to_owned()).into_iter().collect(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            config.read_line(line);
        }
        config
    }

    /// The servers to ask: this machine when the file names none.
    #[must_use]
    pub fn servers_or_local(&self) -> Vec<IpAddr> {
        if self.servers.is_empty() { vec![IpAddr::V4(Ipv4Addr::LOCALHOST)] } else { self.servers.clone() }
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") if self.servers.len() < MAX_SERVERS => {
                self.servers.extend(words.next().and_then(|w| w.parse::<IpAddr>().ok()));
            }
            Some("search") => self.search = words.map(str::to_owned).collect(),
            Some("domain") => self.search = words.take(1).map(str::to_owned).collect(),
            Some("options") => words.for_each(|option| self.read_option(option)),
            _ => {}
        }
    }

    /// The limits are glibc's: `RES_MAXNDOTS`, `RES_MAXRETRANS`, `RES_MAXRETRY`.
    fn read_option(&mut self, option: &str) {
        let Some((key, value)) = option.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        match key {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(value.min(30).into()),
            "attempts" => self.attempts = value.min(5),
            _ => {}
        }
    }
}

/// The lines of a hosts file: an address and its names, the canonical one first.
fn host_lines(text: &str) -> impl Iterator<Item = (IpAddr, Vec<&str>)> {
    text.lines().filter_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let addr = words.next()?.parse().ok()?;
        Some((addr, words.collect()))
    })
}

/// The addresses that a hosts file gives to a name, and the canonical name of the first.
#[must_use]
pub fn host_addresses(text: &str, name: &str) -> Vec<(IpAddr, String)> {
    host_lines(text)
        .filter(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(name)))
        .map(|(addr, names)| (addr, names[0].to_owned()))
        .collect()
}

/// The name that a hosts file gives to an address.
#[must_use]
pub fn host_name(text: &str, addr: IpAddr) -> Option<String> {
    host_lines(text).find(|(a, names)| *a == addr && !names.is_empty()).map(|(_, names)| names[0].to_owned())
}

/// An address written as `inet_aton(3)` and `inet_pton(3)` read it: `10.1` is 10.0.0.1, and a zone is left out.
#[must_use]
pub fn numeric(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let address = text.split('%').next().unwrap_or(text);
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last().filter(|(_, leading)| leading.len() <= 3)?;
    let room = 8 * (4 - leading.len());
    if leading.iter().any(|p| *p > 255) || u64::from(*last) >= 1 << room {
        return None;
    }
    let high = leading.iter().enumerate().fold(0, |sum, (at, part)| sum | part << (24 - 8 * at));
    Some(IpAddr::V4(Ipv4Addr::from_bits(high | last)))
}

/// A number in C's notation: decimal, `0` octal, `0x` hexadecimal.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    digits.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_line_by_line() {
        let text = "search lan isolated_nw\nnameserver 127.0.0.11\n# no\nnameserver 192.0.2.1\noptions ndots:0 timeout:2 attempts:9 rotate\n";
        let config = Config::parse(text, "c1.example.test");
        assert_eq!(config.servers, ["127.0.0.11", "192.0.2.1"].map(|s| s.parse::<IpAddr>().unwrap()));
        assert_eq!(config.search, ["lan", "isolated_nw"]);
        assert_eq!((config.ndots, config.timeout, config.attempts), (0, Duration::from_secs(2), 5));
    }

    #[test]
    fn an_empty_file_means_the_local_server_and_the_own_domain() {
        let config = Config::parse("", "myhost.example.test");
        assert_eq!(config.servers_or_local(), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        assert_eq!(config.search, ["example.test"]);
        assert_eq!((config.ndots, config.timeout, config.attempts), (1, Duration::from_secs(5), 2));
    }

    #[test]
    fn the_hosts_file_gives_all_lines_of_a_name_and_the_first_name_of_an_address() {
        let text = "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # here\n172.17.0.2\twebalias 1a2b web1\n";
        let local: Vec<IpAddr> = host_addresses(text, "LocalHost").into_iter().map(|(a, _)| a).collect();
        assert_eq!(local, ["127.0.0.1", "::1"].map(|s| s.parse::<IpAddr>().unwrap()));
        let web = host_addresses(text, "web1");
        assert_eq!(web, [("172.17.0.2".parse().unwrap(), "webalias".to_owned())]);
        assert_eq!(host_name(text, "172.17.0.2".parse().unwrap()).as_deref(), Some("webalias"));
        assert_eq!(host_name(text, "172.17.0.3".parse().unwrap()), None);
    }

    #[test]
    fn numbers_are_addresses_as_c_reads_them() {
        let v4 = |text: &str| numeric(text).map(|a| a.to_string());
        assert_eq!(v4("172.25.3.3").as_deref(), Some("172.25.3.3"));
        assert_eq!(v4("10.99.1").as_deref(), Some("10.99.0.1"));
        assert_eq!(v4("0x7f000001").as_deref(), Some("127.0.0.1"));
        assert_eq!(v4("010.0.0.1").as_deref(), Some("8.0.0.1"));
        assert_eq!(v4("fe80::1%eth0").as_deref(), Some("fe80::1"));
        for name in ["300.1.1.1", "c5", "1.2.3.4.5", "", "1..2", "-1"] {
            assert_eq!(numeric(name), None, "{name}");
        }
    }
}
