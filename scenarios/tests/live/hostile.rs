//! Frames of a real program that are not as they should be: they are dropped and counted, and the network lives on.

use std::fs;

use super::engine::{Engine, Job, Said};
use super::guests::{TRIES, engine};

/// Sends frames of the kind that its first argument names, as many as its second says, by a packet socket of eth0 (172.18.0.4)
/// to c1 (172.18.0.3).
const SENDER: &str = r#"
use Socket; $| = 1;
my ($what, $count) = @ARGV;
socket(my $s, 17, SOCK_RAW, unpack("S", pack("n", 3))) or die "$!";
my ($index, $own) = `ip -o link show eth0` =~ /^(\d+).*ether (\S+)/;
`ping -c 1 -W 5 172.18.0.3`;
my ($mac) = `ip neigh show 172.18.0.3` =~ /lladdr (\S+)/;
($own, $mac) = map { pack("H*", s/://gr) } $own, $mac;
my $to = pack("SnlSCCa8", 17, 3, $index, 0, 0, 6, $mac);
sub sum { my $n = 0; $n += $_ for unpack("n*", $_[0]); $n = ($n & 65535) + ($n >> 16) while $n >> 16; ~$n & 65535 }
sub ip { my ($proto, $data, %with) = @_;
    my $head = pack("CCnnnCCna4a4", 0x45, 0, $with{len} || 20 + length $data, 7, 0, 64, $proto, 0,
        inet_aton($with{src} || "172.18.0.4"), inet_aton("172.18.0.3"));
    substr($head, 10, 2) = pack("n", sum($head) ^ ($with{wrong} || 0)); $head . $data }
sub eth { my ($type, $data, %with) = @_; ($with{dst} || $mac) . ($with{src} || $own) . pack("n", $type) . $data }
my $echo = pack("CCnNN", 8, 0, 0, 0, 0); substr($echo, 2, 2) = pack("n", sum($echo));
my $chain = pack("CCCCN", 60, 0, 1, 4, 0) x 150;
my %frames = (
    "truncated" => sub { eth(0x800, substr(ip(17, "x" x 20), 0, 12)) },
    "longer than it is" => sub { eth(0x800, ip(17, "x" x 20, len => 900)) },
    "wrong header sum" => sub { eth(0x800, ip(1, $echo, wrong => 0x55)) },
    "wrong ICMP sum" => sub { eth(0x800, ip(1, "\x08\0\x12\x34" . "\0" x 8)) },
    "wrong UDP sum" => sub { eth(0x800, ip(17, pack("nnnn", 1, 53, 12, 0x1234) . "abcd")) },
    "wrong TCP sum" => sub { eth(0x800, ip(6, pack("nnNNCCnnn", 1, 80, 1, 0, 0x50, 2, 100, 0x1234, 0))) },
    "spoofed IP" => sub { eth(0x800, ip(1, $echo, src => "10.99.99.99")) },
    "spoofed MAC" => sub { eth(0x800, ip(1, $echo), src => "\x02" . join "", map chr rand 256, 1 .. 5) },
    "MAC of a group" => sub { eth(0x800, ip(1, $echo), src => "\x01\0\0\0\0\x09") },
    "IPv6 chain" => sub { my ($from, $all) = ("\xfe\x80" . "\0" x 13 . "\1", "\xff\x02" . "\0" x 13 . "\1");
        eth(0x86dd, pack("NnCC", 6 << 28, length $chain, 0, 64) . $from . $all . $chain, dst => "\x33\x33\0\0\0\1") },
    "ARP storm" => sub { my $arp = pack("nnCCna6Na6a4", 1, 0x800, 6, 4, 1, $own, rand 2 ** 32, "", inet_aton("172.18.0.3"));
        eth(0x806, $arp, dst => "\xff" x 6) },
);
for (1 .. $count) { send($s, $frames{$what}->(), 0, $to) or die "$what: $!" }
print "sent\n"; <STDIN>;
"#;

/// A real program that has sent frames and is still there.
fn sender(engine: &Engine, what: &str, count: u32) -> Job {
    let words = ["run", "--network", "n", "--", "perl", "-e", SENDER, what, &count.to_string()];
    let mut sender = Job::of(engine.netyard(&words));
    assert_eq!(sender.line(), "sent\n", "{what}");
    sender
}

/// How many frames were dropped for a reason at places whose name begins so.
fn dropped(engine: &Engine, place: &str, reason: &str) -> u32 {
    let drops = Said::from(engine.netyard(&["drops"]).output().expect("the command was built")).stdout;
    let lines = drops.lines().filter(|line| line.starts_with(place));
    let counts = lines.filter_map(|line| line.rsplit_once(&format!(": {reason}: "))?.1.parse::<u32>().ok());
    counts.sum()
}

#[test]
fn frames_that_cannot_be_right_are_dropped_and_counted() {
    const COUNT: u32 = 50;
    let Some(engine) = engine() else { return };
    for (what, place, reason) in [
        ("truncated", "docker01/br-", "malformed"),
        ("longer than it is", "docker01/br-", "malformed"),
        ("MAC of a group", "docker01/veth", "malformed"),
        ("wrong header sum", "c1/eth0", "malformed"),
        ("wrong ICMP sum", "c1/eth0", "malformed"),
        ("wrong UDP sum", "c1/eth0", "malformed"),
        ("wrong TCP sum", "c1/eth0", "malformed"),
        ("IPv6 chain", "docker01/br-", "unknown protocol"),
        ("spoofed IP", "gateway/lan0", "forwarding is off"),
    ] {
        let before = dropped(&engine, place, reason);
        let sender = sender(&engine, what, COUNT);
        let have_come = (0..TRIES).any(|_| dropped(&engine, place, reason) >= before + COUNT);
        let after = dropped(&engine, place, reason);
        assert!(have_come && after == before + COUNT, "{what}: {} of {COUNT}", after - before);
        assert_eq!(sender.end(), 0);
    }
}

/// Kilobytes that a process has in memory.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

#[test]
fn floods_take_no_memory_and_leave_the_others_in_peace() {
    let Some(engine) = engine() else { return };
    let flood = || {
        for what in ["ARP storm", "IPv6 chain", "spoofed MAC", "spoofed IP"] {
            assert_eq!(sender(&engine, what, 3000).end(), 0);
        }
    };
    flood();
    let before = memory(engine.id());
    flood();
    flood();
    let grown = memory(engine.id()).saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} kB more");
    // A table of neighbours that a storm has filled takes no other for five seconds, as Linux's.
    let pings = || engine.try_docker(&["exec", "c1", "ping", "-c", "1", "-W", "1", "web"]).code == 0;
    assert!((0..10).any(|_| pings()), "c1 has lost web");
}
