//! Programs about files as such: `ls ln mkdir pwd readlink rm touch`. The filesystem keeps no times, owners or modes, so
//! `ls -l` prints the same ones for all.

use core::fmt::Write as _;

use crate::userland::files::{Files, Node};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Flavour, Sys};

/// The options and at least one operand, or the exit code after having said what is wrong.
fn operands(sys: &mut Sys<'_>, name: &str, spec: &str, synopsis: &str) -> Result<Options, i32> {
    let flavour = sys.flavour();
    let options = Options::parse(sys.argv(), spec, Order::Anywhere).map_err(|error| {
        sys.eprint(error.text(name, synopsis, flavour));
        1
    })?;
    if options.operands.is_empty() {
        let what = if name == "touch" { "missing file operand" } else { "missing operand" };
        let said = if flavour == Flavour::Host { format!("{name}: {what}\n") } else { String::new() };
        sys.eprint(said + &usage(name, synopsis, flavour));
        return Err(1);
    }
    Ok(options)
}

/// Does `act` for every operand; what it gives back is printed as an error.
fn each(sys: &mut Sys<'_>, operands: &[String], mut act: impl FnMut(&mut Sys<'_>, &str) -> Result<(), String>) -> i32 {
    let mut status = 0;
    for operand in operands {
        if let Err(said) = act(sys, operand) {
            sys.eprint(said);
            status = 1;
        }
    }
    status
}

pub(super) fn pwd(sys: &mut Sys<'_>) -> i32 {
    let line = format!("{}\n", sys.cwd());
    sys.print(line);
    0
}

pub(super) fn touch(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "touch", "cham", "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...") {
        Ok(options) => options,
        Err(status) => return status,
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        if options.has('c') || sys.files().is_directory(&path) {
            return Ok(());
        }
        let flavour = sys.flavour();
        sys.files_mut().append(&path, &[]).map_err(|errno| match flavour {
            Flavour::Host => format!("touch: cannot touch '{name}': {errno}\n"),
            Flavour::Busybox => format!("touch: {name}: {errno}\n"),
        })
    })
}

pub(super) fn mkdir(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "mkdir", "pm:", "[-m MODE] [-p] DIRECTORY...") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let parents = options.has('p');
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let above = path.rfind('/').map_or("/", |at| &path[..at.max(1)]);
        let trouble = match (sys.files().is_directory(&path), sys.files().node(&path), sys.files().is_directory(above))
        {
            (true, ..) if parents => return Ok(()),
            (true, ..) | (_, Some(_), _) => "File exists",
            (false, None, false) if !parents => "No such file or directory",
            (false, None, _) => {
                sys.files_mut().make_directory(&path);
                return Ok(());
            }
        };
        Err(match sys.flavour() {
            Flavour::Host => format!("mkdir: cannot create directory '{name}': {trouble}\n"),
            Flavour::Busybox => format!("mkdir: can't create directory '{name}': {trouble}\n"),
        })
    })
}

pub(super) fn rm(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "rm", "rRfi", "[-irf] FILE...") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let recursive = options.has('r') || options.has('R');
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let link = sys.files().target(&path).is_some();
        let trouble = match (sys.files().is_directory(&path), sys.flavour()) {
            (true, Flavour::Host) if !recursive && !link => format!("rm: cannot remove '{name}': Is a directory\n"),
            (true, Flavour::Busybox) if !recursive && !link => format!("rm: '{name}' is a directory\n"),
            _ if sys.files_mut().remove(&path) || options.has('f') => return Ok(()),
            (_, Flavour::Host) => format!("rm: cannot remove '{name}': No such file or directory\n"),
            (_, Flavour::Busybox) => format!("rm: can't remove '{name}': No such file or directory\n"),
        };
        Err(trouble)
    })
}

/// `ln -s TARGET NAME`; hard links are not there.
pub(super) fn ln(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "ln", "sfn", "[-sfnbtv] [-S SUF] TARGET... LINK|DIR") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let [target, rest @ ..] = options.operands.as_slice() else { return 1 };
    let base = || target.rsplit('/').next().unwrap_or_default().to_owned();
    let name = rest.first().cloned().unwrap_or_else(base);
    let path = sys.absolute(&name);
    let path = if sys.files().is_directory(&path) { format!("{path}/{}", base()) } else { path };
    if !options.has('s') {
        sys.eprint(format!("ln: failed to create hard link '{name}' => '{target}': Operation not permitted\n"));
        return 1;
    }
    let taken = sys.files().node(&path).is_some() || sys.files().target(&path).is_some();
    if taken && !options.has('f') {
        let said = match sys.flavour() {
            Flavour::Host => format!("ln: failed to create symbolic link '{name}': File exists\n"),
            Flavour::Busybox => format!("ln: {name}: File exists\n"),
        };
        sys.eprint(said);
        return 1;
    }
    sys.files_mut().link(&path, target);
    0
}

/// `readlink [-f] NAME`
pub(super) fn readlink(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "readlink", "fn", "[-fnv] FILE") {
        Ok(options) => options,
        Err(status) => return status,
    };
    let path = sys.absolute(&options.operands[0]);
    let target =
        if options.has('f') { Some(sys.files().resolve(&path)) } else { sys.files().target(&path).map(str::to_owned) };
    let Some(target) = target else { return 1 };
    sys.print(format!("{target}\n"));
    0
}

/// `ls [-1alAd] [FILE]...`
pub(super) fn ls(sys: &mut Sys<'_>) -> i32 {
    let flavour = sys.flavour();
    let options = match Options::parse(sys.argv(), "1alAdhFRrtS", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            sys.eprint(error.text("ls", "[-1AaCxdLHRFplinshrSXvctu] [FILE]...", flavour));
            return if flavour == Flavour::Host { 2 } else { 1 };
        }
    };
    let names = if options.operands.is_empty() { vec![".".to_owned()] } else { options.operands.clone() };
    let (mut files, mut directories, mut status) = (Vec::new(), Vec::new(), 0);
    for name in names {
        let path = sys.absolute(&name);
        match (sys.files().is_directory(&path) && !options.has('d'), sys.files().node(&path)) {
            (true, _) => directories.push((name, path)),
            (false, Some(_)) => files.push((name, path)),
            (false, None) if options.has('d') && sys.files().is_directory(&path) => files.push((name, path)),
            (false, None) => {
                let said = if flavour == Flavour::Host { format!("cannot access '{name}'") } else { name };
                sys.eprint(format!("ls: {said}: No such file or directory\n"));
                status = if flavour == Flavour::Host { 2 } else { 1 };
            }
        }
    }
    let listing = Listing { files: sys.files(), options: &options, flavour };
    let text = listing.all(&files, &directories);
    sys.print(text);
    status
}

/// How the entries of directories are printed.
struct Listing<'a> {
    files: &'a Files,
    options: &'a Options,
    flavour: Flavour,
}

impl Listing<'_> {
    /// Files first, then the directories, each with its name when there is more than one thing.
    fn all(&self, files: &[(String, String)], directories: &[(String, String)]) -> String {
        let mut text: String = files.iter().map(|(name, path)| self.entry(name, path)).collect();
        let named = files.len() + directories.len() > 1;
        for (at, (name, path)) in directories.iter().enumerate() {
            if named {
                let gap = if at > 0 || !files.is_empty() { "\n" } else { "" };
                let _ = writeln!(text, "{gap}{name}:");
            }
            text.push_str(&self.directory(path));
        }
        text
    }

    fn directory(&self, path: &str) -> String {
        let hidden = self.options.has('a') || self.options.has('A');
        let own = if self.options.has('a') { vec![".".to_owned(), "..".to_owned()] } else { Vec::new() };
        let names = own.into_iter().chain(self.files.list(path)).filter(|name| hidden || !name.starts_with('.'));
        let mut names: Vec<String> = names.collect();
        if self.options.has('r') {
            names.reverse();
        }
        let entries = names.iter().map(|name| self.entry(name, &format!("{path}/{name}"))).collect::<String>();
        if self.options.has('l') { format!("total 0\n{entries}") } else { entries }
    }

    fn entry(&self, name: &str, path: &str) -> String {
        if !self.options.has('l') {
            return format!("{name}\n");
        }
        let target = self.files.target(path);
        let (mode, size) = match (target, self.files.node(path)) {
            (Some(target), _) => ("lrwxrwxrwx", target.len()),
            (None, Some(Node::File(bytes))) => ("-rw-r--r--", bytes.len()),
            (None, _) => ("drwxr-xr-x", 4096),
        };
        let arrow = target.map(|target| format!(" -> {target}")).unwrap_or_default();
        match self.flavour {
            Flavour::Host => format!("{mode} 1 root root {size} Jan  1 00:00 {name}{arrow}\n"),
            Flavour::Busybox => format!("{mode}    1 root     root     {size:>9} Jan  1 00:00 {name}{arrow}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Files {
        let mut files = Files::default();
        files.make_directory("/etc");
        files.write("/etc/hosts", "127.0.0.1\tlocalhost\n").unwrap();
        files.write("/etc/.hidden", "").unwrap();
        files.link("/etc/mtab", "/proc/mounts");
        files
    }

    fn listed(flags: &str, flavour: Flavour) -> String {
        let files = tree();
        let argv = ["ls".to_owned(), flags.to_owned()];
        let options = Options::parse(&argv, "1alA", Order::Anywhere).unwrap();
        let listing = Listing { files: &files, options: &options, flavour };
        listing.directory("/etc")
    }

    #[test]
    fn hidden_files_are_listed_when_asked_for() {
        assert_eq!(listed("-1", Flavour::Host), "hosts\nmtab\n");
        assert_eq!(listed("-a", Flavour::Busybox), ".\n..\n.hidden\nhosts\nmtab\n");
    }

    #[test]
    fn long_entries_show_size_and_target() {
        assert_eq!(
            listed("-l", Flavour::Host),
            "total 0\n-rw-r--r-- 1 root root 20 Jan  1 00:00 hosts\n\
             lrwxrwxrwx 1 root root 12 Jan  1 00:00 mtab -> /proc/mounts\n"
        );
        assert!(listed("-l", Flavour::Busybox).contains("-rw-r--r--    1 root     root            20 Jan"));
    }
}
