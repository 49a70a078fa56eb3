//! What a site looks like from above: hosts, the networks on them, containers, and what joins them, with the addresses
//! where they meet. It is read off the devices that are there, so wiring by hand shows as Docker's own does; what a thing
//! means (this bridge is that network) is what the engines say of it.
//!
//! A graph is a value; the formats below print it and lay nothing out but the drawing, which needs no more than rows.

mod build;
mod dot;
mod drawing;
mod json;
mod mermaid;

use core::fmt;

use super::Site;

/// A picture of a site.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Graph {
    /// The machines of the LAN, then host by host: itself, its networks, bridges, namespaces and containers.
    pub nodes: Vec<Node>,
    /// What joins them, the oldest namespace's first.
    pub links: Vec<Link>,
}

/// Something that has a place in the network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// What no other has: `docker01`, `docker01/container/web`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The host that it is on; none for the LAN and its machines.
    pub host: Option<String>,
    /// What it is.
    pub what: What,
    /// Its devices that lead nowhere else.
    pub devices: Vec<Device>,
}

/// What a node is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// A bridge that no engine made.
    Bridge,
    /// A container.
    Container {
        /// Its image, as it was written.
        image: String,
        /// How it stands.
        state: &'static str,
    },
    /// A host with an engine.
    Host,
    /// Something else on the LAN.
    Machine,
    /// A namespace that was made by hand.
    Namespace,
    /// A network of an engine.
    Network {
        /// Its driver.
        driver: String,
        /// Its subnets.
        subnets: Vec<String>,
        /// Whether it has no way out.
        is_internal: bool,
        /// The bridge that it is, where it is one.
        device: Option<String>,
    },
}

/// A device and its addresses, without those that are for one link only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its addresses, with their prefix lengths.
    pub addresses: Vec<String>,
}

/// What joins two nodes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// What it is: `veth`, `bridge` (a bridge and the host that it is a device of), `macvlan bridge`, `vlan 10`, `vxlan 42`,
    /// `namespace` (a container in another's).
    pub kind: String,
    /// Whether frames can pass.
    pub is_up: bool,
    /// Its two ends.
    pub ends: [End; 2],
}

/// Where a link ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct End {
    /// The node, by its place in the list.
    pub node: usize,
    /// The device there.
    pub device: Option<Device>,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
    /// For Markdown pages.
    Mermaid,
    /// For browsers.
    Svg,
}

impl Format {
    /// All, as they are offered.
    pub const ALL: [Self; 4] = [Self::Mermaid, Self::Dot, Self::Json, Self::Svg];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Json => "json",
            Self::Mermaid => "mermaid",
            Self::Svg => "svg",
        }
    }
}

impl Graph {
    /// The text of it, whole lines.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Dot => dot::write(self),
            Format::Json => json::write(self),
            Format::Mermaid => mermaid::write(self),
            Format::Svg => drawing::write(self),
        }
    }

    /// The hosts, and none for what is on no host, which comes first; each with its nodes by their places in the list.
    fn groups(&self) -> Vec<(Option<&str>, Vec<usize>)> {
        let mut groups: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            match groups.iter_mut().find(|(host, _)| *host == node.host.as_deref()) {
                Some((_, members)) => members.push(at),
                None => groups.push((node.host.as_deref(), vec![at])),
            }
        }
        groups
    }

    /// What is to be read at an end: its device and addresses. A port of a bridge says nothing to people.
    fn label(&self, end: &End) -> Option<String> {
        let device = end.device.as_ref()?;
        let is_port = self.nodes[end.node].is_segment() && device.addresses.is_empty();
        (!is_port).then(|| device.to_string())
    }
}

impl Node {
    /// Whether it is a piece of network that others are on, not somebody on a network.
    const fn is_segment(&self) -> bool {
        matches!(self.what, What::Bridge | What::Network { .. })
    }

    /// What is to be read of it below its name, line by line.
    fn about(&self) -> Vec<String> {
        let mut lines = match &self.what {
            What::Bridge => vec!["bridge".to_owned()],
            What::Container { image, state } => vec![format!("{image}, {state}")],
            What::Host | What::Machine => Vec::new(),
            What::Namespace => vec!["namespace".to_owned()],
            What::Network { driver, subnets, is_internal, .. } => {
                let mut words = vec![driver.clone()];
                words.extend(is_internal.then(|| "internal".to_owned()));
                words.extend(subnets.iter().cloned());
                vec![words.join(" ")]
            }
        };
        lines.extend(self.devices.iter().map(ToString::to_string));
        lines
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.addresses.iter().try_for_each(|address| write!(f, " {address}"))
    }
}

impl Site {
    /// What it looks like now.
    #[must_use]
    pub fn graph(&self) -> Graph {
        build::graph(self)
    }

    /// The same as text, in the format that one word says.
    ///
    /// # Errors
    /// When there is no such format, in words.
    pub(super) fn graph_by(&self, words: &[&str]) -> Result<String, String> {
        let format = match words {
            [] => Some(Format::Mermaid),
            [word] => Format::ALL.into_iter().find(|format| format.word() == *word),
            _ => None,
        };
        let format = format.ok_or_else(|| "usage: netyard graph [mermaid|dot|json|svg]\n".to_owned())?;
        Ok(self.graph().write(format))
    }
}
