//! Consoles: the streams of a container's or exec's main process, and the clients that watch them. A console moves bytes
//! between pipes and exchanges; what they mean is not its business.

use std::collections::VecDeque;

use netyard_sim::userland::stream::{Ends, PIPE_CAPACITY, PipeId};
use netyard_sim::userland::{Read, Stream};
use netyard_sim::world::World;

use super::keys::{DetachKeys, Typed};
use super::reply::{ExchangeId, Output};

/// Which output a piece came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Channel {
    /// Standard output, 1 in a frame's head.
    Out,
    /// Standard error, 2.
    Err,
}

impl Channel {
    const fn number(self) -> u8 {
        match self {
            Self::Out => 1,
            Self::Err => 2,
        }
    }
}

/// What becomes of standard input when the client who sends it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum InputEnd {
    /// It stays open for the next.
    Stays,
    /// It ends too.
    Closes,
}

/// A client that watches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Viewer {
    pub(super) exchange: ExchangeId,
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    /// Whether it gets bytes alone, as from a terminal, instead of frames.
    pub(super) raw: bool,
    /// The keys by which it leaves a terminal.
    pub(super) keys: Option<DetachKeys>,
}

/// What became of input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Intake {
    /// The client does not send here.
    Elsewhere,
    /// The process gets it.
    Taken,
    /// The client leaves by its keys.
    Detached,
    /// The client sends no more to a terminal, which stays open without it: the client is let go.
    Ended,
}

/// The streams of one process, before, while and after it runs.
#[derive(Clone, Debug)]
pub(super) struct Console {
    tty: bool,
    input_end: InputEnd,
    stdin: Option<Stream>,
    outputs: Vec<(Channel, Stream)>,
    viewers: Vec<Viewer>,
    /// Viewers who take no more for now.
    held: Vec<ExchangeId>,
    /// What came before the process was there; an empty piece is the end.
    early: Vec<Vec<u8>>,
}

impl Console {
    pub(super) const fn new(tty: bool, input_end: InputEnd) -> Self {
        Self {
            tty,
            input_end,
            stdin: None,
            outputs: Vec::new(),
            viewers: Vec::new(),
            held: Vec::new(),
            early: Vec::new(),
        }
    }

    /// The streams for a process that starts now. With a terminal both outputs are one.
    pub(super) fn open(&mut self, world: &mut World, open_stdin: bool) -> [Stream; 3] {
        let streams = world.processes.streams_mut();
        if self.tty {
            // Nobody needs to type on a terminal; it is there all the same.
            let Ends { keys, screen, input, output } = streams.open_terminal();
            self.stdin = Some(keys);
            self.outputs.push((Channel::Out, screen));
            let err = streams.dup(&output);
            return [input, output, err];
        }
        let stdin = if open_stdin {
            let (read, write) = streams.pipe();
            self.stdin = Some(write);
            read
        } else {
            Stream::Null
        };
        let (from_out, out) = streams.pipe();
        self.outputs.push((Channel::Out, from_out));
        let (from_err, err) = streams.pipe();
        self.outputs.push((Channel::Err, from_err));
        [stdin, out, err]
    }

    /// The terminal has this many rows and columns now.
    pub(super) fn resize(&self, world: &mut World, size: (u16, u16)) {
        let keys = self.stdin.as_ref();
        if let Some(terminal) = keys.and_then(|keys| world.processes.streams_mut().terminal_mut(keys)) {
            terminal.size = size;
        }
    }

    /// Hands over what clients sent before the process was there.
    pub(super) fn begin(&mut self, world: &mut World) {
        for piece in core::mem::take(&mut self.early) {
            self.write(world, &piece);
        }
    }

    /// Whether one of its outputs comes through this pipe.
    pub(super) fn reads(&self, pipe: PipeId) -> bool {
        self.outputs.iter().any(|(_, stream)| *stream == Stream::Read(pipe))
    }

    /// Takes what the process has written, in the form in which clients get it.
    pub(super) fn drain(&mut self, world: &mut World) -> Vec<(Channel, Vec<u8>)> {
        let mut pieces = Vec::new();
        for (channel, stream) in &mut self.outputs {
            while let Read::Data(bytes) = world.processes.read(stream) {
                pieces.push((*channel, if self.tty { with_carriage_returns(&bytes) } else { bytes }));
            }
        }
        pieces
    }

    pub(super) fn attach(&mut self, viewer: Viewer) {
        self.viewers.push(viewer);
    }

    pub(super) fn detach(&mut self, exchange: ExchangeId) {
        self.viewers.retain(|viewer| viewer.exchange != exchange);
    }

    /// Lets all viewers go.
    pub(super) fn dismiss(&mut self, outbox: &mut VecDeque<Output>) {
        self.held.clear();
        outbox.extend(self.viewers.drain(..).map(|viewer| Output::End { exchange: viewer.exchange }));
    }

    /// A viewer takes no more for now.
    pub(super) fn hold(&mut self, exchange: ExchangeId) {
        if self.is_watched_by(exchange) && !self.held.contains(&exchange) {
            self.held.push(exchange);
        }
    }

    /// A viewer takes more again; true when nobody holds it up any more.
    pub(super) fn release(&mut self, exchange: ExchangeId) -> bool {
        let before = self.held.len();
        self.held.retain(|held| *held != exchange);
        before > 0 && self.held.is_empty()
    }

    /// Whether a viewer holds it up.
    pub(super) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether what was sent to the process is more than it should hold.
    pub(super) fn is_input_full(&self, world: &World) -> bool {
        let early: usize = self.early.iter().map(Vec::len).sum();
        let full = |stdin| world.processes.streams().is_full(stdin);
        early >= PIPE_CAPACITY || self.stdin.as_ref().is_some_and(full)
    }

    /// Whether its process is still to be started.
    pub(super) const fn is_to_begin(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Whether the process wants to read what this client has not sent yet.
    pub(super) fn awaits_input(&self, world: &World, exchange: ExchangeId) -> bool {
        let sends = self.viewers.iter().any(|viewer| viewer.exchange == exchange && viewer.stdin);
        sends && self.stdin.as_ref().is_some_and(|stdin| world.processes.streams().is_awaited(stdin))
    }

    /// Shows a piece to all who watch its channel.
    pub(super) fn show(&self, channel: Channel, bytes: &[u8], outbox: &mut VecDeque<Output>) {
        for viewer in &self.viewers {
            let watches = match channel {
                Channel::Out => viewer.stdout,
                Channel::Err => viewer.stderr,
            };
            if watches {
                outbox.push_back(Output::Body { exchange: viewer.exchange, bytes: frame(viewer.raw, channel, bytes) });
            }
        }
    }

    /// Takes in what a client sends; an empty piece is its end.
    pub(super) fn handle_input(&mut self, world: &mut World, exchange: ExchangeId, bytes: &[u8]) -> Intake {
        let Some(viewer) = self.viewers.iter_mut().find(|viewer| viewer.exchange == exchange && viewer.stdin) else {
            return Intake::Elsewhere;
        };
        if self.tty && bytes.is_empty() {
            return Intake::Ended;
        }
        let typed = match &mut viewer.keys {
            Some(keys) if self.tty => keys.watch(bytes),
            _ => Typed::Text(bytes.to_vec()),
        };
        let (text, intake) = match typed {
            Typed::Text(text) => (text, Intake::Taken),
            Typed::Detach(text) => (text, Intake::Detached),
        };
        // Keys that are held back are not the end.
        if text.is_empty() && !bytes.is_empty() {
            return intake;
        }
        if self.outputs.is_empty() {
            self.early.push(text);
        } else {
            self.write(world, &text);
        }
        intake
    }

    /// Whether a client watches here.
    pub(super) fn is_watched_by(&self, exchange: ExchangeId) -> bool {
        self.viewers.iter().any(|viewer| viewer.exchange == exchange)
    }

    fn write(&mut self, world: &mut World, bytes: &[u8]) {
        if bytes.is_empty() {
            if self.input_end == InputEnd::Closes
                && let Some(stdin) = self.stdin.take()
            {
                world.processes.close(stdin);
            }
        } else if let Some(stdin) = &self.stdin {
            world.processes.write(stdin, bytes);
        }
    }

    /// The process is gone: closes the streams and sends the clients away.
    pub(super) fn end(&mut self, world: &mut World, outbox: &mut VecDeque<Output>) {
        let outputs = self.outputs.drain(..).map(|(_, stream)| stream);
        for stream in self.stdin.take().into_iter().chain(outputs) {
            world.processes.close(stream);
        }
        self.held.clear();
        outbox.extend(self.viewers.drain(..).map(|viewer| Output::End { exchange: viewer.exchange }));
    }
}

/// One piece as it goes over the wire: raw, or `[channel, 0, 0, 0, length]` and the bytes.
pub(super) fn frame(raw: bool, channel: Channel, bytes: &[u8]) -> Vec<u8> {
    if raw {
        return bytes.to_vec();
    }
    numbered_frame(channel.number(), bytes)
}

/// What the engine itself says in a stream of frames.
pub(super) fn frame_of_engine(bytes: &[u8]) -> Vec<u8> {
    numbered_frame(3, bytes)
}

fn numbered_frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a pipe holds less than 4 GiB");
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend(length.to_be_bytes());
    frame.extend(bytes);
    frame
}

/// What a terminal makes of output: every newline gets a carriage return.
fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_channel_and_length() {
        assert_eq!(frame(false, Channel::Err, b"e\n"), [2, 0, 0, 0, 0, 0, 0, 2, b'e', b'\n']);
        assert_eq!(frame(true, Channel::Out, b"o"), b"o");
    }

    #[test]
    fn a_terminal_adds_carriage_returns() {
        assert_eq!(with_carriage_returns(b"a\nb"), b"a\r\nb");
    }
}
