//! Which node a task goes to: those that fit, and of those the one that has the least of its service, then the least of
//! all (swarmkit's spreading scheduler).

use std::collections::BTreeMap;

use crate::cluster::object::{CPUS, MEMORY, Node, Role};
use crate::cluster::service::{PortSpec, PublishMode, Service, Task, TaskSpec, TaskState};

/// A node, and whether it takes tasks.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) node: Node,
    pub(super) takes: bool,
}

/// Why a node does not do, in the order in which they are told.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Objection {
    NotAvailable,
    Resources,
    Constraint,
    Port,
    TooMany,
}

impl Objection {
    fn told(self, nodes: usize) -> String {
        let plural = if nodes == 1 { "node" } else { "nodes" };
        match self {
            Self::NotAvailable if nodes == 1 => "1 node not available for new tasks".to_owned(),
            Self::NotAvailable => format!("{nodes} nodes not available for new tasks"),
            Self::Resources => format!("insufficient resources on {nodes} {plural}"),
            Self::Constraint => format!("scheduling constraints not satisfied on {nodes} {plural}"),
            Self::Port => format!("host-mode port already in use on {nodes} {plural}"),
            Self::TooMany => "max replicas per node limit exceed".to_owned(),
        }
    }
}

/// The node for a task among `candidates`, when `tasks` are there already.
///
/// # Errors
/// Why there is none.
pub(super) fn choose(task: &Task, candidates: &[Candidate], tasks: &[&Task]) -> Result<String, String> {
    let mut objections: BTreeMap<Objection, usize> = BTreeMap::new();
    let mut fitting: Vec<&Candidate> = Vec::new();
    for candidate in candidates.iter().filter(|c| task.node.as_ref().is_none_or(|node| *node == c.node.id)) {
        match object(task, candidate, tasks) {
            Some(objection) => *objections.entry(objection).or_default() += 1,
            None => fitting.push(candidate),
        }
    }
    let count = |node: &str, fits: &dyn Fn(&Task) -> bool| {
        let here = tasks.iter().filter(|other| other.node.as_deref() == Some(node) && is_there(other));
        here.filter(|other| fits(other)).count()
    };
    let of_service = |other: &Task| other.service == task.service;
    let fitting = preferred(task, fitting, &|node| count(node, &of_service));
    let least = fitting.into_iter().min_by_key(|c| (count(&c.node.id, &of_service), count(&c.node.id, &|_| true)));
    least.map(|candidate| candidate.node.id.clone()).ok_or_else(|| {
        let told: Vec<String> = objections.into_iter().map(|(objection, nodes)| objection.told(nodes)).collect();
        match told.as_slice() {
            [] => "no suitable node".to_owned(),
            // A task of every node is for this one.
            told if task.slot.is_none() => told.join("; "),
            told => format!("no suitable node ({})", told.join("; ")),
        }
    })
}

/// Of the nodes those whose label has the value with the fewest tasks of the service, for each preference in turn.
fn preferred<'a>(task: &Task, mut nodes: Vec<&'a Candidate>, count: &dyn Fn(&str) -> usize) -> Vec<&'a Candidate> {
    let preferences = task.spec.placement.iter().flat_map(|placement| &placement.preferences);
    for preference in preferences {
        let Some(label) = label_of(&preference.spread.spread_descriptor) else { continue };
        let value = |candidate: &Candidate| candidate.node.spec.labels.get(label).cloned().unwrap_or_default();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for candidate in &nodes {
            *counts.entry(value(candidate)).or_default() += count(&candidate.node.id);
        }
        let least = counts.into_iter().min_by_key(|(_, tasks)| *tasks).map(|(value, _)| value);
        nodes.retain(|candidate| Some(value(candidate)) == least);
    }
    nodes
}

/// The label that is meant by `node.labels.zone`.
fn label_of(descriptor: &str) -> Option<&str> {
    const LABELS: &str = "node.labels.";
    let start = descriptor.get(..LABELS.len()).filter(|start| start.eq_ignore_ascii_case(LABELS))?;
    Some(&descriptor[start.len()..])
}

const fn is_there(task: &Task) -> bool {
    !matches!(
        task.status.state,
        TaskState::New
            | TaskState::Pending
            | TaskState::Complete
            | TaskState::Shutdown
            | TaskState::Failed
            | TaskState::Rejected
            | TaskState::Remove
            | TaskState::Orphaned
    )
}

fn object(task: &Task, candidate: &Candidate, tasks: &[&Task]) -> Option<Objection> {
    let node = &candidate.node;
    if !candidate.takes {
        return Some(Objection::NotAvailable);
    }
    if !has_room(task, candidate, tasks) {
        return Some(Objection::Resources);
    }
    if !fits(&task.spec, node) {
        return Some(Objection::Constraint);
    }
    let here = || tasks.iter().filter(|other| other.node.as_ref() == Some(&node.id) && is_there(other));
    let wanted = |port: &PortSpec| task.ports.iter().any(|own| is_same_port(own, port));
    if here().any(|other| other.ports.iter().any(wanted)) {
        return Some(Objection::Port);
    }
    let most = task.spec.placement.as_ref().map_or(0, |placement| placement.max_replicas);
    let of_service = here().filter(|other| other.service == task.service && other.is_wanted()).count();
    (most > 0 && u64::try_from(of_service).unwrap_or(u64::MAX) >= most).then_some(Objection::TooMany)
}

/// Whether what a task wants kept for it is left on a node, beside what is kept for others.
fn has_room(task: &Task, candidate: &Candidate, tasks: &[&Task]) -> bool {
    let kept = |task: &Task, field: &str| {
        let resources = task.spec.resources.as_ref();
        resources.and_then(|all| all["Reservations"][field].as_u64()).unwrap_or_default()
    };
    // Nodes have no resources that a user would have to name.
    let named = task.spec.resources.as_ref().map(|all| &all["Reservations"]["GenericResources"]);
    if named.and_then(serde_json::Value::as_array).is_some_and(|named| !named.is_empty()) {
        return false;
    }
    let here = tasks.iter().filter(|other| other.node.as_ref() == Some(&candidate.node.id) && is_there(other));
    let here: Vec<&&Task> = here.filter(|other| other.id != task.id).collect();
    [("NanoCPUs", CPUS), ("MemoryBytes", MEMORY)].into_iter().all(|(field, all)| {
        let others: u64 = here.iter().map(|other| kept(other, field)).fold(0, u64::saturating_add);
        let wanted = kept(task, field);
        wanted == 0 || others.saturating_add(wanted) <= all
    })
}

/// Whether two host ports are one.
fn is_same_port(one: &PortSpec, other: &PortSpec) -> bool {
    let is_host = |port: &PortSpec| port.publish_mode == PublishMode::Host && port.published_port != 0;
    is_host(one) && is_host(other) && (one.published_port, one.protocol) == (other.published_port, other.protocol)
}

/// Whether a node is where the tasks of a service may be.
pub(super) fn fits_service(service: &Service, node: &Node) -> bool {
    fits(&service.spec.task_template, node)
}

/// Whether a node is where a task may be.
pub(super) fn fits(spec: &TaskSpec, node: &Node) -> bool {
    let constraints = spec.placement.iter().flat_map(|placement| &placement.constraints);
    constraints.filter_map(|text| Constraint::parse(text).ok()).all(|constraint| constraint.holds(node))
}

/// `node.role==worker`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Constraint {
    key: String,
    is_equal: bool,
    value: String,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// In the manager's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (at, is_equal) = match (text.find("=="), text.find("!=")) {
            (Some(at), None) => (at, true),
            (None, Some(at)) => (at, false),
            (Some(equal), Some(unequal)) => (equal.min(unequal), equal < unequal),
            (None, None) => {
                return Err("constraint expected one operator from ==, !=".to_owned());
            }
        };
        let (key, value) = (text[..at].trim(), text[at + 2..].trim());
        let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && key.chars().all(is_word);
        if !is_key {
            return Err(format!("key '{key}' is invalid"));
        }
        let is_value = |c: char| c.is_ascii_alphanumeric() || "-_. :/*()?+[]\\^$|".contains(c);
        if value.is_empty() || !value.chars().all(is_value) {
            return Err(format!("value '{value}' is invalid"));
        }
        Ok(Self { key: key.to_owned(), is_equal, value: value.to_owned() })
    }

    /// Whether it is true of a node. What cannot be asked of one is not.
    fn holds(&self, node: &Node) -> bool {
        let role = if node.spec.role == Role::Manager { "manager" } else { "worker" };
        let key = self.key.to_ascii_lowercase();
        let is = match key.as_str() {
            "node.id" => node.id.clone(),
            "node.hostname" => node.hostname.clone(),
            "node.role" => role.to_owned(),
            "node.ip" => node.addr.ip().to_string(),
            "node.platform.os" => "linux".to_owned(),
            "node.platform.arch" => "x86_64".to_owned(),
            _ => {
                match self.key.get(.."node.labels.".len()).filter(|start| start.eq_ignore_ascii_case("node.labels.")) {
                    Some(start) => node.spec.labels.get(&self.key[start.len()..]).cloned().unwrap_or_default(),
                    None => return false,
                }
            }
        };
        is.eq_ignore_ascii_case(&self.value) == self.is_equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_has_a_key_an_operator_and_a_value() {
        let parsed = Constraint::parse("node.role != manager").unwrap();
        assert_eq!((parsed.key.as_str(), parsed.is_equal, parsed.value.as_str()), ("node.role", false, "manager"));
        assert_eq!(Constraint::parse("foo"), Err("constraint expected one operator from ==, !=".to_owned()));
        assert!(Constraint::parse("node.role=worker").is_err());
        assert_eq!(Constraint::parse("1x==y"), Err("key '1x' is invalid".to_owned()));
        assert_eq!(Constraint::parse("node.role=="), Err("value '' is invalid".to_owned()));
    }
}
