//! Plugins of a live engine, real ones as far as it can tell: somebody who listens at a Unix socket.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::engine::{Engine, directory, said};

/// What a plugin answers to a method.
type Answers = fn(&str) -> Option<&'static str>;

/// A plugin that makes networks. Its devices are there already.
fn networks(method: &str) -> Option<&'static str> {
    Some(match method {
        "Plugin.Activate" => r#"{"Implements":["NetworkDriver"]}"#,
        "NetworkDriver.GetCapabilities" => r#"{"Scope":"local"}"#,
        "NetworkDriver.Join" => r#"{"InterfaceName":{"SrcName":"pc0","DstPrefix":"eth"},"Gateway":"10.77.0.1"}"#,
        _ => "{}",
    })
}

/// A plugin that never answers.
fn silence(_: &str) -> Option<&'static str> {
    None
}

/// Serves a plugin; what it is asked comes out.
fn serve(socket: &Path, answers: Answers) -> Receiver<String> {
    let listener = UnixListener::bind(socket).expect("the directory is there");
    let (asked, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let asked = asked.clone();
            thread::spawn(move || answer(stream.expect("somebody came"), &asked, answers));
        }
    });
    heard
}

fn answer(mut stream: UnixStream, asked: &Sender<String>, answers: Answers) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(got) => request.extend(&piece[..got]),
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let method = text.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
    // The test may be over.
    let _ = asked.send(method.clone());
    let Some(body) = answers(&method) else {
        let _ = stream.read(&mut piece);
        return;
    };
    let len = body.len();
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}");
}

/// Whether a request has come with all of its body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= len.unwrap_or_default()
}

#[test]
fn plugins_in_a_directory_make_networks_and_a_silent_one_holds_up_nobody() {
    let plugins = directory();
    let Some(engine) = Engine::start(&format!("--plugins {}", plugins.display())) else { return };
    let heard = serve(&plugins.join("net1.sock"), networks);
    serve(&plugins.join("mute.sock"), silence);
    std::fs::write(plugins.join("spec1.spec"), format!("unix://{}", plugins.join("net1.sock").display())).unwrap();
    std::fs::write(plugins.join("far.json"), r#"{"Name":"far","Addr":"http://192.0.2.9:80"}"#).unwrap();

    // Who may do that on the host makes devices there, as a plugin would by the engine itself.
    let wire = "ip link add pl0 type veth peer name pc0 && ip addr add 10.77.0.1/24 dev pl0 && ip link set pl0 up";
    let made = engine.shell(&format!("docker run --rm --network host --cap-add NET_ADMIN busybox sh -c '{wire}'"));
    assert_eq!(made, said("", "", 0));
    let waiting = engine.begin(&["network", "create", "-d", "mute", "n0"]);
    engine.docker("network create -d net1 --subnet 10.77.0.0/24 n1");
    engine.docker("run -d --name c1 --network n1 busybox sleep 1000");
    let pinged = engine.docker("exec c1 ping -c 1 -q 10.77.0.1");
    assert!(pinged.contains("1 packets transmitted, 1 packets received, 0% packet loss"), "{pinged}");
    engine.docker("rm -f c1");
    engine.docker("network rm n1");
    let methods: Vec<String> = heard.try_iter().map(|method| method.split_once('.').unwrap().1.to_owned()).collect();
    let expected = "Activate GetCapabilities CreateNetwork CreateEndpoint Join ProgramExternalConnectivity \
                    EndpointOperInfo RevokeExternalConnectivity Leave DeleteEndpoint DeleteNetwork";
    assert_eq!(methods.join(" "), expected);
    engine.docker("network create -d spec1 n2");
    let refused = |plugin: &str| engine.try_docker(&["network", "create", "-d", plugin, "n3"]).stderr;
    let far = "Error response from daemon: legacy plugin: 192.0.2.9:80 is not on this machine's loopback\n";
    assert_eq!(refused("far"), far);
    assert_eq!(refused("gone"), "Error response from daemon: plugin \"gone\" not found\n");
    waiting.kill();
}

/// What netyard answers a real engine that asks it as a plugin.
fn ask(socket: &Path, method: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("netyard listens");
    let len = body.len();
    write!(stream, "POST /{method} HTTP/1.1\r\nHost: \r\nContent-Length: {len}\r\n\r\n{body}").expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    answer.split_once("\r\n\r\n").expect("it has a head").1.to_owned()
}

#[test]
fn a_real_engine_has_networks_here_by_a_socket_at_which_netyard_is_the_plugin() {
    let plugins = directory();
    let socket = plugins.join("netyard.sock");
    let Some(engine) = Engine::start(&format!("--plugin-socket {}", socket.display())) else { return };
    engine.docker("network create --subnet 10.8.0.0/24 yard");
    assert_eq!(ask(&socket, "Plugin.Activate", ""), r#"{"Implements":["NetworkDriver"]}"#);
    let network = |id: &str, pool: &str, options: &str| {
        format!(
            r#"{{"NetworkID":"{id}","Options":{{"com.docker.network.generic":{options}}},"IPv4Data":[{{"Pool":"{pool}","Gateway":"10.9.0.1/24"}}],"IPv6Data":[]}}"#
        )
    };
    let create = |body: &str| ask(&socket, "NetworkDriver.CreateNetwork", body);
    assert_eq!(create(&network("aaaaaaaaaaaaaaaa", "10.9.0.0/24", "{}")), "{}");
    assert_eq!(engine.docker("network ls --format {{.Name}}"), "aaaaaaaaaaaa\nbridge\nhost\nnone\nyard\n");
    assert_eq!(create(&network("bb", "10.8.0.0/24", r#"{"network":"yard"}"#)), "{}");
    let refused = r#"{"Err":"network yard of netyard has the subnet \"10.8.0.0/24\", and not \"10.9.0.0/24\""}"#;
    assert_eq!(create(&network("cc", "10.9.0.0/24", r#"{"network":"yard"}"#)), refused);
    assert_eq!(create(&network("cc", "10.9.0.0/24", r#"{"network":"../x"}"#)), r#"{"Err":"network ../x not found"}"#);
    assert_eq!(
        ask(&socket, "NetworkDriver.Join", r#"{"EndpointID":"x"}"#),
        r#"{"Err":"netyard does not know that endpoint"}"#
    );
    for id in ["aaaaaaaaaaaaaaaa", "bb", "cc"] {
        assert_eq!(ask(&socket, "NetworkDriver.DeleteNetwork", &format!(r#"{{"NetworkID":"{id}"}}"#)), "{}");
    }
    assert_eq!(engine.docker("network ls --format {{.Name}}"), "bridge\nhost\nnone\nyard\n");
}

/// What somebody says to each who calls, the last for ever.
fn say(socket: &Path, said: &'static [&'static str]) {
    let listener = UnixListener::bind(socket).expect("the directory is there");
    thread::spawn(move || {
        let said = said.iter().chain(std::iter::repeat(said.last().expect("something is said")));
        for (stream, said) in listener.incoming().zip(said) {
            let mut stream = stream.expect("somebody came");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(said.as_bytes());
        }
    });
}

#[test]
fn strange_answers_are_taken_or_refused_as_docker_does() {
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n{\"Implements\":[\"NetworkDriver\"]}    ";
    const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Implements\":[\"VolumeDriver\"]}";
    const TOO_EARLY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Implements\":[\"Netw";
    const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
    let plugins = directory();
    let Some(engine) = Engine::start(&format!("--plugins {}", plugins.display())) else { return };
    let refused = |name: &str, said: &'static [&'static str]| {
        say(&plugins.join(format!("{name}.sock")), said);
        let refused = engine.try_docker(&["network", "create", "-d", name, "n"]).stderr;
        refused.strip_prefix("Error response from daemon: ").unwrap_or(&refused).trim_end().to_owned()
    };
    assert_eq!(refused("one", &[CUT]), "legacy plugin: Plugin does not implement the requested driver");
    assert_eq!(refused("two", &[TOO_EARLY]), "legacy plugin: unexpected EOF");
    assert_eq!(refused("three", &[CREATED]), "legacy plugin: Plugin.Activate: {}");
    let since = Instant::now();
    // Whoever hangs up is asked again: what it says then is that it knows nothing more.
    assert_eq!(refused("four", &["", WHOLE, CREATED]), "could not resolve driver four in registry");
    assert!(since.elapsed() >= Duration::from_secs(1), "not at once");
    std::fs::write(plugins.join("five.spec"), "banana").unwrap();
    std::fs::write(plugins.join("six.json"), "{banana").unwrap();
    std::fs::write(plugins.join("seven.json"), r#"{"Addr":7}"#).unwrap();
    std::fs::write(plugins.join("eight.json"), "{}").unwrap();
    for (name, said) in [
        ("five", "Unknown protocol"),
        ("six", "invalid character 'b' looking for beginning of object key string"),
        ("seven", "json: cannot unmarshal number into Go struct field Plugin.Addr of type string"),
        ("eight", "Post \"http:///Plugin.Activate\": http: no Host in request URL"),
    ] {
        let refused = engine.try_docker(&["network", "create", "-d", name, "n"]).stderr;
        assert_eq!(refused, format!("Error response from daemon: legacy plugin: {said}\n"));
    }
}

#[test]
fn a_dead_plugin_is_tried_again_and_then_given_up() {
    let plugins = directory();
    let Some(engine) = Engine::start(&format!("--plugins {}", plugins.display())) else { return };
    drop(UnixListener::bind(plugins.join("dead.sock")).expect("the directory is there"));
    let since = Instant::now();
    let path = plugins.join("dead.sock").display().to_string();
    let url = format!("http://{}/Plugin.Activate", path.replace('/', "%2F"));
    assert_eq!(
        engine.try_docker(&["network", "create", "-d", "dead", "n1"]).stderr,
        format!(
            "Error response from daemon: legacy plugin: Post \"{url}\": dial unix {path}: connect: connection refused\n"
        )
    );
    assert!(since.elapsed() >= Duration::from_secs(15), "as often as Docker tries");
}
