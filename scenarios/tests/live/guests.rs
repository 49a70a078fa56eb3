//! Real programs on the simulated network. Where this machine's kernel does not let us, the tests say so and end.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::engine::{Engine, Job, Said, directory, said, up};
use super::terminal::Terminal;

/// How often something is looked at that is about to change.
pub(super) const TRIES: u32 = 200;

/// An engine with a network `n`, and on it a web server `web` (172.18.0.2) and `c1` (172.18.0.3); unless real programs
/// cannot be run here.
pub(super) fn engine() -> Option<Engine> {
    let engine = Engine::start("")?;
    engine.docker("network create n");
    engine.docker("run -d --name web --network n nginx");
    engine.docker("run -itd --name c1 --network n busybox");
    let tried = run(engine.netyard(&["exec", "web", "true"]));
    if tried.code == 3 {
        eprintln!("SKIPPED: {}", tried.stderr);
        return None;
    }
    assert_eq!(tried, said("", "", 0));
    Some(engine)
}

fn run(mut command: Command) -> Said {
    Said::from(command.output().expect("the command was built"))
}

/// The addresses of the twin of a container, as iproute2 shows them.
fn addresses(engine: &Engine, container: &str) -> String {
    let line = "ip -br -4 addr show scope global | awk '{print $1, $3}'";
    run(engine.netyard(&["exec", container, "sh", "-c", line])).stdout
}

/// Waits until a container's twin has these addresses.
pub(super) fn await_addresses(engine: &Engine, container: &str, expected: &str) {
    let mut seen = String::new();
    for _ in 0..TRIES {
        seen = addresses(engine, container);
        if seen == expected {
            return;
        }
    }
    panic!("{seen}");
}

#[test]
fn a_real_program_is_at_home_on_the_network() {
    let Some(engine) = engine() else { return };
    let line = "cat /etc/resolv.conf; hostname; tail -1 /etc/hosts; getent hosts web | tr -s ' '; exit 7";
    let command = engine.netyard(&["run", "--network", "n", "--hostname", "mine", "--", "sh", "-c", line]);
    let expected = "nameserver 127.0.0.11\noptions ndots:0\nmine\n172.18.0.4\tmine\n172.18.0.2 web\n";
    assert_eq!(run(command), said(expected, "", 7));
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n", "nothing is left of it");
}

#[test]
fn a_real_program_reaches_a_simulated_one() {
    let Some(engine) = engine() else { return };
    let fetch =
        "exec 3<>/dev/tcp/web/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; grep -o 'Welcome to nginx!' <&3 | tail -1";
    let command = engine.netyard(&["run", "--network", "n", "bash", "-c", fetch]);
    assert_eq!(run(command), said("Welcome to nginx!\n", "", 0));
}

#[test]
fn it_is_seen_as_a_container_is_and_ends_as_one() {
    let Some(engine) = engine() else { return };
    let begun =
        engine.netyard(&["run", "--network", "n", "--name", "prog", "--alias", "q", "sh", "-c", "echo up; sleep 60"]);
    let mut job = Job::of(begun);
    assert_eq!(job.line(), "up\n");
    let format = "{{.Names}} {{.Image}} {{.Command}}";
    let listed = engine.try_docker(&["ps", "--no-trunc", "--filter", "name=prog", "--format", format]).stdout;
    assert_eq!(listed, "prog busybox \"netyard run sh -c 'echo up; sleep 60'\"\n");
    let members = engine.docker("network inspect n -f {{range.Containers}}{{.Name}}={{.IPv4Address}},{{end}}");
    assert!(members.contains("prog=172.18.0.4/16,"), "{members}");
    let pinged = engine.docker("exec c1 ping -c 1 -W 10 q");
    assert!(pinged.starts_with("PING q (172.18.0.4)") && pinged.contains(" 0% packet loss"), "{pinged}");
    let why = run(engine.netyard(&["why", "c1", "q", "tcp/80"]));
    let last = "reached prog/eth0, a real program's device: whether it listens on tcp/80 is not known here\n";
    assert!(why.code == 0 && why.stdout.ends_with(last), "{}", why.stdout);
    engine.docker("kill -s TERM prog");
    assert_eq!(job.end(), 143);
}

#[test]
fn what_is_connected_and_disconnected_comes_and_goes() {
    let Some(engine) = engine() else { return };
    assert_eq!(addresses(&engine, "c1"), "eth0 172.18.0.3/16\n");
    let mut stays = Job::of(engine.netyard(&["exec", "c1", "sh", "-c", "echo in; cat"]));
    assert_eq!(stays.line(), "in\n");
    engine.docker("network create --subnet 10.9.0.0/24 m");
    engine.docker("network connect m c1");
    await_addresses(&engine, "c1", "eth0 172.18.0.3/16\neth1 10.9.0.2/24\n");
    engine.docker("network disconnect n c1");
    await_addresses(&engine, "c1", "eth1 10.9.0.2/24\n");
    engine.docker("network connect n c1");
    await_addresses(&engine, "c1", "eth1 10.9.0.2/24\neth2 172.18.0.3/16\n");
    assert_eq!(stays.end(), 0);
}

#[test]
fn real_and_simulated_programs_share_an_address() {
    let Some(engine) = engine() else { return };
    let mut stays = Job::of(engine.netyard(&["exec", "web", "sh", "-c", "echo in; cat"]));
    assert_eq!(stays.line(), "in\n");
    let pinged = engine.docker("exec web ping -c 1 -W 10 c1");
    assert!(pinged.contains(" 0% packet loss"), "the simulated one sends and hears: {pinged}");
    let fetched = engine.docker("exec c1 wget -q -O - web");
    assert!(fetched.contains("Welcome to nginx!"), "the simulated one serves: {fetched}");
    let refused = engine.try_docker(&["exec", "c1", "wget", "-q", "-O", "-", "web:81"]);
    assert_eq!(refused.stderr, "wget: can't connect to remote host (172.18.0.2): Connection refused\n");
    assert_eq!(stays.end(), 0);
}

#[test]
fn what_goes_wrong_is_said() {
    let Some(engine) = engine() else { return };
    let words = |words: &[&str]| run(engine.netyard(words));
    assert_eq!(words(&["exec", "c1", "nosuch"]), said("", "netyard: nosuch: command not found\n", 127));
    assert_eq!(words(&["exec", "c1", "/no/such"]), said("", "netyard: /no/such: No such file or directory\n", 127));
    assert_eq!(words(&["exec", "c1", "/etc/passwd"]), said("", "netyard: /etc/passwd: Permission denied\n", 126));
    assert_eq!(words(&["exec", "nosuch", "true"]), said("", "error: No such container: nosuch\n", 2));
    assert_eq!(words(&["run", "--network", "no", "true"]).code, 2);
    engine.docker("stop -t 0 c1");
    assert_eq!(words(&["exec", "c1", "true"]), said("", "error: Container c1 is not running\n", 2));
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n");
}

/// A server on TCP port 9 that takes all that comes and says how much it was, and a client that sends so much to `$host`.
const SINK: &str = r#"
use IO::Socket::INET; $| = 1;
my $server = IO::Socket::INET->new(LocalPort => 9, Listen => 1) or die; print "ready\n";
my $client = $server->accept; my ($all, $sum, $bytes) = (0, 0, "");
while (my $got = sysread($client, $bytes, 1 << 20)) { $all += $got; $sum += unpack("%32C*", $bytes) } print "$all $sum\n";
"#;
const SOURCE: &str = r#"
use IO::Socket::INET; my $server = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 9) or die "$!";
my $bytes = join "", map chr($_ % 251), 0 .. 65535; print $server $bytes for 1 .. 64; close $server;
"#;
#[test]
fn long_segments_go_from_one_real_program_to_another_and_into_the_world() {
    let Some(engine) = engine() else { return };
    let sum: u64 = (0..65536).map(|n| n % 251).sum();
    let mut sink = Job::of(engine.netyard(&["run", "--network", "n", "--name", "sink", "perl", "-e", SINK]));
    assert_eq!(sink.line(), "ready\n");
    assert_eq!(run(engine.netyard(&["run", "--network", "n", "perl", "-e", SOURCE, "sink"])), said("", "", 0));
    assert_eq!(sink.line(), format!("{} {}\n", 64 * 65536, 64 * sum));
    assert_eq!(sink.end(), 0);
    let mut sink = engine.begin(&["exec", "-i", "c1", "sh", "-c", "echo ready; nc -l -p 9 | wc -c"]);
    assert_eq!(sink.line(), "ready\n");
    assert_eq!(run(engine.netyard(&["run", "--network", "n", "perl", "-e", SOURCE, "c1"])), said("", "", 0));
    assert_eq!(sink.line(), "4194304\n");
}

/// A terminal at which `netyard` is there, for this engine.
fn terminal(engine: &Engine) -> Terminal {
    Terminal::new(|command| engine.with(command))
}

const NETYARD: &str = env!("CARGO_BIN_EXE_netyard");
/// A program that says that it has begun and then waits to be told to end.
const IDLER: &str = r#"perl -e '$| = 1; print "go\n"; sleep 100'"#;

#[test]
fn a_program_has_the_terminal_to_itself() {
    let Some(engine) = engine() else { return };
    let mut terminal = terminal(&engine);
    terminal.enter(&format!("{NETYARD} exec c1 -- stty size; {NETYARD} exec c1 -- {IDLER}; echo $?\n"));
    terminal.await_line("33 99");
    terminal.await_line("go");
    terminal.press("\x03", "130");
    terminal.enter(&format!("{NETYARD} exec c1 -- bash --norc --noediting -i\n"));
    terminal.enter("PS1=; echo; echo inside\n");
    terminal.await_line("inside");
    terminal.enter("exit 7\n");
    terminal.await_line("exit");
    terminal.enter("echo $?\n");
    terminal.await_line("7");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn a_program_is_suspended_and_goes_on_in_front_or_behind() {
    let Some(engine) = engine() else { return };
    let mut terminal = terminal(&engine);
    let parrot = r#"perl -e '$| = 1; print "go\n"; print "heard $_" while <STDIN>'"#;
    terminal.enter(&format!("{NETYARD} exec c1 -- {parrot}; echo status $?\n"));
    terminal.await_line("go");
    terminal.press("\x1a", "status 148");
    // The parrot may have taken a first line: it was reading when it was stopped, and wakes up to find one.
    terminal.press("jobs | grep -c Stopped\n", "1");
    terminal.enter("fg >/dev/null; echo ended $?\n");
    terminal.enter("again\n");
    terminal.await_line("heard again");
    terminal.press("\x03", "ended 130");
    terminal.enter(&format!("{NETYARD} run --network n -- bash --norc --noediting -i; echo out $?\n"));
    terminal.enter("PS1=; x=kept; echo; echo inside\n");
    terminal.await_line("inside");
    terminal.enter("suspend\n");
    terminal.await_line("out 147");
    terminal.enter("fg >/dev/null\n");
    terminal.enter("echo; echo $x $(hostname -i)\n");
    terminal.await_line("kept 172.18.0.4");
    terminal.enter("exit 7\n");
    terminal.await_line("exit");
    terminal.enter("echo $?\n");
    terminal.await_line("7");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn what_a_ring_has_no_room_for_is_counted() {
    const FLOOD: &str = r#"use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0); setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1);
        my $to = pack_sockaddr_in(9, inet_aton("172.18.255.255")); $| = 1; print "ready\n"; <STDIN>;
        send($s, "x" x 10, 0, $to) for 1 .. 20000; print `grep eth0 /proc/net/dev | awk '{print \$13}'`; <STDIN>;"#;
    let Some(engine) = engine() else { return };
    let mut job = Job::of(engine.netyard(&["run", "--network", "n", "--name", "prog", "perl", "-e", FLOOD]));
    assert_eq!(job.line(), "ready\n");
    engine.pause(true);
    job.enter("\n");
    let lost = job.line();
    engine.pause(false);
    assert!(lost.trim_end().parse::<u32>().is_ok_and(|lost| lost > 5000), "{lost}");
    let expected = format!("prog/eth0: the program's ring is full: {lost}");
    let drops = || run(engine.netyard(&["drops", "prog"])).stdout;
    assert!((0..TRIES).any(|_| drops().contains(&expected)), "{expected}: {}", drops());
    assert_eq!(job.end(), 0);
}

/// The processes of the machine that an environment or a command line ties to an engine.
pub(crate) fn processes_of(mark: &str) -> Vec<u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").expect("processes are there").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|number| *number != own);
    let has_mark = |number: &u32| {
        let read = |what: &str| fs::read(format!("/proc/{number}/{what}")).unwrap_or_default();
        let text = [read("environ"), read("cmdline")].concat();
        String::from_utf8_lossy(&text).contains(mark)
    };
    numbers.filter(has_mark).collect()
}

/// The processes that a process has started.
fn children(process: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// How many TAP devices and namespaces a process keeps.
fn kept_by(process: u32) -> usize {
    let links = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    targets.filter(|target| ["tun", "net:["].iter().any(|kind| target.to_string_lossy().contains(kind))).count()
}

fn kill(process: u32) {
    drop(Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status());
}

fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn whoever_is_killed_nothing_is_left() {
    const ORDERS: [&[usize]; 9] =
        [&[0, 1, 2], &[0, 2, 1], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0], &[0], &[1], &[2]];
    let Some(engine) = engine() else { return };
    let mark = engine.socket().display().to_string();
    let own = processes_of(&mark);
    let [up] = own.as_slice() else { panic!("{own:?} are not the engine alone") };
    for round in 0..rounds("NETYARD_GUEST_KILLS", ORDERS.len()) {
        let line = "sleep 1000 & setsid sleep 1000 & echo up; wait";
        let mut job = Job::of(engine.netyard(&["run", "--network", "n", "--name", "prog", "sh", "-c", line]));
        assert_eq!(job.line(), "up\n");
        let (init, order) = (children(job.id())[0], ORDERS[round % ORDERS.len()]);
        let chain = [job.id(), init, children(init)[0]];
        order.iter().for_each(|which| kill(chain[*which]));
        job.end();
        let is_clean = || processes_of(&mark) == [*up] && kept_by(*up) == 0;
        assert!((0..5000).any(|_| is_clean()), "{order:?} left {:?}, {} kept", processes_of(&mark), kept_by(*up));
        assert!((0..TRIES).any(|_| engine.docker("ps -a --format {{.Names}}") == "c1\nweb\n"));
    }
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts are there");
    assert!(!mounts.contains("netyard /"), "{mounts}");
}

#[test]
fn when_the_engine_is_killed_its_guests_end() {
    if engine().is_none() {
        return;
    }
    let place = directory();
    let (mut engine, _) = up(&place, "");
    let mark = place.join("docker.sock").display().to_string();
    let mut guest = Command::new(env!("CARGO_BIN_EXE_netyard"));
    guest
        .args(["run", "sh", "-c", "trap '' TERM; sleep 1000 & echo up; wait; wait"])
        .env("DOCKER_HOST", format!("unix://{mark}"));
    let mut job = Job::of(guest);
    assert_eq!(job.line(), "up\n");
    engine.kill().expect("it is ours");
    engine.wait().expect("it was killed");
    job.end();
    assert!((0..5000).any(|_| processes_of(&mark).is_empty()), "{:?}", processes_of(&mark));
    fs::remove_dir_all(place).expect("it is ours");
}

#[test]
fn many_start_at_the_same_time() {
    let Some(engine) = engine() else { return };
    let start = |_| -> Child {
        let mut command = engine.netyard(&["run", "--network", "n", "getent", "hosts", "web"]);
        command.stdout(Stdio::null()).spawn().expect("it can be run")
    };
    let guests: Vec<Child> = (0..rounds("NETYARD_GUESTS", 12)).map(start).collect();
    for mut guest in guests {
        assert_eq!(guest.wait().expect("it is ours").code(), Some(0));
    }
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n");
}

#[test]
fn an_ordinary_user_needs_no_root() {
    const USER: u32 = 1001;
    let may_change = Command::new("true").uid(USER).gid(USER).status().is_ok();
    if !may_change {
        eprintln!("SKIPPED: only root can run a program as somebody else");
        return;
    }
    let place = directory();
    let netyard = place.join("netyard");
    fs::copy(env!("CARGO_BIN_EXE_netyard"), &netyard).expect("the command was built");
    std::os::unix::fs::chown(&place, Some(USER), Some(USER)).expect("root may");
    let socket = place.join("engine/docker.sock");
    let as_user = |words: &[&str]| {
        let mut command = Command::new(&netyard);
        command.args(words).env("DOCKER_HOST", format!("unix://{}", socket.display())).uid(USER).gid(USER);
        command
    };
    let mut engine = Job::of(as_user(&["up", "--socket", &socket.display().to_string()]));
    assert!(engine.line().starts_with("export DOCKER_HOST="));
    let line = "id -u; ip -br -4 addr show scope global | awk '{print $1, $3}'; ping -c 1 172.17.0.1 >/dev/null && echo reached";
    let done = run(as_user(&["run", "--name", "prog", "sh", "-c", line]));
    engine.kill();
    fs::remove_dir_all(place).expect("it is ours");
    match done.code {
        3 => eprintln!("SKIPPED: {}", done.stderr),
        _ => assert_eq!(done, said("0\neth0 172.17.0.2/16\nreached\n", "", 0)),
    }
}

#[test]
fn the_doctor_knows_whether_real_programs_can_be_run() {
    let Some(engine) = engine() else { return };
    let done = run(engine.netyard(&["doctor"]));
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{}", done.stdout);
    assert!(done.stdout.starts_with("ok       /dev/net/tun\n") && !done.stdout.contains("missing"), "{}", done.stdout);
}
