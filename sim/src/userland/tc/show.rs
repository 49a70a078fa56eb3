//! What `tc qdisc show` prints, as text and as JSON.

use core::fmt::Write as _;

use super::quantity::{shown_percent, shown_rate, shown_size, shown_time};
use crate::device::{Device, IfIndex, Kind};
use crate::namespace::Namespace;
use crate::qdisc::{Chance, Counters, Fifo, FqCodel, Loss, Netem, Parent, Qdisc, Rate, Settings, Share, Tbf, Unit};
use crate::userland::json::Json;

/// How it is printed.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    pub(super) statistics: bool,
    pub(super) details: bool,
    pub(super) json: bool,
    pub(super) pretty: bool,
}

/// What is printed of all that is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Listing {
    pub(super) manner: Manner,
    pub(super) device: Option<IfIndex>,
    pub(super) parent: Option<Parent>,
    pub(super) handle: Option<u16>,
    pub(super) invisible: bool,
}

/// One discipline of a device; none stands for `noqueue`.
struct Entry<'a> {
    device: &'a Device,
    parent: Parent,
    qdisc: Option<&'a Qdisc>,
}

impl Listing {
    pub(super) fn print(&self, namespace: &Namespace) -> String {
        let wanted = |device: &&Device| self.device.is_none_or(|index| device.index == index);
        let entries: Vec<Entry<'_>> =
            namespace.devices.values().filter(wanted).flat_map(|device| self.entries(device)).collect();
        let entries = entries.iter().filter(|entry| {
            self.parent.is_none_or(|parent| parent == entry.parent)
                && self.handle.is_none_or(|handle| entry.qdisc.map_or(0, |qdisc| qdisc.handle) == handle)
        });
        if self.manner.json {
            return Json::List(entries.map(|entry| self.json(entry)).collect()).print(self.manner.pretty);
        }
        entries.map(|entry| self.text(entry)).collect()
    }

    fn entries<'a>(&self, device: &'a Device) -> Vec<Entry<'a>> {
        let Some(root) = device.queue.as_deref() else {
            // One that was never up has none, not even none.
            let is_built = device.opened || device.up;
            return is_built.then_some(Entry { device, parent: Parent::Root, qdisc: None }).into_iter().collect();
        };
        let mut entries = Vec::new();
        let (mut next, mut parent) = (Some(root), Parent::Root);
        while let Some(qdisc) = next {
            entries.push(Entry { device, parent, qdisc: Some(qdisc) });
            parent = Parent::Class(qdisc.handle, 1);
            next = if self.invisible { qdisc.inner() } else { qdisc.child() };
        }
        entries
    }

    fn text(&self, entry: &Entry<'_>) -> String {
        let (kind, handle, counters) = entry.head();
        let mut text = format!("qdisc {kind} {handle:x}: ");
        if self.device.is_none() {
            let _ = write!(text, "dev {} ", entry.device.name);
        }
        match entry.parent {
            Parent::Root => {
                let _ = write!(text, "root refcnt {} ", entry.references());
            }
            Parent::Class(major, minor) => {
                let _ = write!(text, "parent {major:x}:{minor:x} ");
            }
        }
        text.push_str(&entry.qdisc.map(|qdisc| told(&qdisc.settings, self.manner.details)).unwrap_or_default());
        text.push('\n');
        if self.manner.statistics {
            let Counters { bytes, packets, drops, overlimits, requeues, backlog, waiting } = counters;
            let _ = write!(
                text,
                " Sent {bytes} bytes {packets} pkt (dropped {drops}, overlimits {overlimits} requeues {requeues}) \n \
                 backlog {} {waiting}p requeues {requeues}\n",
                shown_size(backlog)
            );
        }
        text
    }

    fn json(&self, entry: &Entry<'_>) -> Json {
        let (kind, handle, counters) = entry.head();
        let mut fields: Vec<(&'static str, Json)> =
            vec![("kind", kind.into()), ("handle", format!("{handle:x}:").into())];
        if self.device.is_none() {
            fields.push(("dev", entry.device.name.as_str().into()));
        }
        match entry.parent {
            Parent::Root => fields.extend([("root", true.into()), ("refcnt", entry.references().into())]),
            Parent::Class(major, minor) => fields.push(("parent", format!("{major:x}:{minor:x}").into())),
        }
        let options = entry.qdisc.map(|qdisc| options(&qdisc.settings)).unwrap_or_default();
        fields.push(("options", Json::Object(options)));
        if self.manner.statistics {
            let Counters { bytes, packets, drops, overlimits, requeues, backlog, waiting } = counters;
            let numbers = [
                ("bytes", bytes),
                ("packets", packets),
                ("drops", drops),
                ("overlimits", overlimits),
                ("requeues", requeues),
                ("backlog", backlog),
                ("qlen", waiting),
            ];
            fields.extend(numbers.map(|(name, number)| (name, number.into())));
        }
        Json::Object(fields)
    }
}

impl Entry<'_> {
    fn head(&self) -> (&'static str, u16, Counters) {
        let none = ("noqueue", 0, Counters::default());
        self.qdisc.map_or(none, |qdisc| (qdisc.settings.kind(), qdisc.handle, qdisc.counters))
    }

    /// One for each of the device's queues, and one more.
    const fn references(&self) -> u32 {
        if self.qdisc.is_some() && matches!(self.device.kind, Kind::Veth { .. }) { 3 } else { 2 }
    }
}

/// What a discipline is told, as `tc` prints it.
#[must_use]
pub fn describe(settings: &Settings) -> String {
    format!("{} {}", settings.kind(), told(settings, false)).trim_end().to_owned()
}

pub(super) fn told(settings: &Settings, details: bool) -> String {
    match settings {
        Settings::Fifo(Fifo { unit: Unit::Packets, limit }) => format!("limit {limit}p"),
        Settings::Fifo(Fifo { unit: Unit::Bytes, limit }) => format!("limit {}", shown_size((*limit).into())),
        Settings::FqCodel(told) => fair_queues(told),
        Settings::Netem(told) => netem(told),
        Settings::Noqueue => String::new(),
        Settings::PfifoFast => "bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1".to_owned(),
        Settings::Tbf(told) => bucket(told, details),
    }
}

fn fair_queues(told: &FqCodel) -> String {
    let FqCodel { limit, flows, quantum, target, interval, memory_limit, ecn, drop_batch } = told;
    let [target, interval] = [target, interval].map(|time| shown_time(u32::try_from(time.as_micros()).unwrap_or(0)));
    format!(
        "limit {limit}p flows {flows} quantum {quantum} target {target} interval {interval} memory_limit {} {}drop_batch \
         {drop_batch} ",
        shown_size((*memory_limit).into()),
        if *ecn { "ecn " } else { "" }
    )
}

/// What a token bucket's waiting frames wait at most, in microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion keeps within the range")]
fn latency(told: &Tbf) -> Option<u32> {
    let wait = |rate: u64, micros: u32| 1e6 * (f64::from(told.limit) / rate as f64) - f64::from(micros);
    let own = wait(told.rate, told.burst.micros());
    let longest = told.peak.map_or(own, |peak| own.max(wait(peak.rate, peak.burst.micros())));
    (longest >= 0.0).then_some(longest as u32)
}

fn bucket(told: &Tbf, details: bool) -> String {
    let more = if details { "/1 mpu 0b" } else { "" };
    let mut text = format!("rate {} burst {}{more} ", shown_rate(told.rate), shown_size(told.burst.size(told.rate)));
    if let Some(peak) = told.peak {
        let size = shown_size(peak.burst.size(peak.rate));
        let (name, more) = if details { ("mtu", "/1 mpu 0b") } else { ("minburst", "") };
        let _ = write!(text, "peakrate {} {name} {size}{more} ", shown_rate(peak.rate));
    }
    if let Some(latency) = latency(told) {
        let _ = write!(text, "lat {} ", shown_time(latency));
    }
    if details {
        text.push_str("linklayer ethernet ");
    }
    text
}

fn netem(told: &Netem) -> String {
    let mut text = format!("limit {}", told.limit);
    let correlation = |share: Share| match share {
        Share::NONE => String::new(),
        share => format!(" {}%", shown_percent(share)),
    };
    let happens = |text: &mut String, name: &str, chance: Chance| {
        if chance.share != Share::NONE {
            let _ = write!(text, " {name} {}%{}", shown_percent(chance.share), correlation(chance.correlation));
        }
    };
    if told.latency.0 != 0 {
        let _ = write!(text, " delay {}", shown_time(told.latency.micros()));
        if told.jitter.0 != 0 {
            let more = correlation(told.delay_correlation.unwrap_or_default());
            let _ = write!(text, "  {}{more}", shown_time(told.jitter.micros()));
        }
    }
    match told.loss {
        Loss::Random(chance) => happens(&mut text, "loss", chance),
        Loss::State { p13, p31, p32, p23, p14 } => {
            let [p13, p31, p32, p23, p14] = [p13, p31, p32, p23, p14].map(shown_percent);
            let _ = write!(text, " loss state p13 {p13}% p31 {p31}% p32 {p32}% p23 {p23}% p14 {p14}%");
        }
        Loss::Gemodel { p, r, h, k1 } => {
            let [p, r, lost, k1] = [p, r, h.rest(), k1].map(shown_percent);
            let _ = write!(text, " loss gemodel p {p}% r {r}% 1-h {lost}% 1-k {k1}%");
        }
    }
    happens(&mut text, "duplicate", told.duplicate);
    happens(&mut text, "reorder", told.reorder.unwrap_or_default());
    happens(&mut text, "corrupt", told.corrupt.unwrap_or_default());
    if let Some(Rate { rate, packet_overhead, cell_size, cell_overhead }) = told.rate {
        let _ = write!(text, " rate {}", shown_rate(rate));
        let rest = [
            ("packetoverhead", i64::from(packet_overhead)),
            ("cellsize", i64::from(cell_size)),
            ("celloverhead", i64::from(cell_overhead)),
        ];
        for (name, number) in rest.iter().filter(|(_, number)| *number != 0) {
            let _ = write!(text, " {name} {number}");
        }
    }
    text.push_str(if told.ecn { " ecn " } else { "" });
    if told.gap != 0 {
        let _ = write!(text, " gap {}", told.gap);
    }
    text
}

pub(super) type Fields = Vec<(&'static str, Json)>;

pub(super) fn options(settings: &Settings) -> Fields {
    match settings {
        Settings::Fifo(Fifo { limit, .. }) => vec![("limit", (*limit).into())],
        Settings::FqCodel(told) => {
            let micros = |time: crate::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let mut fields: Fields = vec![
                ("limit", told.limit.into()),
                ("flows", told.flows.into()),
                ("quantum", told.quantum.into()),
                ("target", micros(told.target).into()),
                ("interval", micros(told.interval).into()),
                ("memory_limit", told.memory_limit.into()),
            ];
            fields.extend(told.ecn.then_some(("ecn", true.into())));
            fields.push(("drop_batch", told.drop_batch.into()));
            fields
        }
        Settings::Netem(told) => netem_options(told),
        Settings::Noqueue => Vec::new(),
        Settings::PfifoFast => {
            let map = [1u32, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1].map(Json::from);
            vec![("bands", 3u32.into()), ("priomap", Json::List(map.into())), ("multiqueue", false.into())]
        }
        Settings::Tbf(told) => {
            let mut fields: Fields = vec![("rate", told.rate.into()), ("burst", told.burst.size(told.rate).into())];
            if let Some(peak) = told.peak {
                fields.push(("minburst", peak.burst.size(peak.rate).into()));
            }
            fields.extend(latency(told).map(|latency| ("lat", latency.into())));
            fields
        }
    }
}

fn netem_options(told: &Netem) -> Fields {
    let part = |share: Share| Json::Real(share.part());
    let chance = |name: &'static str, field: &'static str, chance: Chance| {
        let fields = vec![(field, part(chance.share)), ("correlation", part(chance.correlation))];
        (chance.share != Share::NONE).then_some((name, Json::Object(fields)))
    };
    let mut fields: Fields = vec![("limit", told.limit.into())];
    if told.latency.0 != 0 {
        let seconds = |ticks: crate::qdisc::Ticks| Json::Real(f64::from(ticks.micros()) / 1e6);
        let delay = vec![
            ("delay", seconds(told.latency)),
            ("jitter", seconds(told.jitter)),
            ("correlation", part(told.delay_correlation.unwrap_or_default())),
        ];
        fields.push(("delay", Json::Object(delay)));
    }
    match told.loss {
        Loss::Random(loss) => fields.extend(chance("loss-random", "loss", loss)),
        Loss::State { p13, p31, p32, p23, p14 } => {
            let state = [("p13", p13), ("p31", p31), ("p32", p32), ("p23", p23), ("p14", p14)];
            fields.push(("loss-state", Json::Object(state.map(|(name, share)| (name, part(share))).into())));
        }
        Loss::Gemodel { p, r, h, k1 } => {
            let model = [("p", p), ("r", r), ("1-h", h.rest()), ("1-k", k1)];
            fields.push(("loss-gemodel", Json::Object(model.map(|(name, share)| (name, part(share))).into())));
        }
    }
    fields.extend(chance("duplicate", "duplicate", told.duplicate));
    fields.extend(chance("reorder", "reorder", told.reorder.unwrap_or_default()));
    fields.extend(chance("corrupt", "corrupt", told.corrupt.unwrap_or_default()));
    if let Some(rate) = told.rate {
        let number = |number: i32| u64::try_from(number).unwrap_or(0).into();
        let rate = vec![
            ("rate", rate.rate.into()),
            ("packetoverhead", number(rate.packet_overhead)),
            ("cellsize", rate.cell_size.into()),
            ("celloverhead", number(rate.cell_overhead)),
        ];
        fields.push(("rate", Json::Object(rate)));
    }
    fields.extend([("ecn", told.ecn.into()), ("gap", told.gap.into())]);
    fields
}
