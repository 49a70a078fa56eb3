//! Which processes hold which end of a pipe, so that a write finds its readers without asking everybody. Ends that a
//! program keeps in its own state, or somebody outside the world, are not in here: nobody is woken for them.

use std::collections::BTreeSet;

use super::Pid;
use crate::userland::stream::{PipeId, Stream};

/// An index over the open streams of all processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    readers: BTreeSet<(PipeId, Pid)>,
    writers: BTreeSet<(PipeId, Pid)>,
}

impl Holders {
    /// A process has this stream open now.
    pub(super) fn add(&mut self, pid: Pid, stream: &Stream) {
        match stream {
            Stream::Read(id) => self.readers.insert((*id, pid)),
            Stream::Write(id) => self.writers.insert((*id, pid)),
            Stream::Null | Stream::File(_) => false,
        };
    }

    /// A process has no handle on this stream any more.
    pub(super) fn remove(&mut self, pid: Pid, stream: &Stream) {
        match stream {
            Stream::Read(id) => self.readers.remove(&(*id, pid)),
            Stream::Write(id) => self.writers.remove(&(*id, pid)),
            Stream::Null | Stream::File(_) => false,
        };
    }

    /// Who reads from a pipe, oldest first.
    pub(super) fn readers(&self, id: PipeId) -> Vec<Pid> {
        of(&self.readers, id)
    }

    /// Who writes into a pipe, oldest first.
    pub(super) fn writers(&self, id: PipeId) -> Vec<Pid> {
        of(&self.writers, id)
    }
}

fn of(ends: &BTreeSet<(PipeId, Pid)>, id: PipeId) -> Vec<Pid> {
    ends.range((id, Pid(0))..=(id, Pid(u32::MAX))).map(|(_, pid)| *pid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::stream::Streams;

    #[test]
    fn each_end_of_each_pipe_has_its_own_holders() {
        let mut streams = Streams::default();
        let mut holders = Holders::default();
        let (read, write) = streams.pipe();
        let (other, _) = streams.pipe();
        let (Stream::Read(pipe), Stream::Read(second)) = (&read, &other) else {
            panic!("a pipe begins with its reading end")
        };
        for (pid, stream) in [(9, &read), (3, &read), (3, &write), (5, &other)] {
            holders.add(Pid(pid), stream);
        }
        assert_eq!(holders.readers(*pipe), [Pid(3), Pid(9)]);
        assert_eq!(holders.writers(*pipe), [Pid(3)]);
        assert_eq!(holders.readers(*second), [Pid(5)]);
        holders.remove(Pid(3), &read);
        assert_eq!((holders.readers(*pipe), holders.writers(*pipe)), (vec![Pid(9)], vec![Pid(3)]));
    }
}
