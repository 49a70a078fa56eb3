//! Programs about users: `groups id su whoami`. Names are those of `/etc/passwd` and `/etc/group`.

use super::system::refuse;
use crate::userland::accounts::{self, GROUP, PASSWD};
use crate::userland::exec::{Exec, Next};
use crate::userland::options::{Options, Order};
use crate::userland::{Flavour, Sys, User};

/// The name of a user or group, where a file gives it one.
fn named(sys: &Sys<'_>, database: &str, number: u32) -> Option<String> {
    accounts::name_of(&sys.files().text(database), number).map(str::to_owned)
}

/// A line of `/etc/passwd`.
struct Account {
    user: User,
    home: String,
    shell: String,
}

/// The account with a name, with all groups that it is in.
fn account(sys: &Sys<'_>, name: &str) -> Option<Account> {
    let files = sys.files();
    let text = files.text(PASSWD);
    let fields = accounts::named(&text, name)?;
    let number = |at: usize| fields.get(at)?.parse().ok();
    let (uid, gid) = (number(2)?, number(3)?);
    let rest = |at: usize| fields.get(at).copied().unwrap_or_default().to_owned();
    let mut groups = vec![gid];
    let members = files.text(GROUP);
    let others = accounts::memberships(&members, name).filter_map(|number| number.parse::<u32>().ok());
    groups.extend(others.filter(|group| *group != gid));
    Some(Account { user: User { uid, gid, groups }, home: rest(5), shell: rest(6) })
}

pub(super) fn whoami(sys: &mut Sys<'_>) -> i32 {
    let uid = sys.user().uid;
    let said = match (named(sys, PASSWD, uid), sys.flavour()) {
        (Some(name), _) => Ok(name + "\n"),
        (None, Flavour::Host) => Err((format!("whoami: cannot find name for user ID {uid}\n"), 1)),
        (None, Flavour::Busybox) => Err((format!("whoami: unknown uid {uid}\n"), 1)),
    };
    sys.conclude(said)
}

/// The groups of a user, its own first.
fn all_groups(user: &User) -> Vec<u32> {
    let mut all = vec![user.gid];
    all.extend(user.groups.iter().filter(|group| **group != user.gid));
    all
}

/// `groups`
pub(super) fn groups(sys: &mut Sys<'_>) -> i32 {
    let all = all_groups(sys.user());
    print_each(sys, "groups", GROUP, &all)
}

/// Prints names in one line, and the numbers of those that have none.
fn print_each(sys: &mut Sys<'_>, program: &str, database: &str, numbers: &[u32]) -> i32 {
    let kind = if database == PASSWD { "user" } else { "group" };
    let (mut names, mut status) = (Vec::new(), 0);
    for number in numbers {
        names.push(named(sys, database, *number).unwrap_or_else(|| {
            let said = match sys.flavour() {
                Flavour::Host => format!("{program}: cannot find name for {kind} ID {number}\n"),
                Flavour::Busybox => format!("{program}: unknown ID {number}\n"),
            };
            sys.eprint(said);
            status = 1;
            number.to_string()
        }));
    }
    sys.print(names.join(" ") + "\n");
    status
}

const ID_USAGE: &str = "[-ugGnr] [USER]\n\nPrint information about USER or the current user\n\n\t-u\tUser ID\n\t-g\tGroup ID\n\
                        \t-G\tSupplementary group IDs\n\t-n\tPrint names instead of numbers\n\
                        \t-r\tPrint real ID instead of effective ID";

/// `id [-ugGnr] [USER]`
pub(super) fn id(sys: &mut Sys<'_>) -> i32 {
    let options = match Options::parse(sys.argv(), "ugnrG", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => return refuse(sys, &error, "id", ID_USAGE, 1),
    };
    let user = match options.operands.first() {
        None => sys.user().clone(),
        Some(name) => match account(sys, name) {
            Some(account) => account.user,
            None => {
                let said = match sys.flavour() {
                    Flavour::Host => format!("id: '{name}': no such user\n"),
                    Flavour::Busybox => format!("id: unknown user {name}\n"),
                };
                sys.eprint(said);
                return 1;
            }
        },
    };
    let (database, numbers) = match () {
        () if options.has('u') => (PASSWD, vec![user.uid]),
        () if options.has('g') => (GROUP, vec![user.gid]),
        () if options.has('G') => (GROUP, all_groups(&user)),
        () => {
            let text = whole(sys, &user);
            sys.print(text);
            return 0;
        }
    };
    if options.has('n') {
        return print_each(sys, "id", database, &numbers);
    }
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    sys.print(numbers.join(" ") + "\n");
    0
}

/// All of a user: `uid=0(root) gid=0(root) groups=0(root),10(wheel)`.
fn whole(sys: &Sys<'_>, user: &User) -> String {
    let both = |database, number: u32| match named(sys, database, number) {
        Some(name) => format!("{number}({name})"),
        None => number.to_string(),
    };
    let groups = if sys.flavour() == Flavour::Host { all_groups(user) } else { user.groups.clone() };
    let groups: Vec<String> = groups.into_iter().map(|group| both(GROUP, group)).collect();
    let groups = if groups.is_empty() { String::new() } else { format!(" groups={}", groups.join(",")) };
    format!("uid={} gid={}{groups}\n", both(PASSWD, user.uid), both(GROUP, user.gid))
}

/// `su [-] [USER] [-c COMMAND]`: root becomes whoever is known; nobody else has a password to give.
pub(super) fn su(sys: &mut Sys<'_>) -> Next {
    let flavour = sys.flavour();
    let argv: Vec<String> = sys.argv().iter().filter(|word| *word != "-").cloned().collect();
    let options = match Options::parse(&argv, "lmpc:s:", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            let text = error.text("su", "[-lmp] [-s SH] [-] [USER [FILE ARGS | -c 'CMD' [ARG0 ARGS]]]", flavour);
            sys.eprint(text);
            return Next::Exit(1);
        }
    };
    let name = options.operands.first().map_or("root", String::as_str);
    let refused = match (sys.user().is_root(), account(sys, name), flavour) {
        (false, _, Flavour::Busybox) => "su: must be suid to work properly\n".to_owned(),
        (false, _, Flavour::Host) => "su: Authentication failure\n".to_owned(),
        (true, Some(account), _) => return become_user(sys, &options, account),
        (true, None, Flavour::Host) => {
            format!("su: user {name} does not exist or the user entry does not contain all the required fields\n")
        }
        (true, None, Flavour::Busybox) => format!("su: unknown user {name}\n"),
    };
    sys.eprint(refused);
    Next::Exit(1)
}

fn become_user(sys: &mut Sys<'_>, options: &Options, account: Account) -> Next {
    let own = if account.shell.is_empty() { "/bin/sh" } else { account.shell.as_str() };
    let shell = options.value('s').unwrap_or(own).to_owned();
    let mut argv = vec![shell.clone()];
    argv.extend(options.value('c').map(|command| ["-c".to_owned(), command.to_owned()]).into_iter().flatten());
    let started = Exec::start(sys, argv, |spawn| {
        spawn.env.insert("HOME".to_owned(), account.home);
        spawn.env.insert("SHELL".to_owned(), shell.clone());
        if !account.user.is_root() {
            spawn.rights = crate::userland::Rights::NONE;
        }
        spawn.user = account.user;
    });
    match started {
        Ok(exec) => Next::Exec(exec),
        Err(errno) => {
            sys.eprint(format!("su: can't execute '{shell}': {errno}\n"));
            Next::Exit(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_comes_first() {
        assert_eq!(all_groups(&User { uid: 5, gid: 7, groups: vec![10, 7] }), [7, 10]);
        assert_eq!(all_groups(&User::ROOT), [0]);
    }
}
