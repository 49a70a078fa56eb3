//! `tc`: the queueing disciplines of devices, as iproute2 6.1 shows and sets them on a host. What they do is
//! [`crate::qdisc`]'s affair. Classes, filters and disciplines for what comes in are not here.

mod parse;
mod quantity;
mod show;

pub use parse::{Defaults, Refusal, settings};
pub use show::describe;

use self::show::{Listing, Manner};
use super::{Flavour, Programs, Straight, Sys};
use crate::device::{Device, IfIndex};
use crate::qdisc::{Parent, Request, Verb};

/// Puts `tc` on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "tc", || Box::new(Straight(run)));
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = command(sys, &words);
    sys.conclude(outcome)
}

/// What goes to standard error, and the exit code.
type Failure = (String, i32);

const INCOMPLETE: &str = "Command line is not complete. Try option \"help\"\n";

fn command(sys: &mut Sys<'_>, mut words: &[&str]) -> Result<String, Failure> {
    let mut manner = Manner::default();
    while let [option, rest @ ..] = words {
        match *option {
            "-V" | "-Version" => return Ok("tc utility, iproute2-6.1.0, libbpf 1.1.2\n".to_owned()),
            "-h" | "-help" => return Ok(USAGE.to_owned()),
            "-s" | "-statistics" | "-stats" => manner.statistics = true,
            "-d" | "-details" => manner.details = true,
            "-j" | "-json" => manner.json = true,
            "-p" | "-pretty" => manner.pretty = true,
            unknown if unknown.starts_with('-') => {
                return Err((format!("Option \"{unknown}\" is unknown, try \"tc -help\".\n"), 255));
            }
            _ => break,
        }
        words = rest;
    }
    match words {
        [] | ["help", ..] => Ok(USAGE.to_owned()),
        [object, rest @ ..] if "qdisc".starts_with(object) => qdisc(sys, rest, manner),
        [object, ..] => Err((format!("Object \"{object}\" is unknown, try \"tc help\".\n"), 255)),
    }
}

fn qdisc(sys: &mut Sys<'_>, words: &[&str], manner: Manner) -> Result<String, Failure> {
    let [word, rest @ ..] = words else { return show(sys, &[], manner) };
    let names: [(&str, Option<Verb>); 3] =
        [("add", Some(Verb::Add)), ("change", Some(Verb::Change)), ("replace", Some(Verb::Replace))];
    if let Some((_, Some(verb))) = names.iter().find(|(name, _)| name.starts_with(word)) {
        return modify(sys, rest, *verb);
    }
    match *word {
        word if "delete".starts_with(word) => delete(sys, rest),
        word if "show".starts_with(word) || word == "list" || word == "ls" || word == "lst" => show(sys, rest, manner),
        "help" => Ok(QDISC_USAGE.to_owned()),
        word => Err((format!("Command \"{word}\" is unknown, try \"tc qdisc help\".\n"), 255)),
    }
}

/// What a line says before the kind.
#[derive(Default)]
struct Place<'a> {
    device: Option<&'a str>,
    parent: Option<Parent>,
    handle: Option<u16>,
}

impl<'a> Place<'a> {
    /// Reads a line up to the kind; what is left begins with it.
    fn read<'w>(words: &'w [&'a str]) -> Result<(Self, &'w [&'a str]), Failure> {
        let mut place = Self::default();
        let mut rest = words;
        loop {
            let [word, after @ ..] = rest else { return Ok((place, rest)) };
            let value = || after.first().copied().ok_or_else(|| (INCOMPLETE.to_owned(), 255));
            let twice = |what: &str, value: &str| {
                (format!("Error: duplicate \"{what}\": \"{value}\" is the second value.\n"), 255)
            };
            match *word {
                "dev" if place.device.is_some() => return Err(twice("dev", value()?)),
                "dev" => place.device = Some(value()?),
                "handle" if place.handle.is_some() => return Err(twice("handle", value()?)),
                "handle" => place.handle = Some(handle(value()?)?),
                "parent" if place.parent.is_some() => return Err(twice("parent", value()?)),
                "parent" => place.parent = Some(class(value()?)?),
                "root" if place.parent.is_some() => {
                    return Err(("Error: \"root\" is duplicate parent ID\n".to_owned(), 255));
                }
                "root" => place.parent = Some(Parent::Root),
                _ => return Ok((place, rest)),
            }
            rest = if *word == "root" { after } else { &after[1..] };
        }
    }

    fn device(&self, sys: &mut Sys<'_>) -> Result<IfIndex, Failure> {
        let Some(name) = self.device else { return Err(("RTNETLINK answers: No such device\n".to_owned(), 2)) };
        find(sys, name).map(|device| device.index)
    }
}

fn find<'s>(sys: &'s Sys<'_>, name: &str) -> Result<&'s Device, Failure> {
    let missing = || (format!("Cannot find device \"{name}\"\n"), 1);
    sys.network().device_named(name).ok_or_else(missing)
}

/// A handle: `1:`, `8001`.
fn handle(word: &str) -> Result<u16, Failure> {
    let wrong = || (format!("Error: argument \"{word}\" is wrong: invalid qdisc ID\n"), 255);
    let major = word.split_once(':').map_or(word, |(major, _)| major);
    u16::from_str_radix(major, 16).map_err(|_| wrong())
}

/// A class: `1:1`; without a number after the colon the discipline itself.
fn class(word: &str) -> Result<Parent, Failure> {
    let wrong = || (format!("Error: argument \"{word}\" is wrong: invalid parent ID\n"), 255);
    if word == "root" {
        return Ok(Parent::Root);
    }
    let (major, minor) = word.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| if text.is_empty() { Ok(0) } else { u16::from_str_radix(text, 16).map_err(|_| wrong()) };
    Ok(Parent::Class(number(major)?, number(minor)?))
}

/// Whether the process may change its network.
fn check_rights(sys: &Sys<'_>) -> Result<(), Failure> {
    if sys.is_network_administrator() {
        Ok(())
    } else {
        Err(("RTNETLINK answers: Operation not permitted\n".to_owned(), 2))
    }
}

fn modify(sys: &mut Sys<'_>, words: &[&str], verb: Verb) -> Result<String, Failure> {
    let (place, rest) = Place::read(words)?;
    let settings = match rest {
        [] => None,
        ["help", ..] => return Err((QDISC_USAGE.to_owned(), 2)),
        [kind, rest @ ..] => {
            let defaults = place.device.and_then(|name| find(sys, name).ok()).map(Defaults::of).unwrap_or_default();
            Some(settings(kind, rest, defaults).map_err(|refusal| (refusal.text, refusal.status))?)
        }
    };
    let index = place.device(sys)?;
    check_rights(sys)?;
    let request = Request { parent: place.parent, handle: place.handle.unwrap_or(0), settings };
    let here = sys.namespace_id();
    sys.fabric()
        .with(here, |ns, cx| ns.set_qdisc(cx, index, verb, request))
        .map(|()| String::new())
        .map_err(|error| (format!("Error: {error}\n"), 2))
}

fn delete(sys: &mut Sys<'_>, words: &[&str]) -> Result<String, Failure> {
    let (place, rest) = Place::read(words)?;
    let index = place.device(sys)?;
    check_rights(sys)?;
    let kind = rest.first().copied();
    let which = (place.parent, place.handle.unwrap_or(0));
    let here = sys.namespace_id();
    sys.fabric()
        .with(here, |ns, cx| ns.delete_qdisc(cx, index, which, kind))
        .map(|()| String::new())
        .map_err(|error| (format!("Error: {error}\n"), 2))
}

fn show(sys: &Sys<'_>, words: &[&str], manner: Manner) -> Result<String, Failure> {
    let mut listing = Listing { manner, ..Listing::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| (INCOMPLETE.to_owned(), 255));
        match *word {
            "dev" => listing.device = Some(find(sys, value()?)?.index),
            "root" => listing.parent = Some(Parent::Root),
            "parent" => listing.parent = Some(class(value()?)?),
            "handle" => listing.handle = Some(handle(value()?)?),
            "invisible" => listing.invisible = true,
            "help" => return Ok(QDISC_USAGE.to_owned()),
            word => return Err((format!("What is \"{word}\"? Try \"tc qdisc help\".\n"), 255)),
        }
    }
    Ok(listing.print(sys.network()))
}

const USAGE: &str = "\
Usage:\ttc [ OPTIONS ] OBJECT { COMMAND | help }
\ttc [-force] -batch filename
where  OBJECT := { qdisc | class | filter | chain |
\t\t    action | monitor | exec }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[aw] |
\t\t    -o[neline] | -j[son] | -p[retty] | -c[olor]
\t\t    -b[atch] [filename] | -n[etns] name | -N[umeric] |
\t\t     -nm | -nam[es] | { -cf | -conf } path
\t\t     -br[ief] }
";

const QDISC_USAGE: &str = "\
Usage: tc qdisc [ add | del | replace | change | show ] dev STRING
       [ handle QHANDLE ] [ root | ingress | clsact | parent CLASSID ]
       [ estimator INTERVAL TIME_CONSTANT ]
       [ stab [ help | STAB_OPTIONS] ]
       [ ingress_block BLOCK_INDEX ] [ egress_block BLOCK_INDEX ]
       [ [ QDISC_KIND ] [ help | OPTIONS ] ]

       tc qdisc { show | list } [ dev STRING ] [ QDISC_ID ] [ invisible ]
Where:
QDISC_KIND := { [p|b]fifo | tbf | prio | cbq | red | etc. }
OPTIONS := ... try tc qdisc add <desired QDISC_KIND> help
STAB_OPTIONS := ... try tc qdisc add stab help
QDISC_ID := { root | ingress | handle QHANDLE | parent CLASSID }
";

#[cfg(test)]
mod tests {
    use super::*;

    /// What iproute2 6.1 itself said to lines, and how it printed what it had told the kernel by them. (`show` was given
    /// the request as the kernel would have given it back.)
    const RECORDED: &str = include_str!("tc/recorded.txt");

    #[test]
    fn lines_are_taken_refused_and_printed_as_tc_does() {
        let mut compared = 0;
        for story in RECORDED.split("# ").skip(1) {
            let (line, said) = story.split_once('\n').expect("a line and what was said");
            let words: Vec<&str> = line.split_whitespace().collect();
            let ours = match settings(words[0], &words[1..], Defaults::default()) {
                Ok(settings) => {
                    let text = show::told(&settings, false);
                    let options = crate::userland::json::Json::Object(show::options(&settings)).print(false);
                    let head = format!("qdisc {} 8001: root refcnt 2 ", words[0]);
                    let json = format!("{{\"kind\":\"{}\",\"handle\":\"8001:\",\"root\":true,\"refcnt\":2", words[0]);
                    format!("{head}{text}\n[{json},\"options\":{}}}]\n", options.trim_end())
                }
                Err(refusal) => refusal.text,
            };
            assert_eq!(ours, said, "{line}");
            compared += 1;
        }
        assert!(compared >= 80, "{compared}");
    }

    #[test]
    fn handles_and_classes_are_hexadecimal() {
        assert_eq!((handle("1:"), handle("8001")), (Ok(1), Ok(0x8001)));
        assert_eq!(handle("zz:").unwrap_err().0, "Error: argument \"zz:\" is wrong: invalid qdisc ID\n");
        assert_eq!((class("1:a"), class("1:")), (Ok(Parent::Class(1, 10)), Ok(Parent::Class(1, 0))));
    }
}
