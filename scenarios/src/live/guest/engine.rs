//! The engine, as a guest asks it over its Unix socket: a request at a time, each on a connection of its own.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::live::socket::default_path;

/// The longest head of a response.
const HEAD: usize = 64 * 1024;
/// The longest body that is read.
const BODY: u64 = 4 * 1024 * 1024;

/// Where an engine is.
#[derive(Clone, Debug)]
pub struct Engine {
    socket: PathBuf,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as JSON; null when it is none.
    pub body: Value,
}

impl Engine {
    /// The engine at a socket; else the one that `DOCKER_HOST` names, else the user's own.
    ///
    /// # Errors
    /// In words, when `DOCKER_HOST` names no Unix socket.
    pub fn find(socket: Option<&Path>, docker_host: Option<&str>) -> Result<Self, String> {
        let socket = match (socket, docker_host.filter(|host| !host.is_empty())) {
            (Some(socket), _) => socket.to_owned(),
            (None, Some(host)) => match host.strip_prefix("unix://") {
                Some(path) => PathBuf::from(path),
                None => return Err(format!("DOCKER_HOST is {host}: real programs need an engine's Unix socket")),
            },
            (None, None) => default_path(),
        };
        Ok(Self { socket })
    }

    fn send(&self, method: &str, target: &str, more: &str, body: &str) -> Result<UnixStream, String> {
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| {
            format!("no engine answers at {}: {error}\nStart one with: netyard up", self.socket.display())
        })?;
        let len = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: netyard\r\n{more}Content-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).map_err(|error| self.broke(&error))?;
        Ok(stream)
    }

    fn broke(&self, error: &std::io::Error) -> String {
        format!("the engine at {} broke off: {error}", self.socket.display())
    }

    /// Asks.
    ///
    /// # Errors
    /// In words, when there is no engine or it breaks off.
    pub fn ask(&self, method: &str, target: &str, body: &Value) -> Result<Answer, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = self.send(method, target, "Connection: close\r\n", &body)?;
        let status = self.head(&mut stream)?;
        self.rest(status, stream)
    }

    /// Asks for what will come later: the connection ends when the answer is complete.
    ///
    /// # Errors
    /// In words, when there is no engine or it breaks off.
    pub fn await_later(&self, target: &str) -> Result<UnixStream, String> {
        self.send("POST", target, "Connection: close\r\n", "")
    }

    fn rest(&self, status: u16, stream: UnixStream) -> Result<Answer, String> {
        let mut bytes = Vec::new();
        stream.take(BODY).read_to_end(&mut bytes).map_err(|error| self.broke(&error))?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Asks for a connection that becomes a stream.
    ///
    /// # Errors
    /// The engine's answer when it refuses; in words, when there is none.
    pub fn open(&self, target: &str) -> Result<Result<UnixStream, Answer>, String> {
        self.open_with(target, "")
    }

    /// The same, with something more to say.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(&self, target: &str, body: &str) -> Result<Result<UnixStream, Answer>, String> {
        let mut stream = self.send("POST", target, "Connection: Upgrade\r\nUpgrade: tcp\r\n", body)?;
        match self.head(&mut stream)? {
            101 => Ok(Ok(stream)),
            status => {
                stream.shutdown(std::net::Shutdown::Write).map_err(|error| self.broke(&error))?;
                self.rest(status, stream).map(Err)
            }
        }
    }

    /// Reads the head of a response and nothing more: what follows may bring descriptors.
    fn head(&self, stream: &mut UnixStream) -> Result<u16, String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let got = stream.read(&mut byte).map_err(|error| self.broke(&error))?;
            if got == 0 || head.len() > HEAD {
                return Err(format!("{} is no engine's socket", self.socket.display()));
            }
            head.push(byte[0]);
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&head).ok().and(response.code);
        parsed.ok_or_else(|| format!("{} is no engine's socket", self.socket.display()))
    }
}

impl Answer {
    /// What it says is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        match self.body["message"].as_str() {
            Some(text) => text.to_owned(),
            None => format!("the engine answered with status {}", self.status),
        }
    }

    /// The body, unless it was a refusal.
    ///
    /// # Errors
    /// In the engine's words.
    pub fn accepted(self) -> Result<Value, String> {
        if self.status < 400 { Ok(self.body) } else { Err(self.message()) }
    }
}

/// A word in the path of a URL.
#[must_use]
pub fn percent_encoded(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    word.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_found_by_what_is_said_first() {
        let found = |socket, host| Engine::find(socket, host).map(|engine| engine.socket);
        assert_eq!(found(Some(Path::new("/a")), Some("unix:///b")), Ok(PathBuf::from("/a")));
        assert_eq!(found(None, Some("unix:///b")), Ok(PathBuf::from("/b")));
        assert_eq!(found(None, Some("")), Ok(default_path()));
        assert!(found(None, Some("tcp://127.0.0.1:2375")).is_err());
    }
}
