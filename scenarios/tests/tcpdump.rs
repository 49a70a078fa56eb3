//! `tcpdump` on a simulated host beside the one of this machine, which reads the same frames from a file. Where there is
//! none the test says so and ends.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use netyard::runner::recording::Recording;
use netyard::runner::{Recorded, Settings, record};
use netyard::scenario::Scenario;
use netyard_sim::time::Epoch;

/// What is seen at docker01's eth0: a published web server, a port where nobody listens, fragments, names that are there
/// and not, a host that is silent, a router's and a host's complaints, IPv6, a tunnel, an MTU that is too small.
const STEPS: &str = "\
$ docker network create n >/dev/null; docker run -d --name web --network n -p 8080:80 nginx >/dev/null
$ ip -6 addr add 2001:db8::10/64 dev eth0; ip link add vx type vxlan id 42 dstport 4789 local 192.0.2.10 remote 192.0.2.11; ip addr add 10.42.0.1/24 dev vx; ip link set vx up
docker02$ ip -6 addr add 2001:db8::11/64 dev eth0; ip link add vx type vxlan id 42 dstport 4789 local 192.0.2.11 remote 192.0.2.10; ip addr add 10.42.0.2/24 dev vx; ip link set vx up
docker02$ iptables -A INPUT -p tcp --dport 99 -j REJECT --reject-with icmp-admin-prohibited; ip route add 172.18.0.0/16 via 192.0.2.10; sleep 3
$ iptables -P FORWARD ACCEPT; tcpdump OPTIONS -i eth0 > /tmp/seen 2>/dev/null &
docker02$ curl -s http://192.0.2.10:8080/; curl -s http://192.0.2.10:8080/nothing; nc -w 1 192.0.2.10 81; echo hello | nc -u -w 1 192.0.2.10 7777
docker02$ ping -c 1 -s 3000 192.0.2.10; ping -c 1 2001:db8::10; ping -c 1 -W 1 2001:db8::77; ping -c 1 10.42.0.1; echo x | nc -w 1 2001:db8::10 81
$ dig www.lan; dig nothing.lan; dig AAAA www.lan; dig +tcp www.lan; ping -c 1 -W 1 192.0.2.77; traceroute -n 192.0.2.80 -m 2; nc -w 1 192.0.2.11 99
$ ip link set $(ip -o link show type bridge | grep -o 'br-[0-9a-f]*') mtu 1400
docker02$ ping -c 1 -W 1 -M do -s 1450 172.18.0.2; ping -c 1 -t 1 172.18.0.2; ping -c 1 172.18.0.99
$ kill -INT %1; sleep 0.1
$ cat /tmp/seen
";

/// What was recorded, and what the simulated program said of it.
fn seen(options: &str) -> (Recorded, String) {
    let steps = STEPS.replace("OPTIONS", options);
    let text = format!("---\nhosts: [docker01, docker02]\n---\n```console\n{steps}```\n");
    let scenario = Scenario::parse("t.md", text).expect("the file is right");
    let recorded = record(&scenario, &Settings::default()).expect("all places are there");
    let said = recorded.playback.steps.last().expect("it looked").output.clone();
    (recorded, said)
}

/// What the program of this machine says of the same frames; none when it is not there.
fn told_here(recorded: &Recorded, options: &str) -> Option<String> {
    let begun = recorded.playback.steps[3].at;
    let at_eth0 =
        recorded.recording.packets.iter().filter(|p| p.device == "docker01/eth0" && p.passed && p.at >= begun);
    let packets = at_eth0.cloned().collect();
    let file =
        std::env::temp_dir().join(format!("netyard-tcpdump-{}-{}", std::process::id(), options.replace(' ', "")));
    let mut bytes = Vec::new();
    let recording = Recording { packets, events: Vec::new() };
    recording.write_pcapng(Epoch::DEFAULT, &mut bytes).expect("memory takes all");
    fs::write(&file, bytes).expect("there is room");
    let words = options.split(' ').filter(|word| !word.is_empty());
    let output = Command::new("tcpdump").args(words).arg("-r").arg(&file).env("TZ", "UTC").output();
    fs::remove_file(&file).expect("it was written");
    match output {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        output => Some(String::from_utf8_lossy(&output.expect("it runs").stdout).into_owned()),
    }
}

#[test]
fn lines_are_those_of_the_program_of_this_machine() {
    for options in ["-n", "-n -e", "-n -q -t", "-n -S", "-n -tt -x"] {
        let (recorded, said) = seen(options);
        let Some(here) = told_here(&recorded, options) else {
            eprintln!("SKIPPED: there is no tcpdump here");
            return;
        };
        assert!(said.lines().count() > 60, "{said}");
        let differing: Vec<String> =
            here.lines().zip(said.lines()).filter(|(a, b)| a != b).map(|(a, b)| format!("- {a}\n+ {b}")).collect();
        assert!(differing.is_empty(), "{options}:\n{}", differing.join("\n"));
        assert_eq!(here.lines().count(), said.lines().count(), "{options}");
    }
}

/// What a real kernel showed of the same steps (Linux 6.18), without identifications.
#[test]
fn an_echo_has_the_service_that_was_asked_for_and_an_error_the_precedence_of_those() {
    let steps = "\
$ ip netns add b; ip link add v0 type veth peer name v1 netns b; ip addr add 10.0.0.1/24 dev v0; ip link set v0 up
$ ip -n b addr add 10.0.0.2/24 dev v1; ip -n b link set v1 up
$ tcpdump -nvt -i v0 icmp > /tmp/seen 2>/dev/null &
$ ping -c 1 -Q 0x28 10.0.0.2; echo x | nc -u -w 1 10.0.0.2 7
$ kill -INT %1; sleep 0.1
$ grep -o '^IP (tos 0x[0-9a-f]*' /tmp/seen
";
    let scenario = Scenario::parse("t.md", format!("```console\n{steps}```\n")).expect("the file is right");
    let recorded = record(&scenario, &Settings::default()).expect("all places are there");
    let seen = &recorded.playback.steps.last().expect("it looked").output;
    assert_eq!(seen, "IP (tos 0x28\nIP (tos 0x28\nIP (tos 0xc0\n");
}
