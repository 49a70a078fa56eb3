//! Recorded exchanges: what a client sent and what a real engine answered, as the files in `tests/oracle/samples` keep
//! it.

use std::fs;
use std::path::PathBuf;

use netyard_sim::userland::Request;
use serde_json::{Value, json};

/// One exchange.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    recording: Value,
}

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/samples"))
}

impl Sample {
    /// The names of all.
    pub(crate) fn names() -> Vec<String> {
        let files = fs::read_dir(directory()).expect("the recordings are there");
        let names = files.filter_map(|file| file.ok()?.path().file_stem()?.to_str().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub(crate) fn load(name: &'static str) -> Self {
        let text = fs::read_to_string(directory().join(name).with_extension("json"));
        let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, recording: serde_json::from_str(&text).expect("a recording is JSON") }
    }

    /// What the client sent, with other ids.
    pub(crate) fn request(&self, translated: impl Fn(&str) -> String) -> Request {
        let request = &self.recording["request"];
        let mut line = request["line"].as_str().expect("a request has a line").split(' ');
        let method = match line.next() {
            Some("GET") => "GET",
            Some("HEAD") => "HEAD",
            Some("DELETE") => "DELETE",
            _ => "POST",
        };
        let target = translated(line.next().expect("a request has a target"));
        let headers = request["headers"].as_object().expect("a request has headers").iter();
        let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let body = match &request["body"] {
            Value::Null => Vec::new(),
            body => translated(&body.to_string()).into_bytes(),
        };
        Request { method, target, headers, body }
    }

    /// What the client typed, and the end where the client said that there is no more.
    pub(crate) fn input(&self) -> Vec<&str> {
        let Some(typed) = self.recording["hijacked"]["client_to_server"].as_str() else { return Vec::new() };
        let mut pieces: Vec<&str> = typed.split_inclusive('\r').collect();
        pieces.push("");
        pieces
    }

    pub(crate) fn status(&self) -> u16 {
        let line = self.recording["response"]["line"].as_str().expect("a response has a line");
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a response has a status")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.recording["response"]["headers"][name].as_str()
    }

    /// The frames of a stream: channel and text, or `raw` and text from a terminal.
    pub(crate) fn frames(&self) -> Option<Value> {
        let frames = [&self.recording["hijacked"]["server_to_client_frames"], &self.recording["response"]["frames"]];
        frames.into_iter().find(|frames| frames.is_array()).cloned()
    }

    /// The body of a log, as the recorder wrote down its bytes.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        self.recording["response"]["raw_body_repr"].as_str().map(from_python)
    }

    pub(crate) fn body(&self) -> &Value {
        &self.recording["response"]["body"]
    }

    /// The id that was given to what was made.
    pub(crate) fn made_id(&self) -> Option<&str> {
        self.body()["Id"].as_str().filter(|_| self.status() == 201)
    }
}

/// Bytes that Python wrote as a literal text.
fn from_python(literal: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = literal[1..literal.len() - 1].chars();
    while let Some(first) = rest.next() {
        match (first, (first == '\\').then(|| rest.next()).flatten()) {
            (_, Some('x')) => {
                let digits: String = rest.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
            }
            (_, Some('n')) => bytes.push(b'\n'),
            (_, Some('r')) => bytes.push(b'\r'),
            (_, Some('t')) => bytes.push(b'\t'),
            (_, Some(other)) => bytes.extend(other.to_string().bytes()),
            (plain, None) => bytes.extend(plain.to_string().bytes()),
        }
    }
    bytes
}

/// Bytes of a stream as frames, neighbours of one channel joined; raw when a terminal wrote them.
pub(crate) fn to_frames(bytes: &[u8], is_raw: bool) -> Value {
    if is_raw {
        return json!([["raw", String::from_utf8_lossy(bytes)]]);
    }
    let mut frames: Vec<(u8, String)> = Vec::new();
    let mut rest = bytes;
    while let [channel, _, _, _, a, b, c, d, tail @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (text, after) = tail.split_at(length.min(tail.len()));
        let text = String::from_utf8_lossy(text);
        match frames.last_mut().filter(|(last, _)| last == channel) {
            Some((_, before)) => before.push_str(&text),
            None => frames.push((*channel, text.into_owned())),
        }
        rest = after;
    }
    json!(frames)
}
