//! Expansion: the operations that build words.

use brush_parser::word::{Parameter, SpecialParameter, SubstringMatchKind};

use super::super::arithmetic;
use super::super::code::{Greed, Letters, Op, Presence, Quoting, Side};
use super::super::dialect::{Dialect, Failure};
use super::super::field::Word;
use super::super::pattern::{self, Glyph, Pattern};
use super::{Frame, Machine, Simple};
use crate::userland::Sys;

impl Machine {
    /// Does an operation on the word under construction.
    pub(super) fn expand(&mut self, sys: &mut Sys<'_>, op: &Op) -> Result<(), Failure> {
        match op {
            Op::Open => self.frames.push(Frame::Word(Word::default())),
            Op::Text(text, quoting) => self.word().push(text.as_str(), *quoting),
            Op::Tilde(user) => {
                let home = self.home(user.as_deref());
                self.word().push(home, Quoting::Quoted);
            }
            Op::Parameter(parameter, quoting) => self.add_parameter(parameter, *quoting)?,
            Op::Indirect(parameter, quoting) => {
                let name = self.value(parameter).unwrap_or_default();
                self.add_parameter(&Parameter::Named(name), *quoting)?;
            }
            Op::Length(parameter, quoting) => {
                let length = self.length(parameter)?;
                self.word().push(length.to_string(), *quoting);
            }
            Op::Names(prefix, quoting) => {
                let names = self.state.variables.iter().map(|(name, _)| name);
                let names: Vec<&str> = names.filter(|name| name.starts_with(prefix.as_str())).collect();
                let names = names.join(" ");
                self.word().push(names, *quoting);
            }
            Op::Unless(parameter, presence, to) => {
                let value = self.value(parameter);
                if value.is_none_or(|value| *presence == Presence::SetAndNotEmpty && value.is_empty()) {
                    self.pc = *to;
                }
            }
            Op::Evaluate(quoting) => {
                let value = arithmetic::evaluate(&self.pop_word().into_text(), &mut self.state.variables)?;
                self.word().push(value.to_string(), *quoting);
            }
            Op::BadSubstitution(text) => return Err(Failure::BadSubstitution(text.clone())),
            _ => self.operate(sys, op)?,
        }
        Ok(())
    }

    /// The operators of `${…}`.
    fn operate(&mut self, sys: &mut Sys<'_>, op: &Op) -> Result<(), Failure> {
        match op {
            Op::Default(parameter) => {
                let value = self.pop_word().into_text();
                match parameter {
                    Parameter::Named(name) => self.state.variables.assign(name, value)?,
                    other => return Err(Failure::BadSubstitution(other.to_string())),
                }
            }
            Op::Complain(parameter, presence) => {
                let words = self.pop_word().into_text();
                let words = if words.is_empty() && *presence == Presence::Set { "parameter not set" } else { &words };
                return Err(Failure::Complaint(name(parameter), words.to_owned()));
            }
            Op::Trim(parameter, side, greed, quoting) => {
                let pattern = Pattern::new(&self.pop_word().into_glyphs());
                let value = trim(&self.required(parameter)?, &pattern, *side, *greed);
                self.word().push(value, *quoting);
            }
            Op::Slice { parameter, bounded, quoting } => self.slice(parameter, *bounded, *quoting)?,
            Op::Replace(parameter, kind, quoting) => {
                let replacement = self.pop_word().into_text();
                let mut glyphs = self.pop_word().into_glyphs();
                // busybox knows no anchors: there the sign is a character of the pattern.
                let anchor = match kind {
                    SubstringMatchKind::Prefix => Some('#'),
                    SubstringMatchKind::Suffix => Some('%'),
                    SubstringMatchKind::FirstOccurrence | SubstringMatchKind::Anywhere => None,
                };
                let kind = match anchor.filter(|_| self.dialect() == Dialect::Ash) {
                    Some(sign) => {
                        glyphs.insert(0, Glyph { char: sign, quoted: true });
                        &SubstringMatchKind::FirstOccurrence
                    }
                    None => kind,
                };
                let pattern = Pattern::new(&glyphs);
                let value = replace(&self.required(parameter)?, &pattern, &replacement, kind);
                self.word().push(value, *quoting);
            }
            Op::Letters(parameter, letters, quoting) => {
                let value = change(&self.required(parameter)?, *letters);
                self.word().push(value, *quoting);
            }
            other => unreachable!("every operation is done somewhere: {other:?} at {}", sys.now()),
        }
        Ok(())
    }

    /// The word under construction.
    pub(super) fn word(&mut self) -> &mut Word {
        match self.frames.last_mut() {
            Some(Frame::Word(word)) => word,
            _ => unreachable!("a piece belongs to a word"),
        }
    }

    /// Takes the finished word.
    pub(super) fn pop_word(&mut self) -> Word {
        match self.frames.pop() {
            Some(Frame::Word(word)) => word,
            _ => unreachable!("a word ends where it began"),
        }
    }

    /// The command under construction.
    pub(super) fn command(&mut self) -> &mut Simple {
        match self.frames.last_mut() {
            Some(Frame::Command(command)) => command,
            _ => unreachable!("an argument belongs to a command"),
        }
    }

    /// Takes the word as arguments: split, and as paths where it is a pattern that matches some.
    pub(super) fn take_fields(&mut self, sys: &Sys<'_>) {
        let word = self.pop_word();
        let ifs = self.state.variables.value("IFS").unwrap_or(" \t\n").to_owned();
        for field in word.into_fields(&ifs) {
            let paths = match self.state.options.noglob {
                true => Vec::new(),
                false => pattern::paths(&sys.files(), sys.cwd(), &field),
            };
            let words = if paths.is_empty() { vec![pattern::text(&field)] } else { paths };
            self.command().words.extend(words);
        }
    }

    /// An assignment is made at once, so that the next one sees it. Before a command it lasts as long as that.
    pub(super) fn take_assignment(&mut self, name: &str, append: bool) -> Result<(), Failure> {
        let value = self.pop_word().into_text();
        let before = match append {
            true => self.state.variables.value(name).unwrap_or_default().to_owned(),
            false => String::new(),
        };
        let value = before + &value;
        let snapshot = self.state.variables.snapshot(name);
        self.state.variables.assign(name, value.clone())?;
        if !self.command().words.is_empty() {
            self.state.variables.export(name, true);
            self.command().scope.variables.push(snapshot);
        }
        self.command().assigned.push((name.to_owned(), value));
        Ok(())
    }

    fn home(&self, user: Option<&str>) -> String {
        match user {
            None => self.state.variables.value("HOME").unwrap_or("~").to_owned(),
            Some("root") => "/root".to_owned(),
            Some(user) => format!("~{user}"),
        }
    }

    fn add_parameter(&mut self, parameter: &Parameter, quoting: Quoting) -> Result<(), Failure> {
        if let Parameter::Special(SpecialParameter::AllPositionalParameters { concatenate }) = parameter {
            self.add_positional(*concatenate, quoting);
            return Ok(());
        }
        let value = self.required(parameter)?;
        self.word().push(value, quoting);
        Ok(())
    }

    /// `$@` and `$*`: one field each, but `"$*"` is one text.
    fn add_positional(&mut self, joined: bool, quoting: Quoting) {
        if joined && quoting == Quoting::Quoted {
            let text = self.joined();
            return self.word().push(text, quoting);
        }
        for (at, value) in self.state.positional.clone().into_iter().enumerate() {
            if at > 0 {
                self.word().push_break();
            }
            self.word().push(value, quoting);
        }
    }

    fn joined(&self) -> String {
        let ifs = self.state.variables.value("IFS").unwrap_or(" ");
        let between = ifs.chars().next().map_or_else(String::new, String::from);
        self.state.positional.join(&between)
    }

    /// The value of a parameter; nothing when it is not set, an error under `set -u`.
    fn required(&self, parameter: &Parameter) -> Result<String, Failure> {
        match self.value(parameter) {
            Some(value) => Ok(value),
            None if self.state.options.nounset => Err(Failure::Unset(name(parameter))),
            None => Ok(String::new()),
        }
    }

    fn value(&self, parameter: &Parameter) -> Option<String> {
        match parameter {
            Parameter::Named(name) if name == "LINENO" => Some(self.state.line.to_string()),
            Parameter::Named(name) => self.state.variables.value(name).map(str::to_owned),
            Parameter::Positional(0) => Some(self.state.name.clone()),
            Parameter::Positional(n) => self.state.positional.get(usize::try_from(*n).ok()? - 1).cloned(),
            Parameter::Special(special) => self.special(special),
            Parameter::NamedWithIndex { name, index } if index == "0" => {
                self.state.variables.value(name).map(str::to_owned)
            }
            Parameter::NamedWithAllIndices { name, .. } => self.state.variables.value(name).map(str::to_owned),
            Parameter::NamedWithIndex { .. } => None,
        }
    }

    fn special(&self, special: &SpecialParameter) -> Option<String> {
        match special {
            SpecialParameter::AllPositionalParameters { .. } => {
                (!self.state.positional.is_empty()).then(|| self.joined())
            }
            SpecialParameter::PositionalParameterCount => Some(self.state.positional.len().to_string()),
            SpecialParameter::LastExitStatus => Some(self.state.status.to_string()),
            SpecialParameter::CurrentOptionFlags => Some(self.state.options.letters()),
            SpecialParameter::ProcessId => Some(self.state.pid.0.to_string()),
            SpecialParameter::LastBackgroundProcessId => self.state.last_job.map(|pid| pid.0.to_string()),
            SpecialParameter::ShellName => Some(self.state.name.clone()),
        }
    }

    fn length(&self, parameter: &Parameter) -> Result<usize, Failure> {
        if let Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) = parameter {
            return Ok(self.state.positional.len());
        }
        Ok(self.required(parameter)?.chars().count())
    }

    /// `${x:offset:length}`; both are arithmetic, and negative ones count from the end.
    fn slice(&mut self, parameter: &Parameter, bounded: bool, quoting: Quoting) -> Result<(), Failure> {
        let length = match bounded {
            true => Some(arithmetic::evaluate(&self.pop_word().into_text(), &mut self.state.variables)?),
            false => None,
        };
        let offset = arithmetic::evaluate(&self.pop_word().into_text(), &mut self.state.variables)?;
        let value: Vec<char> = self.required(parameter)?.chars().collect();
        let from = position(offset, value.len());
        let to = match length {
            None => value.len(),
            Some(length) if length < 0 => position(length, value.len()),
            Some(length) => from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(value.len()),
        };
        let part: String = value.get(from..to).unwrap_or_default().iter().collect();
        self.word().push(part, quoting);
        Ok(())
    }
}

/// An offset from the beginning, or a negative one from the end, of something so long.
fn position(offset: i64, length: usize) -> usize {
    match usize::try_from(offset.unsigned_abs()) {
        Ok(offset_) if offset >= 0 => offset_.min(length),
        Ok(offset_) => length.saturating_sub(offset_),
        Err(_) => length,
    }
}

/// The parameter as messages call it.
fn name(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Named(name) | Parameter::NamedWithIndex { name, .. } => name.clone(),
        Parameter::NamedWithAllIndices { name, .. } => name.clone(),
        Parameter::Positional(n) => n.to_string(),
        Parameter::Special(special) => special.to_string(),
    }
}

fn trim(value: &str, pattern: &Pattern, side: Side, greed: Greed) -> String {
    let chars: Vec<char> = value.chars().collect();
    let fits = |cut: &usize| match side {
        Side::Prefix => pattern.matches(&chars[..*cut]),
        Side::Suffix => pattern.matches(&chars[chars.len() - cut..]),
    };
    let cut = match greed {
        Greed::Shortest => (0..=chars.len()).find(fits),
        Greed::Longest => (0..=chars.len()).rev().find(fits),
    };
    let cut = cut.unwrap_or(0);
    match side {
        Side::Prefix => chars[cut..].iter().collect(),
        Side::Suffix => chars[..chars.len() - cut].iter().collect(),
    }
}

fn replace(value: &str, pattern: &Pattern, by: &str, kind: &SubstringMatchKind) -> String {
    let chars: Vec<char> = value.chars().collect();
    let mut text = String::new();
    let mut at = 0;
    let mut done = false;
    while at < chars.len() {
        let longest = match kind {
            SubstringMatchKind::Prefix if at > 0 => None,
            SubstringMatchKind::Suffix => Some(chars.len()).filter(|end| pattern.matches(&chars[at..*end])),
            _ if done => None,
            _ => (at + 1..=chars.len()).rev().find(|end| pattern.matches(&chars[at..*end])),
        };
        match longest {
            Some(end) => {
                text.push_str(by);
                at = end;
                done = !matches!(kind, SubstringMatchKind::Anywhere);
            }
            None => {
                text.push(chars[at]);
                at += 1;
            }
        }
    }
    text
}

fn change(value: &str, letters: Letters) -> String {
    let mut chars = value.chars();
    match letters {
        Letters::Lower => value.to_lowercase(),
        Letters::Upper => value.to_uppercase(),
        Letters::LowerFirst => chars.next().map_or_else(String::new, |c| c.to_lowercase().collect()) + chars.as_str(),
        Letters::UpperFirst => chars.next().map_or_else(String::new, |c| c.to_uppercase().collect()) + chars.as_str(),
    }
}
