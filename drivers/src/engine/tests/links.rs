//! Legacy links through the engine's door.

use super::*;

impl Lab {
    /// `docker create --name NAME --network NETWORK --link LINK busybox`
    fn create_linked(&mut self, name: &str, network: &str, link: &str) -> (u16, String) {
        let body = json!({ "Image": "busybox", "HostConfig": { "NetworkMode": network, "Links": [link] } });
        self.post(&format!("/containers/create?name={name}"), &body)
    }

    fn start(&mut self, name: &str) -> (u16, String) {
        self.post(&format!("/containers/{name}/start"), &Value::Null)
    }
}

fn far(name: &str) -> String {
    format!("Cannot link to /{name}, as it does not belong to the default network")
}

#[test]
fn a_link_names_a_container_that_exists() {
    let mut lab = Lab::new();
    let refused = |reason: &str| (400, format!("could not get container for {reason}"));
    assert_eq!(lab.create_linked("c1", "bridge", "nosuch:x"), refused("nosuch: No such container: nosuch"));
    assert_eq!(lab.create_linked("c1", "bridge", ":"), refused(": invalid name or ID supplied: \"\""));
    assert_eq!(lab.create_linked("c1", "n1", "nosuch:x").0, 201, "not on a network of a user");
}

#[test]
fn a_link_needs_its_target_to_run_on_the_default_network() {
    let mut lab = Lab::new();
    lab.network("n1", "172.25.0.0/16");
    lab.run("away", "n1", &json!({}));
    lab.create("later", "bridge", &json!({}));
    for (name, link) in [("c1", "away:x"), ("c2", "later:x")] {
        assert_eq!(lab.create_linked(name, "bridge", link).0, 201);
    }
    assert_eq!(lab.start("c1"), (500, far("away")));
    assert_eq!(lab.start("c2"), (500, "Cannot link to a non running container: /later AS /c2/x".to_owned()));
    assert_eq!(lab.get("/networks/bridge")["Containers"], json!({}), "who did not start is on no network");
    assert_eq!(lab.start("later").0, 204);
    assert_eq!(lab.start("c2").0, 204);
}

#[test]
fn an_exec_needs_what_a_start_needs() {
    let mut lab = Lab::new();
    lab.run("web1", "bridge", &json!({}));
    let body = json!({ "Image": "busybox", "Tty": true, "OpenStdin": true, "HostConfig": { "Links": ["web1:db"] } });
    assert_eq!(lab.post("/containers/create?name=c3", &body).0, 201);
    assert_eq!(lab.start("c3").0, 204);
    let exec = json!({ "Cmd": ["fail"] });
    assert_eq!(lab.post("/containers/c3/exec", &exec).0, 201);
    lab.post("/networks/bridge/disconnect", &json!({ "Container": "web1" }));
    assert_eq!(lab.post("/containers/c3/exec", &exec), (500, far("web1")));
}

#[test]
fn who_shares_a_network_is_linked_by_its_owner_and_the_host_not_at_all() {
    let mut lab = Lab::new();
    lab.run("base", "bridge", &json!({}));
    for (name, mode) in [("guest", "container:base"), ("hostc", "host"), ("circle", "container:circle")] {
        lab.post(
            &format!("/containers/create?name={name}"),
            &json!({ "Image": "busybox", "HostConfig": { "NetworkMode": mode } }),
        );
    }
    assert_eq!(lab.create_linked("c1", "bridge", "guest:x").0, 201);
    assert_eq!(lab.start("c1").0, 204);
    let host =
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior";
    assert_eq!(lab.create_linked("c2", "bridge", "hostc:x"), (400, host.to_owned()));
    assert_eq!(lab.create_linked("c3", "bridge", "circle:x").0, 201);
}

#[test]
fn a_link_local_address_must_be_one() {
    let mut lab = Lab::new();
    lab.network("n1", "172.25.0.0/16");
    lab.run("c1", "bridge", &json!({}));
    let mut connect = |addr: &str| lab.connect("n1", "c1", &json!({ "IPAMConfig": { "LinkLocalIPs": [addr] } }));
    assert_eq!(connect("10.0.0.1"), (400, "invalid link local IP address: 10.0.0.1".to_owned()));
    assert_eq!(connect("banana"), (500, "Invalid link-local IP address: [banana]".to_owned()));
    assert_eq!(connect("169.254.9.9").0, 200);
}
