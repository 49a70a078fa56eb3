//! Faults as values: whom they harm and how, when, and what became of them. Nothing happens here.

use core::fmt;
use core::time::Duration;

use netyard_sim::time::Instant;
use serde_json::{Value, json};

use crate::date::moment;

/// How the command is used.
pub(in super::super) const USAGE: &str = "\
usage: netyard fault kill|pause|unpause|restart|start [container|engine|host] NAME [--at TIME|--on EVENT] [--for TIME]
       netyard fault bug BUG [on|off [HOST]]
       netyard fault bugs|show [--format json]
       netyard fault clear
A TIME is counted from now, as in 30s. An EVENT is a word of `docker events` and a name: 'connect c2', 'die web'.
After --for what was killed is started again, and what was paused goes on.
";

/// How long a host takes that is restarted.
const BOOT: Duration = Duration::from_secs(10);

/// What is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Act {
    Kill,
    Pause,
    Restart,
    Start,
    Unpause,
}

impl Act {
    fn named(word: &str) -> Option<Self> {
        [Self::Kill, Self::Pause, Self::Restart, Self::Start, Self::Unpause].into_iter().find(|act| act.word() == word)
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::Start => "start",
            Self::Unpause => "unpause",
        }
    }
}

/// To whom. Hosts are numbered as the site's engines are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Victim {
    Container { host: usize, name: String },
    Engine { host: usize, name: String },
    Host { host: usize, name: String },
}

/// What is done to whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) act: Act,
    pub(super) victim: Victim,
}

impl Fault {
    /// The command that does it on the host; of no use for a host itself.
    pub(super) fn command(&self) -> String {
        match (&self.victim, self.act) {
            (Victim::Container { name, .. }, Act::Restart) => format!("docker restart -t 0 {name}"),
            (Victim::Container { name, .. }, act) => format!("docker {} {name}", act.word()),
            (Victim::Engine { .. }, Act::Kill) => "kill -KILL $(cat /var/run/docker.pid)".to_owned(),
            (Victim::Engine { .. }, Act::Pause) => "kill -STOP $(cat /var/run/docker.pid)".to_owned(),
            (Victim::Engine { .. }, Act::Unpause) => "kill -CONT $(cat /var/run/docker.pid)".to_owned(),
            (Victim::Engine { .. }, act) => format!("systemctl {} docker", act.word()),
            (Victim::Host { .. }, _) => String::new(),
        }
    }

    /// What makes up for it; none when nothing has to.
    pub(super) fn mending(&self) -> Option<Self> {
        let act = match (self.act, &self.victim) {
            (Act::Kill, _) | (Act::Restart, Victim::Host { .. }) => Act::Start,
            (Act::Pause, _) => Act::Unpause,
            (Act::Restart | Act::Start | Act::Unpause, _) => return None,
        };
        Some(Self { act, victim: self.victim.clone() })
    }

    /// After which time it is made up for when nobody says.
    pub(super) fn usual_length(&self) -> Option<Duration> {
        (self.act == Act::Restart).then_some(BOOT)
    }

    /// Whether there is such a thing.
    pub(super) fn check(&self) -> Result<(), String> {
        let (Victim::Container { name, .. } | Victim::Engine { name, .. } | Victim::Host { name, .. }) = &self.victim;
        let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if is_plain { Ok(()) } else { Err(format!("no such container: {name}\n")) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match &self.victim {
            Victim::Container { name, .. } => ("container", name),
            Victim::Engine { name, .. } => ("engine", name),
            Victim::Host { name, .. } => ("host", name),
        };
        write!(f, "{} {kind} {name}", self.act.word())
    }
}

/// When it happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum When {
    At(Instant),
    On { action: String, name: String, after: Instant },
}

impl When {
    pub(super) const fn at(&self) -> Option<Instant> {
        match self {
            Self::At(at) => Some(*at),
            Self::On { .. } => None,
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "at {at} s"),
            Self::On { action, name, .. } => write!(f, "on {action} {name}"),
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Done(Instant),
    Failed(Instant, String),
    Waiting,
}

impl Standing {
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(..))
    }
}

/// A fault that was planned.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) number: u32,
    pub(super) fault: Fault,
    pub(super) when: When,
    pub(super) lasting: Option<Duration>,
    pub(super) standing: Standing,
}

impl Plan {
    pub(super) fn json(&self) -> Value {
        let (standing, at, error) = match &self.standing {
            Standing::Done(at) => ("done", Some(at), None),
            Standing::Failed(at, error) => ("failed", Some(at), Some(error)),
            Standing::Waiting => ("waiting", None, None),
        };
        json!({
            "number": self.number,
            "fault": self.fault.to_string(),
            "when": self.when.to_string(),
            "standing": standing,
            "at_ns": at.map(|at| at.as_nanos()),
            "error": error,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}: ", self.number, self.fault, self.when)?;
        match &self.standing {
            Standing::Done(at) => write!(f, "done at {at} s"),
            Standing::Failed(at, error) => write!(f, "failed at {at} s: {error}"),
            Standing::Waiting => f.write_str("waiting"),
        }
    }
}

/// When somebody wants a fault, as it is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment<'a> {
    Now,
    In(Duration),
    On(&'a str, &'a str),
}

/// A fault as it is typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) act: Act,
    pub(super) kind: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) when: Moment<'a>,
    pub(super) lasting: Option<Duration>,
}

impl<'a> Asked<'a> {
    /// Reads words.
    pub(super) fn read(words: &[&'a str]) -> Result<Self, String> {
        let [act, rest @ ..] = words else { return Err(USAGE.to_owned()) };
        let act = Act::named(act).ok_or(USAGE)?;
        let (kind, rest) = match rest {
            [kind @ ("container" | "engine" | "host"), name, ..] if !name.starts_with("--") => {
                (Some(*kind), &rest[1..])
            }
            _ => (None, rest),
        };
        let [name, options @ ..] = rest else { return Err(USAGE.to_owned()) };
        let mut asked = Self { act, kind, name, when: Moment::Now, lasting: None };
        asked.read_options(options)?;
        Ok(asked)
    }

    fn read_options(&mut self, mut options: &[&'a str]) -> Result<(), String> {
        loop {
            options = match options {
                [] => return Ok(()),
                ["--at", time, rest @ ..] if self.when == Moment::Now => {
                    self.when = Moment::In(length(time)?);
                    rest
                }
                ["--on", event, rest @ ..] if self.when == Moment::Now => {
                    let (action, name) = event.split_once(' ').ok_or_else(|| {
                        format!("`{event}` is no event: write a word of docker events and a name, as in 'connect c2'\n")
                    })?;
                    self.when = Moment::On(action, name.trim());
                    rest
                }
                ["--for", time, rest @ ..] if self.lasting.is_none() => {
                    self.lasting = Some(length(time)?);
                    rest
                }
                _ => return Err(USAGE.to_owned()),
            };
        }
    }
}

/// A length of time.
fn length(text: &str) -> Result<Duration, String> {
    let nanos = moment::duration(text).and_then(|nanos| u64::try_from(nanos).ok());
    nanos.map(Duration::from_nanos).ok_or_else(|| format!("`{text}` is no length of time: write 30s, 500ms or 1m30s\n"))
}
