//! What differs between a recorded reply and ours, by place: a status, a header, a key of a JSON, a frame.

use std::collections::BTreeMap;

use netyard_drivers::engine::Media;
use serde_json::{Value, json};

use super::carrier::Reply;
use super::sample::{Sample, to_frames};
use crate::walkthrough::chance::Chance;

/// Numbers that are different at every look.
const FLEETING: [&str; 5] = ["Created", "Pid", "mtime", "time", "timeNano"];
/// What the engine says of a reply beside what HTTP needs, where it says it.
const HEADERS: [&str; 1] = ["x-docker-container-path-stat"];
/// Lists whose order Docker leaves to chance.
const SHUFFLED: [&str; 1] = ["network_list_filters_type_dangling"];
/// Where a tar's header has its time and its checksum, which follows from it.
const TAR_TIME: core::ops::Range<usize> = 136..156;

/// What differs, by exchange and place.
#[derive(Default)]
pub(crate) struct Differences {
    found: BTreeMap<(String, String), String>,
}

impl Differences {
    pub(crate) fn into_map(self) -> BTreeMap<(String, String), String> {
        self.found
    }

    fn add(&mut self, sample: &Sample, place: &str, text: String) {
        self.found.insert((sample.name.to_owned(), place.to_owned()), text);
    }

    /// A story could not be told as it is.
    pub(crate) fn refuse(&mut self, method: &str, target: &str, status: u16, text: &str) {
        self.found.insert((method.to_owned(), target.to_owned()), format!("{status} {text}"));
    }

    /// Compares a whole reply.
    pub(crate) fn compare(&mut self, chance: &mut Chance, sample: &Sample, reply: &Reply) {
        if reply.status != sample.status() {
            let text = format!("{}, netyard {}: {}", sample.status(), reply.status, lossy(&reply.body));
            return self.add(sample, "status", text);
        }
        let media = reply.media.and_then(Media::content_type);
        if media != sample.header("content-type") {
            self.add(sample, "content-type", format!("{:?}, netyard {media:?}", sample.header("content-type")));
        }
        for name in HEADERS {
            let ours = reply.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            let (recorded, ours) = (sample.header(name).map(decoded), ours.map(|(_, value)| decoded(value)));
            self.value(chance, sample, name, &json!(recorded), &json!(ours));
        }
        self.body(chance, sample, reply);
    }

    fn body(&mut self, chance: &mut Chance, sample: &Sample, reply: &Reply) {
        let frames = sample.frames();
        if let Some(recorded) = frames {
            let is_raw = recorded[0][0] == "raw";
            return self.value(chance, sample, "frames", &recorded, &to_frames(&reply.body, is_raw));
        }
        if let Some(recorded) = sample.bytes() {
            let is_raw = recorded.first().is_none_or(|first| *first > 2);
            let (recorded, ours) = (to_frames(&recorded, is_raw), to_frames(&reply.body, is_raw));
            return self.value(chance, sample, "frames", &recorded, &ours);
        }
        let ours = match sample.body() {
            Value::Null => serde_json::from_slice(&reply.body).unwrap_or_else(|_| absent(&reply.body)),
            Value::String(_) => json!(lossy(&reply.body)),
            Value::Array(_) => lines(&reply.body),
            _ => serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
        };
        let (mut recorded, mut ours) = (sample.body().clone(), ours);
        if SHUFFLED.contains(&sample.name) {
            sort_by_name(&mut recorded);
            sort_by_name(&mut ours);
        }
        self.value(chance, sample, "body", &recorded, &ours);
    }

    fn value(&mut self, chance: &mut Chance, sample: &Sample, place: &str, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(left), Value::Object(right)) if is_by_id(left) && is_by_id(right) => {
                let [left, right] = [left, right].map(|map| {
                    let mut values = map.values().cloned().collect();
                    sort_by_name(&mut values);
                    values
                });
                self.value(chance, sample, place, &left, &right);
            }
            (Value::Object(left), Value::Object(right)) => {
                let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
                if keys(left) != keys(right) {
                    self.add(sample, place, format!("keys {:?}, netyard {:?}", keys(left), keys(right)));
                }
                for (key, recorded) in left {
                    let Some(ours) = right.get(key) else { continue };
                    if !(FLEETING.contains(&key.as_str()) && is_fleeting(recorded, ours)) {
                        self.value(chance, sample, &format!("{place}.{key}"), recorded, ours);
                    }
                }
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                for (at, (recorded, ours)) in left.iter().zip(right).enumerate() {
                    self.value(chance, sample, &format!("{place}.{at}"), recorded, ours);
                }
            }
            (Value::String(left), Value::String(right)) => {
                let [left, right] = [left, right].map(|text| timeless(text));
                if let Err(text) = chance.compare(&left, &right) {
                    self.add(sample, place, format!("\n{text}"));
                }
            }
            _ if recorded == ours => {}
            _ => self.add(sample, place, format!("{recorded}, netyard {ours}")),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// No body is nothing; another that is not JSON is a text.
fn absent(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { json!(lossy(bytes)) }
}

/// Lines of JSON as one array; an array as it is.
fn lines(bytes: &[u8]) -> Value {
    let text = lossy(bytes);
    serde_json::from_str(&text).ok().filter(Value::is_array).unwrap_or_else(|| {
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| json!(line))).collect()
    })
}

/// Numbers of the same kind, or dates.
fn is_fleeting(recorded: &Value, ours: &Value) -> bool {
    let is_set = |value: &Value| value.as_i64().is_some_and(|n| n > 0);
    is_set(recorded) == is_set(ours) && recorded.is_number() && ours.is_number()
}

fn is_by_id(map: &serde_json::Map<String, Value>) -> bool {
    !map.is_empty() && map.keys().all(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn sort_by_name(values: &mut Value) {
    if let Some(values) = values.as_array_mut() {
        values.sort_by_key(|value| value["Name"].as_str().map(str::to_owned));
    }
}

/// A tar without its time; other texts as they are.
fn timeless(text: &str) -> String {
    let is_tar = text.get(257..262) == Some("ustar");
    if is_tar {
        format!("{}{}", &text[..TAR_TIME.start], &text[TAR_TIME.end..]).replace('\0', "0")
    } else {
        text.to_owned()
    }
}

/// A header that is JSON in base 64.
fn decoded(text: &str) -> Value {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sixes = text.bytes().filter_map(|b| ALPHABET.bytes().position(|a| a == b));
    let bits: Vec<bool> = sixes.flat_map(|six| (0..6).rev().map(move |bit| six >> bit & 1 == 1)).collect();
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte: u8, bit| byte << 1 | u8::from(*bit));
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(text))
}
