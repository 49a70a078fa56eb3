//! What managers tell those who listen (`docker events`, scope `swarm`): what changes of services, networks and nodes, when
//! a majority has it. It is read off the changes of the store, so that every manager tells the same.

use std::collections::BTreeMap;

use netyard_sim::world::World;
use serde_json::Value;

use super::Swarm;
use crate::engine::Engine;
use crate::events::Subject;

/// What was said last of what is told of, by the keys of the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Tidings {
    upto: u64,
    known: BTreeMap<String, String>,
}

/// Something to be told.
#[derive(Debug, PartialEq)]
struct Tiding {
    subject: Subject,
    action: &'static str,
    actor: String,
    attributes: BTreeMap<String, String>,
}

/// The beginnings of keys that are told of.
const TOLD: [&str; 4] = ["alive/", "network/", "node/", "service/"];

impl Engine {
    /// Tells what a majority has that had not been told.
    pub(super) fn tell_tidings(&mut self, world: &World) {
        let Some(Swarm { raft: Some(raft), tidings, .. }) = &mut self.swarm else { return };
        let store = raft.store();
        if tidings.upto == store.revision() {
            return;
        }
        let changes = store.changes(tidings.upto, "").ok().filter(|_| tidings.upto > 0);
        let missed: Option<Vec<_>> =
            changes.map(|changes| changes.map(|change| (change.key.clone(), change.value.clone())).collect());
        let told = match missed {
            Some(missed) => missed
                .into_iter()
                .filter_map(|(key, value)| tidings.take_in(&key, value.as_deref()))
                .flatten()
                .collect(),
            // Who has just come tells nothing of what there was.
            None => {
                let all = TOLD.iter().flat_map(|prefix| store.range(prefix));
                tidings.known = all.map(|(key, entry)| (key.to_owned(), entry.value.clone())).collect();
                Vec::new()
            }
        };
        tidings.upto = store.revision();
        for Tiding { subject, action, actor, attributes } in told {
            self.tell(world, subject, actor, action, attributes, &[]);
        }
    }
}

impl Tidings {
    fn take_in(&mut self, key: &str, value: Option<&str>) -> Option<Vec<Tiding>> {
        let prefix = TOLD.into_iter().find(|prefix| key.starts_with(prefix))?;
        let id = &key[prefix.len()..];
        let before = match value {
            Some(value) => self.known.insert(key.to_owned(), value.to_owned()),
            None => self.known.remove(key),
        };
        let (old, new) = (json(before.as_deref()), json(value));
        let one = |subject, action, name: &str, more: BTreeMap<String, String>| {
            let mut attributes = more;
            attributes.insert("name".to_owned(), name.to_owned());
            Tiding { subject, action, actor: id.to_owned(), attributes }
        };
        match prefix {
            "alive/" => {
                let node = json(self.known.get(&format!("node/{id}")).map(String::as_str));
                let (was, is) = (state(before.as_deref()), state(value));
                let name = node["hostname"].as_str().filter(|_| was != is)?;
                Some(vec![one(Subject::Node, "update", name, pair("state", was, is))])
            }
            _ => {
                let (subject, name_at) = match prefix {
                    "node/" => (Subject::Node, "/hostname"),
                    "service/" => (Subject::Service, "/spec/Name"),
                    _ => (Subject::Network, "/name"),
                };
                let name =
                    |value: &Value| value.pointer(name_at).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (action, more) = match (&before, value) {
                    (_, None) => return Some(vec![one(subject, "remove", &name(&old), BTreeMap::new())]),
                    (None, Some(_)) => ("create", BTreeMap::new()),
                    (Some(_), Some(_)) if subject == Subject::Service => {
                        let changes = changes_of_service(&old, &new);
                        let told = changes.into_iter().map(|more| one(subject, "update", &name(&new), more));
                        return Some(told.collect());
                    }
                    (Some(_), Some(_)) => ("update", BTreeMap::new()),
                };
                let first = one(subject, action, &name(&new), more);
                // The engine makes a network first, and then gives it its subnets.
                let is_given = subject == Subject::Network && action == "create" && new["allocated"] == true;
                let second = is_given.then(|| one(subject, "update", &name(&new), BTreeMap::new()));
                Some(core::iter::once(first).chain(second).collect())
            }
        }
    }
}

fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn state(said: Option<&str>) -> &'static str {
    match said {
        None => "down",
        Some("") => "ready",
        Some(_) => "unknown",
    }
}

fn pair(what: &str, old: &str, new: &str) -> BTreeMap<String, String> {
    let ends = [("new", new), ("old", old)].into_iter().filter(|(_, text)| !text.is_empty());
    ends.map(|(end, text)| (format!("{what}.{end}"), text.to_owned())).collect()
}

/// What is another of a service: its image, the number of its tasks, how its change goes. A user's change is told first, and
/// then that it is rolled out, as the engine does one after the other.
fn changes_of_service(old: &Value, new: &Value) -> Vec<BTreeMap<String, String>> {
    const FIELDS: [(&str, &str); 3] = [
        ("image", "/spec/TaskTemplate/ContainerSpec/Image"),
        ("replicas", "/spec/Mode/Replicated/Replicas"),
        ("updatestate", "/update/state"),
    ];
    let said = |value: &Value, at: &str| match value.pointer(at) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let mut changes = BTreeMap::new();
    for (what, at) in FIELDS {
        let (was, is) = (said(old, at), said(new, at));
        if was != is {
            changes.extend(pair(what, &was, &is));
        }
    }
    let begins = old["generation"] != new["generation"] && new["update"]["state"] == "updating";
    if !begins {
        return vec![changes];
    }
    changes.retain(|what, _| !what.starts_with("updatestate."));
    vec![changes, pair("updatestate", "", "updating")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tidings: &mut Tidings, key: &str, value: Option<&str>) -> Vec<String> {
        let told = tidings.take_in(key, value).unwrap_or_default();
        told.into_iter().map(|t| format!("{} {} {:?}", t.subject.word(), t.action, t.attributes)).collect()
    }

    #[test]
    fn a_service_is_told_of_with_what_is_another() {
        let mut tidings = Tidings::default();
        let service = |replicas: u64| {
            format!(r#"{{"spec":{{"Name":"web","Mode":{{"Replicated":{{"Replicas":{replicas}}}}}}},"update":null}}"#)
        };
        assert_eq!(told(&mut tidings, "service/x", Some(&service(2))), [r#"service create {"name": "web"}"#]);
        let expected = r#"service update {"name": "web", "replicas.new": "1", "replicas.old": "2"}"#;
        assert_eq!(told(&mut tidings, "service/x", Some(&service(1))), [expected]);
        let updated = r#"{"spec":{"Name":"web"},"generation":1,"update":{"state":"updating"}}"#;
        let expected = [
            r#"service update {"name": "web", "replicas.old": "1"}"#,
            r#"service update {"name": "web", "updatestate.new": "updating"}"#,
        ];
        assert_eq!(told(&mut tidings, "service/x", Some(updated)), expected);
        assert_eq!(told(&mut tidings, "service/x", None), [r#"service remove {"name": "web"}"#]);
        assert_eq!(told(&mut tidings, "work/x", Some("{}")), [] as [String; 0]);
    }

    #[test]
    fn a_node_is_told_of_when_it_comes_and_goes() {
        let mut tidings = Tidings::default();
        assert_eq!(told(&mut tidings, "node/x", Some(r#"{"hostname":"n2"}"#)), [r#"node create {"name": "n2"}"#]);
        told(&mut tidings, "alive/x", Some(""));
        let expected = r#"node update {"name": "n2", "state.new": "down", "state.old": "ready"}"#;
        assert_eq!(told(&mut tidings, "alive/x", None), [expected]);
    }
}
