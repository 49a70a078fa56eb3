//! Programs about names in directories: `ln mkdir mkfifo mktemp pwd readlink realpath rm rmdir touch truncate unlink`.

use super::mode;
use super::operands::{complaint, destination, each, operands, sources};
use crate::userland::files::{Made, Stamp, path};
use crate::userland::ip::netns;
use crate::userland::options::Options;
use crate::userland::user::Want;
use crate::userland::{Errno, Flavour, Sys};

pub(super) fn pwd(sys: &mut Sys<'_>) -> i32 {
    let line = format!("{}\n", sys.cwd());
    sys.print(line);
    0
}

pub(super) fn touch(sys: &mut Sys<'_>) -> i32 {
    let synopsis = "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...";
    let options = match operands(sys, "touch", "chamd:t:r:", synopsis, 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let time = match time(sys, &options) {
        Ok(time) => time,
        Err(said) => {
            sys.eprint(said);
            return 1;
        }
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        if !sys.files().exists(&path) {
            if options.has('c') {
                return Ok(());
            }
            let mode = 0o666 & !sys.mask();
            let host = format!("touch: cannot touch '{name}'");
            let made = sys.files_mut().make(&path, Made::File, mode);
            made.map_err(|errno| complaint(sys, &host, &format!("touch: {name}"), errno))?;
        }
        let host = format!("touch: setting times of '{name}'");
        let set = sys.files_mut().set_time(&path, time);
        set.map_err(|errno| complaint(sys, &host, &format!("touch: {name}"), errno))
    })
}

/// The time that `touch` sets: the one given, that of another file, or now.
fn time(sys: &mut Sys<'_>, options: &Options) -> Result<Stamp, String> {
    if let Some(name) = options.value('r') {
        let stat = sys.files().stat(&sys.absolute(name));
        return stat.map(|stat| stat.mtime).map_err(|errno| format!("touch: {name}: {errno}\n"));
    }
    match options.value('d').or_else(|| options.value('t')) {
        None => Ok(sys.files_mut().now()),
        Some(text) => super::date::parse(text, sys.epoch().utc(sys.now()))
            .map(|at| Stamp::from_seconds(at.unix_timestamp()))
            .ok_or_else(|| match sys.flavour() {
                Flavour::Host => format!("touch: invalid date format '{text}'\n"),
                Flavour::Busybox => format!("touch: invalid date '{text}'\n"),
            }),
    }
}

pub(super) fn mkdir(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "mkdir", "pvm:", "[-m MODE] [-p] DIRECTORY...", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let plain = 0o777 & !sys.mask();
    let mode = match options.value('m').map(|text| mode::parse(text, 0o777, true, 0)) {
        None => plain,
        Some(Some(mode)) => mode,
        Some(None) => {
            let text = options.value('m').unwrap_or_default();
            sys.eprint(format!("mkdir: invalid mode '{text}'\n"));
            return 1;
        }
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let host = format!("mkdir: cannot create directory '{name}'");
        let busybox = format!("mkdir: can't create directory '{name}'");
        if options.has('p') {
            return make_all(sys, &path, mode).map_err(|errno| complaint(sys, &host, &busybox, errno));
        }
        let made = sys.files_mut().make(&path, Made::Directory, mode);
        made.map_err(|errno| complaint(sys, &host, &busybox, errno))
    })
}

/// Makes a directory and those above it that are missing.
pub(super) fn make_all(sys: &mut Sys<'_>, path: &str, mode: u32) -> Result<(), Errno> {
    let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
    for end in ends.collect::<Vec<usize>>() {
        match sys.files_mut().make(&path[..end], Made::Directory, mode) {
            Ok(()) => {}
            Err(Errno::Exists | Errno::NotPermitted) if sys.files().is_directory(&path[..end]) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

pub(super) fn rmdir(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "rmdir", "p", "[-p] DIRECTORY...", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    each(sys, &options.operands, |sys, name| {
        let mut name = name.to_owned();
        loop {
            let path = sys.absolute(&name);
            let removed = sys.files_mut().remove_directory(&path);
            let host = format!("rmdir: failed to remove '{name}'");
            removed.map_err(|errno| complaint(sys, &host, &format!("rmdir: '{name}'"), errno))?;
            match name.trim_end_matches('/').rsplit_once('/') {
                Some((above, _)) if options.has('p') && !above.is_empty() => name = above.to_owned(),
                _ => return Ok(()),
            }
        }
    })
}

pub(super) fn rm(sys: &mut Sys<'_>) -> i32 {
    let force = sys.argv().iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('f'));
    let options = match operands(sys, "rm", "rRfidv", "[-irf] FILE...", usize::from(!force)) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let recursive = options.has('r') || options.has('R');
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let flavour = sys.flavour();
        let kind = match sys.files().lstat(&path) {
            Ok(stat) => stat.kind,
            Err(Errno::NoEntry | Errno::NotDirectory) if options.has('f') => return Ok(()),
            Err(errno) => {
                let host = format!("rm: cannot remove '{name}'");
                return Err(complaint(sys, &host, &format!("rm: can't remove '{name}'"), errno));
            }
        };
        if kind == crate::userland::files::Kind::Directory && !recursive {
            return Err(match flavour {
                Flavour::Host => format!("rm: cannot remove '{name}': Is a directory\n"),
                Flavour::Busybox => format!("rm: '{name}' is a directory\n"),
            });
        }
        if matches!(path::base(name), "." | "..") {
            return Err(match flavour {
                Flavour::Host => format!("rm: refusing to remove '.' or '..' directory: skipping '{name}'\n"),
                Flavour::Busybox => "rm: can't remove '.' or '..'\n".to_owned(),
            });
        }
        if path == "/" {
            return Err("rm: it is dangerous to operate recursively on '/'\n".to_owned());
        }
        if sys.files_mut().remove(&path) {
            return Ok(());
        }
        if sys.flavour() == Flavour::Busybox && sys.files().access(Want::Read, &path).is_err() {
            // A directory that it may not look into busybox leaves without a word.
            return Err(String::new());
        }
        let errno = sys.files_mut().unlink(&path).err().unwrap_or(Errno::Busy);
        let errno = if errno == Errno::IsDirectory { Errno::Busy } else { errno };
        Err(complaint(sys, &format!("rm: cannot remove '{name}'"), &format!("rm: can't remove '{name}'"), errno))
    })
}

/// `unlink FILE`
pub(super) fn unlink(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "unlink", "", "FILE", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    each(sys, &options.operands[..1], |sys, name| {
        let path = sys.absolute(name);
        let unlinked = sys.files_mut().unlink(&path);
        unlinked.map_err(|errno| {
            complaint(
                sys,
                &format!("unlink: cannot unlink '{name}'"),
                &format!("unlink: can't remove file '{name}'"),
                errno,
            )
        })
    })
}

/// `ln [-sfn] TARGET… NAME|DIRECTORY`
pub(super) fn ln(sys: &mut Sys<'_>) -> i32 {
    let synopsis = "[-sfnbtv] [-S SUF] TARGET... LINK|DIR";
    let mut options = match operands(sys, "ln", "sfnTvr", synopsis, 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    if options.operands.len() == 1 {
        options.operands.push(".".to_owned());
    }
    let (targets, name) = match sources(sys, "ln", &options) {
        Ok(found) => found,
        Err(status) => return status,
    };
    each(sys, &targets, |sys, target| {
        let plain = options.has('n') && sys.files().target(&sys.absolute(&name)).is_some() || options.has('T');
        let name = if plain { name.clone() } else { destination(sys, target, &name) };
        let path = sys.absolute(&name);
        if options.has('f') {
            // What cannot be removed shows when the link is made.
            let _ = sys.files_mut().unlink(&path);
        }
        let (kind, made) = match options.has('s') {
            true => ("symbolic", sys.files_mut().make(&path, Made::Link(target.to_owned()), 0o777)),
            false => {
                let from = sys.absolute(target);
                ("hard", sys.files_mut().hard_link(&from, &path))
            }
        };
        let missing = !options.has('s') && sys.files().lstat(&sys.absolute(target)).is_err();
        made.map_err(|errno| match (missing, kind) {
            (true, _) => complaint(sys, &format!("ln: failed to access '{target}'"), &format!("ln: {target}"), errno),
            (false, "hard") => {
                let host = format!("ln: failed to create hard link '{name}'");
                complaint(sys, &host, &format!("ln: {name}"), errno)
            }
            (false, _) => {
                let host = format!("ln: failed to create symbolic link '{name}'");
                complaint(sys, &host, &format!("ln: {name}"), errno)
            }
        })
    })
}

/// `readlink [-f] NAME`
pub(super) fn readlink(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "readlink", "fnvemsqz", "[-fnv] FILE", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let path = sys.absolute(&options.operands[0]);
    let target = match netns::link(sys, &path) {
        Some(namespace) => Some(namespace),
        None if !options.has('f') => sys.files().target(&path),
        None => {
            let resolved = sys.files().resolve(&path);
            sys.files().is_directory(path::parent(&resolved)).then_some(resolved)
        }
    };
    let Some(target) = target else { return 1 };
    let end = if options.has('n') { "" } else { "\n" };
    sys.print(format!("{target}{end}"));
    0
}

/// `realpath NAME…`
pub(super) fn realpath(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "realpath", "emsqz", "FILE...", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let resolved = sys.files().resolve(&path);
        let strict = sys.flavour() == Flavour::Busybox || options.has('e');
        let above = path::parent(&resolved).to_owned();
        let there = if strict { sys.files().exists(&path) } else { sys.files().is_directory(&above) };
        if !there && !options.has('m') {
            return Err(format!("realpath: {name}: {}\n", Errno::NoEntry));
        }
        sys.print(format!("{resolved}\n"));
        Ok(())
    })
}

/// `mkfifo NAME…`
pub(super) fn mkfifo(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "mkfifo", "m:", "[-m MODE] NAME", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let mode = 0o666 & !sys.mask();
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let made = sys.files_mut().make(&path, Made::Fifo, mode);
        made.map_err(|errno| {
            complaint(sys, &format!("mkfifo: cannot create fifo '{name}'"), &format!("mkfifo: {name}"), errno)
        })
    })
}

/// `mktemp [-d] [-u] [-q] [-p DIR] [-t] [TEMPLATE]`
pub(super) fn mktemp(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "mktemp", "duqtp:", "[-dt] [-p DIR] [TEMPLATE]", 0) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let place = options.value('p').map(str::to_owned).or_else(|| sys.env().get("TMPDIR").cloned());
    let place = place.unwrap_or_else(|| "/tmp".to_owned());
    let default = if sys.flavour() == Flavour::Host { "tmp.XXXXXXXXXX" } else { "tmp.XXXXXX" };
    let template = match options.operands.first() {
        None => path::join(&place, default),
        Some(given) if options.has('t') || options.has('p') => path::join(&place, given),
        Some(given) => given.clone(),
    };
    let stem = template.trim_end_matches('X');
    let count = template.len() - stem.len();
    if count < 3 || (count < 6 && sys.flavour() == Flavour::Busybox) {
        let host = format!("mktemp: too few X's in template '{template}'\n");
        // What busybox names is what mktemp(3) left of the template.
        let busybox = "mktemp: (null): Invalid argument\n".to_owned();
        sys.eprint(if sys.flavour() == Flavour::Host { host } else { busybox });
        return 1;
    }
    for _ in 0..64 {
        let name = format!("{stem}{}", letters(sys, count));
        let path = sys.absolute(&name);
        let (what, mode) = if options.has('d') { (Made::Directory, 0o700) } else { (Made::File, 0o600) };
        let made = match options.has('u') {
            true => Ok(()),
            false => sys.files_mut().make(&path, what, mode),
        };
        match made {
            Ok(()) => {
                sys.print(format!("{name}\n"));
                return 0;
            }
            Err(Errno::Exists) => {}
            Err(errno) => {
                let kind = if options.has('d') { "directory" } else { "file" };
                let host = format!("mktemp: failed to create {kind} via template '{template}'");
                let said = complaint(sys, &host, &format!("mktemp: {template}"), errno);
                sys.eprint(said);
                return 1;
            }
        }
    }
    1
}

/// Letters and digits at random.
fn letters(sys: &mut Sys<'_>, count: usize) -> String {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..count)
        .map(|_| {
            let at = usize::try_from(sys.random() % 62).expect("less than 62");
            char::from(LETTERS[at])
        })
        .collect()
}

/// `truncate -s SIZE FILE…`
pub(super) fn truncate(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "truncate", "cs:", "[-c] -s SIZE FILE...", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let given = options.value('s').unwrap_or_default();
    let Some(size) = super::dd::size(given) else {
        sys.eprint(format!("truncate: invalid number '{given}'\n"));
        return 1;
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        if !sys.files().exists(&path) {
            if options.has('c') {
                return Ok(());
            }
            let _ = sys.files_mut().make(&path, Made::File, 0o644);
        }
        let cut = sys.files_mut().truncate(&path, size);
        cut.map_err(|errno| {
            complaint(sys, &format!("truncate: cannot open '{name}' for writing"), &format!("truncate: {name}"), errno)
        })
    })
}
