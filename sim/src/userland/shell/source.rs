//! The script as it comes, line by line: it finds out when a complete command is there, when more lines are needed and
//! when no line can mend it. It runs nothing.

use std::panic::catch_unwind;

use brush_parser::ast::{IoFd, Program};
use brush_parser::{ParseError, ParserOptions, Token, TokenizerError, parse_tokens, uncached_tokenize_str};

use super::dialect::{Enclosure, SyntaxError};

/// How many parentheses may be open at once. brush-parser 0.4 takes twice as long with each of them, where they open in a row
/// and are not closed.
const PARENTHESES_MAX: usize = 20;

/// How the parser shall read: bash's language without extended patterns, which none of the shells has by default.
pub(super) fn parser_options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

/// Text that waits to be run.
#[derive(Clone, Debug, Default)]
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
        match tokenize(&text) {
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
    let mut tokens = tokenize(text).map_err(|e| unterminated(&e, text))?;
    tokens.iter_mut().for_each(keep_as_word);
    if let Some(at) = too_deep(&tokens) {
        return Err(unexpected(&tokens, at));
    }
    parse_tokens(&tokens, &options).map_err(|error| {
        let nesting = Nesting::of(&tokens);
        let near = match error {
            ParseError::ParsingNear(near) => tokens.iter().position(|t| t.location().start.index == near.index),
            // A line cannot end where a redirection needs its target.
            _ if matches!(tokens.last(), Some(Token::Operator(last, _)) if last.starts_with(['<', '>'])) => {
                Some(tokens.len())
            }
            ParseError::ParsingAtEndOfInput | ParseError::Tokenizing { .. } => None,
        };
        // The parser looks one word ahead, so that a misplaced reserved word can seem to be followed by the trouble.
        match near.into_iter().chain(nesting.misplaced).min() {
            Some(at) => unexpected(&tokens, at),
            None => Trouble::Incomplete(SyntaxError::EndOfFile { expecting: nesting.expecting() }),
        }
    })
}

/// The tokens of a text. brush-parser 0.4 panics over some in which here-documents and expansions cut each other up; what is
/// open there is never closed.
fn tokenize(text: &str) -> Result<Vec<Token>, TokenizerError> {
    catch_unwind(|| uncached_tokenize_str(text, &parser_options().tokenizer_options()))
        .unwrap_or(Err(TokenizerError::UnterminatedExpansion))
}

/// The first parenthesis that is one too many.
fn too_deep(tokens: &[Token]) -> Option<usize> {
    let mut open = 0_usize;
    tokens.iter().position(|token| {
        match token {
            Token::Operator(text, _) if text == "(" => open += 1,
            Token::Operator(text, _) if text == ")" => open = open.saturating_sub(1),
            _ => {}
        }
        open > PARENTHESES_MAX
    })
}

/// A number that no descriptor has is a word like others, also before a redirection: `99999999999>x`. brush-parser 0.4
/// panics when it takes it for a descriptor, which it does with no word that is quoted.
fn keep_as_word(token: &mut Token) {
    if let Token::Word(text, _) = token
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<IoFd>().is_err()
    {
        *text = format!("'{text}'");
    }
}

/// The token at `at` has no place there.
fn unexpected(tokens: &[Token], at: usize) -> Trouble {
    let (token, word) = match tokens.get(at) {
        Some(Token::Operator(text, _)) if text != "\n" => (text.clone(), false),
        Some(Token::Word(text, _)) => (text.clone(), !is_reserved(text)),
        Some(Token::Operator(..)) | None => ("newline".to_owned(), false),
    };
    let line = tokens.get(at).or_else(|| tokens.last()).map_or(1, |token| token.location().start.line);
    let expecting = Nesting::of(&tokens[..at.min(tokens.len())]).expecting();
    // Inside of a list any word could end it, so that nothing in particular is missing.
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

/// The words that every shell has reserved (POSIX, 2.4).
pub(super) fn is_reserved(word: &str) -> bool {
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
#[derive(Default)]
struct Nesting {
    open: Vec<&'static str>,
    /// The first reserved word that stands where it cannot.
    misplaced: Option<usize>,
    /// The list that is open has no command yet.
    fresh: bool,
}

impl Nesting {
    fn of(tokens: &[Token]) -> Self {
        let mut nesting = Self::default();
        let mut at_command = true;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Operator(text, _) => {
                    nesting.operator(text);
                    at_command = !text.starts_with(['<', '>']);
                }
                Token::Word(text, _) if at_command => at_command = nesting.word(at, text),
                Token::Word(text, _) => nesting.later_word(text),
            }
        }
        nesting
    }

    fn expecting(&self) -> Option<&'static str> {
        self.open.last().copied()
    }

    fn operator(&mut self, text: &str) {
        match text {
            "(" => self.open.push(")"),
            ")" => {
                self.open.pop_if(|waits| *waits == ")");
            }
            ";;" if self.expecting() == Some(";;") => self.open.push(")"),
            _ => {}
        }
    }

    /// A word where a command can begin; whether the next one can too.
    fn word(&mut self, at: usize, text: &str) -> bool {
        let opens = match text {
            "if" => Some("then"),
            "while" | "until" | "for" => Some("do"),
            "case" => Some("in"),
            "{" => Some("}"),
            _ => None,
        };
        if let Some(waits) = opens {
            self.open.push(waits);
            self.fresh = !matches!(text, "for" | "case");
            return self.fresh;
        }
        if !matches!(text, "then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}") {
            self.fresh = false;
            return text == "!";
        }
        if self.fresh || !self.turn(text) {
            self.misplaced.get_or_insert(at);
        }
        self.fresh = matches!(text, "then" | "elif" | "else" | "do");
        true
    }

    /// A reserved word that goes on with or closes the innermost command; false when it belongs to another.
    fn turn(&mut self, text: &str) -> bool {
        let next = match (self.expecting(), text) {
            (_, "esac") => return self.close_case(),
            (Some("then"), "then") => Some("fi"),
            (Some("fi"), "elif") => Some("then"),
            (Some("fi"), "else") => Some("fi"),
            (Some("do"), "do") => Some("done"),
            (Some(waits @ ("fi" | "done" | "}")), word) if word == waits => None,
            _ => return false,
        };
        self.open.pop();
        self.open.extend(next);
        true
    }

    /// An open `case` waits for `;;`, and above it, where a pattern can stand, for `)`.
    fn close_case(&mut self) -> bool {
        self.open.pop_if(|waits| *waits == ")");
        self.open.pop_if(|waits| *waits == ";;").is_some()
    }

    /// `in` and `do` can follow a word.
    fn later_word(&mut self, text: &str) {
        match (self.expecting(), text) {
            (Some("in"), "in") => {
                self.open.pop();
                self.open.extend([";;", ")"]);
            }
            (Some("do"), "do") => {
                self.turn(text);
                self.fresh = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a source makes of a text, line by line: `.` more, `!` an error, else the number of commands.
    fn units(lines: &[&str]) -> String {
        let mut source = Source::default();
        let mut seen = String::new();
        for line in lines {
            source.push(&format!("{line}\n"));
            seen += &match source.next() {
                Unit::More => ".".to_owned(),
                Unit::Error { .. } => "!".to_owned(),
                Unit::Program(program, _) => program.complete_commands.len().to_string(),
                Unit::End => "end".to_owned(),
            };
        }
        seen
    }

    #[test]
    fn parentheses_that_never_end_are_read_in_no_time() {
        assert_eq!(units(&[&("(".repeat(60) + "fp(")]), "!");
        assert_eq!(units(&[&("( ".repeat(20) + "true" + &" )".repeat(20))]), "1");
    }

    #[test]
    fn what_can_still_become_a_command_waits() {
        assert_eq!(units(&["if true", "then", "echo", "fi"]), "...1");
        assert_eq!(units(&["a |", "b &&", "c"]), "..1");
        assert_eq!(units(&["f()", "{", "x; }"]), "..1");
        assert_eq!(units(&["case a in", "a) b", ";;", "esac"]), "...1");
        assert_eq!(units(&["echo $(a", "b) \"c", "d\""]), "..1");
        assert_eq!(units(&["echo a\\", "b # c\\", "d"]), ".11");
        assert_eq!(units(&["cat <<A <<-B", "a", "A", "\tB"]), "...1");
    }

    #[test]
    fn what_nothing_can_mend_does_not_wait() {
        for line in ["fi", "then a", "if true; then fi", "while done", "( )", "echo >", "a | | b", "{ a; } }", "a;;"] {
            assert_eq!(units(&[line]), "!", "{line}");
        }
    }

    #[test]
    fn lines_are_counted_from_the_beginning() {
        let mut source = Source::whole("a\n\n# b\nif c\nthen d\nfi\n)\ne");
        let mut lines = Vec::new();
        loop {
            match source.next() {
                Unit::Program(_, line) => lines.push(line),
                Unit::Error { line, source, .. } => {
                    assert_eq!((line, source.as_str()), (7, ")"));
                    lines.push(line);
                }
                Unit::More | Unit::End => break,
            }
        }
        assert_eq!(lines, [0, 3, 7, 7]);
    }

    #[test]
    fn a_number_too_big_for_a_descriptor_is_a_word() {
        assert_eq!(units(&["99999999999>x", "2147483648<x 3>y echo"]), "11");
    }

    #[test]
    fn the_end_closes_a_here_document_and_nothing_else() {
        assert!(parse_whole("cat <<A\nb").is_ok());
        let open = parse_whole("echo 'a").err();
        assert_eq!(open, Some(SyntaxError::Unterminated(Enclosure::Quote('\''))));
        let expecting = |text| match parse_whole(text) {
            Err(SyntaxError::EndOfFile { expecting }) => expecting,
            _ => None,
        };
        assert_eq!(expecting("for i in a; do b"), Some("done"));
        assert_eq!(expecting("if a; then b; else c"), Some("fi"));
        assert_eq!(expecting("case a in b) c"), Some(";;"));
        assert_eq!(expecting("{ ( a"), Some(")"));
        assert_eq!(expecting("{ ( a )"), Some("}"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]
        /// What brush-parser makes of here-documents in expansions that are cut up.
        #[test]
        fn here_documents_and_expansions_in_any_order_are_a_program_or_an_error(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec!["<<E", "<<-E ", "\n", "E\n", "E", "$((", "$(", "$[", "${", ")", "))", "]", "}", "(", "[", "a ", "1", "\"", "'", "`", "\\", "|", ";", "&"]),
                0..16,
            )
        ) {
            let _ = parse_whole(&pieces.concat());
        }
    }
}
