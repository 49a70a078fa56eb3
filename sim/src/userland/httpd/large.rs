//! nginx and Apache as their images start them: on port 80 in the foreground, with a page that says so, connections
//! that stay open, and a log of requests on standard output.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use time::OffsetDateTime;

use super::{Foreground, file, media_type, nginx};
use crate::userland::http::server::{Answer, Server, Software};
use crate::userland::http::{self, Malformed, Request};
use crate::userland::{Program, Signal, Step, Sys};

/// Clients that may wait to be accepted.
const BACKLOG: usize = 511;

/// nginx.
pub(super) fn nginx() -> Daemon {
    Daemon { brand: &NGINX, running: None, asked_to_end: false }
}

/// Apache.
pub(super) fn apache() -> Daemon {
    Daemon { brand: &APACHE, running: None, asked_to_end: false }
}

/// What one server does otherwise than the other.
struct Brand {
    server: &'static str,
    /// Where it listens; none for all addresses with one socket.
    addresses: &'static [Option<IpAddr>],
    root: &'static str,
    /// The page that its image brings.
    welcome: &'static str,
    /// What it prints when the port is taken; `{}` stands for the errno text.
    taken: fn(&str) -> String,
    /// The body of a refusal.
    refusal: fn(&str) -> String,
    /// Whether its log ends with referrer and user agent.
    combined_log: bool,
    /// What its command line asks for beside serving: the exit code, or none when it is to serve.
    errand: fn(&mut Sys<'_>) -> Option<i32>,
}

const NGINX: Brand = Brand {
    server: "nginx/1.27.3",
    addresses: &[Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED))],
    root: "/usr/share/nginx/html",
    welcome: "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n</head>\n<body>\n\
              <h1>Welcome to nginx!</h1>\n<p>This server is up, and this is the page it came with.</p>\n</body>\n</html>\n",
    taken: |why| format!("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: {why})\n"),
    refusal: |title| {
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx/1.27.3</center>\r\n</body>\r\n</html>\r\n"
        )
    },
    combined_log: true,
    errand: nginx::errand,
};

const APACHE: Brand = Brand {
    server: "Apache/2.4.62 (Unix)",
    addresses: &[None],
    root: "/usr/local/apache2/htdocs",
    welcome: "<html><body><h1>It works!</h1></body></html>\n",
    taken: |why| format!("(98){why}: AH00072: make_sock: could not bind to address 0.0.0.0:80\n"),
    refusal: |title| {
        let title = title.split_once(' ').map_or(title, |(_, words)| words);
        format!(
            "<html><head>\n<title>{title}</title>\n</head><body>\n<h1>{title}</h1>\n\
             <p>There is nothing here for this request.</p>\n</body></html>\n"
        )
    },
    combined_log: false,
    errand: |_| None,
};

/// The program.
#[derive(Clone)]
pub(super) struct Daemon {
    brand: &'static Brand,
    running: Option<Foreground<Pages>>,
    asked_to_end: bool,
}

#[derive(Clone)]
struct Pages(&'static Brand);

impl Program for Daemon {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.asked_to_end {
            return Step::Exit(0);
        }
        if self.running.is_none() {
            if let Some(status) = (self.brand.errand)(sys) {
                return Step::Exit(status);
            }
            let mut server = Server::default();
            let mut listen = |addr| server.listen(sys, addr, 80, BACKLOG);
            if let Err(errno) = self.brand.addresses.iter().try_for_each(|addr| listen(*addr)) {
                sys.eprint((self.brand.taken)(&errno.to_string()));
                return Step::Exit(1);
            }
            install(sys, self.brand);
            self.running = Some(Foreground { server, software: Pages(self.brand) });
        }
        self.running.as_mut().map_or(Step::Exit(1), |running| running.step(sys))
    }

    /// They end when they are asked to, and read what they serve at each request: there is nothing to load again.
    fn signal(&mut self, _: &mut Sys<'_>, signal: Signal) -> bool {
        self.asked_to_end |= matches!(signal, Signal::Interrupt | Signal::Quit | Signal::Terminate);
        self.asked_to_end || matches!(signal, Signal::Hangup | Signal::User1 | Signal::User2)
    }
}

/// Puts the page of the image in its place, unless somebody wrote another.
fn install(sys: &mut Sys<'_>, brand: &Brand) {
    let page = format!("{}/index.html", brand.root);
    let mut files = sys.files_mut();
    if !files.view().exists(&page) {
        files.make_directory(brand.root);
        files.write(&page, brand.welcome).expect("its directory was just made");
    }
}

impl Software for Pages {
    fn answer(&mut self, sys: &mut Sys<'_>, peer: SocketAddr, request: Result<&Request, Malformed>) -> Answer {
        let (status, head, body) = self.page(sys, request);
        let keep = request.is_ok_and(Request::keeps_alive);
        let is_head = request.is_ok_and(|r| r.method == "HEAD");
        let connection = if keep { "keep-alive" } else { "close" };
        let mut bytes =
            format!("{head}Content-Length: {}\r\nConnection: {connection}\r\n\r\n", body.len()).into_bytes();
        let sent = if is_head { 0 } else { body.len() };
        bytes.extend_from_slice(&body[..sent]);
        let line = self.log(sys.epoch().utc(sys.now()), peer, request.ok(), status, sent);
        sys.print(line);
        Answer { bytes, keep }
    }
}

impl Pages {
    /// Status, head without what concerns the connection, and body.
    fn page(&self, sys: &Sys<'_>, request: Result<&Request, Malformed>) -> (u16, String, Vec<u8>) {
        let (status, title) = match request {
            Err(Malformed) => (400, "400 Bad Request"),
            Ok(request) if !matches!(request.method.as_str(), "GET" | "HEAD") => (405, "405 Not Allowed"),
            Ok(request) => match file(&sys.files(), self.0.root, &request.target) {
                Err(_) => (404, "404 Not Found"),
                Ok((path, body)) => {
                    let media = media_type(&path).unwrap_or("application/octet-stream");
                    return (200, self.head(sys, "200 OK", media), body.to_vec());
                }
            },
        };
        (status, self.head(sys, title, "text/html"), (self.0.refusal)(title).into_bytes())
    }

    fn head(&self, sys: &Sys<'_>, title: &str, media: &str) -> String {
        let (server, date) = (self.0.server, http::date(sys.epoch().utc(sys.now())));
        format!("HTTP/1.1 {title}\r\nServer: {server}\r\nDate: {date}\r\nContent-Type: {media}\r\n")
    }

    /// A line in the common log format, or the combined one.
    fn log(&self, at: OffsetDateTime, peer: SocketAddr, request: Option<&Request>, status: u16, sent: usize) -> String {
        let line = request.map_or_else(String::new, |r| {
            let version = if r.is_modern { "HTTP/1.1" } else { "HTTP/1.0" };
            format!("{} {} {version}", r.method, r.target)
        });
        let (hour, minute, second) = at.to_hms();
        let date = format!("{:02}/{}/{}", at.day(), &at.month().to_string()[..3], at.year());
        let stamp = format!("{date}:{hour:02}:{minute:02}:{second:02} +0000");
        let mut text = format!("{} - - [{stamp}] \"{line}\" {status} {sent}", peer.ip());
        if self.0.combined_log {
            let of = |name| request.and_then(|r| r.header(name)).unwrap_or("-");
            text += &format!(" \"{}\" \"{}\" \"-\"", of("referer"), of("user-agent"));
        }
        text + "\n"
    }
}
