//! Where lines come from: a keyboard, with editing, history and completion; or a file, as they are.

use std::env;
use std::fs;
use std::io::{self, BufRead};
use std::path::PathBuf;

use rustyline::Editor;
use rustyline::config::{CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;

use super::completion::{self, Completion};
use crate::runner::session::Session;

/// How many lines are remembered.
const HISTORY: usize = 1000;
/// How long a line may be.
const LINE_MAX: usize = 64 * 1024;

/// What came.
pub(super) enum Line {
    Typed(String),
    /// Somebody thought better of it.
    Dropped,
    End,
}

/// Where lines come from.
pub(super) enum Reader {
    Keyboard { editor: Box<Editor<Completion, FileHistory>>, history: Option<PathBuf> },
    Lines,
}

impl Reader {
    /// The terminal that standard input is.
    pub(super) fn at_terminal() -> io::Result<Self> {
        let config = Config::builder().completion_type(CompletionType::List).max_history_size(HISTORY);
        let config = config.map_err(io::Error::other)?.auto_add_history(true).build();
        let mut editor = Box::new(Editor::with_config(config).map_err(io::Error::other)?);
        let history = history_file();
        if let Some(file) = &history {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        Ok(Self::Keyboard { editor, history })
    }

    /// Standard input as it is.
    pub(super) const fn of_lines() -> Self {
        Self::Lines
    }

    /// The next whole command: lines that go on with `\` are joined.
    pub(super) fn read(&mut self, session: &Session<'_>) -> io::Result<Line> {
        let place = session.place();
        let is_host = session.site().engines().iter().any(|engine| engine.host().name == place);
        let mut prompt = format!("{place}{} ", if is_host { '$' } else { '#' });
        let mut whole = String::new();
        loop {
            match self.line(&prompt, session)? {
                Line::Typed(line) => whole.push_str(&line),
                Line::Dropped => return Ok(Line::Dropped),
                Line::End if whole.is_empty() => return Ok(Line::End),
                Line::End => return Ok(Line::Typed(whole)),
            }
            if whole.len() > LINE_MAX {
                return Err(io::Error::other("a command is too long"));
            }
            let escapes = whole.len() - whole.trim_end_matches('\\').len();
            if escapes.is_multiple_of(2) {
                return Ok(Line::Typed(whole));
            }
            whole.pop();
            "> ".clone_into(&mut prompt);
        }
    }

    fn line(&mut self, prompt: &str, session: &Session<'_>) -> io::Result<Line> {
        match self {
            Self::Lines => {
                let mut bytes = Vec::new();
                let mut input = io::Read::take(io::stdin().lock(), LINE_MAX as u64 + 1);
                if input.read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(Line::End);
                }
                let text = String::from_utf8(bytes).map_err(|_| io::Error::other("a command is not UTF-8 text"))?;
                Ok(Line::Typed(text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            Self::Keyboard { editor, history } => {
                editor.set_helper(Some(completion::of(session)));
                let read = editor.readline(prompt);
                if let Some(file) = history {
                    // It is a comfort; a disk that is full takes it away.
                    let _ = editor.save_history(file);
                }
                match read {
                    Ok(line) => Ok(Line::Typed(line)),
                    Err(ReadlineError::Interrupted) => Ok(Line::Dropped),
                    Err(ReadlineError::Eof) => Ok(Line::End),
                    Err(error) => Err(io::Error::other(error)),
                }
            }
        }
    }
}

/// Where the lines of earlier times are kept: `netyard/history` in the directory for the state of programs.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/state")))?;
    let directory = state.join("netyard");
    fs::create_dir_all(&directory).ok()?;
    Some(directory.join("history"))
}
