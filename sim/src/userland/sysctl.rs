//! `sysctl`: the kernel's settings read and written by name. Which there are is known in `setting`.

use super::options::{Options, Order, usage};
use super::setting::Setting;
use super::{Flavour, Programs, Straight, Sys};
use crate::fabric::{Fabric, NamespaceId};

/// Puts `sysctl` on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        programs.add(flavour, "sysctl", || Box::new(Straight(run)));
    }
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
    /// `-w` without a value.
    NoValue,
    /// /proc/sys is mounted to be read only.
    ReadOnly,
}

impl Error {
    fn text(self, name: &str, flavour: Flavour) -> String {
        let said = match (self, flavour) {
            (Self::Unknown, Flavour::Host) => {
                format!("cannot stat /proc/sys/{}: No such file or directory", name.replace('.', "/"))
            }
            (Self::Unknown, Flavour::Busybox) => format!("error: '{}' is an unknown key", as_busybox_says(name)),
            (Self::Invalid, Flavour::Host) => format!("setting key \"{name}\": Invalid argument"),
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
    let options = match Options::parse(sys.argv(), "awnqeNb", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            sys.eprint(error.text("sysctl", synopsis, flavour));
            return 1;
        }
    };
    if options.has('a') {
        let all = list(sys);
        sys.print(all);
        return 0;
    }
    if options.operands.is_empty() && flavour == Flavour::Host {
        sys.eprint(usage("sysctl", synopsis, flavour));
        return 1;
    }
    let mut status = 0;
    for word in &options.operands {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name).replace('/', ".");
        match one(sys, word, options.has('w')) {
            Ok((_, true)) if options.has('q') => {}
            Ok((value, _)) if options.has('n') => sys.print(format!("{value}\n")),
            Ok((value, _)) => sys.print(format!("{name} = {value}\n")),
            Err(Error::Unknown) if options.has('e') => {}
            Err(error) => {
                sys.eprint(error.text(&name, flavour));
                status = 1;
            }
        }
    }
    status
}

/// Reads or, with `=`, writes one setting; gives its value and whether it was written.
fn one(sys: &mut Sys<'_>, word: &str, must_write: bool) -> Result<(String, bool), Error> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name.trim_end(), Some(value)));
    if must_write && value.is_none() {
        return Err(Error::NoValue);
    }
    let setting = Setting::named(name, sys.network()).ok_or(Error::Unknown)?;
    let Some(value) = value else { return Ok((setting.read(sys.network()), false)) };
    if !sys.rights().settings {
        return Err(Error::ReadOnly);
    }
    let namespace = sys.namespace_id();
    setting.write(sys.fabric(), namespace, value).map_err(|_| Error::Invalid)?;
    Ok((value.to_owned(), true))
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

/// All settings of the namespace, a line each.
fn list(sys: &Sys<'_>) -> String {
    let network = sys.network();
    let line = |(name, setting): (String, Setting)| format!("{} = {}\n", name.replace('/', "."), setting.read(network));
    Setting::all(network).into_iter().map(line).collect()
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
