//! What a bridge costs per frame: the whole way through a namespace from one port to another, and the decision alone.
//! Aims: a unicast frame in at most 25 ns at 64 and at 1514 bytes (no copy), a flood to 16 ports in at most 120 ns.
//!
//! Frames come in bursts of 64, as they do from a busy link, and the time is that of one frame: received, counted,
//! learned, looked up, counted out and put into the outbox, then taken from there.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use netyard_benches::{Switch, outbox, station};
use netyard_sim::addr::Mac;
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::time::Instant as Virtual;

const BURST: usize = 64;

/// The time that `frames` unicast frames of `size` bytes take.
fn forward(frames: u64, size: usize) -> Duration {
    let mut switch = Switch::new(16);
    let (namespace, port) = switch.namespace(0);
    let mut cx = outbox();
    let frame = || Frame::ethernet(station(1), station(0), ethertype::IPV4, size - 14);
    let mut burst: Vec<Frame> = (0..BURST).map(|_| frame()).collect();
    let rounds = frames.div_ceil(BURST as u64);
    let start = Instant::now();
    for _ in 0..rounds {
        burst.drain(..).for_each(|frame| namespace.receive(&mut cx, port, frame));
        burst.extend(cx.drain_sent().map(|sent| sent.frame));
    }
    let elapsed = start.elapsed();
    assert_eq!(burst.len(), BURST, "every frame came out, at one port");
    assert!(!burst[0].is_shared(), "and none was copied or shared");
    elapsed.mul_f64(frames as f64 / (rounds * BURST as u64) as f64)
}

fn unicast(c: &mut Criterion) {
    for size in [64, 1514] {
        c.bench_function(&format!("bridge/unicast/{size}"), |b| b.iter_custom(|frames| forward(frames, size)));
    }
}

fn flood(c: &mut Criterion) {
    c.bench_function("bridge/flood/16", |b| {
        let mut switch = Switch::new(17);
        let (namespace, port) = switch.namespace(0);
        let mut cx = outbox();
        let frame = Frame::ethernet(Mac([2, 9, 9, 9, 9, 9]), station(0), ethertype::IPV4, 1500);
        b.iter(|| {
            namespace.receive(&mut cx, port, frame.clone());
            cx.drain_sent().for_each(|sent| drop(black_box(sent)));
        });
    });
}

fn decision(c: &mut Criterion) {
    c.bench_function("bridge/decision", |b| {
        let mut switch = Switch::new(16);
        let ports = switch.bridge().ports().to_vec();
        let bridge = switch.bridge();
        let own = Mac([6, 0, 0, 0, 0, 1]);
        b.iter(|| bridge.forward(Virtual::ZERO, ports[0], black_box(station(0)), black_box(station(1)), own));
    });
}

criterion_group!(benches, unicast, flood, decision);
criterion_main!(benches);
