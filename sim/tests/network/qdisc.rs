//! Queueing disciplines at a device: what a link does to frames, and that it is what was asked.

use netyard_sim::device::IfIndex;
use netyard_sim::drop::DropReason;
use netyard_sim::fabric::NamespaceId;
use netyard_sim::qdisc::{
    Chance, Distribution, Fifo, Finding, FqCodel, Loss, Netem, Parent, QdiscError, Rate, Request, Settings, Share, Tbf,
    Ticks, Unit, Verb, Verdict,
};
use netyard_sim::socket::{SendOptions, SocketId};
use netyard_sim::time::{Duration, Instant};

use super::lab::{Lab, Ping, at};

/// A client that sends numbered datagrams by a device with a discipline to a server.
struct Line {
    lab: Lab,
    client: NamespaceId,
    server: NamespaceId,
    device: IfIndex,
    sender: SocketId,
    receiver: SocketId,
}

impl Line {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (client, server) = (lab.host("client"), lab.host("server"));
        let (device, _) = lab.cable((client, "eth0", "10.0.0.1/24"), (server, "eth0", "10.0.0.2/24"));
        assert!(matches!(lab.ping(client, "10.0.0.2"), Ping::Reply { .. }));
        let sender = lab.fabric.with(client, |ns, _| ns.udp_bind(at("10.0.0.1:5000"))).unwrap();
        let receiver = lab.fabric.with(server, |ns, _| ns.udp_bind(at("10.0.0.2:5000"))).unwrap();
        Self { lab, client, server, device, sender, receiver }
    }

    fn netem(netem: Netem) -> Self {
        let mut line = Self::new();
        line.set(Verb::Add, Settings::Netem(Box::new(netem))).unwrap();
        line
    }

    fn set(&mut self, verb: Verb, settings: Settings) -> Result<(), QdiscError> {
        let request = Request { parent: Some(Parent::Root), handle: 0, settings: Some(settings) };
        self.ask(verb, request)
    }

    fn ask(&mut self, verb: Verb, request: Request) -> Result<(), QdiscError> {
        let device = self.device;
        self.lab.fabric.with(self.client, |ns, cx| ns.set_qdisc(cx, device, verb, request))
    }

    fn send(&mut self, number: u32, len: usize) {
        let mut data = vec![0; len];
        data[..4].copy_from_slice(&number.to_be_bytes());
        let sender = self.sender;
        let options = SendOptions::default();
        self.lab
            .fabric
            .with(self.client, |ns, cx| ns.send_to(cx, sender, at("10.0.0.2:5000"), &data, options))
            .unwrap();
    }

    /// The numbers that have come.
    fn received(&mut self) -> Vec<u32> {
        let receiver = self.receiver;
        let next = |ns: &mut netyard_sim::namespace::Namespace| ns.recv_from(receiver).unwrap();
        core::iter::from_fn(|| self.lab.fabric.with(self.server, |ns, _| next(ns)))
            .map(|datagram| u32::from_be_bytes(datagram.data[..4].try_into().unwrap()))
            .collect()
    }

    /// Sends so many, one every `gap`, waits for the last, and gives back what came.
    fn stream(&mut self, count: u32, len: usize, gap: Duration) -> Vec<u32> {
        let mut came = Vec::new();
        for number in 0..count {
            self.send(number, len);
            self.lab.run_for(gap);
            came.extend(self.received());
        }
        self.lab.run_for(Duration::from_secs(10));
        came.extend(self.received());
        came
    }

    fn findings(&self) -> Vec<Finding> {
        let namespace = self.lab.fabric.namespace(self.client);
        let queue = namespace.devices.get(&self.device).unwrap().queue.as_ref().unwrap();
        queue.ledger.findings(&queue.settings)
    }

    /// Whether everything is as asked, in a few words.
    fn report(&self) -> Vec<String> {
        self.findings()
            .iter()
            .map(|f| {
                assert_eq!(f.verdict, Verdict::Met, "{f:?}");
                format!("{} {}: {}", f.what, f.asked, f.delivered)
            })
            .collect()
    }
}

fn percent(part: f64) -> Share {
    Share::of(part / 100.0).expect("it is a share")
}

fn chance(part: f64) -> Chance {
    Chance { share: percent(part), correlation: Share::NONE }
}

fn millis(time: u32) -> Ticks {
    Ticks::from_micros(time * 1000).expect("it is short")
}

const MILLI: Duration = Duration::from_millis(1);

#[test]
fn a_constant_delay_is_exact_and_keeps_the_order() {
    let mut line = Line::netem(Netem { latency: millis(20), ..Netem::default() });
    line.send(7, 100);
    line.lab.run_for(Duration::from_micros(20_009));
    assert_eq!(line.received(), []);
    line.lab.run_for(Duration::from_micros(1));
    assert_eq!(line.received(), [7]);
    assert_eq!(line.stream(500, 100, MILLI), (0..500).collect::<Vec<_>>());
    assert_eq!(line.report(), ["delay p50 20.0ms p90 20.0ms p99 20.0ms: p50 19.9ms p90 19.9ms p99 19.9ms"]);
}

#[test]
fn loss_of_every_model_is_what_was_asked() {
    let share = percent;
    let models = [
        Loss::Random(chance(5.0)),
        Loss::Gemodel { p: share(1.0), r: share(10.0), h: share(30.0), k1: share(0.1) },
        Loss::State { p13: share(2.0), p31: share(20.0), p32: share(10.0), p23: share(30.0), p14: share(1.0) },
    ];
    let mut said = Vec::new();
    for loss in models {
        let mut line = Line::netem(Netem { loss, ..Netem::default() });
        let came = line.stream(20_000, 20, MILLI).len() as u64;
        let drops = line.lab.fabric.namespace(line.client).drops.of(DropReason::Lost);
        // A question of ARP or two may be among the lost.
        assert!((20_000..20_005).contains(&(came + drops)), "what did not come was lost, and counted");
        said.extend(line.report());
    }
    assert_eq!(said, ["loss 5.00%: 5.10%", "loss 6.45%: 6.12%", "loss 9.62%: 9.75%"]);
}

#[test]
fn a_loss_that_nobody_asked_for_is_noticed() {
    let mut line = Line::netem(Netem { loss: Loss::Random(chance(5.0)), ..Netem::default() });
    line.stream(20_000, 20, MILLI);
    let asked = Settings::Netem(Box::new(Netem { loss: Loss::Random(chance(6.0)), ..Netem::default() }));
    let namespace = line.lab.fabric.namespace(line.client);
    let queue = namespace.devices.get(&line.device).unwrap().queue.as_ref().unwrap();
    assert_eq!(queue.ledger.findings(&asked)[0].verdict, Verdict::Missed);
}

#[test]
fn jitter_is_spread_as_asked_and_lets_frames_overtake() {
    for distribution in [None, Some("normal"), Some("pareto"), Some("paretonormal")] {
        let distribution = distribution.map(|name| Distribution::named(name).expect("it is known"));
        let netem = Netem { latency: millis(50), jitter: millis(10), distribution, ..Netem::default() };
        let mut line = Line::netem(netem);
        let came = line.stream(5_000, 20, MILLI);
        assert_eq!(came.len(), 5_000);
        assert!(!came.is_sorted(), "a shorter delay overtakes a longer one");
        line.report();
    }
}

#[test]
fn frames_are_doubled_spoilt_and_reordered_as_often_as_asked() {
    let mut line = Line::netem(Netem { duplicate: chance(10.0), ..Netem::default() });
    let came = line.stream(5_000, 20, MILLI).len();
    assert_eq!((came, line.report()), (5_541, vec!["duplicate 10.00%: 10.82%".to_owned()]));

    let mut line = Line::netem(Netem { corrupt: Some(chance(10.0)), ..Netem::default() });
    let came = line.stream(5_000, 20, MILLI).len();
    assert!(came < 4_600, "a checksum notices one bit, wherever it is: {came}");
    line.report();

    let netem = Netem { latency: millis(10), reorder: Some(chance(25.0)), gap: 5, ..Netem::default() };
    let mut line = Line::netem(netem);
    let came = line.stream(5_000, 20, MILLI);
    assert_eq!(came[..6], [4, 0, 10, 1, 2, 3], "every fifth may go at once");
    line.report();
}

#[test]
fn a_rate_lets_no_more_through_and_a_limit_keeps_the_rest_out() {
    let rate = Rate { rate: 125_000, packet_overhead: 0, cell_size: 0, cell_overhead: 0 };
    let mut line = Line::netem(Netem { rate: Some(rate), limit: 50, ..Netem::default() });
    // 1042 bytes take 8.336 ms; one comes every millisecond.
    let came = line.stream(1_000, 1_000, MILLI);
    assert_eq!(came.len(), 169);
    line.report();
    assert_eq!(line.lab.fabric.namespace(line.client).drops.of(DropReason::QueueFull), 832, "with a question of ARP");
}

#[test]
fn a_token_bucket_lets_a_burst_through_and_then_its_rate() {
    let told = Tbf { rate: 125_000, burst: Ticks::of_size(10_000, 125_000), limit: 30_000, peak: None };
    let mut line = Line::new();
    line.set(Verb::Add, Settings::Tbf(told)).unwrap();
    for number in 0..20 {
        line.send(number, 958);
    }
    line.lab.run_for(MILLI);
    assert_eq!(line.received().len(), 10, "a burst of ten thousand bytes");
    line.lab.run_for(Duration::from_millis(40));
    assert_eq!(line.received().len(), 5, "eight milliseconds each");
    let came = line.stream(2_000, 958, MILLI);
    assert!((280..=300).contains(&came.len()), "{}", came.len());
    assert_eq!(line.report(), ["rate at most 1000 kbit/s: 1000 kbit/s"]);
}

#[test]
fn what_stands_in_a_bucket_decides_what_is_too_much() {
    let told = Tbf { rate: 125_000, burst: Ticks::of_size(2_000, 125_000), limit: 1_000_000, peak: None };
    let waits = |inner: Settings| {
        let mut line = Line::new();
        let root = Request { parent: Some(Parent::Root), handle: 1, settings: Some(Settings::Tbf(told)) };
        line.ask(Verb::Add, root).unwrap();
        let inner = Request { parent: Some(Parent::Class(1, 1)), handle: 16, settings: Some(inner) };
        line.ask(Verb::Add, inner).unwrap();
        for number in 0..300 {
            line.send(number, 1_000);
        }
        line.lab.run_for(Duration::from_secs(4));
        line.lab.fabric.namespace(line.client).drops.of(DropReason::QueueFull)
    };
    let drops = waits(Settings::Fifo(Fifo { unit: Unit::Packets, limit: 100 }));
    assert_eq!(drops, 198, "a full line takes no more: one is gone, one is held by the bucket");
    let drops = waits(Settings::FqCodel(FqCodel::default()));
    assert!((1..100).contains(&drops), "CoDel thins out what waits too long: {drops}");
}

#[test]
fn one_setting_more_changes_nothing_of_the_others() {
    let base = Netem { loss: Loss::Random(chance(20.0)), ..Netem::default() };
    let more =
        Netem { duplicate: Chance::default(), corrupt: None, latency: millis(3), jitter: millis(2), ..base.clone() };
    let lost = |netem: Netem| {
        let mut came = Line::netem(netem).stream(300, 20, MILLI);
        came.sort_unstable();
        came
    };
    assert_eq!(lost(base), lost(more));
}

#[test]
fn what_waits_goes_with_the_device_and_what_was_done_is_remembered() {
    let mut line = Line::netem(Netem { latency: millis(50), loss: Loss::Random(chance(50.0)), ..Netem::default() });
    for number in 0..40 {
        line.send(number, 20);
    }
    line.lab.fabric.set_up(line.client, line.device, false);
    line.lab.fabric.set_up(line.client, line.device, true);
    line.lab.run_for(Duration::from_secs(1));
    assert_eq!(line.received(), []);
    let drops = &line.lab.fabric.namespace(line.client).drops;
    assert_eq!(drops.of(DropReason::Lost) + drops.of(DropReason::LinkDown), 40);

    line.set(Verb::Change, Settings::Netem(Box::default())).unwrap();
    let retired = line.lab.fabric.namespace(line.client).retired_qdiscs();
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].device.as_str(), retired[0].past.ledger.lost.of), ("eth0", 40));
}

#[test]
fn the_kernel_refuses_what_does_not_go() {
    let mut line = Line::new();
    let pfifo = || Some(Settings::Fifo(Fifo { unit: Unit::Packets, limit: 9 }));
    let bfifo = || Some(Settings::Fifo(Fifo { unit: Unit::Bytes, limit: 9 }));
    let at_root = |handle, settings| Request { parent: Some(Parent::Root), handle, settings };
    assert_eq!(line.ask(Verb::Change, at_root(0, pfifo())), Err(QdiscError::NotFound));
    assert_eq!(line.ask(Verb::Add, at_root(5, pfifo())), Ok(()));
    assert_eq!(line.ask(Verb::Add, at_root(0, pfifo())), Err(QdiscError::Exists));
    assert_eq!(line.ask(Verb::Add, at_root(6, pfifo())), Err(QdiscError::Other));
    assert_eq!(line.ask(Verb::Replace, at_root(5, bfifo())), Err(QdiscError::OtherKind));
    let below = Request { parent: Some(Parent::Class(5, 1)), handle: 0, settings: pfifo() };
    assert_eq!(line.ask(Verb::Add, below), Err(QdiscError::NotClassful));
    assert_eq!(line.ask(Verb::Replace, at_root(6, bfifo())), Ok(()));
    assert_eq!(line.lab.fabric.now(), Instant::ZERO + Duration::from_secs(4));
}
