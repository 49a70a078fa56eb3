//! `ip netns`: network namespaces by name. A name is a file in `/run/netns` that says which namespace it stands for, or
//! a link to `/proc/PID/ns/net`, as tutorials lay it to reach into a container. It keeps no list of its own.

use core::cmp::Reverse;

use super::{Error, Options, Outcome, Refusal, Words, permit};
use crate::fabric::NamespaceId;
use crate::namespace::LinkError;
use crate::userland::exec::Exec;
use crate::userland::json::Json;
use crate::userland::{Pid, Sys};

/// Where the names are.
const DIRECTORY: &str = "/run/netns";

#[derive(Clone, Copy)]
enum Verb {
    List,
    Add,
    Delete,
    Exec,
    Identify,
    Pids,
    Set,
    ListId,
}

const VERBS: [(&str, Verb); 9] = [
    ("list", Verb::List),
    ("show", Verb::List),
    ("add", Verb::Add),
    ("delete", Verb::Delete),
    ("identify", Verb::Identify),
    ("pids", Verb::Pids),
    ("exec", Verb::Exec),
    ("set", Verb::Set),
    ("list-id", Verb::ListId),
];

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<Outcome, Error> {
    match words.command(&VERBS, Verb::List)? {
        Verb::List => Ok(list(sys, namespace, options)),
        Verb::Add => add(sys, words.take_next().ok_or(Error::MissingName)?),
        Verb::Delete if options.all => delete_all(sys),
        Verb::Delete => delete(sys, words.take_next().ok_or(Error::MissingName)?),
        Verb::Identify => identify(sys, words.take_next().as_deref()),
        Verb::Pids => pids(sys, &words.take_next().ok_or(Error::MissingName)?),
        Verb::Set => set(sys, namespace, words),
        Verb::ListId => list_numbers(sys, namespace, options, words),
        Verb::Exec if options.all => exec_in_all(sys, &Vec::from(words.0)),
        Verb::Exec => {
            let name = words.take_next().ok_or(Error::MissingName)?;
            exec(sys, name, words.0.into())
        }
    }
}

/// The namespace that `name` stands for on this machine.
#[must_use]
pub fn find(sys: &Sys<'_>, name: &str) -> Option<NamespaceId> {
    if name.is_empty() || name.contains('/') { None } else { open(sys, &format!("{DIRECTORY}/{name}")) }
}

/// The namespace behind a file, as `nsenter --net=FILE` opens it.
#[must_use]
pub fn open(sys: &Sys<'_>, path: &str) -> Option<NamespaceId> {
    let files = sys.files();
    let path = files.resolve(&sys.absolute(path));
    let pid = path.strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/ns/net"));
    match pid {
        Some("self") => Some(sys.namespace_id()),
        // The first process of a container counts as its process 1.
        Some("1") => sys.processes().next().and_then(|(pid, _)| sys.namespace_of(pid)),
        Some(pid) => sys.namespace_of(Pid(pid.parse().ok()?)),
        None => parse(&files.text(&path)),
    }
}

/// The inode number of the first namespace (`PROC_ROOT_INO` and those of the kernel's own follow each other here).
const FIRST_INODE: u32 = 4_026_531_840;

/// What the file of a namespace says.
#[must_use]
pub fn content(id: NamespaceId) -> String {
    format!("net:[{}]\n", u64::from(FIRST_INODE) + u64::from(id.0))
}

/// What the link behind `path` reads, where that is a process's network (`/proc/PID/ns/net`).
#[must_use]
pub fn link(sys: &Sys<'_>, path: &str) -> Option<String> {
    let path = sys.absolute(path);
    path.strip_prefix("/proc/")?.strip_suffix("/ns/net")?;
    open(sys, &path).map(|id| content(id).trim_end().to_owned())
}

fn parse(content: &str) -> Option<NamespaceId> {
    let inode: u32 = content.strip_prefix("net:[")?.strip_suffix("]\n")?.parse().ok()?;
    inode.checked_sub(FIRST_INODE).map(NamespaceId)
}

/// The names of this machine that stand for something, the newest first as a tmpfs lists them.
#[must_use]
pub fn names(sys: &Sys<'_>) -> Vec<(String, NamespaceId)> {
    files(sys).into_iter().filter_map(|name| find(sys, &name).map(|id| (name, id))).collect()
}

/// All names, also those that lead nowhere any more, the newest first.
fn files(sys: &Sys<'_>) -> Vec<String> {
    let number = |name: &String| sys.files().lstat(&format!("{DIRECTORY}/{name}")).map_or(0, |stat| stat.ino);
    let mut names = sys.files().list(DIRECTORY);
    names.sort_by_key(|name| Reverse(number(name)));
    names
}

fn list(sys: &mut Sys<'_>, namespace: NamespaceId, options: &Options) -> Outcome {
    let mut all = Vec::new();
    for name in files(sys) {
        let number = find(sys, &name).and_then(|id| number(sys, namespace, id));
        all.push((name, number));
    }
    if !options.json {
        return Outcome::Text(all.iter().map(|(name, number)| entry(name, *number)).collect());
    }
    let object = |(name, number): &(String, Option<u32>)| {
        let mut fields = vec![("name", name.as_str().into())];
        fields.extend(number.map(|number| ("id", number.into())));
        Json::Object(fields)
    };
    Outcome::Text(Json::List(all.iter().map(object).collect()).print(options.pretty))
}

fn entry(name: &str, number: Option<u32>) -> String {
    number.map_or_else(|| format!("{name}\n"), |id| format!("{name} (id: {id})\n"))
}

/// The number by which `here` knows the namespace `there`: it has one since something led there, or it was given one.
fn number(sys: &mut Sys<'_>, here: NamespaceId, there: NamespaceId) -> Option<u32> {
    let mut known = sys.fabric().namespace(here).netnsids();
    known.find(|(other, _)| *other == there).map(|(_, number)| number)
}

/// `ip netns set NAME NUMBER`
fn set(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words) -> Result<Outcome, Error> {
    let name = words.take_next().ok_or(Error::MissingName)?;
    let word = words.take_next().ok_or(Error::MissingNetnsid)?;
    let number = match word.as_str() {
        "auto" => None,
        _ => match word.parse::<i32>().map(u32::try_from) {
            Ok(Ok(number)) => Some(number),
            Ok(Err(_)) => return Err(Error::Wrong { word, why: "\"netnsid\" value should be >= 0" }),
            Err(_) => return Err(Error::Wrong { word, why: "Invalid \"netnsid\" value" }),
        },
    };
    let other = find(sys, &name).ok_or(Error::NotNumbered(name))?;
    permit(sys)?;
    sys.fabric().namespace_mut(namespace).name_netns(other, number).map_err(|error| match error {
        LinkError::Busy => Refusal::NetnsNumbered,
        _ => Refusal::NetnsNumberTaken,
    })?;
    Ok(Outcome::Text(String::new()))
}

/// `ip netns list-id [nsid NUMBER]`
fn list_numbers(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<Outcome, Error> {
    let only = match words.take_next().as_deref() {
        None => None,
        Some("nsid") => {
            let word = words.value()?;
            let number = word.parse::<u32>();
            Some(number.map_err(|_| Error::Wrong { word, why: "\"nsid\" value is invalid" })?)
        }
        Some(_) => return Err(Error::Help),
    };
    let names = names(sys);
    let mut known: Vec<(u32, NamespaceId)> =
        sys.fabric().namespace(namespace).netnsids().map(|(other, number)| (number, other)).collect();
    known.sort_unstable();
    known.retain(|(number, _)| only.is_none_or(|only| only == *number));
    if only.is_some() && known.is_empty() {
        return Err(Refusal::NoNetns.into());
    }
    let name = |id: NamespaceId| names.iter().find(|(_, named)| *named == id).map(|(name, _)| name.as_str());
    if options.json {
        let object = |(number, id): &(u32, NamespaceId)| {
            let mut fields = vec![("nsid", (*number).into())];
            fields.extend(name(*id).map(|name| ("name", name.into())));
            Json::Object(fields)
        };
        return Ok(Outcome::Text(Json::List(known.iter().map(object).collect()).print(options.pretty)));
    }
    let line = |(number, id): &(u32, NamespaceId)| {
        let named = name(*id).map(|name| format!("(iproute2 netns name: {name})")).unwrap_or_default();
        format!("nsid {number} {named}\n")
    };
    Ok(Outcome::Text(known.iter().map(line).collect()))
}

/// The longest name of a file, in bytes.
const NAME_MAX: usize = 255;

fn add(sys: &mut Sys<'_>, name: String) -> Result<Outcome, Error> {
    let is_path = name.contains('/') || name == "." || name == "..";
    if name.is_empty() || name.len() > NAME_MAX || is_path {
        return Err(Error::BadName(name));
    }
    let path = format!("{DIRECTORY}/{name}");
    if sys.files().list(DIRECTORY).contains(&name) {
        return Err(Error::NameTaken(name));
    }
    let full_name = format!("{}/{name}", sys.hostname());
    let most = sys.network().netfilter.conntrack.limit();
    let id = sys.fabric().create_nested_namespace(&full_name);
    // How many flows there may be was said for the machine.
    sys.fabric().namespace_mut(id).netfilter.conntrack.set_limit(most);
    sys.files_mut().make_directory(DIRECTORY);
    sys.files_mut().write(&path, content(id)).expect("the directory is there and the name is free");
    Ok(Outcome::Text(String::new()))
}

/// Takes the name away, and lets go of the namespace unless the name is a link.
fn delete_all(sys: &mut Sys<'_>) -> Result<Outcome, Error> {
    let names = sys.files().list(DIRECTORY);
    names.into_iter().try_for_each(|name| delete(sys, name).map(drop))?;
    Ok(Outcome::Text(String::new()))
}

fn delete(sys: &mut Sys<'_>, name: String) -> Result<Outcome, Error> {
    let path = format!("{DIRECTORY}/{name}");
    if name.contains('/') || !sys.files().list(DIRECTORY).contains(&name) {
        return Err(Error::NoName(name));
    }
    let own = sys.files().target(&path).is_none();
    let id = find(sys, &name);
    sys.files_mut().remove(&path);
    if let Some(id) = id.filter(|_| own) {
        sys.release_namespace(id);
    }
    Ok(Outcome::Text(String::new()))
}

/// The processes of this place that are in a namespace.
fn inhabitants(sys: &Sys<'_>, id: NamespaceId) -> Vec<Pid> {
    sys.processes().map(|(pid, _)| pid).filter(|pid| sys.namespace_of(*pid) == Some(id)).collect()
}

/// The name of a process's network: the last that fits, as iproute2 takes it.
fn identify(sys: &Sys<'_>, pid: Option<&str>) -> Result<Outcome, Error> {
    let id = match pid {
        None => sys.namespace_id(),
        Some(word) => {
            let pid = word.parse().map_err(|_| Error::NotAPid(word.to_owned()))?;
            sys.namespace_of(Pid(pid)).ok_or(Error::NotIdentified)?
        }
    };
    let name = names(sys).into_iter().rfind(|(_, named)| *named == id);
    Ok(Outcome::Text(format!("{}\n", name.map(|(name, _)| name).unwrap_or_default())))
}

fn pids(sys: &Sys<'_>, name: &str) -> Result<Outcome, Error> {
    let id = find(sys, name).ok_or(Error::NotIdentified)?;
    Ok(Outcome::Text(inhabitants(sys, id).iter().map(|pid| format!("{}\n", pid.0)).collect()))
}

fn exec(sys: &mut Sys<'_>, name: String, argv: Vec<String>) -> Result<Outcome, Error> {
    let program = argv.first().cloned().ok_or(Error::MissingCommand)?;
    let namespace = find(sys, &name).ok_or(Error::NotOpened(name))?;
    let exec = Exec::start(sys, argv, |spawn| spawn.namespace = namespace);
    exec.map(Outcome::Exec).map_err(|_| Error::NoProgram(program))
}

/// Runs a command in each named namespace, one after the other, under its name: a shell does it, as a loop.
fn exec_in_all(sys: &mut Sys<'_>, argv: &[String]) -> Result<Outcome, Error> {
    if argv.is_empty() {
        return Err(Error::MissingCommand);
    }
    let quoted: Vec<String> = argv.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    let line = |name: &str| format!("printf '\\nnetns: %s\\n' {name}; ip netns exec {name} {};", quoted.join(" "));
    let script = names(sys).iter().map(|(name, _)| line(name)).collect::<Vec<_>>().join(" ");
    let argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
    Exec::start(sys, argv, |_| {}).map(Outcome::Exec).map_err(|_| Error::NoProgram("sh".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_name_says_which_namespace_it_is() {
        assert_eq!(parse(&content(NamespaceId(7))), Some(NamespaceId(7)));
        assert_eq!(parse("something else"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_namespace_that_a_veth_leads_to_has_a_number() {
        assert_eq!(entry("test1", Some(1)), "test1 (id: 1)\n");
        assert_eq!(entry("test2", None), "test2\n");
    }
}
