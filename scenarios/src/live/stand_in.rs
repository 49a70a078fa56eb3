//! The main process of a container whose program is a real one, outside the world. It does nothing but stand there for
//! it: signals that it gets are told outside, and it ends when it is told how the real one ended.
//!
//! It speaks by its streams: `signal 15` comes out, `exit 0` goes in. When its input ends without a word the real
//! program was killed.

use netyard_sim::userland::{Flavour, Program, Programs, Read, Signal, Step, Sys};

/// What the image's containers call it.
pub const NAME: &str = "netyard";
/// How a container ends whose real program was killed.
const KILLED: i32 = 137;
/// A word from outside is no longer than this.
const WORD: usize = 64;

/// Puts it where containers find it.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Busybox, NAME, || Box::new(StandIn::default()));
}

/// The process.
#[derive(Clone, Debug, Default)]
struct StandIn {
    heard: Vec<u8>,
}

impl Program for StandIn {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        loop {
            match sys.read(WORD) {
                Read::Data(bytes) => self.heard.extend(bytes),
                Read::Blocked => return Step::Wait(None),
                Read::End => return Step::Exit(KILLED),
            }
            if let Some(code) = exit_code(&self.heard) {
                return Step::Exit(code);
            }
            if self.heard.len() > WORD {
                return Step::Exit(KILLED);
            }
        }
    }

    fn signal(&mut self, sys: &mut Sys<'_>, signal: Signal) -> bool {
        sys.print(format!("signal {}\n", signal.number()));
        true
    }
}

/// The code in `exit N` and an end of line.
fn exit_code(heard: &[u8]) -> Option<i32> {
    let (line, _) = core::str::from_utf8(heard).ok()?.split_once('\n')?;
    line.strip_prefix("exit ")?.parse::<u8>().ok().map(i32::from)
}

/// The number of the signal in a line that the stand-in says.
#[must_use]
pub fn signal_in(line: &str) -> Option<i32> {
    line.strip_prefix("signal ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_when_they_are_complete() {
        assert_eq!(exit_code(b"exit 3"), None);
        assert_eq!(exit_code(b"exit 3\n"), Some(3));
        assert_eq!(exit_code(b"exit 300\n"), None);
        assert_eq!(signal_in("signal 15"), Some(15));
        assert_eq!(signal_in("signal"), None);
    }
}
