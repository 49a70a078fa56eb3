//! Signals as clients name them: any number or name of Linux's. Those that no program here can tell apart are known by
//! number alone; what one does is the kernel's affair.

use netyard_sim::userland::Signal;

/// The names without SIG, by number where several are there for one.
const NAMES: [(&str, i64); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];
/// The first and the last of the real-time signals.
const REAL_TIME: (i64, i64) = (34, 64);

/// A signal by number, which Linux may not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignalNumber(i64);

impl SignalNumber {
    /// What kills.
    pub const KILL: Self = Self(9);
    /// What `stop` sends when the container says nothing else.
    pub const TERMINATE: Self = Self(15);

    /// Reads a number other than 0, or a name with or without SIG.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return (number != 0).then_some(Self(number));
        }
        let upper = text.to_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        named.or_else(|| real_time(name)).map(Self)
    }

    /// Whether Linux has it.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        matches!(self.0, 1..=31 | 34..=64)
    }

    /// Its number; of what is negative, as an unsigned one.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0.cast_unsigned()
    }

    /// The signal that programs here can be sent, when it is one of them.
    #[must_use]
    pub fn known(self) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| i64::from(signal.number()) == self.0)
    }
}

/// `RTMIN`, `RTMIN+15`, `RTMAX-14`, `RTMAX`.
fn real_time(name: &str) -> Option<i64> {
    let (first, last) = REAL_TIME;
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return match rest.strip_prefix('+') {
            None => rest.is_empty().then_some(first),
            Some(more) => more.parse::<i64>().ok().filter(|more| (1..=15).contains(more)).map(|more| first + more),
        };
    }
    let rest = name.strip_prefix("RTMAX")?;
    match rest.strip_prefix('-') {
        None => rest.is_empty().then_some(last),
        Some(less) => less.parse::<i64>().ok().filter(|less| (1..=14).contains(less)).map(|less| last - less),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<u64> {
        SignalNumber::parse(text).map(SignalNumber::number)
    }

    #[test]
    fn numbers_and_names() {
        assert_eq!((number("9"), number("SIGKILL"), number("kill")), (Some(9), Some(9), Some(9)));
        assert_eq!((number("winch"), number("RTMIN+1"), number("SIGRTMAX-14")), (Some(28), Some(35), Some(50)));
        assert_eq!((number("0"), number("banana"), number("SIGRTMIN+16"), number("")), (None, None, None, None));
        assert_eq!(number("-1"), Some(u64::MAX));
        let known = SignalNumber::parse("USR1").and_then(SignalNumber::known);
        assert_eq!(known, Some(Signal::User1));
        assert!(!SignalNumber(99).is_supported() && SignalNumber(28).is_supported());
        assert_eq!(SignalNumber(28).known(), None);
    }
}
