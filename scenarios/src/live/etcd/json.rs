//! The words of etcd's JSON gateway (`/v3/kv/…`, `/v3/watch`, `/v3/lease/…` of etcd 3.4): keys and values in base 64, numbers
//! of 64 bits as text, nothing where something is zero or false. Bytes in, values out; nothing is sent here.

use netyard_drivers::cluster::remote::{Answer, Ask, Found};
use netyard_drivers::cluster::store::{Change, Commit, LeaseId};
use netyard_sim::userland::base64;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The path and the body of a question.
#[must_use]
pub fn request(ask: &Ask) -> (&'static str, String) {
    let (path, body) = match ask {
        Ask::Read { prefix } => ("/v3/kv/range", range(prefix)),
        Ask::Watch { prefix, after } => {
            let mut create = range(prefix);
            create["start_revision"] = json!((after + 1).to_string());
            ("/v3/watch", json!({ "create_request": create }))
        }
        Ask::Commit(commit) => ("/v3/kv/txn", transaction(commit)),
        Ask::Grant { ttl_s } => ("/v3/lease/grant", json!({ "TTL": ttl_s.to_string() })),
        Ask::KeepAlive { lease } => ("/v3/lease/keepalive", json!({ "ID": lease.number().to_string() })),
        Ask::Revoke { lease } => ("/v3/lease/revoke", json!({ "ID": lease.number().to_string() })),
    };
    (path, body.to_string())
}

/// All keys that begin so.
fn range(prefix: &str) -> Value {
    json!({ "key": base64::encode(prefix.as_bytes()), "range_end": base64::encode(&end(prefix)) })
}

/// The first key that does not begin so any more.
fn end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    // No byte of UTF-8 is 0xff, so the last can always be one more.
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end
}

fn transaction(commit: &Commit) -> Value {
    let key = |key: &str| base64::encode(key.as_bytes());
    let compare = commit.seen.iter().map(|(seen, revision)| {
        json!({ "key": key(seen), "target": "MOD", "result": "EQUAL", "mod_revision": revision.to_string() })
    });
    let puts = commit.puts.iter().map(|put| {
        let lease = put.lease.map_or(0, LeaseId::number).to_string();
        json!({ "request_put": {
            "key": key(&put.key), "value": base64::encode(put.value.as_bytes()), "lease": lease,
        } })
    });
    let deletes = commit.deletes.iter().map(|gone| json!({ "request_delete_range": { "key": key(gone) } }));
    json!({ "compare": compare.collect::<Vec<_>>(), "success": puts.chain(deletes).collect::<Vec<_>>() })
}

#[derive(Deserialize)]
struct Header {
    #[serde(default, deserialize_with = "number")]
    revision: u64,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(default, deserialize_with = "text")]
    key: Option<String>,
    #[serde(default, deserialize_with = "text")]
    value: Option<String>,
    #[serde(default, deserialize_with = "number")]
    mod_revision: u64,
    #[serde(default, deserialize_with = "number")]
    lease: u64,
}

#[derive(Deserialize)]
struct Range {
    header: Header,
    #[serde(default)]
    kvs: Vec<KeyValue>,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Transaction {
    header: Header,
    #[serde(default)]
    succeeded: bool,
}

#[derive(Deserialize)]
struct Lease {
    #[serde(default, rename = "ID", deserialize_with = "number")]
    id: u64,
    #[serde(default, rename = "TTL", deserialize_with = "number")]
    ttl: u64,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    kv: KeyValue,
}

#[derive(Deserialize)]
struct Watched {
    #[serde(default)]
    canceled: bool,
    #[serde(default)]
    cancel_reason: String,
    #[serde(default, deserialize_with = "number")]
    compact_revision: u64,
    #[serde(default)]
    events: Vec<Event>,
}

/// What a stream says at a time.
#[derive(Deserialize)]
struct Said<T> {
    result: T,
}

/// A refusal; of a stream it is within `error`.
#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    message: String,
}

/// A number of 64 bits that is not negative, as text or as a number.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let read = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    read.filter(|number| i64::try_from(*number).is_ok()).ok_or_else(|| serde::de::Error::custom("no such number"))
}

/// Text in base 64; none when the bytes are no text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let encoded = String::deserialize(deserializer)?;
    let bytes = base64::decode(&encoded).ok_or_else(|| serde::de::Error::custom("that is not base 64"))?;
    Ok(String::from_utf8(bytes).ok())
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let said: String = String::from_utf8_lossy(bytes).chars().take(60).collect();
        format!("it says what etcd does not say: {:?} ({error})", said.trim_end())
    })
}

/// Why something was refused.
fn refusal(status: u16, bytes: &[u8]) -> String {
    match serde_json::from_slice::<Refused>(bytes) {
        Ok(Refused { message }) if !message.is_empty() => message,
        _ => format!("it answers with HTTP status {status}"),
    }
}

/// The answer to a question, but of who watches.
///
/// # Errors
/// In words, when it is a refusal or cannot be understood.
pub fn answer(ask: &Ask, status: u16, bytes: &[u8]) -> Result<Answer, String> {
    if status != 200 {
        let why = refusal(status, bytes);
        return if why.contains("requested lease not found") { Ok(Answer::NoLease) } else { Err(why) };
    }
    match ask {
        Ask::Read { .. } => {
            let Range { header, kvs, more } = read(bytes)?;
            if more {
                return Err("it says only a part of what was asked for".to_owned());
            }
            Ok(Answer::All { revision: header.revision, found: kvs.into_iter().filter_map(found).collect() })
        }
        Ask::Commit(_) => {
            let Transaction { header, succeeded } = read(bytes)?;
            Ok(if succeeded { Answer::Committed { revision: header.revision } } else { Answer::Conflict })
        }
        Ask::Grant { .. } => match read::<Lease>(bytes)? {
            Lease { id: 0, .. } => Err("it grants a lease without a number".to_owned()),
            Lease { id, .. } => Ok(Answer::Granted { lease: LeaseId::new(id) }),
        },
        Ask::KeepAlive { .. } => {
            let Said { result: Lease { ttl, .. } } = read(bytes)?;
            Ok(if ttl > 0 { Answer::Noted } else { Answer::NoLease })
        }
        Ask::Revoke { .. } => Ok(Answer::Noted),
        Ask::Watch { .. } => watched(status, bytes)?.ok_or_else(|| "nothing has changed".to_owned()),
    }
}

/// A value whose key is text. What it says may be no text: then nobody can understand it.
fn found(kv: KeyValue) -> Option<Found> {
    let lease = lease(kv.lease);
    Some(Found { key: kv.key?, value: kv.value.unwrap_or_default(), modified: kv.mod_revision, lease })
}

fn lease(number: u64) -> Option<LeaseId> {
    (number != 0).then(|| LeaseId::new(number))
}

/// What a line says to who watches; none when that is not that something has changed.
///
/// # Errors
/// In words, when it is a refusal or cannot be understood.
pub fn watched(status: u16, line: &[u8]) -> Result<Option<Answer>, String> {
    if status != 200 {
        return Err(refusal(status, line));
    }
    let Said { result: Watched { canceled, cancel_reason, compact_revision, events } } = read(line)?;
    if compact_revision != 0 {
        return Ok(Some(Answer::Forgotten));
    }
    if canceled {
        return Err(format!("it has ended the watch: {cancel_reason}"));
    }
    let revision = events.iter().map(|event| event.kv.mod_revision).max();
    let changes = events.into_iter().filter_map(|Event { kind, kv }| {
        let is_gone = kind.as_deref() == Some("DELETE");
        let value = (!is_gone).then(|| kv.value.unwrap_or_default());
        Some(Change { revision: kv.mod_revision, key: kv.key?, value, lease: lease(kv.lease).filter(|_| !is_gone) })
    });
    let changes: Vec<Change> = changes.collect();
    Ok(revision.map(|revision| Answer::Changes { revision, changes }))
}

#[cfg(test)]
mod tests {
    use netyard_drivers::cluster::store::Put;

    use super::*;

    #[test]
    fn a_change_is_a_transaction() {
        let put = Put { key: "a".to_owned(), value: "x".to_owned(), lease: Some(LeaseId::new(7)) };
        let commit = Commit { seen: vec![("a".to_owned(), 3)], puts: vec![put], deletes: vec!["b".to_owned()] };
        let (path, body) = request(&Ask::Commit(commit));
        let expected = json!({
            "compare": [{ "key": "YQ==", "target": "MOD", "result": "EQUAL", "mod_revision": "3" }],
            "success": [
                { "request_put": { "key": "YQ==", "value": "eA==", "lease": "7" } },
                { "request_delete_range": { "key": "Yg==" } },
            ],
        });
        assert_eq!((path, body), ("/v3/kv/txn", expected.to_string()));
    }

    #[test]
    fn what_begins_so_ends_before_the_next_letter() {
        let (_, body) = request(&Ask::Watch { prefix: "n/".to_owned(), after: 4 });
        let expected = json!({ "create_request": { "key": "bi8=", "range_end": "bjA=", "start_revision": "5" } });
        assert_eq!(body, expected.to_string());
    }

    #[test]
    fn what_etcd_says_is_read() {
        let all = r#"{"header":{"revision":"9"},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"3",
            "version":"1","value":"eA==","lease":"7"},{"key":"/w==","mod_revision":"4"}],"count":"2"}"#;
        let lease = Some(LeaseId::new(7));
        let found = vec![Found { key: "a".to_owned(), value: "x".to_owned(), modified: 3, lease }];
        let read = Ask::Read { prefix: String::new() };
        assert_eq!(answer(&read, 200, all.as_bytes()), Ok(Answer::All { revision: 9, found }));
        let line = r#"{"result":{"header":{"revision":"9"},"events":[{"kv":{"key":"YQ==","mod_revision":"5","value":"eA=="}},
            {"type":"DELETE","kv":{"key":"Yg==","mod_revision":"6"}}]}}"#;
        let change = |key: &str, revision, value: Option<&str>| Change {
            revision,
            key: key.to_owned(),
            value: value.map(str::to_owned),
            lease: None,
        };
        let changes = vec![change("a", 5, Some("x")), change("b", 6, None)];
        assert_eq!(watched(200, line.as_bytes()), Ok(Some(Answer::Changes { revision: 6, changes })));
        assert_eq!(watched(200, br#"{"result":{"header":{},"created":true}}"#), Ok(None));
        let compacted = br#"{"result":{"canceled":true,"compact_revision":"8"}}"#;
        assert_eq!(watched(200, compacted), Ok(Some(Answer::Forgotten)));
        let gone = br#"{"result":{"header":{"revision":"9"},"ID":"7"}}"#;
        assert_eq!(answer(&Ask::KeepAlive { lease: LeaseId::new(7) }, 200, gone), Ok(Answer::NoLease));
        let refused = br#"{"error":"etcdserver: requested lease not found","code":5,"message":"etcdserver: requested lease not found"}"#;
        assert_eq!(answer(&Ask::Commit(Commit::default()), 404, refused), Ok(Answer::NoLease));
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        let read = Ask::Read { prefix: String::new() };
        let said = |bytes: &[u8]| answer(&read, 200, bytes).expect_err("it is nonsense");
        assert!(said(b"<html>").starts_with("it says what etcd does not say: \"<html>\""));
        assert!(said(br#"{"header":{"revision":"-1"}}"#).contains("no such number"));
        assert!(said(br#"{"header":{},"kvs":[{"key":"?"}]}"#).contains("base 64"));
        assert_eq!(answer(&read, 503, b"oops"), Err("it answers with HTTP status 503".to_owned()));
    }
}
