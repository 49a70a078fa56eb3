//! What the engine answers: replies of one piece, and the parts of those that stream. Who carries them is not known
//! here: a simulated program's call, or an HTTP connection.

use serde::Serialize;
use serde_json::json;

use super::VERSION;
use crate::error::Error;

/// One request and its reply, as the carrier numbers them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExchangeId(pub u64);

/// What a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Media {
    /// `application/octet-stream`: the files of a container.
    Bytes,
    /// `application/json`.
    Json,
    /// No content type at all: logs, and replies without body.
    None,
    /// `application/vnd.docker.raw-stream`: frames, or a terminal's bytes.
    RawStream,
    /// `application/x-tar`: an archive.
    Tar,
    /// `text/plain; charset=utf-8`.
    Text,
}

impl Media {
    /// What the header `Content-Type` says, if it is there.
    #[must_use]
    pub const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Bytes => Some("application/octet-stream"),
            Self::Json => Some("application/json"),
            Self::None => None,
            Self::RawStream => Some("application/vnd.docker.raw-stream"),
            Self::Tar => Some("application/x-tar"),
            Self::Text => Some("text/plain; charset=utf-8"),
        }
    }
}

/// The body that says why a request is refused.
pub(super) fn error_body(error: &Error) -> String {
    json!({ "message": error.to_string() }).to_string() + "\n"
}

/// A part of a reply, to be carried to the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Output {
    /// The status; it comes first.
    Head {
        /// Which request is answered.
        exchange: ExchangeId,
        /// The HTTP status; 101 for a connection that becomes a stream.
        status: u16,
        /// What the body is.
        media: Media,
        /// What else the engine says of it, beside what it says of every reply.
        headers: Vec<(&'static str, String)>,
    },
    /// A piece of the body.
    Body {
        /// Which request is answered.
        exchange: ExchangeId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The body is complete.
    End {
        /// Which request was answered.
        exchange: ExchangeId,
    },
}

impl Output {
    /// Which request is answered.
    #[must_use]
    pub const fn exchange(&self) -> ExchangeId {
        match self {
            Self::Head { exchange, .. } | Self::Body { exchange, .. } | Self::End { exchange } => *exchange,
        }
    }
}

/// The headers of a reply as dockerd gives them, with the engine's own ones of this reply last. What says when the reply
/// went out, and how its body is cut, is the carrier's.
#[must_use]
pub fn headers_of_reply(media: Media, own: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Api-Version", "1.41".to_owned())];
    if media == Media::Text {
        // Only a ping is answered with text, and nobody shall remember its answer.
        headers.push(("Cache-Control", "no-cache, no-store, must-revalidate".to_owned()));
        headers.push(("Pragma", "no-cache".to_owned()));
    }
    headers.extend(media.content_type().map(|kind| ("Content-Type", kind.to_owned())));
    headers.push(("Docker-Experimental", "false".to_owned()));
    headers.push(("Ostype", "linux".to_owned()));
    headers.push(("Server", format!("Docker/{VERSION} (linux)")));
    headers.extend(own);
    headers
}

/// How a handler answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Reply {
    /// A status without body.
    Empty(u16),
    /// A status and JSON.
    Json(u16, String),
    /// JSON values, a line each, as if they came one after the other.
    Lines(String),
    /// Its own way, now and later.
    Later,
    /// Text.
    Text(&'static str),
}

impl Reply {
    /// 200 and `value`.
    pub(super) fn ok(value: &impl Serialize) -> Self {
        Self::with(200, value)
    }

    /// 201 and `value`.
    pub(super) fn created(value: &impl Serialize) -> Self {
        Self::with(201, value)
    }

    fn with(status: u16, value: &impl Serialize) -> Self {
        Self::Json(status, serde_json::to_string(value).expect("replies are text and numbers") + "\n")
    }
}
