//! Permissions and owners: `chmod`, `chown`, `chgrp`, and how modes are written.

use super::operands::{complaint, each, operands};
use crate::userland::accounts::{self, GROUP, PASSWD};
use crate::userland::files::{Kind, Stat, path};
use crate::userland::{Errno, Flavour, Sys};

/// A mode as `ls` writes it, as `-rwxr-xr-x`.
pub(super) fn letters(stat: &Stat) -> String {
    let bit = |mask: u32, letter: char| if stat.mode & mask != 0 { letter } else { '-' };
    let special = |mask: u32, execute: u32, both: char, alone: char| match (stat.mode & mask, stat.mode & execute) {
        (0, 0) => '-',
        (0, _) => 'x',
        (_, 0) => alone,
        _ => both,
    };
    [
        stat.kind.letter(),
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        special(0o4000, 0o100, 's', 'S'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        special(0o2000, 0o010, 's', 'S'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        special(0o1000, 0o001, 't', 'T'),
    ]
    .into_iter()
    .collect()
}

/// The mode that `text` makes of `before`: octal, or clauses as `u+x,go-w`; none when it is neither.
pub(super) fn parse(text: &str, before: u32, directory: bool, mask: u32) -> Option<u32> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    text.split(',').try_fold(before, |mode, clause| change(clause, mode, directory, mask))
}

fn change(clause: &str, mode: u32, directory: bool, mask: u32) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, mut actions) = clause.split_at(at);
    let mut whom = 0;
    for letter in who.chars() {
        whom |= match letter {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    // Without a name everybody is meant, as far as the mask allows.
    let whom = if who.is_empty() { 0o7777 & !mask } else { whom };
    let mut mode = mode;
    while let Some(sign) = actions.chars().next() {
        let rest = &actions[1..];
        let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let mut bits = 0;
        for letter in rest[..end].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || mode & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                'u' => spread(mode >> 6),
                'g' => spread(mode >> 3),
                'o' => spread(mode),
                _ => return None,
            };
        }
        mode = match sign {
            '+' => mode | (bits & whom),
            '-' => mode & !(bits & whom),
            _ => (mode & !(whom & 0o777)) | (bits & whom),
        };
        actions = &rest[end..];
    }
    Some(mode)
}

/// The three bits of one class for all classes.
const fn spread(bits: u32) -> u32 {
    (bits & 7) * 0o111
}

pub(super) fn chmod(sys: &mut Sys<'_>) -> i32 {
    // A mode as `-x` is no option.
    let synopsis = "[-Rcvf] MODE[,MODE]... FILE...";
    let words: Vec<String> = sys.argv().to_vec();
    let is_mode =
        |word: &String| word.starts_with('-') && word.len() > 1 && word[1..].chars().all(|c| "rwxXst".contains(c));
    let recursive = words.iter().any(|word| word == "-R");
    let mut names = match words.iter().skip(1).any(is_mode) {
        true => words[1..].iter().filter(|word| *word != "-R").cloned().collect(),
        false => match operands(sys, "chmod", "Rcvf", synopsis, 2) {
            Ok(options) => options.operands,
            Err(status) => return status,
        },
    };
    let text = names.remove(0);
    if parse(&text, 0, false, 0).is_none() {
        let said = match sys.flavour() {
            Flavour::Host => format!("chmod: invalid mode: '{text}'\nTry 'chmod --help' for more information.\n"),
            Flavour::Busybox => format!("chmod: invalid mode '{text}'\n"),
        };
        sys.eprint(said);
        return 1;
    }
    each(sys, &names, |sys, name| {
        under(sys, name, recursive, &mut |sys, name, stat| {
            if stat.kind == Kind::Link {
                return Ok(());
            }
            let mode = parse(&text, stat.mode, stat.is_directory(), sys.mask()).unwrap_or(stat.mode);
            let path = sys.absolute(name);
            let set = sys.files_mut().set_mode(&path, mode);
            set.map_err(|errno| {
                complaint(sys, &format!("chmod: changing permissions of '{name}'"), &format!("chmod: {name}"), errno)
            })
        })
        .map_err(|error| refused(sys, "chmod", name, error))
    })
}

fn refused(sys: &Sys<'_>, program: &str, name: &str, error: Result<String, Errno>) -> String {
    match error {
        Ok(said) => said,
        Err(errno) => {
            complaint(sys, &format!("{program}: cannot access '{name}'"), &format!("{program}: {name}"), errno)
        }
    }
}

/// What is done with each file.
type Act<'a> = dyn FnMut(&mut Sys<'_>, &str, &Stat) -> Result<(), String> + 'a;

/// Does something with a file and, when asked to, with all below it. The error is a complaint, or why it was not found.
fn under(sys: &mut Sys<'_>, name: &str, recursive: bool, act: &mut Act<'_>) -> Result<(), Result<String, Errno>> {
    let mut todo = vec![name.to_owned()];
    while let Some(name) = todo.pop() {
        let path = sys.absolute(&name);
        let stat = if recursive { sys.files().lstat(&path) } else { sys.files().stat(&path) }.map_err(Err)?;
        act(sys, &name, &stat).map_err(Ok)?;
        if recursive && stat.is_directory() {
            todo.extend(sys.files().list(&path).into_iter().map(|entry| path::join(&name, &entry)));
        }
    }
    Ok(())
}

/// The number of a user (`/etc/passwd`) or group (`/etc/group`), by name or written as a number.
pub(super) fn number(sys: &Sys<'_>, database: &str, name: &str) -> Option<u32> {
    let text = sys.files().text(database);
    let found = accounts::named(&text, name).and_then(|fields| fields.get(2)?.parse().ok());
    found.or_else(|| name.parse().ok())
}

/// The name of a user or group, or its number.
pub(super) fn name(sys: &Sys<'_>, database: &str, id: u32) -> String {
    let text = sys.files().text(database);
    accounts::name_of(&text, id).map_or_else(|| id.to_string(), str::to_owned)
}

/// `chown [-R] USER[:GROUP] FILE…`
pub(super) fn chown(sys: &mut Sys<'_>) -> i32 {
    own(sys, "chown", "[-Rhcvf] USER[:[GRP]] FILE...")
}

/// `chgrp [-R] GROUP FILE…`
pub(super) fn chgrp(sys: &mut Sys<'_>) -> i32 {
    own(sys, "chgrp", "[-Rhcvf] GROUP FILE...")
}

fn own(sys: &mut Sys<'_>, program: &str, synopsis: &str) -> i32 {
    let mut options = match operands(sys, program, "RhcvfLHP", synopsis, 2) {
        Ok(options) => options,
        Err(status) => return status,
    };
    let whom = options.operands.remove(0);
    let (user, group) = match (program, whom.split_once([':', '.'])) {
        ("chgrp", _) => ("", whom.as_str()),
        (_, Some((user, group))) => (user, group),
        (_, None) => (whom.as_str(), ""),
    };
    let find = |database: &str, name: &str| match name {
        "" => Ok(None),
        name => number(sys, database, name).map(Some).ok_or_else(|| name.to_owned()),
    };
    let (uid, gid) = match (find(PASSWD, user), find(GROUP, group)) {
        (Ok(uid), Ok(gid)) => (uid, gid),
        (Err(name), _) => return unknown(sys, program, "user", &whom, &name),
        (_, Err(name)) => return unknown(sys, program, "group", &whom, &name),
    };
    let recursive = options.has('R');
    each(sys, &options.operands, |sys, name| {
        under(sys, name, recursive, &mut |sys, name, _| {
            let path = sys.absolute(name);
            let set = sys.files_mut().set_owner(&path, uid, gid);
            set.map_err(|errno| {
                complaint(
                    sys,
                    &format!("{program}: changing ownership of '{name}'"),
                    &format!("{program}: {name}"),
                    errno,
                )
            })
        })
        .map_err(|error| refused(sys, program, name, error))
    })
}

fn unknown(sys: &mut Sys<'_>, program: &str, what: &str, whom: &str, name: &str) -> i32 {
    let said = match sys.flavour() {
        Flavour::Host => format!("{program}: invalid {what}: '{whom}'\n"),
        Flavour::Busybox => format!("{program}: unknown {what} {name}\n"),
    };
    sys.eprint(said);
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_or_said_in_letters() {
        assert_eq!(parse("644", 0, false, 0), Some(0o644));
        assert_eq!(parse("u+x", 0o644, false, 0), Some(0o744));
        assert_eq!(parse("+x", 0o644, false, 0o022), Some(0o755));
        assert_eq!(parse("go-rwx,u=rw", 0o755, false, 0), Some(0o600));
        assert_eq!(parse("a+X", 0o644, true, 0), Some(0o755));
        assert_eq!(parse("g=u", 0o740, false, 0), Some(0o770));
        assert_eq!([parse("9", 0, false, 0), parse("u*x", 0, false, 0)], [None, None]);
    }
}
