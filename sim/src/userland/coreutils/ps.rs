//! `ps`: the processes of a place in columns, as procps and as busybox lay them out.

use super::mode;
use crate::time::Duration;
use crate::userland::accounts::{GROUP, PASSWD};
use crate::userland::proc::comm;
use crate::userland::process::Seen;
use crate::userland::{Flavour, Sys};

/// A column: its key, how the key may be written too, its title, its width, and whether numbers stand at its right.
struct Column {
    key: &'static str,
    others: &'static [&'static str],
    title: &'static str,
    width: usize,
    right: bool,
}

const fn left(key: &'static str, others: &'static [&'static str], title: &'static str, width: usize) -> Column {
    Column { key, others, title, width, right: false }
}

const fn right(key: &'static str, others: &'static [&'static str], title: &'static str, width: usize) -> Column {
    Column { key, others, title, width, right: true }
}

/// Those of busybox, in the order in which it names them.
const BUSYBOX: [Column; 15] = [
    left("user", &[], "USER", 8),
    left("group", &[], "GROUP", 8),
    left("comm", &[], "COMMAND", 16),
    left("args", &[], "COMMAND", 0),
    right("pid", &[], "PID", 5),
    right("ppid", &[], "PPID", 5),
    right("pgid", &[], "PGID", 5),
    right("nice", &[], "NI", 5),
    left("rgroup", &[], "RGROUP", 8),
    left("ruser", &[], "RUSER", 8),
    left("tty", &[], "TT", 6),
    right("vsz", &[], "VSZ", 4),
    right("sid", &[], "SID", 5),
    left("stat", &[], "STAT", 4),
    right("rss", &[], "RSS", 4),
];

/// Those of procps; the last ones have keys of their own here for two layouts that it gives no other name.
const PROCPS: [Column; 25] = [
    left("args", &["command"], "COMMAND", 27),
    left("cmd", &[], "CMD", 27),
    left("comm", &["ucmd", "ucomm"], "COMMAND", 15),
    right("pid", &["tgid"], "PID", 7),
    right("ppid", &[], "PPID", 7),
    right("pgid", &["pgrp"], "PGID", 7),
    right("sid", &["sess", "session"], "SID", 7),
    left("user", &["euser", "uname"], "USER", 8),
    left("ruser", &[], "RUSER", 8),
    left("group", &["egroup"], "GROUP", 8),
    left("rgroup", &[], "RGROUP", 8),
    right("uid", &["euid"], "UID", 5),
    right("gid", &["egid"], "GID", 5),
    left("tty", &["tt", "tname"], "TT", 8),
    left("stat", &["state", "s"], "STAT", 4),
    right("time", &["cputime"], "TIME", 8),
    right("etime", &[], "ELAPSED", 11),
    right("nice", &["ni"], "NI", 3),
    right("vsz", &["vsize"], "VSZ", 6),
    right("rss", &["rssize"], "RSS", 5),
    right("%cpu", &["pcpu"], "%CPU", 4),
    right("%mem", &["pmem"], "%MEM", 4),
    right("c", &[], "C", 2),
    right("stime", &["start_time", "start"], "STIME", 5),
    right("bsdtime", &[], "TIME", 6),
];

/// What a process is said to take of memory, in KiB.
const SIZES: [(&str, &str); 2] = [("vsz", "4416"), ("rss", "4")];

/// What one column of a listing is: where it stands in the table, and its title.
type Chosen = (&'static Column, String);

/// `ps [-o COLUMN,…] [-p PID]`, and on a host also `ps -f` and `ps u`.
pub(super) fn ps(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let flavour = sys.flavour();
    let columns = match columns(&words, flavour) {
        Ok(columns) => columns,
        Err(text) => {
            sys.eprint(text);
            return 1;
        }
    };
    let wanted = words.iter().skip_while(|word| *word != "-p").nth(1).filter(|_| flavour == Flavour::Host);
    let kernel = sys.kernel();
    let is_wanted =
        |seen: &Seen<'_>| wanted.is_none_or(|list| list.split(',').any(|pid| pid == seen.pid.0.to_string()));
    let rows = kernel.processes().filter(is_wanted);
    let rows: Vec<Vec<String>> =
        rows.map(|seen| columns.iter().map(|(column, _)| cell(sys, &seen, column.key)).collect()).collect();
    let titles: Vec<String> = columns.iter().map(|(_, title)| title.clone()).collect();
    let mut text = String::new();
    if titles.iter().any(|title| !title.is_empty()) {
        text.push_str(&line(&columns, &titles, flavour == Flavour::Host));
    }
    rows.iter().for_each(|row| text.push_str(&line(&columns, row, true)));
    sys.print(text);
    i32::from(rows.is_empty())
}

/// The columns that are asked for.
///
/// # Errors
/// What is said of one that is not there.
fn columns(words: &[String], flavour: Flavour) -> Result<Vec<Chosen>, String> {
    let mut asked = Vec::new();
    let (mut full, mut user) = (false, false);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        // `-eo` is several options in one word, of which the last has a value.
        match word.strip_prefix('-').and_then(|word| word.split_once('o')) {
            Some((_, "")) => asked.extend(words.next().unwrap_or_default().split(',').map(str::to_owned)),
            Some((_, list)) => asked.extend(list.split(',').map(str::to_owned)),
            None if word.starts_with('-') => full |= word.contains('f'),
            None => user |= word.contains('u'),
        }
    }
    let keys: &[&str] = match (flavour, full, user) {
        (Flavour::Busybox, ..) => &["pid", "user", "args"],
        (Flavour::Host, true, _) => &["user=UID", "pid", "ppid", "c", "stime", "tty=TTY", "time", "cmd"],
        (Flavour::Host, _, true) => {
            &["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty=TTY", "stat", "stime=START", "bsdtime", "args"]
        }
        (Flavour::Host, false, false) => &["pid", "tty=TTY", "time", "comm=CMD"],
    };
    if asked.is_empty() {
        asked.extend(keys.iter().map(|key| (*key).to_owned()));
    }
    asked.iter().map(|key| chosen(key, flavour)).collect()
}

fn chosen(asked: &str, flavour: Flavour) -> Result<Chosen, String> {
    let (key, title) = asked.split_once('=').map_or((asked, None), |(key, title)| (key, Some(title)));
    let all: &'static [Column] = if flavour == Flavour::Host { &PROCPS } else { &BUSYBOX };
    let found = all.iter().find(|column| column.key == key || column.others.contains(&key));
    let column = found.ok_or_else(|| match flavour {
        Flavour::Host => format!(
            "error: unknown user-defined format specifier \"{key}\"\n\nUsage:\n ps [options]\n\n Try 'ps --help \
             <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\n\
             For more details see ps(1).\n"
        ),
        Flavour::Busybox => {
            let known: Vec<&str> = all.iter().map(|column| column.key).collect();
            format!("ps: bad -o argument '{key}', supported arguments: {}\n", known.join(","))
        }
    })?;
    Ok((column, title.unwrap_or(column.title).to_owned()))
}

/// One line; in busybox's titles even those of numbers stand at the left. What stands last is not filled up.
fn line(columns: &[Chosen], cells: &[String], aligned: bool) -> String {
    let last = columns.len() - 1;
    let cells = columns.iter().zip(cells).enumerate().map(|(at, ((column, title), text))| {
        let width = column.width.max(title.len());
        match (column.right && aligned, at == last) {
            (true, _) => format!("{text:>width$}"),
            (false, true) => text.clone(),
            (false, false) => format!("{text:<width$}"),
        }
    });
    cells.collect::<Vec<_>>().join(" ") + "\n"
}

fn cell(sys: &Sys<'_>, seen: &Seen<'_>, key: &str) -> String {
    let name = |database, number| mode::name(sys, database, number);
    if let Some((_, size)) = SIZES.iter().find(|(known, _)| *known == key) {
        return (*size).to_owned();
    }
    match key {
        "pid" => seen.pid.0.to_string(),
        "ppid" => seen.parent.0.to_string(),
        "pgid" | "sid" => seen.group.0.to_string(),
        "user" | "ruser" => name(PASSWD, seen.user.uid),
        "group" | "rgroup" => name(GROUP, seen.user.gid),
        "uid" => seen.user.uid.to_string(),
        "gid" => seen.user.gid.to_string(),
        "comm" => comm(seen),
        "tty" => "?".to_owned(),
        "stat" => seen.state.to_string(),
        "time" => "00:00:00".to_owned(),
        "bsdtime" => "0:00".to_owned(),
        "%cpu" | "%mem" => "0.0".to_owned(),
        "nice" | "c" => "0".to_owned(),
        "etime" => elapsed(seen.age),
        "stime" => {
            let at =
                sys.epoch().utc(sys.now()) - time::Duration::seconds(i64::try_from(seen.age.as_secs()).unwrap_or(0));
            format!("{:02}:{:02}", at.hour(), at.minute())
        }
        _ => seen.argv.join(" "),
    }
}

fn elapsed(age: Duration) -> String {
    let seconds = age.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours:02}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(asked: &str, cells: &[&str], flavour: Flavour) -> String {
        let words: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
        let columns = columns(&words, flavour).unwrap();
        let titles: Vec<String> = columns.iter().map(|(_, title)| title.clone()).collect();
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        line(&columns, &titles, flavour == Flavour::Host) + &line(&columns, &cells, true)
    }

    #[test]
    fn processes_are_listed_in_the_columns_asked_for() {
        let busybox = |asked, cells| shown(asked, cells, Flavour::Busybox);
        assert_eq!(busybox("", &["7", "root", "sh -c x"]), "PID   USER     COMMAND\n    7 root     sh -c x\n");
        assert_eq!(busybox("-o pid,ppid,comm", &["1", "0", "sh"]), "PID   PPID  COMMAND\n    1     0 sh\n");
        assert_eq!(busybox("-o pid=P -o nice,tty", &["1", "0", "?"]), "P     NI    TT\n    1     0 ?\n");
        let host = |asked, cells| shown(asked, cells, Flavour::Host);
        assert_eq!(host("-eo pid,args", &["7", "/bin/sh -c x"]), "    PID COMMAND\n      7 /bin/sh -c x\n");
        assert_eq!(
            host("-ef", &["root", "1", "0", "0", "07:52", "?", "00:00:17", "init"]),
            "UID          PID    PPID  C STIME TTY          TIME CMD\n\
             root           1       0  0 07:52 ?        00:00:17 init\n"
        );
        assert_eq!(
            columns(&["-o".to_owned(), "x".to_owned()], Flavour::Busybox).map(|_| ()).unwrap_err(),
            "ps: bad -o argument 'x', supported arguments: user,group,comm,args,pid,ppid,pgid,nice,rgroup,ruser,tty,\
             vsz,sid,stat,rss\n"
        );
    }
}
