//! A request to a daemon behind a Unix socket, told in the events of one over TCP. It has no addresses, and no connection
//! that could be used again.

use core::task::Poll;
use std::collections::VecDeque;

use crate::userland::http::fetch::Event;
use crate::userland::http::{self, Response};
use crate::userland::{Call, CallId, Request, Sys};

/// Why there is no answer: nobody listens.
#[derive(Debug)]
pub(super) struct Unheard;

/// A request under way.
#[derive(Clone)]
pub(super) struct Conversation {
    call: CallId,
    has_head: bool,
    news: VecDeque<Event>,
}

impl Conversation {
    /// Sends a request, as its head is written.
    pub(super) fn begin(sys: &mut Sys<'_>, socket: &str, head: &str, body: &str) -> Self {
        let request = spoken(head, body);
        Self { call: sys.call(&sys.absolute(socket), request), has_head: false, news: VecDeque::new() }
    }

    /// Goes on; after `Done` or an error it must not be asked again.
    pub(super) fn poll(&mut self, sys: &mut Sys<'_>) -> Poll<Result<Event, Unheard>> {
        if self.news.is_empty() {
            let answer = sys.poll_call(self.call);
            self.take(sys, answer)?;
        }
        self.news.pop_front().map_or(Poll::Pending, |event| Poll::Ready(Ok(event)))
    }

    fn take(&mut self, sys: &Sys<'_>, answer: Call) -> Result<(), Unheard> {
        match answer.status {
            Some(status) if !self.has_head => {
                self.has_head = true;
                self.news.push_back(Event::Head(written(sys, status, &answer)));
            }
            None if answer.done => return Err(Unheard),
            _ => {}
        }
        if !answer.body.is_empty() {
            self.news.push_back(Event::Body(answer.body));
        }
        if answer.done {
            self.news.push_back(Event::Done);
        }
        Ok(())
    }
}

/// A request as daemons take it.
fn spoken(head: &str, body: &str) -> Request {
    const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
    let Ok(Some((head, _))) = http::Request::parse(head.as_bytes()) else { return Request::default() };
    let method = METHODS.into_iter().find(|method| *method == head.method).unwrap_or_default();
    let headers = head.lines().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Request { method, target: head.target.clone(), headers, body: body.as_bytes().to_vec() }
}

/// The head of an answer as a server writes it: of one piece when all of it has come with the head.
fn written(sys: &Sys<'_>, status: u16, answer: &Call) -> Response {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    answer.headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    text += &format!("Date: {}\r\n", http::date(sys.epoch().utc(sys.now())));
    text += &match answer.done {
        _ if matches!(status, 101 | 204 | 304) => "\r\n".to_owned(),
        true => format!("Content-Length: {}\r\n\r\n", answer.body.len()),
        false => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
    };
    let parsed = Response::parse(text.as_bytes());
    parsed.ok().flatten().expect("a head that was just written").0
}

/// What the status line says of a status, of those that a Docker daemon gives.
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "UPGRADED",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "",
    }
}
