//! HTTP/1.1 as far as plain clients and servers need it: URLs, the heads of requests and responses, dates. The grammar
//! of heads is the crate httparse's (small, without dependencies, and strict where a parser of our own would be lax).
//! Bodies have a length or end with the connection; no server here sends chunks.

pub mod fetch;
pub mod server;
pub mod url;

use time::OffsetDateTime;

/// Header lines that a head may have; more are refused.
const HEADERS_MAX: usize = 64;

/// Bytes that a head may have.
pub const HEAD_MAX: usize = 65536;

/// The head was not HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

/// The head of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// `GET`, `HEAD` …
    pub method: String,
    /// What is asked for, with its query.
    pub target: String,
    /// Whether the client speaks HTTP/1.1 and not 1.0.
    pub is_modern: bool,
    headers: Headers,
}

/// The head of a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status, as 404.
    pub status: u16,
    /// The head as it came, without the empty line.
    pub text: String,
    headers: Headers,
}

/// Header lines, in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Headers(Vec<(String, String)>);

impl Headers {
    fn read(headers: &[httparse::Header<'_>]) -> Self {
        let text = |value| String::from_utf8_lossy(value).into_owned();
        Self(headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect())
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Request {
    /// Reads a head from the beginning of `bytes`, and how long it was; nothing yet when it is not complete.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(len) = head.parse(bytes).map_err(|_| Malformed)? else { return Ok(None) };
        let request = Self {
            method: head.method.unwrap_or_default().to_owned(),
            target: head.path.unwrap_or_default().to_owned(),
            is_modern: head.version == Some(1),
            headers: Headers::read(head.headers),
        };
        Ok(Some((request, len)))
    }

    /// The value of a header line.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.find(name)
    }

    /// The header lines, in their order.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the connection shall stay open after the answer (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        match self.header("connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => false,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => true,
            _ => self.is_modern,
        }
    }
}

impl Response {
    /// Reads a head from the beginning of `bytes`, and how long it was; nothing yet when it is not complete.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(len) = head.parse(bytes).map_err(|_| Malformed)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes[..len]).trim_end().to_owned();
        let response = Self { status: head.code.unwrap_or_default(), text, headers: Headers::read(head.headers) };
        Ok(Some((response, len)))
    }

    /// The value of a header line.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.find(name)
    }

    /// Whether the server leaves the connection open after this answer (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        match self.header("connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => false,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => true,
            _ => self.text.starts_with("HTTP/1.1"),
        }
    }

    /// How long the body is, if the server said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

/// A date as HTTP writes it: `Sat, 21 Nov 2026 06:41:31 GMT`.
#[must_use]
pub fn date(at: OffsetDateTime) -> String {
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (hour, minute, second) = at.to_hms();
    let (day, year) = (at.day(), at.year());
    format!("{}, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", &weekday[..3], &month[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_when_its_head_is_complete() {
        let bytes = b"GET /a?b HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\nmore";
        assert_eq!(Request::parse(&bytes[..30]), Ok(None));
        let (request, len) = Request::parse(bytes).unwrap().unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str(), &bytes[len..]), ("GET", "/a?b", &b"more"[..]));
        assert_eq!((request.header("HOST"), request.keeps_alive()), (Some("web"), false));
        assert_eq!(Request::parse(b"\x16\x03\x01\x02\x00"), Err(Malformed));
    }

    #[test]
    fn old_clients_close_unless_they_ask_to_stay() {
        let keeps = |text: &str| Request::parse(text.as_bytes()).unwrap().unwrap().0.keeps_alive();
        assert!(keeps("GET / HTTP/1.1\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
        assert!(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    }

    #[test]
    fn a_response_tells_its_length() {
        let (response, len) = Response::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n<html>").unwrap().unwrap();
        assert_eq!((response.status, response.length(), len), (200, Some(45), 39));
        assert_eq!(response.text, "HTTP/1.1 200 OK\r\nContent-Length: 45");
    }

    #[test]
    fn a_date_is_in_greenwich_time() {
        let at = OffsetDateTime::from_unix_timestamp(1_795_243_291).unwrap();
        assert_eq!(date(at), "Sat, 21 Nov 2026 06:41:31 GMT");
    }
}
