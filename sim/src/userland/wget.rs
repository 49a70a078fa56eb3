//! busybox wget: gets one URL into a file or onto standard output. It follows no redirections and speaks no FTP or TLS.

use core::task::Poll;
use core::time::Duration;

use super::getopt::Getopt;
use super::http::Response;
use super::http::fetch::{Attempts, Event, Failure, Fetch, Wish};
use super::http::url::{Url, UrlError};
use super::lookup::Family;
use super::{Flavour, Program, Programs, Step, Stream, Sys};
use crate::time::Instant;

/// Seconds without news after which it gives up.
const PATIENCE: u64 = 900;
const LONG: &[(&str, char)] =
    &[("output-document", 'O'), ("quiet", 'q'), ("timeout", 'T'), ("server-response", 'S'), ("spider", 's')];

/// Adds the program.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, "wget", || Box::new(Wget::Starting));
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Options {
    url: String,
    output: Option<String>,
    quiet: bool,
    show_head: bool,
    /// Only the head is asked for, and nothing is kept.
    spider: bool,
    timeout: Duration,
}

#[derive(Clone)]
enum Wget {
    Starting,
    Running(Box<Run>),
}

#[derive(Clone)]
struct Run {
    options: Options,
    url: Url,
    fetch: Fetch,
    deadline: Instant,
    output: Option<Stream>,
    received: u64,
}

impl Program for Wget {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if matches!(self, Self::Starting) {
            match start(sys) {
                Ok(run) => *self = Self::Running(Box::new(run)),
                Err(text) => return fail(sys, &text),
            }
        }
        let Self::Running(run) = self else { return Step::Exit(1) };
        run.step(sys).unwrap_or_else(|text| fail(sys, &text))
    }
}

fn fail(sys: &mut Sys<'_>, text: &str) -> Step {
    sys.eprint(format!("wget: {text}\n"));
    Step::Exit(1)
}

fn start(sys: &Sys<'_>) -> Result<Run, String> {
    let options = Options::parse(sys.argv())?;
    let url = Url::parse(&options.url).map_err(|error| match error {
        UrlError::Malformed => format!("bad address '{}'", options.url),
        UrlError::Scheme(_) => format!("not an http or ftp url: {}", options.url),
    })?;
    let method = if options.spider { "HEAD" } else { "GET" };
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Wget\r\nConnection: close\r\n\r\n",
        url.path,
        url.authority()
    );
    let wish = Wish {
        host: url.host.clone(),
        port: url.port,
        family: Family::Any,
        attempts: Attempts::First,
        request: request.into_bytes(),
        has_body: !options.spider,
        connection: None,
        keep: false,
    };
    let (fetch, deadline) = (Fetch::new(sys, wish), sys.now() + options.timeout);
    Ok(Run { options, url, fetch, deadline, output: None, received: 0 })
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, String> {
        let mut read = Getopt::new(argv, "O:qT:Ss").with_long(LONG);
        let (mut output, mut quiet, mut show_head, mut spider, mut seconds) = (None, false, false, false, PATIENCE);
        for option in &mut read {
            let option = option.map_err(|error| error.to_string())?;
            match option.flag {
                'O' => output = Some(option.value.to_owned()),
                'q' => quiet = true,
                'S' => show_head = true,
                's' => spider = true,
                _ => seconds = option.value.parse().map_err(|_| format!("invalid number '{}'", option.value))?,
            }
        }
        let url = read.operands().first().ok_or("missing URL")?.to_string();
        Ok(Self { url, output, quiet, show_head, spider, timeout: Duration::from_secs(seconds) })
    }
}

impl Run {
    fn step(&mut self, sys: &mut Sys<'_>) -> Result<Step, String> {
        loop {
            match self.fetch.poll(sys) {
                Poll::Ready(Ok(Event::Done)) => return self.finish(sys),
                Poll::Ready(Ok(event)) => {
                    self.deadline = sys.now() + self.options.timeout;
                    self.take(sys, event)?;
                }
                Poll::Ready(Err(failure)) => return Err(self.reason(failure)),
                Poll::Pending if sys.now() >= self.deadline => return Err("download timed out".to_owned()),
                Poll::Pending => {
                    let next = self.fetch.next_at().map_or(self.deadline, |at| at.min(self.deadline));
                    return Ok(Step::Wait(Some(next)));
                }
            }
        }
    }

    fn take(&mut self, sys: &mut Sys<'_>, event: Event) -> Result<(), String> {
        match event {
            Event::Connecting(peer) if !self.options.quiet => {
                sys.eprint(format!("Connecting to {}:{} ({peer})\n", self.url.host, self.url.port));
            }
            Event::Head(head) => self.take_head(sys, &head)?,
            Event::Body(bytes) => {
                self.received += bytes.len() as u64;
                self.keep(sys, &bytes)?;
            }
            Event::Connecting(_) | Event::Refused(..) | Event::Connected { .. } | Event::Done => {}
        }
        Ok(())
    }

    fn take_head(&self, sys: &mut Sys<'_>, head: &Response) -> Result<(), String> {
        if self.options.show_head {
            head.text.lines().for_each(|line| sys.eprint(format!("  {line}\n")));
        }
        let title = head.text.lines().next().unwrap_or_default();
        if !(200..300).contains(&head.status) {
            return Err(format!("server returned error: {title}"));
        }
        if !self.options.quiet && !self.options.spider {
            match self.file_name() {
                None => sys.eprint("writing to stdout\n"),
                Some(name) => sys.eprint(format!("saving to '{name}'\n")),
            }
        }
        Ok(())
    }

    /// The file that is written; none for standard output.
    fn file_name(&self) -> Option<&str> {
        match (self.options.output.as_deref(), self.url.file_name()) {
            (Some("-"), _) => None,
            (Some(name), _) => Some(name),
            (None, "") => Some("index.html"),
            (None, name) => Some(name),
        }
    }

    fn keep(&mut self, sys: &mut Sys<'_>, bytes: &[u8]) -> Result<(), String> {
        let Some(name) = self.file_name().map(str::to_owned) else {
            sys.print(bytes);
            return Ok(());
        };
        if self.output.is_none() {
            self.output = Some(sys.create(&name, false).map_err(|errno| format!("can't open '{name}': {errno}"))?);
        }
        if !matches!(self.output, Some(Stream::Null)) {
            let path = sys.absolute(&name);
            sys.files_mut().append(&path, bytes).map_err(|errno| format!("can't write '{name}': {errno}"))?;
        }
        Ok(())
    }

    fn finish(&mut self, sys: &mut Sys<'_>) -> Result<Step, String> {
        if self.options.spider {
            if !self.options.quiet {
                sys.eprint("remote file exists\n");
            }
            return Ok(Step::Exit(0));
        }
        if self.received == 0 {
            self.keep(sys, &[])?;
        }
        if !self.options.quiet {
            let (name, size) = (self.file_name().unwrap_or("-"), self.received);
            let bar = "*".repeat(32);
            sys.eprint(format!("{name:<20.20} 100% |{bar}| {size:>5}  0:00:00 ETA\n"));
            match self.file_name() {
                None => sys.eprint("written to stdout\n"),
                Some(name) => sys.eprint(format!("'{name}' saved\n")),
            }
        }
        Ok(Step::Exit(0))
    }

    fn reason(&self, failure: Failure) -> String {
        match failure {
            Failure::Lookup(_) => format!("bad address '{}'", self.url.host),
            Failure::Connect(peer, errno) => format!("can't connect to remote host ({}): {errno}", peer.ip()),
            Failure::Broken(errno) => format!("error getting response: {errno}"),
            Failure::Empty | Failure::Malformed => "error getting response".to_owned(),
            Failure::Short(_) => "connection closed prematurely".to_owned(),
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
    fn options_go_together_and_have_long_names() {
        let options = parse("wget -qO- -T 2 http://web/").unwrap();
        assert_eq!((options.output.as_deref(), options.quiet, options.timeout.as_secs()), (Some("-"), true, 2));
        assert!(parse("wget --spider --server-response web").is_ok_and(|o| o.spider && o.show_head));
        assert_eq!(parse("wget -T x web"), Err("invalid number 'x'".to_owned()));
        assert_eq!(parse("wget"), Err("missing URL".to_owned()));
    }
}
