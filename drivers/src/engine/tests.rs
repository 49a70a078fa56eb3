//! Stories told through the engine's door: requests in, statuses and JSON out.

mod images;
mod links;
mod logs;
mod plugins;
mod services;
mod traces;

use netyard_sim::time::Duration;
use netyard_sim::userland::process::{Context, Event};
use netyard_sim::userland::{Files, Flavour, Program, Programs, Read, Step, Straight, Sys};
use serde_json::{Value, json};

use super::*;

/// A shell that reads for ever and ignores signals.
#[derive(Clone)]
struct Shell;

impl Program for Shell {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        match sys.read(usize::MAX) {
            Read::Data(bytes) => {
                sys.print(bytes);
                Step::Yield
            }
            Read::Blocked => Step::Wait(None),
            Read::End => Step::Exit(0),
        }
    }
}

fn fail(sys: &mut Sys<'_>) -> i32 {
    sys.print("out\n");
    sys.eprint("err\n");
    7
}

struct Lab {
    world: World,
    engine: Engine,
    next: u64,
    replies: BTreeMap<ExchangeId, (u16, Vec<u8>, bool)>,
}

impl Lab {
    fn new() -> Self {
        let mut programs = Programs::default();
        programs.add(Flavour::Busybox, "sh", || Box::new(Shell));
        programs.add(Flavour::Busybox, "fail", || Box::new(Straight(fail)));
        Self::with(programs)
    }

    fn with(programs: Programs) -> Self {
        let mut world = World::new(Seed(1), Epoch::DEFAULT, programs);
        let namespace = world.fabric.create_namespace("docker01");
        let mut files = Files::default();
        files.make_directory("/etc");
        files.write("/etc/resolv.conf", "nameserver 192.0.2.1\n").unwrap();
        let context = Context { files, hostname: "docker01".into(), flavour: Flavour::Host };
        let context = world.processes.create_context(context);
        let host = Host { name: "docker01".into(), namespace, context };
        let mut engine = Engine::new(Seed(1), Epoch::DEFAULT, host);
        engine.boot(&mut world, Config::default()).unwrap();
        Self { world, engine, next: 0, replies: BTreeMap::new() }
    }

    /// Sends a request and lets a millisecond pass.
    fn send(&mut self, method: &'static str, target: &str, body: &Value) -> ExchangeId {
        self.send_bytes(method, target, body.to_string().into_bytes())
    }

    fn send_bytes(&mut self, method: &'static str, target: &str, body: Vec<u8>) -> ExchangeId {
        let exchange = ExchangeId(self.next);
        self.next += 1;
        let is_stream = target.contains("/attach") || target.ends_with("/start");
        let headers = [("content-type", "application/json"), ("upgrade", "tcp")].into_iter();
        let headers = headers.take(if is_stream { 2 } else { 1 }).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let request = Request { method, target: target.into(), headers, body };
        self.engine.handle(&mut self.world, exchange, &request);
        self.pass(Duration::from_millis(1));
        exchange
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        loop {
            let limit = self.engine.next_at().map_or(until, |at| at.min(until));
            match self.world.run_until(limit) {
                Some(Event::Exited(pid, status)) => {
                    self.engine.handle_exit(&mut self.world, pid, status);
                }
                Some(Event::Readable(pipe)) => {
                    self.engine.handle_readable(&mut self.world, pipe);
                }
                Some(_) => {}
                None if self.engine.next_at().is_some_and(|at| at <= limit) => self.engine.poll(&mut self.world),
                None => break,
            }
        }
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Head { exchange, status, .. } => {
                    self.replies.insert(exchange, (status, Vec::new(), false));
                }
                Output::Body { exchange, bytes } => self.replies.get_mut(&exchange).unwrap().1.extend(bytes),
                Output::End { exchange } => self.replies.get_mut(&exchange).unwrap().2 = true,
            }
        }
    }

    fn body(&self, exchange: ExchangeId) -> &[u8] {
        &self.replies[&exchange].1
    }

    /// Whether a reply is complete.
    fn is_done(&self, exchange: ExchangeId) -> bool {
        self.replies.get(&exchange).is_some_and(|reply| reply.2)
    }

    /// Sends a request whose reply comes at once: its status and its JSON.
    fn call(&mut self, method: &'static str, target: &str, body: &Value) -> (u16, Value) {
        let exchange = self.send(method, target, body);
        assert!(self.is_done(exchange), "{method} {target} is answered at once");
        (self.replies[&exchange].0, serde_json::from_slice(self.body(exchange)).unwrap_or_default())
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, value) = self.call("GET", target, &Value::Null);
        assert_eq!(status, 200, "{target}: {value}");
        value
    }

    fn post(&mut self, target: &str, body: &Value) -> (u16, String) {
        let (status, value) = self.call("POST", target, body);
        (status, value["message"].as_str().unwrap_or_default().to_owned())
    }

    /// `docker run -itd --name NAME --network NETWORK busybox`
    fn run(&mut self, name: &str, network: &str, endpoint: &Value) -> String {
        let (status, created) = self.create(name, network, endpoint);
        assert_eq!(status, 201, "{created}");
        assert_eq!(self.post(&format!("/v1.41/containers/{name}/start"), &Value::Null).0, 204);
        created["Id"].as_str().unwrap().to_owned()
    }

    fn create(&mut self, name: &str, network: &str, endpoint: &Value) -> (u16, Value) {
        let body = json!({
            "Image": "busybox", "Tty": true, "OpenStdin": true, "HostConfig": { "NetworkMode": network },
            "NetworkingConfig": { "EndpointsConfig": { network: endpoint } },
        });
        self.call("POST", &format!("/v1.41/containers/create?name={name}"), &body)
    }

    fn network(&mut self, name: &str, subnet: &str) {
        let config = if subnet.is_empty() { json!([]) } else { json!([{ "Subnet": subnet }]) };
        let body = json!({ "Name": name, "Driver": "bridge", "IPAM": { "Config": config, "Options": {} } });
        assert_eq!(self.post("/v1.41/networks/create", &body).0, 201);
    }

    fn connect(&mut self, network: &str, container: &str, endpoint: &Value) -> (u16, String) {
        let body = json!({ "Container": container, "EndpointConfig": endpoint });
        self.post(&format!("/v1.41/networks/{network}/connect"), &body)
    }

    fn disconnect(&mut self, network: &str, container: &str) -> (u16, String) {
        self.post(&format!("/networks/{network}/disconnect"), &json!({ "Container": container }))
    }

    fn endpoint(&mut self, container: &str, network: &str) -> Value {
        self.get(&format!("/containers/{container}/json"))["NetworkSettings"]["Networks"][network].clone()
    }

    fn file(&self, container: &str, path: &str) -> String {
        let context = self.engine.container(container).unwrap().context.unwrap();
        self.world.processes.context(context).files.text(path)
    }

    /// `docker exec CONTAINER COMMAND`: what it prints within four seconds.
    fn exec(&mut self, container: &str, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let asked = json!({ "Tty": true, "AttachStdout": true, "AttachStderr": true, "Cmd": words });
        let (_, created) = self.call("POST", &format!("/containers/{container}/exec"), &asked);
        let id = created["Id"].as_str().unwrap().to_owned();
        let start = self.send("POST", &format!("/exec/{id}/start"), &json!({ "Tty": true }));
        self.pass(Duration::from_secs(4));
        assert!(self.is_done(start), "{command}");
        String::from_utf8(self.body(start).to_vec()).unwrap()
    }

    /// `TYPE ACTION (name, …)` of all messages so far.
    fn told(&self) -> Vec<String> {
        let name = |m: &Message| m.attributes["name"].clone();
        self.engine.messages.iter().map(|m| format!("{} {} {}", m.subject.word(), m.action, name(m))).collect()
    }
}

/// What the client sends with `network connect`.
fn connected() -> Value {
    json!({ "IPAMConfig": {}, "Links": null, "Aliases": [], "DriverOpts": {} })
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_network_is_inspected_key_by_key_as_the_engine_does() {
    let mut lab = Lab::new();
    lab.network("isolated_nw", "172.25.0.0/16");
    let id = lab.run("container3", "isolated_nw", &json!({ "IPAMConfig": { "IPv4Address": "172.25.3.3" } }));
    let mut network = lab.get("/v1.41/networks/isolated_nw");
    assert_eq!(
        keys(&network),
        [
            "Name",
            "Id",
            "Created",
            "Scope",
            "Driver",
            "EnableIPv6",
            "IPAM",
            "Internal",
            "Attachable",
            "Ingress",
            "ConfigFrom",
            "ConfigOnly",
            "Containers",
            "Options",
            "Labels"
        ]
    );
    assert_eq!(
        network["IPAM"].to_string(),
        r#"{"Driver":"default","Options":{},"Config":[{"Subnet":"172.25.0.0/16"}]}"#
    );
    let mut member = network["Containers"][&id].take();
    member["EndpointID"] = "E".into();
    assert_eq!(
        member.to_string(),
        r#"{"Name":"container3","EndpointID":"E","MacAddress":"02:42:ac:19:03:03","IPv4Address":"172.25.3.3/16","IPv6Address":""}"#
    );
    let bridge = lab.get("/networks/bridge");
    assert_eq!(
        bridge["IPAM"].to_string(),
        r#"{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16"}]}"#
    );
    assert_eq!(bridge["Options"]["com.docker.network.bridge.name"], "docker0");
}

#[test]
fn an_automatic_subnet_shows_its_gateway() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    assert_eq!(
        lab.get("/networks/n1")["IPAM"]["Config"].to_string(),
        r#"[{"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1"}]"#
    );
}

#[test]
fn run_and_connect_leave_different_traces_in_inspect() {
    let mut lab = Lab::new();
    lab.network("isolated_nw", "172.25.0.0/16");
    let id = lab.run("container2", "default", &Value::Null);
    assert_eq!(lab.connect("isolated_nw", "container2", &connected()).0, 200);
    let short = &id[..12];
    let bridge = lab.endpoint("container2", "bridge");
    assert_eq!(
        (&bridge["Aliases"], &bridge["IPAMConfig"], &bridge["DriverOpts"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let isolated = lab.endpoint("container2", "isolated_nw");
    assert_eq!(isolated["Aliases"], json!([short]));
    assert_eq!((&isolated["IPAMConfig"], &isolated["DriverOpts"]), (&json!({}), &json!({})));
    assert_eq!((&isolated["IPAddress"], &isolated["MacAddress"]), (&json!("172.25.0.2"), &json!("02:42:ac:19:00:02")));
    let all = lab.get("/containers/container2/json");
    assert_eq!(all["NetworkSettings"]["IPAddress"], "172.17.0.2", "the fields outside Networks are docker0's");
    assert_eq!(all["HostConfig"]["NetworkMode"], "default");
    assert_eq!(all["Config"]["Hostname"], short);
    assert!(lab.file("container2", "/etc/hosts").ends_with(&format!("172.17.0.2\t{short}\n172.25.0.2\t{short}\n")));
    assert_eq!(lab.file("container2", "/etc/resolv.conf"), "nameserver 127.0.0.11\noptions ndots:0\n");
}

#[test]
fn a_stop_asks_waits_ten_seconds_kills_and_tells_so() {
    let mut lab = Lab::new();
    lab.network("isolated_nw", "172.25.0.0/16");
    lab.network("local_alias", "172.26.0.0/24");
    lab.run("container6", "isolated_nw", &json!({ "Aliases": ["app"] }));
    lab.connect("local_alias", "container6", &connected());
    let before = lab.told().len();
    let stop = lab.send("POST", "/containers/container6/stop", &Value::Null);
    lab.pass(Duration::from_millis(9_900));
    assert!(!lab.is_done(stop), "sh as process 1 ignores SIGTERM");
    lab.pass(Duration::from_millis(200));
    assert_eq!(lab.replies[&stop].0, 204);
    assert_eq!(
        lab.told()[before..],
        [
            "container kill container6",
            "container kill container6",
            "container die container6",
            "network disconnect isolated_nw",
            "network disconnect local_alias",
            "container stop container6",
        ]
    );
    let stopped = lab.get("/containers/container6/json");
    assert_eq!((&stopped["State"]["Status"], &stopped["State"]["ExitCode"]), (&json!("exited"), &json!(137)));
    let endpoint = lab.endpoint("container6", "isolated_nw");
    assert_eq!((&endpoint["IPAddress"], &endpoint["EndpointID"]), (&json!(""), &json!("")), "(fact 3)");
    assert_eq!(endpoint["Aliases"][0], "app");
    assert_eq!(lab.get("/networks/isolated_nw")["Containers"], json!({}));
    assert_eq!(lab.post("/containers/container6/stop", &Value::Null).0, 304);
}

#[test]
fn the_order_of_starting_decides_about_addresses() {
    let mut lab = Lab::new();
    lab.network("n1", "10.1.0.0/24");
    lab.run("aa", "n1", &Value::Null);
    lab.run("bb", "n1", &Value::Null);
    for name in ["aa", "bb"] {
        let stop = lab.send("POST", &format!("/containers/{name}/kill"), &Value::Null);
        assert!(lab.is_done(stop));
    }
    for name in ["bb", "aa"] {
        assert_eq!(lab.post(&format!("/containers/{name}/start"), &Value::Null).0, 204);
    }
    assert_eq!(lab.endpoint("bb", "n1")["IPAddress"], "10.1.0.2", "(fact 2)");
    assert_eq!(lab.endpoint("aa", "n1")["IPAddress"], "10.1.0.3");
}

#[test]
fn a_running_container_leaves_with_two_messages_and_a_stopped_one_with_one() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    let id = lab.run("c1", "n1", &Value::Null);
    let count = |lab: &Lab| lab.told().iter().filter(|line| *line == "network disconnect n1").count();
    assert_eq!(lab.disconnect("n1", "c1").0, 200);
    assert_eq!(count(&lab), 2);
    assert_eq!(lab.disconnect("n1", "c1"), (500, format!("container {id} is not connected to network n1")));
    assert_eq!(lab.connect("n1", "c1", &connected()).0, 200);
    assert_eq!(
        lab.connect("n1", "c1", &connected()),
        (403, "endpoint with name c1 already exists in network n1".into())
    );
    let kill = lab.send("POST", "/containers/c1/kill", &Value::Null);
    assert!(lab.is_done(kill));
    let before = count(&lab);
    assert_eq!(lab.disconnect("n1", "c1").0, 200);
    assert_eq!(count(&lab), before + 1);
}

#[test]
fn refusals_of_connect_are_the_engines() {
    let mut lab = Lab::new();
    lab.network("auto", "");
    lab.run("c1", "default", &Value::Null);
    lab.run("nonec", "none", &Value::Null);
    lab.run("hostc", "host", &Value::Null);
    let mut refused = |network: &str, container: &str, endpoint: Value| lab.connect(network, container, &endpoint);
    let fixed = "container cannot be disconnected from host network or connected to host network";
    assert_eq!(refused("host", "c1", json!({})), (400, fixed.into()));
    let shared =
        "container sharing network namespace with another container or host cannot be connected to any other network";
    assert_eq!(refused("auto", "hostc", json!({})), (400, shared.into()));
    let none = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
    assert_eq!(refused("auto", "nonec", json!({})), (400, none.into()));
    assert_eq!(refused("nope", "c1", json!({})), (404, "network nope not found".into()));
    assert_eq!(refused("auto", "nosuch", json!({})), (404, "No such container: nosuch".into()));
    let address = json!({ "IPAMConfig": { "IPv4Address": "172.17.0.99" } });
    let default = "user specified IP address is supported on user defined networks only";
    assert_eq!(refused("bridge", "nonec", address.clone()), (400, default.into()));
    let subnet = "user specified IP address is supported only when connecting to networks with user configured subnets";
    assert_eq!(refused("auto", "c1", address), (400, subnet.into()));
    assert_eq!(lab.disconnect("none", "nonec").0, 200);
    assert_eq!(lab.connect("auto", "nonec", &connected()).0, 200, "none can be left and another joined (fact 66)");
}

#[test]
fn a_container_that_cannot_start_stays_created() {
    let mut lab = Lab::new();
    lab.network("n1", "10.1.0.0/24");
    assert_eq!(lab.create("c1", "nosuch", &Value::Null).0, 201);
    assert_eq!(lab.post("/containers/c1/start", &Value::Null), (404, "network nosuch not found".into()));
    assert_eq!(lab.create("c2", "n1", &json!({ "IPAMConfig": { "IPv4Address": "10.1.0.1" } })).0, 201);
    assert_eq!(lab.post("/containers/c2/start", &Value::Null), (403, "Address already in use".into()));
    let state = &lab.get("/containers/c2/json")["State"];
    assert_eq!((&state["Status"], &state["Error"]), (&json!("created"), &json!("Address already in use")));
    let body = json!({ "Image": "busybox", "Cmd": ["nosuchcmd"] });
    assert_eq!(lab.post("/containers/create?name=c3", &body).0, 201);
    let (status, message) = lab.post("/containers/c3/start", &Value::Null);
    assert_eq!(status, 400);
    assert!(message.ends_with("exec: \"nosuchcmd\": executable file not found in $PATH: unknown"), "{message}");
    assert_eq!(lab.get("/networks/bridge")["Containers"], json!({}));
    assert_eq!(lab.create("c4", "n1", &json!({ "IPAMConfig": { "IPv4Address": "x" } })).0, 400);
}

#[test]
fn a_removed_network_is_missed_even_when_another_has_its_name() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    let id = lab.get("/networks/n1")["Id"].as_str().unwrap().to_owned();
    lab.run("c1", "n1", &Value::Null);
    lab.send("POST", "/containers/c1/kill", &Value::Null);
    assert_eq!(lab.call("DELETE", "/networks/n1", &Value::Null).0, 204);
    lab.network("n1", "");
    assert_eq!(lab.post("/containers/c1/start", &Value::Null), (404, format!("network {id} not found")));
}

#[test]
fn an_exec_shows_its_output_in_frames_and_keeps_its_code() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let asked = json!({ "AttachStdout": true, "AttachStderr": true, "Cmd": ["fail", "now"] });
    let (status, created) = lab.call("POST", "/containers/c1/exec", &asked);
    assert_eq!(status, 201);
    let id = created["Id"].as_str().unwrap().to_owned();
    let start = lab.send("POST", &format!("/exec/{id}/start"), &json!({ "Detach": false, "Tty": false }));
    assert_eq!(lab.replies[&start], (101, b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n".to_vec(), true));
    let exec = lab.get(&format!("/exec/{id}/json"));
    assert_eq!((&exec["Running"], &exec["ExitCode"]), (&json!(false), &json!(7)));
    assert_eq!(
        exec["ProcessConfig"].to_string(),
        r#"{"tty":false,"entrypoint":"fail","arguments":["now"],"privileged":false}"#
    );
    let told = lab.told();
    let execs: Vec<&String> = told.iter().filter(|line| line.contains("exec")).collect();
    assert_eq!(
        execs,
        ["container exec_create: fail now c1", "container exec_start: fail now c1", "container exec_die c1"]
    );
}

#[test]
fn networks_share_a_name_when_their_makers_do_not_mind() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    let strict = json!({ "Name": "n1", "CheckDuplicate": true });
    let taken = "network with name n1 already exists".to_owned();
    assert_eq!(lab.post("/networks/create", &strict), (409, taken));
    let first = lab.get("/networks/n1")["Id"].as_str().unwrap().to_owned();
    let (status, made) = lab.call("POST", "/networks/create", &json!({ "Name": "n1" }));
    assert_eq!(
        (status, &made["Warning"]),
        (201, &json!(format!("Network with name n1 (id : {first}) already exists")))
    );
    let (status, said) = lab.call("GET", "/networks/n1", &Value::Null);
    assert_eq!((status, &said["message"]), (400, &json!("network n1 is ambiguous (2 matches found on name)")));
    assert_eq!(lab.get(&format!("/networks/{first}"))["Name"], "n1");
}

#[test]
fn frames_are_what_the_client_of_an_exec_asks_for() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let asked = json!({ "Tty": true, "AttachStdout": true, "AttachStderr": true, "Cmd": ["fail"] });
    let (_, created) = lab.call("POST", "/containers/c1/exec", &asked);
    let start = format!("/exec/{}/start", created["Id"].as_str().unwrap());
    let exchange = lab.send("POST", &start, &json!({ "Tty": false }));
    assert_eq!(lab.body(exchange), b"\x01\0\0\0\0\0\0\x0aout\r\nerr\r\n");
}

#[test]
fn an_exec_without_program_says_so_on_standard_output() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let (_, created) = lab.call("POST", "/containers/c1/exec", &json!({ "AttachStdout": true, "Cmd": ["nosuch"] }));
    let id = created["Id"].as_str().unwrap().to_owned();
    let start = lab.send("POST", &format!("/exec/{id}/start"), &json!({}));
    let text = String::from_utf8_lossy(lab.body(start)).into_owned();
    assert!(text.ends_with("exec: \"nosuch\": executable file not found in $PATH: unknown\r\n"), "{text}");
    assert_eq!(lab.get(&format!("/exec/{id}/json"))["ExitCode"], 126);
    lab.post("/containers/c1/pause", &Value::Null);
    assert_eq!(
        lab.post("/containers/c1/exec", &json!({ "Cmd": ["true"] })),
        (409, "Container c1 is paused, unpause the container before exec".into())
    );
}

#[test]
fn run_in_the_foreground_waits_attaches_and_starts() {
    let mut lab = Lab::new();
    let body = json!({ "Image": "busybox", "Cmd": ["fail"], "HostConfig": { "AutoRemove": true } });
    let (_, created) = lab.call("POST", "/containers/create", &body);
    let id = created["Id"].as_str().unwrap().to_owned();
    let wait = lab.send("POST", &format!("/containers/{id}/wait?condition=removed"), &Value::Null);
    assert_eq!(lab.replies[&wait], (200, Vec::new(), false), "the head comes at once");
    let attach = lab.send("POST", &format!("/containers/{id}/attach?stream=1&stdout=1&stderr=1"), &Value::Null);
    let start = lab.send("POST", &format!("/containers/{id}/start"), &Value::Null);
    assert_eq!(lab.replies[&start].0, 204);
    assert_eq!(lab.body(attach), b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n");
    assert!(lab.is_done(attach));
    let inspect = format!("/containers/{id}/json");
    assert_eq!(lab.call("GET", &inspect, &Value::Null).1["State"]["ExitCode"], 7, "clients hear of the end first");
    lab.pass(Duration::from_millis(50));
    assert_eq!(lab.body(wait), b"{\"Error\":null,\"StatusCode\":7}\n");
    let actions: Vec<String> = lab.told().iter().filter_map(|l| l.split(' ').nth(1).map(str::to_owned)).collect();
    assert_eq!(actions, ["create", "attach", "connect", "start", "die", "disconnect", "destroy"]);
    assert_eq!(lab.call("GET", &inspect, &Value::Null).0, 404);
}

#[test]
fn a_terminal_gets_carriage_returns_and_a_detached_client_none() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let attach = lab.send("POST", "/containers/c1/attach?stream=1&stdin=1&stdout=1&stderr=1", &Value::Null);
    lab.engine.handle_input(&mut lab.world, attach, b"ls\r");
    lab.pass(Duration::from_millis(1));
    let shown = b"ls\r\nls\r\n".as_slice();
    assert_eq!(lab.body(attach), shown, "the terminal echoes, and cat repeats");
    lab.engine.handle_hangup(&mut lab.world, attach);
    let again = lab.send("POST", "/containers/c1/attach?stream=1&stdin=1&stdout=1&stderr=1", &Value::Null);
    lab.engine.handle_input(&mut lab.world, again, b"pwd\r");
    lab.pass(Duration::from_millis(1));
    assert_eq!((lab.body(attach), lab.body(again)), (shown, b"pwd\r\npwd\r\n".as_slice()));
    let logs = lab.send("GET", "/containers/c1/logs?stdout=1&tail=1", &Value::Null);
    assert_eq!(lab.body(logs), b"pwd\r\n");
}

#[test]
fn a_terminal_stays_open_when_a_client_of_it_sends_no_more() {
    let mut lab = Lab::new();
    let body = json!({ "Image": "busybox", "Tty": true, "OpenStdin": true, "StdinOnce": true });
    assert_eq!(lab.call("POST", "/containers/create?name=c1", &body).0, 201);
    assert_eq!(lab.post("/containers/c1/start", &Value::Null).0, 204);
    let attach = lab.send("POST", "/containers/c1/attach?stream=1&stdin=1&stdout=1", &Value::Null);
    lab.engine.handle_input(&mut lab.world, attach, b"");
    lab.pass(Duration::from_millis(1));
    assert_eq!(lab.get("/containers/c1/json")["State"]["Running"], true);
    let again = lab.send("POST", "/containers/c1/attach?stream=1&stdin=1&stdout=1", &Value::Null);
    lab.engine.handle_input(&mut lab.world, again, b"on\r");
    lab.pass(Duration::from_millis(1));
    assert_eq!((lab.body(attach), lab.body(again)), (b"".as_slice(), b"on\r\non\r\n".as_slice()));
}

#[test]
fn lists_show_the_youngest_first_and_obey_filters() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    lab.run("c1", "default", &Value::Null);
    lab.run("c2", "n1", &Value::Null);
    lab.create("c3", "n1", &Value::Null);
    let mut names = |query: &str| {
        let list = lab.get(&format!("/containers/json?{query}"));
        list.as_array()
            .unwrap()
            .iter()
            .map(|c| c["Names"][0].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(""), "/c2 /c1");
    assert_eq!(names("all=1"), "/c3 /c2 /c1");
    assert_eq!(names("all=1&filters={\"network\":[\"n1\"]}"), "/c3 /c2");
    assert_eq!(names("filters={\"status\":{\"created\":true}}"), "/c3");
    assert_eq!(names("limit=1"), "/c3");
    let list = lab.get("/containers/json");
    assert_eq!(list[0]["Status"], "Up Less than a second");
    assert_eq!(list[0]["NetworkSettings"]["Networks"]["n1"]["Aliases"], Value::Null, "lists leave the names out");
    let networks = lab.get("/networks?filters={\"type\":[\"custom\"]}");
    assert_eq!(networks.as_array().unwrap().iter().map(|n| n["Name"].as_str().unwrap()).collect::<Vec<_>>(), ["n1"]);
}

#[test]
fn names_are_unique_and_renamed_at_once() {
    let mut lab = Lab::new();
    let id = lab.run("c1", "default", &Value::Null);
    lab.run("c2", "default", &Value::Null);
    let (status, refused) = lab.create("c1", "default", &Value::Null);
    assert_eq!(status, 409);
    assert_eq!(
        refused["message"],
        format!(
            "Conflict. The container name \"/c1\" is already in use by container \"{id}\". You have to remove (or \
             rename) that container to be able to reuse that name."
        )
    );
    assert_eq!(lab.post("/containers/c1/rename?name=uno", &Value::Null).0, 204);
    assert_eq!(lab.get("/networks/bridge")["Containers"][&id]["Name"], "uno");
    let (status, message) = lab.post("/containers/uno/rename?name=c2", &Value::Null);
    assert_eq!(status, 409);
    assert!(message.starts_with("Error when allocating new name: Conflict."), "{message}");
    assert_eq!(lab.post("/containers/uno/rename?name=uno", &Value::Null).0, 400);
}

#[test]
fn a_running_container_is_removed_by_force_only() {
    let mut lab = Lab::new();
    let id = lab.run("c1", "default", &Value::Null);
    let refused = lab.call("DELETE", "/containers/c1", &Value::Null);
    assert_eq!(refused.0, 409);
    assert_eq!(
        refused.1["message"],
        format!(
            "You cannot remove a running container {id}. Stop the container before attempting removal or force remove"
        )
    );
    let before = lab.told().len();
    assert_eq!(lab.call("DELETE", "/containers/c1?force=1", &Value::Null).0, 204);
    assert_eq!(
        lab.told()[before..],
        ["container kill c1", "container die c1", "network disconnect bridge", "container destroy c1"]
    );
}

#[test]
fn a_restart_gives_a_fresh_sandbox_and_an_old_one_back_its_address() {
    let mut lab = Lab::new();
    lab.run("c1", "default", &Value::Null);
    let sandbox = |lab: &mut Lab| lab.get("/containers/c1/json")["NetworkSettings"]["SandboxID"].clone();
    let first = sandbox(&mut lab);
    let before = lab.told().len();
    let restart = lab.send("POST", "/containers/c1/restart?t=0", &Value::Null);
    lab.pass(Duration::from_millis(1));
    assert_eq!(lab.replies[&restart].0, 204);
    let actions: Vec<String> = lab.told()[before..].iter().map(|l| l.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(actions, ["kill", "kill", "die", "disconnect", "stop", "connect", "start", "restart"]);
    assert_ne!(sandbox(&mut lab), first);
    assert_eq!(lab.endpoint("c1", "bridge")["IPAddress"], "172.17.0.2");
}

#[test]
fn events_are_told_from_the_past_and_until_an_end() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    lab.run("c1", "n1", &Value::Null);
    let target = "/events?since=1767225600&until=1767225605&filters={\"type\":[\"network\"]}";
    let listen = lab.send("GET", target, &Value::Null);
    lab.network("n2", "");
    assert!(!lab.is_done(listen));
    lab.pass(Duration::from_secs(5));
    assert!(lab.is_done(listen));
    let text = String::from_utf8(lab.body(listen).to_vec()).unwrap();
    let actions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["Action"].clone()).collect();
    assert_eq!(actions, ["create", "connect", "create"]);
}

#[test]
fn networks_are_pruned_when_nothing_runs_on_them() {
    let mut lab = Lab::new();
    lab.network("n1", "");
    lab.network("n2", "");
    lab.run("c1", "n1", &Value::Null);
    let pruned = lab.call("POST", "/networks/prune", &Value::Null);
    assert_eq!(pruned.1, json!({ "NetworksDeleted": ["n2"] }));
    assert_eq!(lab.call("POST", "/networks/prune", &Value::Null).1, json!({ "NetworksDeleted": null }));
    let active = lab.call("DELETE", "/networks/n1", &Value::Null);
    assert_eq!(active.0, 403);
    assert_eq!(
        lab.call("DELETE", "/networks/bridge", &Value::Null).1["message"],
        "bridge is a pre-defined network and cannot be removed"
    );
}

#[test]
fn what_is_not_there_is_said_so() {
    let mut lab = Lab::new();
    let mut refused = |method, target: &str| {
        let (status, value) = lab.call(method, target, &json!({ "Image": "nosuchimage" }));
        (status, value["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused("GET", "/v1.41/containers/nope/json"), (404, "No such container: nope".into()));
    assert_eq!(refused("GET", "/images/nope/json"), (404, "no such image: nope: No such image: nope:latest".into()));
    assert_eq!(refused("POST", "/containers/create"), (404, "No such image: nosuchimage:latest".into()));
    let pull = refused("POST", "/images/create?fromImage=docker.io%2Flibrary%2Fnosuchimage&tag=latest");
    assert!(pull.1.ends_with("lookup registry-1.docker.io on 192.0.2.1:53: no such host"), "{}", pull.1);
    assert_eq!(refused("GET", "/nodes").0, 503);
    assert_eq!(refused("GET", "/nonsense"), (404, "page not found".into()));
    assert_eq!(lab.get("/version")["ApiVersion"], "1.41");
    assert_eq!(lab.get("/info")["Swarm"]["LocalNodeState"], "inactive");
}

#[test]
fn the_containers_of_another_share_its_namespace_while_it_runs() {
    let mut lab = Lab::new();
    lab.run("base", "default", &Value::Null);
    let dependent = json!({ "Image": "busybox", "Tty": true, "OpenStdin": true, "HostConfig": { "NetworkMode": "container:base" } });
    assert_eq!(lab.post("/containers/create?name=dep", &dependent).0, 201);
    assert_eq!(lab.post("/containers/dep/start", &Value::Null).0, 204);
    let namespace = |name: &str| lab.engine.namespace_of(lab.engine.container(name).unwrap());
    assert_eq!(namespace("dep"), namespace("base"));
    assert_eq!(lab.file("dep", "/etc/hosts"), lab.file("base", "/etc/hosts"));
    let kill = lab.send("POST", "/containers/dep/kill", &Value::Null);
    assert!(lab.is_done(kill));
    lab.send("POST", "/containers/base/kill", &Value::Null);
    let base = lab.engine.container("base").unwrap().id;
    assert_eq!(
        lab.post("/containers/dep/start", &Value::Null),
        (409, format!("cannot join network of a non running container: {base}"))
    );
}

/// Who answers a ping to `name`: the address in the first line when the reply came.
fn pinged(lab: &mut Lab, from: &str, name: &str) -> String {
    let text = lab.exec(from, &format!("ping -c 1 -W 1 {name}"));
    match text.split(['(', ')']).nth(1) {
        Some(address) if text.contains("1 packets received") => address.to_owned(),
        Some(_) => "silence".to_owned(),
        None => text.trim_end().to_owned(),
    }
}

#[test]
fn containers_find_and_reach_each_other_as_in_the_walkthrough() {
    let mut programs = Programs::default();
    netyard_sim::userland::ping::add(&mut programs);
    programs.add(Flavour::Busybox, "sh", || Box::new(Shell));
    let mut lab = Lab::with(programs);
    lab.run("container1", "default", &Value::Null);
    lab.run("container2", "default", &Value::Null);
    lab.network("isolated_nw", "172.25.0.0/16");
    lab.connect("isolated_nw", "container2", &connected());
    lab.run("container3", "isolated_nw", &json!({ "IPAMConfig": { "IPv4Address": "172.25.3.3" } }));
    assert_eq!(pinged(&mut lab, "container2", "container3"), "172.25.3.3");
    assert_eq!(pinged(&mut lab, "container3", "container2"), "172.25.0.2");
    assert_eq!(pinged(&mut lab, "container2", "172.17.0.2"), "172.17.0.2");
    assert_eq!(pinged(&mut lab, "container3", "172.17.0.2"), "silence", "the isolation chain drops it (fact 22)");
    assert_eq!(pinged(&mut lab, "container3", "172.17.0.1"), "172.17.0.1", "every bridge's gateway answers");
    lab.run("container4", "isolated_nw", &json!({ "Links": ["container5:c5"] }));
    lab.run("container5", "isolated_nw", &json!({ "Links": ["container4:c4"] }));
    assert_eq!(pinged(&mut lab, "container4", "c5"), "172.25.0.4");
    assert_eq!(pinged(&mut lab, "container5", "c4"), "172.25.0.3");
    lab.network("local_alias", "172.26.0.0/24");
    lab.connect("local_alias", "container4", &json!({ "IPAMConfig": {}, "Links": ["container5:foo"] }));
    lab.connect("local_alias", "container5", &json!({ "IPAMConfig": {}, "Links": ["container4:bar"] }));
    assert_eq!(pinged(&mut lab, "container4", "foo"), "172.26.0.3");
    lab.disconnect("isolated_nw", "container5");
    assert_eq!(pinged(&mut lab, "container4", "foo"), "172.26.0.3");
    assert_eq!(pinged(&mut lab, "container4", "container5"), "172.26.0.3");
    assert_eq!(pinged(&mut lab, "container5", "bar"), "172.26.0.2");
}
