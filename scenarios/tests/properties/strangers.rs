//! What strangers say at every door: the fuzz targets' promises, kept for what chance draws in the normal suite. Here
//! words and frames are drawn that have something to do with the door; the targets begin with their corpus.

use std::ops::Range;

use netyard::doors::Door;
use netyard::lab::strategy;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::config;

/// What a shell line is made of; no loops, which may be endless for good.
const SHELL: &[&str] = &[
    "echo",
    "a",
    "$x",
    "x=1",
    "${x:-y}",
    "${x",
    "$((1+2))",
    "$((1/0))",
    "$(",
    ")",
    "`",
    "'",
    "\"",
    "|",
    "||",
    "&&",
    ";",
    "&",
    "if",
    "then",
    "fi",
    "else",
    "case",
    "esac",
    "in",
    "{",
    "}",
    "(",
    "for",
    "do",
    "done",
    ">",
    ">>",
    "<",
    "<<EOF",
    "2>&1",
    "/tmp/f",
    "cat",
    "sed",
    "s/a/b/",
    "awk",
    "{print $1}",
    "grep",
    "-v",
    "test",
    "-z",
    "[",
    "]",
    "read",
    "set",
    "--",
    "exit",
    "trap",
    "cd",
    "..",
    "*",
    "?",
    "\\",
    "\n",
    "!",
    "eval",
    "local",
    "return",
    "shift",
    "printf",
    "%s%d",
];
/// What a line of iptables is made of.
const IPTABLES: &[&str] = &[
    "-A",
    "-I",
    "-D",
    "-R",
    "-N",
    "-X",
    "-F",
    "-L",
    "-S",
    "-P",
    "-t",
    "nat",
    "filter",
    "mangle",
    "raw",
    "FORWARD",
    "INPUT",
    "POSTROUTING",
    "DOCKER",
    "X",
    "-s",
    "-d",
    "10.0.0.0/8",
    "!",
    "-p",
    "tcp",
    "udp",
    "icmp",
    "--dport",
    "--sport",
    "80",
    "1:2",
    "-m",
    "conntrack",
    "--ctstate",
    "NEW",
    "multiport",
    "--dports",
    "1,2",
    "limit",
    "--limit",
    "1/s",
    "-i",
    "-o",
    "eth0",
    "docker0",
    "-j",
    "ACCEPT",
    "DROP",
    "REJECT",
    "DNAT",
    "--to-destination",
    "10.0.0.1:80",
    "MASQUERADE",
    "SNAT",
    "--to-source",
    "LOG",
    "RETURN",
    "-n",
    "-v",
    "--line-numbers",
    "comment",
    "--comment",
];
/// What a line of ip is made of.
const IP: &[&str] = &[
    "link",
    "addr",
    "route",
    "neigh",
    "netns",
    "rule",
    "add",
    "del",
    "set",
    "show",
    "replace",
    "get",
    "flush",
    "list",
    "exec",
    "dev",
    "eth0",
    "docker0",
    "v0",
    "v1",
    "type",
    "veth",
    "bridge",
    "vlan",
    "vxlan",
    "macvlan",
    "dummy",
    "peer",
    "name",
    "id",
    "10",
    "up",
    "down",
    "mtu",
    "1500",
    "master",
    "nomaster",
    "via",
    "default",
    "10.1.0.1/24",
    "10.1.0.1",
    "fe80::1",
    "-4",
    "-6",
    "-br",
    "-d",
    "-s",
    "-o",
    "-j",
    "metric",
    "src",
    "scope",
    "link",
    "global",
    "lladdr",
    "02:00:00:00:00:01",
    "blackhole",
    "netns",
    "n1",
    "remote",
    "local",
    "dstport",
    "4789",
    "mode",
    "private",
    "-n",
];
/// What a line of docker is made of.
const DOCKER: &[&str] = &[
    "run",
    "create",
    "start",
    "stop",
    "-t",
    "0",
    "rm",
    "-f",
    "ps",
    "-a",
    "inspect",
    "network",
    "ls",
    "connect",
    "disconnect",
    "exec",
    "logs",
    "images",
    "pull",
    "tag",
    "commit",
    "cp",
    "volume",
    "busybox",
    "nosuch",
    "c1",
    "c2",
    "n1",
    "bridge",
    "host",
    "none",
    "--name",
    "--network",
    "--ip",
    "10.1.0.9",
    "--subnet",
    "10.1.0.0/24",
    "-d",
    "-it",
    "-p",
    "80:80",
    "80",
    "--link",
    "c1:x",
    "--format",
    "{{.Names}}",
    "{{json .}}",
    "--filter",
    "name=c1",
    "status=x",
    "-q",
    "--alias",
    "sh",
    "-c",
    "true",
    "--help",
    "system",
    "prune",
    "events",
    "--since",
    "0",
    "--until",
    "1",
    "info",
    "version",
    "port",
    "top",
    "rename",
    "--rm",
    "--mount",
    "type=bind",
    "-v",
    "/a:/b",
    "-e",
    "A=1",
    "-u",
    "1:2",
    "--mac-address",
    "02:42:00:00:00:01",
    "container:c1",
];
/// Where requests go.
const PATHS: &[&str] = &[
    "containers/json",
    "containers/create",
    "containers/c1/json",
    "containers/c1/start",
    "containers/c1/logs",
    "networks",
    "networks/create",
    "networks/n1/connect",
    "networks/n1/disconnect",
    "images/json",
    "images/create",
    "images/load",
    "images/get",
    "containers/c1/archive",
    "containers/c1/exec",
    "exec/1/start",
    "commit",
    "events",
    "info",
    "volumes",
    "volumes/create",
    "system/df",
    "containers/prune",
    "swarm",
    "v1.41/version",
    "v9.9/info",
    "_ping",
    "containers/c1/update",
];
const QUERIES: &[&str] = &[
    "",
    "?all=1",
    "?filters=%7B%22name%22%3A%5B%22c%22%5D%7D",
    "?filters=%7B",
    "?name=c1",
    "?since=0&until=1",
    "?stdout=1",
    "?path=/etc",
    "?path=",
    "?limit=-1",
    "?tail=x&stdout=1",
    "?names=busybox",
    "?%ff",
    "?fromSrc=-&repo=x",
    "?t=99999999999",
];
/// What a template is made of.
const TEMPLATE: &[&str] = &[
    "{{", "}}", ".", ".Name", ".Ports", "range", "end", "if", "else", "with", "$x", ":=", "index", "0", "json",
    "printf", "\"%s\"", "len", "eq", "|", "(", ")", "-", "slice", "1", "join", "split", "upper", "template", "define",
    "\"", "and", "not",
];

/// What a scenario file is made of.
const SCENARIO: &[&str] = &[
    "---\n",
    "hosts:",
    "[docker01,",
    "docker02]\n",
    "links:",
    "{docker02:",
    "{delay: 5ms}}\n",
    "seed: 7\n",
    "time-limit:",
    "10m\n",
    "engine:",
    "{bip: 172.17.42.1/16}\n",
    "expect: fail\n",
    "nameservers:",
    "\n```console\n",
    "```\n",
    "~~~\n",
    "$ ",
    "c1$ ",
    "? 1\n",
    "? x\n",
    "[ID]",
    "[ID:net]\n",
    "[..]",
    "...\n",
    "[MAC]",
    "\\\n",
    "echo a\n",
    "text\n",
    "# Title\n",
    "  ",
    "\t",
    "\n\n",
];

/// Lines of words for a program.
fn lines(words: &'static [&'static str], length: Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(strategy::line(words, length), 1..6).prop_map(|lines| lines.join("\n"))
}

/// What is written into a store, with some of it put in place by fate: what follows the verb and the key.
fn written() -> impl Strategy<Value = String> {
    let value = |line: &str| line.match_indices(' ').nth(1).map_or(line.len(), |(at, _)| at + 1);
    with_values_of_fate("store", 1..4, value)
}

/// Lines of a door's corpus, JSON after so many bytes, likewise.
fn said_at(door: &str, prefix: usize, count: Range<usize>) -> impl Strategy<Value = String> {
    with_values_of_fate(door, count, move |line| prefix.min(line.len()))
}

/// Lines of a corpus, with some of the JSON that begins where `json_at` says replaced by other values.
fn with_values_of_fate(
    door: &str,
    count: Range<usize>,
    json_at: impl Fn(&str) -> usize + Clone,
) -> impl Strategy<Value = String> {
    let values = [
        json!(null),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!("@network"),
        json!("::1"),
        json!("10.9.0.1"),
        json!("10.9.0.0/31"),
        json!([]),
        json!({}),
        json!(true),
        json!("x".repeat(3000)),
    ];
    let lines: Vec<String> = corpus(door)
        .iter()
        .flat_map(|file| String::from_utf8_lossy(file).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let changes = prop::collection::vec((any::<Index>(), prop::sample::select(values.to_vec())), 0..3);
    let line = (prop::sample::select(lines), changes).prop_map(move |(line, changes)| {
        let at = json_at(&line);
        let Ok(mut said) = serde_json::from_str::<Value>(line.get(at..).unwrap_or_default()) else { return line };
        for (at, value) in changes {
            let count = leaves(&mut said).len();
            if count > 0 {
                *leaves(&mut said).swap_remove(at.index(count)) = value;
            }
        }
        format!("{}{said}", &line[..at])
    });
    prop::collection::vec(line, count).prop_map(|lines| lines.join("\n"))
}

/// The values in a value that hold no others.
fn leaves(value: &mut Value) -> Vec<&mut Value> {
    let is_leaf = |value: &Value| match value {
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => true,
    };
    if is_leaf(value) {
        return vec![value];
    }
    match value {
        Value::Array(all) => all.iter_mut().flat_map(leaves).collect(),
        Value::Object(all) => all.values_mut().flat_map(leaves).collect(),
        _ => Vec::new(),
    }
}

/// Frames for a door, some as they come, some with the checksums that a host would give them.
fn frames(frame: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec((any::<u8>(), frame), 1..12)
        .prop_map(|frames| Door::frames(frames.iter().map(|(how, frame)| (*how, &frame[..]))))
}

/// A frame to one of the stations that the doors have, from wherever.
fn addressed() -> impl Strategy<Value = Vec<u8>> {
    let station = prop_oneof![3 => 0_u8..6, 1 => any::<u8>()];
    let packet = prop_oneof![strategy::packet(), strategy::damaged()];
    (packet, station, any::<[u8; 2]>()).prop_map(|(mut frame, station, [src, dst])| {
        if frame.len() >= 34 {
            frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, station]);
            if frame[12..14] == [8, 0] {
                let own = |end: u8| if end.is_multiple_of(2) { [10, 0, 0, end % 4] } else { [198, 51, 100, end % 4] };
                frame[26..30].copy_from_slice(&own(src));
                frame[30..34].copy_from_slice(&own(dst));
            }
        }
        frame
    })
}

/// The files of a fuzz target's corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = format!("{}/../fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("each target has a corpus")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("it can be read")).collect()
}

/// What a fuzz target found or was given, with some bytes changed.
fn mutated(name: &str) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 0..8);
    (prop::sample::select(corpus(name)), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

#[test]
fn every_door_withstands_its_corpus() {
    for (door, name) in Door::ALL {
        corpus(name).iter().for_each(|bytes| door.knock(bytes));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_line_of_a_shell_is_done_or_refused(line in strategy::line(SHELL, 1..20)) {
        Door::Shell.knock(line.as_bytes());
    }

    #[test]
    fn any_line_of_iptables_is_done_or_refused(lines in lines(IPTABLES, 1..12)) {
        Door::Iptables.knock(lines.as_bytes());
    }

    #[test]
    fn any_line_of_ip_is_done_or_refused(lines in lines(IP, 1..12)) {
        Door::Ip.knock(lines.as_bytes());
    }

    #[test]
    fn any_line_of_docker_is_done_or_refused(lines in lines(DOCKER, 1..10)) {
        Door::Docker.knock(lines.as_bytes());
    }

    #[test]
    fn any_request_is_answered(
        method in prop::sample::select(&["GET", "POST", "PUT", "DELETE", "HEAD"][..]),
        path in prop_oneof![9 => prop::sample::select(PATHS).prop_map(str::to_owned), 1 => "[a-z/%0-9]{0,20}"],
        query in prop::sample::select(QUERIES),
        body in prop_oneof![
            "\\PC{0,40}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..600),
            prop::sample::select(bodies()),
        ],
    ) {
        Door::Api.knock(&[format!("{method} /{path}{query}\n").as_bytes(), &body].concat());
    }

    #[test]
    fn whatever_a_plugin_answers_nothing_is_left_half_made(text in said_at("plugin", 0, 1..16)) {
        Door::Plugin.knock(text.as_bytes());
    }

    #[test]
    fn whatever_is_said_to_nodes_of_a_swarm_they_live_on(text in said_at("cluster", 1, 1..4)) {
        Door::Cluster.knock(text.as_bytes());
    }

    #[test]
    fn whatever_is_written_into_a_store_engines_live_on(text in written()) {
        Door::Store.knock(text.as_bytes());
    }

    #[test]
    fn any_template_is_rendered_or_refused(text in strategy::line(TEMPLATE, 1..16)) {
        Door::Template.knock(text.as_bytes());
    }

    #[test]
    fn any_file_is_a_scenario_or_refused(text in strategy::line(SCENARIO, 1..30)) {
        Door::Scenario.knock(text.as_bytes());
    }

    #[test]
    fn any_frame_crosses_a_bridge_once_or_not_at_all(bytes in frames(strategy::damaged())) {
        Door::Bridge.knock(&bytes);
    }

    #[test]
    fn any_frame_is_routed_translated_or_dropped(bytes in frames(addressed())) {
        Door::Router.knock(&bytes);
    }

    #[test]
    fn any_frame_is_taken_by_a_host_or_dropped(bytes in frames(addressed())) {
        Door::Host.knock(&bytes);
    }

    #[test]
    fn any_frame_goes_through_a_tunnel_once_or_not_at_all(bytes in prop_oneof![frames(addressed()), mutated("vtep")]) {
        Door::Vtep.knock(&bytes);
    }

    #[test]
    fn any_bytes_from_a_tap_device_are_a_frame_or_nothing(
        frames in prop::collection::vec((any::<bool>(), any::<[u8; 10]>(), strategy::damaged()), 1..8),
    ) {
        // With a plain header, and right checksums, another segment follows.
        let sent = |(is_followed, header, frame): &(bool, [u8; 10], Vec<u8>)| match (is_followed, header) {
            (true, _) => (0xa0, [&[0; 12], &frame[..]].concat()),
            (false, [kind, rest @ ..]) => (0, [&[kind % 2], &rest[..], &[0; 2], frame].concat()),
        };
        let sent: Vec<(u8, Vec<u8>)> = frames.iter().map(sent).collect();
        Door::Tap.knock(&Door::frames(sent.iter().map(|(how, frame)| (*how, &frame[..]))));
    }

    #[test]
    fn any_message_is_answered_by_dns_or_ignored(
        bytes in prop_oneof![mutated("dns"), prop::collection::vec(any::<u8>(), 0..100)],
    ) {
        Door::Dns.knock(&bytes);
    }

    #[test]
    fn any_frames_are_read_from_a_capture_file_as_they_were_written(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
        Door::Pcapng.knock(&bytes);
    }
}

/// Bodies that have something to do with what is asked.
fn bodies() -> Vec<Vec<u8>> {
    [
        json!({ "Image": "busybox", "Cmd": ["sh"], "HostConfig": { "NetworkMode": "n1", "PortBindings": { "x": [{}] } } }),
        json!({ "Image": ["busybox"], "HostConfig": 7 }),
        json!({ "Image": "busybox", "NetworkingConfig": { "EndpointsConfig": { "n1": { "IPAMConfig": { "IPv4Address": "x" } } } } }),
        json!({ "Name": "n2", "IPAM": { "Config": [{ "Subnet": "10.1.0.0/24" }] } }),
        json!({ "Name": "n2", "IPAM": { "Config": [{ "Subnet": "x", "Gateway": "10.0.0.1" }] }, "Options": { "a": 1 } }),
        json!({ "Container": "c1", "EndpointConfig": { "Aliases": ["a"], "IPAMConfig": {} } }),
        json!({ "Container": "c1", "Force": true }),
        json!({ "Cmd": ["ls"], "AttachStdout": true, "Env": null }),
        json!([[[[[[[[[[]]]]]]]]]]),
        json!(null),
    ]
    .iter()
    .map(|body| body.to_string().into_bytes())
    .collect()
}
