//! Plugins outside: where they are, as Docker finds them in a directory, and how they are asked over HTTP. What is asked
//! and answered is known in `netyard-drivers`.
//!
//! How it works: each question is a task of its own, so that a plugin that is slow or dead holds up nobody else. One that
//! cannot be spoken with is tried again after one, two, four and eight seconds, as Docker does it, unless half a minute is over.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use netyard_drivers::engine::TalkId;
use netyard_drivers::error::dial;
use netyard_drivers::plugin::answer::{described, is_whole};
use netyard_drivers::plugin::{ANSWER_MAX, Failure, Outcome, Question};
use netyard_drivers::site::Site;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::door::Door;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long another attempt is worth while.
const ATTEMPTS: Duration = Duration::from_secs(30);
/// Lines that the head of an answer may have.
const HEADERS_MAX: usize = 1000;
/// What answers are, as libnetwork says it.
const MEDIA: &str = "application/vnd.docker.plugins.v1.2+json";

/// Where a plugin listens.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Address {
    /// At a Unix socket.
    Unix(PathBuf),
    /// At a port of this machine's loopback.
    Tcp(SocketAddr),
}

/// All plugins outside, as the thread that owns the site sees them.
#[derive(Debug)]
pub struct Plugins {
    directory: Option<PathBuf>,
    door: Door,
    handle: Handle,
}

impl Plugins {
    /// The plugins in a directory, whose questions are asked in the runtime of `handle`; none without a directory.
    #[must_use]
    pub const fn new(directory: Option<PathBuf>, door: Door, handle: Handle) -> Self {
        Self { directory, door, handle }
    }

    /// Has a site ask them.
    pub fn attend(&self, site: &mut Site) {
        if self.directory.is_some() {
            site.ask_plugins_outside();
        }
    }

    /// Brings what a site asks to plugins; what comes of it comes in by the door.
    pub fn carry(&self, site: &mut Site) {
        while let Some((engine, talk, question)) = site.poll_question() {
            let found = self.directory.as_deref().map_or(Err(Failure::Unknown), |at| find(at, &question.plugin));
            self.handle.spawn(ask(self.door.clone(), (engine, talk), found, question));
        }
    }
}

/// Finds a plugin as Docker does: `NAME.sock`, else `NAME.spec` with a URL, else `NAME.json` with one among other things.
fn find(directory: &Path, name: &str) -> Result<Address, Failure> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(Failure::Unknown);
    }
    let path = |end: &str| directory.join(format!("{name}.{end}"));
    for socket in [path("sock"), directory.join(name).join(format!("{name}.sock"))] {
        if socket.exists() {
            return Ok(Address::Unix(socket));
        }
    }
    let url = match (std::fs::read_to_string(path("spec")), std::fs::read_to_string(path("json"))) {
        (Ok(text), _) => text.trim().to_owned(),
        (_, Ok(text)) => {
            let url = described(text.as_bytes()).map_err(Failure::Broken)?;
            if url.is_empty() { "tcp://".to_owned() } else { url }
        }
        _ => return Err(Failure::Unknown),
    };
    address(&url).map_err(Failure::Broken)
}

/// Reads `unix://PATH`, `tcp://HOST:PORT` or `http://HOST:PORT`. Nothing is asked beyond this machine.
fn address(url: &str) -> Result<Address, String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Err("Unknown protocol".to_owned()) };
    match scheme {
        "unix" => Ok(Address::Unix(PathBuf::from(rest))),
        "tcp" | "http" => {
            let rest = rest.split('/').next().unwrap_or_default();
            if rest.is_empty() {
                return Err("Post \"http:///Plugin.Activate\": http: no Host in request URL".to_owned());
            }
            let host = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:80") };
            let found = host.to_socket_addrs().map_err(|error| format!("{url}: {error}"))?;
            let found: Vec<SocketAddr> = found.collect();
            let own = found.iter().find(|addr| addr.ip().is_loopback());
            own.copied().map(Address::Tcp).ok_or_else(|| format!("{rest} is not on this machine's loopback"))
        }
        "https" => Err("plugins are not asked by TLS".to_owned()),
        _ => Err("Unknown protocol".to_owned()),
    }
}

impl Address {
    /// The URL of a method, as Go's HTTP client shows it.
    fn url(&self, method: &str) -> String {
        match self {
            Self::Unix(path) => format!("http://{}/{method}", path.display().to_string().replace('/', "%2F")),
            Self::Tcp(addr) => format!("http://{addr}/{method}"),
        }
    }

    /// What Go says of a connection that cannot be had.
    fn refusal(&self, error: &io::Error) -> String {
        match self {
            Self::Unix(path) => dial("unix", path.display(), error),
            Self::Tcp(addr) => dial("tcp", addr, error),
        }
    }
}

/// Asks and tells what came of it.
async fn ask(door: Door, (engine, talk): (usize, TalkId), found: Result<Address, Failure>, question: Question) {
    let outcome = match found {
        Ok(address) => ask_at(&address, &question).await,
        Err(failure) => Err(failure),
    };
    door.answer_plugin(engine, talk, outcome);
}

async fn ask_at(address: &Address, question: &Question) -> Outcome {
    let url = address.url(question.ask.method());
    let begun = Instant::now();
    let mut wait = Duration::from_secs(1);
    loop {
        let why = match timeout(PATIENCE, ask_once(address, question)).await {
            Err(_) => return Err(Failure::timeout(&url)),
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(why)) => why,
        };
        if begun.elapsed() + wait >= ATTEMPTS {
            return Err(Failure::Broken(format!("Post \"{url}\": {why}")));
        }
        sleep(wait).await;
        wait *= 2;
    }
}

/// One attempt.
///
/// # Errors
/// There is no connection, or it ends before there is the head of an answer: why, as Go says it.
async fn ask_once(address: &Address, question: &Question) -> Result<Outcome, String> {
    let refused = |error: io::Error| address.refusal(&error);
    match address {
        Address::Unix(path) => exchange(UnixStream::connect(path).await.map_err(refused)?, question).await,
        Address::Tcp(addr) => exchange(TcpStream::connect(addr).await.map_err(refused)?, question).await,
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    question: &Question,
) -> Result<Outcome, String> {
    let handshake = http1::Builder::new().max_headers(HEADERS_MAX).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = Request::post(format!("/{}", question.ask.method()))
        .header("host", "")
        .header("user-agent", "netyard")
        .header("accept", MEDIA)
        .body(Full::<Bytes>::from(question.ask.body()))
        .expect("a method's name is a path");
    let response = sender.send_request(request).await.map_err(|error| unanswered(&error).to_owned())?;
    // Docker takes no other success than this.
    let is_success = response.status() == StatusCode::OK;
    let body = read(response.into_body()).await;
    Ok(if is_success { body } else { body.and_then(|body| Err(Failure::Refused(body))) })
}

/// Why there is no answer, as Go says it. Whoever hangs up has ended.
fn unanswered(error: &hyper::Error) -> &'static str {
    if error.is_parse() { "net/http: HTTP/1.x transport connection broken: malformed HTTP response" } else { "EOF" }
}

/// Reads an answer. Of one that does not end, or ends too early, what has come counts if it is whole so far: more than the
/// first value is not looked at.
async fn read(body: Incoming) -> Outcome {
    let (mut body, mut read) = (Limited::new(body, ANSWER_MAX), Vec::new());
    loop {
        let failure = match body.frame().await {
            None => return Ok(read),
            Some(Ok(frame)) => {
                read.extend_from_slice(&frame.into_data().unwrap_or_default());
                continue;
            }
            Some(Err(error)) if error.is::<LengthLimitError>() => Failure::too_long(),
            Some(Err(_)) => Failure::Broken("unexpected EOF".to_owned()),
        };
        return if is_whole(&read) { Ok(read) } else { Err(failure) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_docker_reads_them_but_only_on_this_machine() {
        assert_eq!(address("unix:///run/n.sock"), Ok(Address::Unix("/run/n.sock".into())));
        assert_eq!(address("http://127.0.0.1:9000"), Ok(Address::Tcp("127.0.0.1:9000".parse().unwrap())));
        assert_eq!(address("tcp://127.0.0.1:9000/a/b"), Ok(Address::Tcp("127.0.0.1:9000".parse().unwrap())));
        let nowhere = "Post \"http:///Plugin.Activate\": http: no Host in request URL".to_owned();
        assert_eq!(address("tcp://"), Err(nowhere));
        assert_eq!(address("banana"), Err("Unknown protocol".to_owned()));
        assert_eq!(address("tcp://192.0.2.9:1"), Err("192.0.2.9:1 is not on this machine's loopback".to_owned()));
        assert_eq!(address("https://127.0.0.1:1"), Err("plugins are not asked by TLS".to_owned()));
    }

    #[test]
    fn a_name_is_no_way_out_of_the_directory() {
        for name in ["", "../net1", ".net1", "a/b", "a\0"] {
            assert_eq!(find(Path::new("/"), name), Err(Failure::Unknown), "{name}");
        }
    }

    #[test]
    fn what_fails_is_said_as_go_says_it() {
        let at = Address::Unix("/run/docker/plugins/net1.sock".into());
        assert_eq!(at.url("NetworkDriver.Join"), "http://%2Frun%2Fdocker%2Fplugins%2Fnet1.sock/NetworkDriver.Join");
        let gone = at.refusal(&io::Error::from_raw_os_error(2));
        assert_eq!(gone, "dial unix /run/docker/plugins/net1.sock: connect: no such file or directory");
    }
}
