//! A session: a hijacked call that carries what a process reads and prints. It takes the frames of the Engine API apart,
//! passes input on, watches for the keys that detach, and forwards signals. It does not decide when a session is due.

use netyard_sim::userland::Signal;

use super::{Cx, Ticket, request};

/// Bytes before each piece of output: the stream, three zeros, the length.
const HEADER: usize = 8;

/// Ctrl-P Ctrl-Q, which leaves a session with a terminal unless other keys were chosen.
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

/// What a signal to the command does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) enum OnSignal {
    /// It ends the command, as signals do.
    End,
    /// The session is left; what runs in it runs on.
    Leave,
    /// It goes to this container.
    Forward(String),
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum End {
    /// The process closed its streams.
    Closed,
    /// The user left it by the detach keys; it runs on.
    Detached,
    /// A signal ended it; it runs on.
    Left,
}

/// A session under way.
#[derive(Clone, Debug)]
pub(in super::super) struct Session {
    ticket: Ticket,
    framing: Framing,
    input: Input,
    on_signal: OnSignal,
    detach_keys: Vec<u8>,
    unread: Vec<u8>,
    held_back: usize,
    left: Option<End>,
}

impl Session {
    /// A session on an upgraded call.
    pub(in super::super) fn new(ticket: Ticket, framing: Framing, input: Input, on_signal: OnSignal) -> Self {
        let detach_keys = DETACH_KEYS.to_vec();
        Self { ticket, framing, input, on_signal, detach_keys, unread: Vec::new(), held_back: 0, left: None }
    }

    /// Left by other keys: `ctrl-a,x`. Keys that cannot be read change nothing.
    pub(in super::super) fn detached_by(self, keys: &str) -> Self {
        let keys: Option<Vec<u8>> = keys.split(',').map(key).collect();
        match keys {
            Some(detach_keys) => Self { detach_keys, ..self },
            None => self,
        }
    }

    /// The call it runs on.
    pub(super) const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// How it was left, if it was.
    pub(super) const fn left(&self) -> Option<End> {
        self.left
    }

    /// Whether it still takes input.
    pub(super) fn wants_input(&self) -> bool {
        self.input == Input::Open && self.left.is_none()
    }

    /// The first thing: without input the sending side is closed.
    pub(super) fn begin(&self, cx: &mut Cx<'_>) {
        if self.input == Input::Closed {
            cx.input(self.ticket, &[]);
        }
    }

    /// Passes input on.
    pub(super) fn feed(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let bytes = match self.framing {
            Framing::Frames => bytes.to_vec(),
            Framing::Terminal => self.without_keys(bytes),
        };
        if !bytes.is_empty() {
            cx.input(self.ticket, &bytes);
        }
    }

    /// Passes the end of input on.
    pub(super) fn feed_end(&mut self, cx: &mut Cx<'_>) {
        self.input = Input::Closed;
        cx.input(self.ticket, &[]);
    }

    /// What may be passed on now; keys that could be the beginning of the detach keys are held back.
    fn without_keys(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if *byte != self.detach_keys[self.held_back] {
                passed.extend_from_slice(&self.detach_keys[..self.held_back]);
                self.held_back = 0;
            }
            if *byte != self.detach_keys[self.held_back] {
                passed.push(*byte);
                continue;
            }
            self.held_back += 1;
            if self.held_back == self.detach_keys.len() {
                self.left = Some(End::Detached);
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
        while let Some((stream, bytes)) = take_frame(&mut self.unread) {
            cx.write(stream, &bytes);
        }
    }

    /// Takes a signal; false when it shall end the command.
    pub(super) fn signal(&mut self, signal: Signal, cx: &mut Cx<'_>) -> bool {
        match &self.on_signal {
            OnSignal::End => return false,
            OnSignal::Leave => self.left = Some(End::Left),
            OnSignal::Forward(_) if signal == Signal::Pipe => {}
            OnSignal::Forward(container) => {
                cx.open(request("POST", &format!("/containers/{container}/kill?signal={}", signal.name())));
            }
        }
        true
    }
}

/// The byte of a key: itself, or `ctrl-` and a letter or one of `@[\\]^_`.
fn key(name: &str) -> Option<u8> {
    match name.strip_prefix("ctrl-").map(str::as_bytes) {
        Some([letter @ (b'a'..=b'z' | b'@' | b'['..=b'_')]) => Some(letter.to_ascii_uppercase() - b'@'),
        Some(_) => None,
        None => name.bytes().next().filter(|_| name.len() == 1),
    }
}

/// Takes the first frame, when all of it is there: its stream and what is in it.
pub(super) fn take_frame(bytes: &mut Vec<u8>) -> Option<(usize, Vec<u8>)> {
    let (stream, end) = first_frame(bytes)?;
    Some((stream, bytes.drain(..end).skip(HEADER).collect()))
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
        let place = Place { now: 0, env: &env, cwd: "/", files: files.view(), terminals: [true; 3] };
        run(&mut Cx { place, output });
    }

    fn session(framing: Framing, input: Input) -> Session {
        Session::new(Ticket(0), framing, input, OnSignal::End)
    }

    fn inputs(output: &Output) -> Vec<&[u8]> {
        output.inputs.iter().map(|(_, bytes)| bytes.as_slice()).collect()
    }

    #[test]
    fn frames_are_shown_whole_on_their_stream() {
        let mut session = session(Framing::Frames, Input::Closed);
        let mut output = Output::default();
        with_cx(&mut output, |cx| session.show(b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04er", cx));
        assert_eq!(output.printed, [(1, b"out\n".to_vec())]);
        with_cx(&mut output, |cx| session.show(b"r\n", cx));
        assert_eq!(output.printed, [(1, b"out\n".to_vec()), (2, b"err\n".to_vec())]);
    }

    #[test]
    fn a_terminal_shows_bytes_as_they_come() {
        let mut session = session(Framing::Terminal, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| session.show(b"/ # ", cx));
        assert_eq!(output.printed, [(1, b"/ # ".to_vec())]);
    }

    #[test]
    fn without_input_the_sending_side_is_closed_first() {
        let mut output = Output::default();
        with_cx(&mut output, |cx| session(Framing::Frames, Input::Closed).begin(cx));
        assert_eq!(inputs(&output), [b""]);
    }

    #[test]
    fn the_detach_keys_leave_and_are_not_passed_on() {
        let mut session = session(Framing::Terminal, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| {
            session.feed(b"ls\n\x10", cx);
            session.feed(b"x\x10", cx);
            session.feed(b"\x10\x11more", cx);
        });
        assert_eq!(inputs(&output), [b"ls\n".as_slice(), b"\x10x", b"\x10"]);
        assert_eq!((session.left(), session.wants_input()), (Some(End::Detached), false));
    }

    #[test]
    fn without_a_terminal_the_keys_are_bytes_like_others() {
        let mut session = session(Framing::Frames, Input::Open);
        let mut output = Output::default();
        with_cx(&mut output, |cx| {
            session.feed(b"\x10\x11", cx);
            session.feed_end(cx);
        });
        assert_eq!(inputs(&output), [b"\x10\x11".as_slice(), b""]);
        assert_eq!((session.left(), session.wants_input()), (None, false));
    }

    #[test]
    fn other_keys_may_be_chosen() {
        let mut session = session(Framing::Terminal, Input::Open).detached_by("ctrl-a,x").detached_by("nonsense");
        let mut output = Output::default();
        with_cx(&mut output, |cx| session.feed(b"\x10\x11\x01x", cx));
        assert_eq!((inputs(&output), session.left()), (vec![b"\x10\x11".as_slice()], Some(End::Detached)));
        assert_eq!(
            ["ctrl-@", "ctrl-[", "ctrl-z", "q", "ctrl-", "ctrl-1"].map(key),
            [Some(0), Some(27), Some(26), Some(b'q'), None, None]
        );
    }

    #[test]
    fn a_signal_ends_leaves_or_is_forwarded() {
        let mut output = Output::default();
        let on_signal = |on_signal| Session { on_signal, ..session(Framing::Frames, Input::Closed) };
        with_cx(&mut output, |cx| {
            assert!(!on_signal(OnSignal::End).signal(Signal::Interrupt, cx));
            let mut left = on_signal(OnSignal::Leave);
            assert!(left.signal(Signal::Terminate, cx) && left.left() == Some(End::Left));
            assert!(on_signal(OnSignal::Forward("c1".to_owned())).signal(Signal::Interrupt, cx));
        });
        assert_eq!(output.calls.len(), 1);
        assert_eq!(output.calls[0].1, request("POST", "/containers/c1/kill?signal=INT"));
    }
}
