//! `uniq`: runs of equal lines as one, counted with `-c`; only repeated (`-d`) or single (`-u`) ones.

use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made, options};

#[derive(Clone, Default)]
struct Uniq {
    count: bool,
    repeated: bool,
    single: bool,
    fold: bool,
    run: Option<(Vec<u8>, u64)>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let options = options(sys, "uniq", "cdui", "[-cdui] [INPUT [OUTPUT]]")?;
    let (count, repeated) = (options.has('c'), options.has('d'));
    let uniq = Uniq { count, repeated, single: options.has('u'), fold: options.has('i'), run: None };
    Ok((Box::new(uniq), options.operands))
}

impl Uniq {
    fn is_same(&self, a: &[u8], b: &[u8]) -> bool {
        if self.fold { a.eq_ignore_ascii_case(b) } else { a == b }
    }

    /// Prints the run that is over, if it is wanted.
    fn print(&mut self, out: &mut Vec<u8>) {
        let Some((line, count)) = self.run.take() else { return };
        if (self.repeated && count == 1) || (self.single && count > 1) {
            return;
        }
        if self.count {
            out.extend(format!("{count:>7} ").into_bytes());
        }
        out.extend(line);
        out.push(b'\n');
    }
}

impl Filter for Uniq {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        let goes_on = self.run.as_ref().is_some_and(|(first, _)| self.is_same(first, line));
        match &mut self.run {
            Some((_, count)) if goes_on => *count += 1,
            _ => {
                self.print(out);
                self.run = Some((line.to_vec(), 1));
            }
        }
        Flow::Go
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> i32 {
        self.print(out);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    #[test]
    fn runs_are_folded_counted_and_chosen() {
        let run = |uniq| filtered(Box::new(uniq), &[("-", "a\na\nb\na\n")]).0;
        assert_eq!(run(Uniq::default()), "a\nb\na\n");
        assert_eq!(run(Uniq { count: true, ..Uniq::default() }), "      2 a\n      1 b\n      1 a\n");
        assert_eq!(run(Uniq { repeated: true, ..Uniq::default() }), "a\n");
        assert_eq!(run(Uniq { single: true, ..Uniq::default() }), "b\na\n");
    }
}
