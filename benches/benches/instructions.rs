//! How many instructions a packet takes on each path, counted by callgrind: a figure that does not depend on what else the
//! machine does. `cargo bench -p netyard-benches --bench instructions` runs itself in valgrind, with twice as many packets
//! the second time, so that what it takes to begin is not counted.

use std::env;
use std::process::Command;

use netyard_benches::router::Router;
use netyard_benches::{Switch, outbox, station};
use netyard_sim::frame::{Frame, ethertype};

/// What a path is called, and what sends so many packets along it.
type Path = (&'static str, fn(u64));

const PATHS: [Path; 4] = [
    ("a frame through a bridge, 1514 bytes", bridge),
    ("a packet through a router, 64 bytes", |packets| Router::new(64, false).forward(packets)),
    ("a packet through a router, 1500 bytes", |packets| Router::new(1500, false).forward(packets)),
    ("a packet through a router that masquerades, 1500 bytes", |packets| Router::new(1500, true).forward(packets)),
];
const PACKETS: u64 = 10_000;

fn main() {
    // cargo adds words of its own.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match words.as_slice() {
        [path, packets] => {
            let path: usize = path.parse().expect("the number of a path");
            PATHS[path].1(packets.parse().expect("a number of packets"));
        }
        _ => PATHS.iter().enumerate().for_each(|(path, (name, _))| measure(path, name)),
    }
}

fn measure(path: usize, name: &str) {
    match (counted(path, PACKETS), counted(path, 2 * PACKETS)) {
        (Some(once), Some(twice)) => println!("{name}: {} instructions", (twice - once) / PACKETS),
        _ => println!("{name}: skipped, there is no valgrind that counts here"),
    }
}

/// The instructions that a run with so many packets takes.
fn counted(path: usize, packets: u64) -> Option<u64> {
    let own = env::current_exe().expect("this program is a file");
    let valgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let run = Command::new("valgrind").args(valgrind).arg(own).args([path.to_string(), packets.to_string()]).output();
    let said = String::from_utf8(run.ok()?.stderr).ok()?;
    let line = said.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

fn bridge(frames: u64) {
    let mut switch = Switch::new(16);
    let (namespace, port) = switch.namespace(0);
    let mut cx = outbox();
    let mut frame = Some(Frame::ethernet(station(1), station(0), ethertype::IPV4, 1500));
    for _ in 0..frames {
        namespace.receive(&mut cx, port, frame.take().expect("it came out"));
        frame = cx.drain_sent().map(|sent| sent.frame).last();
    }
}
