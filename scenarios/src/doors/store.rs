//! The door of a store that engines share: what strangers write into it, and what they answer in etcd's place.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::time::Duration;

use netyard_drivers::cluster::remote::Ask;
use netyard_drivers::cluster::store::{Commit, LeaseId};
use netyard_drivers::daemon::Config;
use netyard_drivers::site::SiteConfig;

use super::lines::works;
use crate::lab::Lab;
use crate::live::etcd::json;

/// Lines that are heeded.
const LINES_MAX: usize = 12;
/// How much virtual time a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the store is.
const STORE: ([u8; 4], u16) = ([192, 0, 2, 2], 2379);

/// Two hosts that share a store with a network, n1, and a container of each on it.
struct Shared {
    lab: Lab,
    /// The id of the network.
    network: String,
}

thread_local!(static KEPT: OnceCell<Shared> = const { OnceCell::new() });

fn build() -> Shared {
    let config = Config { cluster_store: Some("etcd://192.0.2.2:2379".to_owned()), ..Config::default() };
    let hosts = ["docker01", "docker02"].map(str::to_owned);
    let engines = hosts.clone().map(|host| (host, config.clone())).into();
    let lab = Lab::of_site(SiteConfig { hosts: hosts.into(), engines, ..SiteConfig::default() });
    lab.run_for(Duration::from_secs(1));
    let network = lab.sh("docker network create -d overlay n1").expect("nothing is in the way").trim().to_owned();
    lab.run_for(Duration::from_secs(1));
    for (host, name) in [("docker01", "c1"), ("docker02", "c2")] {
        let run = format!("docker run -d --name {name} --network n1 busybox sleep 1000000");
        lab.sh_in(host, &run).expect("nothing is in the way");
    }
    Shared { lab, network }
}

/// A line `p KEY VALUE` is written, `d KEY` removed, `w` lets time pass; `e STATUS BODY` is what somebody answers in etcd's
/// place. `@network` is the network's id.
pub(super) fn store(text: &str) {
    let (lab, network) = KEPT.with(|kept| {
        let shared = kept.get_or_init(build);
        (shared.lab.fork().expect("nothing of a test runs in it"), shared.network.clone())
    });
    lab.run_for(Duration::from_secs(3));
    for line in text.lines().take(LINES_MAX) {
        write(&lab, &line.replace("@network", &network));
    }
    lab.run_for(Duration::from_secs(1));
    for command in [
        "docker network ls",
        "docker network inspect $(docker network ls -q --no-trunc)",
        "docker run -d --name c3 --network n1 busybox",
        "docker run -d --name c4 --network n2 busybox",
        "docker network create -d overlay n3",
        "docker rename c1 c9",
        "docker rm -f c1 c9 c3 c4",
        "docker network rm n1 n2 n3",
        "docker info",
    ] {
        let _ = lab.sh_within("docker01", command, PATIENCE);
        let _ = lab.sh_within("docker02", command, PATIENCE);
    }
    assert!(works(&lab));
    lab.sh("docker network create here && docker run -d --network here busybox && docker network ls")
        .expect("a host has networks of its own whatever the store says");
}

fn write(lab: &Lab, line: &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
    let key_there = format!("netyard/{key}");
    match verb {
        "p" => lab.in_store(SocketAddr::from(STORE), |keeper| {
            keeper.store_mut().put(&key_there, value.to_owned());
        }),
        "d" => lab.in_store(SocketAddr::from(STORE), |keeper| {
            keeper.store_mut().delete(&key_there);
        }),
        "w" => lab.run_for(Duration::from_secs(35)),
        "e" => hear(key.parse().unwrap_or(200), value.as_bytes()),
        _ => {}
    }
}

/// Whatever is answered can be read or not.
fn hear(status: u16, bytes: &[u8]) {
    let lease = LeaseId::new(7);
    let asks = [
        Ask::Read { prefix: "n/".to_owned() },
        Ask::Watch { prefix: "n/".to_owned(), after: 7 },
        Ask::Commit(Commit::default()),
        Ask::Grant { ttl_s: 60 },
        Ask::KeepAlive { lease },
        Ask::Revoke { lease },
    ];
    for ask in asks {
        let _ = json::answer(&ask, status, bytes);
    }
    let _ = json::watched(status, bytes);
}
