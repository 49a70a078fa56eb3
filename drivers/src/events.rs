//! What the engine tells of its doings (`docker events`): a log of messages and who wants to hear them. Order and number
//! are the engine's own, doubled disconnects included (oracle fact 70).

use std::collections::BTreeMap;

use netyard_sim::time::{Epoch, Instant};
use serde::Serialize;

/// What a message is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A node of a cluster.
    Node,
    /// A service of a cluster.
    Service,
}

impl Subject {
    /// The word in the message.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Node => "node",
            Self::Service => "service",
        }
    }
}

/// One message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// When it was.
    pub at: Instant,
    /// What it is about.
    pub subject: Subject,
    /// What happened: `create`, `exec_create: ping c1` …
    pub action: String,
    /// The id of the container or network, the digest of the image, the name of the volume.
    pub actor: String,
    /// What else there is to say; `image` and `name` for containers, `name` and `type` for networks.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(rename = "Type")]
    subject: &'static str,
    #[serde(rename = "Action")]
    action: &'a str,
    #[serde(rename = "Actor")]
    actor: Actor<'a>,
    scope: &'static str,
    time: u64,
    #[serde(rename = "timeNano")]
    time_nano: u64,
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    #[serde(rename = "Attributes")]
    attributes: &'a BTreeMap<String, String>,
}

impl Message {
    /// Whether it is an affair of the engine alone or of a cluster. A network of a host has a type, that of a cluster none.
    fn scope(&self) -> &'static str {
        match self.subject {
            Subject::Node | Subject::Service => "swarm",
            Subject::Network if !self.attributes.contains_key("type") => "swarm",
            Subject::Container | Subject::Image | Subject::Network | Subject::Volume => "local",
        }
    }

    /// The line that the API sends, newline included.
    ///
    /// # Panics
    /// Never: it is made of text and numbers.
    #[must_use]
    pub fn line(&self, epoch: Epoch) -> String {
        // The first three keys are what messages once were; those of networks and volumes came later.
        let is_old = matches!(self.subject, Subject::Container | Subject::Image);
        let image = self.attributes.get("image").filter(|_| self.subject == Subject::Container);
        let nanos = epoch.unix_nanos(self.at);
        let json = Json {
            status: is_old.then_some(self.action.as_str()),
            id: is_old.then_some(self.actor.as_str()),
            from: image.map(String::as_str),
            subject: self.subject.word(),
            action: &self.action,
            actor: Actor { id: &self.actor, attributes: &self.attributes },
            scope: self.scope(),
            time: nanos / 1_000_000_000,
            time_nano: nanos,
        };
        serde_json::to_string(&json).expect("text and numbers") + "\n"
    }
}

/// Which messages somebody wants. Several values of one kind are alternatives; different kinds must all fit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// `type=`.
    pub subjects: Vec<String>,
    /// `event=`; the part before a colon counts.
    pub actions: Vec<String>,
    /// `container=`: name, id, or the beginning of it.
    pub containers: Vec<String>,
    /// `network=`, likewise.
    pub networks: Vec<String>,
    /// `image=`: what containers were made of, and images themselves; without a tag any fits.
    pub images: Vec<String>,
    /// `volume=`.
    pub volumes: Vec<String>,
    /// `node=`.
    pub nodes: Vec<String>,
    /// `service=`.
    pub services: Vec<String>,
    /// `label=`: `key` or `key=value`, all of them.
    pub labels: Vec<String>,
    /// `scope=`.
    pub scopes: Vec<String>,
}

impl Wanted {
    /// Whether a message is among them.
    #[must_use]
    pub fn includes(&self, message: &Message) -> bool {
        let any = |list: &[String], fits: &dyn Fn(&str) -> bool| list.is_empty() || list.iter().any(|v| fits(v));
        let kind = message.action.split(':').next().unwrap_or_default();
        let of = |subject: Subject, term: &str| {
            message.subject == subject
                && (message.actor.starts_with(term) || message.attributes.get("name").is_some_and(|name| name == term))
        };
        let image = match message.subject {
            Subject::Container => message.attributes.get("image"),
            Subject::Image => message.attributes.get("name").or(Some(&message.actor)),
            Subject::Network | Subject::Volume | Subject::Node | Subject::Service => None,
        };
        let label = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => message.attributes.get(key).is_some_and(|v| v == value),
            None => message.attributes.contains_key(wanted),
        };
        any(&self.subjects, &|v| v == message.subject.word())
            && any(&self.actions, &|v| v == kind || v == message.action)
            && any(&self.containers, &|v| of(Subject::Container, v))
            && any(&self.networks, &|v| of(Subject::Network, v))
            && any(&self.images, &|v| image.is_some_and(|image| image == v || image.split(':').next() == Some(v)))
            && any(&self.volumes, &|v| of(Subject::Volume, v))
            && any(&self.nodes, &|v| of(Subject::Node, v))
            && any(&self.services, &|v| of(Subject::Service, v))
            && any(&self.scopes, &|v| v == message.scope())
            && self.labels.iter().all(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: Subject, action: &str, attributes: &[(&str, &str)]) -> Message {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let at = Instant::from_nanos(1_500_000_000);
        Message { at, subject, action: action.to_owned(), actor: "cd".repeat(32), attributes }
    }

    #[test]
    fn a_line_has_the_engines_keys_in_its_order() {
        let id = "cd".repeat(32);
        let start = message(Subject::Container, "start", &[("name", "c1"), ("image", "busybox")]);
        assert_eq!(
            start.line(Epoch::from_unix(100)),
            format!(
                "{{\"status\":\"start\",\"id\":\"{id}\",\"from\":\"busybox\",\"Type\":\"container\",\"Action\":\"start\",\
                 \"Actor\":{{\"ID\":\"{id}\",\"Attributes\":{{\"image\":\"busybox\",\"name\":\"c1\"}}}},\
                 \"scope\":\"local\",\"time\":101,\"timeNano\":101500000000}}\n"
            )
        );
        let create = message(Subject::Network, "create", &[("name", "n1"), ("type", "bridge")]);
        assert!(create.line(Epoch::DEFAULT).starts_with("{\"Type\":\"network\",\"Action\":\"create\",\"Actor\""));
    }

    #[test]
    fn filters_of_one_kind_are_alternatives() {
        let exec = message(Subject::Container, "exec_create: ping c1", &[("name", "c2"), ("image", "busybox")]);
        let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let wanted = |subjects: &[&str], actions: &[&str], containers: &[&str]| Wanted {
            subjects: list(subjects),
            actions: list(actions),
            containers: list(containers),
            ..Wanted::default()
        };
        assert!(wanted(&[], &[], &[]).includes(&exec));
        assert!(wanted(&["network", "container"], &["exec_create"], &["cdcd"]).includes(&exec));
        assert!(!wanted(&["network"], &["exec_create"], &[]).includes(&exec));
        assert!(!wanted(&[], &["exec_start"], &["c2"]).includes(&exec));
    }
}
