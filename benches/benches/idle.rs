//! What an idle container costs in memory: the growth of this process over a thousand of them, divided. The aim is
//! below 16 KiB. It counts resident pages, so that nothing is left out: files, processes, tables, the engine's records.

use netyard_drivers::site::{Site, SiteConfig, TerminalEvent, TerminalId};
use netyard_sim::time::Duration;

const CONTAINERS: usize = 1000;
const AIM: usize = 16 * 1024;

fn main() {
    let mut site = Site::new(&SiteConfig::default());
    let place = site.place("docker01").expect("it is the default host");
    let terminal = site.open_terminal(&place).expect("a host has a shell");
    run(&mut site, terminal, "docker network create -d bridge --subnet 10.0.0.0/16 n1");
    start(&mut site, terminal, "warm", 50);
    let before = resident();
    start(&mut site, terminal, "idle", CONTAINERS);
    let each = (resident() - before) / CONTAINERS;
    println!("an idle container costs {each} bytes over {CONTAINERS} (aim: below {AIM})");
    assert!(each < AIM, "an idle container costs too much");
}

/// Starts containers by one loop of the host's shell.
fn start(site: &mut Site, terminal: TerminalId, name: &str, count: usize) {
    run(
        site,
        terminal,
        &format!("for i in $(seq {count}); do docker run -d -t --network n1 --name {name}$i busybox; done > /dev/null"),
    );
}

fn run(site: &mut Site, terminal: TerminalId, line: &str) {
    site.enter(terminal, line);
    let limit = site.now() + Duration::from_secs(3600);
    loop {
        match site.run(limit).expect("it takes less than an hour") {
            TerminalEvent::Ready { terminal: ready, status } if ready == terminal => {
                assert_eq!(status, 0, "{line}");
                break;
            }
            TerminalEvent::Ready { .. } | TerminalEvent::Closed { .. } => {}
        }
    }
    site.output(terminal);
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: usize =
        text.split(' ').nth(1).and_then(|p| p.parse().ok()).expect("the second field is the resident pages");
    pages * 4096
}
