//! Labs that are built, looked into and broken.

use std::net::IpAddr;

use netyard::Scenario;
use netyard::prelude::*;

use super::lab_with;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn containers_find_and_reach_each_other() {
    let lab = lab_with(&["c1", "c2"]);
    assert_eq!(lab.resolve("c1", "c2").expect("they share a network"), [ip("172.25.0.3")]);
    let reply = lab.ping("c1", "c2").expect("it is near");
    assert_eq!((reply.from, reply.ttl), (ip("172.25.0.3"), 64));
    assert!(reply.time > Duration::ZERO && reply.time < Duration::from_millis(1), "{:?}", reply.time);
    assert_eq!(lab.addresses("c1").expect("c1 is there"), [ip("172.25.0.2")]);
    assert!(lab.resolve("c1", "c3").is_err() && lab.ping("c1", "172.25.0.9").is_err());
}

#[test]
fn a_container_is_on_the_networks_that_it_was_given() {
    let lab = lab_with(&[]);
    lab.network("n2").subnet("10.9.0.0/24").internal().create().expect("a second network");
    lab.container("c1").network("n1").address("172.25.3.3").network("n2").alias("db").run().expect("c1");
    lab.container("c2").network("n2").link("c1", "store").run().expect("c2");
    for name in ["c1", "db", "store"] {
        assert_eq!(lab.resolve("c2", name).expect(name), [ip("10.9.0.2")], "{name}");
    }
    let mut addresses = lab.addresses("c1").expect("c1 is there");
    addresses.sort();
    assert_eq!(addresses, [ip("10.9.0.2"), ip("172.25.3.3")]);
    assert_eq!(lab.containers().into_iter().collect::<Vec<_>>(), [("c1".to_owned(), true), ("c2".to_owned(), true)]);
}

#[test]
fn what_docker_refuses_is_an_error_with_its_words() {
    let lab = lab_with(&["c1"]);
    let error = lab.container("c1").run().expect_err("the name is taken").to_string();
    assert!(error.contains("The container name \"/c1\" is already in use by container"), "{error}");
    assert!(matches!(lab.sh("false"), Err(LabError::Failed { status: 1, .. })));
    assert!(matches!(lab.sh_in("c9", "true"), Err(LabError::NoSuchPlace(place)) if place == "c9"));
    assert!(matches!(lab.sh("sleep 10000"), Err(LabError::TimeLimit { .. })));
}

#[test]
fn a_connection_needs_a_listener() {
    let lab = lab_with(&["c1"]);
    lab.container("web").image("nginx").network("n1").publish("8080:80").run().expect("web");
    assert!(lab.connect("c1", "web", 80).is_ok());
    assert!(lab.connect("docker01", "127.0.0.1", 8080).is_ok());
    let refused = lab.connect("c1", "web", 81).expect_err("nobody listens").to_string();
    assert_eq!(refused, "Connection refused");
    assert!(lab.listeners("web").expect("web is there").iter().any(|local| local.port() == 80));
    assert!(!lab.conntrack("docker01").expect("the host is there").is_empty());
}

#[test]
fn what_is_broken_is_mended_when_the_guard_goes() {
    let lab = lab_with(&["c1", "c2", "c3"]);
    let reaches = |from: &str, to: &str| lab.ping(from, to).is_ok();
    let apart = lab.partition(&["c1"], &["c2"]).expect("they are there");
    assert!(!reaches("c1", "c2") && !reaches("c2", "c1"));
    assert!(reaches("c1", "c3") && reaches("c3", "c2"));
    drop(apart);
    assert!(reaches("c1", "c2"));
    let cut = lab.cut("c3", "eth0").expect("it has a cable");
    assert!(!reaches("c1", "c3"));
    drop(cut);
    assert!(reaches("c1", "c3"));
    assert!(lab.cut("c3", "eth9").is_err());
}

#[test]
fn time_passes_only_when_it_is_let() {
    let lab = lab_with(&["c1", "c2"]);
    let before = lab.now();
    lab.run_for(Duration::from_secs(3600));
    assert_eq!(lab.now() - before, Duration::from_secs(3600));
    lab.sh("docker exec -d c1 sh -c 'sleep 5; ping -c 1 c2 > /tmp/log'").expect("it begins");
    let seen = |lab: &Lab| lab.conntrack("docker01").is_ok_and(|entries| !entries.is_empty());
    let began = lab.now();
    lab.run_until(Duration::from_secs(60), seen).expect("it pings");
    let waited = lab.now() - began;
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_millis(5100), "{waited:?}");
    lab.idle(Duration::from_secs(60)).expect("one ping ends");
    assert!(matches!(lab.run_until(Duration::from_secs(1), |_| false), Err(LabError::TimeLimit { .. })));
}

#[test]
fn what_went_over_the_wires_can_be_looked_at() {
    let lab = lab_with(&["c1", "c2"]);
    lab.ping("c1", "c2").expect("it is near");
    let packets = lab.packets();
    let echoes = packets.iter().filter_map(|packet| netyard_sim::packet::Ip::parse(packet.frame.payload()));
    assert!(echoes.filter(|ip| ip.src.to_string() == "172.25.0.3" && ip.protocol == 1).count() >= 1);
    assert!(lab.events().iter().any(|event| event.contains("\"Action\":\"connect\"")));
    let bridge = lab.sh("docker network inspect -f '{{slice .Id 0 12}}' n1").expect("n1 is there");
    let learned = lab.fdb("docker01", &format!("br-{}", bridge.trim())).expect("the host is there");
    assert!(learned.len() >= 2, "{learned:?}");
    assert!(lab.counters("c1", "eth0").expect("c1 is there").is_some_and(|counters| counters.tx_packets > 0));
    assert_eq!(lab.routes("c1").expect("c1 is there").len(), 2);
    assert!(lab.neighbours("c1").expect("c1 is there").iter().any(|(device, ..)| device == "eth0"));
}

#[test]
fn a_compose_file_is_a_lab() {
    let lab = Lab::from_compose(
        "services:
  web:
    image: nginx
    depends_on: [db]
    ports: ['8080:80']
    networks: {front: {}, back: {aliases: [www]}}
  db:
    image: busybox
    command: sleep 100000
    networks: {back: {ipv4_address: 10.7.0.9}}
networks:
  front:
  back: {internal: true, ipam: {config: [{subnet: 10.7.0.0/24}]}}
",
    )
    .expect("the file is right");
    assert_eq!(lab.resolve("lab-web-1", "db").expect("they share back"), [ip("10.7.0.9")]);
    assert!(lab.connect("lab-db-1", "www", 80).is_ok());
    assert!(lab.sh("curl -s localhost:8080").expect("it is published").contains("nginx"));
    let refused = |file: &str| Lab::from_compose(file).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused("services: {a: {image: busybox, depends_on: [a]}}").contains("\"a\" needs one"));
    assert!(refused("services: {a: {image: busybox, privleged: true}}").contains("privleged"));
    assert!(refused("services: {a: {}}").contains("has no image"));
}

#[test]
fn a_fork_goes_its_own_way() {
    let lab = lab_with(&["c1", "c2"]);
    lab.sh("x=1").expect("a variable of the shell");
    let other = lab.fork().expect("no future runs");
    other.sh("docker network disconnect n1 c2").expect("it is connected");
    assert!(other.ping("c1", "c2").is_err() && lab.ping("c1", "c2").is_ok());
    assert_eq!(other.sh("echo $x").expect("its terminals came along"), "1\n");
    let task = lab.spawn_in("c1", net::sleep(Duration::from_secs(5))).expect("c1 is there");
    assert!(matches!(lab.fork(), Err(LabError::CannotFork)));
    lab.run_until(Duration::from_secs(10), |_| task.is_done()).expect("it sleeps five seconds");
    lab.run_for(Duration::from_secs(1));
    assert!(lab.fork().is_ok());
}

#[test]
fn a_scenario_is_the_beginning_of_a_lab() {
    let text = "```console\n$ docker run -itd --name c1 busybox\n[ID]\n$ cd /tmp\n```\n".to_owned();
    let scenario = Scenario::parse("a.md", text).expect("the file is right");
    let lab = Lab::from_scenario(&scenario).expect("it passes");
    assert_eq!(lab.sh("pwd").expect("its terminals are open"), "/tmp\n");
    assert!(lab.ping("docker01", "172.17.0.2").is_ok());
    let wrong = Scenario::parse("b.md", "```console\n$ echo a\nb\n```\n".to_owned()).expect("the file is right");
    let told = Lab::from_scenario(&wrong).err().map(|error| error.to_string());
    assert_eq!(told.as_deref(), Some("scenario: b.md:2: echo a is not as expected"));
}
