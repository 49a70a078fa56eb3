//! What a command asks of the network: from where, to whom and in which way, for those that do. It knows the programs that
//! people test a network with, not what they answer.

use netyard_drivers::site::why::{Manner, Question};

/// What `command`, typed at `place`, asks; none when it is not about reaching or naming anybody.
#[must_use]
pub fn question(place: &str, command: &str) -> Option<Question> {
    let first = command.split(['|', ';', '&', '>']).next()?;
    let words = shlex::split(first)?;
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut from = place.to_owned();
    while let Some(inner) = inside(&words) {
        let (place, rest) = inner;
        if let Some(place) = place {
            from = place;
        }
        words = rest;
    }
    let (program, arguments) = words.split_first()?;
    let (to, manner) = match *program {
        "ping" | "ping6" | "traceroute" | "arping" => (target(arguments, "cWwitsIqmfM")?, Manner::Ping),
        "nslookup" | "host" => (target(arguments, "")?, Manner::Name),
        "dig" => (arguments.iter().find(|word| !word.starts_with(['+', '-', '@']))?.to_string(), Manner::Name),
        "getent" => (arguments.get(1)?.to_string(), Manner::Name),
        "curl" => url(&target(arguments, "omwHdXuTAebck")?)?,
        "wget" => url(&target(arguments, "OTtPUYo")?)?,
        "nc" | "ncat" | "telnet" => connection(arguments)?,
        _ => return None,
    };
    let size = if *program == "ping" { size(arguments) } else { None };
    Some(Question { from, to, manner, size })
}

/// How much a `ping` carries whose packets must not be cut.
fn size(words: &[&str]) -> Option<usize> {
    let value = |letter: &str| {
        let at = words.iter().position(|word| word.starts_with(letter))?;
        let glued = &words[at][letter.len()..];
        if glued.is_empty() { words.get(at + 1).copied() } else { Some(glued) }
    };
    value("-M").filter(|how| *how == "do")?;
    value("-s")?.parse().ok()
}

/// The command that `docker exec`, `ip netns exec`, `timeout`, `time` or `sudo` runs, and the place it runs in when that
/// is another one.
fn inside<'s>(words: &[&'s str]) -> Option<(Option<String>, Vec<&'s str>)> {
    match words {
        ["docker", "exec", rest @ ..] => {
            let at = first_operand(rest, "euw")?;
            Some((Some(rest[at].to_owned()), rest[at + 1..].to_vec()))
        }
        ["sudo" | "time", rest @ ..] => Some((None, rest.to_vec())),
        ["timeout", rest @ ..] => {
            let at = first_operand(rest, "sk")?;
            Some((None, rest[at + 1..].to_vec()))
        }
        ["sh", "-c", inner] => Some((None, inner.split_whitespace().collect())),
        _ => None,
    }
}

/// Where the first word is that is neither an option nor the value of one of `with_value`.
fn first_operand(words: &[&str], with_value: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let takes = word.strip_prefix('-').is_some_and(|letters| letters.len() == 1 && with_value.contains(letters));
        match () {
            () if takes => at += 2,
            () if word.starts_with('-') => at += 1,
            () => return Some(at),
        }
    }
    None
}

fn target(words: &[&str], with_value: &str) -> Option<String> {
    first_operand(words, with_value).map(|at| words[at].to_owned())
}

/// The host and port of a URL.
fn url(url: &str) -> Option<(String, Manner)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        "ftp" => 21,
        _ => return None,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, usual),
    };
    Some((host.trim_matches(['[', ']']).to_owned(), Manner::Tcp(port)))
}

/// Host and port of `nc`, unless it listens.
fn connection(words: &[&str]) -> Option<(String, Manner)> {
    let has = |letter: char| words.iter().any(|word| word.starts_with('-') && word.contains(letter));
    if has('l') {
        return None;
    }
    let at = first_operand(words, "wipsqe")?;
    let port = words.get(at + 1)?.parse().ok()?;
    let manner = if has('u') { Manner::Udp(port) } else { Manner::Tcp(port) };
    Some((words[at].to_owned(), manner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_test_a_network_are_understood() {
        for (command, asked) in [
            ("ping -c 1 -W 2 container2 | head -1", "c1 -> container2 icmp"),
            ("ping -c 1 -M do -s 1472 container2", "c1 -> container2 icmp of 1472 bytes"),
            ("ping -c 1 -s1472 container2", "c1 -> container2 icmp"),
            ("docker exec -it c9 ping -c1 app", "c9 -> app icmp"),
            ("docker exec -e A=b c9 wget -qO- -T 3 http://web:8080/x", "c9 -> web tcp/8080"),
            ("curl -s -m 5 docker01", "c1 -> docker01 tcp/80"),
            ("curl -sk https://[fd00::2]/", "c1 -> fd00::2 tcp/443"),
            ("nc -w 1 -zv db 5432", "c1 -> db tcp/5432"),
            ("nc -u -w 1 dns 53", "c1 -> dns udp/53"),
            ("timeout 3 nslookup app", "c1 -> app name"),
            ("dig +short @127.0.0.11 app", "c1 -> app name"),
            ("getent hosts app", "c1 -> app name"),
        ] {
            let question = question("c1", command).map(|question| question.to_string());
            assert_eq!(question.as_deref(), Some(asked), "{command}");
        }
    }

    #[test]
    fn others_ask_nothing() {
        for command in ["ip addr", "nc -l -p 80", "docker ps", "curl", "curl file:///x", "echo ping a", ""] {
            assert_eq!(question("c1", command), None, "{command}");
        }
    }
}
