//! Stories of forks: a copy goes on as the original does, and what happens in one is not seen in the other.

use super::*;

/// A host with two containers on a network, and one of them halfway through pinging the other.
fn in_the_middle() -> (Site, TerminalId) {
    let (mut site, host) = host_told("");
    enter(&mut site, host, "docker network create n1");
    enter(&mut site, host, "docker run -itd --name c1 --net n1 busybox");
    enter(&mut site, host, "docker run -itd --name c2 --net n1 busybox");
    site.enter(host, "docker exec c1 ping -c 4 c2");
    let halfway = site.now() + Duration::from_millis(2_500);
    assert_eq!(site.run(halfway), None);
    (site, host)
}

/// What the terminal shows until its line is done.
fn rest(site: &mut Site, terminal: TerminalId) -> String {
    let until = far(site);
    assert_eq!(site.run(until), Some(TerminalEvent::Ready { terminal, status: 0 }));
    String::from_utf8(site.output(terminal)).unwrap()
}

#[test]
fn a_copy_ends_what_was_begun_as_the_original_does() {
    let (mut site, host) = in_the_middle();
    let mut copy = site.fork();
    let [one, two] = [&mut site, &mut copy].map(|site| rest(site, host));
    assert!(one.contains("4 packets transmitted, 4 packets received, 0% packet loss"), "{one}");
    assert_eq!(one, two);
    assert_eq!(site.now(), copy.now());
}

#[test]
fn what_happens_to_a_copy_is_not_seen_in_the_original() {
    let (mut site, host) = in_the_middle();
    let (mut undisturbed, same_host) = in_the_middle();
    let mut copy = site.fork();
    let other = copy.open_terminal(&copy.place("docker01").unwrap()).unwrap();
    copy.enter(other, "docker rm -f c2");
    copy.run(far(&copy));
    assert!(copy.engines()[0].container("c2").is_none());
    assert!(site.engines()[0].container("c2").is_some());
    assert_eq!(rest(&mut site, host), rest(&mut undisturbed, same_host));
}
