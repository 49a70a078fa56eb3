//! `GET /containers/{name}/top`: the processes of a container as the host's `ps` lists them.
//!
//! How it works: the engine runs `ps` with the arguments that it is given and keeps the lines with the container's pids.
//! Here the columns are those that the arguments ask for; what no process here has (a share of processor or memory) is 0.

use netyard_sim::time::Instant;
use netyard_sim::userland::{Pid, User, accounts};
use netyard_sim::world::World;
use serde_json::json;

use super::{Call, Engine, Reply};
use crate::container::{Container, State};
use crate::error::Error;

/// What `ps` shows when nothing is asked for.
const FULL: [&str; 8] = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
/// What it shows for `u` (`aux`).
const USER: [&str; 11] = ["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "bsdtime", "args"];
/// What it shows for any other word without a dash (`ax`).
const SHORT_BSD: [&str; 5] = ["pid", "tty", "stat", "bsdtime", "args"];
/// What it shows when only processes are chosen (`-e`).
const SHORT: [&str; 4] = ["pid", "tty", "time", "cmd"];

/// Letters that stand alone, those that take a value, and what is said of others.
type Letters = (&'static str, &'static str, &'static str);
/// Behind a dash.
const SYSV: Letters = ("AFHLMNPTVZacdefjlmwy", "CGOUgknopqstu", "unsupported SysV option");
/// Without one.
const BSD: Letters = ("HSTVacefghjlmnrsuvwx", "NOUkopt", "unsupported option (BSD syntax)");
/// Words behind two dashes that choose no columns.
const LONG: [&str; 17] = [
    "columns",
    "cols",
    "cumulative",
    "deselect",
    "forest",
    "headers",
    "heading",
    "lines",
    "no-headers",
    "no-heading",
    "pid",
    "ppid",
    "quick-pid",
    "rows",
    "sort",
    "user",
    "width",
];
/// Who has started what was not started in a container: its main process and those of execs.
const INIT: Pid = Pid(1);

/// A column: its key, its title, and how the key may be written too.
const COLUMNS: [(&str, &str, &[&str]); 24] = [
    ("%cpu", "%CPU", &["pcpu"]),
    ("%mem", "%MEM", &["pmem"]),
    ("args", "COMMAND", &["command"]),
    ("bsdtime", "TIME", &[]),
    ("c", "C", &[]),
    ("cmd", "CMD", &[]),
    ("comm", "COMMAND", &["ucmd", "ucomm"]),
    ("etime", "ELAPSED", &[]),
    ("gid", "GID", &["egid"]),
    ("group", "GROUP", &["egroup"]),
    ("ni", "NI", &["nice"]),
    ("pgid", "PGID", &["pgrp"]),
    ("pid", "PID", &["tgid"]),
    ("ppid", "PPID", &[]),
    ("pri", "PRI", &[]),
    ("rss", "RSS", &["rssize"]),
    ("stat", "STAT", &["s", "state"]),
    ("start", "START", &["start_time", "bsdstart"]),
    ("stime", "STIME", &[]),
    ("time", "TIME", &["cputime"]),
    ("tt", "TT", &["tname"]),
    ("tty", "TTY", &[]),
    ("uid", "UID", &["euid"]),
    ("user", "USER", &["euser", "uname"]),
];
/// Columns that only differ by their key: vsz stands apart because its title is its key.
const VSZ: (&str, &str) = ("vsz", "VSZ");

impl Engine {
    /// `GET /containers/{name}/top`.
    pub(super) fn container_top(&self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        if !container.is_running() {
            return Err(Error::ContainerNotRunning(container.id));
        }
        let columns = columns(call.target.query.text("ps_args").unwrap_or("-ef"))?;
        let context = container.context.expect("a running container has files");
        let pids = world.processes.pids_of(context);
        let line = |pid: &Pid| columns.iter().map(|(column, _)| self.cell(world, container, *pid, column)).collect();
        let processes: Vec<Vec<String>> = pids.iter().map(line).collect();
        let titles: Vec<&String> = columns.iter().map(|(_, title)| title).collect();
        Ok(Reply::ok(&json!({ "Processes": processes, "Titles": titles })))
    }

    fn cell(&self, world: &World, container: &Container, pid: Pid, column: &str) -> String {
        let argv = world.processes.argv(pid).unwrap_or_default();
        let program = argv.first().map_or("", String::as_str);
        let user = world.processes.user(pid).cloned().unwrap_or(User::ROOT);
        let started = world.processes.started(pid).unwrap_or(Instant::ZERO);
        let state = if matches!(container.state, State::Paused(_)) { "D" } else { "S" };
        match column {
            "pid" => pid.0.to_string(),
            "ppid" | "pgid" => world.processes.parent(pid).unwrap_or(INIT).0.to_string(),
            "uid" | "user" => self.named(world, accounts::PASSWD, user.uid),
            "group" => self.named(world, accounts::GROUP, user.gid),
            "gid" => user.gid.to_string(),
            "c" | "ni" | "vsz" | "rss" => "0".to_owned(),
            "pri" => "19".to_owned(),
            "%cpu" | "%mem" => "0.0".to_owned(),
            "tty" | "tt" => if container.config.tty { "pts/0" } else { "?" }.to_owned(),
            "stime" | "start" => {
                let at = self.epoch.utc(started);
                format!("{:02}:{:02}", at.hour(), at.minute())
            }
            "time" => "00:00:00".to_owned(),
            "bsdtime" => "0:00".to_owned(),
            "etime" => elapsed(world.now().since(started).as_secs()),
            "stat" => state.to_owned(),
            "comm" => program.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => argv.join(" "),
        }
    }
}

impl Engine {
    /// What the host calls a user or group.
    fn named(&self, world: &World, path: &str, number: u32) -> String {
        let text = world.processes.context(self.host.context).files.text(path);
        accounts::name_of(&text, number).map_or_else(|| number.to_string(), str::to_owned)
    }
}

fn elapsed(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours:02}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

fn title(column: &str) -> &'static str {
    COLUMNS.iter().find(|(key, ..)| *key == column).map_or(VSZ.1, |(_, title, _)| title)
}

/// What the words of a `ps` command line ask for.
#[derive(Default)]
struct Asked {
    columns: Vec<Column>,
    /// `-f` and its kind.
    full: bool,
    /// A word without a dash: BSD's way.
    bsd: bool,
    /// `u`.
    user: bool,
}

/// A column: its key and what stands above it.
type Column = (&'static str, String);

/// The columns that the arguments ask for.
///
/// # Errors
/// What cannot be read, or that the pid is not among them.
fn columns(args: &str) -> Result<Vec<Column>, Error> {
    let mut asked = Asked::default();
    let mut words = args.split_whitespace();
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => asked.long(&long[1..])?,
            Some(letters) => asked.letters(letters, SYSV, &mut words)?,
            None if word.bytes().all(|b| b.is_ascii_digit() || b == b',') => {}
            None => {
                asked.bsd = true;
                asked.letters(word, BSD, &mut words)?;
            }
        }
    }
    let columns = match &asked {
        Asked { columns, .. } if !columns.is_empty() => columns.clone(),
        Asked { user: true, .. } => titled(&USER),
        Asked { full: true, .. } => titled(&FULL),
        Asked { bsd: true, .. } => titled(&SHORT_BSD),
        _ => titled(&SHORT),
    };
    if columns.iter().any(|(_, title)| title == "PID") { Ok(columns) } else { Err(Error::PidColumnMissing) }
}

fn titled(keys: &[&'static str]) -> Vec<Column> {
    keys.iter().map(|key| (*key, title(key).to_owned())).collect()
}

impl Asked {
    fn long(&mut self, word: &str) -> Result<(), Error> {
        match word.split_once('=') {
            Some(("format", list)) => self.list(list),
            _ if LONG.contains(&word.split('=').next().unwrap_or_default()) => Ok(()),
            _ => Err(Error::PsRefused("unknown gnu long option".to_owned())),
        }
    }

    /// The letters of one word; those that take a value have the rest of it, or the next word.
    fn letters<'a>(
        &mut self,
        word: &str,
        (plain, valued, why): Letters,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let mut letters = word.chars();
        while let Some(letter) = letters.next() {
            if valued.contains(letter) {
                let rest = letters.as_str();
                let value = if rest.is_empty() { words.next().unwrap_or_default() } else { rest };
                return if letter == 'o' { self.list(value) } else { Ok(()) };
            }
            if !plain.contains(letter) {
                return Err(Error::PsRefused(why.to_owned()));
            }
            self.user |= self.bsd && letter == 'u';
            self.full |= !self.bsd && matches!(letter, 'f' | 'F' | 'l' | 'j');
        }
        Ok(())
    }

    /// Columns with commas between; the last may have a title of its own.
    fn list(&mut self, list: &str) -> Result<(), Error> {
        let (keys, own) = list.split_once('=').map_or((list, None), |(keys, own)| (keys, Some(own)));
        for key in keys.split(',').filter(|key| !key.is_empty()) {
            let key = known(key)?;
            self.columns.push((key, title(key).to_owned()));
        }
        if let (Some(own), Some(last)) = (own, self.columns.last_mut()) {
            own.clone_into(&mut last.1);
        }
        Ok(())
    }
}

fn known(key: &str) -> Result<&'static str, Error> {
    let is_it = |column: &&(&'static str, &'static str, &[&str])| column.0 == key || column.2.contains(&key);
    match COLUMNS.iter().find(is_it) {
        Some((known, ..)) => Ok(known),
        None if key == VSZ.0 => Ok(VSZ.0),
        None => Err(Error::PsRefused(format!("unknown user-defined format specifier \"{key}\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_columns() {
        let titles = |args| columns(args).unwrap().into_iter().map(|(_, title)| title).collect::<Vec<_>>().join(" ");
        assert_eq!(titles("-ef"), "UID PID PPID C STIME TTY TIME CMD");
        assert_eq!(titles("aux"), "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND");
        assert_eq!(titles("ax"), "PID TTY STAT TIME COMMAND");
        assert_eq!(titles("-e"), "PID TTY TIME CMD");
        assert_eq!(titles("-o pid,ucmd -o ppid=up"), "PID COMMAND up");
        assert_eq!(titles("axo pid,stat,command"), "PID STAT COMMAND");
        let refused = |args| columns(args).unwrap_err().to_string();
        assert_eq!(refused("-eo comm"), "Couldn't find PID field in ps output");
        assert_eq!(refused("-o pid="), "Couldn't find PID field in ps output");
        assert_eq!(refused("-banana"), "ps: error: unsupported SysV option");
        assert_eq!(refused("banana"), "ps: error: unsupported option (BSD syntax)");
        assert_eq!(refused("--nosuch"), "ps: error: unknown gnu long option");
        assert_eq!(elapsed(61), "01:01");
    }
}
