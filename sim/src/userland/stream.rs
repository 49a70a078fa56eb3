//! Pipes and open files: what a process reads from and writes to. It counts the handles and moves the bytes of pipes;
//! the bytes of files lie in their filesystem, and who wakes up is the table's affair.

use std::collections::{BTreeMap, VecDeque};

use super::Errno;
use super::context::ContextId;
use super::files::{Device, Ino, VolumeId};
use super::terminal::{Terminal, Typed};

/// Bytes that a pipe holds before a writer should wait (pipe(7)).
pub const PIPE_CAPACITY: usize = 65536;

/// A pipe, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PipeId(pub(crate) u32);

/// An open file, by number. Its duplicates share the place where the next read or write begins.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OpenId(pub(crate) u32);

/// One end of something open. It is duplicated and closed through [`Streams`], which counts the handles.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stream {
    /// `/dev/null`: reads end at once, writes vanish.
    Null,
    /// The reading end of a pipe.
    Read(PipeId),
    /// The writing end of a pipe.
    Write(PipeId),
    /// An open file.
    File(OpenId),
}

/// A terminal, by the pipe that is its input.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct TerminalId(PipeId);

/// The four ends of a terminal that was just opened.
#[derive(Debug)]
pub struct Ends {
    /// What is written here was typed.
    pub keys: Stream,
    /// What is read here is shown.
    pub screen: Stream,
    /// Standard input of who runs there.
    pub input: Stream,
    /// Its standard output.
    pub output: Stream,
}

/// A terminal, and the pipe that leads to its screen.
#[derive(Clone, Debug)]
struct Screen {
    terminal: Terminal,
    output: PipeId,
}

/// What a read gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Read {
    /// Some bytes, at least one.
    Data(Vec<u8>),
    /// Nothing yet; somebody may still write.
    Blocked,
    /// Nothing, and nobody will write any more.
    End,
}

/// A filesystem of the world.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::userland) enum TreeId {
    /// A place's own.
    Own(ContextId),
    /// A volume.
    Volume(VolumeId),
}

/// What an open file is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::userland) enum Target {
    /// A file of a filesystem.
    Inode(TreeId, Ino),
    /// A device.
    Device(Device),
    /// A generated file: what it said when it was opened, and the path that writes go to.
    Generated { text: Vec<u8>, path: String },
}

/// An open file.
#[derive(Clone, Debug)]
pub(in crate::userland) struct Open {
    handles: u32,
    /// What it is.
    pub(super) target: Target,
    /// Where the next read or write begins.
    pub(super) offset: u64,
    /// Whether writes go to the end.
    pub(super) append: bool,
}

#[derive(Clone, Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// How many of the bytes come before each end that was typed.
    ends: VecDeque<usize>,
    /// The terminal that it is a side of.
    terminal: Option<TerminalId>,
    readers: u32,
    writers: u32,
    /// Whether a reader found nothing and nothing came since.
    awaited: bool,
    /// A named pipe that nobody has opened for writing yet: a reader waits for one.
    awaits_writer: bool,
    /// A named pipe that nobody has opened for reading yet: what is written waits for one.
    awaits_reader: bool,
}

/// All pipes and open files.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    pipes: BTreeMap<PipeId, Pipe>,
    /// The pipes behind named pipes that are open.
    named: BTreeMap<(TreeId, Ino), PipeId>,
    terminals: BTreeMap<TerminalId, Screen>,
    opens: BTreeMap<OpenId, Open>,
    next: u32,
    next_open: u32,
    /// How many bytes were ever written to pipes.
    written: u64,
}

impl Streams {
    /// A new pipe, as its reading and its writing end.
    pub fn pipe(&mut self) -> (Stream, Stream) {
        let id = self.add_pipe(Pipe { readers: 1, writers: 1, ..Pipe::default() });
        (Stream::Read(id), Stream::Write(id))
    }

    fn add_pipe(&mut self, pipe: Pipe) -> PipeId {
        let id = PipeId(self.next);
        self.next += 1;
        self.pipes.insert(id, pipe);
        id
    }

    /// A new terminal.
    pub fn open_terminal(&mut self) -> Ends {
        let (input, keys) = self.pipe();
        let (screen, output) = self.pipe();
        if let (Stream::Read(into), Stream::Write(out)) = (&input, &output) {
            let id = TerminalId(*into);
            self.terminals.insert(id, Screen { terminal: Terminal::default(), output: *out });
            self.pipe_mut(*into).terminal = Some(id);
            self.pipe_mut(*out).terminal = Some(id);
        }
        Ends { keys, screen, input, output }
    }

    fn terminal_id(&self, stream: &Stream) -> Option<TerminalId> {
        match stream {
            Stream::Read(id) | Stream::Write(id) => self.pipes.get(id)?.terminal,
            Stream::Null | Stream::File(_) => None,
        }
    }

    /// The terminal that a stream leads to.
    #[must_use]
    pub fn terminal(&self, stream: &Stream) -> Option<&Terminal> {
        self.terminals.get(&self.terminal_id(stream)?).map(|screen| &screen.terminal)
    }

    /// The same, to change how it treats what is typed.
    pub fn terminal_mut(&mut self, stream: &Stream) -> Option<&mut Terminal> {
        let id = self.terminal_id(stream)?;
        self.terminals.get_mut(&id).map(|screen| &mut screen.terminal)
    }

    /// Types on the terminal whose input this pipe is; none when it is a mere pipe. What is echoed has been written to
    /// the pipe that is named, and what is ready to be read to this one.
    pub(super) fn handle_typed(&mut self, id: PipeId, bytes: &[u8]) -> Option<(Typed, PipeId)> {
        let Screen { terminal, output } = self.terminals.get_mut(&TerminalId(id))?;
        let (typed, output) = (terminal.handle_typed(bytes), *output);
        if !typed.echo.is_empty() && self.pipes.contains_key(&output) {
            // Who does not look at the screen misses the echo.
            let _ = self.write(output, &typed.echo);
        }
        for piece in &typed.pieces {
            if piece.is_empty() {
                let pipe = self.pipe_mut(id);
                pipe.ends.push_back(pipe.bytes.len());
                pipe.awaited = false;
            } else {
                let _ = self.write(id, piece);
            }
        }
        Some((typed, output))
    }

    /// An end of the pipe with a name.
    pub(super) fn open_named(&mut self, tree: TreeId, ino: Ino, write: bool) -> Stream {
        let known = self.named.get(&(tree, ino)).copied().filter(|id| self.pipes.contains_key(id));
        let id = known
            .unwrap_or_else(|| self.add_pipe(Pipe { awaits_reader: true, awaits_writer: true, ..Pipe::default() }));
        self.named.insert((tree, ino), id);
        let pipe = self.pipe_mut(id);
        if write {
            pipe.writers += 1;
            pipe.awaits_writer = false;
            return Stream::Write(id);
        }
        pipe.readers += 1;
        pipe.awaits_reader = false;
        Stream::Read(id)
    }

    /// A handle on a file that is opened.
    pub(super) fn open(&mut self, target: Target, append: bool) -> Stream {
        let id = OpenId(self.next_open);
        self.next_open += 1;
        self.opens.insert(id, Open { handles: 1, target, offset: 0, append });
        Stream::File(id)
    }

    /// Another handle on the same end.
    pub fn dup(&mut self, stream: &Stream) -> Stream {
        match stream {
            Stream::Null => Stream::Null,
            Stream::Read(id) => {
                self.pipe_mut(*id).readers += 1;
                Stream::Read(*id)
            }
            Stream::Write(id) => {
                self.pipe_mut(*id).writers += 1;
                Stream::Write(*id)
            }
            Stream::File(id) => {
                self.opened_mut(*id).handles += 1;
                Stream::File(*id)
            }
        }
    }

    /// Gives a handle back; a pipe without ends is gone. What is given is a file without handles.
    #[expect(clippy::needless_pass_by_value, reason = "a closed handle must not be used again")]
    pub(super) fn close(&mut self, stream: Stream) -> Option<Open> {
        let id = match stream {
            Stream::Null => return None,
            Stream::File(id) => {
                let open = self.opened_mut(id);
                open.handles -= 1;
                return if open.handles == 0 { self.opens.remove(&id) } else { None };
            }
            Stream::Read(id) | Stream::Write(id) => id,
        };
        let pipe = self.pipe_mut(id);
        if matches!(stream, Stream::Read(_)) {
            pipe.readers -= 1;
        } else {
            pipe.writers -= 1;
        }
        // What was written into a named pipe waits there for the first reader.
        if pipe.readers == 0 && pipe.writers == 0 && !pipe.awaits_reader {
            self.pipes.remove(&id);
            self.terminals.remove(&TerminalId(id));
            self.named.retain(|_, named| *named != id);
        }
        None
    }

    /// Up to `max` bytes from a pipe.
    pub(super) fn read(&mut self, id: PipeId, max: usize) -> Read {
        let pipe = self.pipe_mut(id);
        if pipe.ends.pop_front_if(|end| *end == 0).is_some() {
            return Read::End;
        }
        if pipe.bytes.is_empty() {
            pipe.awaited = pipe.writers > 0 || pipe.awaits_writer;
            return if pipe.awaited { Read::Blocked } else { Read::End };
        }
        let take = pipe.bytes.len().min(max).min(pipe.ends.front().copied().unwrap_or(usize::MAX));
        pipe.ends.iter_mut().for_each(|end| *end -= take);
        let bytes = pipe.bytes.drain(..take).collect();
        if pipe.bytes.is_empty() {
            pipe.bytes.shrink_to(1024);
        }
        Read::Data(bytes)
    }

    /// Writes all of `bytes`; a pipe may grow past its capacity by one write, so ask [`Streams::is_full`] before more.
    ///
    /// # Errors
    /// `BrokenPipe` when nobody can read it.
    pub(super) fn write(&mut self, id: PipeId, bytes: &[u8]) -> Result<(), Errno> {
        let pipe = self.pipe_mut(id);
        if pipe.readers == 0 && !pipe.awaits_reader {
            return Err(Errno::BrokenPipe);
        }
        pipe.bytes.extend(bytes);
        pipe.awaited = false;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes were ever written to pipes.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Whether a writer should wait. Without a reader it should not: its next write tells it so.
    #[must_use]
    pub fn is_full(&self, stream: &Stream) -> bool {
        let full = |pipe: &Pipe| (pipe.readers > 0 || pipe.awaits_reader) && pipe.bytes.len() >= PIPE_CAPACITY;
        matches!(stream, Stream::Write(id) if self.pipes.get(id).is_some_and(full))
    }

    /// Whether somebody wants to read what was not written yet.
    #[must_use]
    pub fn is_awaited(&self, stream: &Stream) -> bool {
        matches!(stream, Stream::Write(id) if self.pipes.get(id).is_some_and(|pipe| pipe.awaited))
    }

    /// The open file.
    pub(super) fn opened(&self, id: OpenId) -> &Open {
        self.opens.get(&id).expect("a file is open as long as it has handles")
    }

    /// The open file, to move its offset.
    pub(super) fn opened_mut(&mut self, id: OpenId) -> &mut Open {
        self.opens.get_mut(&id).expect("a file is open as long as it has handles")
    }

    fn pipe_mut(&mut self, id: PipeId) -> &mut Pipe {
        self.pipes.get_mut(&id).expect("a pipe lives as long as one of its ends")
    }
}
