//! A network with what the kernel said of it, as a text that is saved and read again: each command line and probe behind
//! its namespace's name, and below it, indented, the answer; `exit 0` and nothing else is not written.

use core::fmt;
use std::collections::BTreeSet;

use super::topology::{Line, Plan, Probe};

const UNEVENTFUL: &str = "exit 0\n";

/// A network and the answers to its lines and probes.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) plan: Plan,
    pub(crate) answers: Vec<String>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (question, answer) in self.plan.questions().zip(&self.answers) {
            writeln!(f, "{question}")?;
            if answer != UNEVENTFUL {
                answer.lines().try_for_each(|line| writeln!(f, "  {line}"))?;
            }
        }
        Ok(())
    }
}

impl Case {
    /// Reads a saved text; a line that begins with `#` says something to people.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let names = lines().filter(|line| !line.starts_with(' ')).map(|line| split(line).0.to_owned());
        // Hosts are called before switches, by the alphabet.
        let namespaces: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
        let hosts = namespaces.iter().filter(|name| name.starts_with('h')).count();
        let mut plan = Plan { namespaces, hosts, setup: Vec::new(), probes: Vec::new() };
        let mut answers: Vec<String> = Vec::new();
        for line in lines() {
            if let Some(answer) = line.strip_prefix("  ") {
                *answers.last_mut().expect("an answer stands below its question") += &format!("{answer}\n");
                continue;
            }
            let (name, question) = split(line);
            let place = plan.namespaces.iter().position(|n| n == name).expect("all names were collected");
            match Probe::parse(place, question) {
                Some(probe) => plan.probes.push(probe),
                None => plan.setup.push(Line { place, text: question.to_owned() }),
            }
            answers.push(String::new());
        }
        answers.iter_mut().filter(|answer| answer.is_empty()).for_each(|answer| UNEVENTFUL.clone_into(answer));
        Self { plan, answers }
    }
}

/// A namespace's name and what is typed or asked there.
fn split(line: &str) -> (&str, &str) {
    line.split_once(": ").expect("a question stands behind a namespace's name")
}

#[test]
fn a_case_is_read_as_it_was_written() {
    let text = "h0: ip link set lo up\nh1: ip route add default via 10.0.0.9\n  Error: Nexthop has invalid gateway.\n  \
                exit 2\nh0: ping -n -c 1 10.0.0.1\n  exit 1\nh1: udp 10.0.0.2:7\n  answered\n";
    let case = Case::parse(text);
    assert_eq!((case.plan.hosts, case.plan.setup.len(), case.plan.probes.len()), (2, 2, 2));
    assert_eq!(case.answers[..2], ["exit 0\n", "Error: Nexthop has invalid gateway.\nexit 2\n"]);
    assert_eq!(case.to_string(), text);
}
