//! What a program reads: the files that its command line names, one after the other, or standard input. Who reads from
//! here decides what the bytes mean.

use std::collections::VecDeque;

use super::{Errno, Flavour, Read, Stream, Sys};

/// What a step of reading gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Chunk {
    /// The next file begins; `-` is standard input.
    Begin(String),
    /// Bytes of the file that began last.
    Data(Vec<u8>),
    /// That file is at its end.
    End,
    /// A file could not be opened.
    Failed(String, Errno),
    /// Nothing yet.
    Blocked,
    /// There are no more files.
    Done,
}

/// The files still to be read.
#[derive(Clone, Debug)]
pub struct Input {
    names: VecDeque<String>,
    current: Option<Source>,
}

#[derive(Clone, Debug)]
enum Source {
    Standard,
    File(Stream),
}

/// Bytes that are taken at once.
const CHUNK: usize = 65536;

impl Input {
    /// The files of this name, or standard input when there are none.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let names = if names.is_empty() { vec!["-".to_owned()] } else { names };
        Self { names: names.into(), current: None }
    }

    /// The next thing.
    pub fn read(&mut self, sys: &mut Sys<'_>) -> Chunk {
        let read = match &mut self.current {
            None => return self.open(sys),
            Some(Source::Standard) => sys.read(CHUNK),
            Some(Source::File(stream)) => sys.read_stream(stream, CHUNK),
        };
        match read {
            Read::Data(bytes) => Chunk::Data(bytes),
            Read::Blocked => Chunk::Blocked,
            Read::End => {
                self.close(sys);
                Chunk::End
            }
        }
    }

    fn open(&mut self, sys: &mut Sys<'_>) -> Chunk {
        let Some(name) = self.names.pop_front() else { return Chunk::Done };
        if name == "-" {
            self.current = Some(Source::Standard);
            return Chunk::Begin(name);
        }
        match sys.open(&name) {
            Ok(stream) => {
                self.current = Some(Source::File(stream));
                Chunk::Begin(name)
            }
            Err(errno) => Chunk::Failed(name, errno),
        }
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some(Source::File(stream)) = self.current.take() {
            sys.close_stream(stream);
        }
    }
}

/// What `program` says of a file that it cannot open.
#[must_use]
pub fn complaint(program: &str, name: &str, errno: Errno, flavour: Flavour) -> String {
    match (flavour, program, errno) {
        (Flavour::Busybox, "cat", Errno::IsDirectory) => format!("cat: read error: {errno}\n"),
        (Flavour::Busybox, "cat" | "tail", _) => format!("{program}: can't open '{name}': {errno}\n"),
        (Flavour::Host, "head" | "tail", Errno::NoEntry) => {
            format!("{program}: cannot open '{name}' for reading: {errno}\n")
        }
        (Flavour::Host, "head" | "tail", _) => format!("{program}: error reading '{name}': {errno}\n"),
        (Flavour::Host, "sort", Errno::NoEntry) => format!("sort: cannot read: {name}: {errno}\n"),
        (Flavour::Host | Flavour::Busybox, ..) => format!("{program}: {name}: {errno}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_complain_each_in_their_own_words() {
        let said = |program, flavour| complaint(program, "x", Errno::NoEntry, flavour);
        assert_eq!(said("cat", Flavour::Busybox), "cat: can't open 'x': No such file or directory\n");
        assert_eq!(said("cat", Flavour::Host), "cat: x: No such file or directory\n");
        assert_eq!(said("head", Flavour::Busybox), "head: x: No such file or directory\n");
        assert_eq!(said("head", Flavour::Host), "head: cannot open 'x' for reading: No such file or directory\n");
        assert_eq!(said("sort", Flavour::Host), "sort: cannot read: x: No such file or directory\n");
        assert_eq!(complaint("cat", "/etc", Errno::IsDirectory, Flavour::Host), "cat: /etc: Is a directory\n");
    }
}
