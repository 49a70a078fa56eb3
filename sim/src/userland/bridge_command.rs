//! `bridge`: the forwarding database and the ports, as iproute2 6.1 shows them on a host. Bridges themselves are
//! `crate::bridge`; they are changed by `ip link` and `brctl`.

mod fdb;

use super::ip::{Scene, named_peers};
use super::{Flavour, Programs, Straight, Sys};
use crate::device::Device;

/// Puts `bridge` on the path of hosts; busybox has no such applet.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "bridge", || Box::new(Straight(run)));
}

fn run(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv()[1..].to_vec();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (details, words) = match words.as_slice() {
        ["-d" | "-details", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let outcome = match words {
        ["fdb", rest @ ..] => fdb::run(sys, rest),
        ["link", rest @ ..] => link(sys, rest.strip_prefix(&["show"]).unwrap_or(rest), details),
        [word, ..] => Err((format!("Object \"{word}\" is unknown, try \"bridge help\".\n"), 255)),
        [] => Err((USAGE.to_owned(), 255)),
    };
    sys.conclude(outcome)
}

const USAGE: &str = "\
Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }
       bridge [ -force ] -batch filename
where  OBJECT := { link | fdb | mdb | vlan | vni | monitor }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] |
                    -o[neline] | -t[imestamp] | -n[etns] name |
                    -c[ompressvlans] -color -p[retty] -j[son] }
";

type Failure = (String, i32);

fn link(sys: &mut Sys<'_>, words: &[&str], details: bool) -> Result<String, Failure> {
    let only = match words {
        ["dev", name] | [name] => Some((*name).to_owned()),
        _ => None,
    };
    if let Some(name) = only.as_ref().filter(|name| sys.network().device_named(name).is_none()) {
        return Err((format!("Cannot find device \"{name}\"\n"), 1));
    }
    let namespace = sys.namespace_id();
    let peers = named_peers(sys, namespace);
    let devices = &sys.network().devices;
    let scene = Scene { devices, peers: &peers, flavour: Flavour::Host };
    let ports = devices.values().filter(|d| d.master.is_some() && only.as_ref().is_none_or(|name| d.name == *name));
    Ok(ports.map(|port| port_line(&scene, port, details)).collect())
}

fn port_line(scene: &Scene<'_>, port: &Device, details: bool) -> String {
    let bridge_up = port.master.and_then(|index| scene.devices.get(&index)).is_some_and(|b| b.up);
    let state = if bridge_up && port.is_running() { "forwarding" } else { "disabled" };
    let (name, flags, mtu) = (scene.name(port), scene.flags(port), port.mtu.bytes());
    let master = scene.master(port).unwrap_or_default();
    let line =
        format!("{}: {name}: <{flags}> mtu {mtu} master {master} state {state} priority 32 cost 2 \n", port.index.0);
    if details { line + DETAILS } else { line }
}

/// The settings of a port; none of them can be changed here.
const DETAILS: &str = "    hairpin off guard off root_block off fastleave off learning on flood on mcast_flood on \
                       bcast_flood on mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off \
                       isolated off locked off \n";

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::ip::samples::{address, all, bridge, loopback, veth};
    use super::*;
    use crate::addr::Mac;
    use crate::bridge::Bridge;
    use crate::device::{Devices, IfIndex, Kind};
    use crate::time::Instant;

    /// docker0 with one port behind which a container was seen.
    pub(super) fn host() -> Devices {
        let mut docker0 = bridge(3, "docker0", "02:42:4b:18:8e:39");
        docker0.addresses = vec![address("172.17.0.1/16"), address("fe80::42:4bff:fe18:8e39/64")];
        let mut port = veth(6, "veth01020fb", "5e:f1:a1:82:d6:a0", 5);
        (port.master, port.peer_netnsid) = (Some(IfIndex(3)), Some(1));
        port.addresses = vec![address("fe80::5cf1:a1ff:fe82:d6a0/64")];
        let mut inside = Bridge::default();
        inside.fixed_mac = true;
        inside.add_port(port.index, port.mac, Instant::ZERO);
        let container = "02:42:ac:11:00:02".parse().unwrap();
        inside.forward(Instant::ZERO, port.index, container, Mac::BROADCAST, docker0.mac);
        docker0.kind = Kind::Bridge(Box::new(inside));
        all([loopback(), docker0, port])
    }

    #[test]
    fn a_port_forwards_while_it_and_its_bridge_run() {
        let mut devices = host();
        let peers = BTreeMap::new();
        let line = |devices: &Devices| {
            let scene = Scene { devices, peers: &peers, flavour: Flavour::Host };
            port_line(&scene, devices.get(&IfIndex(6)).unwrap(), false)
        };
        assert_eq!(
            line(&devices),
            "6: veth01020fb@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master docker0 state forwarding \
             priority 32 cost 2 \n"
        );
        devices.get_mut(&IfIndex(3)).unwrap().up = false;
        assert!(line(&devices).contains("state disabled"));
    }
}
