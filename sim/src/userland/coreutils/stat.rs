//! `stat`, `df` and `du`: what files are and what room they take.

use core::fmt::Write as _;

use super::ls::{blocks, human};
use super::mode;
use super::operands::{complaint, each, operands};
use crate::userland::accounts::{GROUP, PASSWD};
use crate::userland::files::{BYTES_MAX, INODES_MAX, Kind, Stamp, Stat, path};
use crate::userland::options::Options;
use crate::userland::{Flavour, Sys};
use time::OffsetDateTime;

/// `stat [-L] [-t] [-c FORMAT] FILE…`
pub(super) fn stat(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "stat", "Lftc:", "[-ltf] [-c FMT] FILE...", 1) {
        Ok(options) => options,
        Err(status) => return status,
    };
    each(sys, &options.operands, |sys, name| {
        let path = sys.absolute(name);
        let stat = if options.has('L') { sys.files().stat(&path) } else { sys.files().lstat(&path) };
        let host = format!("stat: cannot statx '{name}'");
        let stat = stat.map_err(|errno| complaint(sys, &host, &format!("stat: can't stat '{name}'"), errno))?;
        let text = match options.value('c') {
            Some(format) => formatted(sys, format, name, &path, &stat) + "\n",
            None => page(sys, name, &path, &stat),
        };
        sys.print(text);
        Ok(())
    })
}

fn word(stat: &Stat) -> &'static str {
    match stat.kind {
        Kind::Directory => "directory",
        Kind::File if stat.size == 0 => "regular empty file",
        Kind::File => "regular file",
        Kind::Link => "symbolic link",
        Kind::Device(_) => "character special file",
        Kind::Fifo => "fifo",
    }
}

fn moment(at: Stamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, second) = date.to_hms();
    let month = u8::from(month);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:09} +0000", date.nanosecond())
}

fn shown(sys: &Sys<'_>, name: &str, path: &str) -> String {
    match (sys.files().target(path), sys.flavour()) {
        (Some(target), Flavour::Busybox) => format!("'{name}' -> '{target}'"),
        (Some(target), Flavour::Host) => format!("{name} -> {target}"),
        (None, _) => name.to_owned(),
    }
}

fn page(sys: &Sys<'_>, name: &str, path: &str, stat: &Stat) -> String {
    let (user, group) = (mode::name(sys, PASSWD, stat.uid), mode::name(sys, GROUP, stat.gid));
    let device = 0x2e + stat.device;
    let time = moment(stat.mtime);
    let mut text = format!("  File: {}\n", shown(sys, name, path));
    let _ = writeln!(text, "  Size: {:<10}\tBlocks: {:<10} IO Block: 4096   {}", stat.size, blocks(stat), word(stat));
    let _ = match (sys.flavour(), stat.kind) {
        (Flavour::Host, _) => writeln!(text, "Device: 0,{device}\tInode: {:<11} Links: {}", stat.ino, stat.links),
        (Flavour::Busybox, Kind::Device(kind)) => {
            let (major, minor) = kind.numbers();
            writeln!(
                text,
                "Device: {device:x}h/{device}d\tInode: {:<10}  Links: {:<5} Device type: {major:x},{minor:x}",
                stat.ino, stat.links
            )
        }
        (Flavour::Busybox, _) => {
            writeln!(text, "Device: {device:x}h/{device}d\tInode: {:<10}  Links: {}", stat.ino, stat.links)
        }
    };
    let _ = writeln!(
        text,
        "Access: ({:04o}/{})  Uid: ({:>5}/{user:>8})   Gid: ({:>5}/{group:>8})",
        stat.mode,
        mode::letters(stat),
        stat.uid,
        stat.gid
    );
    let _ = write!(text, "Access: {time}\nModify: {time}\nChange: {time}\n");
    if sys.flavour() == Flavour::Host {
        let _ = writeln!(text, " Birth: {time}");
    }
    text
}

/// The directives of `-c`.
fn formatted(sys: &Sys<'_>, format: &str, name: &str, path: &str, stat: &Stat) -> String {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let value = match letters.next() {
            Some('a') => format!("{:o}", stat.mode),
            Some('A') => mode::letters(stat),
            Some('b') => blocks(stat).to_string(),
            Some('B') => "512".to_owned(),
            Some('d') => (0x2e + stat.device).to_string(),
            Some('D') => format!("{:x}", 0x2e + stat.device),
            Some('f') => format!("{:x}", stat.kind.bits() | stat.mode),
            Some('F') => word(stat).to_owned(),
            Some('g') => stat.gid.to_string(),
            Some('G') => mode::name(sys, GROUP, stat.gid),
            Some('h') => stat.links.to_string(),
            Some('i') => stat.ino.to_string(),
            Some('n') => name.to_owned(),
            Some('N') => match sys.flavour() {
                Flavour::Busybox => shown(sys, name, path),
                Flavour::Host => format!("'{name}'"),
            },
            Some('o') => "4096".to_owned(),
            Some('s') => stat.size.to_string(),
            Some('u') => stat.uid.to_string(),
            Some('U') => mode::name(sys, PASSWD, stat.uid),
            Some('x' | 'y' | 'z') => moment(stat.mtime),
            Some('X' | 'Y' | 'Z') => stat.mtime.seconds().to_string(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
        text.push_str(&value);
    }
    text
}

/// `df [-hkmP] [FILE…]`
pub(super) fn df(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "df", "PkmhaTiB:", "[-PkmhTai] [-B SIZE] [-t TYPE] [FILESYSTEM]...", 0) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let names = if options.operands.is_empty() { vec!["/".to_owned()] } else { options.operands.clone() };
    let unit = match (options.has('h'), options.has('m')) {
        (true, _) => "     Size",
        (_, true) => "1M-blocks",
        _ => "1K-blocks",
    };
    let inodes = options.has('i');
    let head = match inodes {
        true => format!("{:<20} {:>9}      Used Available Use% Mounted on\n", "Filesystem", "Inodes"),
        false => format!("{:<20} {unit:>9}      Used Available Use% Mounted on\n", "Filesystem"),
    };
    sys.print(head);
    each(sys, &names, |sys, name| {
        let path = sys.absolute(name);
        let files = sys.files();
        files.stat(&path).map_err(|errno| format!("df: {name}: {errno}\n"))?;
        let resolved = files.resolve(&path);
        let mounts = files.mounts().filter(|(at, _)| resolved == *at || resolved.starts_with(&format!("{at}/")));
        let mounted = mounts.map(|(at, _)| at).max_by_key(|at| at.len()).unwrap_or("/");
        let (bytes, count) = files.usage(&path);
        let (used, total) = if inodes { (count as u64, INODES_MAX as u64) } else { (bytes, BYTES_MAX) };
        let show = |value: u64| match (inodes, options.has('h'), options.has('m')) {
            (true, ..) => value.to_string(),
            (_, true, _) => human(value, sys.flavour()),
            (_, _, true) => value.div_ceil(1 << 20).to_string(),
            _ => value.div_ceil(1024).to_string(),
        };
        let share = (used * 100).div_ceil(total);
        let device = if mounted == "/" && sys.flavour() == Flavour::Busybox { "overlay" } else { "/dev/vda1" };
        let line = format!(
            "{device:<20} {:>9} {:>9} {:>9} {share:>3}% {mounted}\n",
            show(total),
            show(used),
            show(total - used)
        );
        sys.print(line);
        Ok(())
    })
}

/// `du [-shkam] [FILE…]`
pub(super) fn du(sys: &mut Sys<'_>) -> i32 {
    let options = match operands(sys, "du", "aHLdclsxhmkb", "[-aHLdclsxhmk] [FILE]...", 0) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let names = if options.operands.is_empty() { vec![".".to_owned()] } else { options.operands.clone() };
    let mut total = 0;
    let status = each(sys, &names, |sys, name| {
        let mut text = String::new();
        let path = sys.absolute(name);
        if let Err(errno) = sys.files().lstat(&path) {
            return Err(complaint(sys, &format!("du: cannot access '{name}'"), &format!("du: {name}"), errno));
        }
        total += weigh(sys, name, &options, 0, &mut text);
        sys.print(text);
        Ok(())
    });
    if options.has('c') {
        let line = format!("{}\ttotal\n", amount(total, &options, sys.flavour()));
        sys.print(line);
    }
    status
}

fn amount(blocks: u64, options: &Options, flavour: Flavour) -> String {
    match (options.has('h'), options.has('m')) {
        (true, _) => human(blocks * 512, flavour),
        (_, true) => (blocks.div_ceil(2048)).to_string(),
        _ => blocks.div_ceil(2).to_string(),
    }
}

/// The blocks of a file and all below it; lines are written for what is asked for.
fn weigh(sys: &Sys<'_>, name: &str, options: &Options, depth: u32, text: &mut String) -> u64 {
    let path = sys.absolute(name);
    let Ok(stat) = sys.files().lstat(&path) else { return 0 };
    let mut sum = blocks(&stat);
    if stat.is_directory() && depth < 256 {
        let names = sys.files().list(&path);
        sum += names.iter().map(|entry| weigh(sys, &path::join(name, entry), options, depth + 1, text)).sum::<u64>();
    }
    let wanted = stat.is_directory() || options.has('a') || depth == 0;
    if wanted && (depth == 0 || !options.has('s')) {
        let _ = writeln!(text, "{}\t{name}", amount(sum, options, sys.flavour()));
    }
    sum
}
