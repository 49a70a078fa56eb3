//! What is told to a discipline on a command line: `delay 10ms loss 1%`, in the words and with the complaints of `tc`.

use super::quantity::{micros, percent, rate, size, ticks};
use crate::device::Device;
use crate::frame::ETHERNET_LEN;
use crate::qdisc::{Chance, Distribution, Fifo, FqCodel, Loss, Netem, Peak, Rate, Settings, Share, Tbf, Ticks, Unit};
use crate::time::Duration;

/// What `tc` says of a line that it does not take, and its exit code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// What goes to standard error.
    pub text: String,
    /// The exit code.
    pub status: i32,
}

impl Refusal {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 1 }
    }

    /// The kernel refuses.
    fn kernel(text: &str) -> Self {
        Self { text: format!("Error: {text}\n"), status: 2 }
    }
}

/// What a device gives to a discipline of which nothing is said.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Frames that its queue holds.
    pub queue_len: u32,
    /// The longest frame.
    pub longest: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { queue_len: 1000, longest: 1514 }
    }
}

impl Defaults {
    /// Those of a device.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        let queue_len = if device.queue_len == 0 { 1000 } else { device.queue_len };
        Self { queue_len, longest: u32::try_from(device.mtu.bytes() + ETHERNET_LEN).unwrap_or(u32::MAX) }
    }
}

/// What a kind of discipline is told by the words after its name.
///
/// # Errors
/// What `tc` complains of.
pub fn settings(kind: &str, words: &[&str], defaults: Defaults) -> Result<Settings, Refusal> {
    let words = &mut Words { words, at: 0 };
    match kind {
        "netem" => netem(words).map(|netem| Settings::Netem(Box::new(netem))),
        "tbf" => tbf(words).map(Settings::Tbf),
        "fq_codel" => fq_codel(words).map(Settings::FqCodel),
        "pfifo" | "bfifo" => fifo(words, kind, defaults).map(Settings::Fifo),
        "pfifo_fast" if words.words.is_empty() => Ok(Settings::PfifoFast),
        "pfifo_fast" => Err(Refusal::new("qdisc 'pfifo_fast' does not support option parsing\n")),
        kind => match words.words.first() {
            Some(word) => {
                Err(Refusal::new(format!("Unknown qdisc \"{kind}\", hence option \"{word}\" is unparsable\n")))
            }
            None if kind == "noqueue" => Ok(Settings::Noqueue),
            None => Err(Refusal::kernel("Specified qdisc kind is unknown.")),
        },
    }
}

/// The words of a line, one after the other.
struct Words<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    /// The word that must follow.
    fn value(&mut self) -> Result<&'a str, Refusal> {
        self.next().ok_or_else(|| Refusal { text: super::INCOMPLETE.to_owned(), status: 255 })
    }

    /// The next word when it begins with a digit.
    fn number(&mut self) -> Option<&'a str> {
        let is_number = self.words.get(self.at).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        if is_number { self.next() } else { None }
    }

    /// The word that must follow, read.
    fn read<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Refusal> {
        read(self.value()?).ok_or_else(|| illegal(what))
    }

    /// The next word when it is a number, read.
    fn maybe<T>(&mut self, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        self.number().map(|word| read(word).ok_or_else(|| illegal(what))).transpose()
    }
}

fn illegal(what: &str) -> Refusal {
    Refusal::new(format!("Illegal \"{what}\"\n"))
}

/// The first of `names` that a word shortens.
fn matching(word: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().find(|name| name.starts_with(word)).copied()
}

/// What was said about netem and is judged when all was read.
#[derive(Default)]
struct Said {
    loss: bool,
    /// Whether correlations reach the kernel: that of doubling alone does not, in `tc`.
    correlated: bool,
    distribution: bool,
}

fn netem(words: &mut Words<'_>) -> Result<Netem, Refusal> {
    const NAMES: [&str; 13] = [
        "limit",
        "latency",
        "delay",
        "loss",
        "drop",
        "ecn",
        "reorder",
        "corrupt",
        "gap",
        "duplicate",
        "distribution",
        "rate",
        "slot",
    ];
    let mut netem = Netem::default();
    let mut said = Said::default();
    while let Some(word) = words.next() {
        match matching(word, &NAMES) {
            Some("limit") => netem.limit = words.read("limit", size)?,
            Some("latency" | "delay") => delay(words, &mut netem, &mut said)?,
            Some("loss" | "drop") => loss(words, &mut netem, &mut said)?,
            Some("ecn") => netem.ecn = true,
            Some("reorder") => netem.reorder = Some(chance(words, "reorder")?),
            Some("corrupt") => netem.corrupt = Some(chance(words, "corrupt")?),
            Some("gap") => netem.gap = words.read("gap", |word| word.parse().ok())?,
            Some("duplicate") => netem.duplicate = chance(words, "duplicate")?,
            Some("distribution") => distribution(words, &mut netem, &mut said)?,
            Some("rate") => netem.rate = line_rate(words)?,
            Some("slot") => return Err(Refusal::kernel("Slots are not modelled.")),
            _ if word == "help" => return Err(Refusal::new(NETEM_USAGE)),
            _ => return Err(Refusal::new(format!("What is \"{word}\"?\n{NETEM_USAGE}"))),
        }
    }
    complete(netem, &said)
}

fn complete(mut netem: Netem, said: &Said) -> Result<Netem, Refusal> {
    let refuse = |why: &str| Err(Refusal::new(format!("{why}\n{NETEM_USAGE}")));
    if netem.reorder.is_some_and(|chance| chance.share != Share::NONE) {
        if netem.latency.0 == 0 {
            return refuse("reordering not possible without specifying some delay");
        }
        netem.gap = netem.gap.max(1);
    } else if netem.gap > 0 {
        return refuse("gap specified without reorder probability");
    }
    if netem.ecn && !said.loss {
        return refuse("ecn requested without loss model");
    }
    if said.distribution && (netem.latency.0 == 0 || netem.jitter.0 == 0) {
        return refuse("distribution specified but no latency and jitter values");
    }
    if !said.correlated {
        netem.duplicate.correlation = Share::NONE;
    }
    netem.rate = netem.rate.filter(|rate| rate.rate != 0);
    Ok(netem)
}

fn delay(words: &mut Words<'_>, netem: &mut Netem, said: &mut Said) -> Result<(), Refusal> {
    let read = |word: &str| ticks(word).map_err(|first| Refusal::new(format!("{first}Illegal \"latency\"\n")));
    netem.latency = read(words.value()?)?;
    let Some(jitter) = words.number() else { return Ok(()) };
    netem.jitter = read(jitter)?;
    if let Some(correlation) = words.maybe("latency", percent)? {
        (netem.delay_correlation, said.correlated) = (Some(correlation), true);
    }
    Ok(())
}

fn loss(words: &mut Words<'_>, netem: &mut Netem, said: &mut Said) -> Result<(), Refusal> {
    if said.loss {
        return Err(illegal("duplicate loss argument\n"));
    }
    said.loss = true;
    let word = words.value()?;
    let share = |words: &mut Words<'_>, what: &str| words.maybe(what, percent);
    match word {
        "state" => {
            let p13 = words.read("loss p13", percent)?;
            let mut ways = [p13.rest(), Share::NONE, Share::ALL, Share::NONE];
            for (way, what) in ways.iter_mut().zip(["loss p31", "loss p32", "loss p23", "loss p14"]) {
                let Some(told) = share(words, what)? else { break };
                *way = told;
            }
            let [p31, p32, p23, p14] = ways;
            netem.loss = Loss::State { p13, p31, p32, p23, p14 };
        }
        "gemodel" => {
            let p = words.read("loss gemodel p", percent)?;
            let mut rest = [p.rest(), Share::ALL, Share::NONE];
            for (part, what) in rest.iter_mut().zip(["loss gemodel r", "loss gemodel h", "loss gemodel k"]) {
                let Some(told) = share(words, what)? else { break };
                *part = told;
            }
            let [r, lost, k1] = rest;
            netem.loss = Loss::Gemodel { p, r, h: lost.rest(), k1 };
        }
        _ => {
            let number = if word == "random" { words.value()? } else { word };
            if word != "random" && !word.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(Refusal::new(format!("Unknown loss parameter: {word}\n")));
            }
            let lost = percent(number).ok_or_else(|| illegal("loss percent"))?;
            let correlation = share(words, "loss correlation")?;
            said.correlated |= correlation.is_some();
            netem.loss = Loss::Random(Chance { share: lost, correlation: correlation.unwrap_or_default() });
        }
    }
    Ok(())
}

fn chance(words: &mut Words<'_>, what: &str) -> Result<Chance, Refusal> {
    let share = words.read(what, percent)?;
    Ok(Chance { share, correlation: words.maybe(what, percent)?.unwrap_or_default() })
}

fn distribution(words: &mut Words<'_>, netem: &mut Netem, said: &mut Said) -> Result<(), Refusal> {
    let name = words.value()?;
    let missing = || {
        let path = format!("/usr/lib/x86_64-linux-gnu/tc//{name}.dist");
        Refusal::new(format!("No distribution data for {name} ({path}: No such file or directory)\n"))
    };
    netem.distribution = Some(Distribution::named(name).ok_or_else(missing)?);
    said.distribution = true;
    Ok(())
}

fn line_rate(words: &mut Words<'_>) -> Result<Option<Rate>, Refusal> {
    let mut told = Rate { rate: words.read("rate", rate)?, packet_overhead: 0, cell_size: 0, cell_overhead: 0 };
    let signed = |words: &mut Words<'_>| {
        let is_signed = words
            .words
            .get(words.at)
            .is_some_and(|word| word.strip_prefix('-').unwrap_or(word).starts_with(|c: char| c.is_ascii_digit()));
        if is_signed { words.read("rate", |word| word.parse::<i32>().ok()).map(Some) } else { Ok(None) }
    };
    if let Some(overhead) = signed(words)? {
        told.packet_overhead = overhead;
        if let Some(cell) = words.maybe("rate", |word| word.parse().ok())? {
            told.cell_size = cell;
            told.cell_overhead = signed(words)?.unwrap_or(0);
        }
    }
    Ok(Some(told))
}

/// What was said about a token bucket.
#[derive(Default)]
struct Bucket {
    limit: Option<u32>,
    latency: Option<f64>,
    burst: Option<u32>,
    mtu: Option<u32>,
    rate: Option<u64>,
    peak: Option<u64>,
}

fn tbf(words: &mut Words<'_>) -> Result<Tbf, Refusal> {
    let mut told = Bucket::default();
    while let Some(word) = words.next() {
        let twice = |name: &str| Refusal::new(format!("tbf: duplicate \"{name}\" specification\n"));
        let both = || Refusal::new("tbf: specifying both \"latency\" and \"limit\" is not allowed\n");
        match word {
            "limit" if told.limit.is_some() => return Err(twice("limit")),
            "latency" if told.latency.is_some() => return Err(twice("latency")),
            "limit" if told.latency.is_some() => return Err(both()),
            "latency" if told.limit.is_some() => return Err(both()),
            "burst" | "buffer" | "maxburst" if told.burst.is_some() => return Err(twice("buffer/burst/maxburst")),
            "mtu" | "minburst" if told.mtu.is_some() => return Err(twice("mtu/minburst")),
            "rate" if told.rate.is_some() => return Err(twice("rate")),
            "peakrate" if told.peak.is_some() => return Err(twice("peakrate")),
            "limit" => told.limit = Some(of_bucket(words, word, size)?),
            "latency" => told.latency = Some(of_bucket(words, word, micros)?),
            "burst" | "buffer" | "maxburst" => told.burst = Some(of_bucket(words, word, size)?),
            "mtu" | "minburst" => told.mtu = Some(of_bucket(words, word, size)?),
            "rate" => told.rate = Some(of_bucket(words, word, rate)?).filter(|rate| *rate != 0),
            "peakrate" => told.peak = Some(of_bucket(words, word, rate)?).filter(|rate| *rate != 0),
            "help" => return Err(Refusal::new(TBF_USAGE)),
            _ => return Err(Refusal::new(format!("tbf: unknown parameter \"{word}\"\n{TBF_USAGE}"))),
        }
    }
    told.complete()
}

fn of_bucket<T>(words: &mut Words<'_>, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Refusal> {
    let word = words.value()?;
    read(word).ok_or_else(|| Refusal::new(format!("tbf: illegal value for \"{name}\": \"{word}\"\n")))
}

impl Bucket {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion keeps within the range")]
    fn complete(self) -> Result<Tbf, Refusal> {
        let missing = [
            (self.rate.is_none(), "tbf: the \"rate\" parameter is mandatory.\n"),
            (self.burst.is_none(), "tbf: the \"burst\" parameter is mandatory.\n"),
            (
                self.peak.is_some() && self.mtu.is_none(),
                "tbf: when \"peakrate\" is specified, \"mtu\" must also be specified.\n",
            ),
            (self.limit.is_none() && self.latency.is_none(), "tbf: either \"limit\" or \"latency\" is required.\n"),
        ];
        let said: String = missing.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
        let (Some(rate), Some(burst), true) = (self.rate, self.burst, said.is_empty()) else {
            return Err(Refusal::new(said + TBF_USAGE));
        };
        let peak = self.peak.zip(self.mtu);
        let room = |rate: u64, at_once: u32| rate as f64 * self.latency.unwrap_or(0.0) / 1e6 + f64::from(at_once);
        let limit = self.limit.unwrap_or_else(|| {
            let own = room(rate, burst);
            peak.map_or(own, |(peak, mtu)| own.min(room(peak, mtu))) as u32
        });
        let peak = peak.map(|(rate, mtu)| Peak { rate, burst: Ticks::of_size(mtu.into(), rate) });
        Ok(Tbf { rate, burst: Ticks::of_size(burst.into(), rate), limit, peak })
    }
}

fn fifo(words: &mut Words<'_>, kind: &str, defaults: Defaults) -> Result<Fifo, Refusal> {
    const USAGE: &str = "Usage: ... <[p|b]fifo | pfifo_head_drop> [ limit NUMBER ]\n";
    let unit = if kind == "pfifo" { Unit::Packets } else { Unit::Bytes };
    let mut limit = match unit {
        Unit::Packets => defaults.queue_len,
        Unit::Bytes => defaults.queue_len.saturating_mul(defaults.longest),
    };
    while let Some(word) = words.next() {
        match word {
            "limit" => {
                let value = words.value()?;
                let wrong = || Refusal::new(format!("{kind}: Illegal value for \"limit\": \"{value}\"\n"));
                limit = size(value).ok_or_else(wrong)?;
            }
            "help" => return Err(Refusal::new(USAGE)),
            _ => return Err(Refusal::new(format!("{kind}: unknown parameter \"{word}\"\n{USAGE}"))),
        }
    }
    Ok(Fifo { unit, limit })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion keeps within the range")]
fn fq_codel(words: &mut Words<'_>) -> Result<FqCodel, Refusal> {
    let mut told = FqCodel::default();
    let time = |word: &str| micros(word).filter(|time| *time >= 0.0).map(|time| Duration::from_micros(time as u64));
    let number = |word: &str| word.parse().ok();
    while let Some(word) = words.next() {
        match word {
            "limit" => told.limit = words.read(word, number)?,
            "flows" => told.flows = words.read(word, number)?,
            "quantum" => told.quantum = words.read(word, number)?,
            "target" => told.target = words.read(word, time)?,
            "interval" => told.interval = words.read(word, time)?,
            "memory_limit" => told.memory_limit = words.read(word, size)?,
            "drop_batch" => told.drop_batch = words.read(word, number)?,
            "ecn" => told.ecn = true,
            "noecn" => told.ecn = false,
            "help" => return Err(Refusal::new(FQ_CODEL_USAGE)),
            _ => return Err(Refusal::new(format!("What is \"{word}\"?\n{FQ_CODEL_USAGE}"))),
        }
    }
    Ok(told)
}

const NETEM_USAGE: &str = "\
Usage: ... netem [ limit PACKETS ]
                 [ delay TIME [ JITTER [CORRELATION]]]
                 [ distribution {uniform|normal|pareto|paretonormal} ]
                 [ corrupt PERCENT [CORRELATION]]
                 [ duplicate PERCENT [CORRELATION]]
                 [ loss random PERCENT [CORRELATION]]
                 [ loss state P13 [P31 [P32 [P23 P14]]]
                 [ loss gemodel PERCENT [R [1-H [1-K]]]
                 [ ecn ]
                 [ reorder PERCENT [CORRELATION] [ gap DISTANCE ]]
                 [ rate RATE [PACKETOVERHEAD] [CELLSIZE] [CELLOVERHEAD]]
                 [ slot MIN_DELAY [MAX_DELAY] [packets MAX_PACKETS] [bytes MAX_BYTES]]
                 [ slot distribution {uniform|normal|pareto|paretonormal|custom}
                   DELAY JITTER [packets MAX_PACKETS] [bytes MAX_BYTES]]
";

const TBF_USAGE: &str = "\
Usage: ... tbf limit BYTES burst BYTES[/BYTES] rate KBPS [ mtu BYTES[/BYTES] ]
\t[ peakrate KBPS ] [ latency TIME ] [ overhead BYTES ] [ linklayer TYPE ]
";

const FQ_CODEL_USAGE: &str = "\
Usage: ... fq_codel\t[ limit PACKETS ] [ flows NUMBER ]
[ memory_limit BYTES ]
[ target TIME ] [ interval TIME ]
[ quantum BYTES ] [ [no]ecn ]
[ ce_threshold TIME ]
[ ce_threshold_selector VALUE/MASK ]
[ drop_batch SIZE ]
";
