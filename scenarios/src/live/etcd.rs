//! A real etcd as the store that engines share: what they ask becomes a request of etcd's JSON gateway over plain HTTP, and
//! its answer theirs. What the bytes say is [`json`]'s affair; this is the connection.
//!
//! How it works: every question has a connection of its own, which ends with the answer. Who watches holds it until
//! something has changed, or for a while. So whatever happens to etcd ends in an answer or an error within seconds.

pub mod json;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use netyard_drivers::cluster::remote::{Answer, Ask};
use netyard_drivers::engine::read_store_url;
use netyard_drivers::error::dial;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long somebody watches before the answer that nothing has changed.
const WATCH_FOR: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read: a store of a hundred thousand values has so many.
const ANSWER_MAX: usize = 64 << 20;

/// Where an etcd is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Etcd {
    host: String,
    port: u16,
}

impl Etcd {
    /// The one of this URL.
    ///
    /// # Errors
    /// In words, when it is none.
    pub fn at(url: &str) -> Result<Self, String> {
        let (host, port, _) = read_store_url(url)?;
        Ok(Self { host, port })
    }

    /// Asks.
    ///
    /// # Errors
    /// In words, when it cannot be reached, does not answer in time, refuses, or says what cannot be understood.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, String> {
        let late = || format!("{}:{}: no answer within {} seconds", self.host, self.port, PATIENCE.as_secs());
        let (path, body) = json::request(ask);
        let sent = timeout(PATIENCE, self.send(path, body)).await.map_err(|_| late())?;
        let (status, mut body) = sent?;
        let Ask::Watch { after, .. } = ask else {
            let read = timeout(PATIENCE, read_all(&mut body)).await.map_err(|_| late())?;
            let read = read.map_err(|trouble| trouble.said(self))?;
            return json::answer(ask, status, &read);
        };
        watch(*after, status, &mut body, late).await.map_err(|trouble| trouble.said(self))
    }

    /// That it ended before it has answered: whoever is killed or restarted does so.
    fn broken(&self) -> String {
        format!("{}:{}: the connection broke", self.host, self.port)
    }

    async fn send(&self, path: &str, body: String) -> Result<(u16, Incoming), String> {
        let (host, port) = (self.host.as_str(), self.port);
        let failed = |error: std::io::Error| dial("tcp", format_args!("{host}:{port}"), error);
        let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
        let broken = |_: hyper::Error| self.broken();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends when the answer is read or nobody wants it any more.
        tokio::spawn(connection);
        let request = Request::post(path).header("host", format!("{host}:{port}"));
        let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| format!("{host}:{port}: {error}"))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok((response.status().as_u16(), response.into_body()))
    }
}

/// Why an answer is not read.
enum Trouble {
    Broken,
    Said(String),
}

impl Trouble {
    fn said(self, etcd: &Etcd) -> String {
        match self {
            Self::Broken => etcd.broken(),
            Self::Said(why) => why,
        }
    }
}

/// The next piece of an answer; none at its end.
async fn next(body: &mut Incoming, have: usize) -> Result<Option<Bytes>, Trouble> {
    loop {
        let Some(frame) = body.frame().await else { return Ok(None) };
        let frame = frame.map_err(|_| Trouble::Broken)?;
        if let Ok(bytes) = frame.into_data() {
            let fits = have + bytes.len() <= ANSWER_MAX;
            return if fits { Ok(Some(bytes)) } else { Err(Trouble::Said("its answer has no end".to_owned())) };
        }
    }
}

async fn read_all(body: &mut Incoming) -> Result<Vec<u8>, Trouble> {
    let mut read = Vec::new();
    while let Some(bytes) = next(body, read.len()).await? {
        read.extend_from_slice(&bytes);
    }
    Ok(read)
}

/// Reads lines until one says that something has changed.
async fn watch(after: u64, status: u16, body: &mut Incoming, late: impl Fn() -> String) -> Result<Answer, Trouble> {
    let mut rest = Vec::new();
    // So much of it has no end of a line: a long line is looked through once, not with every piece of it.
    let mut searched = 0;
    let mut is_begun = false;
    loop {
        while let Some(end) = rest[searched..].iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=searched + end).collect();
            searched = 0;
            match json::watched(status, &line).map_err(Trouble::Said)? {
                Some(answer) => return Ok(answer),
                None => is_begun = true,
            }
        }
        searched = rest.len();
        let limit = if is_begun { WATCH_FOR } else { PATIENCE };
        match timeout(limit, next(body, rest.len())).await {
            Ok(Ok(Some(bytes))) => rest.extend_from_slice(&bytes),
            Ok(Ok(None)) => return Err(Trouble::Broken),
            Ok(Err(why)) => return Err(why),
            Err(_) if is_begun => return Ok(Answer::Changes { revision: after, changes: Vec::new() }),
            Err(_) => return Err(Trouble::Said(late())),
        }
    }
}
