//! One URL from its name to its last byte, with the redirections on the way, and what `-v` tells about it.

use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;

use super::Trouble;
use super::options::{Options, Output};
use super::unix::{Conversation, Unheard};
use crate::socket::SocketId;
use crate::time::Instant;
use crate::userland::http::Response;
use crate::userland::http::fetch::{Attempts, Event, Failure, Fetch, Wish};
use crate::userland::http::url::{Url, UrlError};
use crate::userland::{Errno, Sys};

/// A connection that stands from an earlier transfer.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    socket: SocketId,
    peer: SocketAddr,
    host: String,
    port: u16,
    /// Its number among the connections of the command.
    number: usize,
}

/// A URL under way.
#[derive(Clone)]
pub(super) struct Transfer {
    url: Url,
    /// As it was written, or where it was redirected to.
    text: String,
    output: Output,
    stage: Stage,
    as_get: bool,
    begun: Instant,
    connected: Option<Instant>,
    facts: Facts,
    /// The number of its connection.
    number: usize,
    length: Option<u64>,
    /// Where the answer sends us.
    location: Option<String>,
    /// The body is not for the user: of a redirection that is followed.
    skips_body: bool,
    fails: Option<Trouble>,
}

#[derive(Clone)]
enum Stage {
    /// The request has not begun.
    Ready,
    Fetching(Fetch),
    /// It is asked through a Unix socket.
    Calling(Conversation),
}

/// What `-w` can tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) received: u64,
    pub(super) head_len: usize,
    pub(super) request_len: usize,
    pub(super) connects: usize,
    pub(super) redirects: u32,
    pub(super) redirect_url: String,
    pub(super) local: Option<SocketAddr>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) connected: Duration,
    pub(super) total: Duration,
}

impl Transfer {
    pub(super) fn begin(sys: &mut Sys<'_>, options: &Options, text: &str, output: Output) -> Result<Self, Trouble> {
        let url = parse(text)?;
        if let Output::File(path) = &output {
            let opened = sys.create(path, false);
            opened.map_err(|_| (23, format!("Failed to open the file {path}")))?;
        }
        let facts = Facts { method: options.method(false).to_owned(), ..Facts::default() };
        Ok(Self {
            url,
            text: text.to_owned(),
            output,
            stage: Stage::Ready,
            as_get: false,
            begun: sys.now(),
            connected: None,
            facts,
            number: 0,
            length: None,
            location: None,
            skips_body: false,
            fails: None,
        })
    }

    /// Goes on; ready when the URL is done with.
    pub(super) fn step(
        &mut self,
        sys: &mut Sys<'_>,
        options: &Options,
        kept: &mut Option<Kept>,
        connections: &mut usize,
    ) -> Poll<Result<(), Trouble>> {
        loop {
            if matches!(self.stage, Stage::Ready) {
                self.stage = match &options.unix_socket {
                    Some(socket) => Stage::Calling(self.call(sys, options, socket, connections)),
                    None => Stage::Fetching(self.request(sys, options, kept, connections)),
                };
            }
            match self.news(sys) {
                Poll::Ready(Ok(Event::Done)) => match self.finish(sys, options, kept) {
                    Some(result) => return Poll::Ready(result),
                    None => self.stage = Stage::Ready,
                },
                Poll::Ready(Ok(event)) => self.take(sys, options, event),
                Poll::Ready(Err(trouble)) => return Poll::Ready(self.give_up(sys, options, trouble)),
                Poll::Pending if self.limit(options).is_some_and(|at| sys.now() >= at) => {
                    let trouble = self.timed_out(sys.now());
                    return Poll::Ready(self.give_up(sys, options, trouble));
                }
                Poll::Pending => return Poll::Pending,
            }
            if let Some(trouble) = self.fails.take() {
                return Poll::Ready(self.give_up(sys, options, trouble));
            }
        }
    }

    /// What has happened to the request.
    fn news(&mut self, sys: &mut Sys<'_>) -> Poll<Result<Event, Trouble>> {
        match &mut self.stage {
            Stage::Ready => Poll::Pending,
            Stage::Fetching(fetch) => fetch.poll(sys).map_err(|failure| self.trouble(failure, sys.now())),
            Stage::Calling(call) => call.poll(sys).map_err(|Unheard| (7, self.unconnected(sys.now()))),
        }
    }

    /// Begins a request to a daemon, which is there at once.
    fn call(&mut self, sys: &mut Sys<'_>, options: &Options, socket: &str, connections: &mut usize) -> Conversation {
        self.number = *connections;
        *connections += 1;
        self.facts.connects += 1;
        self.connected.get_or_insert_with(|| sys.now());
        let (host, port, number) = (&self.url.host, self.url.port, self.number);
        note(sys, options, &format!("  Trying {socket}:0..."));
        note(sys, options, &format!("Connected to {host} ({socket}) port {port} (#{number})"));
        let (head, body) = options.request(&self.url, self.as_get);
        self.facts.request_len = head.len();
        quote(sys, options, '>', &head);
        Conversation::begin(sys, socket, &head, &body)
    }

    /// Begins a request, over a connection that stands if there is one to that place.
    fn request(
        &mut self,
        sys: &mut Sys<'_>,
        options: &Options,
        kept: &mut Option<Kept>,
        connections: &mut usize,
    ) -> Fetch {
        let url = self.url.clone();
        let mut fits = kept.take_if(|k| k.host == url.host && k.port == url.port);
        if fits.as_ref().is_some_and(|k| !Fetch::can_reuse(sys, k.socket)) {
            let dead = fits.take().expect("it was just looked at");
            note(sys, options, &format!("Connection {} seems to be dead", dead.number));
            sys.close(dead.socket);
        }
        match &fits {
            Some(reused) => {
                self.number = reused.number;
                // Which address the bundle has is chance; here it is always the same.
                note(sys, options, "Found bundle for host: 0x55d0c0de0000 [serially]");
                note(sys, options, "Can not multiplex, even if we wanted to");
                note(sys, options, &format!("Re-using existing connection #{} with host {}", reused.number, url.host));
            }
            None => {
                self.number = *connections;
                *connections += 1;
                self.facts.connects += 1;
            }
        }
        let (head, body) = options.request(&url, self.as_get);
        self.facts.request_len = head.len();
        let wish = Wish {
            host: url.host.clone(),
            port: url.port,
            family: options.family,
            attempts: Attempts::All,
            request: (head + &body).into_bytes(),
            has_body: options.method(self.as_get) != "HEAD",
            connection: fits.map(|k| (k.socket, k.peer)),
            keep: true,
        };
        Fetch::new(sys, wish)
    }

    fn take(&mut self, sys: &mut Sys<'_>, options: &Options, event: Event) {
        match event {
            Event::Connecting(peer) => note(sys, options, &format!("  Trying {peer}...")),
            Event::Refused(peer, errno) => {
                let said = format!("connect to {} port {} failed: {errno}", peer.ip(), peer.port());
                note(sys, options, &said);
            }
            Event::Connected { peer, local, is_new } => {
                self.connected.get_or_insert_with(|| sys.now());
                (self.facts.peer, self.facts.local) = (Some(peer), Some(local));
                let (host, number) = (&self.url.host, self.number);
                if is_new {
                    let said = format!("Connected to {host} ({}) port {} (#{number})", peer.ip(), peer.port());
                    note(sys, options, &said);
                }
                let (head, _) = options.request(&self.url, self.as_get);
                quote(sys, options, '>', &head);
            }
            Event::Head(head) => self.take_head(sys, options, &head),
            Event::Body(bytes) if self.skips_body => drop(bytes),
            Event::Body(bytes) => {
                self.facts.received += bytes.len() as u64;
                self.write(sys, &bytes);
            }
            Event::Done => {}
        }
    }

    fn take_head(&mut self, sys: &mut Sys<'_>, options: &Options, head: &Response) {
        let text = format!("{}\r\n\r\n", head.text);
        quote(sys, options, '<', &text);
        self.facts.status = head.status;
        self.facts.head_len += text.len();
        self.facts.content_type = head.header("content-type").unwrap_or_default().to_owned();
        self.length = head.length();
        self.location = head.header("location").filter(|_| (300..400).contains(&head.status)).map(str::to_owned);
        self.skips_body = options.follow && self.location.is_some();
        if let Some(location) = &self.location {
            self.facts.redirect_url = self.url.join(location);
        }
        let refused = (22, format!("The requested URL returned error: {}", head.status));
        if options.fail && head.status >= 400 {
            self.fails = Some(refused);
            return;
        }
        if options.include || options.head {
            self.write(sys, text.as_bytes());
        }
    }

    /// The answer is complete: it is the last, or the request for where it sends us comes next.
    fn finish(&mut self, sys: &mut Sys<'_>, options: &Options, kept: &mut Option<Kept>) -> Option<Result<(), Trouble>> {
        let (host, port, number) = (self.url.host.clone(), self.url.port, self.number);
        let connection = match &mut self.stage {
            Stage::Fetching(fetch) => fetch.take_connection(),
            Stage::Ready | Stage::Calling(_) => None,
        };
        match (connection, self.facts.peer) {
            (Some(socket), Some(peer)) => {
                note(sys, options, &format!("Connection #{number} to host {host} left intact"));
                if let Some(old) = kept.replace(Kept { socket, peer, host, port, number }) {
                    sys.close(old.socket);
                }
            }
            _ => note(sys, options, &format!("Closing connection {number}")),
        }
        if options.fail_with_body && self.facts.status >= 400 {
            return Some(Err((22, format!("The requested URL returned error: {}", self.facts.status))));
        }
        match self.location.take().filter(|_| options.follow) {
            Some(location) => self.redirect(sys, options, &location).err().map(Err),
            None => Some(Ok(())),
        }
    }

    /// Turns to where an answer sends us.
    fn redirect(&mut self, sys: &mut Sys<'_>, options: &Options, location: &str) -> Result<(), Trouble> {
        if self.facts.redirects >= options.redirects {
            let text = format!("Maximum ({}) redirects followed", options.redirects);
            note(sys, options, &text);
            return Err((47, text));
        }
        let text = self.url.join(location);
        note(sys, options, &format!("Issue another request to this URL: '{text}'"));
        if matches!(self.facts.status, 301..=303) && options.method(self.as_get) == "POST" {
            note(sys, options, "Switch from POST to GET");
            self.as_get = true;
        }
        self.url = parse(&text)?;
        self.text = text;
        self.facts.redirects += 1;
        self.facts.redirect_url.clear();
        Ok(())
    }

    fn give_up(&mut self, sys: &mut Sys<'_>, options: &Options, trouble: Trouble) -> Result<(), Trouble> {
        note(sys, options, &trouble.1);
        note(sys, options, &format!("Closing connection {}", self.number));
        if let Stage::Fetching(fetch) = &mut self.stage {
            fetch.abandon(sys);
        }
        Err(trouble)
    }

    /// When it takes too long.
    fn limit(&self, options: &Options) -> Option<Instant> {
        let connecting = options.connect_timeout.filter(|_| self.connected.is_none());
        connecting.into_iter().chain(options.max_time).min().map(|limit| self.begun + limit)
    }

    pub(super) fn next_at(&self, options: &Options) -> Option<Instant> {
        let fetch = match &self.stage {
            Stage::Fetching(fetch) => fetch.next_at(),
            Stage::Ready | Stage::Calling(_) => None,
        };
        fetch.into_iter().chain(self.limit(options)).min()
    }

    fn trouble(&self, failure: Failure, now: Instant) -> Trouble {
        match failure {
            Failure::Lookup(_) => (6, format!("Could not resolve host: {}", self.url.host)),
            Failure::Connect(_, Errno::TimedOut) => (28, self.unconnected(now)),
            Failure::Connect(..) => (7, self.unconnected(now)),
            Failure::Broken(errno) => (56, format!("Recv failure: {errno}")),
            Failure::Empty => (52, "Empty reply from server".to_owned()),
            Failure::Short(left) => (18, format!("transfer closed with {left} bytes remaining to read")),
            Failure::Malformed => (1, "Received HTTP/0.9 when not allowed".to_owned()),
        }
    }

    fn unconnected(&self, now: Instant) -> String {
        let (host, port, millis) = (&self.url.host, self.url.port, now.since(self.begun).as_millis());
        format!("Failed to connect to {host} port {port} after {millis} ms: Couldn't connect to server")
    }

    fn timed_out(&self, now: Instant) -> Trouble {
        let (millis, received) = (now.since(self.begun).as_millis(), self.facts.received);
        let is_resolving = matches!(&self.stage, Stage::Fetching(fetch) if fetch.is_resolving());
        let text = match self.length {
            _ if is_resolving => format!("Resolving timed out after {millis} milliseconds"),
            _ if self.connected.is_none() => format!("Connection timed out after {millis} milliseconds"),
            Some(all) => {
                format!("Operation timed out after {millis} milliseconds with {received} out of {all} bytes received")
            }
            None => format!("Operation timed out after {millis} milliseconds with {received} bytes received"),
        };
        (28, text)
    }

    /// Writes to the file that was asked for, or to standard output.
    fn write(&self, sys: &mut Sys<'_>, bytes: &[u8]) {
        match &self.output {
            Output::File(path) if path == "/dev/null" => {}
            Output::File(path) => {
                let path = sys.absolute(path);
                // A file that was removed meanwhile gets no more.
                let _ = sys.files_mut().append(&path, bytes);
            }
            Output::Stdout | Output::Remote => sys.print(bytes),
        }
    }

    pub(super) fn facts(&self, now: Instant) -> Facts {
        let since = |at: Instant| at.since(self.begun);
        let url = if self.text.contains("://") { self.text.clone() } else { self.url.to_string() };
        Facts { url, connected: self.connected.map(since).unwrap_or_default(), total: since(now), ..self.facts.clone() }
    }
}

fn parse(text: &str) -> Result<Url, Trouble> {
    Url::parse(text).map_err(|error| match error {
        UrlError::Malformed => (3, "URL using bad/illegal format or missing URL".to_owned()),
        UrlError::Scheme(scheme) => (1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl")),
    })
}

/// A line of `-v`.
fn note(sys: &mut Sys<'_>, options: &Options, text: &str) {
    if options.verbose {
        sys.eprint(format!("* {text}\n"));
    }
}

/// A head in `-v`, line by line.
fn quote(sys: &mut Sys<'_>, options: &Options, mark: char, head: &str) {
    if options.verbose {
        let lines: String = head.split_inclusive('\n').map(|line| format!("{mark} {line}")).collect();
        sys.eprint(lines);
    }
}
