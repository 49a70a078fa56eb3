//! What a bridge costs per frame: the whole way through a namespace from one port to another, and the decision alone.
//! Aims: a unicast frame in at most 25 ns at 64 and at 1514 bytes (no copy), a flood to 16 ports in at most 120 ns.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use netyard_benches::{Switch, outbox, station};
use netyard_sim::addr::Mac;
use netyard_sim::frame::{Frame, ethertype};
use netyard_sim::time::Instant;

fn unicast(c: &mut Criterion) {
    for size in [64, 1514] {
        c.bench_function(&format!("bridge/unicast/{size}"), |b| {
            let mut switch = Switch::new(16);
            let (namespace, port) = switch.namespace(0);
            let mut cx = outbox();
            let mut frame = Some(Frame::ethernet(station(1), station(0), ethertype::IPV4, size - 14));
            b.iter(|| {
                namespace.receive(&mut cx, port, frame.take().expect("it came back"));
                frame = cx.take_sent().map(|sent| sent.frame);
            });
        });
    }
}

fn flood(c: &mut Criterion) {
    c.bench_function("bridge/flood/16", |b| {
        let mut switch = Switch::new(17);
        let (namespace, port) = switch.namespace(0);
        let mut cx = outbox();
        let frame = Frame::ethernet(Mac([2, 9, 9, 9, 9, 9]), station(0), ethertype::IPV4, 1500);
        b.iter_batched_ref(
            || frame.clone(),
            |frame| {
                namespace.receive(&mut cx, port, frame.clone());
                while let Some(sent) = cx.take_sent() {
                    black_box(sent);
                }
            },
            BatchSize::SmallInput,
        );
    });
}

fn decision(c: &mut Criterion) {
    c.bench_function("bridge/decision", |b| {
        let mut switch = Switch::new(16);
        let ports = switch.bridge().ports().to_vec();
        let bridge = switch.bridge();
        let own = Mac([6, 0, 0, 0, 0, 1]);
        b.iter(|| bridge.forward(Instant::ZERO, ports[0], black_box(station(0)), black_box(station(1)), own));
    });
}

criterion_group!(benches, unicast, flood, decision);
criterion_main!(benches);
