//! Real programs on the simulated network. Where this machine's kernel does not let us, the tests say so and end.

use std::process::Command;

use super::engine::{Engine, Job, Said, said};

/// How often something is looked at that is about to change.
const TRIES: u32 = 200;

/// An engine with a network `n`, and on it a web server `web` (172.18.0.2) and `c1` (172.18.0.3); unless real programs
/// cannot be run here.
fn engine() -> Option<Engine> {
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
fn await_addresses(engine: &Engine, container: &str, expected: &str) {
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
    assert_eq!(words(&["exec", "c1", "nosuch"]), said("", "netyard: nosuch: No such file or directory\n", 127));
    assert_eq!(words(&["exec", "c1", "/etc/passwd"]), said("", "netyard: /etc/passwd: Permission denied\n", 126));
    assert_eq!(words(&["exec", "nosuch", "true"]), said("", "error: No such container: nosuch\n", 2));
    assert_eq!(words(&["run", "--network", "no", "true"]).code, 2);
    engine.docker("stop -t 0 c1");
    assert_eq!(words(&["exec", "c1", "true"]), said("", "error: Container c1 is not running\n", 2));
    assert_eq!(engine.docker("ps -a --format {{.Names}}"), "c1\nweb\n");
}
