//! traceroute, as busybox and as Linux.

use netyard_sim::route::Action;

use super::lab::Lab;

#[test]
fn busybox_prints_a_hop_a_line() {
    let mut lab = Lab::new();
    let expected = "\
traceroute to 192.0.2.1 (192.0.2.1), 30 hops max, 46 byte packets
 1  172.17.0.1  # ms  # ms  # ms
 2  192.0.2.1  # ms  # ms  # ms
";
    assert_eq!(lab.says("traceroute -n 192.0.2.1"), (expected.to_owned(), 0));
    assert_eq!(lab.says("traceroute -n -I 192.0.2.1"), (expected.to_owned(), 0));
    let named = "\
traceroute to names (192.0.2.1), 30 hops max, 46 byte packets
 1  router (172.17.0.1)  # ms
 2  names (192.0.2.1)  # ms
";
    assert_eq!(lab.says("traceroute -q 1 names"), (named.to_owned(), 0));
}

#[test]
fn busybox_waits_for_each_probe_that_is_lost() {
    let mut lab = Lab::new();
    lab.router_does(Action::Blackhole, "10.95.0.0/16");
    let done = lab.run("traceroute -n -w 1 -m 2 10.95.0.1");
    let expected = "traceroute to 10.95.0.1 (10.95.0.1), 2 hops max, 46 byte packets\n 1  *  *  *\n 2  *  *  *\n";
    assert_eq!((done.text.as_str(), done.status, done.took_ms), (expected, 0, 6000));
}

#[test]
fn busybox_marks_what_routers_refuse() {
    let mut lab = Lab::new();
    lab.router_does(Action::Prohibit, "10.96.0.0/16");
    let expected = "traceroute to 10.96.0.1 (10.96.0.1), 30 hops max, 46 byte packets\n 1  172.17.0.1  # ms !A  # ms !A  # ms !A\n";
    assert_eq!(lab.says("traceroute -n 10.96.0.1"), (expected.to_owned(), 0));
}

#[test]
fn busybox_refuses_before_its_header() {
    let mut lab = Lab::new();
    assert_eq!(lab.says("traceroute nosuch"), ("traceroute: bad address 'nosuch'\n".to_owned(), 1));
    let text = "traceroute: can't set multicast source interface\n";
    assert_eq!(lab.says("traceroute -s 10.9.9.9 192.0.2.1"), (text.to_owned(), 1));
    lab.cut_off();
    let text = "traceroute: can't connect to remote host (192.0.2.1): Network is unreachable\n";
    assert_eq!(lab.says("traceroute 192.0.2.1"), (text.to_owned(), 1));
}

#[test]
fn linux_sends_sixteen_at_once_and_prints_in_order() {
    let mut lab = Lab::new();
    let expected = "\
traceroute to 192.0.2.1 (192.0.2.1), 30 hops max, 60 byte packets
 1  172.17.0.1  # ms  # ms  # ms
 2  192.0.2.1  # ms  # ms  # ms
";
    assert_eq!(lab.host_says("traceroute -n 192.0.2.1"), (expected.to_owned(), 0));
    assert_eq!(lab.host_says("traceroute -n -I 192.0.2.1"), (expected.to_owned(), 0));
    lab.router_does(Action::Blackhole, "10.95.0.0/16");
    let done = lab.run_as_host("traceroute -n -w 1 -m 3 10.95.0.1");
    assert!(done.text.ends_with("\n 1  * * *\n 2  * * *\n 3  * * *\n"));
    assert_eq!(done.took_ms, 1000);
}

#[test]
fn linux_complains_in_the_middle_of_its_header() {
    let mut lab = Lab::new();
    let (text, status) = lab.host_says("traceroute nosuch");
    let expected =
        "nosuch: Name or service not known\nCannot handle \"host\" cmdline arg `nosuch' on position 1 (argc 1)\n";
    assert_eq!((text.as_str(), status), (expected, 2));
    lab.cut_off();
    let (text, status) = lab.host_says("traceroute 192.0.2.1");
    assert!(text.ends_with(" 30 hops max, 60 byte packets\nconnect: Network is unreachable\n"), "{text}");
    assert_eq!(status, 1);
}
