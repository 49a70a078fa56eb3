//! The programs at work: hosts and containers of a world in which command lines are typed, and what they print.

mod tools {
    pub(crate) mod machine;
    pub(crate) mod recorded;
}

use netyard_sim::time::{Duration, Instant};
use netyard_sim::userland::{Flavour, Pid, Read, Rights, Stream};
use tools::machine::{Machine, masked};

#[test]
fn who_only_uses_a_network_may_look_and_not_change() {
    let mut container = Machine::new(Flavour::Busybox);
    container.rights = Rights::CONTAINER;
    let netlink = "ip: RTNETLINK answers: Operation not permitted\n";
    for change in
        ["addr add 10.0.0.1/8 dev lo", "link set lo down", "route add 10.9.0.0/16 dev lo", "route del default"]
    {
        container.refuses(&format!("ip {change}"), 2, netlink);
    }
    container.refuses("ifconfig lo down", 1, "ifconfig: SIOCSIFFLAGS: Operation not permitted\n");
    container.refuses("ifconfig lo 10.0.0.1", 1, "ifconfig: SIOCSIFADDR: Operation not permitted\n");
    container.refuses("route add -net 10.9.0.0/16 dev lo", 1, "route: SIOCADDRT: Operation not permitted\n");
    assert!(container.shows("ip addr show lo").contains("127.0.0.1"));
}

#[test]
fn two_namespaces_are_wired_by_hand() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&[
        "ip netns add test1",
        "ip netns add test2",
        "ip link add veth-test1 type veth peer name veth-test2",
    ]);
    assert_eq!(host.shows("ip netns list"), "test2\ntest1\n");
    assert_eq!(
        masked(&host.shows("ip link show veth-test1")),
        "3: veth-test1@veth-test2: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop state DOWN mode DEFAULT group \
         default qlen 1000\n    link/ether MAC brd ff:ff:ff:ff:ff:ff\n"
    );
    host.quietly(&["ip link set veth-test1 netns test1", "ip link set veth-test2 netns test2"]);
    host.quietly(&[
        "ip netns exec test1 ip addr add 177.60.1.100/24 dev veth-test1",
        "ip netns exec test2 ip addr add 177.60.1.101/24 dev veth-test2",
        "ip netns exec test1 ip link set dev veth-test1 up",
    ]);
    assert_eq!(
        masked(&host.shows("ip netns exec test1 ip a show dev veth-test1")),
        "3: veth-test1@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state LOWERLAYERDOWN group \
         default qlen 1000\n    link/ether MAC brd ff:ff:ff:ff:ff:ff link-netns test2\n    \
         inet 177.60.1.100/24 scope global veth-test1\n       valid_lft forever preferred_lft forever\n"
    );
    let connected = "177.60.1.0/24 dev veth-test1 proto kernel scope link src 177.60.1.100 ";
    assert_eq!(host.shows("ip netns exec test1 ip route"), format!("{connected}linkdown \n"));
    host.quietly(&["ip -n test2 link set veth-test2 up"]);
    assert_eq!(host.shows("ip netns exec test1 ip route"), format!("{connected}\n"));
    host.quietly(&["ip netns exec test2 ip link set veth-test2 down"]);
    assert!(
        host.shows("ip -n test1 link show veth-test1")
            .contains("<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN")
    );
}

#[test]
fn names_of_namespaces_are_checked_and_go_away() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip netns add test1", "ip link add va type veth peer name vb", "ip link set vb netns test1"]);
    assert_eq!(host.shows("ip netns"), "test1 (id: 0)\n");
    assert_eq!(host.shows("ls /var/run/netns"), "test1\n");
    host.refuses("ip netns add test1", 1, "Cannot create namespace file \"/run/netns/test1\": File exists\n");
    host.refuses(
        "ip netns del nosuch",
        1,
        "Cannot remove namespace file \"/run/netns/nosuch\": No such file or directory\n",
    );
    host.refuses(
        "ip netns exec nosuch ip a",
        255,
        "Cannot open network namespace \"nosuch\": No such file or directory\n",
    );
    host.refuses("ip netns exec test1 nosuch", 1, "exec of \"nosuch\" failed: No such file or directory\n");
    host.refuses("ip netns add ../x", 255, "Invalid netns name \"../x\"\n");
    let long = "x".repeat(256);
    host.refuses(&format!("ip netns add {long}"), 255, &format!("Invalid netns name \"{long}\"\n"));
    host.quietly(&["ip netns del test1"]);
    assert_eq!(
        host.shows("ip -br link"),
        "lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n"
    );
}

#[test]
fn a_process_lends_its_namespace_to_ip_and_nsenter() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip netns add test1", "ip -n test1 link set lo up"]);
    let (pid, _) = host.start("ip netns exec test1 sleep 1000", Stream::Null);
    host.world.run_until(Instant::ZERO + Duration::from_secs(1));
    let sleeper = Pid(pid.0 + 1);
    host.quietly(&["mkdir -p /var/run/netns", &format!("ln -s /proc/{}/ns/net /var/run/netns/c1", sleeper.0)]);
    assert_eq!(host.shows(&format!("ip netns identify {}", sleeper.0)), "test1\n");
    assert_eq!(host.shows("ip netns pids c1"), format!("{}\n", sleeper.0));
    let brief = "lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n";
    assert_eq!(host.shows("ip netns exec c1 ip -br link"), brief);
    assert_eq!(host.shows(&format!("nsenter -t {} -n ip -br link", sleeper.0)), brief);
    host.refuses("nsenter -t 999 -n true", 1, "nsenter: cannot open /proc/999/ns/net: No such file or directory\n");
    assert_eq!(host.run(&format!("kill {}", sleeper.0)), (String::new(), 0));
    assert_eq!(host.wait(pid), 143, "the launcher ends as its program did");
}

#[test]
fn a_bridge_is_built_shown_and_taken_apart() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up"]);
    assert!(
        host.shows("ip link show br0")
            .contains("<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UNKNOWN")
    );
    assert!(host.shows("brctl show").ends_with("br0\t\t8000.000000000000\tno\t\t\n"));
    host.quietly(&["ip link add v1 type veth peer name v11", "brctl addif br0 v1", "ip link set v1 up"]);
    assert!(
        host.shows("ip link show br0").contains("NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN")
    );
    host.quietly(&["ip link set v11 up"]);
    let line =
        "4: v1@v11: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2 \n";
    assert_eq!(host.shows("bridge link"), line);
    host.refuses("brctl addif br0 v1", 1, "device v1 is already a member of a bridge; can't add it to bridge br0.\n");
    host.refuses("brctl addif br0 lo", 1, "can't add lo to bridge br0: Invalid argument\n");
    host.refuses("brctl delbr br0", 1, "bridge br0 is still up; can't delete it\n");
    host.refuses("ip link set lo master br0", 2, "RTNETLINK answers: Invalid argument\n");
    host.refuses(
        "ip link set v11 master nosuch",
        255,
        "Error: argument \"nosuch\" is wrong: Device does not exist\n\n",
    );
    host.quietly(&["brctl delif br0 v1", "ip link set br0 down", "brctl delbr br0", "ip link del v1"]);
    assert_eq!(host.shows("ip -o link").lines().count(), 1);
}

#[test]
fn a_forwarding_database_is_asked_emptied_and_printed_as_json() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up", "ip link add v0 type veth peer name v1"]);
    host.quietly(&["ip link set v0 address 02:00:00:00:00:01 master br0", "ip link set v0 up"]);
    let dynamic = "bridge fdb add 02:00:00:00:00:06 dev v0 master dynamic";
    host.refuses(dynamic, 255, "RTNETLINK answers: Operation not permitted\n");
    host.quietly(&["ip link set v1 up", dynamic, "bridge fdb add 02:00:00:00:00:05 dev v0 master static"]);
    let entry = "02:00:00:00:00:05 dev v0 master br0 static\n";
    for question in ["dev v0", "br br0", "dev br0 self", "dev v0 master"] {
        assert_eq!(host.shows(&format!("bridge fdb get 02:00:00:00:00:05 {question}")), entry, "{question}");
    }
    assert_eq!(
        host.shows("bridge -j fdb get to 02:00:00:00:00:06 dev v0"),
        "[{\"mac\":\"02:00:00:00:00:06\",\"ifname\":\"v0\",\"flags\":[],\"master\":\"br0\",\"state\":\"\"}]\n"
    );
    for (line, status, said) in [
        ("get", 255, "Device or master and address are required arguments.\n"),
        ("get zz br br0", 255, "Invalid mac address zz\n"),
        ("get 02:00:00:00:00:09 br br0", 254, "Error: Fdb entry not found.\n"),
        ("get 02:00:00:00:00:05 dev br0", 254, "Error: Device is not a bridge port.\n"),
        ("get 02:00:00:00:00:05 dev v0 self", 254, "Error: Fdb get operation not supported by device.\n"),
        ("get 02:00:00:00:00:05 dev v0 br br0", 254, "Error: Master and device are mutually exclusive.\n"),
        ("flush", 255, "Device is a required argument.\n"),
        ("flush dev nope", 255, "Cannot find bridge device \"nope\"\n"),
        ("flush dev v0", 255, "RTNETLINK answers: Operation not supported\n"),
        ("flush dev br0 brport v1", 255, "Error: bridge: Flush device is not a bridge or bridge port.\n"),
        ("show dev v0 state frob", 255, "Error: argument \"frob\" is wrong: invalid state\n"),
    ] {
        host.refuses(&format!("bridge fdb {line}"), status, said);
    }
    host.quietly(&["bridge fdb flush dev br0 static"]);
    assert_eq!(host.shows("bridge fdb show dev v0 state static"), "");
    assert_eq!(host.shows("bridge fdb show dev v0 dynamic"), "02:00:00:00:00:06 master br0 \n");
    host.quietly(&["bridge fdb flush dev v0 master nopermanent"]);
    assert_eq!(host.shows("bridge fdb show br br0 dynamic"), "");
    let own = "02:00:00:00:00:01 dev v0 master br0 permanent\n";
    assert_eq!(host.shows("bridge fdb get 02:00:00:00:00:01 br br0"), own);
    host.quietly(&["bridge fdb flush dev br0"]);
    host.refuses("bridge fdb get 02:00:00:00:00:01 br br0", 254, "Error: Fdb entry not found.\n");
}

#[test]
fn ports_are_printed_as_json_and_tunnels_forget_their_far_ends() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up", "ip link add v0 type veth peer name v1"]);
    host.quietly(&["ip link set v0 master br0", "ip link set v0 up", "ip link set v1 up"]);
    let port = "\"ifname\":\"v0\",\"flags\":[\"BROADCAST\",\"MULTICAST\",\"UP\",\"LOWER_UP\"],\"mtu\":1500,\
                \"master\":\"br0\",\"state\":\"forwarding\",\"priority\":32,\"cost\":2";
    assert_eq!(host.shows("bridge -j link"), format!("[{{\"ifindex\":4,\"link\":\"v1\",{port}}}]\n"));
    let details = ",\"hairpin\":false,\"guard\":false,\"root_block\":false,\"fastleave\":false,\"learning\":true,\
                   \"flood\":true,\"mcast_flood\":true,\"bcast_flood\":true,\"mcast_router\":1,\
                   \"mcast_to_unicast\":false,\"neigh_suppress\":false,\"vlan_tunnel\":false,\"isolated\":false,\
                   \"locked\":false";
    assert_eq!(host.shows("bridge -d -json link"), format!("[{{\"ifindex\":4,\"link\":\"v1\",{port}{details}}}]\n"));
    assert_eq!(host.shows("bridge -j -p vlan show dev v1"), "[ ]\n");
    host.refuses("bridge -x fdb", 255, "Option \"-x\" is unknown, try \"bridge help\".\n");
    assert_eq!(host.shows("bridge -V"), "bridge utility, 6.1.0\n");

    host.quietly(&["ip link add vx0 type vxlan id 42 dstport 4789 remote 10.0.0.8", "ip link set vx0 up"]);
    host.quietly(&["bridge fdb add 02:00:00:00:00:07 dev vx0 dst 10.0.0.9 dynamic"]);
    assert_eq!(
        host.shows("bridge fdb get 00:00:00:00:00:00 dev vx0 self"),
        "00:00:00:00:00:00 dev vx0 dst 10.0.0.8 self permanent\n"
    );
    host.quietly(&["bridge fdb flush dev vx0 dynamic"]);
    assert_eq!(host.shows("bridge fdb show dev vx0"), "00:00:00:00:00:00 dst 10.0.0.8 self permanent\n");
    host.quietly(&["bridge fdb flush dev vx0"]);
    assert_eq!(host.shows("bridge fdb show dev vx0"), "");
}

#[test]
fn details_of_devices_are_said_to_people_and_to_programs() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&[
        "ip link add va type veth peer name vb",
        "ip link add br0 type bridge",
        "ip link set va master br0",
    ]);
    let text = host.shows("ip -d link show va");
    let port = "    bridge_slave state disabled priority 32 cost 2 hairpin off guard off root_block off fastleave off \
                learning on flood on port_id 0x8001 port_no 0x1 designated_port 32769 designated_cost 0 ";
    assert!(text.lines().nth(3).is_some_and(|line| line.starts_with(port)), "{text}");
    let json = host.shows("ip -j -d link show va");
    let port = "\"linkinfo\":{\"info_kind\":\"veth\",\"info_slave_kind\":\"bridge\",\"info_slave_data\":{\
                \"state\":\"disabled\",\"priority\":32,\"cost\":2,\"hairpin\":false,";
    assert!(json.contains(port), "{json}");
    assert!(json.contains("\"hold_timer\":0.00,"), "{json}");
    host.quietly(&["ip link add vx0 type vxlan id 7 remote 10.0.0.9 dstport 4789 dev vb"]);
    let json = host.shows("ip -j -d link show vx0");
    let tunnel = "\"info_data\":{\"id\":7,\"remote\":\"10.0.0.9\",\"link\":\"vb\",\"port_range\":{\"low\":0,\
                  \"high\":0},\"port\":4789,\"learning\":true,\"ttl\":0,\"df\":\"unset\",\"ageing\":300,";
    assert!(json.contains(tunnel), "{json}");
}

#[test]
fn devices_for_programs_are_made_listed_and_removed() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip tuntap add dev tap0 mode tap user 1000 vnet_hdr", "ip tuntap add tun0 mode tun"]);
    host.refuses("ip tuntap add dev tap0 mode tap", 1, "ioctl(TUNSETIFF): Device or resource busy\n");
    host.refuses("ip tuntap del dev tap0 mode tun", 1, "ioctl(TUNSETIFF): Invalid argument\n");
    host.refuses("ip tuntap add dev tap1", 1, "You failed to specify a tunnel mode\n");
    assert_eq!(host.shows("ip tuntap"), "tap0: tap vnet_hdr persist user 1000\ntun0: tun persist\n");
    host.quietly(&["ip addr add 10.8.0.1/24 dev tun0", "ip link set tun0 up"]);
    assert_eq!(
        host.shows("ip addr show tun0"),
        "3: tun0: <NO-CARRIER,POINTOPOINT,MULTICAST,NOARP,UP> mtu 1500 qdisc pfifo_fast state DOWN group default qlen \
         500\n    link/none \n    inet 10.8.0.1/24 scope global tun0\n       valid_lft forever preferred_lft forever\n"
    );
    assert_eq!(host.shows("ip route"), "10.8.0.0/24 dev tun0 proto kernel scope link src 10.8.0.1 linkdown \n");
    host.refuses("ip link add tun1 type tun", 2, "Error: tun/tap creation via rtnetlink is not supported.\n");
    host.quietly(&["ip tuntap del dev tun0 mode tun", "ip link del tap0", "ip tuntap"]);
}

#[test]
fn devices_are_set_in_groups_and_namespaces_have_numbers() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&[
        "ip link add va group 9 type veth peer name vb group 9",
        "ip link set group 9 up",
        "ip link set va alias up",
    ]);
    let brief = |host: &mut Machine, which: &str| masked(&host.shows(&format!("ip -br link show {which}")));
    assert_eq!(
        brief(&mut host, "group 9"),
        "vb@va            UP             MAC <BROADCAST,MULTICAST,UP,LOWER_UP> \n\
         va@vb            UP             MAC <BROADCAST,MULTICAST,UP,LOWER_UP> \n"
    );
    host.quietly(&["ip link set va group default"]);
    assert_eq!(brief(&mut host, "group 9").lines().count(), 1);
    assert!(host.shows("ip link show va").ends_with("ff:ff:ff:ff:ff:ff\n    alias up\n"));
    host.refuses("ip link show group ten", 255, "Error: argument \"ten\" is wrong: Invalid \"group\" value\n\n");
    host.quietly(&["ip netns add n1", "ip netns add n2", "ip netns set n1 4", "ip netns set n2 auto"]);
    host.refuses("ip netns set n1 5", 2, "Error: Peer netns already has a nsid assigned.\n");
    host.quietly(&["ip netns add n3"]);
    host.refuses("ip netns set n3 4", 2, "Error: The specified nsid is already used.\n");
    assert_eq!(host.shows("ip netns list-id"), "nsid 0 (iproute2 netns name: n2)\nnsid 4 (iproute2 netns name: n1)\n");
    assert_eq!(host.shows("ip -j netns list-id nsid 4"), "[{\"nsid\":4,\"name\":\"n1\"}]\n");
    assert_eq!(host.shows("bridge -n n1 link"), "");
    host.refuses("bridge -n no link", 255, "Cannot open network namespace \"no\": No such file or directory\n");
}

#[test]
fn ip_refuses_in_the_words_of_iproute2() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up", "ip addr add 10.0.0.1/24 dev br0"]);
    host.refuses("ip link del nosuch", 1, "Cannot find device \"nosuch\"\n");
    host.refuses("ip link show nosuch", 1, "Device \"nosuch\" does not exist.\n");
    host.refuses("ip link add br0 type bridge", 2, "RTNETLINK answers: File exists\n");
    host.refuses("ip link add averyveryverylongname type bridge", 2, "Error: Attribute failed policy validation.\n");
    host.refuses("ip link add x0 type nosuchtype", 2, "Error: Unknown device type.\n");
    host.refuses("ip link set lo netns 1", 2, "RTNETLINK answers: No such process\n");
    host.refuses("ip link set br0 mtu 50", 2, "Error: mtu less than device minimum.\n");
    host.refuses("ip addr add 10.0.0.1/24 dev br0", 2, "Error: ipv4: Address already assigned.\n");
    host.refuses("ip addr del 10.0.0.77/24 dev br0", 2, "Error: ipv4: Address not found.\n");
    host.refuses("ip addr add 10.0.0.5/24", 1, "Not enough information: \"dev\" argument is required.\n");
    host.refuses("ip route add default via 10.99.0.1", 2, "Error: Nexthop has invalid gateway.\n");
    host.refuses("ip route add 10.0.0.0/24 dev br0", 2, "RTNETLINK answers: File exists\n");
    host.refuses("ip route add 10.61.0.0/16 dev nosuch", 1, "Cannot find device \"nosuch\"\n");
    host.refuses("ip route del 10.62.0.0/16", 2, "RTNETLINK answers: No such process\n");
    host.refuses("ip route add 10.63.0.1/16 dev br0", 2, "Error: Invalid prefix for given prefix length.\n");
    host.refuses("ip foo", 1, "Object \"foo\" is unknown, try \"ip help\".\n");
    host.refuses("ip route frob", 255, "Command \"frob\" is unknown, try \"ip route help\".\n");
}

#[test]
fn routes_are_added_asked_and_replaced() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up", "ip addr add 10.0.0.1/24 brd + dev br0"]);
    host.quietly(&[
        "ip route add default via 10.0.0.9",
        "ip route add blackhole 10.8.0.0/16",
        "ip r add 10.6.0.1 dev br0 metric 7",
    ]);
    assert_eq!(
        host.shows("ip r"),
        "default via 10.0.0.9 dev br0 \n10.0.0.0/24 dev br0 proto kernel scope link src 10.0.0.1 \n\
         10.6.0.1 dev br0 scope link metric 7 \nblackhole 10.8.0.0/16 \n"
    );
    assert_eq!(host.shows("ip route get 8.8.8.8"), "8.8.8.8 via 10.0.0.9 dev br0 src 10.0.0.1 uid 0 \n    cache \n");
    assert_eq!(host.shows("ip route get 10.0.0.1"), "local 10.0.0.1 dev lo src 10.0.0.1 uid 0 \n    cache <local> \n");
    host.refuses("ip route get 10.8.0.1", 2, "RTNETLINK answers: Invalid argument\n");
    host.quietly(&["ip route replace default via 10.0.0.8", "route del -net 10.6.0.1/32"]);
    assert_eq!(host.shows("ip route show default"), "default via 10.0.0.8 dev br0 \n");
    host.quietly(&["route add -net 10.70.0.0 netmask 255.255.0.0 gw 10.0.0.5", "ip route flush 10.8.0.0/16"]);
    assert_eq!(
        host.shows("route -n"),
        "Kernel IP routing table\n\
         Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n\
         0.0.0.0         10.0.0.8        0.0.0.0         UG    0      0        0 br0\n\
         10.0.0.0        0.0.0.0         255.255.255.0   U     0      0        0 br0\n\
         10.70.0.0       10.0.0.5        255.255.0.0     UG    0      0        0 br0\n"
    );
    host.refuses("route add default gw 10.99.9.9", 7, "SIOCADDRT: Network is unreachable\n");
}

#[test]
fn neighbours_are_kept_by_hand() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ip link set br0 up", "ip addr add 10.0.0.1/24 dev br0"]);
    host.quietly(&["ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev br0", "arp -s 10.0.0.78 02:00:00:00:00:78"]);
    host.refuses("ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev br0", 2, "RTNETLINK answers: File exists\n");
    assert_eq!(
        host.shows("ip n"),
        "10.0.0.77 dev br0 lladdr 02:00:00:00:00:77 PERMANENT \n10.0.0.78 dev br0 lladdr 02:00:00:00:00:78 PERMANENT \n"
    );
    assert!(host.shows("arp -an").starts_with("? (10.0.0.77) at 02:00:00:00:00:77 [ether] PERM on br0\n"));
    host.quietly(&["arp -d 10.0.0.78", "ip neigh del 10.0.0.77 dev br0"]);
    host.refuses("arp -d 10.0.0.78", 255, "No ARP entry for 10.0.0.78\n");
    assert_eq!(host.shows("ip n"), "");
}

#[test]
fn a_container_has_busyboxs_tools() {
    let mut container = Machine::new(Flavour::Busybox);
    assert_eq!(
        container.shows("ip a"),
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    \
         link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    \
         inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n    \
         inet6 ::1/128 scope host \n       valid_lft forever preferred_lft forever\n"
    );
    container.refuses("ip link show nosuch", 2, "ip: can't find device 'nosuch'\n");
    container.refuses("ip route add 10.77.0.0/16 via 10.99.9.9", 2, "ip: RTNETLINK answers: Network is unreachable\n");
    container.refuses(
        "ifconfig nosuch",
        1,
        "ifconfig: nosuch: error fetching interface information: Device not found\n",
    );
    container.refuses("brctl show", 1, "brctl: invalid argument 'show' to 'brctl'\n");
    container.refuses("cat /nosuch", 1, "cat: can't open '/nosuch': No such file or directory\n");
    container.refuses("ls /nosuch", 1, "ls: /nosuch: No such file or directory\n");
    assert!(container.shows("ifconfig lo").starts_with("lo        Link encap:Local Loopback  \n"));
}

#[test]
fn settings_are_read_and_written() {
    let mut host = Machine::new(Flavour::Host);
    assert_eq!(host.shows("sysctl net.ipv4.ip_forward"), "net.ipv4.ip_forward = 0\n");
    assert_eq!(host.shows("sysctl -w net/ipv4/ip_forward=1"), "net.ipv4.ip_forward = 1\n");
    assert_eq!(host.shows("sysctl -n net.ipv4.conf.all.forwarding"), "1\n");
    host.refuses("sysctl net.foo", 1, "sysctl: cannot stat /proc/sys/net/foo: No such file or directory\n");
    host.refuses("sysctl -w net.ipv4.ip_forward", 1, "sysctl: command line(0): invalid syntax, continuing...\n");
}

#[test]
fn an_address_set_by_ifconfig_replaces_the_first() {
    let mut host = Machine::new(Flavour::Host);
    host.quietly(&["ip link add br0 type bridge", "ifconfig br0 10.2.0.1 netmask 255.255.255.0"]);
    host.quietly(&["ifconfig br0 10.2.0.2/24 up"]);
    assert!(
        host.shows("ifconfig br0").contains("        inet 10.2.0.2  netmask 255.255.255.0  broadcast 10.2.0.255\n")
    );
    assert_eq!(host.shows("ip -4 -o addr show br0").lines().count(), 1);
}

#[test]
fn text_goes_through_filters() {
    let mut host = Machine::new(Flavour::Host);
    assert_eq!(host.feed("grep -c a", "a\nb\nab"), ("2\n".to_owned(), 0));
    assert_eq!(host.feed("cat - /etc/hosts", "first\n").0, "first\n127.0.0.1\tlocalhost\n172.17.0.2\tc1\n");
    assert_eq!(host.feed("xargs -n 1 echo got", "a b").0, "got a\ngot b\n");
    assert_eq!(host.feed("tee /tmp/copy", "text\n").0, "text\n");
    assert_eq!(host.shows("wc -c /tmp/copy"), "5 /tmp/copy\n");
    assert_eq!(host.run("head -n 1 /etc/hosts /nosuch").1, 1);
    assert_eq!(host.shows("sed -n 's/^172[^\t]*\t//p' /etc/hosts"), "c1\n");
    host.refuses("sort /nosuch", 2, "sort: cannot read: /nosuch: No such file or directory\n");
    assert_eq!(host.shows("env -i A=b sh-less=x env"), "A=b\nsh-less=x\n");
    host.refuses("env nosuch", 127, "env: 'nosuch': No such file or directory\n");
}

#[test]
fn a_reader_that_has_enough_stops_one_that_writes_without_end() {
    let mut host = Machine::new(Flavour::Host);
    let (yes, mut lines) = host.start("yes", Stream::Null);
    let mut first = Vec::new();
    while first.len() < 4 {
        host.world.run_until(host.world.now());
        if let Read::Data(bytes) = host.world.processes.read(&mut lines) {
            first.extend(bytes);
        }
    }
    assert!(first.starts_with(b"y\ny\n"));
    host.world.processes.close(lines);
    assert_eq!(host.wait(yes), 141);
}

#[test]
fn sleeping_takes_virtual_time() {
    let mut host = Machine::new(Flavour::Host);
    assert_eq!(host.shows("date +%T"), "00:00:00\n");
    host.quietly(&["sleep 1.5 0.5m"]);
    assert_eq!(host.world.now(), Instant::ZERO + Duration::from_millis(31_500));
    assert_eq!(host.shows("date +%T.%N"), "00:00:31.500000000\n");
    let (pid, _) = host.start("sleep infinity", Stream::Null);
    assert_eq!(host.shows("ps -o args"), "COMMAND\nsleep infinity\nps -o args\n");
    assert_eq!(host.run(&format!("kill -9 {}", pid.0)).1, 0);
    host.refuses(&format!("kill -0 {}", pid.0), 1, &format!("kill: ({}): No such process\n", pid.0));
}

/// A host, a router and a host behind a narrower link, as namespaces `a`, `r` and `b` without IPv6.
fn routed() -> Machine {
    let mut docker01 = Machine::new(Flavour::Host);
    docker01.quietly(&[
        "sysctl -q net.ipv6.conf.default.disable_ipv6=1",
        "ip netns add a",
        "ip netns add r",
        "ip netns add b",
        "ip netns exec a sysctl -qw net.ipv6.conf.default.disable_ipv6=1",
        "ip netns exec b sysctl -qw net.ipv6.conf.default.disable_ipv6=1",
        "ip netns exec r sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_forward=1",
        "ip -n a link add va type veth peer name ra netns r",
        "ip -n b link add vb mtu 1400 type veth peer name rb mtu 1400 netns r",
        "ip -n a addr add 10.0.1.1/24 dev va",
        "ip -n r addr add 10.0.1.254/24 dev ra",
        "ip -n r addr add 10.0.2.254/24 dev rb",
        "ip -n b addr add 10.0.2.2/24 dev vb",
        "ip -n a link set va up",
        "ip -n r link set ra up",
        "ip -n r link set rb up",
        "ip -n b link set vb up",
        "ip -n a route add default via 10.0.1.254",
        "ip -n b route add default via 10.0.2.254",
    ]);
    docker01
}

/// What `nstat` prints, without its columns of blanks and noughts.
fn counted(machine: &mut Machine, line: &str) -> Vec<(String, u64)> {
    let (text, status) = machine.run(line);
    assert_eq!((status, text.lines().next()), (0, Some("#kernel")));
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let row = (words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap());
        assert_eq!(words.collect::<Vec<_>>(), ["0.0"]);
        row
    };
    text.lines().skip(1).map(row).collect()
}

fn named(counters: &[(&str, u64)]) -> Vec<(String, u64)> {
    counters.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// The figures are those of Linux 6.18 after the same commands in the same namespaces.
#[test]
fn a_host_counts_its_packets_as_linux_does() {
    let mut docker01 = routed();
    for ping in [
        "-c 2 -i 0.2 10.0.2.2",
        "-c 1 -s 1380 -M do 10.0.2.2",
        "-c 1 -s 3000 10.0.2.2",
        "-c 1 -t 1 10.0.2.2",
        "-c 1 -W 1 10.9.9.9",
        "-c 1 -b -W 1 10.0.1.255",
    ] {
        docker01.run(&format!("ip netns exec a ping {ping}"));
    }
    docker01.quietly(&["ip -n b route del default"]);
    docker01.run("ip netns exec b ping -c 1 10.7.7.7");
    let router = [
        ("IpInReceives", 14),
        ("IpInHdrErrors", 1),
        ("IpForwDatagrams", 11),
        ("IpInDelivers", 1),
        ("IpOutRequests", 3),
        ("IpFragFails", 1),
        ("IpOutTransmits", 13),
        ("IcmpInMsgs", 1),
        ("IcmpInErrors", 1),
        ("IcmpInEchos", 1),
        ("IcmpOutMsgs", 3),
        ("IcmpOutDestUnreachs", 2),
        ("IcmpOutTimeExcds", 1),
        ("IcmpMsgInType8", 1),
        ("IcmpMsgOutType3", 2),
        ("IcmpMsgOutType11", 1),
        ("IpExtInNoRoutes", 1),
        ("IpExtInBcastPkts", 1),
        ("IpExtInOctets", 8132),
        ("IpExtOutOctets", 7272),
        ("IpExtInBcastOctets", 84),
        ("IpExtInNoECTPkts", 14),
    ];
    let behind = [
        ("IpInReceives", 5),
        ("IpInDelivers", 3),
        ("IpOutRequests", 3),
        ("IpOutNoRoutes", 1),
        ("IpReasmReqds", 3),
        ("IpReasmOKs", 1),
        ("IpFragOKs", 1),
        ("IpFragCreates", 3),
        ("IpOutTransmits", 5),
        ("IcmpInMsgs", 3),
        ("IcmpInEchos", 3),
        ("IcmpOutMsgs", 3),
        ("IcmpOutEchoReps", 3),
        ("IcmpMsgInType8", 3),
        ("IcmpMsgOutType0", 3),
        ("IpExtInOctets", 3236),
        ("IpExtOutOctets", 3236),
        ("IpExtInNoECTPkts", 5),
    ];
    assert_eq!(counted(&mut docker01, "ip netns exec r nstat -as"), named(&router));
    assert_eq!(counted(&mut docker01, "ip netns exec b nstat -as"), named(&behind));
}

#[test]
fn nstat_tells_what_grew_since_it_was_asked_last() {
    let mut docker01 = Machine::new(Flavour::Host);
    docker01.run("ping -c 1 127.0.0.1");
    assert_eq!(docker01.shows("nstat -j IpIn*"), "{\"kernel\":{\"IpInReceives\":2,\"IpInDelivers\":2}}\n");
    assert_eq!(docker01.shows("nstat"), "#kernel\n");
    docker01.run("ping -c 2 127.0.0.1");
    assert_eq!(
        counted(&mut docker01, "nstat -s IcmpOut*"),
        named(&[("IcmpOutMsgs", 4), ("IcmpOutEchos", 2), ("IcmpOutEchoReps", 2),])
    );
    assert_eq!(counted(&mut docker01, "nstat -a IcmpInEchos"), named(&[("IcmpInEchos", 3)]));
    assert_eq!(
        docker01.shows("nstat -z IcmpInEchos"),
        "#kernel\nIcmpInEchos                     0                  0.0\n"
    );
    docker01.refuses("nstat -t 1", 255, "nstat: there is no daemon here\n");
}
