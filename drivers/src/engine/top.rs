//! `GET /containers/{name}/top`: the processes of a container as the host's `ps` lists them.
//!
//! How it works: the engine runs `ps` with the arguments that it is given and keeps the lines with the container's pids.
//! Here the columns are those that the arguments ask for; what no process here has (a share of processor or memory) is 0.

use netyard_sim::time::Instant;
use netyard_sim::userland::Pid;
use netyard_sim::world::World;
use serde_json::json;

use super::{Call, Engine, Reply};
use crate::container::{Container, State};
use crate::error::Error;

/// What `ps` shows when nothing is asked for.
const FULL: [&str; 8] = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
/// What it shows for `u` (`aux`).
const USER: [&str; 11] = ["user", "pid", "%cpu", "%mem", "vsz", "rss", "tt", "stat", "start", "bsdtime", "args"];
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
        let line = |pid: &Pid| columns.iter().map(|column| self.cell(world, container, *pid, column)).collect();
        let processes: Vec<Vec<String>> = pids.iter().map(line).collect();
        let titles: Vec<&str> = columns.iter().map(|column| title(column)).collect();
        Ok(Reply::ok(&json!({ "Processes": processes, "Titles": titles })))
    }

    fn cell(&self, world: &World, container: &Container, pid: Pid, column: &str) -> String {
        let argv = world.processes.argv(pid).unwrap_or_default();
        let program = argv.first().map_or("", String::as_str);
        let started = world.processes.started(pid).unwrap_or(Instant::ZERO);
        let state = if matches!(container.state, State::Paused(_)) { "D" } else { "S" };
        match column {
            "pid" => pid.0.to_string(),
            "ppid" | "pgid" => world.processes.parent(pid).unwrap_or(INIT).0.to_string(),
            "uid" | "user" | "group" => "root".to_owned(),
            "gid" | "c" | "ni" | "vsz" | "rss" => "0".to_owned(),
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

fn elapsed(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours:02}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

fn title(column: &str) -> &'static str {
    COLUMNS.iter().find(|(key, ..)| *key == column).map_or(VSZ.1, |(_, title, _)| title)
}

/// The columns that the arguments ask for.
///
/// # Errors
/// What cannot be found, or that the pid is not among them.
fn columns(args: &str) -> Result<Vec<&'static str>, Error> {
    let mut asked: Vec<&str> = Vec::new();
    let mut user = false;
    let mut words = args.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(list) = word.strip_prefix("-o").or_else(|| word.strip_prefix('o')) {
            let list = if list.is_empty() { words.next().unwrap_or_default() } else { list };
            asked.extend(list.split(',').filter(|key| !key.is_empty()));
        } else {
            user |= !word.starts_with('-') && word.contains('u');
        }
    }
    let columns = match (asked.is_empty(), user) {
        (true, false) => FULL.to_vec(),
        (true, true) => USER.to_vec(),
        (false, _) => asked.into_iter().map(known).collect::<Result<_, _>>()?,
    };
    if columns.contains(&"pid") { Ok(columns) } else { Err(Error::PidColumnMissing) }
}

fn known(key: &str) -> Result<&'static str, Error> {
    let is_it = |column: &&(&'static str, &'static str, &[&str])| column.0 == key || column.2.contains(&key);
    match COLUMNS.iter().find(is_it) {
        Some((known, ..)) => Ok(known),
        None if key == VSZ.0 => Ok(VSZ.0),
        None => Err(Error::PsRefused(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_choose_columns() {
        assert_eq!(columns("-ef").unwrap(), FULL);
        assert_eq!(columns("aux").unwrap(), USER);
        let chosen = columns("-o pid,ucmd -o ppid").unwrap();
        assert_eq!(chosen.iter().map(|key| title(key)).collect::<Vec<_>>(), ["PID", "COMMAND", "PPID"]);
        assert_eq!(columns("-o comm").unwrap_err().to_string(), "Couldn't find PID field in ps output");
        assert_eq!(elapsed(61), "01:01");
    }
}
