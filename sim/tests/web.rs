//! TCP programs at work between two machines: web servers and their clients, and `nc`.

use netyard_sim::fabric::NamespaceId;
use netyard_sim::link::Condition;
use netyard_sim::rng::Seed;
use netyard_sim::time::{Duration, Epoch};
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{ContextId, Files, Flavour, Pid, Read, Signal, Spawn, Stream, programs};
use netyard_sim::world::World;

const PAGE: &str = "<html><body><h1>It works!</h1></body></html>\n";

#[derive(Clone, Copy)]
struct Machine {
    namespace: NamespaceId,
    context: ContextId,
}

/// A host `10.0.0.1` and a busybox container `10.0.0.2` on one cable.
struct Lab {
    world: World,
    host: Machine,
    container: Machine,
}

/// A command under way.
struct Job {
    pid: Pid,
    output: Stream,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new(Seed(7), Epoch::DEFAULT, programs::linux());
        let host = machine(&mut world, "docker01", Flavour::Host);
        let container = machine(&mut world, "web", Flavour::Busybox);
        let (one, other) =
            world.fabric.create_veth(host.namespace, "eth0", "peer", Condition::default()).expect("the names are free");
        let other = world.fabric.move_device(host.namespace, other, container.namespace, "eth0").expect("it is free");
        for (place, device, net) in [(host, one, "10.0.0.1/24"), (container, other, "10.0.0.2/24")] {
            world.fabric.add_address(place.namespace, device, net.parse().unwrap()).expect("the device is new");
            world.fabric.set_up(place.namespace, device, true);
        }
        let files = &mut world.processes.context_mut(container.context).files;
        files.make_directory("/www");
        files.write("/www/index.html", PAGE).unwrap();
        Self { world, host, container }
    }

    fn start_with(&mut self, at: Machine, line: &str, input: Option<&str>) -> Job {
        let streams = self.world.processes.streams_mut();
        let (output, write) = streams.pipe();
        let error = streams.dup(&write);
        let stdin = input.map_or(Stream::Null, |text| {
            let (read, write) = self.world.processes.streams_mut().pipe();
            self.world.processes.write(&write, text.as_bytes());
            self.world.processes.close(write);
            read
        });
        let spawn = Spawn {
            argv: line.split(' ').map(str::to_owned).collect(),
            env: [("PATH".to_owned(), "/bin".to_owned())].into(),
            cwd: "/".to_owned(),
            namespace: at.namespace,
            context: at.context,
            streams: [stdin, write, error],
            group: None,
            init: false,
            rights: netyard_sim::userland::process::Rights::CONTAINER,
            user: netyard_sim::userland::User::ROOT,
        };
        let now = self.world.now();
        let pid = self.world.processes.spawn(spawn, None, now).expect("the program is on the path");
        Job { pid, output }
    }

    fn start(&mut self, at: Machine, line: &str) -> Job {
        let job = self.start_with(at, line, None);
        self.pass(Duration::from_millis(1));
        job
    }

    fn pass(&mut self, time: Duration) {
        let limit = self.world.now() + time;
        while self.world.run_until(limit).is_some() {}
    }

    fn wait(&mut self, job: &Job) -> i32 {
        let limit = self.world.now() + Duration::from_secs(300);
        loop {
            match self.world.run_until(limit) {
                Some(Event::Exited(pid, status)) if pid == job.pid => return status.code(),
                Some(_) => {}
                None => panic!("it still runs after 300 s"),
            }
        }
    }

    /// What it printed since it was asked last.
    fn printed(&mut self, job: &mut Job) -> String {
        let mut text = Vec::new();
        while let Read::Data(bytes) = self.world.processes.read(&mut job.output) {
            text.extend(bytes);
        }
        String::from_utf8(text).unwrap()
    }

    fn run(&mut self, at: Machine, line: &str) -> (String, i32) {
        let mut job = self.start_with(at, line, None);
        let status = self.wait(&job);
        (self.printed(&mut job), status)
    }

    fn serve_pages(&mut self) -> Job {
        self.start(self.container, "httpd -f -v -p 80 -h /www")
    }

    fn kill(&mut self, job: &Job) {
        let World { processes, fabric, .. } = &mut self.world;
        assert!(processes.signal(fabric, job.pid, Signal::Kill));
    }
}

fn machine(world: &mut World, name: &str, flavour: Flavour) -> Machine {
    let namespace = world.fabric.create_namespace(name);
    let lo = world.fabric.namespace(namespace).device_named("lo").unwrap().index;
    world.fabric.set_up(namespace, lo, true);
    let mut files = Files::default();
    ["/etc", "/tmp", "/var"].iter().for_each(|path| files.make_directory(path));
    files.write("/etc/hosts", "127.0.0.1\tlocalhost\n10.0.0.2\tweb\n10.0.0.1\thost\n").unwrap();
    let context = world.processes.create_context(Context { files, hostname: name.to_owned(), flavour });
    Machine { namespace, context }
}

#[test]
fn a_page_is_fetched_and_the_server_knows_by_whom() {
    let mut lab = Lab::new();
    let mut server = lab.serve_pages();
    assert_eq!(lab.run(lab.host, "curl -sS http://web/"), (PAGE.to_owned(), 0));
    assert_eq!(lab.run(lab.container, "wget -qO- http://127.0.0.1:80/"), (PAGE.to_owned(), 0));
    let log = lab.printed(&mut server);
    let clients: Vec<&str> = log.lines().map(|l| l.split("]:").next().unwrap()).collect();
    assert_eq!(clients, ["[::ffff:10.0.0.1", "[::ffff:127.0.0.1"]);
    assert!(log.lines().all(|l| l.ends_with(": response:200")), "{log}");
}

#[test]
fn the_head_is_busyboxs() {
    let mut lab = Lab::new();
    lab.serve_pages();
    let (text, status) = lab.run(lab.host, "curl -sS -i web");
    let names: Vec<&str> = text.lines().take(8).map(|l| l.split(": ").next().unwrap()).collect();
    let expected = ["HTTP/1.1 200 OK", "Date", "Connection", "Content-type", "Accept-Ranges", "Last-Modified", "ETag"];
    assert_eq!((&names[..7], names[7], status), (&expected[..], "Content-Length", 0));
    assert!(text.contains("Content-Length: 45\r\n\r\n<html>"), "{text}");
    let (text, status) = lab.run(lab.host, "curl -s -o /dev/null -w %{http_code}\\n http://web/none");
    assert_eq!((text.as_str(), status), ("404\n", 0));
    let refusal = lab.run(lab.container, "wget http://web/none");
    let expected = "Connecting to web:80 (10.0.0.2:80)\nwget: server returned error: HTTP/1.1 404 Not Found\n";
    assert_eq!(refusal, (expected.to_owned(), 1));
}

#[test]
fn wget_tells_what_it_does() {
    let mut lab = Lab::new();
    lab.serve_pages();
    let bar = "*".repeat(32);
    let expected = format!(
        "Connecting to web:80 (10.0.0.2:80)\nsaving to 'index.html'\n\
         index.html           100% |{bar}|    45  0:00:00 ETA\n'index.html' saved\n"
    );
    assert_eq!(lab.run(lab.container, "wget http://web/"), (expected, 0));
    assert_eq!(lab.world.processes.context(lab.container.context).files.text("/index.html"), PAGE);
}

#[test]
fn clients_say_why_they_got_nothing() {
    let mut lab = Lab::new();
    let curl = |lab: &mut Lab, line: &str| lab.run(lab.host, &format!("curl -sS {line}"));
    let refused = "curl: (7) Failed to connect to web port 80 after 0 ms: Couldn't connect to server\n";
    assert_eq!(curl(&mut lab, "web"), (refused.to_owned(), 7));
    assert_eq!(curl(&mut lab, "nosuch."), ("curl: (6) Could not resolve host: nosuch.\n".to_owned(), 6));
    let silent = "curl: (28) Connection timed out after 2000 milliseconds\n";
    assert_eq!(curl(&mut lab, "-m 2 10.0.0.9"), (silent.to_owned(), 28));
    assert_eq!(
        lab.run(lab.container, "wget -qO- http://web/"),
        ("wget: can't connect to remote host (10.0.0.2): Connection refused\n".to_owned(), 1)
    );
}

#[test]
fn a_server_may_take_a_connection_and_say_nothing() {
    let mut lab = Lab::new();
    lab.start(lab.container, "nc -l -p 80");
    let empty = lab.run(lab.host, "curl -sS web");
    assert_eq!(empty, ("curl: (52) Empty reply from server\n".to_owned(), 52), "its input was empty, so it closed");
    let (text, status) = lab.run(lab.container, "wget -T 2 -qO- http://10.0.0.9/");
    assert_eq!((text.as_str(), status), ("wget: download timed out\n", 1));
}

#[test]
fn ten_megabytes_arrive_whole() {
    let mut lab = Lab::new();
    let big: Vec<u8> = (0..10_000_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    lab.world.processes.context_mut(lab.container.context).files.write("/www/big.bin", big.clone()).unwrap();
    lab.serve_pages();
    let told = lab.run(lab.host, "curl -sS -o /tmp/big -w %{size_download} http://web/big.bin");
    assert_eq!(told, ("10000000".to_owned(), 0));
    assert!(lab.world.processes.context(lab.host.context).files.read("/tmp/big").unwrap() == big);
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_short_body() {
    let mut lab = Lab::new();
    lab.world.processes.context_mut(lab.container.context).files.write("/www/big.bin", vec![7; 10_000_000]).unwrap();
    let server = lab.serve_pages();
    let mut client = lab.start_with(lab.host, "curl -sS -o /tmp/big http://web/big.bin", None);
    lab.pass(Duration::from_micros(500));
    assert!(lab.world.processes.is_alive(client.pid), "it is in the middle");
    lab.kill(&server);
    assert_eq!(lab.wait(&client), 18);
    let text = lab.printed(&mut client);
    assert!(
        text.starts_with("curl: (18) transfer closed with ") && text.ends_with(" bytes remaining to read\n"),
        "{text}"
    );
    assert_eq!(lab.run(lab.host, "curl -s web").1, 7, "nobody listens any more");
}

#[test]
fn nginx_answers_twice_on_one_connection_and_logs() {
    let mut lab = Lab::new();
    let mut server = lab.start(lab.container, "nginx -g daemon off;");
    let requests = "GET / HTTP/1.1\r\nHost: web\r\n\r\nHEAD /none HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
    let mut client = lab.start_with(lab.host, "nc -N web 80", Some(requests));
    assert_eq!(lab.wait(&client), 0);
    let text = lab.printed(&mut client);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\nServer: nginx/"), "{text}");
    assert!(text.contains("<h1>Welcome to nginx!</h1>") && text.contains("Connection: keep-alive"), "{text}");
    assert!(text.contains("HTTP/1.1 404 Not Found\r\n") && text.ends_with("Connection: close\r\n\r\n"), "{text}");
    let log = lab.printed(&mut server);
    assert!(
        log.starts_with("10.0.0.1 - - [") && log.contains("\"HEAD /none HTTP/1.1\" 404 0 \"-\" \"-\" \"-\"\n"),
        "{log}"
    );
    assert_eq!(
        lab.run(lab.container, "nginx").0,
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
    );
}

#[test]
fn nc_looks_whether_a_port_is_open_in_two_voices() {
    let mut lab = Lab::new();
    lab.serve_pages();
    let (host, container) = (lab.host, lab.container);
    let open = "Connection to web (10.0.0.2) 80 port [tcp/http] succeeded!\n";
    assert_eq!(lab.run(host, "nc -zv web 80"), (open.to_owned(), 0));
    assert_eq!(lab.run(container, "nc -zv web 80"), ("web (10.0.0.2:80) open\n".to_owned(), 0));
    let refused = "nc: connect to web (10.0.0.2) port 81 (tcp) failed: Connection refused\n";
    assert_eq!(lab.run(host, "nc -zv web 81"), (refused.to_owned(), 1));
    assert_eq!(lab.run(container, "nc -z web 81"), (String::new(), 1));
    let silent = "nc: 10.0.0.9 (10.0.0.9:80): Connection timed out\n";
    assert_eq!(lab.run(container, "nc -w 2 10.0.0.9 80"), (silent.to_owned(), 1));
}

#[test]
fn nc_carries_bytes_both_ways_over_tcp_and_udp() {
    for udp in ["", " -u"] {
        let mut lab = Lab::new();
        let mut server =
            lab.start_with(lab.container, &format!("nc -l{udp} -w 2 -p 5000"), Some("from the container\n"));
        lab.pass(Duration::from_millis(1));
        let mut client = lab.start_with(lab.host, &format!("nc{udp} -w 1 web 5000"), Some("from the host\n"));
        assert_eq!(lab.wait(&client), 0);
        assert_eq!(lab.printed(&mut client), "from the container\n", "{udp}");
        lab.pass(Duration::from_secs(3));
        assert_eq!(lab.printed(&mut server), "from the host\n", "{udp}");
    }
}
