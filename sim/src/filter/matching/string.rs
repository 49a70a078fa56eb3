//! `-m string`: bytes somewhere in a packet, its IP header counted in. How they are looked for (`bm`, `kmp`) makes no
//! difference to what is found.

use core::fmt;

use super::Argument;
use crate::filter::Usage;

/// Where the kernel stops looking, unless it is told.
const END: u16 = u16::MAX;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StringMatch {
    pattern: Vec<u8>,
    algorithm: Option<String>,
    from: u16,
    to: Option<u16>,
    any_case: bool,
    negated: bool,
}

impl StringMatch {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "string" => (self.negated, self.pattern) = (argument.negated, argument.value()?.as_bytes().to_vec()),
            "hex-string" => {
                self.negated = argument.negated;
                self.pattern = bytes(argument.value()?)?;
            }
            "algo" => self.algorithm = Some(argument.value()?.to_owned()),
            "from" => self.from = offset(argument.value()?, "--from")?,
            "to" => self.to = Some(offset(argument.value()?, "--to")?),
            "icase" => self.any_case = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        match (&self.algorithm, self.pattern.is_empty()) {
            (None, _) => Err(Usage::Required("string", "--algo")),
            (_, true) => Err(Usage::Said("STRING match: You must specify `--string' or `--hex-string'")),
            _ => Ok(()),
        }
    }

    /// Whether the kernel knows the way of looking.
    pub(in crate::filter) fn is_known(&self) -> bool {
        self.algorithm.as_deref().is_some_and(|name| matches!(name, "bm" | "kmp" | "fsm"))
    }

    pub(super) fn matches(&self, packet: &[u8]) -> bool {
        let (from, to) = (usize::from(self.from), usize::from(self.to.unwrap_or(END)));
        // It must begin at `to` at the latest, and end in the packet.
        let end = packet.len().min(to.saturating_add(self.pattern.len()));
        let same = |window: &[u8]| {
            if self.any_case { window.eq_ignore_ascii_case(&self.pattern) } else { window == self.pattern }
        };
        let found = packet.get(from..end).is_some_and(|part| part.windows(self.pattern.len().max(1)).any(same));
        found != self.negated
    }

    /// The bytes as a string, or in hexadecimal when they cannot be written.
    fn told(&self) -> (bool, String) {
        match core::str::from_utf8(&self.pattern) {
            Ok(text) if self.pattern.iter().all(|byte| (0x20..0x7f).contains(byte)) => (false, text.to_owned()),
            _ => (true, format!("|{}|", self.pattern.iter().map(|byte| format!("{byte:02x}")).collect::<String>())),
        }
    }

    pub(super) fn describe(&self) -> String {
        let (_, text) = self.told();
        let algorithm = self.algorithm.as_deref().unwrap_or_default();
        let from = if self.from > 0 { format!(" FROM {}", self.from) } else { String::new() };
        let to = self.to.map(|to| format!(" TO {to}")).unwrap_or_default();
        let case = if self.any_case { " ICASE" } else { "" };
        let sign = if self.negated { "!" } else { "" };
        format!("STRING match {sign} \"{text}\" ALGO name {algorithm}{from}{to}{case}")
    }
}

impl fmt::Display for StringMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_hex, text) = self.told();
        let option = if is_hex { "hex-string" } else { "string" };
        write!(f, " {}--{option} \"{text}\"", Argument::sign(self.negated))?;
        write!(f, " --algo {}", self.algorithm.as_deref().unwrap_or_default())?;
        if self.from > 0 {
            write!(f, " --from {}", self.from)?;
        }
        if let Some(to) = self.to {
            write!(f, " --to {to}")?;
        }
        if self.any_case { f.write_str(" --icase") } else { Ok(()) }
    }
}

fn offset(text: &str, option: &str) -> Result<u16, Usage> {
    let wrong = || Usage::Text(format!("string: bad value for option \"{option}\", or out of range (0-65535).\n"));
    text.parse().map_err(|_| wrong())
}

/// Letters, and between bars bytes in hexadecimal.
fn bytes(text: &str) -> Result<Vec<u8>, Usage> {
    let mut all = Vec::new();
    for (at, part) in text.split('|').enumerate() {
        if at % 2 == 0 {
            all.extend(part.as_bytes());
            continue;
        }
        let digits: Vec<char> = part.chars().filter(|c| !c.is_whitespace()).collect();
        for pair in digits.chunks(2) {
            let byte = u8::from_str_radix(&pair.iter().collect::<String>(), 16);
            all.push(byte.map_err(|_| Usage::Text(format!("STRING must contain hex digits: \"{text}\"")))?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looking_for(pattern: &str) -> StringMatch {
        StringMatch { pattern: bytes(pattern).unwrap(), algorithm: Some("bm".to_owned()), ..StringMatch::default() }
    }

    #[test]
    fn bytes_are_found_between_two_places() {
        let evil = looking_for("evil");
        assert_eq!([evil.matches(b"so evil a thing"), evil.matches(b"so Evil")], [true, false]);
        assert!(StringMatch { any_case: true, ..evil.clone() }.matches(b"so eViL"));
        assert!(!StringMatch { from: 4, ..evil.clone() }.matches(b"so evil"));
        assert!(StringMatch { to: Some(3), ..evil.clone() }.matches(b"so evil"), "it begins there");
        assert!(!StringMatch { to: Some(2), ..evil.clone() }.matches(b"so evil"));
        assert!(StringMatch { negated: true, ..evil }.matches(b"good"));
    }

    #[test]
    fn what_cannot_be_written_is_told_in_hexadecimal() {
        let bytes = looking_for("|de ad be ef|abc");
        assert_eq!(bytes.to_string(), " --hex-string \"|deadbeef616263|\" --algo bm");
        assert_eq!(looking_for("|61 62|c").to_string(), " --string \"abc\" --algo bm");
        assert!(!StringMatch { algorithm: Some("foo".to_owned()), ..bytes }.is_known());
    }
}
