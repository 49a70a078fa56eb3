//! The text of a container's `/etc/hosts` (oracle facts 34, 35). It is edited as text, so that what a user wrote into
//! the file stays.

use core::net::IpAddr;

const BASE: &str = "127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// The file of a container that just starts: the fixed lines, then one for every extra host.
#[must_use]
pub fn initial(extra: &[(String, String)]) -> String {
    extra.iter().fold(BASE.to_owned(), |text, (address, name)| format!("{text}{address}\t{name}\n"))
}

/// The file with a line more.
#[must_use]
pub fn with(text: &str, address: IpAddr, name: &str) -> String {
    format!("{text}{address}\t{name}\n")
}

/// The file without the lines of `name`. All of them go when one network is left, those of other networks too (fact 35).
#[must_use]
pub fn without(text: &str, name: &str) -> String {
    let is_own = |line: &str| line.split_once('\t').is_some_and(|(_, names)| names == name);
    text.lines().filter(|line| !is_own(line)).map(|line| format!("{line}\n")).collect()
}

/// The file with the lines that begin with `alias` at another address, as when a linked container comes back.
#[must_use]
pub fn moved(text: &str, alias: &str, address: IpAddr) -> String {
    edited(text, alias, |names| Some(format!("{address}\t{names}")))
}

/// The file without the lines that begin with `alias`.
#[must_use]
pub fn unlinked(text: &str, alias: &str) -> String {
    edited(text, alias, |_| None)
}

fn edited(text: &str, alias: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let line = |line: &str| match line.split_once('\t') {
        Some((_, names)) if names.split(' ').next() == Some(alias) => change(names),
        _ => Some(line.to_owned()),
    };
    text.lines().filter_map(line).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disconnect_removes_every_line_of_the_container() {
        let start = initial(&[("192.0.2.9".into(), "foo".into())]);
        let two = with(&start, "172.17.0.3".parse().unwrap(), "41988f6814e6");
        let two = with(&two, "172.25.0.2".parse().unwrap(), "41988f6814e6");
        assert!(two.ends_with("192.0.2.9\tfoo\n172.17.0.3\t41988f6814e6\n172.25.0.2\t41988f6814e6\n"));
        assert_eq!(without(&two, "41988f6814e6"), start);
    }

    #[test]
    fn a_link_line_moves_and_goes_by_its_alias() {
        let linked = with(&initial(&[]), "172.17.0.4".parse().unwrap(), "db webhost web1");
        let moved = moved(&linked, "db", "172.17.0.6".parse().unwrap());
        assert!(moved.ends_with("ff02::2\tip6-allrouters\n172.17.0.6\tdb webhost web1\n"));
        assert_eq!(unlinked(&moved, "web1"), moved, "only the alias counts");
        assert_eq!(unlinked(&moved, "db"), initial(&[]));
    }
}
