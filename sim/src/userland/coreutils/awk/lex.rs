//! An awk program as tokens. Whether a slash begins a pattern depends on what stands before it.

use crate::userland::escape;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number.
    Number(f64),
    /// A text in quotes.
    Text(String),
    /// A pattern between slashes.
    Pattern(String),
    /// A name.
    Name(String),
    /// A name with a parenthesis right behind it: a function.
    Call(String),
    /// A keyword.
    Word(&'static str),
    /// An operator or other sign.
    Sign(&'static str),
    /// The end of a line.
    Newline,
}

const WORDS: [&str; 18] = [
    "BEGIN", "END", "if", "else", "while", "for", "do", "break", "continue", "next", "exit", "print", "printf", "in",
    "delete", "getline", "function", "return",
];

/// The longest signs first.
const SIGNS: [&str; 43] = [
    "**=", "&&", "||", "==", "!=", "<=", ">=", "!~", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", ">>", "{",
    "}", "(", ")", "[", "]", ";", ",", "<", ">", "+", "-", "*", "/", "%", "^", "!", "~", "?", ":", "=", "$", "|", "&",
    "@",
];

/// The tokens of a program.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            ' ' | '\t' | '\r' => rest = &rest[1..],
            '\\' if rest[1..].starts_with('\n') => rest = &rest[2..],
            '\n' => {
                found.push(Token::Newline);
                rest = &rest[1..];
            }
            '#' => rest = rest.find('\n').map_or("", |at| &rest[at..]),
            '"' => {
                let (text, behind) = quoted(&rest[1..], '"')?;
                found.push(Token::Text(text));
                rest = behind;
            }
            '/' if begins_pattern(found.last()) => {
                let (text, behind) = pattern(&rest[1..])?;
                found.push(Token::Pattern(text));
                rest = behind;
            }
            _ if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) => {
                let size = number(rest);
                found.push(Token::Number(super::value::number(&rest[..size])));
                rest = &rest[size..];
            }
            _ if c.is_ascii_alphabetic() || c == '_' => {
                let size = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (name, behind) = rest.split_at(size);
                found.push(match WORDS.iter().find(|word| **word == name) {
                    Some(word) => Token::Word(word),
                    None if name == "func" => Token::Word("function"),
                    None if behind.starts_with('(') => Token::Call(name.to_owned()),
                    None => Token::Name(name.to_owned()),
                });
                rest = behind;
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or("Unexpected token")?;
                found.push(Token::Sign(sign));
                rest = &rest[sign.len()..];
            }
        }
    }
    Ok(found)
}

fn begins_pattern(before: Option<&Token>) -> bool {
    !matches!(
        before,
        Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Sign(")" | "]" | "$" | "++" | "--"))
    )
}

fn number(text: &str) -> usize {
    let digits = |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| from + at);
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

fn quoted(text: &str, end: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == end => return Ok((out, &text[at + 1..])),
            '\n' => break,
            '\\' => match letters.next() {
                Some((_, '\n')) => {}
                Some((at, digit @ '0'..='7')) => {
                    let more = text[at..].chars().take(3).take_while(|c| c.is_digit(8)).count();
                    let code = u32::from_str_radix(&text[at..at + more], 8).unwrap_or(0);
                    out.push(char::from_u32(code).unwrap_or(digit));
                    (1..more).for_each(|_| {
                        letters.next();
                    });
                }
                Some((_, other @ ('"' | '/'))) => out.push(other),
                Some((_, other)) => match escape::meaning(other) {
                    Some(meant) => out.push(meant),
                    None => out.extend(['\\', other]),
                },
                None => break,
            },
            _ => out.push(letter),
        }
    }
    Err("Unterminated string".to_owned())
}

/// A pattern up to its closing slash; one inside brackets does not close it.
fn pattern(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut inside = false;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '/' if !inside => return Ok((out, &text[at + 1..])),
            '\n' => break,
            '\\' => match letters.next() {
                Some((_, '/')) => out.push('/'),
                Some((_, other)) => out.extend(['\\', other]),
                None => break,
            },
            _ => {
                inside = (inside || letter == '[') && letter != ']';
                out.push(letter);
            }
        }
    }
    Err("Unterminated regex".to_owned())
}
