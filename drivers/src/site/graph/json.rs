//! A graph for programs.

use serde_json::{Value, json};

use super::{Device, End, Graph, Node, What};

/// The text of it: an object with `nodes` and `links`.
pub(super) fn write(graph: &Graph) -> String {
    let links = graph.links.iter().map(|link| {
        let ends: Vec<Value> = link.ends.iter().map(|end| of_end(graph, end)).collect();
        json!({ "kind": link.kind, "up": link.is_up, "ends": ends })
    });
    let nodes: Vec<Value> = graph.nodes.iter().map(of_node).collect();
    let whole = json!({ "nodes": nodes, "links": links.collect::<Vec<_>>() });
    format!("{whole:#}\n")
}

fn of_node(node: &Node) -> Value {
    let kind = match node.what {
        What::Bridge => "bridge",
        What::Container { .. } => "container",
        What::Host => "host",
        What::Machine => "machine",
        What::Namespace => "namespace",
        What::Network { .. } => "network",
    };
    let mut value = json!({ "id": node.id, "kind": kind, "name": node.name, "host": node.host });
    match &node.what {
        What::Container { image, state } => {
            value["image"] = json!(image);
            value["state"] = json!(state);
        }
        What::Network { driver, subnets, is_internal, device } => {
            value["driver"] = json!(driver);
            value["subnets"] = json!(subnets);
            value["internal"] = json!(is_internal);
            value["device"] = json!(device);
        }
        What::Bridge | What::Host | What::Machine | What::Namespace => {}
    }
    if !node.devices.is_empty() {
        value["devices"] = node.devices.iter().map(|device| of_device(Some(device))).collect();
    }
    value
}

fn of_end(graph: &Graph, end: &End) -> Value {
    let device = of_device(end.device.as_ref());
    json!({ "node": graph.nodes[end.node].id, "device": device["name"], "addresses": device["addresses"] })
}

fn of_device(device: Option<&Device>) -> Value {
    let addresses = device.map_or(&[][..], |device| &device.addresses);
    json!({ "name": device.map(|device| &device.name), "addresses": addresses })
}
