//! Pipes and open files: what a process reads from and writes to. It moves bytes; who wakes up is the table's affair.

use std::collections::{BTreeMap, VecDeque};

use super::Errno;
use super::files::Files;

/// Bytes that a pipe holds before a writer should wait (pipe(7)).
pub const PIPE_CAPACITY: usize = 65536;

/// A pipe, by number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PipeId(pub(crate) u32);

/// One end of something open. It is duplicated and closed through [`Streams`], which counts the ends of pipes.
#[derive(Debug, Eq, PartialEq)]
pub enum Stream {
    /// `/dev/null`: reads end at once, writes vanish.
    Null,
    /// The reading end of a pipe.
    Read(PipeId),
    /// The writing end of a pipe.
    Write(PipeId),
    /// A file: where the next read begins; writes go to its end.
    File {
        /// Absolute path.
        path: String,
        /// Bytes already read.
        offset: usize,
    },
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

#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    readers: u32,
    writers: u32,
    /// Whether a reader found nothing and nothing came since.
    awaited: bool,
}

/// All pipes.
#[derive(Debug, Default)]
pub struct Streams {
    pipes: BTreeMap<PipeId, Pipe>,
    next: u32,
}

impl Streams {
    /// A new pipe, as its reading and its writing end.
    pub fn pipe(&mut self) -> (Stream, Stream) {
        let id = PipeId(self.next);
        self.next += 1;
        self.pipes.insert(id, Pipe { readers: 1, writers: 1, ..Pipe::default() });
        (Stream::Read(id), Stream::Write(id))
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
            Stream::File { path, offset } => Stream::File { path: path.clone(), offset: *offset },
        }
    }

    /// Gives a handle back; a pipe without ends is gone.
    #[expect(clippy::needless_pass_by_value, reason = "a closed handle must not be used again")]
    pub fn close(&mut self, stream: Stream) {
        let (Stream::Read(id) | Stream::Write(id)) = stream else { return };
        let pipe = self.pipe_mut(id);
        if matches!(stream, Stream::Read(_)) {
            pipe.readers -= 1;
        } else {
            pipe.writers -= 1;
        }
        if pipe.readers == 0 && pipe.writers == 0 {
            self.pipes.remove(&id);
        }
    }

    /// Up to `max` bytes.
    pub fn read(&mut self, stream: &mut Stream, files: &Files, max: usize) -> Read {
        match stream {
            Stream::Null | Stream::Write(_) => Read::End,
            Stream::Read(id) => {
                let pipe = self.pipe_mut(*id);
                if pipe.bytes.is_empty() {
                    pipe.awaited = pipe.writers > 0;
                    return if pipe.awaited { Read::Blocked } else { Read::End };
                }
                let take = pipe.bytes.len().min(max);
                Read::Data(pipe.bytes.drain(..take).collect())
            }
            Stream::File { path, offset } => {
                let bytes = files.read(path).unwrap_or_default();
                let rest = bytes.get(*offset..).unwrap_or_default();
                let take = rest.len().min(max);
                *offset += take;
                if take == 0 { Read::End } else { Read::Data(rest[..take].to_vec()) }
            }
        }
    }

    /// Writes all of `bytes`; a pipe may grow past its capacity by one write, so ask [`Streams::is_full`] before more.
    ///
    /// # Errors
    /// `BrokenPipe` when nobody can read it, or what the filesystem says.
    pub fn write(&mut self, stream: &Stream, files: &mut Files, bytes: &[u8]) -> Result<(), Errno> {
        match stream {
            Stream::Null => Ok(()),
            Stream::Read(_) => Err(Errno::BadFile),
            Stream::Write(id) => {
                let pipe = self.pipe_mut(*id);
                if pipe.readers == 0 {
                    return Err(Errno::BrokenPipe);
                }
                pipe.bytes.extend(bytes);
                pipe.awaited = false;
                Ok(())
            }
            Stream::File { path, .. } => files.append(path, bytes),
        }
    }

    /// Whether a writer should wait. Without a reader it should not: its next write tells it so.
    #[must_use]
    pub fn is_full(&self, stream: &Stream) -> bool {
        let full = |pipe: &Pipe| pipe.readers > 0 && pipe.bytes.len() >= PIPE_CAPACITY;
        matches!(stream, Stream::Write(id) if self.pipes.get(id).is_some_and(full))
    }

    /// Whether somebody wants to read what was not written yet.
    #[must_use]
    pub fn is_awaited(&self, stream: &Stream) -> bool {
        matches!(stream, Stream::Write(id) if self.pipes.get(id).is_some_and(|pipe| pipe.awaited))
    }

    fn pipe_mut(&mut self, id: PipeId) -> &mut Pipe {
        self.pipes.get_mut(&id).expect("a pipe lives as long as one of its ends")
    }
}
