//! `conntrack -E`: flows as they come, change and end, told until it is interrupted. It looks at the table again whenever
//! something was done, and tells what is different.

use super::{Filter, VERSION};
use crate::conntrack::{Entry, Flow, Tuple};
use crate::fabric::NamespaceId;
use crate::time::Instant;
use crate::userland::{Program, Signal, Step, Sys};

/// What happens to a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// It is new.
    New,
    /// It goes on in another state.
    Update,
    /// It has ended.
    Destroy,
}

impl Kind {
    const fn tag(self) -> &'static str {
        match self {
            Self::New => "    [NEW] ",
            Self::Update => " [UPDATE] ",
            Self::Destroy => "[DESTROY] ",
        }
    }
}

/// What `-e` asks for: nothing for all of them.
pub(super) fn kinds(text: &str) -> Result<Vec<Kind>, String> {
    let mut kinds = Vec::new();
    for word in text.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "ALL" => kinds.extend([Kind::New, Kind::Update, Kind::Destroy]),
            "NEW" => kinds.push(Kind::New),
            "UPDATES" | "UPDATE" => kinds.push(Kind::Update),
            "DESTROY" => kinds.push(Kind::Destroy),
            _ => return Err(format!("Bad parameter `{text}'")),
        }
    }
    Ok(kinds)
}

/// A running listener.
#[derive(Clone)]
pub(super) struct Events {
    namespace: NamespaceId,
    filter: Filter,
    last: Option<Vec<Entry>>,
    shown: usize,
    interrupted: bool,
}

impl Events {
    pub(super) const fn new(namespace: NamespaceId, filter: Filter) -> Self {
        Self { namespace, filter, last: None, shown: 0, interrupted: false }
    }

    /// What is different, as it is told.
    fn tell(&mut self, old: &[Entry], new: &[Entry], now: Instant) -> String {
        let of = |all: &[Entry], tuple: &Tuple| all.iter().position(|entry| entry.original == *tuple);
        let gone = old.iter().filter(|entry| of(new, &entry.original).is_none()).map(|entry| (Kind::Destroy, entry));
        let come = new.iter().filter_map(|entry| match of(old, &entry.original) {
            None => Some((Kind::New, entry)),
            Some(at) => is_other(&old[at], entry).then_some((Kind::Update, entry)),
        });
        let mut text = String::new();
        for (kind, entry) in gone.chain(come) {
            let asked = self.filter.kinds.is_empty() || self.filter.kinds.contains(&kind);
            if asked && self.filter.fits(entry) {
                let seconds = entry.deadline.since(now).as_nanos().div_ceil(1_000_000_000);
                let manner = super::Manner { used: None, xml: false, ..self.filter.manner };
                text += kind.tag();
                text += &manner.line(entry, u64::try_from(seconds).unwrap_or(u64::MAX));
                self.shown += 1;
            }
        }
        text
    }
}

/// Whether a flow is in another state than before, which more than its time tells.
fn is_other(old: &Entry, new: &Entry) -> bool {
    let tcp = |entry: &Entry| matches!(entry.flow, Flow::Tcp(_)).then_some(entry.flow);
    (old.replied, old.assured, old.mark, tcp(old)) != (new.replied, new.assured, new.mark, tcp(new))
}

impl Program for Events {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.interrupted {
            sys.eprint(format!("{VERSION}: {} flow events have been shown.\n", self.shown));
            return Step::Exit(0);
        }
        if !sys.fabric().exists(self.namespace) {
            return Step::Wait(None);
        }
        let now = sys.now();
        let table = &mut sys.fabric().namespace_mut(self.namespace).netfilter.conntrack;
        table.expire(now);
        let next = table.next_at();
        let new: Vec<Entry> = table.list(now).into_iter().cloned().collect();
        match self.last.take() {
            None => sys.listen(),
            Some(old) => {
                let text = self.tell(&old, &new, now);
                if !text.is_empty() {
                    sys.print(text);
                }
            }
        }
        self.last = Some(new);
        Step::Wait(next)
    }

    fn signal(&mut self, _: &mut Sys<'_>, signal: Signal) -> bool {
        self.interrupted |= matches!(signal, Signal::Interrupt | Signal::Terminate);
        self.interrupted
    }
}
