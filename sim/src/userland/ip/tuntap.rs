//! `ip tuntap`: makes, lists and removes devices for the frames or packets of a program. Here none opens them: they have
//! no carrier. (Real programs join by devices of their own machine, which this is not about.)

use super::{Error, Words, permit};
use crate::device::{Device, Kind, Tun};
use crate::fabric::NamespaceId;
use crate::namespace::is_device_name;
use crate::userland::Sys;
use crate::userland::accounts::{self, GROUP, PASSWD};

#[derive(Clone, Copy)]
enum Verb {
    Add,
    Delete,
    Show,
}

const VERBS: [(&str, Verb); 5] =
    [("add", Verb::Add), ("delete", Verb::Delete), ("show", Verb::Show), ("lst", Verb::Show), ("list", Verb::Show)];

const BUSY: &str = "ioctl(TUNSETIFF): Device or resource busy";
const INVALID: &str = "ioctl(TUNSETIFF): Invalid argument";
const NOT_PERMITTED: &str = "ioctl(TUNSETIFF): Operation not permitted";

pub(super) fn run(sys: &mut Sys<'_>, namespace: NamespaceId, mut words: Words) -> Result<String, Error> {
    match words.command(&VERBS, Verb::Show)? {
        Verb::Show => return Ok(show(sys, namespace)),
        Verb::Add => add(sys, namespace, Model::parse(sys, words)?),
        Verb::Delete => delete(sys, namespace, Model::parse(sys, words)?),
    }
    .map(|()| String::new())
}

/// A device that shall come or go.
struct Model {
    name: Option<String>,
    tun: Tun,
}

impl Model {
    fn parse(sys: &Sys<'_>, mut words: Words) -> Result<Self, Error> {
        let mut name = None;
        let mut mode = None;
        let (mut pi, mut vnet_hdr, mut user, mut group) = (false, false, None, None);
        while let Some(word) = words.take_next() {
            match word.as_str() {
                "mode" => mode = Some(is_tap(words.value()?)?),
                "user" => user = Some(account(sys, PASSWD, words.value()?, "user")?),
                "group" => group = Some(account(sys, GROUP, words.value()?, "group")?),
                "pi" => pi = true,
                "vnet_hdr" => vnet_hdr = true,
                "one_queue" | "multi_queue" => {}
                "dev" | "name" => name = Some(device_name(words.value()?)?),
                _ if name.is_some() => return Err(Error::Garbage { place: "name", word }),
                _ => name = Some(device_name(word)?),
            }
        }
        let tap = mode.ok_or(Error::MissingTunMode)?;
        Ok(Self { name, tun: Tun { tap, pi, vnet_hdr, user, group } })
    }
}

fn is_tap(word: String) -> Result<bool, Error> {
    match word.as_str() {
        "tap" => Ok(true),
        "tun" => Ok(false),
        _ => Err(Error::TunMode(word)),
    }
}

fn device_name(word: String) -> Result<String, Error> {
    if is_device_name(&word) { Ok(word) } else { Err(Error::Wrong { word, why: "\"name\" not a valid ifname" }) }
}

/// Somebody by number or name, as a listing shows them: by name where they have one.
fn account(sys: &Sys<'_>, database: &str, word: String, what: &'static str) -> Result<String, Error> {
    let text = sys.files().text(database);
    if let Ok(number) = word.parse() {
        return Ok(accounts::name_of(&text, number).map_or(word, str::to_owned));
    }
    match accounts::named(&text, &word) {
        Some(_) => Ok(word),
        None => Err(Error::NoAccount { what, word }),
    }
}

fn add(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    permit(sys).map_err(|_| Error::TunFile(NOT_PERMITTED))?;
    let stem = if model.tun.tap { "tap" } else { "tun" };
    let name = model.name.unwrap_or_else(|| super::link::free_name(sys, namespace, stem, ""));
    sys.fabric().create_tun(namespace, &name, model.tun).map_err(|_| Error::TunFile(BUSY))?;
    Ok(())
}

/// One that is not there is opened and let go: nothing is left of it, and nothing is said.
fn delete(sys: &mut Sys<'_>, namespace: NamespaceId, model: Model) -> Result<(), Error> {
    permit(sys).map_err(|_| Error::TunFile(NOT_PERMITTED))?;
    let name = model.name.unwrap_or_default();
    let Some(device) = sys.fabric().namespace(namespace).device_named(&name) else { return Ok(()) };
    let index = device.index;
    match &device.kind {
        Kind::Tun(tun) if tun.tap == model.tun.tap => {
            sys.fabric().delete_device(namespace, index);
            Ok(())
        }
        _ => Err(Error::TunFile(INVALID)),
    }
}

/// `tap0: tap persist user 1000`, as iproute2 reads it from sysfs.
fn show(sys: &mut Sys<'_>, namespace: NamespaceId) -> String {
    let devices = &sys.fabric().namespace(namespace).devices;
    devices.values().filter_map(line).collect()
}

fn line(device: &Device) -> Option<String> {
    let Kind::Tun(tun) = &device.kind else { return None };
    let mut line = format!("{}: {}", device.name, if tun.tap { "tap" } else { "tun" });
    for (said, word) in [(tun.pi, " pi"), (tun.vnet_hdr, " vnet_hdr"), (true, " persist")] {
        line.push_str(if said { word } else { "" });
    }
    for (name, account) in [("user", &tun.user), ("group", &tun.group)] {
        if let Some(account) = account {
            line.push_str(&format!(" {name} {account}"));
        }
    }
    Some(line + "\n")
}
