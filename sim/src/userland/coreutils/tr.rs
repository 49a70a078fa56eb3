//! `tr`: replaces (`tr a-z A-Z`), deletes (`-d`) and squeezes (`-s`) bytes.

use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made};
use crate::userland::options::{Options, Order, usage};

#[derive(Clone)]
struct Tr {
    /// What becomes of each byte; none is deleted.
    table: Vec<Option<u8>>,
    squeezed: Vec<u8>,
    last: Option<u8>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let (synopsis, flavour) = ("[-cds] STRING1 [STRING2]", sys.flavour());
    let options =
        Options::parse(sys.argv(), "cCdst", Order::First).map_err(|error| (error.text("tr", synopsis, flavour), 1))?;
    let [first, second @ ..] = options.operands.as_slice() else {
        return Err((format!("tr: missing operand\n{}", usage("tr", synopsis, flavour)), 1));
    };
    let complement = options.has('c') || options.has('C');
    let tr = Tr::new(first, second.first().map(String::as_str), complement, options.has('d'), options.has('s'));
    Ok((Box::new(tr), Vec::new()))
}

impl Tr {
    fn new(first: &str, second: Option<&str>, complement: bool, delete: bool, squeeze: bool) -> Self {
        let from = set(first);
        let from = if complement { (0..=u8::MAX).filter(|b| !from.contains(b)).collect() } else { from };
        let to = second.map(set).unwrap_or_default();
        let mut table: Vec<Option<u8>> = (0..=u8::MAX).map(Some).collect();
        for (at, byte) in from.iter().enumerate() {
            let replaced = to.get(at).or_else(|| to.last()).copied().or(Some(*byte));
            table[usize::from(*byte)] = if delete { None } else { replaced };
        }
        let squeezed = match (squeeze, to.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => from,
            (true, false) => to,
        };
        Self { table, squeezed, last: None }
    }
}

/// The bytes of a set: ranges, escapes and classes such as `[:upper:]`.
fn set(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        if let Some((class, tail)) = class(rest) {
            bytes.extend(class);
            rest = tail;
            continue;
        }
        let (byte, tail) = if *byte == b'\\' { escape(tail) } else { (*byte, tail) };
        match tail {
            [b'-', last, tail @ ..] if *last >= byte => {
                bytes.extend(byte..=*last);
                rest = tail;
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    bytes
}

/// The byte that a backslash and what follows stand for.
fn escape(tail: &[u8]) -> (u8, &[u8]) {
    let Some((byte, rest)) = tail.split_first() else { return (b'\\', tail) };
    let meant = match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'0' => 0,
        other => *other,
    };
    (meant, rest)
}

/// A class at the beginning of `text`, and what follows it.
fn class(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let inner = text.strip_prefix(b"[:")?;
    let end = inner.windows(2).position(|pair| pair == b":]")?;
    let member: fn(&u8) -> bool = match &inner[..end] {
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"digit" => u8::is_ascii_digit,
        b"alpha" => u8::is_ascii_alphabetic,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"punct" => u8::is_ascii_punctuation,
        b"space" => u8::is_ascii_whitespace,
        _ => return None,
    };
    Some(((0..=u8::MAX).filter(member).collect(), &inner[end + 2..]))
}

impl Filter for Tr {
    fn line(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Flow {
        for byte in bytes {
            let Some(byte) = self.table[usize::from(*byte)] else { continue };
            if self.last == Some(byte) && self.squeezed.contains(&byte) {
                continue;
            }
            self.last = Some(byte);
            out.push(byte);
        }
        Flow::Go
    }

    fn takes_bytes(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    fn tr(tr: Tr, text: &str) -> String {
        filtered(Box::new(tr), &[("-", text)]).0
    }

    #[test]
    fn bytes_are_replaced_deleted_and_squeezed() {
        assert_eq!(tr(Tr::new("a-z", Some("A-Z"), false, false, false), "container2\n"), "CONTAINER2\n");
        assert_eq!(tr(Tr::new("[:upper:]", Some("[:lower:]"), false, false, false), "ABC"), "abc");
        assert_eq!(tr(Tr::new("\\n", Some(","), false, false, false), "a\nb\n"), "a,b,");
        assert_eq!(tr(Tr::new(" ", None, false, false, true), "a   b c"), "a b c");
        assert_eq!(tr(Tr::new("0-9\\n", None, true, true, false), "id 42\n"), "42\n");
    }
}
