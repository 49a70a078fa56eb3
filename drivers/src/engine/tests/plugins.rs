//! Talks with plugins, beside what a real engine (20.10.24) asked a plugin in the same story. Ids are N for networks, E for
//! endpoints and S for sandboxes.

use netyard_sim::link::Condition;

use super::*;
use crate::plugin::{Failure, Outcome};

/// A plugin that makes networks and gives addresses, and notes what it is asked.
struct Plugin {
    lab: Lab,
    asked: Vec<String>,
    /// What it answers otherwise, by method.
    says: BTreeMap<&'static str, Outcome>,
    addresses: u32,
}

impl Plugin {
    fn new() -> Self {
        let mut lab = Lab::new();
        let host = lab.engine.host.namespace;
        for number in 0..4 {
            let (far, near) = (format!("pl{number}"), format!("pc{number}"));
            lab.world.fabric.create_veth(host, &far, &near, Condition::default()).expect("the names are new");
        }
        Self { lab, asked: Vec::new(), says: BTreeMap::new(), addresses: 1 }
    }

    fn answer(&mut self, question: &Question) -> Outcome {
        let body = match question.ask.method() {
            "Plugin.Activate" => json!({"Implements": ["NetworkDriver", "IpamDriver"]}),
            "NetworkDriver.GetCapabilities" => json!({"Scope": "local", "ConnectivityScope": "local"}),
            "NetworkDriver.CreateEndpoint" => json!({"Interface": {}}),
            "NetworkDriver.Join" => json!({"InterfaceName": {"SrcName": "pc0", "DstPrefix": "eth"}}),
            "IpamDriver.GetDefaultAddressSpaces" => json!({"LocalDefaultAddressSpace": "Loc"}),
            "IpamDriver.RequestPool" => {
                let body: Value = serde_json::from_str(&question.ask.body()).unwrap();
                let pool = Some(body["Pool"].as_str().unwrap()).filter(|pool| !pool.is_empty());
                json!({"PoolID": "pool1", "Pool": pool.unwrap_or("10.77.0.0/24")})
            }
            "IpamDriver.RequestAddress" => {
                let body: Value = serde_json::from_str(&question.ask.body()).unwrap();
                let wanted = Some(body["Address"].as_str().unwrap().to_owned()).filter(|address| !address.is_empty());
                self.addresses += u32::from(wanted.is_none());
                let address = wanted.unwrap_or_else(|| format!("10.77.0.{}", self.addresses));
                json!({"Address": format!("{address}/24")})
            }
            _ => json!({}),
        };
        self.says.get(question.ask.method()).cloned().unwrap_or_else(|| Ok(body.to_string().into_bytes()))
    }

    /// Answers until nothing more is asked.
    fn serve(&mut self) {
        while let Some((talk, question)) = self.lab.engine.poll_question() {
            let line = format!("{} {}", question.ask.method(), question.ask.body());
            self.asked.push(line.trim_end().to_owned());
            let outcome = self.answer(&question);
            self.lab.engine.hear_plugin(&mut self.lab.world, talk, outcome);
            self.lab.pass(Duration::from_millis(1));
        }
    }

    /// Sends a request and serves: its status and the message of a refusal.
    fn send(&mut self, method: &'static str, target: &str, body: &Value) -> (u16, String) {
        let exchange = self.lab.send(method, target, body);
        self.serve();
        let Some((status, body, _)) = self.lab.replies.get(&exchange) else { return (0, String::new()) };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        (*status, body["message"].as_str().unwrap_or_default().to_owned())
    }

    fn ok(&mut self, method: &'static str, target: &str, body: &Value) {
        let (status, message) = self.send(method, target, body);
        assert!((200..300).contains(&status), "{method} {target}: {status} {message}");
    }

    /// What was asked since this was called last, with letters for ids.
    fn asked(&mut self) -> Vec<String> {
        let asked = core::mem::take(&mut self.asked);
        asked.iter().map(|line| masked(line)).collect()
    }

    fn methods(&mut self) -> Vec<String> {
        let asked = core::mem::take(&mut self.asked);
        asked.iter().map(|line| line.split([' ', '.']).nth(1).unwrap().to_owned()).collect()
    }

    fn container(&mut self, name: &str, body: &Value) {
        self.ok("POST", &format!("/v1.41/containers/create?name={name}"), body);
    }
}

/// A line with letters for ids.
fn masked(line: &str) -> String {
    let mut masked = line.to_owned();
    for (key, letter, len) in [("NetworkID\":\"", "N", 64), ("EndpointID\":\"", "E", 64), ("netns/", "S", 12)] {
        if let Some(at) = masked.find(key).map(|at| at + key.len()) {
            masked.replace_range(at..at + len, letter);
        }
    }
    masked
}

fn network(driver: &str, ipam: &Value) -> Value {
    json!({"Name": "n1", "CheckDuplicate": true, "Driver": driver, "IPAM": ipam, "Options": {"a": "b"}})
}

fn subnet(driver: &str) -> Value {
    json!({"Driver": driver, "Config": [{"Subnet": "10.77.0.0/24", "Gateway": "10.77.0.1"}]})
}

fn on(network: &str) -> Value {
    json!({
        "Image": "busybox", "OpenStdin": true, "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"NetworkMode": network, "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
    })
}

const PORTS: &str = r#""Options":{"com.docker.network.endpoint.exposedports":[{"Proto":6,"Port":80}],"com.docker.network.portmap":[{"Proto":6,"IP":"","Port":80,"HostIP":"","HostPort":8080,"HostPortEnd":8080}]}"#;

#[test]
fn a_network_of_a_plugins_is_asked_for_as_the_real_engine_does() {
    let mut plugin = Plugin::new();
    plugin.ok("POST", "/v1.41/networks/create", &network("net1", &subnet("default")));
    assert_eq!(
        plugin.asked(),
        [
            "Plugin.Activate",
            "NetworkDriver.GetCapabilities",
            "IpamDriver.GetCapabilities",
            "IpamDriver.GetDefaultAddressSpaces",
            r#"NetworkDriver.CreateNetwork {"NetworkID":"N","Options":{"com.docker.network.enable_ipv6":false,"com.docker.network.generic":{"a":"b"}},"IPv4Data":[{"AddressSpace":"LocalDefault","Gateway":"10.77.0.1/24","Pool":"10.77.0.0/24"}],"IPv6Data":[]}"#,
        ]
    );
    plugin.container("c1", &on("n1"));
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    let place = r#""NetworkID":"N","EndpointID":"E""#;
    let created = format!(
        r#"NetworkDriver.CreateEndpoint {{{place},"Interface":{{"Address":"10.77.0.2/24","AddressIPv6":"","MacAddress":""}},{PORTS}}}"#
    );
    let joined = format!(r#"NetworkDriver.Join {{{place},"SandboxKey":"/var/run/docker/netns/S",{PORTS}}}"#);
    assert_eq!(plugin.asked(), [created, joined.clone()]);

    plugin.ok("POST", "/v1.41/networks/n1/disconnect", &json!({"Container": "c1"}));
    let left = [format!("NetworkDriver.Leave {{{place}}}"), format!("NetworkDriver.DeleteEndpoint {{{place}}}")];
    assert_eq!(plugin.asked(), left);
    let at = json!({"Container": "c1", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.77.0.9"}}});
    plugin.ok("POST", "/v1.41/networks/n1/connect", &at);
    let connected = format!(
        r#"NetworkDriver.CreateEndpoint {{{place},"Interface":{{"Address":"10.77.0.9/24","AddressIPv6":"","MacAddress":""}},"Options":{{}}}}"#
    );
    assert_eq!(plugin.asked(), [connected, joined]);
    let again = plugin.send("POST", "/v1.41/networks/n1/connect", &at);
    assert_eq!(again, (403, "endpoint with name c1 already exists in network n1".to_owned()));

    plugin.ok("DELETE", "/v1.41/containers/c1?force=1", &json!({}));
    assert_eq!(plugin.asked(), left);
    plugin.ok("DELETE", "/v1.41/networks/n1", &json!({}));
    assert_eq!(plugin.asked(), [r#"NetworkDriver.DeleteNetwork {"NetworkID":"N"}"#]);
}

#[test]
fn addresses_of_a_plugins_are_asked_for_as_the_real_engine_does() {
    let mut plugin = Plugin::new();
    plugin.ok("POST", "/v1.41/networks/create", &network("bridge", &json!({"Driver": "net1", "Options": {"p": "q"}})));
    assert_eq!(
        plugin.asked()[4..],
        [
            r#"IpamDriver.RequestPool {"AddressSpace":"Loc","Pool":"","SubPool":"","Options":{"p":"q"},"V6":false}"#,
            r#"IpamDriver.RequestAddress {"PoolID":"pool1","Address":"","Options":{"RequestAddressType":"com.docker.network.gateway"}}"#,
        ]
    );
    let shown = plugin.lab.send("GET", "/v1.41/networks/n1", &json!({}));
    let shown: Value = serde_json::from_slice(plugin.lab.body(shown)).unwrap();
    assert_eq!(
        shown["IPAM"],
        json!({"Driver": "net1", "Options": {"p": "q"}, "Config": [{"Subnet": "10.77.0.0/24", "Gateway": "10.77.0.2"}]})
    );
    plugin.container("c1", &on("n1"));
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    assert_eq!(plugin.asked(), [r#"IpamDriver.RequestAddress {"PoolID":"pool1","Address":"","Options":null}"#]);
    plugin.ok("DELETE", "/v1.41/containers/c1?force=1", &json!({}));
    assert_eq!(plugin.asked(), [r#"IpamDriver.ReleaseAddress {"PoolID":"pool1","Address":"10.77.0.3"}"#]);
    plugin.ok("DELETE", "/v1.41/networks/n1", &json!({}));
    assert_eq!(
        plugin.asked(),
        [
            r#"IpamDriver.ReleaseAddress {"PoolID":"pool1","Address":"10.77.0.2"}"#,
            r#"IpamDriver.ReleasePool {"PoolID":"pool1"}"#,
        ]
    );
}

#[test]
fn a_network_may_have_both_and_is_given_back_in_the_real_engines_order() {
    let mut plugin = Plugin::new();
    let ipam = json!({"Driver": "net1", "Config": [{
        "Subnet": "10.78.0.0/16", "IPRange": "10.78.1.0/24", "Gateway": "10.78.0.7", "AuxiliaryAddresses": {"x": "10.78.0.8"},
    }]});
    let asked = json!({"Name": "b1", "Driver": "net1", "IPAM": ipam});
    plugin.ok("POST", "/v1.41/networks/create", &asked);
    assert_eq!(
        plugin.asked()[4..],
        [
            r#"IpamDriver.RequestPool {"AddressSpace":"Loc","Pool":"10.78.0.0/16","SubPool":"10.78.1.0/24","Options":{},"V6":false}"#,
            r#"IpamDriver.RequestAddress {"PoolID":"pool1","Address":"10.78.0.7","Options":{"RequestAddressType":"com.docker.network.gateway"}}"#,
            r#"IpamDriver.RequestAddress {"PoolID":"pool1","Address":"10.78.0.8","Options":null}"#,
            r#"NetworkDriver.CreateNetwork {"NetworkID":"N","Options":{"com.docker.network.enable_ipv6":false,"com.docker.network.generic":{}},"IPv4Data":[{"AddressSpace":"Loc","AuxAddresses":{"x":"10.78.0.8/24"},"Gateway":"10.78.0.7/24","Pool":"10.78.0.0/16"}],"IPv6Data":[]}"#,
        ]
    );
    plugin.ok("POST", "/v1.41/networks/prune", &json!({}));
    assert_eq!(
        plugin.asked(),
        [
            r#"IpamDriver.ReleaseAddress {"PoolID":"pool1","Address":"10.78.0.7"}"#,
            r#"IpamDriver.ReleaseAddress {"PoolID":"pool1","Address":"10.78.0.8"}"#,
            r#"IpamDriver.ReleasePool {"PoolID":"pool1"}"#,
            r#"NetworkDriver.DeleteNetwork {"NetworkID":"N"}"#,
        ]
    );
}

#[test]
fn a_way_out_of_the_plugins_has_the_ports_and_loses_them_to_one_that_comes_first() {
    let mut plugin = Plugin::new();
    let answer = r#"{"InterfaceName":{"SrcName":"pc0","DstPrefix":"foo"},"Gateway":"10.77.0.1","StaticRoutes":[
        {"Destination":"10.99.0.0/16","RouteType":0,"NextHop":"10.77.0.5"},{"Destination":"10.98.0.0/16","RouteType":1}]}"#;
    plugin.says.insert("NetworkDriver.Join", Ok(answer.into()));
    plugin.ok("POST", "/v1.41/networks/create", &network("net1", &subnet("default")));
    plugin.container("c1", &on("n1"));
    plugin.methods();
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    assert_eq!(plugin.methods(), ["CreateEndpoint", "Join", "ProgramExternalConnectivity", "EndpointOperInfo"]);
    let container = plugin.lab.engine.container("c1").unwrap();
    let namespace = plugin.lab.world.fabric.namespace(plugin.lab.engine.namespace_of(container).unwrap());
    let routes: Vec<String> = namespace.routes.iter().map(|route| route.dst.to_string()).collect();
    assert_eq!(routes, ["10.77.0.0/24", "10.98.0.0/16", "10.99.0.0/16", "0.0.0.0/0"]);
    assert!(namespace.device_named("foo0").is_some());

    plugin.ok("POST", "/v1.41/networks/bridge/connect", &json!({"Container": "c1"}));
    assert_eq!(plugin.methods(), ["RevokeExternalConnectivity"]);
    plugin.ok("POST", "/v1.41/networks/bridge/disconnect", &json!({"Container": "c1"}));
    assert_eq!(plugin.methods(), ["ProgramExternalConnectivity"]);
    plugin.ok("POST", "/v1.41/containers/c1/kill", &json!({}));
    assert_eq!(plugin.methods(), ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"]);
    let host = plugin.lab.world.fabric.namespace(plugin.lab.engine.host.namespace);
    assert!(host.device_named("pc0").is_some(), "the device is given back under its name");
}

#[test]
fn what_an_endpoint_is_refused_is_said_in_the_real_engines_words_and_taken_back() {
    let mut plugin = Plugin::new();
    plugin.ok("POST", "/v1.41/networks/create", &network("net1", &subnet("default")));
    let made = "failed to create endpoint c1 on network n1";
    let hook = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
                process: error during container init: error running hook #0: error running hook: exit status 1, stdout: \
                , stderr: level=fatal msg=";
    for (method, answer, said, undone) in [
        (
            "NetworkDriver.CreateEndpoint",
            r#"{"Interface":{"Address":"10.77.0.50/24"}}"#,
            format!(
                "{made}: driver modified interface address: endpoint interface IP present (10.77.0.2/24). Cannot be modified with (10.77.0.50/24).; rolled back"
            ),
            1,
        ),
        (
            "NetworkDriver.CreateEndpoint",
            r#"{"Interface":{"AddressIPv6":"banana"}}"#,
            format!("{made}: invalid CIDR address: banana"),
            1,
        ),
        (
            "NetworkDriver.CreateEndpoint",
            r#"{"Interface":{"MacAddress":"banana"}}"#,
            format!("{made}: address banana: invalid MAC address"),
            1,
        ),
        (
            "NetworkDriver.CreateEndpoint",
            r#"{"Err":"I do not like it"}"#,
            format!("{made}: remote: I do not like it"),
            0,
        ),
        ("NetworkDriver.CreateEndpoint", "[1", format!("{made}: unexpected EOF"), 1),
        (
            "NetworkDriver.CreateEndpoint",
            "full",
            format!("{made}: invalid character 'u' in literal false (expecting 'a')"),
            1,
        ),
        (
            "NetworkDriver.CreateEndpoint",
            r#"{"Interface":{"AddressIPv6":"10.1.1.1/24"}}"#,
            format!(
                "{made}: driver modified interface address: endpoint interface IP present (10.77.0.2/24). Cannot be modified with (10.1.1.1/24).; rolled back"
            ),
            1,
        ),
        ("NetworkDriver.Join", r#"{"Gateway":"banana"}"#, "unable to parse Gateway \"banana\"".to_owned(), 2),
        (
            "NetworkDriver.Join",
            r#"{"StaticRoutes":[{"Destination":"banana"}]}"#,
            "invalid CIDR address: banana".to_owned(),
            2,
        ),
        (
            "NetworkDriver.Join",
            r#"{"StaticRoutes":[{"Destination":"10.0.0.0/8","NextHop":"banana"}]}"#,
            "failed to parse nexthop IP banana".to_owned(),
            2,
        ),
        (
            "NetworkDriver.Join",
            r#"{"StaticRoutes":[{"Destination":"10.0.0.0/8","RouteType":1,"NextHop":"banana"}]}"#,
            "failed to parse nexthop IP banana".to_owned(),
            2,
        ),
        (
            "NetworkDriver.Join",
            r#"{"InterfaceName":5}"#,
            "json: cannot unmarshal number into Go struct field JoinResponse.InterfaceName of type api.InterfaceName"
                .to_owned(),
            2,
        ),
        ("NetworkDriver.Join", "banana", "invalid character 'b' looking for beginning of value".to_owned(), 2),
        ("NetworkDriver.Join", "", "EOF".to_owned(), 2),
        ("NetworkDriver.Join", r#"{"Err":"joined not"}"#, "remote: joined not".to_owned(), 1),
        (
            "NetworkDriver.Join",
            r#"{"InterfaceName":{"SrcName":"nosuch0","DstPrefix":"eth"}}"#,
            format!(
                "{hook}\"failed to add interface nosuch0 to sandbox: failed to get link by name \\\"nosuch0\\\": Link not found\": unknown"
            ),
            2,
        ),
        (
            "NetworkDriver.Join",
            r#"{"Gateway":"10.99.0.1"}"#,
            format!(
                "{hook}\"failed to set gateway while updating gateway: route for the gateway 10.99.0.1 could not be found: network is unreachable\": unknown"
            ),
            2,
        ),
        (
            "NetworkDriver.Join",
            r#"{"InterfaceName":{"SrcName":"pc0","DstPrefix":"eth"},"Gateway":"10.77.0.2"}"#,
            format!("{hook}\"failed to set gateway while updating gateway: network is unreachable\": unknown"),
            2,
        ),
    ] {
        plugin.says = BTreeMap::from([(method, Ok(answer.into()))]);
        plugin.container("c1", &on("n1"));
        plugin.asked.clear();
        let (_, refused) = plugin.send("POST", "/v1.41/containers/c1/start", &json!({}));
        assert_eq!(refused, said, "{answer}");
        let asked = plugin.methods();
        let undo = asked.iter().filter(|method| ["Leave", "DeleteEndpoint"].contains(&method.as_str()));
        assert_eq!(undo.count(), undone, "{answer}: {asked:?}");
        plugin.ok("DELETE", "/v1.41/containers/c1", &json!({}));
    }
    plugin.says = BTreeMap::from([("NetworkDriver.Join", Err(Failure::Refused(b"boom".to_vec())))]);
    plugin.container("c1", &on("n1"));
    assert_eq!(plugin.send("POST", "/v1.41/containers/c1/start", &json!({})).1, "NetworkDriver.Join: boom");
    assert!(plugin.lab.engine.controller.find("n1").unwrap().endpoints.is_empty());
    plugin.says.clear();
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    let (n1, container) =
        (plugin.lab.engine.controller.find("n1").unwrap(), plugin.lab.engine.container("c1").unwrap());
    let address = n1.endpoint_of(container.id).unwrap().v4.unwrap().net.to_string();
    assert_eq!(address, "10.77.0.2/24", "every refusal gave its address back");
}

#[test]
fn what_a_network_is_refused_is_said_in_the_real_engines_words_and_taken_back() {
    let refused = |method: &'static str, answer: &str, driver: &str, ipam: &Value| {
        let mut plugin = Plugin::new();
        plugin.says = BTreeMap::from([(method, Ok(answer.into()))]);
        let (_, said) = plugin.send("POST", "/v1.41/networks/create", &network(driver, ipam));
        assert_eq!(plugin.lab.engine.controller.networks().len(), 3 + usize::from(said.is_empty()), "{answer}");
        let methods = plugin.methods();
        (said, methods.iter().skip(4).map(String::as_str).collect::<Vec<_>>().join(" "))
    };
    let pool = json!({"Driver": "net1"});
    for (method, answer, said, asked) in [
        ("IpamDriver.RequestPool", r#"{"Error":"I do not like it"}"#, "remote: I do not like it", "RequestPool"),
        ("IpamDriver.RequestPool", "{}", "invalid CIDR address: ", "RequestPool"),
        (
            "IpamDriver.RequestPool",
            r#"{"PoolID":"p","Pool":"fd00::/64"}"#,
            "invalid pool fd00::/64: it is of another address family",
            "RequestPool ReleasePool",
        ),
        (
            "IpamDriver.RequestPool",
            r#"{"PoolID":"p","Pool":"10.77.0.0/24","Data":{"com.docker.network.gateway":"banana"}}"#,
            "failed to parse gateway address (banana) returned by ipam driver: invalid CIDR address: banana",
            "RequestPool ReleasePool",
        ),
        (
            "IpamDriver.RequestAddress",
            r#"{"Error":"I do not like it"}"#,
            "failed to allocate gateway (): remote: I do not like it",
            "RequestPool RequestAddress ReleasePool",
        ),
        (
            "IpamDriver.RequestAddress",
            "{}",
            "failed to allocate gateway (): No address returned",
            "RequestPool RequestAddress ReleasePool",
        ),
        (
            "IpamDriver.RequestAddress",
            r#"{"Address":"10.77.0.5"}"#,
            "failed to allocate gateway (): invalid CIDR address: 10.77.0.5",
            "RequestPool RequestAddress ReleasePool",
        ),
        (
            "IpamDriver.RequestAddress",
            r#"{"Address":"192.168.77.5/24"}"#,
            "failed to allocate gateway (192.168.77.5): Requested address is out of range",
            "RequestPool RequestAddress ReleaseAddress ReleasePool",
        ),
    ] {
        assert_eq!(refused(method, answer, "bridge", &pool), (said.to_owned(), asked.to_owned()), "{answer}");
    }
    let spaces = refused("IpamDriver.GetDefaultAddressSpaces", "banana", "bridge", &pool);
    assert_eq!(spaces, ("invalid ipam driver: \"net1\"".to_owned(), String::new()));
    let own = subnet("default");
    for (method, answer, said) in [
        (
            "Plugin.Activate",
            r#"{"Implements":["VolumeDriver"]}"#,
            "legacy plugin: Plugin does not implement the requested driver",
        ),
        ("Plugin.Activate", "banana", "legacy plugin: invalid character 'b' looking for beginning of value"),
        ("NetworkDriver.GetCapabilities", r#"{"Scope":"banana"}"#, "could not resolve driver net1 in registry"),
        ("NetworkDriver.CreateNetwork", r#"{"Err":"I do not like it"}"#, "remote: I do not like it"),
        ("NetworkDriver.CreateNetwork", r#"{"Error":"I do not like it"}"#, ""),
        (
            "NetworkDriver.CreateNetwork",
            r#"{"Err":7}"#,
            "json: cannot unmarshal number into Go struct field CreateNetworkResponse.Err of type string",
        ),
        (
            "NetworkDriver.GetCapabilities",
            r#"{"Scope":"global"}"#,
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
        ),
    ] {
        assert_eq!(refused(method, answer, "net1", &own).0, said, "{answer}");
    }
    let (_, asked) = refused("IpamDriver.RequestPool", r#"{"PoolID":"p","Pool":"172.17.9.0/24"}"#, "bridge", &pool);
    assert_eq!(
        asked.matches("RequestPool").count(),
        16,
        "a pool that the host has a route into is not asked for without end"
    );
    assert_eq!(asked.matches("ReleasePool").count(), 16);
}

#[test]
fn who_says_no_by_http_is_heard_where_docker_looks_and_another_address_than_was_wanted_is_taken() {
    let mut plugin = Plugin::new();
    let said = |plugin: &mut Plugin, body: &str| {
        plugin.says = BTreeMap::from([("NetworkDriver.CreateNetwork", Err(Failure::Refused(body.into())))]);
        plugin.send("POST", "/v1.41/networks/create", &network("net1", &subnet("default"))).1
    };
    assert_eq!(said(&mut plugin, r#"{"Err":"full"}"#), "NetworkDriver.CreateNetwork: full");
    assert_eq!(said(&mut plugin, r#"{"Error":"full"}"#), "NetworkDriver.CreateNetwork: {\"Error\":\"full\"}");
    plugin.says = BTreeMap::from([("IpamDriver.RequestAddress", Ok(br#"{"Address":"10.77.0.9/24"}"#.to_vec()))]);
    plugin.ok("POST", "/v1.41/networks/create", &network("bridge", &subnet("net1")));
    plugin.container("c1", &on("bridge"));
    let at = |addr: &str| json!({"Container": "c1", "EndpointConfig": {"IPAMConfig": {"IPv4Address": addr}}});
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    plugin.says = BTreeMap::from([("IpamDriver.RequestAddress", Ok(br#"{"Address":"10.77.0.33/24"}"#.to_vec()))]);
    plugin.ok("POST", "/v1.41/networks/n1/connect", &at("10.77.0.44"));
    let (n1, c1) = (plugin.lab.engine.controller.find("n1").unwrap(), plugin.lab.engine.container("c1").unwrap());
    assert_eq!(n1.endpoint_of(c1.id).unwrap().v4.unwrap().net.to_string(), "10.77.0.33/24");
}

#[test]
fn a_plugin_that_is_silent_holds_up_nobody_else_and_its_network_is_not_removed_too_early() {
    let mut plugin = Plugin::new();
    plugin.ok("POST", "/v1.41/networks/create", &network("net1", &subnet("default")));
    plugin.container("c1", &on("n1"));
    plugin.ok("POST", "/v1.41/containers/c1/start", &json!({}));
    let killed = plugin.lab.send("DELETE", "/v1.41/containers/c1?force=1", &json!({}));
    plugin.lab.pass(Duration::from_secs(10));
    assert!(!plugin.lab.replies.contains_key(&killed), "who removes it waits for the plugin");
    let other = plugin.lab.send("POST", "/v1.41/networks/create", &json!({"Name": "n2"}));
    assert_eq!(plugin.lab.replies[&other].0, 201);
    let removed = plugin.lab.send("DELETE", "/v1.41/networks/n1", &json!({}));
    assert_eq!(plugin.lab.replies[&removed].0, 403);
    plugin.serve();
    assert_eq!(plugin.lab.replies[&killed].0, 204);
    plugin.ok("DELETE", "/v1.41/networks/n1", &json!({}));
}

#[test]
fn who_is_gone_when_the_answer_comes_is_not_made() {
    let mut plugin = Plugin::new();
    plugin.ok("POST", "/v1.41/networks/create", &network("net1", &subnet("default")));
    plugin.container("c1", &on("n1"));
    plugin.methods();
    let started = plugin.lab.send("POST", "/v1.41/containers/c1/start", &json!({}));
    plugin.lab.send("DELETE", "/v1.41/containers/c1", &json!({}));
    plugin.serve();
    assert_eq!(plugin.lab.replies[&started].0, 404);
    assert_eq!(plugin.methods(), ["CreateEndpoint", "DeleteEndpoint"]);
}
