//! Any bytes as they would come from a TAP device, header first, into a bridge with others on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netyard::live::vnet;
use netyard_sim::fabric::Fabric;
use netyard_sim::link::End;
use netyard_sim::rng::Seed;

fuzz_target!(|bytes: &[u8]| {
    let mut fabric = Fabric::new(Seed(1));
    let namespace = fabric.create_namespace("host");
    let (device, peer) = fabric.create_veth(namespace, "a", "b", Default::default()).expect("the names are free");
    [device, peer].into_iter().for_each(|device| fabric.set_up(namespace, device, true));
    fabric.set_outside(End { namespace, device }, true).expect("it is there");
    if let Some(frame) = vnet::read(bytes) {
        fabric.send_from_outside(End { namespace, device }, frame);
    }
    (0..1000).take_while(|_| fabric.step(fabric.now() + core::time::Duration::from_secs(1))).for_each(drop);
});
