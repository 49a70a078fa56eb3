//! The terminals of a site, one a place. Each stays open between commands, so that variables, directories and jobs live
//! on. What a background job prints is shown where a terminal would show it: with the next command of its place.

use std::collections::BTreeMap;
use std::time::Duration;

use netyard_drivers::site::{Site, TerminalEvent, TerminalId};
use netyard_sim::time::Instant;

/// How much virtual time passes between two looks at limits of another kind.
const SLICE: Duration = Duration::from_secs(1);

/// The open terminals.
#[derive(Clone, Debug, Default)]
pub struct Consoles {
    /// By place.
    terminals: BTreeMap<String, TerminalId>,
    /// What terminals that closed had shown since the last command of their place.
    last_words: BTreeMap<String, Vec<u8>>,
}

/// What came of a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ended<L> {
    /// Its exit code, or the limit that was up before it was done.
    pub end: Result<i32, L>,
    /// What its terminal showed.
    pub output: String,
}

impl Consoles {
    /// Opens the terminal of a place unless it is open; false when there is no such place or no shell in it.
    pub fn open(&mut self, site: &mut Site, place: &str) -> bool {
        if self.terminals.contains_key(place) {
            return true;
        }
        let opened = site.place(place).and_then(|found| site.open_terminal(&found).ok());
        self.terminals.extend(opened.map(|terminal| (place.to_owned(), terminal)));
        opened.is_some()
    }

    /// Types a command in the open terminal of a place and lets time pass until it is done, or until a limit is up:
    /// that of virtual time, `until`, or another, which is looked at each second of virtual time.
    ///
    /// # Panics
    /// When the terminal is not open.
    pub fn play<L>(
        &mut self,
        site: &mut Site,
        place: &str,
        command: &str,
        until: Instant,
        is_up: impl Fn(&Site) -> Option<L>,
    ) -> Ended<L> {
        self.play_by(site, place, command, |site| site.run(until.min(site.now() + SLICE)), is_up)
    }

    /// The same, where it is `run` that lets some time pass and says what a terminal says; limits are looked at whenever
    /// none does.
    ///
    /// # Panics
    /// When the terminal is not open.
    pub fn play_by<L>(
        &mut self,
        site: &mut Site,
        place: &str,
        command: &str,
        run: impl FnMut(&mut Site) -> Option<TerminalEvent>,
        is_up: impl Fn(&Site) -> Option<L>,
    ) -> Ended<L> {
        self.enter(site, place, command);
        let end = self.wait(site, self.terminals[place], run, is_up);
        Ended { end, output: self.shown(site, place) }
    }

    /// Types a command in the open terminal of a place.
    ///
    /// # Panics
    /// When the terminal is not open.
    pub fn enter(&self, site: &mut Site, place: &str, command: &str) {
        site.enter(self.terminals[place], command);
    }

    /// Lets time pass until the command at a place is done, which gives its exit code, or at most until `until`.
    ///
    /// # Panics
    /// When the terminal is not open.
    pub fn go_on(&mut self, site: &mut Site, place: &str, until: Instant) -> Option<i32> {
        let run = |site: &mut Site| site.run(until.min(site.now() + SLICE));
        self.wait(site, self.terminals[place], run, |site| (site.now() >= until).then_some(())).ok()
    }

    /// Lets time pass until `until`, whatever is done meanwhile.
    pub fn pass(&mut self, site: &mut Site, until: Instant) {
        while let Some(event) = site.run(until) {
            if let TerminalEvent::Closed { terminal, .. } = event {
                self.close(site, terminal);
            }
        }
    }

    /// Interrupts what runs at a place, as somebody at its keyboard would.
    pub fn interrupt(&self, site: &mut Site, place: &str) {
        if let Some(terminal) = self.terminals.get(place) {
            site.interrupt(*terminal);
        }
    }

    /// Leaves the terminal of a place; the next command there opens another.
    pub fn leave(&mut self, place: &str) {
        self.terminals.remove(place);
    }

    /// What the terminal of a place has shown since it was last looked at.
    pub fn shown(&mut self, site: &mut Site, place: &str) -> String {
        let mut output = self.last_words.remove(place).unwrap_or_default();
        if let Some(terminal) = self.terminals.get(place) {
            output.extend(site.output(*terminal));
        }
        String::from_utf8_lossy(&output).into_owned()
    }

    fn wait<L>(
        &mut self,
        site: &mut Site,
        terminal: TerminalId,
        mut run: impl FnMut(&mut Site) -> Option<TerminalEvent>,
        is_up: impl Fn(&Site) -> Option<L>,
    ) -> Result<i32, L> {
        loop {
            match run(site) {
                Some(TerminalEvent::Ready { terminal: ready, status }) if ready == terminal => return Ok(status),
                Some(TerminalEvent::Closed { terminal: closed, status }) => {
                    self.close(site, closed);
                    if closed == terminal {
                        return Ok(status);
                    }
                }
                Some(TerminalEvent::Ready { .. }) => {}
                None => is_up(site).map_or(Ok(()), Err)?,
            }
        }
    }

    /// Forgets a terminal whose shell ended; the next command of its place opens another.
    fn close(&mut self, site: &mut Site, terminal: TerminalId) {
        let Some(place) = self.terminals.iter().find(|(_, open)| **open == terminal).map(|(place, _)| place.clone())
        else {
            return;
        };
        self.terminals.remove(&place);
        let said = site.output(terminal);
        self.last_words.entry(place).or_default().extend(said);
    }
}
