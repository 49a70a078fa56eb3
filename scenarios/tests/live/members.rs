//! Real programs have what containers have: IPv6, published ports, links and aliases, networks that come and go, links that
//! are impaired; and where a machine lets none in that is said.

use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

use super::engine::{Engine, Job, Said, said};
use super::guests::{TRIES, await_addresses, engine};

/// A server on TCP port 9 of an address that tells each client who it is and hangs up.
const ECHO: &str = r#"
use IO::Socket::IP; $| = 1;
my $server = IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => 9, Listen => 9) or die "$@"; print "ready\n";
while (my $client = $server->accept) { print $client "you are ", $client->peerhost, "\n"; close $client }
"#;
/// A client of it.
const ASK: &str = r#"use IO::Socket::IP; my $peer = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 9) or die "$@"; print <$peer>;"#;

fn run(engine: &Engine, words: &[&str]) -> Said {
    Said::from(engine.netyard(words).output().expect("the command was built"))
}

/// The server as a program in the background, with these words before it.
fn server(engine: &Engine, words: &[&str]) -> Job {
    let any = if words.contains(&"--ip6") { "::" } else { "0.0.0.0" };
    let words = [&["run", "--name", "prog"], words, &["--", "perl", "-e", ECHO, any]].concat();
    let mut job = Job::of(engine.netyard(&words));
    assert_eq!(job.line(), "ready\n");
    job
}

#[test]
fn an_ipv6_server_is_reached_by_simulated_and_by_real_programs() {
    let Some(engine) = engine() else { return };
    engine.docker("network create --ipv6 --subnet 10.6.0.0/24 --subnet fd00:6::/64 six");
    engine.docker("run -itd --name s1 --network six busybox");
    let server = server(&engine, &["--network", "six", "--ip6", "fd00:6::9"]);
    assert_eq!(engine.docker("exec s1 nc fd00:6::9 9"), "you are fd00:6::2\n");
    let asked = run(&engine, &["run", "--network", "six", "--ip6", "fd00:6::7", "perl", "-e", ASK, "fd00:6::9"]);
    assert_eq!(asked, said("you are fd00:6::7\n", "", 0));
    let by_name = run(&engine, &["run", "--network", "six", "--ip6", "fd00:6::7", "perl", "-e", ASK, "prog"]);
    assert_eq!(by_name, said("you are fd00:6::7\n", "", 0));
    let inside = run(&engine, &["exec", "s1", "perl", "-e", ASK, "prog"]);
    assert_eq!(inside, said("you are fd00:6::2\n", "", 0), "also from a simulated container's place");
    server.kill();
}

#[test]
fn a_published_port_of_a_real_program_is_open_on_this_machine_as_long_as_it_runs() {
    let Some(engine) = engine() else { return };
    let server = server(&engine, &["--network", "n", "-p", "127.0.0.1::9"]);
    let shown = engine.docker("port prog");
    let at = shown.trim_end().strip_prefix("9/tcp -> ").expect("the port is published").to_owned();
    let mut heard = String::new();
    TcpStream::connect(&at).and_then(|mut peer| peer.read_to_string(&mut heard)).expect("somebody listens");
    assert_eq!(heard, "you are 172.18.0.1\n");
    let taken = run(&engine, &["run", "--network", "n", "-p", &format!("{at}:80"), "true"]);
    assert!(taken.code == 2 && taken.stderr.contains("port is already allocated"), "{taken:?}");
    server.kill();
    let left = || engine.docker("ps -a --format {{.Names}}");
    assert!((0..TRIES).any(|_| left() == "c1\nweb\n"), "{}", left());
    assert!(TcpStream::connect(&at).is_err(), "the port is closed with it");
}

#[test]
fn links_and_aliases_lead_to_real_programs_and_from_them() {
    let Some(engine) = engine() else { return };
    let found = run(&engine, &["run", "--network", "n", "--link", "c1:buddy", "getent", "hosts", "buddy"]);
    assert_eq!(found, said("172.18.0.3      buddy\n", "", 0));
    let server = server(&engine, &["--network", "n", "--alias", "one", "--alias", "two"]);
    for name in ["prog", "one", "two"] {
        assert_eq!(engine.docker(&format!("exec c1 nc {name} 9")), "you are 172.18.0.3\n");
    }
    let linked = engine.docker("run --rm --network n --link prog:friend busybox nc friend 9");
    assert_eq!(linked, "you are 172.18.0.5\n");
    let missing = run(&engine, &["run", "--link", "nobody", "true"]);
    assert_eq!(missing, said("", "error: could not get container for nobody: No such container: nobody\n", 2));
    server.kill();
}

#[test]
fn networks_come_and_go_while_a_real_program_runs() {
    let Some(engine) = engine() else { return };
    engine.docker("network create --subnet 10.9.0.0/24 m");
    engine.docker("run -itd --name far --network m busybox");
    let server = server(&engine, &["--network", "n"]);
    engine.docker("network connect --alias guest --ip 10.9.0.9 m prog");
    await_addresses(&engine, "prog", "eth0 172.18.0.4/16\neth1 10.9.0.9/24\n");
    assert_eq!(engine.docker("exec far nc guest 9"), "you are 10.9.0.2\n");
    engine.docker("network disconnect m prog");
    await_addresses(&engine, "prog", "eth0 172.18.0.4/16\n");
    let gone = engine.try_docker(&["exec", "far", "nc", "guest", "9"]);
    assert_eq!((gone.code, gone.stderr.as_str()), (1, "nc: bad address 'guest'\n"));
    assert_eq!(engine.docker("exec c1 nc prog 9"), "you are 172.18.0.3\n", "the other network is as it was");
    server.kill();
}

#[test]
fn what_a_link_does_to_frames_it_does_to_a_real_programs_too() {
    let Some(engine) = engine() else { return };
    let server = server(&engine, &["--network", "n"]);
    let netyard = |line: &str| run(&engine, &line.split(' ').collect::<Vec<_>>());
    assert_eq!(netyard("impair set prog out delay 150ms"), said("", "", 0));
    let began = Instant::now();
    assert_eq!(engine.docker("exec c1 nc prog 9"), "you are 172.18.0.3\n");
    assert!(began.elapsed().as_millis() >= 300, "an answer to SYN and the words, 150 ms each");
    assert_eq!(netyard("impair set prog out loss 100%"), said("", "", 0));
    let lost = netyard("exec prog ping -c 2 -i 0.2 -W 1 172.18.0.2");
    assert!(lost.stdout.contains("100% packet loss"), "{lost:?}");
    let drops = netyard("drops prog").stdout;
    assert!(drops.starts_with("prog/eth0: lost on the way, as the link was told: "), "{drops}");
    assert_eq!(netyard("impair reset prog"), said("", "", 0));
    assert_eq!(engine.docker("exec c1 nc prog 9"), "you are 172.18.0.3\n");
    server.kill();
}

#[test]
fn what_passes_a_real_programs_device_is_captured() {
    let Some(engine) = engine() else { return };
    let server = server(&engine, &["--network", "n"]);
    let mut capture = Job::of(engine.netyard(&["capture", "prog", "-nt", "-c", "3", "tcp"]));
    let head = "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n";
    assert_eq!(capture.line(), head);
    assert_eq!(capture.line(), "listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n");
    engine.docker("exec c1 nc prog 9");
    let lines = [capture.line(), capture.line(), capture.line()].concat();
    let flags = |line: &str| Some(line.split_once("Flags ")?.1.split_once(',')?.0.to_owned());
    let flags: Vec<String> = lines.lines().filter_map(flags).collect();
    assert_eq!(flags, ["[S]", "[S.]", "[.]"], "{lines}");
    assert!(lines.contains(" > 172.18.0.4.9: ") && lines.contains("IP 172.18.0.4.9 > 172.18.0.3."), "{lines}");
    assert_eq!(capture.end(), 0);
    let of = |words: &[&str]| run(&engine, &[&["capture"], words].concat());
    assert_eq!(of(&["nobody"]), said("", "error: no such place: nobody\n", 2));
    let wrong = "tcpdump: unknown host 'nonsense'\n";
    assert_eq!(of(&["prog", "nonsense", "here"]), said("", wrong, 1));
    server.kill();
}

/// A command in a place where nobody may make namespaces.
fn confined(command: &Command) -> Command {
    let line = "echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let mut confined = Command::new("unshare");
    confined.args(["--user", "--map-root-user", "sh", "-c", line, "sh"]);
    confined.arg(command.get_program()).args(command.get_args());
    confined.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    confined
}

#[test]
fn where_nobody_may_make_namespaces_3_is_the_exit_code_and_the_doctor_says_why() {
    let Some(engine) = engine() else { return };
    let forbidden = "missing  user namespaces: /proc/sys/user/max_user_namespaces is 0
         without it: netyard test, netyard up and the docker command work; netyard run, exec and attach only as root
         mend it by: sudo sysctl -w user.max_user_namespaces=15000
";
    let refused = Said::from(confined(&engine.netyard(&["run", "true"])).output().expect("util-linux is there"));
    let error = "error: this machine does not let netyard make namespaces: No space left on device (os error 28)\n";
    assert_eq!(refused, said("", &format!("{error}{forbidden}"), 3));
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n", "what was not begun is not left behind");
    let doctor = Said::from(confined(&engine.netyard(&["doctor"])).output().expect("util-linux is there"));
    assert!(doctor.code == 3 && doctor.stdout.contains(forbidden), "{doctor:?}");
    let trial = "missing  a namespace with a TAP device: cannot make namespaces: No space left on device (os error 28)";
    assert!(doctor.stdout.contains(trial), "{doctor:?}");
    let mut skipped = Command::new(env!("CARGO_BIN_EXE_netyard"));
    skipped.args(["test", "walkthroughs/real-programs.md"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let skipped = Said::from(confined(&skipped).output().expect("util-linux is there"));
    let why = "cannot make namespaces: No space left on device (os error 28) (`netyard doctor` says what mends it)";
    assert!(skipped.code == 3 && skipped.stdout.contains(why), "{skipped:?}");
}
