//! `ip monitor`: what changes in a network, told until it is interrupted. It looks at the network again whenever something
//! was done, and tells what is different.

mod picture;

use super::{Error, Family, Options, Outcome, Refusal, Stamp, Words, matching, netns};
use crate::device::IfIndex;
use crate::fabric::NamespaceId;
use crate::userland::{Program, Step, Sys};
use picture::{Picture, Subject, Tiding};
use time::macros::format_description;

/// The words for what is listened to; those without a subject are things that never happen here.
const SUBJECTS: [(&str, Option<Subject>); 11] = [
    ("link", Some(Subject::Link)),
    ("address", Some(Subject::Address)),
    ("route", Some(Subject::Route)),
    ("mroute", None),
    ("prefix", None),
    ("neigh", Some(Subject::Neighbour)),
    ("netconf", None),
    ("rule", Some(Subject::Rule)),
    ("nsid", Some(Subject::Nsid)),
    ("nexthop", Some(Subject::Nexthop)),
    ("stats", None),
];

/// A running monitor.
#[derive(Clone)]
struct Monitor {
    namespace: NamespaceId,
    options: Options,
    /// What is told; everything when nothing was named.
    subjects: Vec<Option<Subject>>,
    device: Option<IfIndex>,
    label: bool,
    last: Option<Picture>,
}

pub(super) fn run(
    sys: &mut Sys<'_>,
    namespace: NamespaceId,
    options: &Options,
    mut words: Words,
) -> Result<Outcome, Error> {
    let (mut subjects, mut device, mut label) = (Vec::new(), None, false);
    let mut is_all = false;
    while let Some(word) = words.take_next() {
        match word.as_str() {
            "file" => {
                let file = words.value()?;
                let is_there = sys.files().read(&sys.absolute(&file)).is_ok();
                // What rtmon writes is not read here.
                return Err(if is_there { Refusal::NotSupported.into() } else { Error::NoFile });
            }
            "label" => label = true,
            "all-nsid" => {}
            "all" => is_all = true,
            "dev" => device = Some(super::device(sys, namespace, &words.value()?)?),
            "" => return Err(Error::UnknownArgument(word)),
            _ if "help".starts_with(word.as_str()) => return Err(Error::Help),
            _ => subjects.push(matching(&word, &SUBJECTS).ok_or(Error::UnknownArgument(word))?),
        }
    }
    if is_all {
        subjects.clear();
    }
    let monitor = Monitor { namespace, options: options.clone(), subjects, device, label, last: None };
    Ok(Outcome::Own(Box::new(monitor)))
}

impl Monitor {
    fn wants(&self, tiding: &Tiding) -> bool {
        let family = match (self.options.family, tiding.family) {
            (Family::Any, _) => true,
            (Family::Link, family) => family == Family::Any,
            (wanted, family) => wanted == family,
        };
        let subject = self.subjects.is_empty() || self.subjects.contains(&Some(tiding.subject));
        // Next hops are told of whatever device they are by.
        let device = self.device.is_none() || self.device == tiding.device || tiding.subject == Subject::Nexthop;
        family && subject && device
    }

    fn line(&self, sys: &Sys<'_>, tiding: &Tiding) -> String {
        let label = if self.label { tiding.subject.label() } else { "" };
        let gone = if tiding.gone { "Deleted " } else { "" };
        format!("{}{label}{gone}{}", stamp(sys, self.options.timestamp), tiding.text)
    }
}

/// When it is, as it is asked for.
fn stamp(sys: &Sys<'_>, stamp: Stamp) -> String {
    let now = sys.epoch().utc(sys.now());
    let micros = now.microsecond();
    let short = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let long = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    match stamp {
        Stamp::None => String::new(),
        Stamp::Short => format!("[{}.{micros:06}] ", now.format(short).unwrap_or_default()),
        Stamp::Long => format!("Timestamp: {} {micros:06} usec\n", now.format(long).unwrap_or_default()),
    }
}

impl Program for Monitor {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let names = netns::names(sys);
        let now = sys.now();
        if !sys.fabric().exists(self.namespace) {
            return Step::Wait(None);
        }
        let here = sys.fabric().namespace(self.namespace);
        let new = Picture::of(here, &names, self.device, now, &self.options);
        match self.last.replace(new) {
            None => sys.listen(),
            Some(old) => {
                let changes = self.last.as_ref().map(|new| old.changes(new)).unwrap_or_default();
                let told: Vec<&Tiding> = changes.iter().filter(|tiding| self.wants(tiding)).collect();
                let text: String = told.into_iter().map(|tiding| self.line(sys, tiding)).collect();
                if !text.is_empty() {
                    sys.print(text);
                }
            }
        }
        Step::Wait(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listened_to_may_be_shortened() {
        assert_eq!(matching("addr", &SUBJECTS), Some(Some(Subject::Address)));
        assert_eq!(matching("n", &SUBJECTS), Some(Some(Subject::Neighbour)));
        assert_eq!(matching("x", &SUBJECTS), None);
    }
}
