//! nslookup and dig against the LAN's DNS server.

use super::lab::Lab;

const SERVER: &str = "Server:\t\t192.0.2.1\nAddress:\t192.0.2.1:53\n\n";
const BIND_SERVER: &str = "Server:\t\t192.0.2.1\nAddress:\t192.0.2.1#53\n\n";

#[test]
fn busybox_asks_for_both_families() {
    let mut lab = Lab::new();
    let text = "Name:\tsix.lan\nAddress: 192.0.2.66\n\nName:\tsix.lan\nAddress: 2001:db8::66\n\n";
    assert_eq!(lab.says("nslookup six.lan"), (format!("{SERVER}{text}"), 0));
    let unknown = "** server can't find nosuch: NXDOMAIN\n\n".repeat(2);
    assert_eq!(lab.says("nslookup nosuch"), (format!("{SERVER}{unknown}"), 1));
    let half = "Name:\twww.lan\nAddress: 192.0.2.80\n\n** server can't find www.lan: NXDOMAIN\n\n";
    assert_eq!(lab.says("nslookup www.lan"), (format!("{SERVER}{half}"), 1));
}

#[test]
fn busybox_asks_for_names_and_kinds() {
    let mut lab = Lab::new();
    let pointer = "80.2.0.192.in-addr.arpa\tname = www.lan\n\n";
    assert_eq!(lab.says("nslookup 192.0.2.80"), (format!("{SERVER}{pointer}"), 0));
    let mail = "lan\tmail exchanger = 10 mail.lan\n\n";
    assert_eq!(lab.says("nslookup -type=mx lan"), (format!("{SERVER}{mail}"), 0));
    assert_eq!(lab.says("nslookup -type=mx lan 192.0.2.1"), (format!("{SERVER}{mail}"), 0));
}

#[test]
fn busybox_tells_how_it_failed_to_ask() {
    let mut lab = Lab::new();
    let timed_out = ";; connection timed out; no servers could be reached\n\n";
    let done = lab.run("nslookup www.lan 172.17.0.99");
    assert_eq!((done.status, done.took_ms), (1, 5000));
    assert!(done.text.ends_with(timed_out));
    let done = lab.run("nslookup www.lan router");
    assert!(done.text.contains(": Connection refused\n") && done.text.ends_with(timed_out), "{}", done.text);
    assert_eq!(lab.says("nslookup www.lan nosuch"), ("nslookup: bad address 'nosuch'\n".to_owned(), 1));
    lab.cut_off();
    let text = "nslookup: can't connect to remote host (192.0.2.1): Network is unreachable\n";
    assert_eq!(lab.says("nslookup www.lan"), (text.to_owned(), 1));
}

#[test]
fn busybox_makes_names_of_the_search_list() {
    let mut lab = Lab::new();
    lab.write("/etc/resolv.conf", "search lan\nnameserver 192.0.2.1\noptions ndots:0\n");
    let (text, status) = lab.says("nslookup six");
    assert!(text.contains("Name:\tsix.lan\nAddress: 192.0.2.66\n"), "{text}");
    assert_eq!(status, 0);
    assert!(lab.says("ping -c 1 -W 1 www").0.starts_with("PING www (192.0.2.80)"));
}

#[test]
fn bind_asks_for_one_family_after_the_other() {
    let mut lab = Lab::new();
    let text = "Name:\tsix.lan\nAddress: 192.0.2.66\nName:\tsix.lan\nAddress: 2001:db8::66\n\n";
    assert_eq!(lab.host_says("nslookup six.lan"), (format!("{BIND_SERVER}{text}"), 0));
    let half = "Name:\twww.lan\nAddress: 192.0.2.80\n** server can't find www.lan: NXDOMAIN\n\n";
    assert_eq!(lab.host_says("nslookup www.lan"), (format!("{BIND_SERVER}{half}"), 1));
    let unknown = "** server can't find nosuch: NXDOMAIN\n\n";
    assert_eq!(lab.host_says("nslookup nosuch"), (format!("{BIND_SERVER}{unknown}"), 1));
    let nothing = "Non-authoritative answer:\n*** Can't find txt.lan: No answer\n\n";
    assert_eq!(lab.host_says("nslookup txt.lan"), (format!("{BIND_SERVER}{nothing}"), 0));
}

#[test]
fn bind_asks_for_names_and_kinds() {
    let mut lab = Lab::new();
    let further = "\nAuthoritative answers can be found from:\n\n";
    let pointer = format!("80.2.0.192.in-addr.arpa\tname = www.lan.\n{further}");
    assert_eq!(lab.host_says("nslookup 192.0.2.80"), (pointer, 0));
    let text = format!("{BIND_SERVER}txt.lan\ttext = \"hello\"\n{further}");
    assert_eq!(lab.host_says("nslookup -type=txt txt.lan"), (text, 0));
    let address = format!("{BIND_SERVER}alias.lan\tcanonical name = six.lan.\nName:\tsix.lan\nAddress: 192.0.2.66\n\n");
    assert_eq!(lab.host_says("nslookup -type=a alias.lan"), (address, 0));
}

#[test]
fn bind_gives_up_after_three_tries() {
    let mut lab = Lab::new();
    let refused = ";; communications error to 172.17.0.1#53: connection refused\n".repeat(3);
    let text = format!("{refused};; no servers could be reached\n\n");
    assert_eq!(lab.host_says("nslookup www.lan 172.17.0.1"), (text, 1));
    lab.cut_off();
    let line = ";; UDP setup with 192.0.2.1#53(192.0.2.1) for www.lan failed: network unreachable.\n";
    let text = format!("{line};; no servers could be reached\n").repeat(3);
    assert_eq!(lab.host_says("nslookup www.lan"), (format!("{text}\n"), 1));
}

#[test]
fn dig_prints_all_of_an_answer() {
    let mut lab = Lab::new();
    let (text, status) = lab.says("dig @192.0.2.1 www.lan");
    let (head, rest) = text.split_once(", id: ").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let expected = "
; <<>> DiG 9.18.49-1~deb12u3-Debian <<>> @192.0.2.1 www.lan
; (1 server found)
;; global options: +cmd
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR";
    assert_eq!((head, status), (expected, 0));
    let expected = "\
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;www.lan.\t\t\tIN\tA

;; ANSWER SECTION:
www.lan.\t\t0\tIN\tA\t192.0.2.80

;; Query time: 0 msec
;; SERVER: 192.0.2.1#53(192.0.2.1) (UDP)
;; WHEN: Thu Jan 01 00:00:00 UTC 2026
;; MSG SIZE  rcvd: 52

";
    assert_eq!(rest, expected);
}

#[test]
fn dig_takes_several_names_and_few_words() {
    let mut lab = Lab::new();
    let text = "six.lan.\n192.0.2.66\n2001:db8::66\n\"hello\"\nwww.lan.\n";
    let line = "dig +short alias.lan six.lan AAAA txt.lan TXT -x 192.0.2.80";
    assert_eq!(lab.host_says(line), (text.to_owned(), 0));
    let text = "lan.\t\t\t0\tIN\tMX\t10 mail.lan.\n";
    assert_eq!(lab.host_says("dig lan MX +noall +answer"), (text.to_owned(), 0));
    lab.write("/etc/resolv.conf", "search foo lan\nnameserver 192.0.2.1\n");
    assert_eq!(lab.host_says("dig +search +short www"), ("192.0.2.80\n".to_owned(), 0));
    assert_eq!(lab.host_says("dig +short www"), (String::new(), 0));
}

#[test]
fn dig_tells_how_it_failed_to_ask() {
    let mut lab = Lab::new();
    let expected = "\
;; communications error to 172.17.0.1#53: connection refused

; <<>> DiG 9.18.49-1~deb12u3-Debian <<>> @172.17.0.1 +tries=1 +time=1 c3
; (1 server found)
;; global options: +cmd
;; no servers could be reached
";
    assert_eq!(lab.host_says("dig @172.17.0.1 +tries=1 +time=1 c3"), (expected.to_owned(), 9));
    let text = "dig: couldn't get address for 'nosuch': not found\n";
    assert_eq!(lab.host_says("dig @nosuch c3"), (text.to_owned(), 1));
    let text = "dig: 'a..b' is not a legal name (empty label)\n";
    assert_eq!(lab.host_says("dig a..b"), (text.to_owned(), 10));
    let text = "dig: couldn't get address for '::1': address family not supported\n";
    assert_eq!(lab.host_says("dig -4 @::1 c3"), (text.to_owned(), 1));
}

#[test]
fn dig_waits_as_long_as_it_is_told() {
    let mut lab = Lab::new();
    lab.write("/etc/resolv.conf", "nameserver 192.0.2.99\nnameserver 192.0.2.1\n");
    let done = lab.run_as_host("dig +short +tries=2 +time=1 www.lan");
    assert!(done.text.ends_with("192.0.2.80\n"), "{}", done.text);
    assert!(done.text.starts_with(";; communications error to 192.0.2.99#53: timed out\n"), "{}", done.text);
    assert_eq!(done.status, 0);
}
