//! Terminals: what lies between somebody who types and the processes that read. The line discipline echoes, lets a line
//! be mended until it is complete, and turns control characters into signals and ends. Output passes as it is; who
//! shows it makes its line ends.

use super::Signal;

/// How a terminal treats what is typed (`stty`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Modes {
    /// Lines are handed over when they are complete, and can be mended before (`icanon`).
    pub canonical: bool,
    /// What is typed is shown (`echo`).
    pub echo: bool,
    /// Control characters send signals (`isig`).
    pub signals: bool,
    /// A carriage return is a newline (`icrnl`).
    pub returns: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self { canonical: true, echo: true, signals: true, returns: true }
    }
}

/// A terminal.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// How it treats what is typed.
    pub modes: Modes,
    /// Rows and columns; zeros when nobody said.
    pub size: (u16, u16),
    line: Vec<u8>,
}

/// What becomes of a piece that was typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Typed {
    /// What is shown.
    pub echo: Vec<u8>,
    /// What readers get, in pieces; an empty one is an end.
    pub pieces: Vec<Vec<u8>>,
    /// Signals for the processes in the foreground.
    pub signals: Vec<Signal>,
}

/// The longest line that can be typed.
const LINE_MAX: usize = 4096;

impl Terminal {
    /// Takes what somebody typed.
    pub fn handle_typed(&mut self, bytes: &[u8]) -> Typed {
        let mut typed = Typed::default();
        for byte in bytes {
            self.byte(*byte, &mut typed);
        }
        typed
    }

    fn byte(&mut self, byte: u8, typed: &mut Typed) {
        let byte = if byte == b'\r' && self.modes.returns { b'\n' } else { byte };
        let signal = match byte {
            3 => Some(Signal::Interrupt),
            26 => Some(Signal::TerminalStop),
            28 => Some(Signal::Quit),
            _ => None,
        };
        if let Some(signal) = signal.filter(|_| self.modes.signals) {
            self.line.clear();
            self.show(byte, typed);
            typed.signals.push(signal);
            return;
        }
        if !self.modes.canonical {
            self.show(byte, typed);
            match typed.pieces.last_mut() {
                Some(piece) => piece.push(byte),
                None => typed.pieces.push(vec![byte]),
            }
            return;
        }
        match byte {
            b'\n' => {
                self.show(byte, typed);
                self.line.push(byte);
                typed.pieces.push(core::mem::take(&mut self.line));
            }
            // An end in the middle of a line hands over what is there.
            4 => typed.pieces.push(core::mem::take(&mut self.line)),
            8 | 127 => {
                self.erase(typed);
            }
            // ^U takes the line away, ^W its last word.
            21 => while self.erase(typed) {},
            23 => {
                while self.line.last() == Some(&b' ') && self.erase(typed) {}
                while self.line.last().is_some_and(|last| *last != b' ') && self.erase(typed) {}
            }
            _ if self.line.len() < LINE_MAX => {
                self.show(byte, typed);
                self.line.push(byte);
            }
            _ => typed.echo.extend(self.modes.echo.then_some(7)),
        }
    }

    /// Takes the last character away; false when there is none.
    fn erase(&mut self, typed: &mut Typed) -> bool {
        let Some(mut last) = self.line.pop() else { return false };
        // The later bytes of a character in UTF-8 go with the first.
        while last & 0xc0 == 0x80 {
            let Some(before) = self.line.pop() else { break };
            last = before;
        }
        if self.modes.echo {
            typed.echo.extend(b"\x08 \x08");
        }
        true
    }

    fn show(&self, byte: u8, typed: &mut Typed) {
        match byte {
            _ if !self.modes.echo => {}
            b'\n' | b'\t' => typed.echo.push(byte),
            0..32 => typed.echo.extend([b'^', byte + 64]),
            _ => typed.echo.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(terminal: &mut Terminal, text: &str) -> (String, Vec<String>) {
        let typed = terminal.handle_typed(text.as_bytes());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(typed.echo), typed.pieces.into_iter().map(text).collect())
    }

    #[test]
    fn a_line_can_be_mended_until_it_is_complete() {
        let mut terminal = Terminal::default();
        assert_eq!(typed(&mut terminal, "lx"), ("lx".to_owned(), vec![]));
        assert_eq!(typed(&mut terminal, "\x7fs\r"), ("\x08 \x08s\n".to_owned(), vec!["ls\n".to_owned()]));
        assert_eq!(typed(&mut terminal, "a bc\x17d\x15").1, Vec::<String>::new());
        assert_eq!(typed(&mut terminal, "\x04"), (String::new(), vec![String::new()]));
    }

    #[test]
    fn control_characters_are_signals() {
        let mut terminal = Terminal::default();
        let interrupted = terminal.handle_typed(b"sleep\x03");
        assert_eq!(interrupted.signals, [Signal::Interrupt]);
        assert_eq!(interrupted.echo, b"sleep^C");
        assert_eq!(typed(&mut terminal, "\n").1, ["\n"]);
    }

    #[test]
    fn a_raw_terminal_passes_everything() {
        let modes = Modes { canonical: false, echo: false, signals: false, returns: false };
        let mut terminal = Terminal { modes, ..Terminal::default() };
        assert_eq!(typed(&mut terminal, "a\x03\r"), (String::new(), vec!["a\x03\r".to_owned()]));
    }
}
