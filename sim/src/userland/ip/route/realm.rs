//! Realms as they are typed and told: `realms 5/7`, or `realm 7` where only the destination has one.

use super::number;
use crate::route::Realms;
use crate::userland::json::Json;

/// The realm that has a name (`/etc/iproute2/rt_realms`).
const COSMOS: (u16, &str) = (0, "cosmos");

/// Realms as they are typed: one or two of them up to 255, or both as one number.
pub(super) fn parse(word: &str) -> Option<Realms> {
    let (from, to) = word.split_once('/').map_or((None, word), |(from, to)| (Some(from), to));
    // Behind a stroke there may be nothing.
    let to = if from.is_some() && to.is_empty() { Some(0) } else { one(to) };
    match (from.map_or(Some(0), one), to) {
        (Some(from), Some(to)) => Some(Realms { from, to }),
        _ => number(word).map(Realms::from),
    }
}

fn one(word: &str) -> Option<u16> {
    if word == COSMOS.1 {
        return Some(COSMOS.0);
    }
    number(word).and_then(|number| u8::try_from(number).ok()).map(u16::from)
}

fn name(realm: u16) -> String {
    if realm == COSMOS.0 { COSMOS.1.to_owned() } else { realm.to_string() }
}

/// Realms as words with a blank behind; nothing where there are none.
pub(super) fn text(realms: Realms) -> String {
    match realms {
        Realms::NONE => String::new(),
        Realms { from: 0, to } => format!("realm {} ", name(to)),
        Realms { from, to } => format!("realms {}/{} ", name(from), name(to)),
    }
}

/// The same as a field.
pub(in crate::userland::ip) fn json(realms: Realms) -> Option<(&'static str, Json)> {
    let mut fields: Vec<(&'static str, Json)> = Vec::new();
    fields.extend((realms.from != 0).then(|| ("from", name(realms.from).into())));
    fields.push(("to", name(realms.to).into()));
    (!realms.is_none()).then_some(("flow", Json::Object(fields)))
}

/// Which realms are meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    from: Option<u16>,
    to: Option<u16>,
}

impl Wanted {
    /// What is typed behind `realms` of `ip route show`: `5` is about the destination alone, `5/` about the source.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let Realms { from, to } = parse(word)?;
        let only_from = to == 0 && word.ends_with('/');
        let only_to = from == 0 && (!word.contains('/') || word.starts_with('/'));
        Some(Self { from: (!only_to).then_some(from), to: (!only_from).then_some(to) })
    }

    /// Whether these are meant.
    pub(super) fn includes(self, realms: Realms) -> bool {
        self.from.is_none_or(|from| from == realms.from) && self.to.is_none_or(|to| to == realms.to)
    }

    /// Whether both were said, so that they are not told again.
    pub(super) const fn is_whole(self) -> bool {
        self.from.is_some() && self.to.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realms_are_two_small_numbers_or_one_large_one() {
        assert_eq!(parse("5/7"), Some(Realms { from: 5, to: 7 }));
        assert_eq!(parse("cosmos"), Some(Realms::NONE));
        assert_eq!(parse("300"), Some(Realms { from: 0, to: 300 }));
        assert_eq!([parse("x"), parse("5/x"), parse("255/256")], [None; 3]);
        assert_eq!(text(Realms { from: 3, to: 0 }), "realms 3/cosmos ");
    }

    #[test]
    fn a_stroke_says_which_realm_is_wanted() {
        let includes = |word: &str, from, to| Wanted::parse(word).unwrap().includes(Realms { from, to });
        assert!(includes("7", 5, 7) && includes("5/", 5, 7) && includes("5/7", 5, 7));
        assert!(!includes("5", 5, 7) && !includes("5/", 0, 5));
    }
}
