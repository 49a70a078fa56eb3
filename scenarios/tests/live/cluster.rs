//! Live engines that share a store: a real etcd of this machine, and what is none. Where there is no `etcd` the tests say so
//! and end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::engine::{Engine, Said, directory};

/// How long something may take that takes milliseconds on a machine with nothing else to do.
const LONG: Duration = Duration::from_secs(60);

/// An etcd of its own, with its data in a directory of its own.
struct Etcd {
    process: Child,
    directory: PathBuf,
    ports: [u16; 2],
}

/// Two ports of loopback that nobody has.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("loopback is there"));
    listeners.map(|listener| listener.local_addr().expect("it listens").port())
}

impl Etcd {
    /// One that can be asked, unless there is none on this machine.
    fn start() -> Option<Self> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: there is no etcd on this machine (apt-get install etcd-server)");
            return None;
        }
        let (directory, ports) = (directory(), free_ports());
        Some(Self { process: Self::run(&directory, ports), directory, ports })
    }

    fn run(directory: &std::path::Path, [clients, peers]: [u16; 2]) -> Child {
        let [clients_url, peers_url] = [clients, peers].map(|port| format!("http://127.0.0.1:{port}"));
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.join("data"))
            .args(["--listen-client-urls", &clients_url, "--advertise-client-urls", &clients_url])
            .args(["--listen-peer-urls", &peers_url, "--initial-advertise-peer-urls", &peers_url])
            .args(["--initial-cluster", &format!("default={peers_url}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is there");
        wait_until("etcd listens", || TcpStream::connect(("127.0.0.1", clients)).is_ok());
        process
    }

    fn url(&self) -> String {
        format!("etcd://127.0.0.1:{}/test", self.ports[0])
    }

    fn kill(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it was killed");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "it is ours");
    }

    fn restart(&mut self) {
        self.process = Self::run(&self.directory, self.ports);
    }

    /// Two engines that share it.
    fn hosts(&self) -> Option<[Engine; 2]> {
        let [one, other] = ["host1", "host2"]
            .map(|name| Engine::start(&format!("--pace fast --host-name {name} --store {}", self.url())));
        Some([one?, other?])
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {LONG:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The networks that an engine shares, by name.
fn shared(engine: &Engine) -> Vec<String> {
    let listed = engine.docker("network ls --filter scope=global --format {{.Name}}");
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// Whether a container reaches another by name.
fn reaches(engine: &Engine, from: &str, to: &str) -> bool {
    let ping = engine.try_docker(&["exec", from, "ping", "-c", "1", "-W", "2", to]);
    ping.stdout.contains("1 packets transmitted, 1 packets received")
}

#[test]
fn two_processes_share_an_overlay_by_etcd_and_speak_vxlan_on_loopback() {
    let Some(etcd) = Etcd::start() else { return };
    let Some([one, other]) = etcd.hosts() else { return };
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    wait_until("the other sees the network", || shared(&other) == ["n"]);
    one.docker("run -d --name c1 --network n busybox sleep 100000");
    other.docker("run -d --name c2 --network n --network-alias al busybox sleep 100000");
    wait_until("they reach each other", || reaches(&one, "c1", "c2") && reaches(&other, "c2", "c1"));
    assert!(reaches(&one, "c1", "al"), "by another name, too");
    other.docker("run -d --name web --network n nginx");
    wait_until("a page comes by TCP", || {
        let page = one.try_docker(&["exec", "c1", "wget", "-q", "-O", "-", "http://web/"]);
        page.stdout.contains("<title>Welcome to nginx!</title>")
    });
    let taken = one.try_docker(&["run", "-d", "--name", "c2", "--network", "n", "busybox"]);
    assert!(taken.stderr.contains("endpoint with name c2 already exists in network n"), "{taken:?}");
    let used = one.try_docker(&["network", "rm", "n"]);
    assert!(used.stderr.contains("has active endpoints"), "{used:?}");
    other.docker("rm -f c2 web");
    one.docker("rm -f c1");
    wait_until("nobody is on it any more", || one.try_docker(&["network", "rm", "n"]).code == 0);
    wait_until("the other sees that it is gone", || shared(&other).is_empty());
}

#[test]
fn engines_of_one_name_are_not_taken_for_each_other_and_who_starts_is_known_at_once() {
    let Some(etcd) = Etcd::start() else { return };
    let up = || Engine::start(&format!("--pace fast --store {}", etcd.url()));
    let [Some(one), Some(other), Some(third)] = [up(), up(), up()] else { return };
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    for (name, host) in [("c1", &one), ("c2", &other), ("c3", &third)] {
        wait_until("the network is seen", || shared(host) == ["n"]);
        host.docker(&format!("run -d --name {name} --network n busybox sleep 100000"));
    }
    wait_until("each is listed", || {
        let listed = one.docker("network inspect -f {{range.Containers}}{{.Name}},{{end}} n");
        ["c1,", "c2,", "c3,"].iter().all(|name| listed.contains(name))
    });
    let ping = other.docker("run --rm --network n busybox ping -c 3 c1");
    assert!(!ping.contains("100% packet loss"), "{ping}");
}

#[test]
fn a_store_whose_data_are_gone_is_told_again_what_it_knew() {
    let Some(mut etcd) = Etcd::start() else { return };
    let Some([one, other]) = etcd.hosts() else { return };
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    one.docker("network create -d overlay --subnet 10.5.0.0/16 unused");
    wait_until("the other sees the networks", || shared(&other) == ["n", "unused"]);
    one.docker("run -d --name c1 --network n busybox sleep 100000");
    other.docker("run -d --name c2 --network n busybox sleep 100000");
    wait_until("they reach each other", || reaches(&one, "c1", "c2"));
    etcd.kill();
    std::fs::remove_dir_all(etcd.directory.join("data")).expect("it is ours");
    etcd.restart();
    wait_until("the store is back", || one.try_docker(&["network", "create", "-d", "overlay", "new"]).code == 0);
    for host in [&one, &other] {
        wait_until("nothing is lost", || shared(host) == ["n", "new", "unused"]);
    }
    let subnet = |name: &str| one.docker(&format!("network inspect -f {{{{.IPAM.Config}}}} {name}"));
    assert_eq!(subnet("new"), "[{10.0.1.0/24  10.0.1.1 map[]}]\n", "it gets nobody else's");
    let mut third = Engine::start(&format!("--pace fast --host-name host3 --store {}", etcd.url()));
    let third = third.take().expect("there is a docker command");
    wait_until("who comes sees it", || shared(&third) == ["n", "new", "unused"]);
    third.docker("run -d --name c3 --network n busybox sleep 100000");
    wait_until("who comes reaches all", || reaches(&third, "c3", "c1") && reaches(&third, "c3", "c2"));
    one.docker("network rm unused");
}

#[test]
fn what_a_host_had_is_free_when_it_ends_or_comes_back() {
    let Some(etcd) = Etcd::start() else { return };
    let Some([one, other]) = etcd.hosts() else { return };
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    wait_until("the other sees the network", || shared(&other) == ["n"]);
    other.docker("run -d --name c2 --network n busybox sleep 100000");
    other.terminate();
    wait_until("it has said goodbye", || one.try_docker(&["network", "rm", "n"]).code == 0);
}

#[test]
fn etcd_killed_and_restarted_under_load_loses_nothing_and_splits_no_network() {
    let Some(mut etcd) = Etcd::start() else { return };
    let Some(hosts) = etcd.hosts() else { return };
    let [one, other] = &hosts;
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    wait_until("the other sees the network", || shared(other) == ["n"]);
    one.docker("run -d --name c1 --network n busybox sleep 100000");
    other.docker("run -d --name c2 --network n busybox sleep 100000");
    wait_until("they reach each other", || reaches(one, "c1", "c2"));
    let is_over = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        let is_over = &is_over;
        let load = [(one, "x"), (other, "y")].map(|(host, begins)| scope.spawn(move || make(host, begins, is_over)));
        let guests = [one, other].map(|host| scope.spawn(move || come_and_go(host, is_over)));
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(400));
            etcd.kill();
            assert!(reaches(one, "c1", "c2") && reaches(other, "c2", "c1"), "what runs goes on");
            etcd.restart();
        }
        thread::sleep(Duration::from_millis(400));
        is_over.store(true, Ordering::Relaxed);
        guests.into_iter().for_each(|guests| guests.join().expect("their words are those of the store"));
        load.map(|load| load.join().expect("its words are those of the store"))
    });
    wait_until("both say the same", || {
        let is_back = |host: &&Engine| !host.try_docker(&["info"]).stderr.contains("is away");
        [one, other].iter().all(is_back) && shared(one) == shared(other)
    });
    let listed = shared(one);
    for (name, said) in made.iter().flatten() {
        match said.code {
            0 => assert!(listed.contains(name), "{name} was made and is lost"),
            _ if said.stderr.contains("etcd cluster is unavailable") => {
                assert!(!listed.contains(name), "{name} was refused and is there");
            }
            _ => assert!(said.stderr.contains("the store went away while network"), "{said:?}"),
        }
    }
    assert!(made.iter().all(|made| made.iter().any(|(_, said)| said.code == 0)), "the load was one");
    let inspect = format!("network inspect -f {{{{.IPAM.Config}}}} {}", listed.join(" "));
    let mut subnets: Vec<String> = one.docker(&inspect).lines().map(str::to_owned).collect();
    assert_eq!(other.docker(&inspect).lines().collect::<Vec<_>>(), subnets);
    subnets.sort();
    subnets.dedup();
    assert_eq!(subnets.len(), listed.len(), "no two have the same subnet");
    wait_until("only c1 and c2 are on the network", || {
        let on = |host: &Engine| host.try_docker(&["network", "inspect", "-f", "{{len .Containers}}", "n"]).stdout;
        [one, other].iter().all(|host| on(host) == "2\n")
    });
    assert!(reaches(one, "c1", "c2") && reaches(other, "c2", "c1"));
}

/// Lets one container after the other run on the network, until it is over. Each comes and goes, or is refused clearly.
fn come_and_go(host: &Engine, is_over: &AtomicBool) {
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        number += 1;
        let name = format!("{}-{number}", host.docker("info -f {{.Name}}").trim());
        let said = host.try_docker(&["run", "-d", "--name", &name, "--network", "n", "busybox", "sleep", "1000"]);
        let words = ["etcd cluster is unavailable", "the store went away while a place on network"];
        assert!(said.code == 0 || words.iter().any(|words| said.stderr.contains(words)), "{said:?}");
        assert_eq!(host.try_docker(&["rm", "-f", &name]).code, 0);
    }
}

/// Makes one network after the other until it is over: what was said of each.
fn make(host: &Engine, begins: &str, is_over: &AtomicBool) -> Vec<(String, Said)> {
    let mut made = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("{begins}{}", made.len());
        let said = host.try_docker(&["network", "create", "-d", "overlay", &name]);
        made.push((name, said));
    }
    made
}

#[test]
fn an_etcd_that_stands_still_is_away_and_what_was_under_way_is_settled_when_it_goes_on() {
    let Some(etcd) = Etcd::start() else { return };
    let Some([one, other]) = etcd.hosts() else { return };
    wait_until("the store is read", || one.try_docker(&["network", "create", "-d", "overlay", "n"]).code == 0);
    wait_until("the other sees the network", || shared(&other) == ["n"]);
    etcd.signal("-STOP");
    let [made, again] = thread::scope(|scope| {
        let made = scope.spawn(|| one.try_docker(&["network", "create", "-d", "overlay", "x"]));
        // Long enough for an answer to be late.
        thread::sleep(Duration::from_secs(6));
        let again = one.try_docker(&["network", "create", "-d", "overlay", "y"]);
        etcd.signal("-CONT");
        [made.join().expect("it is answered"), again]
    });
    assert_eq!((made.code, made.stderr.as_str()), (0, ""), "it was waited for");
    assert!(
        again.stderr.contains("etcd cluster is unavailable") && again.stderr.contains("no answer within"),
        "{again:?}"
    );
    wait_until("both say the same", || shared(&one) == ["n", "x"] && shared(&other) == ["n", "x"]);
}

#[test]
fn a_store_that_says_nonsense_is_said_to() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = listener.local_addr().expect("it listens").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nbanana");
        }
    });
    let Some(engine) = Engine::start(&format!("--pace fast --store etcd://127.0.0.1:{port}")) else { return };
    let said = engine.try_docker(&["network", "create", "-d", "overlay", "n"]).stderr;
    let expected = "Error response from daemon: error getting pools config from store: could not get pools config from \
                    store: client: etcd cluster is unavailable or misconfigured; error #0: it says what etcd does not \
                    say: \"banana\" (expected value at line 1 column 1)\n";
    assert_eq!(said, expected);
    engine.docker("network create here");
    engine.docker("run -d --network here busybox sleep 1000");
}
