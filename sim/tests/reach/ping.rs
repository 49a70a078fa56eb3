//! ping, as busybox and as iputils.

use netyard_sim::route::Action;
use netyard_sim::time::Duration;

use super::lab::Lab;

#[test]
fn a_container_pings_by_number_and_by_name() {
    let mut lab = Lab::new();
    let expected = "\
PING 192.0.2.80 (192.0.2.80): 56 data bytes
64 bytes from 192.0.2.80: seq=0 ttl=63 time=# ms
64 bytes from 192.0.2.80: seq=1 ttl=63 time=# ms

--- 192.0.2.80 ping statistics ---
2 packets transmitted, 2 packets received, 0% packet loss
round-trip min/avg/max = # ms
";
    assert_eq!(lab.says("ping -c 2 192.0.2.80"), (expected.to_owned(), 0));
    let by_name = lab.says("ping -c 1 www.lan").0;
    assert!(by_name.starts_with("PING www.lan (192.0.2.80): 56 data bytes\n64 bytes from 192.0.2.80: seq=0"));
    assert!(lab.says("ping -c 1 gateway").0.starts_with("PING gateway (172.17.0.1): 56"));
    assert!(lab.says("ping -c 1 localhost").0.contains("64 bytes from 127.0.0.1: seq=0 ttl=64"));
}

#[test]
fn busybox_is_silent_about_what_does_not_arrive() {
    let mut lab = Lab::new();
    let lost = |to: &str| {
        format!(
            "PING {to} ({to}): 56 data bytes\n\n--- {to} ping statistics ---\n1 packets transmitted, 0 packets received, 100% packet loss\n"
        )
    };
    let done = lab.run("ping -c 1 -W 1 172.17.0.99");
    assert_eq!((done.text, done.status, done.took_ms), (lost("172.17.0.99"), 1, 1000));
    lab.router_does(Action::Unreachable, "10.97.0.0/16");
    let done = lab.run("ping -c 1 10.97.0.1");
    assert_eq!((done.text, done.status, done.took_ms), (lost("10.97.0.1"), 1, 10_000));
}

#[test]
fn an_unknown_name_is_a_bad_address_and_no_route_is_said_after_the_header() {
    let mut lab = Lab::new();
    assert_eq!(lab.says("ping -c 1 nosuch"), ("ping: bad address 'nosuch'\n".to_owned(), 1));
    lab.cut_off();
    let expected = "PING 192.0.2.1 (192.0.2.1): 56 data bytes\nping: sendto: Network is unreachable\n";
    assert_eq!(lab.says("ping -c 1 192.0.2.1"), (expected.to_owned(), 1));
    assert_eq!(lab.run("ping -c 1 www.lan").text, "ping: bad address 'www.lan'\n");
}

#[test]
fn an_interrupt_prints_the_statistics() {
    let mut lab = Lab::new();
    let job = lab.begin("ping -q 192.0.2.1");
    lab.run_for(Duration::from_millis(2500));
    lab.interrupt(&job);
    let done = lab.wait(job);
    assert!(done.text.contains("\n--- 192.0.2.1 ping statistics ---\n3 packets transmitted, 3 packets received, 0%"));
    assert_eq!((done.status, done.took_ms), (0, 2500));
}

#[test]
fn a_deadline_and_a_silent_name_server_take_their_time() {
    let mut lab = Lab::new();
    let done = lab.run("ping -w 2 192.0.2.1");
    assert!(done.text.contains("2 packets transmitted, 2 packets received"));
    assert_eq!((done.status, done.took_ms), (0, 2000));
    lab.write("/etc/resolv.conf", "nameserver 172.17.0.99\n");
    let done = lab.run("ping -c 1 www.lan");
    assert_eq!((done.text.as_str(), done.status), ("ping: bad address 'www.lan'\n", 1));
}

#[test]
fn a_server_where_nobody_listens_is_passed_over_at_once() {
    let mut lab = Lab::new();
    lab.write("/etc/resolv.conf", "nameserver 172.17.0.1\nnameserver 192.0.2.1\n");
    let done = lab.run("ping -c 1 www.lan");
    assert!(done.text.starts_with("PING www.lan (192.0.2.80)"), "{}", done.text);
    assert!(done.took_ms < 100);
}

#[test]
fn a_source_is_an_address_or_a_device() {
    let mut lab = Lab::new();
    let (text, _) = lab.says("ping -c 1 -I 172.17.0.2 192.0.2.1");
    assert!(text.starts_with("PING 192.0.2.1 (192.0.2.1) from 172.17.0.2: 56 data bytes\n64 bytes"));
    assert!(lab.says("ping -c 1 -I eth0 192.0.2.1").0.starts_with("PING 192.0.2.1 (192.0.2.1): 56"));
    assert_eq!(lab.says("ping -I nosuch 192.0.2.1"), ("ping: bad address 'nosuch'\n".to_owned(), 1));
    let (text, status) = lab.says("ping -I 10.9.9.9 192.0.2.1");
    assert!(text.ends_with("from 10.9.9.9: 56 data bytes\nping: can't set multicast source interface\n"));
    assert_eq!(status, 1);
}

#[test]
fn iputils_pings_by_number_and_names_what_answers() {
    let mut lab = Lab::new();
    let expected = "\
PING 192.0.2.80 (192.0.2.80) 56(84) bytes of data.
64 bytes from 192.0.2.80: icmp_seq=1 ttl=63 time=# ms

--- 192.0.2.80 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = # ms
";
    assert_eq!(lab.host_says("ping -c 1 192.0.2.80"), (expected.to_owned(), 0));
    let named = lab.host_says("ping -c 1 www.lan").0;
    let expected = "PING www.lan (192.0.2.80) 56(84) bytes of data.\n64 bytes from www.lan (192.0.2.80): icmp_seq=1";
    assert!(named.starts_with(expected), "{named}");
    let nameless = lab.host_says("ping -c 1 gateway").0;
    assert!(nameless.contains("64 bytes from router (172.17.0.1): icmp_seq=1 ttl=64"), "{nameless}");
    assert!(lab.host_says("ping -n -c 1 gateway").0.contains("64 bytes from 172.17.0.1: icmp_seq=1"));
}

#[test]
fn iputils_tells_of_errors() {
    let mut lab = Lab::new();
    let expected = "\
PING 172.17.0.99 (172.17.0.99) 56(84) bytes of data.
From 172.17.0.2 icmp_seq=1 Destination Host Unreachable

--- 172.17.0.99 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

";
    assert_eq!(lab.host_says("ping -c 1 172.17.0.99"), (expected.to_owned(), 1));
    let line = |text: String| text.lines().nth(1).map(str::to_owned).unwrap_or_default();
    let expired = line(lab.host_says("ping -c 1 -t 1 192.0.2.1").0);
    assert_eq!(expired, "From 172.17.0.1 icmp_seq=1 Time to live exceeded");
    lab.router_does(Action::Prohibit, "10.96.0.0/16");
    let filtered = line(lab.host_says("ping -c 1 10.96.0.1").0);
    assert_eq!(filtered, "From 172.17.0.1 icmp_seq=1 Packet filtered");
    assert_eq!(
        line(lab.host_says("ping -c 1 -s 1473 -M do 192.0.2.1").0),
        "ping: local error: message too long, mtu=1500"
    );
}

#[test]
fn iputils_ends_with_2_when_it_cannot_begin() {
    let mut lab = Lab::new();
    lab.cut_off();
    let says = |lab: &mut Lab, line: &str| {
        let (text, status) = lab.host_says(line);
        assert_eq!(status, 2, "{line}");
        text
    };
    assert_eq!(says(&mut lab, "ping 192.0.2.1"), "ping: connect: Network is unreachable\n");
    assert_eq!(says(&mut lab, "ping www.lan"), "ping: www.lan: Temporary failure in name resolution\n");
    assert_eq!(says(&mut lab, "ping -6 172.17.0.1"), "ping: 172.17.0.1: Address family for hostname not supported\n");
    assert_eq!(says(&mut lab, "ping -I nosuch 172.17.0.1"), "ping: SO_BINDTODEVICE nosuch: No such device\n");
    assert_eq!(says(&mut lab, "ping -I 10.9.9.9 172.17.0.1"), "ping: bind: Cannot assign requested address\n");
    let broadcast = "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\n";
    assert_eq!(says(&mut lab, "ping 172.17.255.255"), broadcast);
}

#[test]
fn unknown_names_have_their_reasons() {
    let mut lab = Lab::new();
    let reason = |lab: &mut Lab, name: &str| lab.host_says(&format!("ping -c 1 {name}")).0;
    assert_eq!(reason(&mut lab, "nosuch"), "ping: nosuch: Name or service not known\n");
    assert_eq!(reason(&mut lab, "300.1.1.1"), "ping: 300.1.1.1: Name or service not known\n");
    assert_eq!(reason(&mut lab, "txt.lan"), "ping: txt.lan: No address associated with hostname\n");
    assert_eq!(reason(&mut lab, "a..b"), "ping: a..b: Name or service not known\n");
}

#[test]
fn ipv6_has_its_own_words() {
    let mut lab = Lab::new();
    let (container, router) = (lab.container, lab.router);
    lab.address(container, "eth0", "2001:db8:9::2/64");
    lab.address(router, "eth0", "2001:db8:9::1/64");
    let (text, status) = lab.host_says("ping -c 1 2001:db8:9::1");
    let expected = "PING 2001:db8:9::1(2001:db8:9::1) 56 data bytes\n64 bytes from 2001:db8:9::1: icmp_seq=1 ttl=64";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(status, 0);
    let (text, status) = lab.says("ping -c 1 2001:db8:9::1");
    assert!(text.contains("64 bytes from 2001:db8:9::1: seq=0 ttl=64"), "{text}");
    assert_eq!(status, 0);
}
