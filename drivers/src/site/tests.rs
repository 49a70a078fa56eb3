//! Stories of a site: programs on hosts call engines, terminals speak, and one seed gives one history.

mod fork;

use netyard_sim::time::Duration;
use netyard_sim::userland::process::Call;
use netyard_sim::userland::{CallId, Flavour, Program, Read, Request, Step, Sys};

use super::*;
use crate::engine::SOCKET;
use crate::image;

/// A shell that knows one thing: it asks the engine for the path that it is told and prints status and body.
#[derive(Clone, Default)]
struct Asker {
    call: Option<CallId>,
    body: Vec<u8>,
    status: u16,
}

impl Asker {
    fn ask(&mut self, sys: &mut Sys<'_>, line: &str) {
        let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
        let method = if method == "POST" { "POST" } else { "GET" };
        let request = Request { method, target: target.into(), ..Request::default() };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = r#"{"Name":"n1"}"#.into();
        let request = if target.contains("create") { Request { headers, body, ..request } } else { request };
        self.call = Some(sys.call(SOCKET, request));
    }

    fn take(&mut self, sys: &mut Sys<'_>, part: Call) {
        self.status = part.status.unwrap_or(self.status);
        self.body.extend(part.body);
        if part.done {
            self.call = None;
            sys.print(format!("{} ", self.status));
            sys.print(core::mem::take(&mut self.body));
            sys.announce_ready(0);
        }
    }
}

impl Program for Asker {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(call) = self.call {
            let part = sys.poll_call(call);
            self.take(sys, part);
            return Step::Wait(None);
        }
        match sys.read(usize::MAX) {
            Read::Data(line) => self.ask(sys, String::from_utf8_lossy(&line).trim()),
            Read::Blocked => {}
            Read::End => return Step::Exit(3),
        }
        Step::Wait(None)
    }
}

fn site(seed: u64) -> Site {
    let hosts = vec!["docker01".to_owned(), "docker02".to_owned()];
    let mut programs = Programs::default();
    programs.add(Flavour::Host, "sh", || Box::<Asker>::default());
    Site::with_programs(&SiteConfig { seed: Seed(seed), hosts, ..SiteConfig::default() }, programs)
}

fn far(site: &Site) -> Instant {
    site.now() + Duration::from_secs(60)
}

/// Types a line and returns what the terminal showed until it was ready.
fn enter(site: &mut Site, terminal: TerminalId, line: &str) -> String {
    site.enter(terminal, line);
    let until = far(site);
    assert_eq!(site.run(until), Some(TerminalEvent::Ready { terminal, status: 0 }), "{line}");
    String::from_utf8(site.output(terminal)).unwrap()
}

#[test]
fn a_program_on_a_host_reaches_that_hosts_engine() {
    let mut site = site(1);
    let [one, two] = ["docker01", "docker02"].map(|name| {
        let place = site.place(name).unwrap();
        site.open_terminal(&place).unwrap()
    });
    assert_eq!(enter(&mut site, one, "GET /_ping"), "200 OK");
    assert!(enter(&mut site, one, "POST /networks/create").starts_with("201 {\"Id\":"));
    assert!(enter(&mut site, one, "GET /networks/n1").starts_with("200 {\"Name\":\"n1\""));
    assert!(enter(&mut site, two, "GET /networks/n1").starts_with("404"), "the other host has its own");
}

#[test]
fn every_request_takes_a_millisecond_and_quiet_time_passes_to_the_limit() {
    let mut site = site(1);
    let place = site.place("docker01").unwrap();
    let terminal = site.open_terminal(&place).unwrap();
    enter(&mut site, terminal, "GET /_ping");
    assert_eq!(site.now(), Instant::from_nanos(1_000_000));
    let until = far(&site);
    assert_eq!(site.run(until), None);
    assert_eq!(site.now(), until);
}

#[test]
fn one_seed_gives_one_history() {
    let history = |seed| {
        let mut site = site(seed);
        let place = site.place("docker01").unwrap();
        let terminal = site.open_terminal(&place).unwrap();
        enter(&mut site, terminal, "POST /networks/create") + &enter(&mut site, terminal, "GET /networks")
    };
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}

#[test]
fn places_are_hosts_and_running_containers() {
    let site = site(1);
    assert_eq!(site.place("docker02").unwrap().env["HOSTNAME"], "docker02");
    assert_eq!(site.place("container1"), None);
    assert_eq!(site.place("docker01/test1"), None);
    assert_eq!(site.running(), [""; 0]);
}

/// A shell that runs the program of each line and then waits for the next.
#[derive(Clone, Default)]
struct Starter(Option<Pid>);

impl Program for Starter {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(child) = self.0 {
            let Some(status) = sys.try_wait(child) else { return Step::Wait(None) };
            self.0 = None;
            sys.print(format!("exit {}\n", status.code()));
            sys.announce_ready(0);
        }
        match sys.read(usize::MAX) {
            Read::Data(line) => {
                let argv = String::from_utf8_lossy(&line).split_whitespace().map(str::to_owned).collect();
                let streams = [sys.dup(0), sys.dup(1), sys.dup(2)];
                self.0 = sys.spawn(argv, streams, None).ok();
                Step::Wait(None)
            }
            Read::Blocked => Step::Wait(None),
            Read::End => Step::Exit(0),
        }
    }
}

/// A host whose engine was told `engine`, and a terminal on it.
fn host_told(engine: &str) -> (Site, TerminalId) {
    let mut programs = programs::linux();
    programs.add(Flavour::Host, "sh", || Box::<Starter>::default());
    cli::add(&mut programs);
    image::hello::add(&mut programs);
    let told = Config::read(&[], engine).unwrap();
    let engines = BTreeMap::from([("docker01".to_owned(), told)]);
    let mut site = Site::with_programs(&SiteConfig { engines, ..SiteConfig::default() }, programs);
    let place = site.place("docker01").unwrap();
    let terminal = site.open_terminal(&place).unwrap();
    (site, terminal)
}

#[test]
fn an_engine_that_is_stopped_answers_nobody_until_it_is_started() {
    let (mut site, host) = host_told("");
    let down =
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\nexit 1\n";
    assert_eq!(enter(&mut site, host, "systemctl is-active docker"), "active\nexit 0\n");
    assert_eq!(enter(&mut site, host, "systemctl stop docker"), "exit 0\n");
    assert_eq!(enter(&mut site, host, "docker ps -q"), down);
    assert_eq!(enter(&mut site, host, "systemctl is-active docker"), "inactive\nexit 3\n");
    assert_eq!(enter(&mut site, host, "service docker start"), "exit 0\n");
    assert_eq!(enter(&mut site, host, "docker ps -q"), "exit 0\n");
    assert_eq!(
        enter(&mut site, host, "systemctl stop nosuch"),
        "Failed to stop nosuch.service: Unit nosuch.service not found.\nexit 5\n"
    );
    assert_eq!(site.running(), [""; 0], "dockerd is nobody's job");
}

#[test]
fn every_image_of_the_catalogue_runs() {
    let (mut site, host) = host_told("");
    for image in ["alpine", "bash", "busybox", "debian", "ubuntu"] {
        let up = enter(&mut site, host, &format!("docker run --rm {image} echo up"));
        assert_eq!(up, "up\nexit 0\n", "{image}");
    }
    for image in ["fussybeaver/uhttpd", "httpd", "multi", "nginx", "web"] {
        enter(&mut site, host, &format!("docker run -d --name c1 {image}"));
        assert_eq!(enter(&mut site, host, "docker inspect -f {{.State.Status}} c1"), "running\nexit 0\n", "{image}");
        enter(&mut site, host, "docker rm -f c1");
    }
    let page = enter(&mut site, host, "docker run --rm hello-world");
    assert!(page.starts_with("\nHello from ") && page.ends_with("\nexit 0\n"), "{page}");
}

#[test]
fn the_api_is_asked_with_curl_too() {
    let (mut site, host) = host_told("");
    let curl = |request: &str| format!("curl -s --unix-socket /var/run/docker.sock {request}");
    assert_eq!(enter(&mut site, host, &curl("http://localhost/_ping")), "OKexit 0\n");
    let head = "HTTP/1.1 404 Not Found\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\
                Docker-Experimental: false\r\nOstype: linux\r\nServer: Docker/20.10.24+dfsg1 (linux)\r\n\
                Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 36\r\n\r\n";
    assert_eq!(
        enter(&mut site, host, &curl("-i http://localhost/v1.41/containers/c9/json")),
        format!("{head}{{\"message\":\"No such container: c9\"}}\nexit 0\n")
    );
    let create = r#"-H Content-Type:application/json -d {"Name":"n9"} http://localhost/networks/create -o /dev/null"#;
    assert_eq!(enter(&mut site, host, &curl(&format!("{create} -w %{{http_code}}"))), "201exit 0\n");
    enter(&mut site, host, "docker create --name c1 busybox");
    let export = "http://localhost/containers/c1/export -o /dev/null -w %{content_type}";
    assert_eq!(enter(&mut site, host, &curl(export)), "application/octet-streamexit 0\n");
    enter(&mut site, host, "systemctl stop docker");
    assert_eq!(
        enter(&mut site, host, &curl("-S http://localhost/_ping")),
        "curl: (7) Failed to connect to localhost port 80 after 0 ms: Couldn't connect to server\nexit 7\n"
    );
}

#[test]
fn a_restart_stops_containers_keeps_networks_and_knows_gateways() {
    let (mut site, host) = host_told("");
    enter(&mut site, host, "docker network create --subnet 172.33.0.0/16 nogw");
    enter(&mut site, host, "docker run -itd --name c1 --net nogw busybox");
    let gateway = |site: &mut Site| {
        let shown = enter(site, host, "docker network inspect nogw");
        shown.lines().find_map(|line| line.trim().strip_prefix("\"Gateway\": ")).map(str::to_owned)
    };
    assert_eq!(gateway(&mut site), None);
    let before = enter(&mut site, host, "docker network ls -q --no-trunc");
    assert_eq!(enter(&mut site, host, "systemctl restart docker"), "exit 0\n");
    assert_eq!(gateway(&mut site).as_deref(), Some("\"172.33.0.1\""));
    let status = "docker inspect -f {{.State.Status}}|{{.State.ExitCode}} c1";
    assert_eq!(enter(&mut site, host, status), "exited|137\nexit 0\n");
    let after = enter(&mut site, host, "docker network ls -q --no-trunc");
    let kept = before.lines().filter(|id| after.contains(id)).count();
    assert_eq!((before.lines().count(), kept), (5, 4), "the default network is another one now");
    assert_eq!(enter(&mut site, host, "docker start c1"), "c1\nexit 0\n");
}

#[test]
fn a_container_of_the_default_network_finds_the_new_one() {
    let (mut site, host) = host_told("");
    enter(&mut site, host, "docker run -itd --name c1 busybox");
    enter(&mut site, host, "systemctl restart docker");
    assert_eq!(enter(&mut site, host, "docker start c1"), "c1\nexit 0\n");
    let address = "docker inspect -f {{.NetworkSettings.IPAddress}} c1";
    assert_eq!(enter(&mut site, host, address), "172.17.0.2\nexit 0\n");
}

#[test]
fn with_live_restore_containers_go_on() {
    let (mut site, host) = host_told(r#"{"live-restore": true}"#);
    enter(&mut site, host, "docker run -itd --name c1 busybox");
    let pid = enter(&mut site, host, "docker inspect -f {{.State.Pid}} c1");
    enter(&mut site, host, "systemctl restart docker");
    assert_eq!(enter(&mut site, host, "docker inspect -f {{.State.Pid}} c1"), pid);
}

#[test]
fn an_engine_reads_its_file_when_it_starts_and_says_what_is_wrong_with_it() {
    let (mut site, host) = host_told(r#"{"bip": "10.5.0.1/16"}"#);
    let subnet = "docker network inspect -f {{range.IPAM.Config}}{{.Subnet}}{{end}} bridge";
    assert_eq!(enter(&mut site, host, subnet), "10.5.0.0/16\nexit 0\n");
    let context = site.engines()[0].host().context;
    let write = |site: &mut Site, text: &str| {
        site.world_mut().processes.context_mut(context).files.write(crate::daemon::FILE, text).unwrap();
    };
    write(&mut site, r#"{"bip": "10.6.0.1/16"}"#);
    enter(&mut site, host, "systemctl restart docker");
    assert_eq!(enter(&mut site, host, subnet), "10.6.0.0/16\nexit 0\n");
    write(&mut site, r#"{"mtu": "x"}"#);
    assert!(enter(&mut site, host, "systemctl restart docker").starts_with("Job for docker.service failed"));
    assert_eq!(enter(&mut site, host, "systemctl is-active docker"), "failed\nexit 3\n");
    assert_eq!(
        enter(&mut site, host, "dockerd"),
        "unable to configure the Docker daemon with file /etc/docker/daemon.json: json: cannot unmarshal string into Go \
         struct field Config.mtu of type int\nexit 1\n"
    );
    write(&mut site, "");
    assert_eq!(
        enter(&mut site, host, "dockerd --icc=maybe"),
        "Status: invalid argument \"maybe\" for \"--icc\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax\nSee \
         'dockerd --help'., Code: 125\nexit 1\n"
    );
}
