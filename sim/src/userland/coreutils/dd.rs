//! `dd`: copies blocks from one stream to another, and how sizes are written.

use crate::userland::{Errno, Flavour, Program, Read, Step, Stream, Sys, options};

/// A number with a unit: `10`, `4k`, `1M`, `2G`, `512b`, `3w`.
pub(super) fn size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "k" | "K" | "KiB" => 1 << 10,
        "kB" | "kD" => 1000,
        "m" | "M" | "MiB" => 1 << 20,
        "MB" | "MD" => 1_000_000,
        "g" | "G" | "GiB" => 1 << 30,
        "GB" | "GD" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// `dd [if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=…]`
#[derive(Clone, Debug, Default)]
pub(super) struct Dd {
    work: Option<Work>,
}

#[derive(Clone, Debug)]
struct Work {
    input: Stream,
    output: Stream,
    /// Bytes of an input block and of an output block.
    block: usize,
    out_block: usize,
    left: Option<u64>,
    skip: u64,
    partial: Vec<u8>,
    full_in: u64,
    part_in: u64,
    full_out: u64,
    part_out: u64,
    bytes: u64,
    quiet: bool,
}

/// The largest block that is taken at once.
const BLOCK_MAX: u64 = 1 << 24;

impl Program for Dd {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let work = match &mut self.work {
            Some(work) => work,
            empty @ None => match Work::begin(sys) {
                Ok(work) => empty.insert(work),
                Err(said) => {
                    sys.eprint(said);
                    return Step::Exit(1);
                }
            },
        };
        work.step(sys)
    }
}

/// Whether a word sets something that dd has.
fn is_operand(word: &str) -> bool {
    const NAMES: [&str; 12] =
        ["if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status", "iflag", "oflag"];
    word.split_once('=').is_some_and(|(name, _)| NAMES.contains(&name))
}

fn unrecognized(word: &str, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("dd: unrecognized operand '{word}'\nTry 'dd --help' for more information.\n"),
        Flavour::Busybox => options::usage("dd", include_str!("dd/usage.txt").trim_end(), flavour),
    }
}

impl Work {
    fn begin(sys: &mut Sys<'_>) -> Result<Self, String> {
        let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
        let value = |name: &str| words.iter().rev().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        if let Some(word) = words.iter().find(|word| !is_operand(word)) {
            return Err(unrecognized(word, sys.flavour()));
        }
        let number = |name: &str| match value(name) {
            None => Ok(None),
            Some(text) => size(text).map(Some).ok_or_else(|| match sys.flavour() {
                Flavour::Host => format!("dd: invalid number: '{text}'\n"),
                Flavour::Busybox => format!("dd: invalid number '{text}'\n"),
            }),
        };
        let (both, one, other) = (number("bs")?, number("ibs")?, number("obs")?);
        let block =
            |given: Option<u64>| usize::try_from(both.or(given).unwrap_or(512).clamp(1, BLOCK_MAX)).expect("bounded");
        let (block, out_block) = (block(one), block(other));
        let (count, skip, seek) = (number("count")?, number("skip")?.unwrap_or(0), number("seek")?.unwrap_or(0));
        let (from, to) = (value("if").map(str::to_owned), value("of").map(str::to_owned));
        let keep = value("conv").is_some_and(|conv| conv.split(',').any(|word| word == "notrunc"));
        let quiet = matches!(value("status"), Some("none"));
        let input = match &from {
            None => sys.dup(0),
            Some(path) => sys.open(path).map_err(|errno| cannot_open(sys, path, errno))?,
        };
        let output = match &to {
            None => sys.dup(1),
            Some(path) => {
                let opened = sys.open_to_write(path, false);
                let stream = opened.map_err(|errno| cannot_open(sys, path, errno))?;
                if !keep && seek == 0 {
                    // What is no file has nothing to empty.
                    let _ = sys.truncate(&stream);
                }
                stream
            }
        };
        let ahead = seek.saturating_mul(out_block as u64);
        sys.seek(&output, ahead);
        let mut skip = skip.saturating_mul(block as u64);
        if sys.seek(&input, skip) {
            skip = 0;
        }
        Ok(Self {
            input,
            output,
            block,
            out_block,
            left: count,
            skip,
            partial: Vec::new(),
            full_in: 0,
            part_in: 0,
            full_out: 0,
            part_out: 0,
            bytes: 0,
            quiet,
        })
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if sys.is_full(&self.output) {
            return Step::Wait(None);
        }
        if self.left == Some(0) && self.skip == 0 {
            return self.finish(sys);
        }
        let most = if self.skip > 0 { usize::try_from(self.skip).unwrap_or(self.block) } else { self.block };
        match sys.read_stream(&self.input, most.min(self.block)) {
            Read::Blocked => Step::Wait(None),
            Read::End => self.finish(sys),
            Read::Data(bytes) if self.skip > 0 => {
                self.skip -= bytes.len() as u64;
                Step::Yield
            }
            Read::Data(bytes) => {
                if bytes.len() == self.block {
                    self.full_in += 1;
                } else {
                    self.part_in += 1;
                }
                self.left = self.left.map(|left| left - 1);
                self.partial.extend(bytes);
                self.pass(sys, self.block == self.out_block)
            }
        }
    }

    /// Writes the complete output blocks; all there is when `all`.
    fn pass(&mut self, sys: &mut Sys<'_>, all: bool) -> Step {
        while self.partial.len() >= self.out_block || (all && !self.partial.is_empty()) {
            let size = self.partial.len().min(self.out_block);
            let rest = self.partial.split_off(size);
            let block = core::mem::replace(&mut self.partial, rest);
            if let Err(errno) = sys.write_stream(&self.output, &block) {
                sys.eprint(match sys.flavour() {
                    Flavour::Host => format!("dd: error writing 'standard output': {errno}\n"),
                    Flavour::Busybox => format!("dd: error writing: {errno}\n"),
                });
                self.summary(sys);
                return Step::Exit(1);
            }
            self.bytes += size as u64;
            if size == self.out_block {
                self.full_out += 1;
            } else {
                self.part_out += 1;
            }
        }
        Step::Yield
    }

    fn finish(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Step::Exit(code) = self.pass(sys, true) {
            return Step::Exit(code);
        }
        self.summary(sys);
        let (input, output) =
            (core::mem::replace(&mut self.input, Stream::Null), core::mem::replace(&mut self.output, Stream::Null));
        sys.close_stream(input);
        sys.close_stream(output);
        Step::Exit(0)
    }

    fn summary(&self, sys: &mut Sys<'_>) {
        if self.quiet {
            return;
        }
        let mut text =
            format!("{}+{} records in\n{}+{} records out\n", self.full_in, self.part_in, self.full_out, self.part_out);
        // Nothing takes any time here, as if the disk were a cache.
        text.push_str(&match sys.flavour() {
            Flavour::Host => format!("{} bytes copied, 0.0001 s, 0.0 kB/s\n", self.bytes),
            Flavour::Busybox => format!(
                "{} bytes ({}B) copied, 0.000100 seconds, {}B/s\n",
                self.bytes,
                super::ls::human(self.bytes, Flavour::Busybox),
                super::ls::human(self.bytes.saturating_mul(10_000), Flavour::Busybox)
            ),
        });
        sys.eprint(text);
    }
}

fn cannot_open(sys: &Sys<'_>, path: &str, errno: Errno) -> String {
    match sys.flavour() {
        Flavour::Host => format!("dd: failed to open '{path}': {errno}\n"),
        Flavour::Busybox => format!("dd: can't open '{path}': {errno}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!([size("10"), size("4k"), size("1M"), size("2b")], [Some(10), Some(4096), Some(1 << 20), Some(1024)]);
        assert_eq!([size(""), size("x"), size("1z"), size("99999999999G")], [None; 4]);
    }
}
