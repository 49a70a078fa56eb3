//! Queries: the part of a request's target behind the question mark, in the order and spelling of Go's client.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Percent-encodes `text` for a query, as Go's `url.QueryEscape` does.
pub(super) fn query_escaped(text: &str) -> String {
    escaped(text, b"-_.~", "+")
}

/// Percent-encodes `text` for a path; slashes stay, because links have them.
pub(super) fn path_escaped(text: &str) -> String {
    escaped(text, b"-_.~/:@$&+=", "%20")
}

fn escaped(text: &str, safe: &[u8], blank: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push_str(blank),
            byte if byte.is_ascii_alphanumeric() || safe.contains(&byte) => escaped.push(char::from(byte)),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A query of these parts, in order of their names as Go writes it; nothing when there is none.
pub(super) fn query(parts: &[(&str, Option<String>)]) -> String {
    let mut present: Vec<(&str, &String)> =
        parts.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?))).collect();
    present.sort_by_key(|(name, _)| *name);
    let text: Vec<String> = present.iter().map(|(name, value)| format!("{name}={}", query_escaped(value))).collect();
    if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
}

/// The value of a query's part that is `1` or absent.
pub(super) fn one(on: bool) -> Option<String> {
    on.then(|| "1".to_owned())
}

/// Conditions as the engine takes them: `{"name":{"n1":true}}`.
pub(super) fn filters(typed: &[String]) -> Option<String> {
    let mut conditions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in typed.iter().filter_map(|condition| condition.split_once('=')) {
        conditions.entry(name.trim().to_lowercase()).or_default().insert(value.trim());
    }
    let set = |values: &BTreeSet<&str>| values.iter().map(|v| ((*v).to_owned(), Value::Bool(true))).collect();
    let filters: Map<String, Value> =
        conditions.iter().map(|(name, values)| (name.clone(), Value::Object(set(values)))).collect();
    (!filters.is_empty()).then(|| Value::Object(filters).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_in_order_and_escaped() {
        let parts = [("name", Some("a b".to_owned())), ("all", one(true)), ("size", one(false))];
        assert_eq!(query(&parts), "?all=1&name=a+b");
        assert_eq!(query(&[]), "");
        assert_eq!(query_escaped("{\"a\":{\"b=c\":true}}"), "%7B%22a%22%3A%7B%22b%3Dc%22%3Atrue%7D%7D");
    }

    #[test]
    fn conditions_of_one_name_stand_together() {
        let typed = ["status=running", "name=b", "Name=a", "label=x=y"].map(str::to_owned);
        let expected = r#"{"label":{"x=y":true},"name":{"a":true,"b":true},"status":{"running":true}}"#;
        assert_eq!(filters(&typed).as_deref(), Some(expected));
        assert_eq!(filters(&[]), None);
    }
}
