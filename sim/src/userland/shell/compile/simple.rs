//! Simple commands, their assignments and redirections. Fields are expanded first, then redirections made, then
//! assignments, as POSIX has it.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem, IoFileRedirectKind, IoFileRedirectTarget,
    IoHereDocument, IoRedirect, SimpleCommand, SourceLocation, Word,
};

use super::{Compiled, Compiler};
use crate::userland::shell::code::{Op, Redirection};
use crate::userland::shell::dialect::Failure;

impl Compiler {
    pub(super) fn simple(&mut self, command: &SimpleCommand) -> Compiled {
        let line = self.first + command.location().map_or(1, |span| span.start.line);
        let prefix = command.prefix.as_ref().map_or(&[][..], |p| &p.0);
        let suffix = command.suffix.as_ref().map_or(&[][..], |s| &s.0);
        self.push(Op::Command(line));
        self.arguments(command.word_or_name.as_ref(), suffix)?;
        let redirects = prefix.iter().chain(suffix).filter_map(|item| match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => Some(redirect),
            _ => None,
        });
        let holes = self.redirects(redirects)?;
        for item in prefix {
            if let CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) = item {
                self.assignment(assignment)?;
            }
        }
        self.push(Op::Run);
        self.land_redirects(&holes);
        Ok(())
    }

    fn arguments(&mut self, name: Option<&Word>, suffix: &[CommandPrefixOrSuffixItem]) -> Compiled {
        let declares =
            name.is_some_and(|n| matches!(n.value.as_str(), "export" | "local" | "readonly" | "declare" | "typeset"));
        if let Some(name) = name {
            self.argument(&name.value)?;
        }
        for item in suffix {
            match item {
                CommandPrefixOrSuffixItem::Word(word) => self.argument(&word.value)?,
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) if declares => self.declared(assignment)?,
                CommandPrefixOrSuffixItem::AssignmentWord(_, word) => self.argument(&word.value)?,
                CommandPrefixOrSuffixItem::IoRedirect(_) => {}
                CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {
                    return Err(Failure::Unsupported("process substitution"));
                }
            }
        }
        Ok(())
    }

    fn assignment(&mut self, assignment: &Assignment) -> Compiled {
        let (name, value) = scalar(assignment)?;
        self.assigned_word("", &value.value)?;
        self.push(Op::Assign { name: name.to_owned(), append: assignment.append });
        Ok(())
    }

    /// `export a=$b`: the value is not split, as in an assignment.
    fn declared(&mut self, assignment: &Assignment) -> Compiled {
        let (name, value) = scalar(assignment)?;
        self.assigned_word(&format!("{name}="), &value.value)?;
        self.push(Op::Field);
        Ok(())
    }

    pub(super) fn redirect(&mut self, redirect: &IoRedirect) -> Result<usize, Failure> {
        let (fd, how) = match redirect {
            IoRedirect::File(fd, kind, target) => self.file_redirect(*fd, kind, target)?,
            IoRedirect::HereDocument(fd, document) => {
                self.here_document(document)?;
                (descriptor(*fd, 0), Redirection::Here { newline: false })
            }
            IoRedirect::HereString(fd, word) => {
                self.word(&word.value)?;
                (descriptor(*fd, 0), Redirection::Here { newline: true })
            }
            IoRedirect::OutputAndError(word, append) => {
                self.word(&word.value)?;
                (1, Redirection::WriteBoth { append: *append })
            }
        };
        self.push(Op::Redirect { fd, how, failed: usize::MAX });
        Ok(self.here() - 1)
    }

    fn file_redirect(
        &mut self,
        fd: Option<i32>,
        kind: &IoFileRedirectKind,
        target: &IoFileRedirectTarget,
    ) -> Result<(usize, Redirection), Failure> {
        match target {
            IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => self.word(&word.value)?,
            IoFileRedirectTarget::Fd(fd) => self.plain_word(&fd.to_string()),
            IoFileRedirectTarget::ProcessSubstitution(..) => {
                return Err(Failure::Unsupported("process substitution"));
            }
        }
        Ok(match kind {
            IoFileRedirectKind::Append => (descriptor(fd, 1), Redirection::Append),
            IoFileRedirectKind::Clobber | IoFileRedirectKind::Write => (descriptor(fd, 1), Redirection::Write),
            IoFileRedirectKind::DuplicateInput => (descriptor(fd, 0), Redirection::Duplicate),
            IoFileRedirectKind::DuplicateOutput => (descriptor(fd, 1), Redirection::Duplicate),
            IoFileRedirectKind::Read => (descriptor(fd, 0), Redirection::Read),
            IoFileRedirectKind::ReadAndWrite => (descriptor(fd, 0), Redirection::Write),
        })
    }

    fn here_document(&mut self, document: &IoHereDocument) -> Compiled {
        if document.requires_expansion {
            return self.here_word(&document.doc.value);
        }
        self.plain_word(&document.doc.value);
        Ok(())
    }
}

fn descriptor(fd: Option<i32>, default: usize) -> usize {
    fd.and_then(|fd| usize::try_from(fd).ok()).unwrap_or(default)
}

fn scalar(assignment: &Assignment) -> Result<(&str, &Word), Failure> {
    match (&assignment.name, &assignment.value) {
        (AssignmentName::VariableName(name), AssignmentValue::Scalar(word)) => Ok((name, word)),
        _ => Err(Failure::Unsupported("arrays")),
    }
}
