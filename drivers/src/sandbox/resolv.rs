//! The text of a container's `/etc/resolv.conf` (oracle facts 32, 33, 53) and what it says about servers. Queries are
//! answered elsewhere.

use core::net::{IpAddr, Ipv4Addr};

use netyard_sim::dns::Unqualified;

/// Where a container's own DNS server listens.
pub const EMBEDDED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// What is asked when the host names no server that a container could reach.
const FALLBACK: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

/// What `--dns`, `--dns-search` and `--dns-opt` asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DnsConfig {
    /// Servers.
    pub servers: Vec<String>,
    /// Domains to search; a single `.` asks for none.
    pub search: Vec<String>,
    /// Options.
    pub options: Vec<String>,
}

impl DnsConfig {
    /// Whether anything was asked for.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        !(self.servers.is_empty() && self.search.is_empty() && self.options.is_empty())
    }

    /// The same with what `usual` says where it says nothing: each list on its own.
    #[must_use]
    pub fn or(&self, usual: &Self) -> Self {
        let choose = |own: &[String], usual: &[String]| if own.is_empty() { usual.to_vec() } else { own.to_vec() };
        Self {
            servers: choose(&self.servers, &usual.servers),
            search: choose(&self.search, &usual.search),
            options: choose(&self.options, &usual.options),
        }
    }
}

/// Whether a text can be a domain to search: labels with a letter in them; a lone point means none.
fn is_domain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric();
    let label =
        |label: &str| label.starts_with(word) && label.ends_with(word) && label.chars().all(|c| word(c) || c == '-');
    let bare = text.strip_suffix('.').unwrap_or(text);
    text == "." || (bare.chars().any(char::is_alphabetic) && bare.split('.').all(label))
}

/// The same, refused in Docker's words.
///
/// # Errors
/// It can be none.
pub fn check_domain(text: &str) -> Result<(), String> {
    if is_domain(text) { Ok(()) } else { Err(format!("{text} is not a valid domain")) }
}

/// A resolv.conf, taken apart.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Parts {
    servers: Vec<String>,
    search: Vec<String>,
    options: Vec<String>,
}

impl Parts {
    fn read(text: &str) -> Self {
        let mut parts = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let rest = |words: core::str::SplitWhitespace<'_>| words.map(str::to_owned).collect::<Vec<_>>();
            match words.next() {
                Some("nameserver") => {
                    parts.servers.extend(words.next().filter(|w| server(w).is_some()).map(str::to_owned));
                }
                Some("search") => parts.search = rest(words),
                Some("options") => parts.options = rest(words),
                _ => {}
            }
        }
        parts
    }

    fn write(&self) -> String {
        let mut text = String::new();
        if !self.search.is_empty() && self.search != ["."] {
            text += &format!("search {}\n", self.search.join(" "));
        }
        for server in &self.servers {
            text += &format!("nameserver {server}\n");
        }
        if !self.options.is_empty() {
            text += &format!("options {}\n", self.options.join(" "));
        }
        text
    }
}

/// The address in the value of a `nameserver` line, which may say of which link it is.
fn server(word: &str) -> Option<IpAddr> {
    word.split('%').next()?.parse().ok()
}

/// The file of a container in the host's own namespace: the host's as it is, unless the user said otherwise.
#[must_use]
pub fn on_host(host: &str, asked: &DnsConfig) -> String {
    if asked.is_custom() { built(host, asked) } else { host.to_owned() }
}

/// The file of a container on the default bridge: the host's, unless the user said otherwise. Servers on the host's own
/// loopback are left out then, since a container has another.
#[must_use]
pub fn initial(host: &str, asked: &DnsConfig) -> String {
    if asked.is_custom() { built(host, asked) } else { filtered(host) }
}

/// What the user said, and the host's word where he said nothing.
fn built(host: &str, asked: &DnsConfig) -> String {
    let parts = Parts::read(host);
    let choose = |asked: &[String], from_host: Vec<String>| if asked.is_empty() { from_host } else { asked.to_vec() };
    Parts {
        servers: choose(&asked.servers, parts.servers),
        search: choose(&asked.search, parts.search),
        options: choose(&asked.options, parts.options),
    }
    .write()
}

/// The host's file without the servers that a container on docker0 cannot reach: those on loopback and those with IPv6
/// addresses. When none is left the public ones follow after an empty line.
fn filtered(host: &str) -> String {
    let of = |line: &str| line.strip_prefix("nameserver").map(str::trim).and_then(server);
    let reachable = |line: &&str| of(line).is_none_or(|ip| ip.is_ipv4() && !ip.is_loopback());
    let text: String = host.split_inclusive('\n').filter(reachable).collect();
    if Parts::read(&text).servers.is_empty() {
        return FALLBACK.iter().fold(text + "\n", |text, server| format!("{text}nameserver {server}\n"));
    }
    text
}

/// The file once the container has its own server: `text` with that server before those of IPv6, and with `ndots:0`,
/// unless `ndots` is set; and what the server then does with names without a dot. None when `ndots` is set to what is no
/// number: the engine logs an error and leaves the container without a server.
#[must_use]
pub fn embedded(text: &str) -> Option<(String, Unqualified)> {
    let mut parts = Parts::read(text);
    parts.servers.retain(|word| server(word).is_some_and(|ip| ip.is_ipv6()));
    parts.servers.insert(0, EMBEDDED.to_string());
    let unqualified = match parts.options.iter().find(|option| option.contains("ndots")) {
        Some(option) => {
            option.split_once(':')?.1.parse::<u32>().ok()?;
            Unqualified::Withhold
        }
        None => {
            parts.options.push("ndots:0".to_owned());
            Unqualified::Forward
        }
    };
    Some((parts.write(), unqualified))
}

/// Whom the container's own server asks, in order: the IPv4 servers that the user named, else the host's, those on its
/// loopback too.
#[must_use]
pub fn upstreams(host: &str, asked: &DnsConfig) -> Vec<IpAddr> {
    let all = if asked.is_custom() { servers(&built(host, asked)) } else { servers(host) };
    all.into_iter().filter(IpAddr::is_ipv4).collect()
}

/// The servers that `text` names, in order.
#[must_use]
pub fn servers(text: &str) -> Vec<IpAddr> {
    Parts::read(text).servers.iter().filter_map(|word| server(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "nameserver 192.0.2.1\n";

    fn asked(servers: &[&str], search: &[&str], options: &[&str]) -> DnsConfig {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        DnsConfig { servers: own(servers), search: own(search), options: own(options) }
    }

    #[test]
    fn on_docker0_the_hosts_file_is_copied_or_overridden() {
        let of = |config: &DnsConfig| initial(HOST, config);
        assert_eq!(of(&asked(&[], &[], &[])), HOST);
        assert_eq!(of(&asked(&["192.0.2.8"], &[], &[])), "nameserver 192.0.2.8\n");
        assert_eq!(of(&asked(&[], &["example.test"], &[])), "search example.test\nnameserver 192.0.2.1\n");
        assert_eq!(of(&asked(&[], &["."], &[])), HOST);
        assert_eq!(of(&asked(&[], &[], &["ndots:2"])), "nameserver 192.0.2.1\noptions ndots:2\n");
    }

    #[test]
    fn a_host_with_only_loopback_servers_means_google() {
        let of = |host: &str| initial(host, &DnsConfig::default());
        let google = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";
        assert_eq!(of("nameserver 127.0.0.53\nsearch lan\n"), format!("search lan\n\n{google}"));
        assert_eq!(of(""), format!("\n{google}"));
        assert_eq!(of("nameserver 2001:db8::1\nnameserver 192.0.2.1\n"), HOST, "docker0 has no IPv6");
    }

    #[test]
    fn on_a_user_network_the_server_is_the_containers_own() {
        let of = |config: &DnsConfig| embedded(&initial(HOST, config)).expect("ndots is a number").0;
        assert_eq!(of(&asked(&[], &[], &[])), "nameserver 127.0.0.11\noptions ndots:0\n");
        assert_eq!(of(&asked(&["192.0.2.8"], &["."], &["ndots:2"])), "nameserver 127.0.0.11\noptions ndots:2\n");
        assert_eq!(
            of(&asked(&["192.0.2.8"], &["x.test"], &["rotate"])),
            "search x.test\nnameserver 127.0.0.11\noptions rotate ndots:0\n"
        );
        let six = of(&asked(&["2001:db8::1", "192.0.2.1"], &[], &[]));
        assert_eq!(six, "nameserver 127.0.0.11\nnameserver 2001:db8::1\noptions ndots:0\n");
        for bad in ["ndots", "ndots:", "ndots:x", "ndots:-1"] {
            assert_eq!(embedded(&initial(HOST, &asked(&[], &[], &[bad]))), None, "{bad}");
        }
        let set = embedded("nameserver 192.0.2.1\noptions ndots:0\n").map(|(_, unqualified)| unqualified);
        assert_eq!(set, Some(Unqualified::Withhold));
    }

    #[test]
    fn the_hosts_file_is_read_as_the_engine_reads_it() {
        let search = |host: &str| initial(host, &asked(&[], &["x.y"], &[]));
        let host = "nameserver 192.0.2.1 # x\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver banana\n";
        let servers = "nameserver 192.0.2.1\nnameserver ::1\nnameserver fe80::1%eth0\n";
        assert_eq!(search(host), format!("search x.y\n{servers}"), "what is built keeps all servers");
        assert_eq!(initial(host, &DnsConfig::default()), "nameserver 192.0.2.1 # x\nnameserver banana\n");
        assert_eq!(upstreams(host, &DnsConfig::default()), [IpAddr::from([192, 0, 2, 1])]);
        assert_eq!(initial("nameserver 192.0.2.1", &DnsConfig::default()), "nameserver 192.0.2.1");
        let embedded = |host: &str| embedded(host).expect("ndots is a number").0;
        assert_eq!(embedded("domain a.b\noptions a\noptions b c\n"), "nameserver 127.0.0.11\noptions b c ndots:0\n");
    }
}
