//! How flows are written: a line for each, or XML.

use core::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::conntrack::{Entry, Flow, Tuple};
use crate::time::Instant;

/// What is told of a flow besides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// `-o extended`: its family.
    pub(super) extended: bool,
    /// `-o id`: its number.
    pub(super) id: bool,
    /// `-o xml`
    pub(super) xml: bool,
    /// How many hold it, where that is told.
    pub(super) used: Option<u8>,
}

impl Manner {
    /// A flow, as it is listed.
    pub(super) fn print(self, entry: &Entry, now: Instant) -> String {
        if self.xml { self.xml(entry, now) } else { self.line(entry, left(entry, now)) }
    }

    /// A flow that lives so many seconds more, in a line.
    pub(super) fn line(self, entry: &Entry, left: u64) -> String {
        let family = match (self.extended, entry.original.src.is_ipv4()) {
            (false, _) => "",
            (true, true) => "ipv4     2 ",
            (true, false) => "ipv6     10 ",
        };
        let state = state(entry).map(|name| format!("{name} ")).unwrap_or_default();
        // What is told unasked says a mark only where there is one.
        let mark = match self.used {
            None if entry.mark == 0 => String::new(),
            _ => format!(" mark={}", entry.mark),
        };
        let used = self.used.map(|used| format!(" use={used}")).unwrap_or_default();
        let id = if self.id { format!(" id={}", number(entry)) } else { String::new() };
        format!(
            "{family}{:<8} {} {left} {state}{}{} {}{}{mark}{used}{id}\n",
            entry.protocol_name(),
            entry.original.protocol,
            tuple(&entry.original),
            if entry.replied { "" } else { " [UNREPLIED]" },
            tuple(&entry.reply),
            if entry.assured { " [ASSURED]" } else { "" },
        )
    }

    fn xml(self, entry: &Entry, now: Instant) -> String {
        let state = state(entry).map(|name| format!("<state>{name}</state>")).unwrap_or_default();
        let assured = if entry.assured { "<assured/>" } else { "" };
        let unreplied = if entry.replied { "" } else { "<unreplied/>" };
        format!(
            "<flow><meta direction=\"original\">{}</meta><meta direction=\"reply\">{}</meta>\
             <meta direction=\"independent\">{state}<timeout>{}</timeout><mark>{}</mark><use>1</use><id>{}</id>\
             {assured}{unreplied}</meta></flow>\n",
            layers(entry, &entry.original),
            layers(entry, &entry.reply),
            left(entry, now),
            entry.mark,
            number(entry),
        )
    }
}

/// What is around flows in XML.
pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n";
/// The same at the end.
pub(super) const FOOT: &str = "</conntrack>\n";

/// One direction of a flow in XML.
fn layers(entry: &Entry, tuple: &Tuple) -> String {
    let (family, name) = if tuple.src.is_ipv4() { (2, "ipv4") } else { (10, "ipv6") };
    let ports = match tuple.protocol {
        6 | 17 => format!("<sport>{}</sport><dport>{}</dport>", tuple.src_port, tuple.dst_port),
        _ => String::new(),
    };
    format!(
        "<layer3 protonum=\"{family}\" protoname=\"{name}\"><src>{}</src><dst>{}</dst></layer3>\
         <layer4 protonum=\"{}\" protoname=\"{}\">{ports}</layer4>",
        tuple.src,
        tuple.dst,
        tuple.protocol,
        entry.protocol_name()
    )
}

/// A number for a flow, which the kernel makes of where it lies and this of what it is.
fn number(entry: &Entry) -> u32 {
    let mut hasher = FxHasher::default();
    entry.original.hash(&mut hasher);
    let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn state(entry: &Entry) -> Option<&'static str> {
    match entry.flow {
        Flow::Tcp(state) => Some(state.name()),
        Flow::Icmp | Flow::Other | Flow::Udp { .. } => None,
    }
}

/// Whole seconds that a flow still lives. Some of the first one is over when a real listing comes to print it.
fn left(entry: &Entry, now: Instant) -> u64 {
    let nanos = entry.deadline.since(now).as_nanos().saturating_sub(1);
    u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
}

fn tuple(tuple: &Tuple) -> String {
    let addresses = format!("src={} dst={}", tuple.src, tuple.dst);
    if tuple.is_icmp() {
        let (kind, code) = tuple.icmp();
        return format!("{addresses} type={kind} code={code} id={}", tuple.src_port);
    }
    match tuple.protocol {
        6 | 17 => format!("{addresses} sport={} dport={}", tuple.src_port, tuple.dst_port),
        _ => addresses,
    }
}
