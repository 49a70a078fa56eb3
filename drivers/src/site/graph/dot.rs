//! A graph for Graphviz.

use super::{Graph, Link, Node, What};

/// The text of it.
pub(super) fn write(graph: &Graph) -> String {
    let mut text = "graph netyard {\n  node [shape=box]\n".to_owned();
    for (host, members) in graph.groups() {
        let indent = if host.is_some() { "    " } else { "  " };
        if let Some(host) = host {
            let (cluster, host) = (quoted(&format!("cluster_{host}")), quoted(host));
            text.push_str(&format!("  subgraph {cluster} {{\n    label={host}\n"));
        }
        for member in members {
            text.push_str(&format!("{indent}{}\n", of_node(&graph.nodes[member])));
        }
        text.push_str(if host.is_some() { "  }\n" } else { "" });
    }
    for link in &graph.links {
        text.push_str(&format!("  {}\n", of_link(graph, link)));
    }
    text + "}\n"
}

fn of_node(node: &Node) -> String {
    let lines: Vec<String> = core::iter::once(node.name.clone()).chain(node.about()).collect();
    let shape = match node.what {
        What::Bridge | What::Network { .. } => " shape=ellipse",
        What::Container { state: "running" | "paused", .. } | What::Host | What::Machine | What::Namespace => "",
        What::Container { .. } => " style=dashed",
    };
    format!("{} [label={}{shape}]", quoted(&node.id), quoted(&lines.join("\n")))
}

fn of_link(graph: &Graph, link: &Link) -> String {
    let [tail, head] = &link.ends;
    let mut words = Vec::new();
    for (key, end) in [("taillabel", tail), ("headlabel", head)] {
        words.extend(end.device.as_ref().map(|device| format!("{key}={}", quoted(&device.to_string()))));
    }
    words.extend((!matches!(&*link.kind, "veth" | "bridge")).then(|| format!("label={}", quoted(&link.kind))));
    words.extend((!link.is_up).then(|| "style=dashed".to_owned()));
    let [tail, head] = [tail, head].map(|end| quoted(&graph.nodes[end.node].id));
    format!("{tail} -- {head} [{}]", words.join(" "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
