//! Wrong commands, and what a real engine (Docker 20.10.24, client 28.2.2) answers: standard output, standard error and
//! exit code of every row of `tests/oracle/errors.tsv`, in the order in which they were recorded.

use std::fmt::Write as _;

use super::chance::{Chance, canonical_json};
use super::host::{Host, Outcome};

const ROWS: &str = include_str!("../oracle/errors.tsv");

/// What stands before the first wrong command.
pub(super) const MADE: [&str; 11] = [
    "docker network create --subnet 172.25.0.0/16 isolated_nw",
    "docker network create --subnet 172.26.0.0/24 local_alias",
    "docker run -itd --name container1 busybox",
    "docker run -itd --name container2 --net isolated_nw busybox",
    "docker run -itd --name container3 --net isolated_nw --ip 172.25.3.3 busybox",
    "docker create --name stopped busybox",
    "docker run -itd --name hostc --net host busybox",
    "docker run -itd --name nonec --net none busybox",
    "docker run -itd --name depc --net container:container1 busybox",
    "docker run -d --name web1 -p 8080:80 web",
    "docker run -d --name exited busybox true",
];

/// What clears away whatever a command of a kind has made after all, so that the rows do not see each other.
const CLEARED: [(&str, &[&str]); 4] = [
    ("docker run", &["docker rm -f probe"]),
    ("docker network create", &["docker network rm probe_nw; docker network rm a 12 default _under .dot"]),
    (
        "docker network connect",
        &[
            "docker network disconnect -f isolated_nw container1",
            "docker network disconnect -f isolated_nw stopped",
            "docker network disconnect -f isolated_nw exited",
            "docker network disconnect -f bridge container2",
        ],
    ),
    ("docker network disconnect", &["docker network connect none nonec"]),
];

/// The rows that differ, and what has to be built before they agree.
const EXCEPTED: [(&str, &[u32]); 0] = [];

/// One recorded command.
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) command: &'static str,
    recorded: Outcome,
}

impl Row {
    pub(super) fn parse(line: &'static str) -> Self {
        let [number, exit, command, stdout, stderr] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a row has five columns: {line}")
        };
        let recorded = Outcome {
            status: exit.parse().expect("an exit code"),
            stdout: written_out(stdout),
            stderr: written_out(stderr),
        };
        Self { number: number.parse().expect("a number"), command, recorded }
    }

    /// How netyard differs from the recording, if it does.
    pub(super) fn difference(&self, ours: &Outcome) -> Result<(), String> {
        if self.recorded.status != ours.status {
            return Err(format!("  engine:  exit {}\n  netyard: exit {}", self.recorded.status, ours.status));
        }
        let compare = |l: &str, r: &str| Chance::default().compare(&comparable(l), &comparable(r));
        compare(&self.recorded.stdout, &ours.stdout)?;
        compare(&self.recorded.stderr, &ours.stderr)
    }
}

/// A cell as it was printed. Every `<ID64>` becomes an id of its own, even in its first twelve digits.
fn written_out(cell: &str) -> String {
    let cell = cell.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let mut parts = cell.split("<ID64>");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |text, (part, number)| format!("{text}{number:012x}{:052}{part}", 0))
}

fn comparable(text: &str) -> String {
    canonical_json(text, false).unwrap_or_else(|| text.trim_end_matches('\n').to_owned())
}

#[test]
fn every_wrong_command_is_answered_in_dockers_words() {
    let mut host = Host::new(1);
    MADE.iter().for_each(|c| drop(host.run(c)));
    let (mut agree, mut differences) = (0, String::new());
    for row in ROWS.lines().skip(1).map(Row::parse) {
        let difference = row.difference(&host.run_apart(row.command));
        let clearing = CLEARED.iter().filter(|(kind, _)| row.command.starts_with(kind));
        clearing.flat_map(|(_, commands)| *commands).for_each(|c| drop(host.run(c)));
        let excepted = EXCEPTED.iter().any(|(_, rows)| rows.contains(&row.number));
        match difference {
            Ok(()) if excepted => panic!("{} agrees: it is no exception any more", row.number),
            Ok(()) => agree += 1,
            Err(_) if excepted => {}
            Err(text) => writeln!(differences, "{}: {}\n{text}", row.number, row.command).expect("a string takes text"),
        }
    }
    let excepted: usize = EXCEPTED.iter().map(|(_, rows)| rows.len()).sum();
    println!("{agree} of 220 rows agree, {excepted} excepted");
    assert!(differences.is_empty(), "{differences}");
    assert_eq!(agree + excepted, 220);
}
