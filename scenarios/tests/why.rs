//! `netyard why` on the tutorial's seven containers, broken in one way at a time: it has to name that way, and the line that
//! did it.

use netyard::runner::{Settings, play};
use netyard::scenario::Scenario;

/// The tutorial up to its seventh container, with two web servers in it.
const SETUP: &str = "\
$ docker run -itd --name container1 busybox
$ docker run -itd --name container2 busybox
$ docker network create -d bridge --subnet 172.25.0.0/16 isolated_nw
$ docker network connect isolated_nw container2
$ docker run --network=isolated_nw --ip=172.25.3.3 -itd --name=container3 busybox
$ docker run --network=isolated_nw -itd --name=container4 --link container5:c5 busybox
$ docker run --network=isolated_nw -itd --name=container5 --link container4:c4 busybox
$ docker network create -d bridge --subnet 172.26.0.0/24 local_alias
$ docker network connect --link container5:foo local_alias container4
$ docker network connect --link container4:bar local_alias container5
$ docker run --network=isolated_nw -itd --name=container6 --network-alias app busybox
$ docker network connect --alias scoped-app local_alias container6
$ docker run --network=isolated_nw -itd --name=container7 -p 8080:80 busybox
container3$ httpd -p 80
container7$ httpd -p 80
$ br=br-$(docker network ls -qf name=isolated_nw); port() { ip -o link | grep \"@if$(docker exec $1 cat /sys/class/net/$2/ifindex)[: ]\" | grep -o 'veth[0-9a-f]*'; }
";

/// A way to break it: the line that does, the question, and what `why` must say: what stops it.
struct Break {
    line: &'static str,
    question: &'static str,
    stop: &'static str,
}

const fn broken(line: &'static str, question: &'static str, stop: &'static str) -> Break {
    Break { line, question, stop }
}

/// What `netyard why` prints and its exit code, after the setup and these lines.
fn ask(lines: &str, question: &str) -> (String, i32) {
    ask_on("docker01, docker02", SETUP, lines, question)
}

/// The same on other hosts, after another setup.
fn ask_on(hosts: &str, setup: &str, lines: &str, question: &str) -> (String, i32) {
    let text = format!("---\nhosts: [{hosts}]\n---\n```console\n{setup}{lines}$ netyard why {question}\n```\n");
    let scenario = Scenario::parse("t.md", text).expect("the file is right");
    let playback = play(&scenario, &Settings::default()).expect("all places are there");
    for (step, played) in scenario.steps.iter().zip(&playback.steps).take(scenario.steps.len() - 1) {
        assert_eq!(played.status, 0, "{}: {}", step.command, played.output);
    }
    let last = playback.steps.last().expect("the question was asked");
    (last.output.clone(), last.status)
}

#[test]
fn who_ends_while_it_is_found_out_is_no_place() {
    let short = "$ docker run -d --name short --network isolated_nw busybox sleep 1\n";
    assert_eq!(ask(short, "short 172.25.0.99"), ("netyard why: no such place: short\n".to_owned(), 2));
    let (said, code) = ask(short, "container3 172.25.0.2");
    assert_eq!(code, 0, "others are reached meanwhile: {said}");
}

fn check(all: &[Break]) {
    check_on("docker01, docker02", SETUP, all);
}

fn check_on(hosts: &str, setup: &str, all: &[Break]) {
    let wrong: Vec<String> = all.iter().filter_map(|case| wrong(hosts, setup, case)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// What is wrong with the answer about one break.
fn wrong(hosts: &str, setup: &str, case: &Break) -> Option<String> {
    let Break { line, question, stop } = case;
    let lines = if line.is_empty() { String::new() } else { format!("{line}\n") };
    let (said, status) = ask_on(hosts, setup, &lines, question);
    let stopped = said.lines().find_map(|line| line.strip_prefix("stopped at ")).unwrap_or_default();
    let set_by = said.lines().find_map(|line| line.strip_prefix("set by ")).unwrap_or_default();
    let command = line.split_once("$ ").map_or("", |(_, command)| command);
    let is_right = status == 1 && stopped.contains(stop) && set_by.ends_with(command);
    (!is_right).then(|| format!("--- {line}\n    wanted: {stop}\n{said}"))
}

#[test]
fn who_reaches_another_is_told_by_which_way() {
    let (said, status) = ask("", "container2 container3 tcp/80");
    assert_eq!(status, 0, "{said}");
    assert!(said.starts_with("container2 -> container3 tcp/80\n  name: container3 is 172.25.3.3\n"), "{said}");
    assert!(said.ends_with("\nreached\n"), "{said}");
    let (said, status) = ask("", "docker02 192.0.2.10 tcp/8080");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("container7/eth0 in: "), "{said}");
}

#[test]
fn a_question_changes_nothing() {
    let asked = "$ netyard why container2 container3 tcp/80\n$ netyard why container3 nobody\n";
    let look = "$ conntrack -L; cat /proc/net/dev; docker ps -a; date +%s%N\n";
    let output = |lines: &str| {
        let text = format!("```console\n{SETUP}{lines}$ sleep 1\n{look}```\n");
        let scenario = Scenario::parse("t.md", text).expect("the file is right");
        let playback = play(&scenario, &Settings::default()).expect("all places are there");
        playback.steps.last().expect("it looked").output.clone()
    };
    assert_eq!(output(asked), output(""));
}

#[test]
fn names_that_are_not_known() {
    check(&[
        broken("$ docker network disconnect isolated_nw container3", "container2 container3", "they share no network"),
        broken("$ docker network disconnect isolated_nw container2", "container2 container3", "they share no network"),
        broken("$ docker stop -t 0 container3", "container2 container3 tcp/80", "container container3 is exited"),
        broken(
            "$ docker rm -f container3",
            "container2 container3 name",
            "`container3`: nothing has that name or alias",
        ),
        broken(
            "$ docker rename container3 three",
            "container2 container3",
            "`container3`: nothing has that name or alias",
        ),
        broken("$ docker network disconnect local_alias container6", "container5 scoped-app", "no record `scoped-app`"),
        broken(
            "$ docker network disconnect local_alias container5",
            "container4 foo",
            "link to container5 is on local_alias",
        ),
        broken(
            "$ docker exec container2 sh -c 'echo nameserver 192.0.2.1 > /etc/resolv.conf'",
            "container2 container3",
            "/etc/resolv.conf names 192.0.2.1, not Docker's server 127.0.0.11",
        ),
        broken("container2$ : > /etc/resolv.conf", "container2 container3", "/etc/resolv.conf names no server"),
    ]);
    let (said, _) = ask("", "container1 container2 name");
    assert!(
        said.contains("stopped at container1: no record `container2`: the default bridge has no names\n"),
        "{said}"
    );
    let (said, _) = ask("", "docker01 container3 name");
    assert!(said.contains("hosts do not know the names of containers"), "{said}");
    let (said, _) = ask("", "container3 docker02");
    assert!(said.contains("to mend it: use its address, 192.0.2.11\n"), "{said}");
}

#[test]
fn devices_addresses_and_neighbours_that_are_wrong() {
    check(&[
        broken(
            "$ docker exec --privileged container3 ip link set eth0 down",
            "container2 172.25.3.3",
            "container3/eth0: the device is down",
        ),
        broken(
            "$ docker exec --privileged container3 ip link set eth0 down",
            "container3 172.25.0.2",
            "container3/eth0: the device is down",
        ),
        broken("$ ip link set $br down", "container2 172.25.3.3", ": the device is down"),
        broken("$ ip link set $(port container3 eth0) down", "container2 172.25.3.3", "the device is down"),
        broken(
            "$ ip link set $(port container3 eth0) nomaster",
            "container2 172.25.3.3",
            "nobody answers for 172.25.3.3",
        ),
        broken(
            "$ docker exec --privileged container3 ip addr del 172.25.3.3/16 dev eth0",
            "container2 172.25.3.3",
            "container2/eth1: nobody answers for 172.25.3.3",
        ),
        broken(
            "$ docker exec --privileged container2 arp -s 172.25.3.3 02:00:00:00:00:99",
            "container2 172.25.3.3",
            "the neighbour 172.25.3.3 has the address 02:00:00:00:00:99",
        ),
        broken("docker02$ ip link set eth0 down", "container3 192.0.2.11", "docker02/eth0: the device is down"),
        broken("docker02$ ip link set eth0 down", "docker02 192.0.2.10 tcp/8080", "docker02/eth0: the device is down"),
    ]);
}

#[test]
fn routes_that_lead_nowhere() {
    check(&[
        broken(
            "$ docker exec --privileged container3 ip route del default",
            "container3 10.1.2.3",
            "container3: no route to 10.1.2.3",
        ),
        broken(
            "$ docker exec --privileged container2 ip route add blackhole 172.25.3.3/32",
            "container2 172.25.3.3",
            "container2: route `blackhole 172.25.3.3",
        ),
        broken(
            "$ docker exec --privileged container2 ip route add unreachable 172.25.3.3/32",
            "container2 172.25.3.3 tcp/80",
            "container2: route `unreachable 172.25.3.3",
        ),
        broken(
            "$ docker exec --privileged container2 ip route add prohibit 172.25.3.3/32",
            "container2 172.25.3.3 udp/80",
            "container2: route `prohibit 172.25.3.3",
        ),
        broken(
            "$ ip route add unreachable 198.51.100.0/24",
            "container3 198.51.100.1",
            "docker01: route `unreachable 198.51.100.0/24`",
        ),
        broken(
            "$ ip route add 198.51.100.0/24 via 172.25.9.9",
            "docker01 198.51.100.1",
            "nobody answers for 172.25.9.9",
        ),
        broken(
            "$ sysctl -w net.ipv4.ip_forward=0",
            "docker02 192.0.2.10 tcp/8080",
            "docker01: net.ipv4.ip_forward = 0",
        ),
        broken("$ sysctl -w net.ipv4.ip_forward=0", "container3 192.0.2.11", "docker01: net.ipv4.ip_forward = 0"),
        broken(
            "$ docker run -itd --name lonely --network none busybox",
            "lonely 172.25.3.3",
            "lonely: no route to 172.25.3.3",
        ),
        broken(
            "$ docker network create --internal inner; docker run -itd --name shut --network inner busybox",
            "shut 192.0.2.11",
            "iptables -t filter: -A DOCKER-ISOLATION-STAGE-1 ! -d 172.18.0.0/16 -i br-",
        ),
    ]);
}

#[test]
fn rules_that_drop() {
    check(&[
        broken(
            "$ iptables -I FORWARD -s 172.25.0.2 -d 172.25.3.3 -j DROP",
            "container2 container3",
            "docker01: iptables -t filter: -A FORWARD -s 172.25.0.2/32 -d 172.25.3.3/32 -j DROP",
        ),
        broken(
            "$ iptables -I DOCKER-USER -p tcp -m tcp --dport 80 -j REJECT",
            "container2 container3 tcp/80",
            "docker01: iptables -t filter: -A DOCKER-USER -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable",
        ),
        broken("$ iptables -I DOCKER-USER -p icmp -j DROP", "container2 container3", "-A DOCKER-USER -p icmp -j DROP"),
        broken(
            "$ iptables -D FORWARD -i $br -o $br -j ACCEPT",
            "container2 container3",
            "iptables -t filter: -P FORWARD DROP",
        ),
        broken(
            "$ iptables -I DOCKER-USER -s 172.25.3.3 -p tcp --sport 80 -j DROP",
            "container2 container3 tcp/80",
            "the answer: docker01: iptables -t filter: -A DOCKER-USER -s 172.25.3.3/32 -p tcp -m tcp --sport 80 -j DROP",
        ),
        broken(
            "$ iptables -t raw -I PREROUTING -p tcp --dport 8080 -j DROP",
            "docker02 192.0.2.10 tcp/8080",
            "docker01: iptables -t raw: -A PREROUTING -p tcp -m tcp --dport 8080 -j DROP",
        ),
        broken(
            "$ iptables -t mangle -I PREROUTING -p tcp --dport 8080 -j DROP",
            "docker02 192.0.2.10 tcp/8080",
            "docker01: iptables -t mangle: -A PREROUTING -p tcp -m tcp --dport 8080 -j DROP",
        ),
        broken(
            "docker02$ iptables -A OUTPUT -p tcp --dport 8080 -j DROP",
            "docker02 192.0.2.10 tcp/8080",
            "docker02: iptables -t filter: -A OUTPUT",
        ),
        broken("docker02$ iptables -P INPUT DROP", "container3 192.0.2.11", "iptables -t filter: -P INPUT DROP"),
        broken(
            "docker02$ iptables -A INPUT -p icmp -j DROP",
            "container3 192.0.2.11",
            "docker02: iptables -t filter: -A INPUT -p icmp -j DROP",
        ),
        broken(
            "docker02$ iptables -A INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset",
            "docker01 192.0.2.11 tcp/22",
            "docker02: iptables -t filter: -A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset",
        ),
        broken(
            "$ iptables -I INPUT -s 172.25.3.3 -j DROP",
            "container3 172.25.0.1",
            "-A INPUT -s 172.25.3.3/32 -j DROP",
        ),
        broken(
            "$ docker network create -o com.docker.network.bridge.enable_icc=false shy; docker run -itd --name s1 --net shy busybox; docker run -itd --name s2 --net shy busybox",
            "s1 s2",
            "-j DROP",
        ),
    ]);
    let (said, _) = ask("", "container3 172.17.0.2");
    assert!(
        said.contains("stopped at docker01: iptables -t filter: -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n"),
        "{said}"
    );
    assert!(said.contains("to mend it: docker network connect bridge container3\n"), "{said}");
}

#[test]
fn ports_on_which_nobody_listens() {
    check(&[
        broken("container3$ kill $(pidof httpd)", "container2 container3 tcp/80", "container3: no listener on tcp/80"),
        broken("container6$ httpd -p 127.0.0.1:80", "container2 container6 tcp/80", "it listens at 127.0.0.1:80 alone"),
        broken("container7$ kill $(pidof httpd)", "docker02 192.0.2.10 tcp/8080", "container7: no listener on tcp/80"),
        broken("$ docker stop -t 0 container7", "docker02 192.0.2.10 tcp/8080", "docker01: no listener on tcp/8080"),
        broken(
            "$ iptables -t nat -I PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.25.3.3:81",
            "docker02 192.0.2.10 tcp/8080",
            "docker01: iptables -t filter: -P FORWARD DROP",
        ),
        broken(
            "$ docker exec --privileged container3 sysctl -w net.ipv4.icmp_echo_ignore_all=1",
            "container2 container3",
            "container3: net.ipv4.icmp_echo_ignore_all = 1",
        ),
    ]);
    let (said, _) = ask("", "container2 container3 udp/53");
    assert!(said.contains("stopped at container3: no listener on udp/53\n"), "{said}");
    assert!(said.contains("set by t.md:9: docker01$ docker run --network=isolated_nw --ip=172.25.3.3"), "{said}");
}

#[test]
fn links_that_are_too_narrow() {
    check(&[
        broken(
            "$ docker exec --privileged container2 ip link set eth1 mtu 1400",
            "container2 container3 icmp --size 1373",
            "container2/eth1: 1401 bytes are too many for its MTU of 1400",
        ),
        broken(
            "$ ip link set $(port container3 eth0) mtu 1400",
            "container2 container3",
            "1500 bytes are too many for its MTU of 1400; what is small is answered",
        ),
        broken(
            "$ ip link set $(port container3 eth0) mtu 1400",
            "container2 container3 tcp/80",
            "1500 bytes are too many for its MTU of 1400; what is small is answered",
        ),
        broken(
            "$ ip link set eth0 mtu 1280",
            "container3 192.0.2.11 icmp --size 1472",
            "docker01/eth0: 1500 bytes are too many for its MTU of 1280",
        ),
        broken(
            "$ ip link set eth0 mtu 1280; iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP",
            "container3 192.0.2.11",
            "docker01/eth0: 1500 bytes are too many for its MTU of 1280; what is small is answered",
        ),
    ]);
    for question in ["docker02 192.0.2.10 tcp/8080", "container3 192.0.2.11"] {
        let (said, status) = ask("$ ip link set $br mtu 1280\n", question);
        assert_eq!(status, 0, "a sender that is told how much fits goes on: {said}");
    }
}

/// Two tunnels laid by hand between three hosts, the third of which has an end that nobody uses.
const TUNNEL: &str = "\
$ ip link add vx type vxlan id 42 dstport 4789 local 192.0.2.10 nolearning; ip addr add 10.42.0.1/24 dev vx; ip link set vx address 02:00:00:00:00:01 up
docker02$ ip link add vx type vxlan id 42 dstport 4789 local 192.0.2.11 nolearning; ip addr add 10.42.0.2/24 dev vx; ip link set vx address 02:00:00:00:00:02 up
docker03$ ip link add vx type vxlan id 42 dstport 4789 local 192.0.2.12 nolearning; ip link set vx up
docker04$ ip link add vx type vxlan id 43 dstport 4789 local 192.0.2.13 nolearning; ip link set vx up
$ bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.11; bridge fdb add 02:00:00:00:00:02 dev vx dst 192.0.2.11
docker02$ bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.10; bridge fdb add 02:00:00:00:00:01 dev vx dst 192.0.2.10
";

#[test]
fn tunnels_whose_records_are_missing_or_wrong() {
    const BY_HAND: &str = "docker01, docker02, docker03, docker04, docker05";
    let (said, status) = ask_on(BY_HAND, TUNNEL, "", "docker01 10.42.0.2");
    assert_eq!(status, 0, "{said}");
    check_on(
        BY_HAND,
        TUNNEL,
        &[
            broken(
                "$ bridge fdb del 00:00:00:00:00:00 dev vx dst 192.0.2.11",
                "docker01 10.42.0.2",
                "docker01/vx: its forwarding database has no record of 00:00:00:00:00:00",
            ),
            broken(
                "$ ip neigh add 10.42.0.2 lladdr 02:00:00:00:00:02 dev vx; bridge fdb del 02:00:00:00:00:02 dev vx dst 192.0.2.11; bridge fdb del 00:00:00:00:00:00 dev vx dst 192.0.2.11",
                "docker01 10.42.0.2",
                "docker01/vx: its forwarding database has no record of 02:00:00:00:00:02",
            ),
            broken(
                "docker02$ bridge fdb del 02:00:00:00:00:01 dev vx dst 192.0.2.10; bridge fdb del 00:00:00:00:00:00 dev vx dst 192.0.2.10",
                "docker01 10.42.0.2",
                "docker02/vx: its forwarding database has no record of 02:00:00:00:00:01",
            ),
            broken(
                "$ bridge fdb replace 02:00:00:00:00:02 dev vx dst 192.0.2.12",
                "docker01 10.42.0.2",
                "nobody is 02:00:00:00:00:02 at 192.0.2.12, where the record `02:00:00:00:00:02 dst 192.0.2.12` of docker01/vx leads",
            ),
            broken(
                "$ bridge fdb replace 02:00:00:00:00:02 dev vx dst 192.0.2.13",
                "docker01 10.42.0.2",
                "docker04: it has no end of the tunnel's network 42, where the record `02:00:00:00:00:02 dst 192.0.2.13` of docker01/vx leads",
            ),
            broken(
                "$ bridge fdb replace 02:00:00:00:00:02 dev vx dst 192.0.2.14",
                "docker01 10.42.0.2",
                "docker05: it has no end of the tunnel's network 42, where the record",
            ),
            broken(
                "$ bridge fdb replace 02:00:00:00:00:02 dev vx dst 192.0.2.99",
                "docker01 10.42.0.2",
                "docker01/eth0: nobody answers for 192.0.2.99, where the record `02:00:00:00:00:02 dst 192.0.2.99` of docker01/vx leads",
            ),
            broken(
                "$ bridge fdb del 00:00:00:00:00:00 dev vx dst 192.0.2.11; bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.12",
                "docker01 10.42.0.2",
                "nobody answers for 10.42.0.2 at 192.0.2.12, where the record `00:00:00:00:00:00 dst 192.0.2.12` of docker01/vx leads",
            ),
            broken(
                "docker02$ iptables -A INPUT -p udp --dport 4789 -j DROP",
                "docker01 10.42.0.2",
                "dropped at docker02/eth0: iptables -t filter: -A INPUT -p udp -m udp --dport 4789 -j DROP",
            ),
            broken("docker02$ ip link set vx down", "docker01 10.42.0.2", "docker02/vx: the device is down"),
            broken("$ netyard fault bug bad-checksums on docker01", "docker01 10.42.0.2", "docker02/eth0: malformed"),
            broken(
                "docker02$ ip link set eth0 mtu 1400",
                "docker01 10.42.0.2",
                "docker02/eth0: 1500 bytes are too many for its MTU of 1400",
            ),
        ],
    );
}

/// A swarm of two with an overlay that has a container on each.
const SWARM: &str = "\
$ docker swarm init >/dev/null
$ docker swarm join-token -q worker | nc -N -l -p 9000 &
docker02$ docker swarm join --token $(nc -d 192.0.2.10 9000) 192.0.2.10:2377
$ docker network create -d overlay --attachable --subnet 10.0.9.0/24 ovnet
$ docker run -itd --name oc1 --network ovnet busybox
docker02$ docker run -itd --name oc2 --network ovnet busybox
docker02$ sleep 3
$ ns=$(ls /var/run/docker/netns | grep '^1-' | grep -v ingress | head -1)
";

#[test]
fn overlays_whose_records_are_missing_or_wrong() {
    const HOSTS: &str = "docker01, docker02";
    let (said, status) = ask_on(HOSTS, SWARM, "", "oc1 oc2");
    assert_eq!(status, 0, "{said}");
    check_on(
        HOSTS,
        SWARM,
        &[
            broken(
                "$ netyard fault bug lost-remote on docker01",
                "oc1 oc2",
                "/vxlan0: its forwarding database has no record of 02:42:0a:00:09:04",
            ),
            broken(
                "docker02$ iptables -A INPUT -p udp --dport 4789 -j DROP",
                "oc1 oc2",
                "docker02: iptables -t filter: -A INPUT -p udp -m udp --dport 4789 -j DROP, where the record `02:42:0a:00:09:04 dst 192.0.2.11` of docker01/1-",
            ),
            broken(
                "$ nsenter --net=/var/run/docker/netns/$ns bridge fdb del 02:42:0a:00:09:04 dev vxlan0 dst 192.0.2.11",
                "oc1 oc2",
                "/vxlan0: its forwarding database has no record of 02:42:0a:00:09:04",
            ),
            broken(
                "$ nsenter --net=/var/run/docker/netns/$ns ip neigh del 10.0.9.4 dev vxlan0",
                "oc1 oc2",
                "/vxlan0: it answers for its neighbours, and has no record of 10.0.9.4",
            ),
            broken("docker02$ ip link set eth0 down", "oc1 oc2", "docker02/eth0: the device is down"),
            broken(
                "docker02$ docker stop -t 0 oc2",
                "oc1 10.0.9.4",
                "/vxlan0: its forwarding database has no record of 02:42:0a:00:09:04, which nobody has",
            ),
        ],
    );
}

#[test]
fn rules_of_policy_routing() {
    check(&[
        broken(
            "$ ip rule add to 198.51.100.0/24 blackhole",
            "container3 198.51.100.1",
            "docker01: rule `32765: from all to 198.51.100.0/24 blackhole`",
        ),
        broken(
            "$ ip rule add from 172.25.0.0/16 lookup 100; ip route add unreachable 192.0.2.11 table 100",
            "container3 192.0.2.11",
            "docker01: route `unreachable 192.0.2.11 table 100`",
        ),
        broken(
            "docker02$ ip rule add to 192.0.2.10 prohibit",
            "docker02 192.0.2.10 tcp/8080",
            "docker02: rule `32765: from all to 192.0.2.10 prohibit`",
        ),
        broken(
            "$ iptables -t mangle -A PREROUTING -s 172.25.3.3 -j MARK --set-mark 7; ip rule add fwmark 7 blackhole",
            "container3 192.0.2.11",
            "docker01: rule `32765: from all fwmark 0x7 blackhole`",
        ),
        broken(
            "docker02$ ip rule add to 203.0.113.1 lookup 7; ip route add 203.0.113.1 via 192.0.2.77 table 7",
            "docker02 203.0.113.1",
            "docker02/eth0: nobody answers for 192.0.2.77",
        ),
    ]);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let (said, status) = ask("", "container9 container3");
    assert_eq!((said.as_str(), status), ("netyard why: no such place: container9\n", 2));
    let (said, status) = ask("", "container2 container3 http");
    let expected = "netyard why: invalid port \"http\": write tcp/80, udp/53 or icmp\n";
    assert_eq!((said.as_str(), status), (expected, 2));
    let (said, status) = ask("", "container2");
    assert_eq!(
        (said.as_str(), status),
        ("usage: netyard why FROM TO [tcp/PORT|udp/PORT|icmp|name] [--size BYTES]\n", 2)
    );
}
