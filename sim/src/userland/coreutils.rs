//! The small programs of every system: they print files, text, names, dates and numbers, as GNU's do on a host and
//! busybox's in a container. Here is only the table; each program or family of programs has a module.

mod cat;
mod cut;
mod directory;
mod grep;
mod head;
mod numbers;
mod pattern;
mod sed;
mod signals;
mod sort;
mod system;
mod tail;
mod tee;
mod test;
mod text;
mod tr;
mod uniq;
mod wc;
mod xargs;

use super::exec::Launcher;
use super::filter::Filtering;
use super::{Flavour, Make, Programs, Straight};

/// The programs that are the same for hosts and containers but for their words.
const PROGRAMS: [(&str, Make); 45] = [
    ("[", || Box::new(Straight(test::run))),
    ("arch", || Box::new(Straight(system::arch))),
    ("basename", || Box::new(Straight(text::basename))),
    ("cat", || Box::new(Filtering::new("cat", cat::make))),
    ("cut", || Box::new(Filtering::new("cut", cut::make))),
    ("date", || Box::new(Straight(system::date))),
    ("dirname", || Box::new(Straight(text::dirname))),
    ("echo", || Box::new(Straight(text::echo))),
    ("egrep", || Box::new(Filtering::new("grep", grep::make))),
    ("env", || Box::new(Launcher::new(system::env))),
    ("expr", || Box::new(Straight(numbers::expr))),
    ("false", || Box::new(Straight(|_| 1))),
    ("fgrep", || Box::new(Filtering::new("grep", grep::make))),
    ("grep", || Box::new(Filtering::new("grep", grep::make))),
    ("head", || Box::new(Filtering::new("head", head::make))),
    ("hostname", || Box::new(Straight(system::hostname))),
    ("id", || Box::new(Straight(system::id))),
    ("kill", || Box::new(Straight(signals::kill))),
    ("ln", || Box::new(Straight(directory::ln))),
    ("ls", || Box::new(Straight(directory::ls))),
    ("mkdir", || Box::new(Straight(directory::mkdir))),
    ("nproc", || Box::new(Straight(system::nproc))),
    ("nsenter", || Box::new(Launcher::new(system::nsenter))),
    ("printenv", || Box::new(Straight(system::printenv))),
    ("printf", || Box::new(Straight(text::printf))),
    ("ps", || Box::new(Straight(signals::ps))),
    ("pwd", || Box::new(Straight(directory::pwd))),
    ("readlink", || Box::new(Straight(directory::readlink))),
    ("rm", || Box::new(Straight(directory::rm))),
    ("sed", || Box::new(Filtering::new("sed", sed::make))),
    ("seq", || Box::new(Straight(numbers::seq))),
    ("sleep", || Box::<signals::Sleep>::default()),
    ("sort", || Box::new(Filtering::new("sort", sort::make))),
    ("tail", || Box::new(Filtering::new("tail", tail::make))),
    ("tee", || Box::<tee::Tee>::default()),
    ("test", || Box::new(Straight(test::run))),
    ("touch", || Box::new(Straight(directory::touch))),
    ("tr", || Box::new(Filtering::new("tr", tr::make))),
    ("true", || Box::new(Straight(|_| 0))),
    ("uname", || Box::new(Straight(system::uname))),
    ("uniq", || Box::new(Filtering::new("uniq", uniq::make))),
    ("wc", || Box::new(Filtering::new("wc", wc::make))),
    ("whoami", || Box::new(Straight(system::whoami))),
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
}
