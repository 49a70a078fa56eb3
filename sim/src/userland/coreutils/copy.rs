//! `cp` and `mv`: trees from one place to another.

use super::operands::{complaint, destination, each, operands, sources};
use crate::userland::files::{Kind, Made, Stat, path};
use crate::userland::options::Options;
use crate::userland::{Errno, Flavour, Sys};

const CP: &str = "[-arPLHpfinlsTu] SOURCE DEST\n\tor: cp [-arPLHpfinlsu] SOURCE... { -t DIRECTORY | DIRECTORY }";
const MV: &str = "[-finT] SOURCE DEST\n\tor: mv [-fin] SOURCE... { -t DIRECTORY | DIRECTORY }";

/// `cp [-rRapdPLnf] SOURCE… TARGET`
pub(super) fn cp(sys: &mut Sys<'_>) -> i32 {
    let least = if sys.argv().iter().any(|word| word.starts_with("-t")) { 1 } else { 2 };
    let options = match operands(sys, "cp", "arRPLHdpfinlsTut:v", CP, least) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let (sources, target) = match sources(sys, "cp", &options) {
        Ok(found) => found,
        Err(status) => return status,
    };
    let copy = Copy {
        recursive: ['r', 'R', 'a'].iter().any(|letter| options.has(*letter)),
        links: ['d', 'P', 'a', 'r', 'R'].iter().any(|letter| options.has(*letter)) && !options.has('L'),
        keeps: options.has('p') || options.has('a'),
        options: &options,
    };
    each(sys, &sources, |sys, source| {
        let target = if options.has('T') { target.clone() } else { destination(sys, source, &target) };
        copy.one(sys, source, &target, 0)
    })
}

struct Copy<'a> {
    recursive: bool,
    /// Whether links are copied as such.
    links: bool,
    /// Whether owner, mode and time are kept.
    keeps: bool,
    options: &'a Options,
}

/// Directories inside of each other, at most.
const DEPTH: u32 = 256;

impl Copy<'_> {
    fn one(&self, sys: &mut Sys<'_>, source: &str, target: &str, depth: u32) -> Result<(), String> {
        let (from, to) = (sys.absolute(source), sys.absolute(target));
        let stat = if self.links { sys.files().lstat(&from) } else { sys.files().stat(&from) };
        let stat = stat.map_err(|errno| {
            complaint(sys, &format!("cp: cannot stat '{source}'"), &format!("cp: can't stat '{source}'"), errno)
        })?;
        let there = sys.files().stat(&to).ok();
        if there.is_some_and(|there| (there.device, there.ino) == (stat.device, stat.ino)) {
            return Err(format!("cp: '{source}' and '{target}' are the same file\n"));
        }
        if there.is_some() && self.options.has('n') {
            return Ok(());
        }
        if stat.is_directory() {
            return self.directory(sys, (source, target), &stat, there, depth);
        }
        if there.is_some_and(|there| there.is_directory()) {
            return Err(match sys.flavour() {
                Flavour::Host => format!("cp: cannot overwrite directory '{target}' with non-directory\n"),
                Flavour::Busybox => format!("cp: can't create '{target}': Is a directory\n"),
            });
        }
        self.plain(sys, (&from, &to), &stat).map_err(|errno| {
            let host = format!("cp: cannot create regular file '{target}'");
            complaint(sys, &host, &format!("cp: can't create '{target}'"), errno)
        })?;
        self.keep(sys, &to, &stat);
        Ok(())
    }

    fn directory(
        &self,
        sys: &mut Sys<'_>,
        (source, target): (&str, &str),
        stat: &Stat,
        there: Option<Stat>,
        depth: u32,
    ) -> Result<(), String> {
        let (from, to) = (sys.absolute(source), sys.absolute(target));
        if !self.recursive {
            return Err(match sys.flavour() {
                Flavour::Host => format!("cp: -r not specified; omitting directory '{source}'\n"),
                Flavour::Busybox => format!("cp: omitting directory '{source}'\n"),
            });
        }
        if to.strip_prefix(&from).is_some_and(|rest| rest.starts_with('/')) || depth > DEPTH {
            return Err(match sys.flavour() {
                Flavour::Host => format!("cp: cannot copy a directory, '{source}', into itself, '{target}'\n"),
                Flavour::Busybox => format!("cp: recursion detected, omitting directory '{source}'\n"),
            });
        }
        match there {
            Some(there) if there.is_directory() => {}
            Some(_) => {
                return Err(match sys.flavour() {
                    Flavour::Host => {
                        format!("cp: cannot overwrite non-directory '{target}' with directory '{source}'\n")
                    }
                    Flavour::Busybox => format!("cp: target '{target}' is not a directory\n"),
                });
            }
            None => sys.files_mut().make(&to, Made::Directory, stat.mode & !0o022).map_err(|errno| {
                let host = format!("cp: cannot create directory '{target}'");
                complaint(sys, &host, &format!("cp: can't create directory '{target}'"), errno)
            })?,
        }
        let mut trouble = Ok(());
        for name in sys.files().list(&from) {
            if let Err(said) = self.one(sys, &path::join(source, &name), &path::join(target, &name), depth + 1) {
                trouble = Err(trouble.err().unwrap_or_else(String::new) + said.as_str());
            }
        }
        self.keep(sys, &to, stat);
        trouble
    }

    fn plain(&self, sys: &mut Sys<'_>, (from, to): (&str, &str), stat: &Stat) -> Result<(), Errno> {
        if self.options.has('l') {
            return sys.files_mut().hard_link(from, to);
        }
        if self.options.has('s') {
            return sys.files_mut().make(to, Made::Link(from.to_owned()), 0o777);
        }
        match stat.kind {
            Kind::Link => {
                let target = sys.files().target(from).ok_or(Errno::NoEntry)?;
                let _ = sys.files_mut().unlink(to);
                sys.files_mut().make(to, Made::Link(target), 0o777)
            }
            Kind::Device(device) => sys.files_mut().make(to, Made::Device(device), stat.mode),
            Kind::Fifo => sys.files_mut().make(to, Made::Fifo, stat.mode),
            Kind::File | Kind::Directory if stat.program => {
                let _ = sys.files_mut().unlink(to);
                sys.files_mut().make(to, Made::Program, stat.mode)
            }
            Kind::File | Kind::Directory => {
                let bytes = sys.files().read(from)?.into_owned();
                let fresh = !sys.files().exists(to);
                sys.files_mut().write(to, bytes)?;
                let mask = sys.mask();
                if fresh { sys.files_mut().set_mode(to, stat.mode & !mask) } else { Ok(()) }
            }
        }
    }

    /// What cannot be kept is let go, as `cp` does.
    fn keep(&self, sys: &mut Sys<'_>, to: &str, stat: &Stat) {
        if !self.keeps {
            return;
        }
        let mut files = sys.files_mut();
        let _ = files.set_owner(to, Some(stat.uid), Some(stat.gid));
        if stat.kind != Kind::Link {
            let _ = files.set_mode(to, stat.mode);
            let _ = files.set_time(to, stat.mtime);
        }
    }
}

/// `mv [-fnT] SOURCE… TARGET`
pub(super) fn mv(sys: &mut Sys<'_>) -> i32 {
    let least = if sys.argv().iter().any(|word| word.starts_with("-t")) { 1 } else { 2 };
    let options = match operands(sys, "mv", "finTt:vu", MV, least) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let (sources, target) = match sources(sys, "mv", &options) {
        Ok(found) => found,
        Err(status) => return status,
    };
    each(sys, &sources, |sys, source| {
        let target = if options.has('T') { target.clone() } else { destination(sys, source, &target) };
        move_one(sys, source, &target, &options)
    })
}

fn move_one(sys: &mut Sys<'_>, source: &str, target: &str, options: &Options) -> Result<(), String> {
    let (from, to) = (sys.absolute(source), sys.absolute(target));
    if let Err(errno) = sys.files().lstat(&from) {
        return Err(complaint(
            sys,
            &format!("mv: cannot stat '{source}'"),
            &format!("mv: can't rename '{source}'"),
            errno,
        ));
    }
    if options.has('n') && sys.files().exists(&to) {
        return Ok(());
    }
    if from == to && sys.flavour() == Flavour::Host {
        return Err(format!("mv: '{source}' and '{target}' are the same file\n"));
    }
    match sys.files_mut().rename(&from, &to) {
        Ok(()) => Ok(()),
        Err(Errno::CrossDevice) => {
            let copy = Copy { recursive: true, links: true, keeps: true, options: &Options::default() };
            copy.one(sys, source, target, 0).map_err(|said| said.replacen("cp:", "mv:", 1))?;
            sys.files_mut().remove(&from);
            Ok(())
        }
        Err(errno) => {
            let host = match errno {
                Errno::Invalid => {
                    return Err(format!(
                        "mv: {} '{source}'{}\n",
                        if sys.flavour() == Flavour::Host { "cannot move" } else { "can't rename" },
                        if sys.flavour() == Flavour::Host {
                            format!(" to a subdirectory of itself, '{target}'")
                        } else {
                            format!(": {errno}")
                        }
                    ));
                }
                _ => format!("mv: cannot move '{source}' to '{target}'"),
            };
            Err(complaint(sys, &host, &format!("mv: can't rename '{source}'"), errno))
        }
    }
}
