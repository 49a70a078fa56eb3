//! `ls`: the names in directories, and what they stand for.

use core::fmt::Write as _;

use super::mode;
use crate::userland::accounts::{GROUP, PASSWD};
use crate::userland::files::{Kind, Stamp, Stat, View, path};
use crate::userland::options::{Options, Order};
use crate::userland::user::Want;
use crate::userland::{Errno, Flavour, Sys};
use time::OffsetDateTime;

/// `ls [-1aAlhdRFrtSin] [FILE]…`
pub(super) fn ls(sys: &mut Sys<'_>) -> i32 {
    let flavour = sys.flavour();
    let options = match Options::parse(sys.argv(), "1alAdhFRrtSipnsCxgoQLHckuvmqGX", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            sys.eprint(error.text("ls", "[-1AaCxdLHRFplinshrSXvctu] [FILE]...", flavour));
            return if flavour == Flavour::Host { 2 } else { 1 };
        }
    };
    let names = if options.operands.is_empty() { vec![".".to_owned()] } else { options.operands.clone() };
    let (mut files, mut directories, mut status) = (Vec::new(), Vec::new(), 0);
    let short = !options.has('l') && !options.has('F');
    for name in names {
        let path = sys.absolute(&name);
        let slashed = if name.ends_with('/') { format!("{path}/") } else { path.clone() };
        let follows = short || slashed.ends_with('/');
        let stat = sys.files().stat(&slashed).ok().filter(|_| follows);
        match stat.map_or_else(|| sys.files().lstat(&path), Ok) {
            Ok(stat) if stat.is_directory() && !options.has('d') => match sys.files().access(Want::Read, &path) {
                Ok(()) => directories.push((name, path)),
                Err(errno) => {
                    let said = match flavour {
                        Flavour::Host => format!("cannot open directory '{name}'"),
                        Flavour::Busybox => format!("can't open '{name}'"),
                    };
                    status = refuse(sys, &said, errno);
                }
            },
            Ok(stat) => files.push(Row { name, path, stat }),
            Err(errno) => {
                let said = if flavour == Flavour::Host { format!("cannot access '{name}'") } else { name };
                status = refuse(sys, &said, errno);
            }
        }
    }
    let zone = sys.epoch().utc(sys.now());
    let screen = sys.terminal(1).map(|terminal| usize::from(terminal.size.1));
    let abreast = screen.is_some() || options.has('C') || options.has('x');
    // The last column stays free, as a terminal may begin a new line there.
    let width = screen.filter(|width| *width > 0).unwrap_or(80) - 1;
    let width = (abreast && !options.has('1')).then_some(width);
    let listing = Listing { files: sys.files(), options: &options, flavour, now: zone, sys, width };
    let text = listing.all(files, directories);
    sys.print(text);
    status
}

/// Says what cannot be listed; the exit status for that.
fn refuse(sys: &mut Sys<'_>, said: &str, errno: Errno) -> i32 {
    sys.eprint(format!("ls: {said}: {errno}\n"));
    if sys.flavour() == Flavour::Host { 2 } else { 1 }
}

struct Row {
    name: String,
    path: String,
    stat: Stat,
}

/// How the entries of directories are printed.
struct Listing<'a> {
    files: View<'a>,
    options: &'a Options,
    flavour: Flavour,
    now: OffsetDateTime,
    sys: &'a Sys<'a>,
    /// How wide a line may be when names stand side by side.
    width: Option<usize>,
}

/// Directories inside of each other that `-R` lists, at most.
const DIRECTORIES: usize = 100_000;

impl Listing<'_> {
    /// Files first, then the directories, each with its name when there is more than one thing.
    fn all(&self, mut files: Vec<Row>, mut directories: Vec<(String, String)>) -> String {
        self.sort(&mut files);
        directories.sort();
        let mut text = self.rows(&files);
        let recursive = self.options.has('R');
        let named = files.len() + directories.len() > 1 || recursive;
        let mut todo: Vec<(String, String)> = directories.into_iter().rev().collect();
        let mut seen = 0;
        while let Some((name, path)) = todo.pop() {
            if named {
                let gap = if text.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}{name}:");
            }
            let rows = self.directory(&path);
            if self.options.has('l') || self.options.has('s') {
                let _ = writeln!(text, "total {}", rows.iter().map(|row| blocks(&row.stat) / 2).sum::<u64>());
            }
            text.push_str(&self.rows(&rows));
            seen += 1;
            if recursive && seen < DIRECTORIES {
                let inner = rows.into_iter().rev().filter(|row| row.stat.is_directory());
                let inner = inner.filter(|row| row.name != "." && row.name != "..");
                todo.extend(inner.map(|row| (path::join(&name, &row.name), row.path)));
            }
        }
        text
    }

    fn directory(&self, directory: &str) -> Vec<Row> {
        let hidden = self.options.has('a') || self.options.has('A');
        let own = if self.options.has('a') { vec![".".to_owned(), "..".to_owned()] } else { Vec::new() };
        let names = self.files.list(directory).into_iter();
        let names = own.into_iter().chain(names).filter(|name| hidden || !name.starts_with('.'));
        let mut rows: Vec<Row> = names
            .filter_map(|name| {
                let path = path::normalise(directory, &name);
                let stat = self.files.lstat(&path).ok()?;
                Some(Row { name, path, stat })
            })
            .collect();
        self.sort(&mut rows);
        rows
    }

    fn sort(&self, rows: &mut [Row]) {
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        if self.options.has('S') {
            rows.sort_by_key(|row| core::cmp::Reverse(row.stat.size));
        }
        if self.options.has('t') {
            rows.sort_by_key(|row| core::cmp::Reverse(row.stat.mtime));
        }
        if self.options.has('r') {
            rows.reverse();
        }
    }

    fn rows(&self, rows: &[Row]) -> String {
        if !['l', 'n', 'g', 'o'].iter().any(|letter| self.options.has(*letter)) {
            let names: Vec<String> = rows.iter().map(|row| self.number(row) + &self.name(row)).collect();
            return match self.width {
                Some(width) => columns(&names, width, self.options.has('x')),
                None => names.iter().map(|name| format!("{name}\n")).collect(),
            };
        }
        let cells: Vec<[String; 5]> = rows.iter().map(|row| self.cells(row)).collect();
        let width = |at: usize| cells.iter().map(|cells| cells[at].len()).max().unwrap_or(0);
        let widths = match self.flavour {
            // A fixed lay-out for containers, columns as wide as needed on hosts.
            Flavour::Busybox => [6, 8, 8, 0, 0],
            Flavour::Host => [width(0) + 1, width(1), width(2), width(3), 0],
        };
        rows.iter().zip(&cells).map(|(row, cells)| self.long(row, cells, &widths)).collect()
    }

    /// Links, owner, group, size and date.
    fn cells(&self, row: &Row) -> [String; 5] {
        let names = |database: &str, id: u32| match self.options.has('n') {
            true => id.to_string(),
            false => mode::name(self.sys, database, id),
        };
        let size = match row.stat.kind {
            Kind::Device(device) => {
                let (major, minor) = device.numbers();
                if self.flavour == Flavour::Host {
                    format!("{major}, {minor}")
                } else {
                    format!("{major:>4},{minor:>4}")
                }
            }
            _ if self.options.has('h') => human(row.stat.size, self.flavour),
            _ => row.stat.size.to_string(),
        };
        let (uid, gid) = (names(PASSWD, row.stat.uid), names(GROUP, row.stat.gid));
        [row.stat.links.to_string(), uid, gid, size, date(row.stat.mtime, self.now)]
    }

    fn long(&self, row: &Row, [links, user, group, size, date]: &[String; 5], widths: &[usize; 5]) -> String {
        let [first, second, third, fourth, _] = *widths;
        let mode = mode::letters(&row.stat);
        let name = self.name(row);
        let arrow = match row.stat.kind {
            Kind::Link => self.files.target(&row.path).map(|target| format!(" -> {target}")).unwrap_or_default(),
            _ => String::new(),
        };
        let number = self.number(row);
        match self.flavour {
            Flavour::Busybox => {
                let wide = if self.options.has('h') { 9 } else { 10 };
                format!(
                    "{number}{mode}{links:>5} {user:<8} {group:<8} {size:>wide$}{date} {name}{arrow}\n",
                    date = gap(date),
                    wide = wide - 1
                )
            }
            Flavour::Host => format!(
                "{number}{mode}{links:>first$} {user:<second$} {group:<third$} {size:>fourth$} {date} {name}{arrow}\n"
            ),
        }
    }

    fn number(&self, row: &Row) -> String {
        if self.options.has('i') { format!("{:>7} ", row.stat.ino) } else { String::new() }
    }

    fn name(&self, row: &Row) -> String {
        let mark = match (self.options.has('F'), self.options.has('p'), row.stat.kind) {
            (true, _, Kind::Directory) | (false, true, Kind::Directory) => "/",
            (true, _, Kind::Link) => "@",
            (true, _, Kind::Fifo) => "|",
            (true, _, Kind::File) if row.stat.mode & 0o111 != 0 => "*",
            _ => "",
        };
        format!("{}{mark}", row.name)
    }
}

/// Names side by side, down the columns, or across with `-x`.
fn columns(names: &[String], width: usize, across: bool) -> String {
    let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) + 2;
    let abreast = (width / wide).max(1);
    let rows = names.len().div_ceil(abreast);
    let mut text = String::new();
    for row in 0..rows {
        let mut owed = 0;
        for column in 0..abreast {
            let at = if across { row * abreast + column } else { column * rows + row };
            let Some(name) = names.get(at) else { continue };
            text.push_str(&" ".repeat(owed));
            text.push_str(name);
            owed = wide - name.chars().count();
        }
        text.push('\n');
    }
    text
}

fn gap(date: &str) -> String {
    format!(" {date}")
}

/// The blocks of 512 bytes that something takes.
pub(super) fn blocks(stat: &Stat) -> u64 {
    match stat.kind {
        Kind::Directory | Kind::File => stat.size.div_ceil(4096) * 8,
        Kind::Link | Kind::Device(_) | Kind::Fifo => 0,
    }
}

/// `1.5K` and so on.
pub(super) fn human(size: u64, flavour: Flavour) -> String {
    let units = ['K', 'M', 'G', 'T'];
    let mut value = size;
    let mut unit = None;
    let mut tenths = size * 10;
    for letter in units {
        if value < 1024 {
            break;
        }
        tenths = match flavour {
            // GNU rounds up.
            Flavour::Host => (tenths).div_ceil(1024),
            Flavour::Busybox => (tenths + 512) / 1024,
        };
        value = tenths / 10;
        unit = Some(letter);
    }
    match unit {
        None => size.to_string(),
        Some(letter) if flavour == Flavour::Host && value >= 10 => format!("{}{letter}", tenths.div_ceil(10)),
        Some(letter) => format!("{}.{}{letter}", tenths / 10, tenths % 10),
    }
}

/// `Jan  2 15:04`, or the year when it is not within half a year of now.
pub(super) fn date(at: Stamp, now: OffsetDateTime) -> String {
    let date = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = &date.month().to_string()[..3];
    let age = now.unix_timestamp() - at.seconds();
    if (-60..365 * 86400 / 2).contains(&age) {
        return format!("{month} {:>2} {:02}:{:02}", date.day(), date.hour(), date.minute());
    }
    format!("{month} {:>2}  {}", date.day(), date.year())
}
