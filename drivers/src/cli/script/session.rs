//! A session: a hijacked call that carries what a process reads and prints. It takes the frames of the Engine API apart,
//! passes input on, watches for the keys that detach, and forwards signals. It does not decide when a session is due.

use netyard_sim::userland::Signal;

use super::{Cx, Ticket, request};

/// Bytes before each piece of output: the stream, three zeros, the length.
const HEADER: usize = 8;

/// Ctrl-P Ctrl-Q, which leaves a session with a terminal.
const DETACH_KEYS: [u8; 2] = [0x10, 0x11];

/// How output is carried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Framing {
    /// Each piece behind a header that tells standard output from standard error.
    Frames,
    /// As it is: what a terminal shows.
    Terminal,
}

/// Whether the process can read what the command can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Input {
    /// It can.
    Open,
    /// Its input ends at once.
    Closed,
    /// The call carries none.
    Absent,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum End {
    /// The process closed its streams.
    Closed,
    /// The user left it by the detach keys; it runs on.
    Detached,
}

/// A session under way.
#[derive(Debug)]
pub(in super::super) struct Session {
    ticket: Ticket,
    framing: Framing,
    input: Input,
    proxy: Option<String>,
    unread: Vec<u8>,
    keys: usize,
    detached: bool,
}

impl Session {
    /// A session on an upgraded call.
    pub(in super::super) const fn new(ticket: Ticket, framing: Framing, input: Input) -> Self {
        Self { ticket, framing, input, proxy: None, unread: Vec::new(), keys: 0, detached: false }
    }

    /// Forwards signals to this container.
    pub(in super::super) fn proxied(self, container: Option<String>) -> Self {
        Self { proxy: container, ..self }
    }

    /// The call it runs on.
    pub(super) const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Whether the user left.
    pub(super) const fn is_detached(&self) -> bool {
        self.detached
    }

    /// Whether it still takes input.
    pub(in super::super) fn wants_input(&self) -> bool {
        self.input == Input::Open && !self.detached
    }

    /// The first thing: without input the sending side is closed.
    pub(super) fn begin(&self, cx: &mut Cx<'_>) {
        if self.input == Input::Closed {
            cx.input(self.ticket, &[]);
        }
    }

    /// Passes input on.
    pub(in super::super) fn feed(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let bytes = match self.framing {
            Framing::Frames => bytes.to_vec(),
            Framing::Terminal => self.without_keys(bytes),
        };
        if !bytes.is_empty() {
            cx.input(self.ticket, &bytes);
        }
    }

    /// Passes the end of input on.
    pub(in super::super) fn feed_end(&mut self, cx: &mut Cx<'_>) {
        self.input = Input::Closed;
        cx.input(self.ticket, &[]);
    }

    /// What may be passed on now; keys that could be the beginning of the detach keys are held back.
    fn without_keys(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte != DETACH_KEYS[self.keys] {
                passed.extend_from_slice(&DETACH_KEYS[..self.keys]);
                self.keys = 0;
            }
            if *byte != DETACH_KEYS[self.keys] {
                passed.push(*byte);
                continue;
            }
            self.keys += 1;
            if self.keys == DETACH_KEYS.len() {
                self.detached = true;
                break;
            }
        }
        passed
    }

    /// Shows what has come.
    pub(super) fn show(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        if self.framing == Framing::Terminal {
            cx.print(bytes);
            return;
        }
        self.unread.extend_from_slice(bytes);
        while let Some((stream, end)) = first_frame(&self.unread) {
            cx.write(stream, &self.unread[HEADER..end]);
            self.unread.drain(..end);
        }
    }

    /// Forwards a signal; false when signals are not forwarded.
    pub(super) fn signal(&self, signal: Signal, cx: &mut Cx<'_>) -> bool {
        let Some(container) = &self.proxy else { return false };
        if signal != Signal::Pipe {
            cx.open(request("POST", &format!("/containers/{container}/kill?signal={}", signal.name())));
        }
        true
    }
}

/// The stream of the first frame and where the frame ends, when all of it is there.
fn first_frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [stream, _, _, _, length @ ..] = *header;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (rest.len() >= length).then_some((usize::from(stream), HEADER + length))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use netyard_sim::userland::Files;

    use super::super::{Output, Place};
    use super::*;

    fn with_cx(output: &mut Output, run: impl FnOnce(&mut Cx<'_>)) {
        let (env, files) = (BTreeMap::new(), Files::default());
        let place = Place { now: 0, env: &env, cwd: "/", files: &files };
        run(&mut Cx { place, output });
    }

    fn inputs(output: &Output) -> Vec<&[u8]> {
        output.inputs.iter().map(|(_, bytes)| bytes.as_slice()).collect()
    }

    #[test]
    fn frames_are_shown_whole_on_their_stream() {
        let mut session = Session::new(Ticket(0), Framing::Frames, Input::Closed);
        let mut output = Output::default();
        with_cx(&mut output, |cx| session.show(b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04er", cx));
        assert_eq!(output.printed, [(1, b"out\n".to_vec())]);
        with_cx(&mut output, |cx| session.show(b"r\n", cx));
        assert_eq!(output.printed, [(1, b"out\n".to_vec()), (2, b"err\n".to_vec())]);
    }

    #[test]
    fn a_terminal_shows_bytes_as_they_come() {
        let mut session = Session::new(Ticket(0), Framing::Terminal, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| session.show(b"/ # ", cx));
        assert_eq!(output.printed, [(1, b"/ # ".to_vec())]);
    }

    #[test]
    fn without_input_the_sending_side_is_closed_first() {
        let mut output = Output::default();
        with_cx(&mut output, |cx| Session::new(Ticket(0), Framing::Frames, Input::Closed).begin(cx));
        assert_eq!(inputs(&output), [b""]);
    }

    #[test]
    fn the_detach_keys_leave_and_are_not_passed_on() {
        let mut session = Session::new(Ticket(0), Framing::Terminal, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| {
            session.feed(b"ls\n\x10", cx);
            session.feed(b"x\x10", cx);
            session.feed(b"\x10\x11more", cx);
        });
        assert_eq!(inputs(&output), [b"ls\n".as_slice(), b"\x10x", b"\x10"]);
        assert!(session.is_detached() && !session.wants_input());
    }

    #[test]
    fn without_a_terminal_the_keys_are_bytes_like_others() {
        let mut session = Session::new(Ticket(0), Framing::Frames, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| {
            session.feed(b"\x10\x11", cx);
            session.feed_end(cx);
        });
        assert_eq!(inputs(&output), [b"\x10\x11".as_slice(), b""]);
        assert!(!session.is_detached() && !session.wants_input());
    }

    #[test]
    fn signals_become_kill_calls_when_there_is_somebody_to_kill() {
        let session = Session::new(Ticket(0), Framing::Frames, Input::Closed);
        let mut output = Output::default();
        with_cx(&mut output, |cx| {
            assert!(!session.signal(Signal::Interrupt, cx));
            assert!(session.proxied(Some("c1".to_owned())).signal(Signal::Interrupt, cx));
        });
        assert_eq!(output.calls[0].1, request("POST", "/containers/c1/kill?signal=INT"));
    }
}
