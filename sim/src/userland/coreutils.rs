//! The small programs of every system: they print files, text, names, dates and numbers, as GNU's do on a host and
//! busybox's in a container. Here is only the table; each program or family of programs has a module.

mod awk;
mod cat;
mod copy;
mod cut;
mod date;
mod dd;
mod digest;
mod directory;
mod find;
mod grep;
mod head;
mod hostname;
mod launch;
mod lines;
mod ls;
mod machine;
mod mode;
mod numbers;
mod operands;
mod pattern;
mod ps;
mod sed;
mod signals;
mod sort;
mod stat;
mod stty;
mod system;
mod tail;
mod tee;
mod test;
mod text;
mod tr;
mod uniq;
mod users;
mod wc;
mod xargs;

use super::exec::Launcher;
use super::filter::Filtering;
use super::{Flavour, Make, Programs, Straight};

/// The programs that are the same for hosts and containers but for their words.
const PROGRAMS: [(&str, Make); 110] = [
    ("[", || Box::new(Straight(test::run))),
    ("addgroup", || Box::new(Straight(machine::refuse))),
    ("adduser", || Box::new(Straight(machine::refuse))),
    ("arch", || Box::new(Straight(system::arch))),
    ("awk", || Box::<awk::Awk>::default()),
    ("base64", || Box::new(Filtering::new("base64", digest::base64))),
    ("basename", || Box::new(Straight(text::basename))),
    ("cat", || Box::new(Filtering::new("cat", cat::make))),
    ("chgrp", || Box::new(Straight(mode::chgrp))),
    ("chmod", || Box::new(Straight(mode::chmod))),
    ("chown", || Box::new(Straight(mode::chown))),
    ("chroot", || Box::new(Straight(machine::refuse))),
    ("cksum", || Box::new(Filtering::new("cksum", digest::cksum))),
    ("clear", || Box::new(Straight(machine::clear))),
    ("cp", || Box::new(Straight(copy::cp))),
    ("cut", || Box::new(Filtering::new("cut", cut::make))),
    ("date", || Box::new(Straight(date::date))),
    ("dd", || Box::<dd::Dd>::default()),
    ("delgroup", || Box::new(Straight(machine::refuse))),
    ("deluser", || Box::new(Straight(machine::refuse))),
    ("df", || Box::new(Straight(stat::df))),
    ("dirname", || Box::new(Straight(text::dirname))),
    ("dmesg", || Box::new(Straight(|_| 0))),
    ("du", || Box::new(Straight(stat::du))),
    ("echo", || Box::new(Straight(text::echo))),
    ("egrep", || Box::new(Filtering::new("grep", grep::make))),
    ("env", || Box::new(Launcher::new(system::env))),
    ("expr", || Box::new(Straight(numbers::expr))),
    ("false", || Box::new(Straight(|_| 1))),
    ("fgrep", || Box::new(Filtering::new("grep", grep::make))),
    ("find", || Box::<find::Find>::default()),
    ("fold", || Box::new(Filtering::new("fold", lines::fold))),
    ("free", || Box::new(Straight(machine::free))),
    ("grep", || Box::new(Filtering::new("grep", grep::make))),
    ("groups", || Box::new(Straight(users::groups))),
    ("halt", || Box::new(Straight(machine::refuse))),
    ("hd", || Box::new(Filtering::new("hd", lines::hexdump))),
    ("head", || Box::new(Filtering::new("head", head::make))),
    ("hexdump", || Box::new(Filtering::new("hexdump", lines::hexdump))),
    ("hostid", || Box::new(Straight(machine::hostid))),
    ("hostname", || Box::<hostname::Hostname>::default()),
    ("id", || Box::new(Straight(users::id))),
    ("kill", || Box::new(Straight(signals::kill))),
    ("killall", || Box::new(Straight(signals::killall))),
    ("ln", || Box::new(Straight(directory::ln))),
    ("logname", || Box::new(Straight(machine::logname))),
    ("ls", || Box::new(Straight(ls::ls))),
    ("md5sum", || Box::new(Filtering::new("md5sum", digest::md5))),
    ("mkdir", || Box::new(Straight(directory::mkdir))),
    ("mkfifo", || Box::new(Straight(directory::mkfifo))),
    ("mknod", || Box::new(Straight(machine::refuse))),
    ("mktemp", || Box::new(Straight(directory::mktemp))),
    ("mount", || Box::new(Straight(machine::mount))),
    ("mv", || Box::new(Straight(copy::mv))),
    ("nice", || Box::new(Launcher::new(launch::nice))),
    ("nl", || Box::new(Filtering::new("nl", lines::nl))),
    ("nohup", || Box::new(Launcher::new(launch::nohup))),
    ("nproc", || Box::new(Straight(system::nproc))),
    ("nsenter", || Box::new(Launcher::new(system::nsenter))),
    ("od", || Box::new(Filtering::new("od", lines::od))),
    ("passwd", || Box::new(Straight(machine::refuse))),
    ("paste", || Box::new(Filtering::new("paste", lines::paste))),
    ("pgrep", || Box::new(Straight(signals::pgrep))),
    ("pidof", || Box::new(Straight(signals::pidof))),
    ("pkill", || Box::new(Straight(signals::pkill))),
    ("poweroff", || Box::new(Straight(machine::refuse))),
    ("printenv", || Box::new(Straight(system::printenv))),
    ("printf", || Box::new(Straight(text::printf))),
    ("ps", || Box::new(Straight(ps::ps))),
    ("pwd", || Box::new(Straight(directory::pwd))),
    ("readlink", || Box::new(Straight(directory::readlink))),
    ("realpath", || Box::new(Straight(directory::realpath))),
    ("reboot", || Box::new(Straight(machine::refuse))),
    ("rev", || Box::new(Filtering::new("rev", lines::rev))),
    ("rm", || Box::new(Straight(directory::rm))),
    ("rmdir", || Box::new(Straight(directory::rmdir))),
    ("sed", || Box::<sed::Sed>::default()),
    ("seq", || Box::new(Straight(numbers::seq))),
    ("setsid", || Box::new(Launcher::new(launch::setsid))),
    ("sha256sum", || Box::new(Filtering::new("sha256sum", digest::sha256))),
    ("sleep", || Box::<signals::Sleep>::default()),
    ("sort", || Box::new(Filtering::new("sort", sort::make))),
    ("stat", || Box::new(Straight(stat::stat))),
    ("stty", || Box::new(Straight(stty::stty))),
    ("su", || Box::new(Launcher::new(users::su))),
    ("sync", || Box::new(Straight(|_| 0))),
    ("tac", || Box::new(Filtering::new("tac", lines::tac))),
    ("tail", || Box::new(Filtering::new("tail", tail::make))),
    ("tee", || Box::<tee::Tee>::default()),
    ("test", || Box::new(Straight(test::run))),
    ("time", || Box::<launch::Time>::default()),
    ("timeout", || Box::<launch::Timeout>::default()),
    ("top", || Box::<machine::Top>::default()),
    ("touch", || Box::new(Straight(directory::touch))),
    ("tr", || Box::new(Filtering::new("tr", tr::make))),
    ("true", || Box::new(Straight(|_| 0))),
    ("truncate", || Box::new(Straight(directory::truncate))),
    ("tty", || Box::new(Straight(stty::tty))),
    ("umount", || Box::new(Straight(machine::umount))),
    ("uname", || Box::new(Straight(system::uname))),
    ("uniq", || Box::new(Filtering::new("uniq", uniq::make))),
    ("unlink", || Box::new(Straight(directory::unlink))),
    ("uptime", || Box::new(Straight(machine::uptime))),
    ("users", || Box::new(Straight(|_| 0))),
    ("usleep", || Box::<signals::Usleep>::default()),
    ("wc", || Box::new(Filtering::new("wc", wc::make))),
    ("which", || Box::new(Straight(launch::which))),
    ("whoami", || Box::new(Straight(users::whoami))),
    ("xargs", || Box::<xargs::Xargs>::default()),
    ("yes", || Box::<text::Yes>::default()),
];

/// Puts them on the path of hosts and containers.
pub fn add(programs: &mut Programs) {
    for flavour in [Flavour::Host, Flavour::Busybox] {
        for (name, make) in PROGRAMS {
            programs.add(flavour, name, make);
        }
    }
    programs.add(Flavour::Busybox, "busybox", || Box::new(Launcher::new(launch::busybox)));
}
