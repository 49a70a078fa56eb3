//! `awk`: patterns and actions on records of text. What it lacks are pipes to and from programs.

mod lex;
mod parse;
mod run;
mod value;

use std::collections::{BTreeSet, VecDeque};

use super::super::input::{Chunk, Input};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Flavour, Program, Step, Sys};
use run::{Flow, Machine};

const SYNOPSIS: &str = "[OPTIONS] [AWK_PROGRAM] [FILE]...\n\n\t-v VAR=VAL\tSet variable\n\t-F SEP\t\tUse SEP as field separator\n\t-f FILE\t\tRead program from FILE\n\t-e AWK_PROGRAM";

/// `awk [-F SEP] [-v NAME=VALUE] [-f FILE | PROGRAM] [FILE | NAME=VALUE]…`
#[derive(Clone, Default)]
pub(super) struct Awk {
    work: Option<Work>,
}

#[derive(Clone)]
struct Work {
    machine: Machine,
    operands: VecDeque<String>,
    input: Option<Input>,
    rest: String,
    any_file: bool,
    failed: bool,
    /// Files that were written to, by absolute path.
    written: BTreeSet<String>,
}

impl Program for Awk {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if sys.is_output_full() {
            return Step::Wait(None);
        }
        let work = match &mut self.work {
            Some(work) => work,
            empty @ None => match Work::begin(sys) {
                Ok(Ok(work)) => empty.insert(work),
                Ok(Err(status)) => return Step::Exit(status),
                Err((said, status)) => {
                    sys.eprint(said);
                    return Step::Exit(status);
                }
            },
        };
        let outcome = work.step(sys);
        work.flush(sys);
        outcome.unwrap_or_else(|said| {
            sys.eprint(format!("awk: cmd. line:1: {said}\n"));
            Step::Exit(if sys.flavour() == Flavour::Host { 2 } else { 1 })
        })
    }
}

/// An escape in `-F` and `-v` means what it means in a text.
fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\\")
}

impl Work {
    /// Reads the command line and runs what comes before any input; the status when that was all.
    fn begin(sys: &mut Sys<'_>) -> Result<Result<Self, i32>, (String, i32)> {
        let flavour = sys.flavour();
        let options = Options::parse(sys.argv(), "F:v:f:e:", Order::First);
        let options = options.map_err(|error| (error.text("awk", SYNOPSIS, flavour), 1))?;
        let mut operands: VecDeque<String> = options.operands.iter().cloned().collect();
        let mut text = String::new();
        for file in options.values('f') {
            let read = sys.files().read(&sys.absolute(file)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            text += &read.map_err(|errno| (format!("awk: can't open '{file}': {errno}\n"), 1))?;
            text.push('\n');
        }
        options.values('e').for_each(|part| text += part);
        if !options.has('f') && !options.has('e') {
            text = operands.pop_front().ok_or_else(|| (usage("awk", SYNOPSIS, flavour), 1))?;
        }
        let script = parse::script(&text).map_err(|said| (format!("awk: cmd. line:1: {said}\n"), 1))?;
        let mut machine = Machine::new(script);
        for (name, value) in sys.env() {
            machine.set_element("ENVIRON", name, value);
        }
        let arguments = core::iter::once("awk").chain(operands.iter().map(String::as_str));
        for (at, word) in arguments.enumerate() {
            machine.set_element("ARGV", &at.to_string(), word);
        }
        machine.set("ARGC", &(operands.len() + 1).to_string());
        if let Some(separator) = options.value('F') {
            machine.set("FS", &if separator == "t" { "\t".to_owned() } else { unescaped(separator) });
        }
        for assignment in options.values('v') {
            let (name, value) = assignment.split_once('=').ok_or_else(|| (usage("awk", SYNOPSIS, flavour), 1))?;
            machine.set(name, &unescaped(value));
        }
        let mut work = Self {
            machine,
            operands,
            input: None,
            rest: String::new(),
            any_file: false,
            failed: false,
            written: BTreeSet::new(),
        };
        work.load(sys, &text);
        let flow = work.machine.run_edge(false);
        work.flush(sys);
        match flow {
            Err(said) => Err((format!("awk: cmd. line:1: {said}\n"), 1)),
            Ok(Flow::Exit) => Ok(Err(work.machine.status)),
            Ok(_) if !work.machine.reads() => Ok(Err(work.machine.status)),
            Ok(_) => Ok(Ok(work)),
        }
    }

    /// Files that the program names for `getline` are read beforehand.
    fn load(&mut self, sys: &Sys<'_>, text: &str) {
        if !text.contains("getline") {
            return;
        }
        let words: Vec<String> = text.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        let named = words.into_iter().chain(self.operands.iter().cloned()).filter(|word| !word.is_empty());
        for path in named.collect::<Vec<_>>() {
            let read = sys.files().read(&sys.absolute(&path)).ok();
            let text = read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            self.machine.load.push((path, text));
        }
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Result<Step, String> {
        let Some(input) = &mut self.input else { return self.next_file(sys) };
        match input.read(sys) {
            Chunk::Begin(name) => {
                self.machine.set("FILENAME", if name == "-" { "" } else { &name });
                self.machine.set("FNR", "0");
            }
            Chunk::Data(bytes) => {
                self.rest += &String::from_utf8_lossy(&bytes);
                return self.records(false);
            }
            Chunk::End => return self.records(true),
            Chunk::Failed(name, errno) => {
                sys.eprint(format!("awk: {name}: {errno}\n"));
                self.failed = true;
            }
            Chunk::Blocked => return Ok(Step::Wait(None)),
            Chunk::Done => self.input = None,
        }
        Ok(Step::Yield)
    }

    /// The next operand: a file, or an assignment. After the last one the end.
    fn next_file(&mut self, _: &Sys<'_>) -> Result<Step, String> {
        while let Some(word) = self.operands.pop_front() {
            if let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) {
                self.machine.set(name, &unescaped(value));
                continue;
            }
            self.any_file = true;
            self.input = Some(Input::new(vec![word]));
            return Ok(Step::Yield);
        }
        if !core::mem::replace(&mut self.any_file, true) {
            self.input = Some(Input::new(Vec::new()));
            return Ok(Step::Yield);
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<Step, String> {
        self.machine.run_edge(true)?;
        let status = if self.failed && self.machine.status == 0 { 2 } else { self.machine.status };
        Ok(Step::Exit(status))
    }

    /// Runs the program on the records that are complete; on all when the file is at its end.
    fn records(&mut self, end: bool) -> Result<Step, String> {
        let separator = self.machine.text_of("RS");
        let (text, paragraphs) = match separator.as_str() {
            "" => ("\n\n", true),
            other => (other, false),
        };
        let text = text.to_owned();
        loop {
            if paragraphs {
                self.rest = self.rest.trim_start_matches('\n').to_owned();
            }
            let Some(at) = self.rest.find(&text) else { break };
            let record = self.rest[..at].to_owned();
            self.rest.drain(..at + text.len());
            self.machine.waiting.push_back(record);
        }
        if end && !self.rest.is_empty() {
            let last = core::mem::take(&mut self.rest);
            let last = if paragraphs { last.trim_end_matches('\n').to_owned() } else { last };
            self.machine.waiting.push_back(last);
        }
        while let Some(record) = self.machine.waiting.pop_front() {
            if matches!(self.machine.run_record(record)?, Flow::Exit) {
                return self.finish();
            }
        }
        Ok(Step::Yield)
    }

    fn flush(&mut self, sys: &mut Sys<'_>) {
        sys.print(core::mem::take(&mut self.machine.out));
        for (path, append, bytes) in core::mem::take(&mut self.machine.written) {
            let full = sys.absolute(&path);
            // A file is emptied by the first write of a run only.
            let append = !self.written.insert(full) || append;
            match sys.create(&path, append) {
                Ok(stream) => {
                    let _ = sys.write_stream(&stream, &bytes);
                    sys.close_stream(stream);
                }
                Err(errno) => {
                    sys.eprint(format!("awk: can't open '{path}': {errno}\n"));
                    self.failed = true;
                }
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, input: &str) -> String {
        let mut machine = Machine::new(parse::script(text).expect("it is a program"));
        machine.run_edge(false).expect("it begins");
        for line in input.lines() {
            if matches!(machine.run_record(line.to_owned()).expect("it runs"), Flow::Exit) {
                break;
            }
        }
        machine.run_edge(true).expect("it ends");
        String::from_utf8(machine.out).expect("text")
    }

    #[test]
    fn fields_patterns_and_sums() {
        let input = "a 1\nb 2\nc 30\n";
        assert_eq!(run("{print $2, $1}", input), "1 a\n2 b\n30 c\n");
        assert_eq!(run("$2 > 1 {n++; s += $2} END {print n, s, s / n}", input), "2 32 16\n");
        assert_eq!(run("/b/,/c/", input), "b 2\nc 30\n");
        assert_eq!(run("NR==2{$2=\"x\"; print; exit}", input), "b x\n");
        assert_eq!(run("BEGIN{FS=\":\"} {print $NF}", "a:b:c\n"), "c\n");
        assert_eq!(run("{print NF\" \"$1$2}", "x y\n"), "2 xy\n");
    }

    #[test]
    fn loops_arrays_and_functions() {
        assert_eq!(run("BEGIN{for(i=1;i<=3;i++)printf \"%d,\",i; print \"\"}", ""), "1,2,3,\n");
        assert_eq!(run("{c[$1]++} END{print c[\"a\"], (\"z\" in c), length(c)}", "a\nb\na\n"), "2 0 2\n");
        assert_eq!(run("function f(n){return n<2?1:n*f(n-1)} BEGIN{print f(5)}", ""), "120\n");
        assert_eq!(run("BEGIN{n=split(\"a-b-c\",p,\"-\"); print n, p[3]}", ""), "3 c\n");
        assert_eq!(run("{gsub(/o/,\"[&]\"); print toupper(substr($0,1,4))}", "foo\n"), "F[O]\n");
        assert_eq!(run("BEGIN{while(i<5){i++; if(i==2)continue; if(i==4)break; print i}}", ""), "1\n3\n");
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut machine = Machine::new(parse::script("BEGIN{while(1);}").expect("it is a program"));
        assert!(machine.run_edge(false).is_err());
        assert!(parse::script("{print").is_err() && parse::script("BEGIN{x=}").is_err());
        assert!(parse::script(&"(".repeat(10_000)).is_err());
    }
}
