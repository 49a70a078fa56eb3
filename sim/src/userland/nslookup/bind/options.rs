//! The command line of bind's nslookup: `-type=mx` and the like, of which a few letters are enough. A setting that is
//! wrong is told and left as it was; the original's `-debug` and `-vc` are not known here.

use crate::userland::aimed::Refusal;
use crate::userland::dig::record_type;
use crate::userland::lookup::message::RecordType;

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Options {
    pub(super) host: String,
    pub(super) server: Option<String>,
    /// None: addresses of both families.
    pub(super) kind: Option<RecordType>,
    pub(super) port: u16,
    pub(super) tries: u32,
    /// In seconds.
    pub(super) timeout: u32,
    pub(super) search: bool,
    pub(super) recurse: bool,
    /// Complaints about settings, to be printed first.
    pub(super) complaints: String,
}

const USAGE: &str = "\
Usage:
   nslookup [-opt ...]             # interactive mode using default server
   nslookup [-opt ...] - server    # interactive mode using 'server'
   nslookup [-opt ...] host        # just look up 'host' using default server
   nslookup [-opt ...] host server # just look up 'host' using 'server'
";

/// The settings and how many letters of each must be written.
const SETTINGS: [(&str, usize); 11] = [
    ("type", 2),
    ("query", 1),
    ("querytype", 6),
    ("port", 2),
    ("timeout", 1),
    ("retry", 3),
    ("search", 3),
    ("nosearch", 5),
    ("recurse", 3),
    ("norecurse", 5),
    ("silent", 3),
];

impl Options {
    pub(super) fn parse(argv: &[String]) -> Result<Self, Refusal> {
        let mut options = Self {
            host: String::new(),
            server: None,
            kind: None,
            port: 53,
            tries: 3,
            timeout: 5,
            search: true,
            recurse: true,
            complaints: String::new(),
        };
        let mut operands = Vec::new();
        for word in argv.iter().skip(1) {
            match word.strip_prefix('-').filter(|setting| !setting.is_empty()) {
                Some("version") => {
                    let text = format!("nslookup {}\n", crate::userland::dig::VERSION);
                    return Err(Refusal { text, code: 0 });
                }
                Some(setting) => options.set(setting),
                None => operands.push(word.clone()),
            }
        }
        match operands.as_slice() {
            [] => Err(interactive()),
            [dash, ..] if dash == "-" => Err(interactive()),
            [host] => Ok(Self { host: host.clone(), ..options }),
            [host, server] => {
                Ok(Self { host: host.clone(), server: Some(server.clone()).filter(|s| s != "-"), ..options })
            }
            _ => Err(Refusal { text: USAGE.to_owned(), code: 1 }),
        }
    }

    fn set(&mut self, setting: &str) {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let known = SETTINGS.iter().find(|(name, letters)| name.starts_with(key) && key.len() >= *letters);
        match known.map(|(name, _)| *name) {
            Some("type" | "query" | "querytype") => self.set_kind(value),
            Some("port") => self.port = self.number("port", value, 65535).and_then(|n| n.try_into().ok()).unwrap_or(53),
            Some("timeout") => self.timeout = self.number("timeout", value, 65535).unwrap_or(self.timeout).max(1),
            Some("retry") => self.tries = self.number("tries", value, i32::MAX as u32).unwrap_or(self.tries).max(1),
            Some("search") => self.search = true,
            Some("nosearch") => self.search = false,
            Some("recurse") => self.recurse = true,
            Some("norecurse") => self.recurse = false,
            Some(_) => {}
            None => self.complaints += &format!("*** Invalid option: {setting}\n"),
        }
    }

    fn set_kind(&mut self, value: &str) {
        match record_type(value) {
            Some(kind) => self.kind = Some(kind),
            None => self.complaints += &format!("unknown query type: {value}\n"),
        }
    }

    fn number(&mut self, what: &str, value: &str, max: u32) -> Option<u32> {
        let why = match value.parse::<u32>() {
            Ok(number) if number <= max => return Some(number),
            Ok(_) => "out of range",
            Err(_) => "not a valid number",
        };
        self.complaints += &format!("invalid {what} '{value}': {why}\n");
        None
    }
}

fn interactive() -> Refusal {
    Refusal { text: "nslookup: there is no interactive mode in this network\n".to_owned(), code: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Refusal> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_few_letters_of_a_setting_are_enough() {
        let options = parse("nslookup -q=mx -po=54 -t=1 -ret=2 -nosea -norec lan 10.0.0.1").unwrap();
        assert_eq!((options.kind, options.port), (Some(RecordType::MX), 54));
        assert_eq!((options.timeout, options.tries), (1, 2));
        assert_eq!((options.search, options.recurse, options.server.as_deref()), (false, false, Some("10.0.0.1")));
    }

    #[test]
    fn wrong_settings_are_told_and_change_nothing() {
        let options = parse("nslookup -type=bogus -foo=x -timeout=x www.lan -").unwrap();
        let expected =
            "unknown query type: bogus\n*** Invalid option: foo=x\ninvalid timeout 'x': not a valid number\n";
        assert_eq!(options.complaints, expected);
        assert_eq!((options.kind, options.timeout, options.server), (None, 5, None));
    }

    #[test]
    fn too_many_words_are_refused() {
        assert_eq!(parse("nslookup a b c"), Err(Refusal { text: USAGE.to_owned(), code: 1 }));
        assert_eq!(parse("nslookup -version").map_err(|r| r.code), Err(0));
        assert_eq!(parse("nslookup"), Err(interactive()));
    }
}
