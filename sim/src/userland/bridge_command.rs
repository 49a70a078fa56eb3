//! `bridge`: the forwarding database and the ports, as iproute2 6.1 shows them on a host. Bridges themselves are
//! `crate::bridge`; they are changed by `ip link` and `brctl`.

mod fdb;
mod link;
mod vlan;

use super::exec::{Exec, Launcher, Next};
use super::json::Json;
use super::{Flavour, Programs, Sys};

/// Puts `bridge` on the path of hosts; busybox has no such applet.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "bridge", || Box::new(Launcher::new(start)));
}

fn start(sys: &mut Sys<'_>) -> Next {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match Options::parse(&words) {
        Ok((_, Some(name), rest)) => match elsewhere(sys, name, &words, rest) {
            Ok(exec) => return Next::Exec(exec),
            Err(failure) => Err(failure),
        },
        Ok((options, None, words)) => run(sys, options, words),
        Err(failure) => Err(failure),
    };
    Next::Exit(sys.conclude(outcome))
}

/// The same in another namespace: the options but for its name, and the words after them.
fn elsewhere(sys: &mut Sys<'_>, name: &str, all: &[&str], rest: &[&str]) -> Result<Exec, Failure> {
    let unknown = || (format!("Cannot open network namespace \"{name}\": No such file or directory\n"), 255);
    let namespace = super::ip::netns::find(sys, name).ok_or_else(unknown)?;
    let mut argv = vec!["bridge".to_owned()];
    let mut options = all[..all.len() - rest.len()].iter();
    while let Some(option) = options.next() {
        match option.strip_prefix('-') {
            Some(word) if "netns".starts_with(word) => _ = options.next(),
            _ => argv.push((*option).to_owned()),
        }
    }
    argv.extend(rest.iter().map(|word| (*word).to_owned()));
    Exec::start(sys, argv, |spawn| spawn.namespace = namespace).map_err(|_| unknown())
}

fn run(sys: &mut Sys<'_>, options: Options, words: &[&str]) -> Result<String, Failure> {
    match words {
        ["fdb", rest @ ..] => fdb::run(sys, rest, options),
        ["link", rest @ ..] => link::run(sys, rest, options),
        ["vlan", rest @ ..] => vlan::run(sys, rest, options),
        ["mdb", rest @ ..] => groups(sys, rest, options),
        [version] if version.starts_with("-V") => Ok("bridge utility, 6.1.0\n".to_owned()),
        [word, ..] if *word != "help" => Err((format!("Object \"{word}\" is unknown, try \"bridge help\".\n"), 255)),
        _ => Err((USAGE.to_owned(), 255)),
    }
}

/// How it prints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Options {
    details: bool,
    json: bool,
    pretty: bool,
    statistics: bool,
}

/// Options, the namespace that is meant when it is another, and the words after them.
type Parsed<'w, 's> = (Options, Option<&'s str>, &'w [&'s str]);

impl Options {
    /// The options, and the words after them. The beginning of an option's name is enough.
    fn parse<'w, 's>(mut words: &'w [&'s str]) -> Result<Parsed<'w, 's>, Failure> {
        let (mut options, mut netns) = (Self::default(), None);
        while let [word, rest @ ..] = words
            && let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty())
        {
            match name {
                name if "details".starts_with(name) => options.details = true,
                name if "json".starts_with(name) => options.json = true,
                name if "pretty".starts_with(name) => options.pretty = true,
                name if "statistics".starts_with(name) || name == "stats" => options.statistics = true,
                // What it prints is a line already, and without colours. The ranges of VLANs are not drawn together.
                name if "oneline".starts_with(name) || matches!(name, "color" | "color=never" | "color=auto") => {}
                name if "netns".starts_with(name) => {
                    let Some((name, rest)) = rest.split_first() else { return Err((USAGE.to_owned(), 255)) };
                    (netns, words) = (Some(*name), rest);
                    continue;
                }
                name if "Version".starts_with(name) => break,
                _ => return Err((format!("Option \"{word}\" is unknown, try \"bridge help\".\n"), 255)),
            }
            words = rest;
        }
        Ok((options, netns, words))
    }

    /// All of them, as lines or as one list.
    fn print<T>(self, all: &[T], line: impl Fn(&T) -> String, json: impl Fn(&T) -> Json) -> String {
        if self.json {
            Json::List(all.iter().map(json).collect()).print(self.pretty)
        } else {
            all.iter().map(line).collect()
        }
    }
}

/// `bridge mdb`: nobody has joined a group, for nobody here speaks IGMP or MLD; groups are flooded.
fn groups(sys: &mut Sys<'_>, words: &[&str], options: Options) -> Result<String, Failure> {
    match words {
        [] | ["show" | "list" | "lst"] => {}
        ["show" | "list" | "lst", "dev", name] => {
            if sys.network().device_named(name).is_none() {
                return Err((format!("Cannot find device \"{name}\"\n"), 255));
            }
        }
        [word, ..] => return Err((format!("Command \"{word}\" is unknown, try \"bridge mdb help\".\n"), 255)),
    }
    Ok(if options.json { "[{\"mdb\":[],\"router\":{}}]\n".to_owned() } else { String::new() })
}

const USAGE: &str = "\
Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }
       bridge [ -force ] -batch filename
where  OBJECT := { link | fdb | mdb | vlan | monitor }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] |
                    -o[neline] | -t[imestamp] | -n[etns] name |
                    -c[ompressvlans] -color -p[retty] -j[son] }
";

type Failure = (String, i32);

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::ip::Scene;
    use super::super::ip::samples::{address, all, bridge, loopback, veth};
    use super::link::View;
    use super::*;
    use crate::addr::Mac;
    use crate::bridge::Bridge;
    use crate::device::{Devices, IfIndex, Kind};
    use crate::time::Instant;

    /// docker0 with one port behind which a container was seen.
    pub(super) fn host() -> Devices {
        let mut docker0 = bridge(3, "docker0", "02:42:4b:18:8e:39");
        docker0.addresses = vec![address("172.17.0.1/16"), address("fe80::42:4bff:fe18:8e39/64")];
        let mut port = veth(6, "veth01020fb", "5e:f1:a1:82:d6:a0", 5);
        (port.master, port.peer_netnsid) = (Some(IfIndex(3)), Some(1));
        port.addresses = vec![address("fe80::5cf1:a1ff:fe82:d6a0/64")];
        let mut inside = Bridge::default();
        inside.fixed_mac = true;
        inside.add_port(port.index, port.mac, Instant::ZERO);
        inside.tell_tree(|tree| tree.enable(port.index, Instant::ZERO));
        let container = "02:42:ac:11:00:02".parse().unwrap();
        inside.forward(Instant::ZERO, port.index, container, Mac::BROADCAST, docker0.mac);
        docker0.kind = Kind::Bridge(Box::new(inside));
        all([loopback(), docker0, port])
    }

    #[test]
    fn a_port_forwards_while_it_and_its_bridge_run() {
        let mut devices = host();
        let peers = BTreeMap::new();
        let line = |devices: &Devices| {
            let scene = Scene { devices, peers: &peers, flavour: Flavour::Host, now: Instant::ZERO };
            View::of(&scene, devices.get(&IfIndex(6)).unwrap()).unwrap().line(&scene, false)
        };
        assert_eq!(
            line(&devices),
            "6: veth01020fb@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master docker0 state forwarding \
             priority 32 cost 2 \n"
        );
        let bridge = devices.get_mut(&IfIndex(3)).unwrap().bridge_mut().unwrap();
        bridge.tell_tree(|tree| tree.disable(IfIndex(6), Instant::ZERO));
        assert!(line(&devices).contains("state disabled"));
    }
}
