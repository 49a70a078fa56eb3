//! A graph for Mermaid, which Markdown pages of code forges draw.

use super::{Graph, Link, Node, What};

/// The text of it.
pub(super) fn write(graph: &Graph) -> String {
    let mut text = "flowchart TB\n".to_owned();
    for (number, (host, members)) in graph.groups().into_iter().enumerate() {
        let indent = if host.is_some() { "    " } else { "  " };
        if let Some(host) = host {
            text.push_str(&format!("  subgraph g{number}[\"{}\"]\n", escaped(host)));
        }
        for member in members {
            text.push_str(&format!("{indent}n{member}{}\n", of_node(&graph.nodes[member])));
        }
        text.push_str(if host.is_some() { "  end\n" } else { "" });
    }
    for link in &graph.links {
        text.push_str(&format!("  {}\n", of_link(graph, link)));
    }
    text
}

fn of_node(node: &Node) -> String {
    let lines: Vec<String> = core::iter::once(&node.name).chain(&node.about()).map(|line| escaped(line)).collect();
    let (before, after) = match node.what {
        What::Bridge | What::Network { .. } => ("([", "])"),
        What::Host | What::Machine => ("[", "]"),
        What::Container { .. } | What::Namespace => ("(", ")"),
    };
    format!("{before}\"{}\"{after}", lines.join("<br>"))
}

fn of_link(graph: &Graph, link: &Link) -> String {
    let [tail, head] = &link.ends;
    let own = (!matches!(&*link.kind, "veth" | "bridge")).then(|| link.kind.clone());
    let words: Vec<String> = graph.label(tail).into_iter().chain(own).chain(graph.label(head)).collect();
    let line = if link.is_up { "---" } else { "-.-" };
    let label = if words.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&words.join(" · "))) };
    format!("n{} {line}{label} n{}", tail.node, head.node)
}

/// `text` without what Mermaid reads something into.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |text, c| match c {
        '#' => text + "#35;",
        '"' => text + "#quot;",
        '<' => text + "#lt;",
        '>' => text + "#gt;",
        c => text + c.encode_utf8(&mut [0; 4]),
    })
}
