//! Redirections: where the streams of a command lead. They are made in the shell itself and put back afterwards.

use super::super::code::Redirection;
use super::super::descriptor::Saved;
use super::super::dialect::Failure;
use super::{Frame, Machine};
use crate::userland::{Stream, Sys};

impl Machine {
    /// Makes a redirection to what the word says; when that fails, the command fails and `failed` comes next.
    pub(super) fn redirect(
        &mut self,
        sys: &mut Sys<'_>,
        fd: usize,
        how: Redirection,
        failed: usize,
    ) -> Result<(), Failure> {
        let target = self.pop_word().into_text();
        match self.open(sys, fd, how, &target) {
            Ok(saved) => self.saved().extend(saved),
            Err(failure) if failure.is_redirection() => {
                self.tell(sys, &failure);
                self.pop(sys);
                self.pc = failed;
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// What the frame that is being built has put aside.
    fn saved(&mut self) -> &mut Vec<Saved> {
        match self.frames.last_mut() {
            Some(Frame::Command(command)) => &mut command.scope.saved,
            Some(Frame::Scope(scope)) => &mut scope.saved,
            _ => unreachable!("a redirection belongs to a command or a scope"),
        }
    }

    fn open(&mut self, sys: &mut Sys<'_>, fd: usize, how: Redirection, target: &str) -> Result<Vec<Saved>, Failure> {
        let stream = match how {
            Redirection::Duplicate => return self.duplicate(sys, fd, target),
            Redirection::WriteBoth { append } => {
                let stream = create(sys, target, append)?;
                let saved = self.descriptors.redirect(sys, 1, Some(stream));
                let stream = sys.dup(1);
                return Ok(vec![saved, self.descriptors.redirect(sys, 2, Some(stream))]);
            }
            Redirection::Here { newline } => {
                let (reader, writer) = sys.pipe();
                let scratch = self.descriptors.park(sys, writer);
                let end = if newline { "\n" } else { "" };
                let reading = self.descriptors.redirect(sys, fd, Some(reader));
                sys.write(scratch, format!("{target}{end}").as_bytes());
                self.descriptors.close(sys, scratch);
                return Ok(vec![reading]);
            }
            Redirection::Read => sys.open(target).map_err(|errno| Failure::CannotOpen(target.to_owned(), errno))?,
            Redirection::Append => create(sys, target, true)?,
            Redirection::Write => create(sys, target, false)?,
        };
        Ok(vec![self.descriptors.redirect(sys, fd, Some(stream))])
    }

    /// `2>&1`, `>&-`, and bash's `>&file`.
    fn duplicate(&mut self, sys: &mut Sys<'_>, fd: usize, target: &str) -> Result<Vec<Saved>, Failure> {
        if target == "-" {
            return Ok(vec![self.descriptors.redirect(sys, fd, None)]);
        }
        let Ok(from) = target.parse::<usize>() else {
            return self.open(sys, fd, Redirection::WriteBoth { append: false }, target);
        };
        if !self.descriptors.is_open(from) {
            return Err(Failure::BadDescriptor(target.to_owned()));
        }
        let stream = sys.dup(from);
        Ok(vec![self.descriptors.redirect(sys, fd, Some(stream))])
    }
}

fn create(sys: &mut Sys<'_>, path: &str, append: bool) -> Result<Stream, Failure> {
    sys.create(path, append).map_err(|errno| Failure::CannotCreate(path.to_owned(), errno))
}
