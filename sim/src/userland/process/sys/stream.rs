//! Reading and writing: the open streams of a process by number, and those that its program holds itself.

use super::super::Table;
use super::Sys;
use crate::userland::files::{At, Device, Found, Ino, Kind, Stamp, TreeRef, Walked};
use crate::userland::stream::{OpenId, Read, Stream, Target};
use crate::userland::terminal::{Modes, Terminal};
use crate::userland::user::Want;
use crate::userland::{Errno, Signal};

/// What is everywhere, even where nobody made any files.
const NULL: &str = "/dev/null";

impl Sys<'_> {
    /// Reads from standard input, at most `max` bytes.
    pub fn read(&mut self, max: usize) -> Read {
        self.read_from(0, max)
    }

    /// Reads from the open stream number `fd`.
    pub fn read_from(&mut self, fd: usize, max: usize) -> Read {
        let Some(open) = self.table.process_mut(self.pid).streams.get_mut(fd) else { return Read::End };
        let stream = core::mem::replace(open, Stream::Null);
        let read = self.table.read_at_most(&stream, max);
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

    /// Says what a command came to, on standard output, or why it did not, on standard error; returns its exit status.
    pub fn conclude(&mut self, outcome: Result<String, (impl AsRef<[u8]>, i32)>) -> i32 {
        match outcome {
            Ok(text) => {
                self.print(text);
                0
            }
            Err((text, status)) => {
                self.eprint(text);
                status
            }
        }
    }

    /// Writes to the open stream number `fd`; what goes wrong is not said.
    pub fn write(&mut self, fd: usize, bytes: &[u8]) {
        let _ = self.try_write(fd, bytes);
    }

    /// Writes to the open stream number `fd`. A broken pipe also sends the process SIGPIPE.
    ///
    /// # Errors
    /// `BadFile` when it cannot be written to, `NoSpace`, `BrokenPipe`, or what a generated file says of it.
    pub fn try_write(&mut self, fd: usize, bytes: &[u8]) -> Result<(), Errno> {
        let open = self.table.process_mut(self.pid).streams.get_mut(fd).ok_or(Errno::BadFile)?;
        let stream = core::mem::replace(open, Stream::Null);
        let written = self.write_stream(&stream, bytes);
        self.table.process_mut(self.pid).streams[fd] = stream;
        written
    }

    /// Writes to a stream that the program holds itself. A broken pipe also sends the process SIGPIPE.
    ///
    /// # Errors
    /// As for `try_write`.
    pub fn write_stream(&mut self, stream: &Stream, bytes: &[u8]) -> Result<(), Errno> {
        match stream {
            Stream::Null => Ok(()),
            Stream::Read(_) => Err(Errno::BadFile),
            Stream::Write(id) => {
                let written = self.table.streams.write(*id, bytes);
                match written {
                    Ok(()) => self.table.wake_readers(*id),
                    Err(_) => {
                        self.table.process_mut(self.pid).pending.push_back(Signal::Pipe);
                        self.table.wake(self.pid);
                    }
                }
                written
            }
            Stream::File(id) => self.write_file(*id, bytes),
        }
    }

    fn write_file(&mut self, id: OpenId, bytes: &[u8]) -> Result<(), Errno> {
        let Target::Generated { path, .. } = &self.table.streams.opened(id).target else {
            let now = self.now();
            return self.table.write_open(id, bytes, now);
        };
        let walked = self.files().walk(path, true)?;
        match walked.at {
            Some(At::Generated(generator)) => (generator.write)(self, &walked.parts(), bytes),
            _ => Err(Errno::NoEntry),
        }
    }

    /// Whether standard output is a full pipe, so that a program that writes without end should wait.
    #[must_use]
    pub fn is_output_full(&self) -> bool {
        self.table.process(self.pid).streams.get(1).is_some_and(|s| self.table.streams.is_full(s))
    }

    /// The terminal that the open stream number `fd` leads to.
    #[must_use]
    pub fn terminal(&self, fd: usize) -> Option<&Terminal> {
        self.table.streams.terminal(self.table.process(self.pid).streams.get(fd)?)
    }

    /// Whether the open stream number `fd` leads to a terminal.
    #[must_use]
    pub fn is_terminal(&self, fd: usize) -> bool {
        self.terminal(fd).is_some()
    }

    /// Says how the terminal at standard input treats what is typed, and how large it is.
    pub fn set_terminal(&mut self, modes: Modes, size: (u16, u16)) {
        let table = &mut *self.table;
        let process = table.processes.get(&self.pid).expect("the running process is in the table");
        if let Some(terminal) = process.streams.first().and_then(|stream| table.streams.terminal_mut(stream)) {
            (terminal.modes, terminal.size) = (modes, size);
        }
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
    /// `NoEntry`, `IsDirectory` and the like.
    pub fn open(&mut self, path: &str) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if let Some(stream) = self.open_special(&path) {
            return Ok(stream);
        }
        let walked = self.files().walk(&path, true)?;
        match walked.at.ok_or(Errno::NoEntry)? {
            At::Generated(_) => self.open_generated(&walked, false),
            At::Inode(tree, ino) => {
                let kind = self.files().stat(&path)?.kind;
                if kind == Kind::Directory {
                    return Err(Errno::IsDirectory);
                }
                self.files().access(Want::Read, &path)?;
                Ok(self.open_inode((tree, ino), kind, false, false))
            }
        }
    }

    /// Opens a file for writing, emptied first unless it is to be appended to.
    ///
    /// # Errors
    /// `NoEntry` when its directory is not there, `IsDirectory`, `NoSpace` and the like.
    pub fn create(&mut self, path: &str, append: bool) -> Result<Stream, Errno> {
        let stream = self.open_to_write(path, append)?;
        if !append {
            self.truncate(&stream)?;
        }
        Ok(stream)
    }

    /// Opens a file for writing as it is, making it when it is not there.
    ///
    /// # Errors
    /// As for `create`.
    pub fn open_to_write(&mut self, path: &str, append: bool) -> Result<Stream, Errno> {
        let path = self.absolute(path);
        if let Some(stream) = self.open_special(&path) {
            return Ok(stream);
        }
        let walked = self.files().walk(&path, true)?;
        if let Some(At::Generated(_)) = walked.at {
            return self.open_generated(&walked, true);
        }
        let mode = 0o666 & !self.mask();
        let at = self.files_mut().open(&path, mode)?;
        let kind = self.files().stat(&path)?.kind;
        Ok(self.open_inode(at, kind, true, append))
    }

    /// What stands for a stream without being in a tree: one that the process has, or the one that takes everything.
    fn open_special(&mut self, path: &str) -> Option<Stream> {
        match self.own_stream(path) {
            Some(fd) => Some(self.dup(fd)),
            None => (path == NULL).then_some(Stream::Null),
        }
    }

    fn open_inode(&mut self, (tree, ino): (TreeRef, Ino), kind: Kind, write: bool, append: bool) -> Stream {
        let tree = Table::tree_id(self.context_id(), tree);
        match kind {
            Kind::Device(Device::Null) => Stream::Null,
            // Without a terminal of its own a process talks to the one that its standard streams lead to.
            Kind::Device(Device::Tty | Device::Console) => self.dup(usize::from(write)),
            Kind::Device(device) => self.table.streams.open(Target::Device(device), append),
            Kind::Fifo => self.table.streams.open_named(tree, ino, write),
            Kind::File | Kind::Directory | Kind::Link => {
                if let Some(tree) = self.table.tree_mut(tree) {
                    tree.open(ino);
                }
                self.table.streams.open(Target::Inode(tree, ino), append)
            }
        }
    }

    fn open_generated(&mut self, walked: &Walked, write: bool) -> Result<Stream, Errno> {
        let Some(At::Generated(generator)) = walked.at else { return Err(Errno::NoEntry) };
        match self.files().found(generator, &walked.parts()).ok_or(Errno::NoEntry)? {
            Found::Directory(_) => Err(Errno::IsDirectory),
            Found::Link(_) => Err(Errno::NoEntry),
            Found::File { write: Err(errno), .. } if write => Err(errno),
            Found::File { .. } if write && !self.user().is_root() => Err(Errno::AccessDenied),
            Found::File { text, .. } => {
                let target = Target::Generated { text: text.into_bytes(), path: walked.path.clone() };
                Ok(self.table.streams.open(target, false))
            }
        }
    }

    /// The open stream of this process that a path under `/dev` or `/proc` stands for.
    fn own_stream(&self, path: &str) -> Option<usize> {
        let fd = match path {
            "/dev/stdin" => 0,
            "/dev/stdout" => 1,
            "/dev/stderr" => 2,
            _ => {
                let own = format!("/proc/{}/fd/", self.pid().0);
                let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"));
                number.or_else(|| path.strip_prefix(own.as_str()))?.parse().ok()?
            }
        };
        (fd < self.table.process(self.pid).streams.len()).then_some(fd)
    }

    /// Makes the file behind a stream empty; what is no file stays as it is.
    ///
    /// # Errors
    /// When its filesystem does not take changes.
    pub fn truncate(&mut self, stream: &Stream) -> Result<(), Errno> {
        let Stream::File(id) = stream else { return Ok(()) };
        let Target::Inode(tree, ino) = self.table.streams.opened(*id).target else { return Ok(()) };
        let now = Stamp(self.epoch().unix_nanos(self.now()));
        self.table.tree_mut(tree).ok_or(Errno::NoEntry)?.truncate(ino, 0, now)
    }

    /// Where the next read or write of a stream begins, when it is an open file.
    #[must_use]
    pub fn offset(&self, stream: &Stream) -> Option<u64> {
        match stream {
            Stream::File(id) => Some(self.table.streams.opened(*id).offset),
            _ => None,
        }
    }

    /// Lets the next read or write of an open file begin elsewhere; false when the stream is none.
    pub fn seek(&mut self, stream: &Stream, offset: u64) -> bool {
        match stream {
            Stream::File(id) => {
                self.table.streams.opened_mut(*id).offset = offset;
                true
            }
            _ => false,
        }
    }

    /// Permissions that files made by this process do not get.
    #[must_use]
    pub fn mask(&self) -> u32 {
        self.table.process(self.pid).mask
    }

    /// Sets those permissions.
    pub fn set_mask(&mut self, mask: u32) {
        self.table.process_mut(self.pid).mask = mask & 0o777;
    }

    /// Whether a stream of this process is a full pipe.
    #[must_use]
    pub fn is_full(&self, stream: &Stream) -> bool {
        self.table.streams.is_full(stream)
    }

    /// Reads from a stream that the program holds itself.
    pub fn read_stream(&mut self, stream: &Stream, max: usize) -> Read {
        self.table.read_at_most(stream, max)
    }

    /// Closes a stream that the program holds itself.
    pub fn close_stream(&mut self, stream: Stream) {
        self.table.close_from_inside(stream);
    }
}
