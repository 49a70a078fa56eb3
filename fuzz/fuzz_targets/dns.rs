//! Any bytes as a query to the DNS server: an answer, a question to the upstream or silence, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netyard_sim::dns::{Client, Server, Transport};
use netyard_sim::rng::Seed;
use netyard_sim::time::Instant;

fuzz_target!(|bytes: &[u8]| {
    let mut server = Server::embedded(Seed(1).stream("dns"));
    let addr = "127.0.0.1:4000".parse().expect("an address");
    let mut actions = Vec::new();
    server.handle_query(Instant::ZERO, Client { addr, transport: Transport::Udp }, bytes, &mut actions);
    server.handle_response(Instant::ZERO, addr, bytes, &mut actions);
});
