//! Words: quotes, parameters, substitutions and arithmetic become operations that build the word piece by piece.

use brush_parser::ast::UnexpandedArithmeticExpr;
use brush_parser::word::{
    self, BraceExpressionMember, BraceExpressionOrText, Parameter, ParameterExpr, ParameterTestType, TildeExpr,
    WordPiece, WordPieceWithSource,
};

use super::{Compiled, Compiler, program};
use crate::userland::shell::code::{Greed, Letters, Op, Presence, Quoting, Side};
use crate::userland::shell::dialect::{Dialect, Failure};
use crate::userland::shell::escape;
use crate::userland::shell::source::{parse_whole, parser_options};

impl Compiler {
    /// A word that becomes any number of arguments.
    pub(super) fn argument(&mut self, text: &str) -> Compiled {
        for text in self.braces(text) {
            self.word(&text)?;
            self.push(Op::Fields);
        }
        Ok(())
    }

    /// A word that stays one.
    pub(super) fn word(&mut self, text: &str) -> Compiled {
        self.push(Op::Open);
        self.pieces(&parse(text, false)?, Quoting::Literal)
    }

    /// The value of an assignment, in which a tilde may follow a colon, behind text that is as it is.
    pub(super) fn assigned_word(&mut self, before: &str, text: &str) -> Compiled {
        self.push(Op::Open);
        self.push(Op::Text(before.to_owned(), Quoting::Quoted));
        self.pieces(&parse(text, true)?, Quoting::Literal)
    }

    /// A word without anything to expand.
    pub(super) fn plain_word(&mut self, text: &str) {
        self.push(Op::Open);
        self.push(Op::Text(text.to_owned(), Quoting::Quoted));
    }

    /// The text of a here-document.
    pub(super) fn here_word(&mut self, text: &str) -> Compiled {
        self.push(Op::Open);
        let text = joined_lines(text);
        let pieces = word::parse_heredoc(&text, &parser_options()).map_err(|_| bad(&text))?;
        self.pieces(&pieces, Quoting::Quoted)
    }

    /// An arithmetic expression as a command.
    pub(super) fn compute(&mut self, expression: &UnexpandedArithmeticExpr) -> Compiled {
        self.quoted_word(&expression.value)?;
        self.push(Op::Compute);
        Ok(())
    }

    /// A word that is read as if it stood in double quotes.
    fn quoted_word(&mut self, text: &str) -> Compiled {
        self.push(Op::Open);
        self.pieces(&parse(text, false)?, Quoting::Quoted)
    }

    fn braces(&self, text: &str) -> Vec<String> {
        if self.dialect != Dialect::Bash || !text.contains('{') {
            return vec![text.to_owned()];
        }
        match word::parse_brace_expansions(text, &parser_options()) {
            Ok(Some(pieces)) => alternatives(&pieces),
            _ => vec![text.to_owned()],
        }
    }

    fn pieces(&mut self, pieces: &[WordPieceWithSource], quoting: Quoting) -> Compiled {
        pieces.iter().try_for_each(|piece| self.piece(&piece.piece, quoting))
    }

    fn piece(&mut self, piece: &WordPiece, quoting: Quoting) -> Compiled {
        match piece {
            WordPiece::Text(text) => self.push(Op::Text(text.clone(), quoting)),
            WordPiece::SingleQuotedText(text) => self.push(Op::Text(text.clone(), Quoting::Quoted)),
            WordPiece::AnsiCQuotedText(text) => {
                self.push(Op::Text(escape::decode(text, escape::Set::Dollar).text, Quoting::Quoted));
            }
            WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
                if inner.is_empty() {
                    self.push(Op::Text(String::new(), Quoting::Quoted));
                }
                self.pieces(inner, Quoting::Quoted)?;
            }
            WordPiece::TildeExpansion(tilde) => self.tilde(tilde, quoting),
            WordPiece::EscapeSequence(text) => {
                self.push(Op::Text(text.strip_prefix('\\').unwrap_or(text).to_owned(), Quoting::Quoted));
            }
            WordPiece::ParameterExpansion(expression) => self.parameter(expression, expanded(quoting))?,
            WordPiece::CommandSubstitution(text) => self.substitution(text, quoting)?,
            WordPiece::BackquotedCommandSubstitution(text) => {
                self.substitution(&text.replace("\\\\", "\\").replace("\\$", "$"), quoting)?;
            }
            WordPiece::ArithmeticExpression(expression) => {
                self.quoted_word(&expression.value)?;
                self.push(Op::Evaluate(expanded(quoting)));
            }
        }
        Ok(())
    }

    fn tilde(&mut self, tilde: &TildeExpr, quoting: Quoting) {
        let op = match tilde {
            TildeExpr::Home => Op::Tilde(None),
            TildeExpr::UserHome(user) => Op::Tilde(Some(user.clone())),
            TildeExpr::WorkingDir => Op::Parameter(Parameter::Named("PWD".to_owned()), Quoting::Quoted),
            TildeExpr::OldWorkingDir => Op::Parameter(Parameter::Named("OLDPWD".to_owned()), Quoting::Quoted),
            TildeExpr::NthDirFromTopOfDirStack { n, .. } => Op::Text(format!("~{n}"), quoting),
            TildeExpr::NthDirFromBottomOfDirStack { n } => Op::Text(format!("~-{n}"), quoting),
        };
        self.push(op);
    }

    fn substitution(&mut self, text: &str, quoting: Quoting) -> Compiled {
        let parsed = parse_whole(text).map_err(Failure::Syntax)?;
        let code = program(&parsed, self.dialect, self.first)?;
        self.push(Op::Substitute(code.into(), expanded(quoting)));
        Ok(())
    }

    fn parameter(&mut self, expression: &ParameterExpr, quoting: Quoting) -> Compiled {
        match expression {
            ParameterExpr::Parameter { parameter, indirect: false } => {
                self.push(Op::Parameter(parameter.clone(), quoting));
            }
            ParameterExpr::Parameter { parameter, indirect: true } => {
                self.push(Op::Indirect(parameter.clone(), quoting));
            }
            ParameterExpr::ParameterLength { parameter, .. } => self.push(Op::Length(parameter.clone(), quoting)),
            ParameterExpr::VariableNames { prefix, .. } => self.push(Op::Names(prefix.clone(), quoting)),
            ParameterExpr::Transform { .. } | ParameterExpr::MemberKeys { .. } => {
                self.push(Op::BadSubstitution("${...}".to_owned()));
            }
            other => return self.operator(other, quoting),
        }
        Ok(())
    }

    fn operator(&mut self, expression: &ParameterExpr, quoting: Quoting) -> Compiled {
        use ParameterExpr as E;
        match expression {
            E::UseDefaultValues { parameter, test_type, default_value, .. } => {
                self.use_default(parameter, presence(test_type), default_value.as_deref(), quoting)
            }
            E::AssignDefaultValues { parameter, test_type, default_value, .. } => {
                self.assign_default(parameter, presence(test_type), default_value.as_deref(), quoting)
            }
            E::IndicateErrorIfNullOrUnset { parameter, test_type, error_message, .. } => {
                self.complain(parameter, presence(test_type), error_message.as_deref(), quoting)
            }
            E::UseAlternativeValue { parameter, test_type, alternative_value, .. } => {
                self.alternative(parameter, presence(test_type), alternative_value.as_deref(), quoting)
            }
            E::RemoveSmallestSuffixPattern { parameter, pattern, .. } => {
                self.trim(parameter, pattern.as_deref(), Side::Suffix, Greed::Shortest, quoting)
            }
            E::RemoveLargestSuffixPattern { parameter, pattern, .. } => {
                self.trim(parameter, pattern.as_deref(), Side::Suffix, Greed::Longest, quoting)
            }
            E::RemoveSmallestPrefixPattern { parameter, pattern, .. } => {
                self.trim(parameter, pattern.as_deref(), Side::Prefix, Greed::Shortest, quoting)
            }
            E::RemoveLargestPrefixPattern { parameter, pattern, .. } => {
                self.trim(parameter, pattern.as_deref(), Side::Prefix, Greed::Longest, quoting)
            }
            other => self.extension(other, quoting),
        }
    }

    /// What bash adds to POSIX.
    fn extension(&mut self, expression: &ParameterExpr, quoting: Quoting) -> Compiled {
        use ParameterExpr as E;
        match expression {
            E::Substring { parameter, offset, length, .. } => {
                self.quoted_word(&offset.value)?;
                if let Some(length) = length {
                    self.quoted_word(&length.value)?;
                }
                self.push(Op::Slice { parameter: parameter.clone(), bounded: length.is_some(), quoting });
            }
            E::ReplaceSubstring { parameter, pattern, replacement, match_kind, .. } => {
                self.word(pattern)?;
                self.word(replacement.as_deref().unwrap_or_default())?;
                self.push(Op::Replace(parameter.clone(), match_kind.clone(), quoting));
            }
            E::UppercaseFirstChar { parameter, .. } => {
                self.push(Op::Letters(parameter.clone(), Letters::UpperFirst, quoting));
            }
            E::UppercasePattern { parameter, .. } => {
                self.push(Op::Letters(parameter.clone(), Letters::Upper, quoting));
            }
            E::LowercaseFirstChar { parameter, .. } => {
                self.push(Op::Letters(parameter.clone(), Letters::LowerFirst, quoting));
            }
            E::LowercasePattern { parameter, .. } => {
                self.push(Op::Letters(parameter.clone(), Letters::Lower, quoting));
            }
            _ => self.push(Op::BadSubstitution("${...}".to_owned())),
        }
        Ok(())
    }

    fn use_default(&mut self, of: &Parameter, presence: Presence, value: Option<&str>, quoting: Quoting) -> Compiled {
        self.quoted_field(quoting);
        let unless = self.hole();
        self.push(Op::Parameter(of.clone(), quoting));
        let exit = self.hole();
        self.land(unless, |to| Op::Unless(of.clone(), presence, to));
        self.inner(value, quoting)?;
        self.land(exit, Op::Jump);
        Ok(())
    }

    fn assign_default(
        &mut self,
        of: &Parameter,
        presence: Presence,
        value: Option<&str>,
        quoting: Quoting,
    ) -> Compiled {
        let unless = self.hole();
        let exit = self.hole();
        self.land(unless, |to| Op::Unless(of.clone(), presence, to));
        self.push(Op::Open);
        self.inner(value, quoting)?;
        self.push(Op::Default(of.clone()));
        self.land(exit, Op::Jump);
        self.push(Op::Parameter(of.clone(), quoting));
        Ok(())
    }

    fn complain(&mut self, of: &Parameter, presence: Presence, words: Option<&str>, quoting: Quoting) -> Compiled {
        let unless = self.hole();
        let exit = self.hole();
        self.land(unless, |to| Op::Unless(of.clone(), presence, to));
        self.push(Op::Open);
        self.inner(words, quoting)?;
        self.push(Op::Complain(of.clone(), presence));
        self.land(exit, Op::Jump);
        self.push(Op::Parameter(of.clone(), quoting));
        Ok(())
    }

    /// Between quotes even nothing is a field.
    fn quoted_field(&mut self, quoting: Quoting) {
        if quoting == Quoting::Quoted {
            self.push(Op::Text(String::new(), quoting));
        }
    }

    fn alternative(&mut self, of: &Parameter, presence: Presence, value: Option<&str>, quoting: Quoting) -> Compiled {
        self.quoted_field(quoting);
        let unless = self.hole();
        self.inner(value, quoting)?;
        self.land(unless, |to| Op::Unless(of.clone(), presence, to));
        Ok(())
    }

    fn trim(&mut self, of: &Parameter, pattern: Option<&str>, side: Side, greed: Greed, quoting: Quoting) -> Compiled {
        self.word(pattern.unwrap_or_default())?;
        self.push(Op::Trim(of.clone(), side, greed, quoting));
        Ok(())
    }

    /// The word inside `${x-word}`: what is unquoted there is the result of an expansion.
    fn inner(&mut self, text: Option<&str>, quoting: Quoting) -> Compiled {
        let text = text.unwrap_or_default();
        let pieces = match quoting {
            Quoting::Quoted if !text.contains('"') => parse(&format!("\"{text}\""), false)?,
            _ => parse(text, false)?,
        };
        self.pieces(&pieces, quoting)
    }
}

/// What an expansion gives where unquoted text is `quoting`.
const fn expanded(quoting: Quoting) -> Quoting {
    match quoting {
        Quoting::Quoted => Quoting::Quoted,
        Quoting::Expanded | Quoting::Literal => Quoting::Expanded,
    }
}

const fn presence(test: &ParameterTestType) -> Presence {
    match test {
        ParameterTestType::UnsetOrNull => Presence::SetAndNotEmpty,
        ParameterTestType::Unset => Presence::Set,
    }
}

fn parse(text: &str, assigned: bool) -> Result<Vec<WordPieceWithSource>, Failure> {
    let mut options = parser_options();
    options.tilde_expansion_after_colon = assigned;
    let pieces = word::parse(text, &options).map_err(|_| bad(text))?;
    match unread_expansion(&pieces, text) {
        Some(expansion) => Err(bad(expansion)),
        None => Ok(pieces),
    }
}

/// A `${…}` that the parser took for plain text because it means nothing.
fn unread_expansion<'a>(pieces: &[WordPieceWithSource], text: &'a str) -> Option<&'a str> {
    pieces.iter().find_map(|piece| match &piece.piece {
        WordPiece::Text(dollar) if dollar == "$" && text[piece.end_index..].starts_with('{') => {
            let rest = &text[piece.start_index..];
            Some(rest.find('}').map_or(rest, |end| &rest[..=end]))
        }
        WordPiece::DoubleQuotedSequence(inner) => unread_expansion(inner, text),
        _ => None,
    })
}

fn bad(text: &str) -> Failure {
    Failure::BadSubstitution(text.to_owned())
}

/// The text of a here-document with the lines joined that end in a backslash.
fn joined_lines(text: &str) -> String {
    let mut joined = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        if escaped != Some('\n') {
            joined.push(c);
            joined.extend(escaped);
        }
    }
    joined
}

/// The words that a word with braces stands for.
fn alternatives(pieces: &[BraceExpressionOrText]) -> Vec<String> {
    let mut words = vec![String::new()];
    for piece in pieces {
        let choices = match piece {
            BraceExpressionOrText::Text(text) => vec![text.clone()],
            BraceExpressionOrText::Expr(members) => members.iter().flat_map(choices).collect(),
        };
        words = words.iter().flat_map(|word| choices.iter().map(move |choice| format!("{word}{choice}"))).collect();
    }
    words
}

fn choices(member: &BraceExpressionMember) -> Vec<String> {
    match member {
        BraceExpressionMember::Child(pieces) => alternatives(pieces),
        BraceExpressionMember::NumberSequence { start, end, increment } => {
            sequence(*start, *end, *increment).map(|n| n.to_string()).collect()
        }
        BraceExpressionMember::CharSequence { start, end, increment } => {
            sequence(i64::from(u32::from(*start)), i64::from(u32::from(*end)), *increment)
                .filter_map(|n| u32::try_from(n).ok().and_then(char::from_u32))
                .map(String::from)
                .collect()
        }
    }
}

/// From `start` to `end`, upwards or downwards; a step of 0 counts as 1.
fn sequence(start: i64, end: i64, step: i64) -> impl Iterator<Item = i64> {
    let step = i64::try_from(step.unsigned_abs().max(1)).unwrap_or(i64::MAX);
    let step = if start <= end { step } else { -step };
    core::iter::successors(Some(start), move |at| at.checked_add(step))
        .take_while(move |at| if step > 0 { *at <= end } else { *at >= end })
}
