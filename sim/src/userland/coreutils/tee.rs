//! `tee`: standard input to standard output and into files.

use crate::userland::options::{Options, Order};
use crate::userland::{Program, Read, Step, Sys};

/// The files that get a copy, by absolute path, once the command line was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tee {
    files: Option<Vec<String>>,
    failed: bool,
}

impl Program for Tee {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.files.is_none() {
            match Options::parse(sys.argv(), "ai", Order::Anywhere) {
                Ok(options) => self.open(sys, &options),
                Err(error) => {
                    let text = error.text("tee", "[-ai] [FILE]...", sys.flavour());
                    sys.eprint(text);
                    return Step::Exit(1);
                }
            }
        }
        if sys.is_output_full() {
            return Step::Wait(None);
        }
        match sys.read(usize::MAX) {
            Read::Data(bytes) => {
                self.copy(sys, &bytes);
                Step::Yield
            }
            Read::Blocked => Step::Wait(None),
            Read::End => Step::Exit(i32::from(self.failed)),
        }
    }
}

impl Tee {
    fn open(&mut self, sys: &mut Sys<'_>, options: &Options) {
        let mut files = Vec::new();
        for name in &options.operands {
            match sys.create(name, options.has('a')) {
                Ok(stream) => {
                    sys.close_stream(stream);
                    files.push(sys.absolute(name));
                }
                Err(errno) => {
                    sys.eprint(format!("tee: {name}: {errno}\n"));
                    self.failed = true;
                }
            }
        }
        self.files = Some(files);
    }

    /// A file that went away meanwhile is passed over, as an open one would take the bytes unseen.
    fn copy(&self, sys: &mut Sys<'_>, bytes: &[u8]) {
        sys.print(bytes);
        for path in self.files.iter().flatten().filter(|path| *path != "/dev/null") {
            let _ = sys.files_mut().append(path, bytes);
        }
    }
}
