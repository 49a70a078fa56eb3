//! `sysctl`: the kernel's settings read and written by name, of busybox here and of hosts in `procps`. Which there are is
//! known in `setting`.

mod procps;

use regex_lite::Regex;

use super::exec::Launcher;
use super::options::{Options, Order};
use super::setting::Setting;
use super::{Flavour, Programs, Straight, Sys};
use crate::fabric::{Fabric, NamespaceId};

/// Puts `sysctl` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "sysctl", || Box::new(Launcher::new(procps::start)));
    programs.add(Flavour::Busybox, "sysctl", || Box::new(Straight(run)));
}

/// Writes a setting of a namespace, as whoever starts a container does; false when there is none of that name here.
pub fn set(fabric: &mut Fabric, namespace: NamespaceId, name: &str, value: &str) -> bool {
    let Some(setting) = Setting::named(name, fabric.namespace(namespace)) else { return false };
    setting.write(fabric, namespace, value).is_ok()
}

/// Why a setting was not read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Error {
    /// There is none of that name.
    Unknown,
    /// A value that is no number.
    Invalid,
    /// One that nobody writes.
    Fixed,
    /// `-w` without a value.
    NoValue,
    /// /proc/sys is mounted to be read only.
    ReadOnly,
}

impl Error {
    fn text(self, name: &str, flavour: Flavour) -> String {
        let said = match (self, flavour) {
            (Self::Unknown, Flavour::Host) => {
                format!("cannot stat /proc/sys/{}: No such file or directory", Setting::path(name))
            }
            (Self::Unknown, Flavour::Busybox) => format!("error: '{}' is an unknown key", as_busybox_says(name)),
            (Self::Invalid | Self::Fixed, Flavour::Host) => format!("setting key \"{name}\": Invalid argument"),
            (Self::Fixed, Flavour::Busybox) => format!("error setting key '{name}': Permission denied"),
            (Self::Invalid, Flavour::Busybox) => "write error: Invalid argument".to_owned(),
            (Self::ReadOnly, Flavour::Host) => format!("setting key \"{name}\": Read-only file system"),
            (Self::ReadOnly, Flavour::Busybox) => format!("error setting key '{name}': Read-only file system"),
            (Self::NoValue, Flavour::Host) => "command line(0): invalid syntax, continuing...".to_owned(),
            (Self::NoValue, Flavour::Busybox) => format!("error: '{name}' must be of the form name=value"),
        };
        format!("sysctl: {said}\n")
    }
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let (flavour, synopsis) = (sys.flavour(), "[-enq] { -a | -p [FILE]... | [-w] [KEY[=VALUE]]... }");
    let options = match Options::parse(sys.argv(), "awnqeN", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            sys.eprint(error.text("sysctl", synopsis, flavour));
            return 1;
        }
    };
    if options.has('a') {
        let all = list(sys, None, |name, value| format!("{name} = {value}\n"));
        sys.print(all);
        return 0;
    }
    let mut status = 0;
    for word in &options.operands {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let done = if value.is_none() && options.has('w') { Err(Error::NoValue) } else { one(sys, name, value) };
        match done {
            Ok(_) if value.is_some() && options.has('q') => {}
            Ok((_, value)) if options.has('n') => sys.print(format!("{value}\n")),
            Ok((name, value)) => sys.print(format!("{name} = {value}\n")),
            Err(Error::Unknown) if options.has('e') => {}
            Err(error) => {
                sys.eprint(error.text(&name.replace('/', "."), flavour));
                status = 1;
            }
        }
    }
    status
}

/// Reads one setting, or writes it; gives its name as it is printed, and its value.
fn one(sys: &mut Sys<'_>, name: &str, value: Option<&str>) -> Result<(String, String), Error> {
    let setting = Setting::named(name, sys.network()).ok_or(Error::Unknown)?;
    let name = shown(&Setting::path(name));
    let Some(value) = value else { return Ok((name, setting.read(sys.network()))) };
    if !sys.rights().settings {
        return Err(Error::ReadOnly);
    }
    if !setting.is_writable() {
        return Err(Error::Fixed);
    }
    let namespace = sys.namespace_id();
    setting.write(sys.fabric(), namespace, value).map_err(|_| Error::Invalid)?;
    Ok((name, value.to_owned()))
}

/// A path below `/proc/sys` as a name with dots, in which the dots of devices' names are slashes.
fn shown(path: &str) -> String {
    let swap = |c: char| match c {
        '/' => '.',
        '.' => '/',
        c => c,
    };
    path.chars().map(swap).collect()
}

/// How busybox calls a setting that is not there: the dots behind the last directory that is there are slashes.
fn as_busybox_says(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let known: &[&[&str]] =
        &[&["net", "ipv4", "conf"], &["net", "ipv6", "conf"], &["net", "ipv4"], &["net", "ipv6"], &["net"]];
    let depth = known.iter().find(|path| parts.starts_with(path)).map_or(0, |path| path.len());
    let at = (depth + 1).min(parts.len());
    let (there, rest) = parts.split_at(at);
    there.iter().chain(rest).enumerate().fold(String::new(), |text, (n, part)| match n {
        0 => (*part).to_owned(),
        n if n < at => format!("{text}.{part}"),
        _ => format!("{text}/{part}"),
    })
}

/// All settings of the namespace, or those whose names fit a pattern, a line each.
fn list(sys: &Sys<'_>, pattern: Option<&Regex>, line: impl Fn(&str, &str) -> String) -> String {
    let network = sys.network();
    let all = Setting::all(network).into_iter().map(|(path, setting)| (shown(&path), setting));
    let meant = all.filter(|(name, _)| pattern.is_none_or(|pattern| pattern.is_match(name)));
    meant.map(|(name, setting)| line(&name, &setting.read(network))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_both_flavours() {
        let unknown = |flavour| Error::Unknown.text("net.foo", flavour);
        assert_eq!(unknown(Flavour::Host), "sysctl: cannot stat /proc/sys/net/foo: No such file or directory\n");
        assert_eq!(unknown(Flavour::Busybox), "sysctl: error: 'net.foo' is an unknown key\n");
        let deep = Error::Unknown.text("net.ipv4.conf.nope.rp_filter", Flavour::Busybox);
        assert_eq!(deep, "sysctl: error: 'net.ipv4.conf.nope/rp_filter' is an unknown key\n");
        let text = Error::Invalid.text("net.ipv4.ip_forward", Flavour::Host);
        assert_eq!(text, "sysctl: setting key \"net.ipv4.ip_forward\": Invalid argument\n");
    }
}
