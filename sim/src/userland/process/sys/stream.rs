//! Reading and writing: the open streams of a process by number, and those that its program holds itself.

use super::Sys;
use crate::userland::stream::{Read, Stream};
use crate::userland::{Errno, Signal};

impl Sys<'_> {
    /// Reads from standard input, at most `max` bytes.
    pub fn read(&mut self, max: usize) -> Read {
        self.read_from(0, max)
    }

    /// Reads from the open stream number `fd`.
    pub fn read_from(&mut self, fd: usize, max: usize) -> Read {
        let Some(open) = self.table.process_mut(self.pid).streams.get_mut(fd) else { return Read::End };
        let mut stream = core::mem::replace(open, Stream::Null);
        let read = self.read_stream(&mut stream, max);
        self.table.process_mut(self.pid).streams[fd] = stream;
        read
    }

    /// Prints to standard output.
    pub fn print(&mut self, text: impl AsRef<[u8]>) {
        self.write(1, text.as_ref());
    }

    /// Prints to standard error.
    pub fn eprint(&mut self, text: impl AsRef<[u8]>) {
        self.write(2, text.as_ref());
    }

    /// Writes to the open stream number `fd`. A broken pipe sends the process SIGPIPE.
    pub fn write(&mut self, fd: usize, bytes: &[u8]) {
        let context = self.context_id();
        let table = &mut *self.table;
        let process = table.processes.get(&self.pid).expect("the running process is in the table");
        let Some(stream) = process.streams.get(fd) else { return };
        let files = &mut table.contexts.get_mut(&context).expect("the context was not deleted").files;
        let pipe = match stream {
            Stream::Write(id) => Some(*id),
            _ => None,
        };
        match table.streams.write(stream, files, bytes) {
            Err(Errno::BrokenPipe) => {
                table.process_mut(self.pid).pending.push_back(Signal::Pipe);
                table.wake(self.pid);
            }
            Err(_) => {}
            Ok(()) => {
                if let Some(id) = pipe {
                    table.wake_readers(id);
                }
            }
        }
    }

    /// Whether standard output is a full pipe, so that a program that writes without end should wait.
    #[must_use]
    pub fn is_output_full(&self) -> bool {
        self.table.process(self.pid).streams.get(1).is_some_and(|s| self.table.streams.is_full(s))
    }

    /// A new pipe: its reading and its writing end, both to be closed or given to a child.
    pub fn pipe(&mut self) -> (Stream, Stream) {
        self.table.streams.pipe()
    }

    /// Another handle on the open stream number `fd`.
    pub fn dup(&mut self, fd: usize) -> Stream {
        let table = &mut *self.table;
        let process = table.processes.get(&self.pid).expect("the running process is in the table");
        process.streams.get(fd).map_or(Stream::Null, |s| table.streams.dup(s))
    }

    /// Another handle on a stream that the program holds itself.
    pub fn dup_stream(&mut self, stream: &Stream) -> Stream {
        self.table.streams.dup(stream)
    }

    /// Puts `stream` in the place of the open stream number `fd` and gives back what was there.
    pub fn replace(&mut self, fd: usize, stream: Stream) -> Stream {
        self.table.holders.add(self.pid, &stream);
        let streams = &mut self.table.process_mut(self.pid).streams;
        while streams.len() <= fd {
            streams.push(Stream::Null);
        }
        let before = core::mem::replace(&mut streams[fd], stream);
        if !streams.contains(&before) {
            self.table.holders.remove(self.pid, &before);
        }
        before
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NoEntry`, `IsDirectory`.
    pub fn open(&self, path: &str) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        self.files().read(&path)?;
        Ok(Stream::File { path, offset: 0 })
    }

    /// Opens a file for writing, emptied first unless it is to be appended to.
    ///
    /// # Errors
    /// `NoEntry` when its directory is not there, `IsDirectory`.
    pub fn create(&mut self, path: &str, append: bool) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        if append {
            self.files_mut().append(&path, &[])?;
        } else {
            self.files_mut().write(&path, Vec::new())?;
        }
        Ok(Stream::File { path, offset: 0 })
    }

    /// Reads from a stream that the program holds itself.
    pub fn read_stream(&mut self, stream: &mut Stream, max: usize) -> Read {
        let context = self.context_id();
        self.table.read_in(Some(context), stream, max)
    }

    /// Closes a stream that the program holds itself.
    pub fn close_stream(&mut self, stream: Stream) {
        self.table.close_from_inside(stream);
    }
}
