//! Cuts a template into tokens: text, delimiters, and what is between them. It knows no grammar; an error is a token
//! too, the last one, so that the parser can say it where it meets it.

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// `=`
    Assign,
    /// `true` or `false`
    Bool,
    /// One more printable ASCII character, such as a comma.
    Char,
    /// `'x'`, quotes included.
    CharConstant,
    /// `:=`
    Declare,
    /// The end of the template.
    Eof,
    /// Nothing comes after this; the text says what is wrong.
    Error,
    /// `.name`
    Field,
    /// `name`, a function.
    Identifier,
    /// `{{`, with its trim marker.
    LeftDelim,
    /// `(`
    LeftParen,
    /// A number.
    Number,
    /// `|`
    Pipe,
    /// A string between backquotes, which are included.
    RawString,
    /// `}}`, with its trim marker.
    RightDelim,
    /// `)`
    RightParen,
    /// White space between words.
    Space,
    /// A string between double quotes, which are included.
    String,
    /// What stands outside of actions.
    Text,
    /// `$` or `$name`
    Variable,
    /// A word of the language.
    Keyword(Keyword),
}

/// The words that are no functions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    /// `.` alone.
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }
}

/// One token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it begins, in bytes.
    pub(super) pos: usize,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Its text, or that of the error.
    pub(super) text: String,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const LEFT_COMMENT: &str = "/*";
const RIGHT_COMMENT: &str = "*/";
/// A dash and the space that sets it off.
const TRIM_MARKER_LEN: usize = 2;

/// The tokens of `input`; the last is an error or the end.
pub(super) fn tokens(input: &str) -> Vec<Token> {
    let mut lexer = Lexer { input, start: 0, pos: 0, parens: 0, tokens: Vec::new() };
    let end = lexer.run();
    if let Err(message) = end {
        lexer.push(Kind::Error, message);
    }
    lexer.tokens
}

struct Lexer<'s> {
    input: &'s str,
    /// Where the token in work begins.
    start: usize,
    pos: usize,
    parens: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        while self.text() {
            self.left_delim()?;
        }
        self.emit(Kind::Eof);
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    /// Passes over the next character when `wanted` holds of it.
    fn accept(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let hit = self.peek().is_some_and(wanted);
        if hit {
            self.bump();
        }
        hit
    }

    fn accept_run(&mut self, wanted: impl Fn(char) -> bool + Copy) {
        while self.accept(wanted) {}
    }

    fn push(&mut self, kind: Kind, text: String) {
        let line = 1 + self.input[..self.start].matches('\n').count();
        self.tokens.push(Token { kind, pos: self.start, line, text });
        self.start = self.pos;
    }

    fn emit(&mut self, kind: Kind) {
        self.push(kind, self.input[self.start..self.pos].to_owned());
    }

    fn ignore(&mut self) {
        self.start = self.pos;
    }

    /// The text up to the next action; false when there is none.
    fn text(&mut self) -> bool {
        let found = self.rest().find(LEFT);
        let text_end = found.map_or(self.input.len(), |at| self.pos + at);
        let trimmed = found.is_some() && has_left_trim_marker(&self.input[text_end + LEFT.len()..]);
        let text = &self.input[self.pos..text_end];
        let kept = if trimmed { text.trim_end_matches(is_space).len() } else { text.len() };
        self.pos += kept;
        if kept > 0 {
            self.emit(Kind::Text);
        }
        self.pos = text_end;
        self.ignore();
        found.is_some()
    }

    /// `{{`, and all up to and with its `}}`.
    fn left_delim(&mut self) -> Result<(), String> {
        self.pos += LEFT.len();
        let marker = if has_left_trim_marker(self.rest()) { TRIM_MARKER_LEN } else { 0 };
        if self.rest()[marker..].starts_with(LEFT_COMMENT) {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        self.emit(Kind::LeftDelim);
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        while !self.at_right_delim() {
            self.inside_action()?;
        }
        if self.parens > 0 {
            return Err("unclosed left paren".to_owned());
        }
        self.right_delim(Some(Kind::RightDelim));
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        self.pos += LEFT_COMMENT.len();
        let end = self.rest().find(RIGHT_COMMENT).ok_or("unclosed comment")?;
        self.pos += end + RIGHT_COMMENT.len();
        if !self.at_right_delim() {
            return Err("comment ends before closing delimiter".to_owned());
        }
        self.right_delim(None);
        Ok(())
    }

    fn at_right_delim(&self) -> bool {
        self.rest().starts_with(RIGHT) || self.at_trimming_right_delim()
    }

    fn at_trimming_right_delim(&self) -> bool {
        has_right_trim_marker(self.rest()) && self.rest()[TRIM_MARKER_LEN..].starts_with(RIGHT)
    }

    /// Passes over `}}`, and over the white space after it if it is marked to trim.
    fn right_delim(&mut self, kind: Option<Kind>) {
        let trims = self.at_trimming_right_delim();
        if trims {
            self.pos += TRIM_MARKER_LEN;
            self.ignore();
        }
        self.pos += RIGHT.len();
        if let Some(kind) = kind {
            self.emit(kind);
        }
        if trims {
            self.accept_run(is_space);
        }
        self.ignore();
    }

    /// One token inside of an action.
    fn inside_action(&mut self) -> Result<(), String> {
        let next = self.bump().ok_or("unclosed action")?;
        match next {
            c if is_space(c) => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' if self.accept(|c| c == '=') => self.emit(Kind::Declare),
            ':' => return Err("expected :=".to_owned()),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string")?,
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant")?,
            '`' => self.raw_quoted()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => self.name(Kind::Field)?,
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = self.start;
                self.number()?;
            }
            c if is_alphanumeric(c) => self.name(Kind::Identifier)?,
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(Kind::RightParen);
            }
            ' '..='~' => self.emit(Kind::Char),
            c => return Err(format!("unrecognized character in action: {}", code_point(c))),
        }
        Ok(())
    }

    /// A run of white space, but for the last one if it belongs to a trim marker.
    fn space(&mut self) {
        self.accept_run(is_space);
        let last = self.pos - 1;
        if has_right_trim_marker(&self.input[last..]) && self.input[last + TRIM_MARKER_LEN..].starts_with(RIGHT) {
            self.pos = last;
        }
        if self.pos > self.start {
            self.emit(Kind::Space);
        }
    }

    /// A field, a variable or a word, of which the first character has been read.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        self.accept_run(is_alphanumeric);
        if !self.at_terminator() {
            let bad = self.peek().expect("the end of the template is a terminator");
            return Err(format!("bad character {}", code_point(bad)));
        }
        let word = &self.input[self.start..self.pos];
        self.emit(match (kind, word) {
            (Kind::Field, ".") => Kind::Keyword(Keyword::Dot),
            (Kind::Identifier, "true" | "false") => Kind::Bool,
            (Kind::Identifier, word) => Keyword::of(word).map_or(kind, Kind::Keyword),
            _ => kind,
        });
        Ok(())
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with(RIGHT),
        }
    }

    /// A constant between `quote`s, of which the first has been read. Its escapes are the parser's business.
    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Result<(), String> {
        loop {
            let c = match self.bump() {
                Some('\\') => self.bump().filter(|c| *c != '\n').map(|_| '\\'),
                c => c.filter(|c| *c != '\n'),
            };
            let c = c.ok_or(unterminated)?;
            if c == quote {
                self.emit(kind);
                return Ok(());
            }
        }
    }

    fn raw_quoted(&mut self) -> Result<(), String> {
        let end = self.rest().find('`').ok_or("unterminated raw quoted string")?;
        self.pos += end + 1;
        self.emit(Kind::RawString);
        Ok(())
    }

    /// Anything like a number; whether it is one is the parser's business.
    fn number(&mut self) -> Result<(), String> {
        self.accept(|c| matches!(c, '+' | '-'));
        let mut is_digit: fn(char) -> bool = |c| c.is_ascii_digit() || c == '_';
        let mut is_decimal = true;
        if self.accept(|c| c == '0') && self.accept(|c| matches!(c, 'x' | 'X' | 'o' | 'O' | 'b' | 'B')) {
            is_digit = |c| c.is_ascii_hexdigit() || c == '_';
            is_decimal = false;
        }
        self.accept_run(is_digit);
        if self.accept(|c| c == '.') {
            self.accept_run(is_digit);
        }
        if is_decimal && self.accept(|c| matches!(c, 'e' | 'E')) {
            self.accept(|c| matches!(c, '+' | '-'));
            self.accept_run(is_digit);
        }
        if self.accept(is_alphanumeric) {
            let text = &self.input[self.start..self.pos];
            return Err(format!("bad number syntax: \"{text}\""));
        }
        self.emit(Kind::Number);
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn has_left_trim_marker(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

fn has_right_trim_marker(text: &str) -> bool {
    text.strip_prefix(is_space).is_some_and(|rest| rest.starts_with('-'))
}

/// A character as Go's `%#U` shows it: U+002D '-'.
fn code_point(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if c.is_control() { code } else { format!("{code} '{c}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(input: &str) -> Vec<String> {
        tokens(input).iter().map(|t| format!("{}:{}", t.pos, t.text)).collect()
    }

    #[test]
    fn an_action_is_cut_into_words_with_their_places() {
        let cut = words("a{{range $k, $v := .X.Y}}{{$k | print 1.5 \"s\"}}");
        let expected = [
            "0:a", "1:{{", "3:range", "8: ", "9:$k", "11:,", "12: ", "13:$v", "15: ", "16::=", "18: ", "19:.X",
            "21:.Y", "23:}}", "25:{{", "27:$k", "29: ", "30:|", "31: ", "32:print", "37: ", "38:1.5", "41: ",
            "42:\"s\"", "45:}}", "47:",
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn trim_markers_take_the_white_space_with_them() {
        assert_eq!(words("a \n{{- .X -}}\t b"), ["0:a", "3:{{", "7:.X", "11:}}", "15:b", "16:"]);
        assert_eq!(words("a {{- /* c */ -}} b"), ["0:a", "18:b", "19:"]);
        assert_eq!(words("{{-3}}"), ["0:{{", "2:-3", "4:}}", "6:"]);
    }

    #[test]
    fn an_error_is_the_last_token() {
        let last = |input| tokens(input).pop().map(|t| (t.kind, t.line, t.text));
        assert_eq!(last("{{.X"), Some((Kind::Error, 1, "unclosed action".to_owned())));
        assert_eq!(last("\n{{a-b}}"), Some((Kind::Error, 2, "bad character U+002D '-'".to_owned())));
        assert_eq!(last("{{\u{1}}}"), Some((Kind::Error, 1, "unrecognized character in action: U+0001".to_owned())));
    }
}
