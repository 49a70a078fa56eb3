//! The open streams of a shell, by number: what is open, what a redirection put aside and how it is put back. The
//! streams themselves lie in the process table, so that they close with the process whatever ends it.

use std::collections::BTreeSet;

use crate::userland::{Stream, Sys};

/// Numbers from here on are the shell's own, as in real shells.
const FIRST_PRIVATE: usize = 10;

/// Which numbers are open.
#[derive(Clone, Debug)]
pub(super) struct Descriptors(BTreeSet<usize>);

/// What stood at a number before a redirection: nothing, or a stream that now lies at another number.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    fd: usize,
    parked: Option<usize>,
}

impl Default for Descriptors {
    fn default() -> Self {
        Self(BTreeSet::from([0, 1, 2]))
    }
}

impl Descriptors {
    /// Whether a script can use this number.
    pub(super) fn is_open(&self, fd: usize) -> bool {
        fd < FIRST_PRIVATE && self.0.contains(&fd)
    }

    /// Puts a stream at a private number.
    pub(super) fn park(&mut self, sys: &mut Sys<'_>, stream: Stream) -> usize {
        let fd = (FIRST_PRIVATE..).find(|fd| !self.0.contains(fd)).expect("numbers do not run out");
        self.0.insert(fd);
        let before = sys.replace(fd, stream);
        sys.close_stream(before);
        fd
    }

    /// Closes a number.
    pub(super) fn close(&mut self, sys: &mut Sys<'_>, fd: usize) {
        if self.0.remove(&fd) {
            let stream = sys.replace(fd, Stream::Null);
            sys.close_stream(stream);
        }
    }

    /// Puts a stream at a number, or nothing; what was there is put aside.
    pub(super) fn redirect(&mut self, sys: &mut Sys<'_>, fd: usize, stream: Option<Stream>) -> Saved {
        let was_open = self.0.contains(&fd);
        match stream {
            Some(_) => self.0.insert(fd),
            None => self.0.remove(&fd),
        };
        let before = sys.replace(fd, stream.unwrap_or(Stream::Null));
        let parked = was_open.then(|| self.park(sys, before));
        Saved { fd, parked }
    }

    /// Puts back what was put aside.
    pub(super) fn restore(&mut self, sys: &mut Sys<'_>, saved: &Saved) {
        self.close(sys, saved.fd);
        if let Some(parked) = saved.parked {
            let stream = sys.replace(parked, Stream::Null);
            self.0.remove(&parked);
            self.0.insert(saved.fd);
            let null = sys.replace(saved.fd, stream);
            sys.close_stream(null);
        }
    }

    /// Forgets what was put aside, so that the redirection stays.
    pub(super) fn keep(&mut self, sys: &mut Sys<'_>, saved: &Saved) {
        if let Some(parked) = saved.parked {
            self.close(sys, parked);
        }
    }
}
