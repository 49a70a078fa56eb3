//! The journal of a talk: what was asked and what came of it, in order, and the reader that a talk goes through it with.

use super::answer;
use super::known::{Known, Registry, Role};
use super::{Ask, Failure, Outcome, Question};
use crate::error::Error;

/// What was asked and answered.
#[derive(Clone, Debug, Default)]
pub struct Journal(Vec<(Question, Outcome)>);

/// Why a talk does not go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Halt {
    /// Something must be asked first.
    Ask(Box<Question>),
    /// It is over.
    Refused(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Journal {
    /// Notes what came of a question.
    pub fn note(&mut self, question: Question, outcome: Outcome) {
        self.0.push((question, outcome));
    }

    /// What takes back what the talk has made, the last first.
    #[must_use]
    pub fn undo(&self) -> Vec<Question> {
        let undo = |(question, outcome): &(Question, Outcome)| {
            let ask = question.ask.undo(outcome.as_ref().ok()?)?;
            Some(Question { plugin: question.plugin.clone(), ask })
        };
        self.0.iter().rev().filter_map(undo).collect()
    }
}

/// Goes through a journal from its beginning.
#[derive(Debug)]
pub struct Reader<'a> {
    journal: &'a Journal,
    at: usize,
    registry: &'a mut Registry,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning. What it learns of plugins it notes in the registry.
    pub const fn new(journal: &'a Journal, registry: &'a mut Registry) -> Self {
        Self { journal, at: 0, registry }
    }

    /// What comes of asking a plugin.
    ///
    /// # Errors
    /// `Ask` when there is no answer yet.
    fn outcome(&mut self, plugin: &str, ask: Ask) -> Result<&'a Outcome, Halt> {
        match self.journal.0.get(self.at) {
            Some((_, outcome)) => {
                self.at += 1;
                Ok(outcome)
            }
            None => Err(Halt::Ask(Box::new(Question { plugin: plugin.to_owned(), ask }))),
        }
    }

    /// What a plugin answers, read by `read`.
    ///
    /// # Errors
    /// `Ask` when there is no answer yet; what the plugin refuses, or what cannot be read, in libnetwork's words.
    pub fn ask<T>(&mut self, plugin: &str, ask: Ask, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, Halt> {
        let method = ask.method();
        let outcome = self.outcome(plugin, ask)?;
        answered(plugin, method, outcome).and_then(|body| read(body).map_err(Error::Plugin)).map_err(Halt::Refused)
    }

    /// What a plugin is. One that is not known yet is asked.
    ///
    /// # Errors
    /// `Ask`; it cannot be reached, or is no plugin for that.
    pub fn plugin(&mut self, name: &str, role: Role) -> Result<Known, Halt> {
        let next = self.journal.0.get(self.at);
        let asks = next.is_some_and(|(question, _)| question.plugin == name && question.ask == Ask::Activate);
        let known = match self.registry.get(name) {
            Some(known) if !asks => known.clone(),
            _ => {
                let known = self.activate(name)?;
                self.registry.learn(name, known.clone());
                known
            }
        };
        known.check(name, role)?;
        Ok(known)
    }

    fn activate(&mut self, name: &str) -> Result<Known, Halt> {
        let implements = self.ask(name, Ask::Activate, answer::implements).map_err(|halt| match halt {
            Halt::Refused(Error::Plugin(text)) => Halt::Refused(Error::Plugin(format!("legacy plugin: {text}"))),
            other => other,
        })?;
        let does = |role: Role| implements.iter().any(|word| word == role.word());
        let (networks, ipam) = (does(Role::Network), does(Role::Ipam));
        let mut known = Known { implements, ..Known::default() };
        // What goes wrong from here on only makes the plugin less than it says.
        if networks {
            known.network = self.tolerant(name, Ask::NetworkCapabilities, answer::network_capabilities)?;
        }
        if ipam {
            known.ipam = self.tolerant(name, Ask::IpamCapabilities, answer::ipam_capabilities)?.unwrap_or_default();
            known.space = self.tolerant(name, Ask::AddressSpaces, answer::address_space)?;
        }
        Ok(known)
    }

    /// What a plugin answers; none when it refuses.
    fn tolerant<T>(
        &mut self,
        plugin: &str,
        ask: Ask,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, Halt> {
        match self.ask(plugin, ask, read) {
            Ok(read) => Ok(Some(read)),
            Err(Halt::Refused(_)) => Ok(None),
            Err(halt) => Err(halt),
        }
    }

    /// Asks and does not mind what comes of it.
    ///
    /// # Errors
    /// `Ask` when there is no answer yet.
    pub fn mention(&mut self, plugin: &str, ask: Ask) -> Result<(), Halt> {
        self.outcome(plugin, ask).map(drop)
    }
}

/// The body of an answer.
fn answered<'o>(plugin: &str, method: &str, outcome: &'o Outcome) -> Result<&'o [u8], Error> {
    match outcome {
        Ok(body) => Ok(body),
        Err(Failure::Unknown) => Err(Error::PluginUnknown(plugin.to_owned())),
        Err(Failure::Broken(said)) => Err(Error::Plugin(said.clone())),
        Err(Failure::Refused(body)) => {
            // Where a plugin says so is the same for all, when it says so by HTTP.
            let said = answer::refusal(Role::Network, body);
            let said = said.unwrap_or_else(|| String::from_utf8_lossy(body).trim_end().to_owned());
            Err(Error::Plugin(format!("{method}: {said}")))
        }
    }
}
