//! `xargs [-n N] [-I TEXT] [-r] PROGRAM ARG…`: runs a program with words from standard input, one run after the other.

use std::collections::VecDeque;

use crate::userland::options::{Options, Order};
use crate::userland::{Errno, Flavour, Pid, Program, Read, Step, Stream, Sys};

/// Reads all of its input first.
#[derive(Clone, Debug, Default)]
pub(super) struct Xargs {
    input: Vec<u8>,
    runs: Option<VecDeque<Vec<String>>>,
    child: Option<Pid>,
    status: i32,
}

impl Program for Xargs {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.runs.is_none() {
            match sys.read(usize::MAX) {
                Read::Blocked => return Step::Wait(None),
                Read::Data(bytes) => {
                    self.input.extend(bytes);
                    return Step::Yield;
                }
                Read::End => {}
            }
            match plan(sys, &String::from_utf8_lossy(&self.input)) {
                Ok(runs) => self.runs = Some(runs),
                Err(said) => {
                    sys.eprint(said);
                    return Step::Exit(1);
                }
            }
        }
        self.go_on(sys)
    }
}

impl Xargs {
    fn go_on(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(child) = self.child {
            let Some(status) = sys.try_wait(child) else { return Step::Wait(None) };
            self.child = None;
            if status.code() != 0 {
                self.status = 123;
            }
        }
        let Some(argv) = self.runs.as_mut().and_then(VecDeque::pop_front) else { return Step::Exit(self.status) };
        let program = argv[0].clone();
        let streams = [Stream::Null, sys.dup(1), sys.dup(2)];
        match sys.spawn(argv, streams, None) {
            Ok(child) => {
                self.child = Some(child);
                Step::Wait(None)
            }
            Err(errno) => {
                sys.eprint(not_found(&program, errno, sys.flavour()));
                Step::Exit(127)
            }
        }
    }
}

fn not_found(program: &str, errno: Errno, flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => format!("xargs: {program}: {errno}\n"),
        Flavour::Busybox => format!("xargs: can't execute '{program}': {errno}\n"),
    }
}

fn plan(sys: &Sys<'_>, input: &str) -> Result<VecDeque<Vec<String>>, String> {
    let options = Options::parse(sys.argv(), "rn:I:t0", Order::First)
        .map_err(|error| error.text("xargs", "[OPTIONS] [PROG ARGS]", sys.flavour()))?;
    Ok(runs(&options, input))
}

/// The command lines to run, one after the other.
fn runs(options: &Options, input: &str) -> VecDeque<Vec<String>> {
    let command = if options.operands.is_empty() { vec!["echo".to_owned()] } else { options.operands.clone() };
    if let Some(mark) = options.value('I') {
        let lines = input.lines().map(str::trim_start).filter(|line| !line.is_empty());
        return lines.map(|line| command.iter().map(|word| word.replace(mark, line)).collect()).collect();
    }
    let words: Vec<String> =
        if options.has('0') { input.split_terminator('\0').map(str::to_owned).collect() } else { split(input) };
    if words.is_empty() {
        return if options.has('r') { VecDeque::new() } else { VecDeque::from([command]) };
    }
    let most = options.value('n').and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(words.len());
    words.chunks(most).map(|chunk| [command.as_slice(), chunk].concat()).collect()
}

/// Words between blanks; quotes and backslashes keep blanks together.
fn split(input: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = input.chars();
    while let Some(c) = rest.next() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None) => word.get_or_insert_default().extend(rest.next()),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str, input: &str) -> Vec<String> {
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let options = Options::parse(&argv, "rn:I:t0", Order::First).unwrap();
        runs(&options, input).iter().map(|run| run.join("_")).collect()
    }

    #[test]
    fn words_are_gathered_or_dealt_out() {
        assert_eq!(planned("xargs docker rm -f", "c1\nc2\n"), ["docker_rm_-f_c1_c2"]);
        assert_eq!(planned("xargs -n 1 echo", "a 'b c' d\\ e"), ["echo_a", "echo_b c", "echo_d e"]);
        assert_eq!(planned("xargs -I {} echo <{}>", "a b\nc\n"), ["echo_<a b>", "echo_<c>"]);
        assert_eq!(planned("xargs", ""), ["echo"]);
        assert_eq!(planned("xargs -r", ""), Vec::<String>::new());
    }
}
