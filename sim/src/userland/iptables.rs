//! The programs around netfilter: `iptables`, `ip6tables`, their `-save` and `-restore`, and `conntrack`.
//!
//! They print what iptables 1.8.9 (nf_tables) and conntrack 1.4.7 print, with the same exit codes. Each turns its
//! words into calls of [`Ruleset`] or the flow table; no rule is understood here.

pub mod command;
pub mod failure;
pub mod flows;
pub mod listing;
pub mod restore;
pub mod run;
pub mod save;

use super::exec::{Launcher, Next};
use super::{Flavour, Program, Programs, Read, Step, Straight, Sys};
use crate::filter::{Family, Ruleset};

/// What a program printed and how it ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Output {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// A file that is written, and what.
    pub file: Option<(String, String)>,
    /// Exit code.
    pub code: i32,
}

impl Output {
    /// Prints it; gives the exit code.
    fn deliver(&self, sys: &mut Sys<'_>) -> i32 {
        sys.print(&self.out);
        sys.eprint(&self.err);
        if let Some((name, text)) = &self.file {
            let path = sys.absolute(name);
            if let Err(errno) = sys.files_mut().write(&path, text) {
                sys.eprint(format!("Failed to open file, error: {errno}\n"));
                return 1;
            }
        }
        self.code
    }
}

/// Puts the programs into the table; busybox images have none of them.
pub fn add(programs: &mut Programs) {
    for name in ["iptables", "ip6tables"] {
        programs.add(Flavour::Host, name, || Box::new(Straight(run_iptables)));
    }
    for name in ["iptables-save", "ip6tables-save"] {
        programs.add(Flavour::Host, name, || Box::new(Straight(run_save)));
    }
    for name in ["iptables-restore", "ip6tables-restore"] {
        programs.add(Flavour::Host, name, || Box::<Restore>::default());
    }
    programs.add(Flavour::Host, "conntrack", || Box::new(Launcher::new(run_conntrack)));
}

/// The words after the program's name.
fn arguments(sys: &Sys<'_>) -> Vec<String> {
    sys.argv().iter().skip(1).cloned().collect()
}

/// The family that the program's name tells.
fn family(sys: &Sys<'_>) -> Family {
    let name = sys.argv().first().and_then(|a| a.rsplit('/').next()).unwrap_or_default();
    if name.starts_with("ip6") { Family::V6 } else { Family::V4 }
}

fn rules<'a>(sys: &'a mut Sys<'_>, family: Family) -> &'a mut Ruleset {
    let id = sys.namespace_id();
    sys.fabric().namespace_mut(id).netfilter.rules_mut(family)
}

fn run_iptables(sys: &mut Sys<'_>) -> i32 {
    let (family, arguments) = (family(sys), arguments(sys));
    run::run(rules(sys, family), &arguments).deliver(sys)
}

fn run_save(sys: &mut Sys<'_>) -> i32 {
    let (family, arguments) = (family(sys), arguments(sys));
    let date = save::date(sys.epoch().utc(sys.now()));
    save::run(rules(sys, family), &arguments, &date).deliver(sys)
}

fn run_conntrack(sys: &mut Sys<'_>) -> Next {
    let (now, id, arguments) = (sys.now(), sys.namespace_id(), arguments(sys));
    if let Some(listener) = flows::listen(id, &arguments) {
        return listener;
    }
    let table = &mut sys.fabric().namespace_mut(id).netfilter.conntrack;
    Next::Exit(flows::run(table, now, &arguments).deliver(sys))
}

/// `iptables-restore`: reads all there is before it begins.
#[derive(Clone, Debug, Default)]
struct Restore {
    input: Vec<u8>,
}

impl Program for Restore {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let (family, arguments) = (family(sys), arguments(sys));
        match restore::source(&arguments) {
            restore::Source::None => {
                return Step::Exit(restore::run(rules(sys, family), &arguments, "").deliver(sys));
            }
            restore::Source::File(name) => {
                let path = sys.absolute(&name);
                let Ok(text) = sys.files().read(&path).map(|text| String::from_utf8_lossy(&text).into_owned()) else {
                    sys.eprint(format!("Can't open {name}: No such file or directory\n"));
                    return Step::Exit(1);
                };
                return Step::Exit(restore::run(rules(sys, family), &arguments, &text).deliver(sys));
            }
            restore::Source::Input => {}
        }
        loop {
            match sys.read(usize::MAX) {
                Read::Data(bytes) => self.input.extend(bytes),
                Read::Blocked => return Step::Wait(None),
                Read::End => break,
            }
        }
        let text = String::from_utf8_lossy(&self.input).into_owned();
        Step::Exit(restore::run(rules(sys, family), &arguments, &text).deliver(sys))
    }
}

#[cfg(test)]
mod tests {
    //! Consoles of the real programs (iptables 1.8.9 in network namespaces of Linux 6.18), replayed.

    use super::*;
    use crate::filter::words;

    const DATE: &str = "Sat Nov 21 08:43:02 2026";

    /// Two rulesets, as a namespace has them.
    struct Host {
        v4: Ruleset,
        v6: Ruleset,
    }

    impl Host {
        fn new() -> Self {
            Self { v4: Ruleset::new(Family::V4), v6: Ruleset::new(Family::V6) }
        }

        /// What a terminal shows of a command, as the console has it.
        fn answer(&mut self, line: &str, input: &str) -> String {
            let arguments = words::split(line);
            let (name, arguments) = arguments.split_first().expect("a command");
            let rules = if name.starts_with("ip6") { &mut self.v6 } else { &mut self.v4 };
            let output = match name.split_once('-').map_or("", |(_, what)| what) {
                "save" => save::run(rules, arguments, DATE),
                "restore" => restore::run(rules, arguments, input),
                _ => run::run(rules, arguments),
            };
            let exit = if output.code == 0 { String::new() } else { format!("[exit {}]\n", output.code) };
            output.err + &output.out + &exit
        }
    }

    /// Plays a console and compares every answer; a line `---` begins anew. Lines after `< ` are standard input.
    fn replay(console: &str) {
        let mut wrong = Vec::new();
        for scene in console.split("---\n") {
            let mut host = Host::new();
            for block in scene.split_inclusive('\n').collect::<Vec<_>>().chunk_by(|_, next| !next.starts_with("$ ")) {
                let (input, expected): (Vec<&str>, Vec<&str>) = block[1..].iter().partition(|l| l.starts_with("< "));
                let input: String = input.iter().map(|l| &l[2..]).collect();
                let (command, expected) = (block[0][2..].trim_end(), expected.concat());
                let answer = host.answer(command, &input);
                if answer != expected {
                    wrong.push(format!("$ {command}\n{}", differences(&expected, &answer)));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The lines that one text has and the other has not.
    fn differences(expected: &str, answer: &str) -> String {
        let missing = |of: &str, other: &str, sign| {
            let lines = of.lines().filter(|l| !other.lines().any(|o| o == *l));
            lines.map(|l| format!("{sign}{l}\n")).collect::<String>()
        };
        missing(expected, answer, '-') + &missing(answer, expected, '+')
    }

    #[test]
    fn rules_of_every_kind_print_as_iptables_prints_them() {
        replay(include_str!("iptables/rules.txt"));
    }

    #[test]
    fn commands_answer_as_iptables_answers() {
        replay(include_str!("iptables/commands.txt"));
    }
}
