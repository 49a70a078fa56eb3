//! `cat`: its input as it is, or with numbered lines. Bytes pass as they come.

use crate::userland::Sys;
use crate::userland::filter::{Filter, Flow, Made, options};

/// The number of the last line when lines are numbered.
#[derive(Clone)]
struct Cat {
    numbered: Option<u64>,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let options = options(sys, "cat", "nu", "[-n] [FILE]...")?;
    Ok((Box::new(Cat { numbered: options.has('n').then_some(0) }), options.operands))
}

impl Filter for Cat {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        let Some(number) = &mut self.numbered else {
            out.extend_from_slice(line);
            return Flow::Go;
        };
        *number += 1;
        out.extend_from_slice(format!("{number:>6}\t").as_bytes());
        out.extend_from_slice(line);
        out.push(b'\n');
        Flow::Go
    }

    fn takes_bytes(&self) -> bool {
        self.numbered.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    #[test]
    fn bytes_pass_and_lines_are_numbered_across_files() {
        let files = [("a", "one\ntwo\n"), ("b", "three")];
        assert_eq!(filtered(Box::new(Cat { numbered: None }), &files).0, "one\ntwo\nthree");
        let numbered = "     1\tone\n     2\ttwo\n     3\tthree\n";
        assert_eq!(filtered(Box::new(Cat { numbered: Some(0) }), &files).0, numbered);
    }
}
