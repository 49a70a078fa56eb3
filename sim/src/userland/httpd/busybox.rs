//! busybox httpd: one request a connection, and with `-v` a line about each on standard error.

use core::net::{IpAddr, SocketAddr};

use super::{Foreground, file, media_type};
use crate::time::Instant;
use crate::userland::http::server::{Answer, Server, Software};
use crate::userland::http::{self, Malformed, Request};
use crate::userland::{Program, Step, Stream, Sys, getopt::Getopt};

/// Clients that may wait to be accepted.
const BACKLOG: usize = 9;

/// The program.
#[derive(Clone, Default)]
pub(super) struct Httpd(Option<Foreground<Pages>>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Options {
    foreground: bool,
    verbose: bool,
    addr: Option<IpAddr>,
    port: u16,
    root: Option<String>,
}

/// What it serves.
#[derive(Clone)]
struct Pages {
    root: String,
    verbose: bool,
    /// Whether clients' IPv4 addresses show as mapped into IPv6, as on a socket for both.
    is_dual: bool,
}

impl Program for Httpd {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.0.is_none() {
            match start(sys) {
                Ok(server) => self.0 = Some(server),
                Err(exit) => return exit,
            }
        }
        self.0.as_mut().map_or(Step::Exit(1), |server| server.step(sys))
    }
}

fn start(sys: &mut Sys<'_>) -> Result<Foreground<Pages>, Step> {
    let options = Options::parse(sys.argv()).map_err(|text| fail(sys, &text))?;
    if !options.foreground {
        return Err(go_to_background(sys));
    }
    let mut server = Server::default();
    server.listen(sys, options.addr, options.port, BACKLOG).map_err(|errno| fail(sys, &format!("bind: {errno}")))?;
    let root = options.root.map_or_else(|| sys.cwd().to_owned(), |root| sys.absolute(&root));
    let software = Pages { root, verbose: options.verbose, is_dual: options.addr.is_none() };
    Ok(Foreground { server, software })
}

fn fail(sys: &mut Sys<'_>, text: &str) -> Step {
    sys.eprint(format!("httpd: {text}\n"));
    Step::Exit(1)
}

/// Without `-f` a child serves, and the command line goes on.
fn go_to_background(sys: &mut Sys<'_>) -> Step {
    let mut argv = sys.argv().to_vec();
    argv.insert(1, "-f".to_owned());
    match sys.spawn(argv, [Stream::Null, Stream::Null, Stream::Null], None) {
        Ok(_) => Step::Exit(0),
        Err(errno) => fail(sys, &errno.to_string()),
    }
}

impl Options {
    fn parse(argv: &[String]) -> Result<Self, String> {
        let mut options = Self { foreground: false, verbose: false, addr: None, port: 80, root: None };
        for option in Getopt::new(argv, "fvip:h:c:u:") {
            let option = option.map_err(|error| error.to_string())?;
            match option.flag {
                'f' => options.foreground = true,
                'v' => options.verbose = true,
                'p' => (options.addr, options.port) = place(option.value)?,
                'h' => options.root = Some(option.value.to_owned()),
                _ => {}
            }
        }
        Ok(options)
    }
}

/// `80` or `127.0.0.1:80`.
fn place(text: &str) -> Result<(Option<IpAddr>, u16), String> {
    let bad = || format!("bad address '{text}'");
    match text.rsplit_once(':') {
        None => Ok((None, text.parse().map_err(|_| bad())?)),
        Some((addr, port)) => {
            let addr = addr.trim_matches(['[', ']']);
            Ok((Some(addr.parse().map_err(|_| bad())?), port.parse().map_err(|_| bad())?))
        }
    }
}

impl Software for Pages {
    fn answer(&mut self, sys: &mut Sys<'_>, peer: SocketAddr, request: Result<&Request, Malformed>) -> Answer {
        let (status, bytes) = self.page(sys, request);
        if self.verbose {
            sys.eprint(format!("{}: response:{status}\n", self.dotted(peer)));
        }
        Answer { bytes, keep: false }
    }
}

impl Pages {
    fn page(&self, sys: &Sys<'_>, request: Result<&Request, Malformed>) -> (u16, Vec<u8>) {
        let date = http::date(sys.epoch().utc(sys.now()));
        let Ok(request) = request else { return (400, refusal(&date, 400)) };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return (501, refusal(&date, 501));
        }
        let Ok((path, body)) = file(&sys.files(), &self.root, &request.target) else {
            return (404, refusal(&date, 404));
        };
        // Files have no dates of their own here: they are as old as the world.
        let made = sys.epoch().utc(Instant::ZERO);
        let (media, modified) = (media_type(&path).unwrap_or("application/octet-stream"), http::date(made));
        let (stamp, length) = (made.unix_timestamp(), body.len());
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\nDate: {date}\r\nConnection: close\r\nContent-type: {media}\r\nAccept-Ranges: bytes\r\n\
             Last-Modified: {modified}\r\nETag: \"{stamp:x}-{length:x}\"\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        if request.method == "GET" {
            bytes.extend_from_slice(&body);
        }
        (200, bytes)
    }

    /// The peer as it shows in the log.
    fn dotted(&self, peer: SocketAddr) -> String {
        match peer.ip() {
            IpAddr::V4(v4) if self.is_dual => format!("[::ffff:{v4}]:{}", peer.port()),
            _ => peer.to_string(),
        }
    }
}

fn refusal(date: &str, status: u16) -> Vec<u8> {
    let (title, text) = match status {
        400 => ("Bad Request", "Unsupported method"),
        404 => ("Not Found", "The requested URL was not found"),
        _ => ("Not Implemented", "The requested method is not recognized"),
    };
    format!(
        "HTTP/1.1 {status} {title}\r\nDate: {date}\r\nConnection: close\r\nContent-type: text/html\r\n\r\n\
         <HTML><HEAD><TITLE>{status} {title}</TITLE></HEAD>\n<BODY><H1>{status} {title}</H1>\n{text}\n</BODY></HTML>\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_place_is_a_port_or_an_address_with_one() {
        let options = parse("httpd -f -v -p 127.0.0.1:8080 -h /www").unwrap();
        assert_eq!((options.addr, options.port), ("127.0.0.1".parse().ok(), 8080));
        assert!(options.foreground && options.verbose && options.root.as_deref() == Some("/www"));
        assert_eq!(parse("httpd").map(|o| (o.foreground, o.port)), Ok((false, 80)));
        assert_eq!(parse("httpd -p web"), Err("bad address 'web'".to_owned()));
    }

    #[test]
    fn a_refusal_says_why() {
        let text = String::from_utf8(refusal("D", 404)).unwrap();
        assert!(text.starts_with("HTTP/1.1 404 Not Found\r\nDate: D\r\n"));
        assert!(text.contains("<H1>404 Not Found</H1>\nThe requested URL was not found"));
    }
}
