//! How the shells that people know speak: busybox's ash, Debian's dash and bash differ in the text of their messages
//! and in what they exit with, and not in much else. It decides no message, it only words them.

use crate::userland::{Errno, Flavour};

/// Whose words are used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    /// busybox ash.
    Ash,
    /// GNU bash.
    Bash,
    /// Debian's `sh`.
    Dash,
}

/// Where the text comes from that the shell runs, as far as its messages show it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// `-c text`
    Argument,
    /// A session: somebody types, line by line.
    Session,
    /// A file.
    Script,
    /// Standard input, read like a file.
    Stdin,
}

/// Who speaks: what stands before every message.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// Whose words.
    pub(super) dialect: Dialect,
    /// The name the shell calls itself: its own or the script's.
    pub(super) name: String,
    /// Where its text comes from.
    pub(super) origin: Origin,
}

/// Why the shell itself cannot do what it is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Failure {
    /// An arithmetic expression cannot be read: the expression and where it breaks.
    Arithmetic(String, String),
    /// A stream that is not open.
    BadDescriptor(String),
    /// `${…}` that means nothing.
    BadSubstitution(String),
    /// There are too many processes.
    CannotFork(Errno),
    /// A file cannot be made.
    CannotCreate(String, Errno),
    /// A file cannot be opened.
    CannotOpen(String, Errno),
    /// `${x:?words}`.
    Complaint(String, String),
    /// A division by zero: the expression and the divisor.
    DivideByZero(String, String),
    /// A variable that must not change.
    ReadOnly(String),
    /// A command substitution holds no script.
    Syntax(SyntaxError),
    /// A parameter that is not set, under `set -u`.
    Unset(String),
    /// Something of bash that this shell does not have.
    Unsupported(&'static str),
}

impl Failure {
    /// Its text in a dialect, without what stands before it.
    pub(super) fn text(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Bash => self.bash(),
            Dialect::Ash | Dialect::Dash => self.almquist(dialect),
        }
    }

    fn bash(&self) -> String {
        match self {
            Self::Arithmetic(all, rest) => format!("{all}: syntax error: operand expected (error token is \"{rest}\")"),
            Self::BadDescriptor(fd) => format!("{fd}: Bad file descriptor"),
            Self::BadSubstitution(text) => format!("{text}: bad substitution"),
            Self::CannotCreate(path, errno) | Self::CannotOpen(path, errno) => format!("{path}: {errno}"),
            // It tries again for some seconds before it says so; this shell does not.
            Self::CannotFork(errno) => format!("fork: {errno}"),
            Self::Complaint(name, words) if words.is_empty() => format!("{name}: parameter null or not set"),
            Self::Complaint(name, words) => format!("{name}: {words}"),
            Self::DivideByZero(all, by) => format!("{all}: division by 0 (error token is \"{by}\")"),
            Self::ReadOnly(name) => format!("{name}: readonly variable"),
            Self::Syntax(error) => error.bash(),
            Self::Unset(name) => format!("{name}: unbound variable"),
            Self::Unsupported(what) => format!("{what}: not supported by this shell"),
        }
    }

    fn almquist(&self, dialect: Dialect) -> String {
        let ash = dialect == Dialect::Ash;
        match self {
            Self::Arithmetic(..) if ash => "arithmetic syntax error".to_owned(),
            Self::Arithmetic(all, _) => format!("arithmetic expression: expecting primary: \"{all}\""),
            Self::BadDescriptor(fd) => format!("{fd}: Bad file descriptor"),
            Self::BadSubstitution(_) if ash => "syntax error: bad substitution".to_owned(),
            Self::BadSubstitution(_) => "Bad substitution".to_owned(),
            Self::CannotCreate(path, errno) if ash => format!("can't create {path}: {}", creating(*errno, ash)),
            Self::CannotCreate(path, errno) => format!("cannot create {path}: {}", creating(*errno, ash)),
            Self::CannotOpen(path, errno) if ash => format!("can't open {path}: {}", opening(*errno, ash)),
            Self::CannotOpen(path, errno) => format!("cannot open {path}: {}", opening(*errno, ash)),
            Self::CannotFork(errno) if ash => format!("can't fork: {errno}"),
            Self::CannotFork(_) => "Cannot fork".to_owned(),
            Self::Complaint(name, words) if words.is_empty() => format!("{name}: parameter not set or null"),
            Self::Complaint(name, words) => format!("{name}: {words}"),
            Self::DivideByZero(..) if ash => "divide by zero".to_owned(),
            Self::DivideByZero(all, _) => format!("arithmetic expression: division by zero: \"{all}\""),
            Self::ReadOnly(name) => format!("{name}: is read only"),
            Self::Syntax(error) if ash => format!("syntax error: {}", error.almquist(dialect)),
            Self::Syntax(error) => format!("Syntax error: {}", error.almquist(dialect)),
            Self::Unset(name) => format!("{name}: parameter not set"),
            Self::Unsupported(what) => format!("{what}: not supported by this shell"),
        }
    }

    /// What the command, or the shell that must give up, exits with; a subshell may say it in its own way.
    pub(super) const fn status(&self, dialect: Dialect, child: bool) -> i32 {
        match (dialect, self) {
            (Dialect::Bash, Self::CannotFork(_)) => 254,
            (Dialect::Bash, Self::Complaint(..) | Self::Unset(_)) if !child => 127,
            (Dialect::Dash, _) => 2,
            (Dialect::Bash, _)
            | (Dialect::Ash, Self::BadDescriptor(_) | Self::CannotCreate(..) | Self::CannotOpen(..)) => 1,
            (Dialect::Ash, _) => 2,
        }
    }

    /// Whether a script goes on with its next line.
    pub(super) const fn drops_line(&self, dialect: Dialect) -> bool {
        matches!(dialect, Dialect::Bash) && !matches!(self, Self::CannotFork(_) | Self::Complaint(..) | Self::Unset(_))
    }

    /// Whether only the command fails, and not the shell.
    pub(super) const fn is_redirection(&self) -> bool {
        matches!(self, Self::BadDescriptor(_) | Self::CannotCreate(..) | Self::CannotOpen(..))
    }
}

fn creating(errno: Errno, ash: bool) -> String {
    match errno {
        Errno::NoEntry if ash => "nonexistent directory".to_owned(),
        Errno::NoEntry => "Directory nonexistent".to_owned(),
        other => other.to_string(),
    }
}

fn opening(errno: Errno, ash: bool) -> String {
    match errno {
        Errno::NoEntry if ash => "no such file".to_owned(),
        Errno::NoEntry => "No such file".to_owned(),
        other => other.to_string(),
    }
}

impl Voice {
    /// The voice of a shell called `program`, where programs are of `flavour`, that runs text from `origin`.
    pub(super) fn new(program: &str, flavour: Flavour, origin: Origin) -> Self {
        let base = program.rsplit('/').next().unwrap_or(program);
        let dialect = match (flavour, base) {
            (_, "bash") => Dialect::Bash,
            (Flavour::Busybox, _) => Dialect::Ash,
            (Flavour::Host, _) => Dialect::Dash,
        };
        Self { dialect, name: base.to_owned(), origin }
    }

    /// A message of the shell itself about something in `line`.
    pub(super) fn message(&self, line: usize, text: &str) -> String {
        format!("{}{text}\n", self.prefix(line))
    }

    /// A message about what the shell cannot do in `line`; of processes bash speaks without one.
    pub(super) fn failure(&self, line: usize, failure: &Failure) -> String {
        let text = failure.text(self.dialect);
        match (self.dialect, failure) {
            (Dialect::Bash, Failure::CannotFork(_)) => format!("{}: {text}\n", self.name),
            _ => self.message(line, &text),
        }
    }

    /// A message of the builtin `command`.
    pub(super) fn builtin(&self, line: usize, command: &str, text: &str) -> String {
        match (self.dialect, self.origin) {
            (Dialect::Ash, Origin::Session) => format!("{}: {command}: {text}\n", self.name),
            // ash counts the lines of `-c` from 0.
            (Dialect::Ash, Origin::Argument) => {
                format!("{}: {command}: line {}: {text}\n", self.name, line.saturating_sub(1))
            }
            (Dialect::Ash, _) => format!("{}: {command}: line {line}: {text}\n", self.name),
            _ => format!("{}{command}: {text}\n", self.prefix(line)),
        }
    }

    /// A message of a program that busybox has built into its ash; it knows no lines.
    pub(super) fn applet(&self, line: usize, command: &str, text: &str) -> String {
        match self.dialect {
            Dialect::Ash => format!("{}: {text}\n", self.name),
            _ => self.builtin(line, command, text),
        }
    }

    fn prefix(&self, line: usize) -> String {
        let name = &self.name;
        match (self.dialect, self.origin) {
            (Dialect::Bash | Dialect::Ash, Origin::Session) | (Dialect::Ash, Origin::Argument | Origin::Stdin) => {
                format!("{name}: ")
            }
            // Whoever types counts no lines: each begins anew, as with `sh -c`.
            (Dialect::Dash, Origin::Session) => format!("{name}: 1: "),
            (Dialect::Bash, _) | (Dialect::Ash, Origin::Script) => format!("{name}: line {line}: "),
            (Dialect::Dash, _) => format!("{name}: {line}: "),
        }
    }

    /// The message about a syntax error in `line`, whose text bash repeats; `command` is what ran the text, if any.
    pub(super) fn syntax(&self, command: Option<&str>, line: usize, error: &SyntaxError, source: &str) -> String {
        let text = match self.dialect {
            Dialect::Ash => format!("syntax error: {}", error.almquist(Dialect::Ash)),
            Dialect::Dash => format!("Syntax error: {}", error.almquist(Dialect::Dash)),
            Dialect::Bash => return self.bash_syntax(command, line, error, source),
        };
        match command {
            Some(command) => self.builtin(line, command, &text),
            None => self.message(line, &text),
        }
    }

    fn bash_syntax(&self, command: Option<&str>, line: usize, error: &SyntaxError, source: &str) -> String {
        let place = match (command, self.origin) {
            (Some(command), _) => format!("{command}: "),
            (None, Origin::Argument) => "-c: ".to_owned(),
            (None, _) => String::new(),
        };
        let alone = self.origin == Origin::Session && command.is_none();
        let say = |line: usize, text: &str| match alone {
            true => format!("{}: {text}\n", self.name),
            false => format!("{}: {place}line {line}: {text}\n", self.name),
        };
        match error {
            SyntaxError::Unexpected { .. } if !alone => say(line, &error.bash()) + &say(line, &format!("`{source}'")),
            SyntaxError::EndOfFile { .. } => say(line + 1, &error.bash()),
            _ => say(line, &error.bash()),
        }
    }
}

/// Why a script is no script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum SyntaxError {
    /// It ends too soon.
    EndOfFile {
        /// What had to come.
        expecting: Option<&'static str>,
    },
    /// A token stands where it cannot.
    Unexpected {
        /// The token; `newline` for the end of a line.
        token: String,
        /// Whether it is an ordinary word.
        word: bool,
        /// What had to come.
        expecting: Option<&'static str>,
    },
    /// A quote or an expansion is not closed.
    Unterminated(Enclosure),
}

/// What a script can leave open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Enclosure {
    /// A backquote.
    Backquote,
    /// `${`
    Brace,
    /// `$((`
    Arithmetic,
    /// `$(`
    Parenthesis,
    /// A quote of this kind.
    Quote(char),
}

impl Enclosure {
    const fn closing(self) -> char {
        match self {
            Self::Backquote => '`',
            Self::Brace => '}',
            Self::Arithmetic | Self::Parenthesis => ')',
            Self::Quote(c) => c,
        }
    }
}

impl SyntaxError {
    fn bash(&self) -> String {
        match self {
            Self::Unexpected { token, .. } => format!("syntax error near unexpected token `{token}'"),
            Self::EndOfFile { .. } => "syntax error: unexpected end of file".to_owned(),
            Self::Unterminated(what) => format!("unexpected EOF while looking for matching `{}'", what.closing()),
        }
    }

    fn almquist(&self, dialect: Dialect) -> String {
        let ash = dialect == Dialect::Ash;
        match self {
            Self::EndOfFile { expecting } => sentence("end of file", *expecting, ash),
            Self::Unexpected { token, word, expecting } => {
                let what = match token.as_str() {
                    "newline" => "newline".to_owned(),
                    _ if *word => "word".to_owned(),
                    other => format!("\"{other}\""),
                };
                sentence(&what, *expecting, ash)
            }
            Self::Unterminated(Enclosure::Parenthesis) => sentence("end of file", Some(")"), ash),
            Self::Unterminated(what) => what.almquist(ash).to_owned(),
        }
    }
}

impl Enclosure {
    const fn almquist(self, ash: bool) -> &'static str {
        match (self, ash) {
            (Self::Backquote, _) => "EOF in backquote substitution",
            (Self::Brace, true) => "missing '}'",
            (Self::Brace, false) => "Missing '}'",
            (Self::Arithmetic | Self::Parenthesis, true) => "missing '))'",
            (Self::Arithmetic | Self::Parenthesis, false) => "Missing '))'",
            (Self::Quote(_), true) => "unterminated quoted string",
            (Self::Quote(_), false) => "Unterminated quoted string",
        }
    }
}

fn sentence(what: &str, expecting: Option<&str>, ash: bool) -> String {
    let end = expecting.map_or_else(String::new, |e| format!(" (expecting \"{e}\")"));
    if ash { format!("unexpected {what}{end}") } else { format!("{what} unexpected{end}") }
}
