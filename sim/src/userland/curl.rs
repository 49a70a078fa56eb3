//! curl on a host: gets URLs by HTTP and prints them, in the words of curl 7.88.1. It is the tool of scripts, so it shows
//! no progress meter; it speaks no TLS.
//!
//! How it works: a `Run` goes through the URLs; each is a `Transfer`, or several when it is redirected. A connection
//! that the server leaves open is kept for the next transfer to the same place.

mod options;
mod report;
mod transfer;
mod unix;

use core::task::Poll;

use super::{Flavour, Program, Programs, Step, Sys};
use options::Options;
use transfer::{Kept, Transfer};

/// Adds the program.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "curl", || Box::new(Curl::Starting));
}

#[derive(Clone)]
enum Curl {
    Starting,
    Running(Box<Run>),
}

/// The command line on its way through its URLs.
#[derive(Clone)]
struct Run {
    options: Options,
    /// Which URL is being fetched.
    index: usize,
    transfer: Option<Transfer>,
    kept: Option<Kept>,
    /// How many connections were made.
    connections: usize,
    exit: i32,
}

/// An exit code with its text.
type Trouble = (i32, String);

impl Program for Curl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if matches!(self, Self::Starting) {
            match Options::parse(sys) {
                Ok(options) => *self = Self::Running(Box::new(Run::new(options))),
                Err(text) => {
                    sys.eprint(format!(
                        "curl: {text}\ncurl: try 'curl --help' or 'curl --manual' for more information\n"
                    ));
                    return Step::Exit(2);
                }
            }
        }
        let Self::Running(run) = self else { return Step::Exit(2) };
        run.step(sys)
    }
}

impl Run {
    const fn new(options: Options) -> Self {
        Self { options, index: 0, transfer: None, kept: None, connections: 0, exit: 0 }
    }

    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        while let Some(url) = self.options.urls.get(self.index).cloned() {
            if self.transfer.is_none() {
                let output = self.options.output_of(self.index, &url);
                let begun = output.and_then(|output| Transfer::begin(sys, &self.options, &url, output));
                match begun {
                    Ok(transfer) => self.transfer = Some(transfer),
                    Err(trouble) => {
                        self.end(sys, &Err(trouble));
                        continue;
                    }
                }
            }
            let transfer = self.transfer.as_mut().expect("it was just begun");
            match transfer.step(sys, &self.options, &mut self.kept, &mut self.connections) {
                Poll::Pending => return Step::Wait(transfer.next_at(&self.options)),
                Poll::Ready(result) => self.end(sys, &result),
            }
        }
        Step::Exit(self.exit)
    }

    /// Goes on to the next URL.
    fn end(&mut self, sys: &mut Sys<'_>, result: &Result<(), Trouble>) {
        self.exit = result.as_ref().map_or_else(|(code, _)| *code, |()| 0);
        let transfer = self.transfer.take();
        if let (Err((code, text)), true) = (result, !self.options.silent || self.options.show_error) {
            sys.eprint(format!("curl: ({code}) {text}\n"));
        }
        if let Some(format) = &self.options.write_out {
            let (text, unknown) = report::written_out(format, transfer.as_ref(), result, sys.now());
            for name in unknown {
                sys.eprint(format!("curl: unknown --write-out variable: '{name}'\n"));
            }
            sys.print(text);
        }
        self.index += 1;
    }
}
