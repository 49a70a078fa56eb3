//! Lines, requests and templates of strangers: an answer or an error, never a panic or a hang.

use netyard::lab::strategy;
use netyard::prelude::*;
use netyard_drivers::template::Template;
use proptest::prelude::*;
use serde_json::json;

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

/// A lab with something for lines to name.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.network("n1").subnet("10.1.0.0/24").create().expect("nothing else is there");
    lab.container("c1").network("n1").run().expect("c1");
    lab
}

fn still_works(lab: &Lab) -> bool {
    lab.api("GET", "/_ping", b"", Duration::from_secs(5)) == (Some(200), b"OK".to_vec())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_line_of_a_shell_is_done_or_refused(line in strategy::line(SHELL, 1..20)) {
        let lab = Lab::new();
        let _ = lab.sh(&line);
        prop_assert!(still_works(&lab));
    }

    #[test]
    fn any_line_of_iptables_is_done_or_refused(lines in prop::collection::vec(strategy::line(IPTABLES, 1..12), 1..6)) {
        let lab = Lab::new();
        lines.iter().for_each(|line| _ = lab.sh(&format!("iptables {}", shlex_line(line))));
        prop_assert!(lab.sh("iptables -S && iptables -t nat -S").is_ok());
    }

    #[test]
    fn any_line_of_ip_is_done_or_refused(lines in prop::collection::vec(strategy::line(IP, 1..12), 1..8)) {
        let lab = Lab::new();
        lines.iter().for_each(|line| _ = lab.sh(&format!("ip {}", shlex_line(line))));
        prop_assert!(lab.sh("ip link && ip addr && ip route").is_ok());
    }

    #[test]
    fn any_line_of_docker_is_done_or_refused(lines in prop::collection::vec(strategy::line(DOCKER, 1..10), 1..6)) {
        let lab = lab();
        lines.iter().for_each(|line| _ = lab.sh(&format!("timeout 5 docker {} </dev/null", shlex_line(line))));
        prop_assert!(still_works(&lab));
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
        let lab = lab();
        let (status, _) = lab.api(method, &format!("/{path}{query}"), &body, Duration::from_secs(2));
        prop_assert!(status.is_some() || path.contains("wait"), "{method} /{path}{query} is not answered");
        prop_assert!(still_works(&lab));
    }

    #[test]
    fn any_template_is_rendered_or_refused(text in strategy::line(TEMPLATE, 1..16)) {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.render(&json!({ "Name": "c1", "Ports": [{ "a": 1 }, null], "x": {} }));
        }
    }
}

/// A line whose words stay words, whatever is in them.
fn shlex_line(line: &str) -> String {
    let words =
        line.split(' ').map(|word| shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned));
    words.collect::<Vec<_>>().join(" ")
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
