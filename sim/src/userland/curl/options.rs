//! The command line of curl, and the request that it makes.

use core::time::Duration;

use super::Trouble;
use crate::userland::Sys;
use crate::userland::base64;
use crate::userland::getopt::{Getopt, OptError};
use crate::userland::http::url::Url;
use crate::userland::lookup::Family;

/// Stand for options that have no letter.
const CONNECT_TIMEOUT: char = '\u{1}';
const MAX_REDIRS: char = '\u{2}';
const DATA_RAW: char = '\u{3}';
const JSON: char = '\u{4}';
const FAIL_WITH_BODY: char = '\u{5}';
const URL: char = '\u{6}';
const UNIX_SOCKET: char = '\u{7}';
const SPEC: &str = "sSfiIvLkgN#G46Oo:w:m:H:A:X:d:e:u:\u{1}:\u{2}:\u{3}:\u{4}:\u{5}\u{6}:\u{7}:";
const LONG: &[(&str, char)] = &[
    ("silent", 's'),
    ("show-error", 'S'),
    ("fail", 'f'),
    ("fail-with-body", FAIL_WITH_BODY),
    ("include", 'i'),
    ("head", 'I'),
    ("verbose", 'v'),
    ("location", 'L'),
    ("insecure", 'k'),
    ("globoff", 'g'),
    ("no-buffer", 'N'),
    ("progress-bar", '#'),
    ("get", 'G'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("remote-name", 'O'),
    ("output", 'o'),
    ("write-out", 'w'),
    ("max-time", 'm'),
    ("header", 'H'),
    ("user-agent", 'A'),
    ("request", 'X'),
    ("data", 'd'),
    ("data-ascii", 'd'),
    ("data-binary", DATA_RAW),
    ("data-raw", DATA_RAW),
    ("json", JSON),
    ("referer", 'e'),
    ("user", 'u'),
    ("url", URL),
    ("unix-socket", UNIX_SOCKET),
    ("connect-timeout", CONNECT_TIMEOUT),
    ("max-redirs", MAX_REDIRS),
];
/// Redirections that are followed when nothing else is said.
const REDIRECTS: u32 = 50;

/// Where a body goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Output {
    Stdout,
    File(String),
    /// The file that the URL names.
    Remote,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) urls: Vec<String>,
    pub(super) silent: bool,
    pub(super) show_error: bool,
    pub(super) fail: bool,
    pub(super) fail_with_body: bool,
    pub(super) include: bool,
    pub(super) head: bool,
    pub(super) verbose: bool,
    pub(super) follow: bool,
    pub(super) redirects: u32,
    pub(super) family: Family,
    pub(super) write_out: Option<String>,
    pub(super) max_time: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
    /// The Unix socket that takes the place of every URL's host.
    pub(super) unix_socket: Option<String>,
    outputs: Vec<Output>,
    method: Option<String>,
    agent: String,
    referrer: Option<String>,
    user: Option<String>,
    headers: Vec<String>,
    /// What is sent, if anything is.
    data: Option<String>,
    is_json: bool,
    /// The data goes into the query.
    is_query: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            silent: false,
            show_error: false,
            fail: false,
            fail_with_body: false,
            include: false,
            head: false,
            verbose: false,
            follow: false,
            redirects: REDIRECTS,
            family: Family::default(),
            write_out: None,
            max_time: None,
            connect_timeout: None,
            unix_socket: None,
            outputs: Vec::new(),
            method: None,
            agent: "curl/7.88.1".to_owned(),
            referrer: None,
            user: None,
            headers: Vec::new(),
            data: None,
            is_json: false,
            is_query: false,
        }
    }
}

impl Options {
    /// Reads the command line, and the files that it names for data.
    pub(super) fn parse(sys: &Sys<'_>) -> Result<Self, String> {
        let file = |path: &str| {
            let stream = sys.files().text(&sys.absolute(path));
            // As with real curl, a line's end in a file of form data is not sent.
            stream.replace(['\r', '\n'], "")
        };
        Self::read(sys.argv(), file)
    }

    fn read(argv: &[String], file: impl Fn(&str) -> String) -> Result<Self, String> {
        let mut read = Getopt::new(argv, SPEC).with_long(LONG);
        let mut options = Self::default();
        for option in &mut read {
            let option = option.map_err(complaint)?;
            options.take(option.flag, option.value, &file)?;
        }
        options.urls.extend(read.operands().into_iter().map(str::to_owned));
        if options.urls.is_empty() { Err("no URL specified!".to_owned()) } else { Ok(options) }
    }

    fn take(&mut self, flag: char, value: &str, file: &impl Fn(&str) -> String) -> Result<(), String> {
        let text = value.to_owned();
        match flag {
            's' => self.silent = true,
            'S' => self.show_error = true,
            'f' => self.fail = true,
            FAIL_WITH_BODY => self.fail_with_body = true,
            'i' => self.include = true,
            'I' => self.head = true,
            'v' => self.verbose = true,
            'L' => self.follow = true,
            'G' => self.is_query = true,
            '4' => self.family = Family::V4,
            '6' => self.family = Family::V6,
            'o' => self.outputs.push(if value == "-" { Output::Stdout } else { Output::File(text) }),
            'O' => self.outputs.push(Output::Remote),
            'w' => self.write_out = Some(text),
            'X' => self.method = Some(text),
            'A' => self.agent = text,
            'e' => self.referrer = Some(text),
            'u' => self.user = Some(text),
            'H' => self.headers.push(text),
            'd' => self.add_data(&value.strip_prefix('@').map_or(text, file), "&"),
            DATA_RAW => self.add_data(value, "&"),
            JSON => {
                self.is_json = true;
                self.add_data(value, "");
            }
            URL => self.urls.push(text),
            UNIX_SOCKET => self.unix_socket = Some(text),
            'm' => self.max_time = Some(seconds("-m", value)?),
            CONNECT_TIMEOUT => self.connect_timeout = Some(seconds("--connect-timeout", value)?),
            MAX_REDIRS => self.redirects = number("--max-redirs", value)?,
            // Without TLS, globbing, buffers and a progress meter these change nothing.
            _ => {}
        }
        Ok(())
    }

    fn add_data(&mut self, more: &str, between: &str) {
        match &mut self.data {
            Some(data) => *data += &format!("{between}{more}"),
            None => self.data = Some(more.to_owned()),
        }
    }

    /// Where the body of a URL goes.
    pub(super) fn output_of(&self, index: usize, url: &str) -> Result<Output, Trouble> {
        match self.outputs.get(index) {
            None => Ok(Output::Stdout),
            Some(Output::Remote) => {
                let name = Url::parse(url).map(|url| url.file_name().to_owned()).unwrap_or_default();
                let missing = || (23, "Failed writing received data to disk/application".to_owned());
                if name.is_empty() { Err(missing()) } else { Ok(Output::File(name)) }
            }
            Some(output) => Ok(output.clone()),
        }
    }

    /// The method of the first request, or of one that follows a redirection that changes it.
    pub(super) fn method(&self, as_get: bool) -> &str {
        let sends = self.data.is_some() && !self.is_query && !as_get;
        let default = if self.head {
            "HEAD"
        } else if sends {
            "POST"
        } else {
            "GET"
        };
        self.method.as_deref().unwrap_or(default)
    }

    /// The head of a request, and its body.
    pub(super) fn request(&self, url: &Url, as_get: bool) -> (String, String) {
        let mut target = url.path.clone();
        let mut body = self.data.clone().filter(|_| !as_get);
        if self.is_query
            && let Some(data) = body.take()
        {
            target += &format!("{}{data}", if target.contains('?') { '&' } else { '?' });
        }
        let mut lines = vec![("Host", url.authority())];
        lines.extend(
            self.user.as_ref().map(|user| ("Authorization", format!("Basic {}", base64::encode(user.as_bytes())))),
        );
        lines.push(("User-Agent", self.agent.clone()));
        let accept = if self.is_json { "application/json" } else { "*/*" };
        let kind = if self.is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        lines.push(("Accept", accept.to_owned()));
        lines.extend(self.referrer.clone().map(|referrer| ("Referer", referrer)));
        if let Some(body) = &body {
            let content = [("Content-Length", body.len().to_string()), ("Content-Type", kind.to_owned())];
            lines.extend(content);
        }
        let mut text = format!("{} {target} HTTP/1.1\r\n", self.method(as_get));
        let own = |name: &str| self.headers.iter().any(|line| names(line, name));
        lines.iter().filter(|(name, _)| !own(name)).for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        // `-H 'Name:'` takes a header out.
        let given = self.headers.iter().filter(|line| !line.ends_with(':'));
        given.for_each(|line| text += &format!("{line}\r\n"));
        (text + "\r\n", body.unwrap_or_default())
    }
}

/// Whether a header line is of that name.
fn names(line: &str, name: &str) -> bool {
    line.split(':').next().is_some_and(|word| word.eq_ignore_ascii_case(name))
}

fn complaint(error: OptError) -> String {
    match error {
        OptError::Invalid(flag) => format!("option -{flag}: is unknown"),
        OptError::MissingValue(flag) => format!("option -{flag}: requires parameter"),
        OptError::Unrecognized(name) | OptError::UnexpectedValue(name) => format!("option --{name}: is unknown"),
        OptError::MissingLongValue(name) => format!("option --{name}: requires parameter"),
    }
}

fn bad_number(option: &str) -> String {
    format!("option {option}: expected a proper numerical parameter")
}

fn number(option: &str, text: &str) -> Result<u32, String> {
    // -1 stands for as many as there are.
    if text == "-1" { Ok(u32::MAX) } else { text.parse().map_err(|_| bad_number(option)) }
}

/// Seconds, with a fraction if need be.
fn seconds(option: &str, text: &str) -> Result<Duration, String> {
    let value = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    value.ok_or_else(|| bad_number(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::read(&words, |path| format!("<{path}>"))
    }

    fn request(line: &str) -> String {
        let options = parse(line).unwrap();
        let (head, body) = options.request(&Url::parse(&options.urls[0]).unwrap(), false);
        head + &body
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
        let expected = "HEAD / HTTP/1.1\r\nHost: web:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
        assert_eq!(request("curl -I web:8080"), expected);
        let expected = "GET /x?a=b HTTP/1.1\r\nHost: web\r\nAuthorization: Basic YTpi\r\nUser-Agent: ua\r\nAccept: */*\r\n\
                        Referer: ref\r\n\r\n";
        assert_eq!(request("curl -G -d a=b -u a:b -e ref -A ua web/x"), expected);
    }

    #[test]
    fn data_makes_a_post_and_headers_can_be_changed() {
        let expected = "POST / HTTP/1.1\r\nHost: web\r\nUser-Agent: curl/7.88.1\r\nContent-Length: 11\r\n\
                        Content-Type: application/x-www-form-urlencoded\r\naccept:text/html\r\n\r\na=b&<f>&c=d";
        assert_eq!(request("curl -d a=b -d @f --data-raw c=d -H accept:text/html web"), expected);
    }

    #[test]
    fn a_body_goes_where_its_url_says() {
        let options = parse("curl -o a -O one/x two/y?z three/").unwrap();
        assert_eq!(options.output_of(0, "one/x"), Ok(Output::File("a".to_owned())));
        assert_eq!(options.output_of(1, "two/y?z"), Ok(Output::File("y".to_owned())));
        assert_eq!(options.output_of(2, "three/"), Ok(Output::Stdout));
        assert_eq!(parse("curl -O a/").unwrap().output_of(0, "a/").unwrap_err().0, 23);
    }
}
