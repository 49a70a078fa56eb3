//! curl on a host: gets URLs by HTTP and prints them. It is the tool of scripts, so it shows no progress meter; it
//! follows no redirections and sends no bodies.

use core::task::Poll;
use core::time::Duration;

use super::getopt::{Getopt, OptError};
use super::http::Response;
use super::http::fetch::{Attempts, Event, Failure, Fetch, Wish};
use super::http::url::{Url, UrlError};
use super::lookup::Family;
use super::{Errno, Flavour, Program, Programs, Step, Sys};
use crate::time::Instant;

/// Stands for `--connect-timeout`, which has no letter.
const CONNECT_TIMEOUT: char = '\u{1}';
const SPEC: &str = "sSfiI46o:w:m:H:A:X:\u{1}:";
const LONG: &[(&str, char)] = &[
    ("silent", 's'),
    ("show-error", 'S'),
    ("fail", 'f'),
    ("include", 'i'),
    ("head", 'I'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("output", 'o'),
    ("write-out", 'w'),
    ("max-time", 'm'),
    ("header", 'H'),
    ("user-agent", 'A'),
    ("request", 'X'),
    ("connect-timeout", CONNECT_TIMEOUT),
];

/// Adds the program.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "curl", || Box::new(Curl::Starting));
}

#[derive(Clone, Debug, Default)]
struct Options {
    urls: Vec<String>,
    silent: bool,
    show_error: bool,
    fail: bool,
    include: bool,
    head: bool,
    family: Family,
    output: Option<String>,
    write_out: Option<String>,
    method: Option<String>,
    agent: Option<String>,
    headers: Vec<String>,
    max_time: Option<Duration>,
    connect_timeout: Option<Duration>,
}

enum Curl {
    Starting,
    Running(Box<Run>),
}

struct Run {
    options: Options,
    /// Which URL is being fetched.
    index: usize,
    transfer: Option<Transfer>,
    exit: i32,
}

struct Transfer {
    url: Url,
    fetch: Fetch,
    begun: Instant,
    status: u16,
    length: Option<u64>,
    received: u64,
    peer: String,
}

/// An exit code with its text.
type Trouble = (i32, String);

impl Program for Curl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if matches!(self, Self::Starting) {
            match Options::parse(sys.argv()) {
                Ok(options) => *self = Self::Running(Box::new(Run { options, index: 0, transfer: None, exit: 0 })),
                Err(text) => {
                    sys.eprint(format!(
                        "curl: {text}\ncurl: try 'curl --help' or 'curl --manual' for more information\n"
                    ));
                    return Step::Exit(2);
                }
            }
        }
        let Self::Running(run) = self else { return Step::Exit(2) };
        run.step(sys)
    }
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, String> {
        let mut read = Getopt::new(argv, SPEC).with_long(LONG);
        let mut options = Self::default();
        for option in &mut read {
            let option = option.map_err(complaint)?;
            options.take(option.flag, option.value)?;
        }
        options.urls = read.operands().into_iter().map(str::to_owned).collect();
        if options.urls.is_empty() { Err("no URL specified!".to_owned()) } else { Ok(options) }
    }

    fn take(&mut self, flag: char, value: &str) -> Result<(), String> {
        let text = Some(value.to_owned());
        match flag {
            's' => self.silent = true,
            'S' => self.show_error = true,
            'f' => self.fail = true,
            'i' => self.include = true,
            'I' => self.head = true,
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            'o' => self.output = text,
            'w' => self.write_out = text,
            'X' => self.method = text,
            'A' => self.agent = text,
            'H' => self.headers.extend(text),
            'm' => self.max_time = Some(seconds("-m", value)?),
            _ => self.connect_timeout = Some(seconds("--connect-timeout", value)?),
        }
        Ok(())
    }

    fn method(&self) -> &str {
        self.method.as_deref().unwrap_or(if self.head { "HEAD" } else { "GET" })
    }

    fn request(&self, url: &Url) -> String {
        let agent = self.agent.as_deref().unwrap_or("curl/7.88.1");
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method(), url.path, url.authority());
        text += &format!("User-Agent: {agent}\r\nAccept: */*\r\n");
        self.headers.iter().for_each(|line| text += &format!("{line}\r\n"));
        text + "\r\n"
    }
}

fn complaint(error: OptError) -> String {
    match error {
        OptError::Invalid(flag) => format!("option -{flag}: is unknown"),
        OptError::MissingValue(flag) => format!("option -{flag}: requires parameter"),
        OptError::Unrecognized(name) => format!("option --{name}: is unknown"),
        OptError::UnexpectedValue(name) => format!("option --{name}: is unknown"),
        OptError::MissingLongValue(name) => format!("option --{name}: requires parameter"),
    }
}

/// Seconds, with a fraction if need be.
fn seconds(option: &str, text: &str) -> Result<Duration, String> {
    let value = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    value.ok_or_else(|| format!("option {option}: expected a proper numerical parameter"))
}

impl Run {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        while let Some(url) = self.options.urls.get(self.index).cloned() {
            if self.transfer.is_none() {
                match Transfer::begin(sys, &self.options, &url) {
                    Ok(transfer) => self.transfer = Some(transfer),
                    Err(trouble) => {
                        self.end(sys, Err(trouble));
                        continue;
                    }
                }
            }
            let transfer = self.transfer.as_mut().expect("it was just begun");
            match transfer.step(sys, &self.options) {
                Poll::Pending => return Step::Wait(transfer.next_at(&self.options)),
                Poll::Ready(result) => self.end(sys, result),
            }
        }
        Step::Exit(self.exit)
    }

    /// Goes on to the next URL.
    fn end(&mut self, sys: &mut Sys<'_>, result: Result<(), Trouble>) {
        self.exit = 0;
        if let Err((code, text)) = result {
            self.exit = code;
            if !self.options.silent || self.options.show_error {
                sys.eprint(format!("curl: ({code}) {text}\n"));
            }
        }
        let transfer = self.transfer.take();
        if let Some(format) = &self.options.write_out {
            sys.print(written_out(format, transfer.as_ref(), sys.now()));
        }
        self.index += 1;
    }
}

impl Transfer {
    fn begin(sys: &mut Sys<'_>, options: &Options, text: &str) -> Result<Self, Trouble> {
        let url = Url::parse(text).map_err(|error| match error {
            UrlError::Malformed => (3, "URL using bad/illegal format or missing URL".to_owned()),
            UrlError::Scheme(scheme) => (1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl")),
        })?;
        let wish = Wish {
            host: url.host.clone(),
            port: url.port,
            family: options.family,
            attempts: Attempts::All,
            request: options.request(&url).into_bytes(),
            has_body: options.method() != "HEAD",
        };
        if let Some(path) = &options.output {
            let opened = sys.create(path, false);
            opened.map_err(|_| (23, format!("Failed to open the file {path}")))?;
        }
        let (fetch, begun, peer) = (Fetch::new(sys, wish), sys.now(), String::new());
        Ok(Self { url, fetch, begun, status: 0, length: None, received: 0, peer })
    }

    fn step(&mut self, sys: &mut Sys<'_>, options: &Options) -> Poll<Result<(), Trouble>> {
        loop {
            match self.fetch.poll(sys) {
                Poll::Ready(Ok(Event::Done)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(event)) => {
                    if let Err(trouble) = self.take(sys, options, event) {
                        return Poll::Ready(Err(trouble));
                    }
                }
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(self.trouble(failure, sys.now()))),
                Poll::Pending if self.limit(options).is_some_and(|at| sys.now() >= at) => {
                    return Poll::Ready(Err(self.timed_out(sys.now())));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// When it takes too long.
    fn limit(&self, options: &Options) -> Option<Instant> {
        let connecting = options.connect_timeout.filter(|_| !self.fetch.is_connected());
        connecting.into_iter().chain(options.max_time).min().map(|limit| self.begun + limit)
    }

    fn next_at(&self, options: &Options) -> Option<Instant> {
        self.fetch.next_at().into_iter().chain(self.limit(options)).min()
    }

    fn take(&mut self, sys: &mut Sys<'_>, options: &Options, event: Event) -> Result<(), Trouble> {
        match event {
            Event::Connected(peer) => self.peer = peer.ip().to_string(),
            Event::Head(head) => return self.take_head(sys, options, &head),
            Event::Body(bytes) => {
                self.received += bytes.len() as u64;
                write(sys, options, &bytes);
            }
            Event::Connecting(_) | Event::Done => {}
        }
        Ok(())
    }

    fn take_head(&mut self, sys: &mut Sys<'_>, options: &Options, head: &Response) -> Result<(), Trouble> {
        self.status = head.status;
        self.length = head.length();
        if options.fail && head.status >= 400 {
            return Err((22, format!("The requested URL returned error: {}", head.status)));
        }
        if options.include || options.head {
            write(sys, options, format!("{}\r\n\r\n", head.text).as_bytes());
        }
        Ok(())
    }

    fn millis(&self, now: Instant) -> u128 {
        now.since(self.begun).as_millis()
    }

    fn trouble(&self, failure: Failure, now: Instant) -> Trouble {
        let (host, port, millis) = (&self.url.host, self.url.port, self.millis(now));
        match failure {
            Failure::Lookup(_) => (6, format!("Could not resolve host: {host}")),
            Failure::Connect(_, Errno::TimedOut) => {
                (28, format!("Failed to connect to {host} port {port} after {millis} ms: Couldn't connect to server"))
            }
            Failure::Connect(..) => {
                (7, format!("Failed to connect to {host} port {port} after {millis} ms: Couldn't connect to server"))
            }
            Failure::Broken(errno) => (56, format!("Recv failure: {errno}")),
            Failure::Empty => (52, "Empty reply from server".to_owned()),
            Failure::Short(left) => (18, format!("transfer closed with {left} bytes remaining to read")),
            Failure::Malformed => (1, "Received HTTP/0.9 when not allowed".to_owned()),
        }
    }

    fn timed_out(&self, now: Instant) -> Trouble {
        let (millis, received) = (self.millis(now), self.received);
        let text = match self.length {
            _ if self.fetch.is_resolving() => format!("Resolving timed out after {millis} milliseconds"),
            _ if !self.fetch.is_connected() => format!("Connection timed out after {millis} milliseconds"),
            Some(all) => {
                format!("Operation timed out after {millis} milliseconds with {received} out of {all} bytes received")
            }
            None => format!("Operation timed out after {millis} milliseconds with {received} bytes received"),
        };
        (28, text)
    }
}

/// Writes to the file that was asked for, or to standard output.
fn write(sys: &mut Sys<'_>, options: &Options, bytes: &[u8]) {
    match &options.output {
        None => sys.print(bytes),
        Some(path) if path == "/dev/null" => {}
        Some(path) => {
            let path = sys.absolute(path);
            // A file that was removed meanwhile gets no more.
            let _ = sys.files_mut().append(&path, bytes);
        }
    }
}

/// The text of `-w` with its variables filled in; those that are not known here stay empty.
fn written_out(format: &str, transfer: Option<&Transfer>, now: Instant) -> String {
    let format = format.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let mut text = String::new();
    let mut rest = format.as_str();
    while let Some((before, after)) = rest.split_once("%{") {
        text += before;
        let Some((name, after)) = after.split_once('}') else { break };
        text += &transfer.map_or_else(String::new, |t| t.variable(name, now));
        rest = after;
    }
    text + rest
}

impl Transfer {
    fn variable(&self, name: &str, now: Instant) -> String {
        match name {
            "http_code" | "response_code" => format!("{:03}", self.status),
            "remote_ip" => self.peer.clone(),
            "size_download" => self.received.to_string(),
            "time_total" => format!("{:.6}", now.since(self.begun).as_secs_f64()),
            "url" => self.url.path.clone(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn limits_are_seconds_with_fractions() {
        let options = parse("curl -sS -m 2.5 --connect-timeout 1 http://web/").unwrap();
        assert_eq!(
            (options.max_time, options.connect_timeout),
            (Some(Duration::from_millis(2500)), Some(Duration::from_secs(1)))
        );
        assert_eq!(parse("curl -m x web").unwrap_err(), "option -m: expected a proper numerical parameter");
        assert_eq!(parse("curl -Z web").unwrap_err(), "option -Z: is unknown");
        assert_eq!(parse("curl -s").unwrap_err(), "no URL specified!");
    }

    #[test]
    fn the_request_is_curls() {
        let options = parse("curl -I web:8080").unwrap();
        let url = Url::parse(&options.urls[0]).unwrap();
        let expected = "HEAD / HTTP/1.1\r\nHost: web:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
        assert_eq!(options.request(&url), expected);
    }
}
