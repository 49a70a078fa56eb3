//! The script as it comes, line by line: it finds out when a complete command is there, when more lines are needed and
//! when no line can mend it. It runs nothing.

use brush_parser::ast::Program;
use brush_parser::{ParseError, ParserOptions, Token, TokenizerError, parse_tokens, uncached_tokenize_str};

use super::dialect::{Enclosure, SyntaxError};

/// How the parser shall read: bash's language without extended patterns, which none of the shells has by default.
pub(super) fn parser_options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

/// Text that waits to be run.
#[derive(Debug, Default)]
pub(super) struct Source {
    text: String,
    line: usize,
    ended: bool,
}

/// What can be done with the text that is there.
#[derive(Debug)]
pub(super) enum Unit {
    /// A complete command that begins in this line (counted from 0).
    Program(Program, usize),
    /// Nothing before more text comes.
    More,
    /// Nothing any more.
    End,
    /// It is no script.
    Error {
        /// Why.
        error: SyntaxError,
        /// In which line, counted from 1.
        line: usize,
        /// That line.
        source: String,
    },
}

impl Source {
    /// A text that is complete.
    pub(super) fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), line: 0, ended: true }
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: &str) {
        self.text.push_str(line);
    }

    /// No more text will come.
    pub(super) const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether no more text can come.
    pub(super) const fn is_whole(&self) -> bool {
        self.ended
    }

    /// Whether all of the text was run.
    pub(super) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.text.clear();
    }

    /// The next complete command.
    pub(super) fn next(&mut self) -> Unit {
        let mut size = 0;
        loop {
            let Some(end) = self.line_end(size) else { return self.starved() };
            size = end;
            let unit = self.text[..size].strip_suffix('\n').unwrap_or(&self.text[..size]);
            match parse(unit) {
                Err(Trouble::Incomplete(_)) => {}
                Err(Trouble::Wrong(error, line)) => return self.fail(error, line, size),
                Ok(program) if program.complete_commands.is_empty() => {
                    self.take(size);
                    size = 0;
                }
                Ok(program) => {
                    let line = self.take(size);
                    return Unit::Program(program, line);
                }
            }
        }
    }

    /// Where the line that begins at `from` ends; none when it is not complete yet or there is none.
    fn line_end(&self, from: usize) -> Option<usize> {
        let rest = &self.text[from..];
        match rest.find('\n') {
            Some(at) => Some(from + at + 1),
            None => (self.ended && !rest.is_empty()).then_some(self.text.len()),
        }
    }

    /// All lines are used up: either more will come, or the script breaks off.
    fn starved(&mut self) -> Unit {
        if !self.ended {
            return Unit::More;
        }
        if self.text.is_empty() {
            return Unit::End;
        }
        let size = self.text.len();
        match parse_to_the_end(&self.text) {
            Ok(program) => Unit::Program(program, self.take(size)),
            Err(Trouble::Wrong(error, line)) => self.fail(error, line, size),
            Err(Trouble::Incomplete(error)) => {
                let line = self.text.trim_end_matches('\n').matches('\n').count() + 1;
                self.fail(error, line, size)
            }
        }
    }

    fn fail(&mut self, error: SyntaxError, line: usize, size: usize) -> Unit {
        let source = self.text.lines().nth(line - 1).unwrap_or_default().to_owned();
        let line = self.take(size) + line;
        Unit::Error { error, line, source }
    }

    /// Removes text from the front; the line it began in.
    fn take(&mut self, size: usize) -> usize {
        let line = self.line;
        self.line += self.text[..size].matches('\n').count();
        self.text.drain(..size);
        line
    }
}

/// Parses a text that must be a whole script, as in a command substitution.
pub(super) fn parse_whole(text: &str) -> Result<Program, SyntaxError> {
    parse_to_the_end(text).map_err(|trouble| match trouble {
        Trouble::Incomplete(error) | Trouble::Wrong(error, _) => error,
    })
}

enum Trouble {
    /// More lines could mend it; what is wrong if none come.
    Incomplete(SyntaxError),
    /// Wrong, in this line.
    Wrong(SyntaxError, usize),
}

/// Parses a text after which nothing comes: the end also ends a here-document and hides a last backslash.
fn parse_to_the_end(text: &str) -> Result<Program, Trouble> {
    let mut text = text.to_owned();
    for _ in 0..8 {
        match uncached_tokenize_str(&text, &parser_options().tokenizer_options()) {
            Err(TokenizerError::UnterminatedHereDocuments(tags, _)) => {
                let tag = tags.split(", ").next().unwrap_or_default().replace(['\'', '"', '\\'], "");
                text = format!("{}\n{tag}\n", text.trim_end_matches('\n'));
            }
            Err(TokenizerError::UnterminatedEscapeSequence) => text.push('\n'),
            _ => break,
        }
    }
    parse(&text)
}

fn parse(text: &str) -> Result<Program, Trouble> {
    let options = parser_options();
    let tokens = uncached_tokenize_str(text, &options.tokenizer_options()).map_err(|e| unterminated(&e, text))?;
    parse_tokens(&tokens, &options).map_err(|error| match error {
        ParseError::ParsingNear(at) => {
            let here = tokens.iter().position(|t| t.location().start.index == at.index).unwrap_or(tokens.len());
            unexpected(&tokens, here, at.line)
        }
        ParseError::ParsingAtEndOfInput | ParseError::Tokenizing { .. } => {
            let expecting = Nesting::of(&tokens).expecting();
            Trouble::Incomplete(SyntaxError::EndOfFile { expecting })
        }
    })
}

fn unexpected(tokens: &[Token], here: usize, line: usize) -> Trouble {
    let (token, word) = match tokens.get(here) {
        Some(Token::Operator(text, _)) if text == "\n" => ("newline".to_owned(), false),
        Some(Token::Operator(text, _)) => (text.clone(), false),
        Some(Token::Word(text, _)) => (text.clone(), !is_reserved(text)),
        None => ("newline".to_owned(), false),
    };
    let expecting = Nesting::of(&tokens[..here.min(tokens.len())]).expecting().filter(|e| *e != token);
    let expecting = expecting.filter(|e| word || is_reserved(&token) && matches!(*e, "then" | "do"));
    Trouble::Wrong(SyntaxError::Unexpected { token, word, expecting }, line)
}

fn unterminated(error: &TokenizerError, text: &str) -> Trouble {
    let enclosure = match error {
        TokenizerError::UnterminatedSingleQuote(_) | TokenizerError::UnterminatedAnsiCQuote(_) => {
            Enclosure::Quote('\'')
        }
        TokenizerError::UnterminatedDoubleQuote(_) => Enclosure::Quote('"'),
        TokenizerError::UnterminatedBackquote(_) => Enclosure::Backquote,
        TokenizerError::UnterminatedVariable => Enclosure::Brace,
        TokenizerError::UnterminatedExpansion if text.rfind("$(").is_some_and(|at| text[at..].starts_with("$((")) => {
            Enclosure::Arithmetic
        }
        TokenizerError::UnterminatedExpansion | TokenizerError::UnterminatedCommandSubstitution => {
            Enclosure::Parenthesis
        }
        _ => return Trouble::Incomplete(SyntaxError::EndOfFile { expecting: None }),
    };
    Trouble::Incomplete(SyntaxError::Unterminated(enclosure))
}

fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "!" | "{"
            | "}"
            | "case"
            | "do"
            | "done"
            | "elif"
            | "else"
            | "esac"
            | "fi"
            | "for"
            | "if"
            | "in"
            | "then"
            | "until"
            | "while"
    )
}

/// Which compound commands are open at the end of some tokens, each by the word it waits for.
struct Nesting(Vec<&'static str>);

impl Nesting {
    fn of(tokens: &[Token]) -> Self {
        let mut nesting = Self(Vec::new());
        let mut at_command = true;
        for token in tokens {
            match token {
                Token::Operator(text, _) => {
                    nesting.operator(text);
                    at_command = !text.starts_with(['<', '>']);
                }
                Token::Word(text, _) if at_command => at_command = nesting.word(text),
                Token::Word(text, _) => nesting.later_word(text),
            }
        }
        nesting
    }

    fn expecting(&self) -> Option<&'static str> {
        self.0.last().copied()
    }

    fn operator(&mut self, text: &str) {
        match text {
            "(" => self.0.push(")"),
            ")" if self.expecting() == Some(")") => {
                self.0.pop();
            }
            ";;" if self.expecting() == Some(";;") => self.0.push(")"),
            _ => {}
        }
    }

    /// A word where a command can begin; whether the next one can too.
    fn word(&mut self, text: &str) -> bool {
        let opens = match text {
            "if" => Some("then"),
            "while" | "until" | "for" => Some("do"),
            "case" => Some("in"),
            "{" => Some("}"),
            _ => None,
        };
        if let Some(waits) = opens {
            self.0.push(waits);
            return !matches!(text, "for" | "case");
        }
        self.turn(text) || text == "!"
    }

    /// A reserved word that goes on with or closes the innermost command.
    fn turn(&mut self, text: &str) -> bool {
        if text == "esac" {
            return self.close_case();
        }
        let next = match (self.expecting(), text) {
            (Some("then"), "then") => Some("fi"),
            (Some("fi"), "elif") => Some("then"),
            (Some("fi"), "else") => Some("fi"),
            (Some("do"), "do") => Some("done"),
            (Some(waits @ ("fi" | "done" | "}")), word) if word == waits => None,
            _ => return false,
        };
        self.0.pop();
        self.0.extend(next);
        true
    }

    /// An open `case` waits for `;;`, and above it, where a pattern can stand, for `)`.
    fn close_case(&mut self) -> bool {
        self.0.pop_if(|waits| *waits == ")");
        self.0.pop_if(|waits| *waits == ";;").is_some()
    }

    /// `in` and `do` can follow a word.
    fn later_word(&mut self, text: &str) {
        match (self.expecting(), text) {
            (Some("in"), "in") => {
                self.0.pop();
                self.0.extend([";;", ")"]);
            }
            (Some("do"), "do") => {
                self.turn(text);
            }
            _ => {}
        }
    }
}
