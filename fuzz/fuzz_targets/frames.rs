//! Any bytes as a frame into a router with open sockets: a counted drop, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netyard_sim::device::IfIndex;
use netyard_sim::fabric::Fabric;
use netyard_sim::frame::Frame;
use netyard_sim::rng::Seed;

fuzz_target!(|bytes: &[u8]| {
    let mut fabric = Fabric::new(Seed(1));
    let host = fabric.create_namespace("host");
    let (a, b) = fabric.create_veth(host, "a", "b", Default::default()).expect("the names are free");
    [IfIndex(1), a, b].into_iter().for_each(|device| fabric.set_up(host, device, true));
    fabric.add_address(host, a, "10.0.0.1/24".parse().expect("a prefix")).expect("it is new");
    fabric.with(host, |ns, _| ns.tcp_listen("0.0.0.0:80".parse().expect("an address"), 4)).expect("it is free");
    fabric.inject(host, a, Frame::copy_of(bytes));
    let limit = fabric.now() + netyard_sim::time::Duration::from_secs(1);
    (0..1000).take_while(|_| fabric.step(limit)).for_each(drop);
});
