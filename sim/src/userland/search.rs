//! Where a command's name leads: the directories of PATH and what lies there. A program of the place is found where
//! programs lie, whether or not the filesystem shows it; another file that may be run is a script for its interpreter.

use super::files::View;
use super::files::path::{base, join, normalise};
use super::{Errno, Flavour, Programs};

/// The path that is searched when nothing else is said.
pub const DEFAULT_PATH: &str = "/sbin:/usr/sbin:/bin:/usr/bin";

/// Where programs lie.
const DIRECTORIES: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];

/// Scripts whose interpreters are scripts, at most.
const DEPTH: u32 = 4;

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Where.
    pub path: String,
    /// The program it is; a script otherwise.
    pub program: Option<String>,
}

/// A place as somebody sees it who looks for programs.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// Its files.
    pub files: View<'a>,
    /// Its programs.
    pub programs: &'a Programs,
    /// Whose they are.
    pub flavour: Flavour,
    /// The working directory.
    pub cwd: &'a str,
}

impl Search<'_> {
    /// What the command `name` is for a PATH.
    ///
    /// # Errors
    /// `NoEntry`, or `AccessDenied` when something is there that may not be run.
    pub fn find(&self, name: &str, path: &str) -> Result<Found, Errno> {
        if name.contains('/') {
            return self.at(name);
        }
        if name.is_empty() {
            return Err(Errno::NoEntry);
        }
        let directories = || path.split(':').map(|directory| if directory.is_empty() { "." } else { directory });
        let mut error = Errno::NoEntry;
        for directory in directories() {
            match self.file(&join(directory, name)) {
                Ok(found) => return Ok(found),
                Err(Errno::AccessDenied) => error = Errno::AccessDenied,
                Err(_) => {}
            }
        }
        let usual = if self.flavour == Flavour::Host { "/usr/bin" } else { "/bin" };
        let known = || directories().filter(|directory| DIRECTORIES.contains(directory));
        match known().find(|directory| *directory == usual).or_else(|| known().next()) {
            Some(directory) if self.is_program(name) => self.at(&join(directory, name)),
            _ => Err(error),
        }
    }

    /// What can be run at a path, shown in the filesystem or not.
    fn at(&self, path: &str) -> Result<Found, Errno> {
        let full = normalise(self.cwd, path);
        let (directory, name) = full.rsplit_once('/').expect("an absolute path has a slash");
        match self.file(path) {
            Err(Errno::NoEntry) if DIRECTORIES.contains(&directory) && self.is_program(name) => {
                Ok(Found { path: path.to_owned(), program: Some(name.to_owned()) })
            }
            other => other,
        }
    }

    /// What can be run at a path as the filesystem shows it.
    fn file(&self, path: &str) -> Result<Found, Errno> {
        let full = normalise(self.cwd, path);
        let found = |program: Option<&str>| Found { path: path.to_owned(), program: program.map(str::to_owned) };
        match self.files.locate(&full) {
            Ok((stat, real)) if stat.program => {
                // What a link is called says what it is, as busybox does; a copy under another name is still its own.
                let name = [base(&full), base(&real)].into_iter().find(|name| self.is_program(name));
                name.map(|name| found(Some(name))).ok_or(Errno::NoEntry)
            }
            Ok((stat, _)) if stat.is_executable() => Ok(found(None)),
            Ok(_) => Err(Errno::AccessDenied),
            Err(Errno::NotDirectory) => Err(Errno::NotDirectory),
            Err(_) => Err(Errno::NoEntry),
        }
    }

    fn is_program(&self, name: &str) -> bool {
        self.programs.find(self.flavour, name).is_some()
    }

    /// The program that `argv` starts, and the arguments it gets: a script is given to its interpreter.
    ///
    /// # Errors
    /// As for `find`.
    pub fn command(&self, argv: Vec<String>, path: &str) -> Result<(String, Vec<String>), Errno> {
        let mut argv = argv;
        for _ in 0..DEPTH {
            let found = self.find(argv.first().map_or("", String::as_str), path)?;
            let Some(program) = found.program else {
                let mut words = self.interpreter(&found.path);
                words.push(found.path);
                words.extend(argv.into_iter().skip(1));
                argv = words;
                continue;
            };
            return Ok((program, argv));
        }
        Err(Errno::TooManyLinks)
    }

    /// The interpreter that the first line of a script names, with at most one argument.
    fn interpreter(&self, path: &str) -> Vec<String> {
        let bytes = self.files.read(&normalise(self.cwd, path)).unwrap_or_default();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let Some(rest) = line.strip_prefix("#!") else { return vec!["/bin/sh".to_owned()] };
        let rest = rest.trim();
        match rest.split_once([' ', '\t']) {
            Some((program, argument)) => vec![program.to_owned(), argument.trim().to_owned()],
            None => vec![rest.to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::files::{Files, Made};
    use crate::userland::programs;

    #[test]
    fn programs_and_scripts_are_found_on_the_path() {
        let programs = programs::linux();
        let mut files = Files::default();
        files.make_directory("/opt");
        files.write("/opt/tool", "#!/usr/bin/env bash\n").unwrap();
        files.write("/opt/plain", "echo\n").unwrap();
        files.view_mut().set_mode("/opt/tool", 0o755).unwrap();
        files.view_mut().make("/opt/list", Made::Link("/bin/ls".to_owned()), 0o777).unwrap();
        let search = Search { files: files.view(), programs: &programs, flavour: Flavour::Busybox, cwd: "/opt" };
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(search.command(words("ls -l"), DEFAULT_PATH), Ok(("ls".to_owned(), words("ls -l"))));
        assert_eq!(search.command(words("/sbin/ip a"), ""), Ok(("ip".to_owned(), words("/sbin/ip a"))));
        assert_eq!(search.find("/opt/ls", ""), Err(Errno::NoEntry));
        assert_eq!(search.find("plain", "/opt"), Err(Errno::AccessDenied));
        assert_eq!(search.find("ls", "/nowhere"), Err(Errno::NoEntry));
        let (program, argv) = search.command(words("./tool x"), DEFAULT_PATH).unwrap();
        assert_eq!((program.as_str(), argv), ("env", words("/usr/bin/env bash ./tool x")));
    }
}
