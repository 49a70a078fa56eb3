//! Calls to daemons behind Unix sockets: a program asks, the world's owner carries the request to whom it concerns and
//! brings the answer back in pieces. What a request means is known on neither side of this module.

use super::{Event, Sys, Table};

/// A request to a daemon behind a Unix socket: a method, a target, headers and a body, as HTTP has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// What else is said of it; names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, often JSON.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, the first of several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A call under way, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallId(pub u32);

/// The answer to a call as far as it has come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Call {
    /// The status, once the head has come.
    pub status: Option<u16>,
    /// What the head says beside it, in its order.
    pub headers: Vec<(&'static str, String)>,
    /// Bytes of the body that came and were not taken yet.
    pub body: Vec<u8>,
    /// Whether the body is complete.
    pub done: bool,
}

impl Table {
    /// Answers a call: its status and its headers, first of all.
    pub fn respond(&mut self, call: CallId, status: u16, headers: Vec<(&'static str, String)>) {
        self.update_call(call, |c| (c.status, c.headers) = (Some(status), headers));
    }

    /// Sends a part of the body of an answer.
    pub fn respond_body(&mut self, call: CallId, bytes: &[u8]) {
        self.update_call(call, |c| c.body.extend_from_slice(bytes));
    }

    /// Ends the body of an answer.
    pub fn respond_end(&mut self, call: CallId) {
        self.update_call(call, |c| c.done = true);
    }

    fn update_call(&mut self, id: CallId, update: impl FnOnce(&mut Call)) {
        let Some((pid, call)) = self.calls.get_mut(&id) else { return };
        update(call);
        let pid = *pid;
        self.wake(pid);
    }
}

impl Sys<'_> {
    /// Calls the daemon behind a Unix socket.
    pub fn call(&mut self, socket: &str, request: Request) -> CallId {
        let id = CallId(self.table.next_call);
        self.table.next_call += 1;
        self.table.calls.insert(id, (self.pid, Call::default()));
        let context = self.context_id();
        self.table.process_mut(self.pid).calls.insert(id);
        let event = Event::Called { id, pid: self.pid, context, socket: socket.to_owned(), request };
        self.table.events.push_back(event);
        id
    }

    /// What has come for a call; headers and bytes are taken out.
    pub fn poll_call(&mut self, id: CallId) -> Call {
        let Some((_, call)) = self.table.calls.get_mut(&id) else { return Call { done: true, ..Call::default() } };
        let (headers, body) = (core::mem::take(&mut call.headers), core::mem::take(&mut call.body));
        let answer = Call { status: call.status, headers, body, done: call.done };
        if answer.done {
            self.table.calls.remove(&id);
            self.table.process_mut(self.pid).calls.remove(&id);
        }
        answer
    }

    /// Sends input on a call that streams; an empty slice ends it.
    pub fn call_input(&mut self, id: CallId, bytes: &[u8]) {
        self.table.events.push_back(Event::CallInput(id, bytes.to_vec()));
    }
}
