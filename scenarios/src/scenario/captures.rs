//! What the named masks of a scenario stood for so far: the second `[ID:net1]` must be what the first one was.
//!
//! It is a journal: matching binds names as it goes and takes back what a wrong turn bound. `[SHORTID:x]` and `[ID:x]`
//! are one name, of which the short one is the beginning of the other, as in Docker's own output.

use super::mask::Mask;

/// The names bound so far, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    bound: Vec<Bound>,
}

#[derive(Clone, Debug)]
struct Bound {
    mask: Mask,
    name: String,
    value: String,
}

impl Captures {
    /// What `name` stands for, when it is bound for a mask of the kind of `mask`.
    #[must_use]
    pub fn value(&self, mask: Mask, name: &str) -> Option<&str> {
        let same = |bound: &&Bound| bound.name == name && kind(bound.mask) == kind(mask);
        self.bound.iter().filter(same).map(|bound| bound.value.as_str()).max_by_key(|value| value.len())
    }

    /// Binds `name` to `value`; false when it stands for something else already.
    pub fn bind(&mut self, mask: Mask, name: &str, value: &str) -> bool {
        match self.value(mask, name) {
            Some(known) if known == value => return true,
            Some(known) if !extends(mask, known, value) => return false,
            _ => self.bound.push(Bound { mask, name: name.to_owned(), value: value.to_owned() }),
        }
        true
    }

    /// The present length of the journal, for [`Captures::rewind`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.bound.len()
    }

    /// Forgets all that was bound since `mark`.
    pub fn rewind(&mut self, mark: usize) {
        self.bound.truncate(mark);
    }
}

/// Whether two different values of a name agree: one is the short form of the other.
fn extends(mask: Mask, known: &str, value: &str) -> bool {
    kind(mask) == Mask::Id && (known.starts_with(value) || value.starts_with(known))
}

/// Masks of one kind share their names.
const fn kind(mask: Mask) -> Mask {
    match mask {
        Mask::ShortId => Mask::Id,
        Mask::Id | Mask::Mac | Mask::Time | Mask::Veth => mask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_thing() {
        let mut captures = Captures::default();
        assert!(captures.bind(Mask::Mac, "c1", "02:42:ac:11:00:02"));
        assert!(captures.bind(Mask::Mac, "c1", "02:42:ac:11:00:02"));
        assert!(!captures.bind(Mask::Mac, "c1", "02:42:ac:11:00:03"));
        assert!(captures.bind(Mask::Veth, "c1", "veth0a1b2c3"), "another kind is another name");
    }

    #[test]
    fn a_short_id_is_the_beginning_of_its_id() {
        let long = format!("7917c78e322d{}", "0".repeat(52));
        let mut captures = Captures::default();
        assert!(captures.bind(Mask::ShortId, "net", "7917c78e322d"));
        assert!(captures.bind(Mask::Id, "net", &long));
        assert!(captures.bind(Mask::ShortId, "net", "7917c78e322d"));
        assert!(!captures.bind(Mask::Id, "net", &"7".repeat(64)));
        assert_eq!(captures.value(Mask::ShortId, "net"), Some(long.as_str()));
    }

    #[test]
    fn a_wrong_turn_is_forgotten() {
        let mut captures = Captures::default();
        let mark = captures.mark();
        assert!(captures.bind(Mask::Time, "t", "3s"));
        captures.rewind(mark);
        assert_eq!(captures.value(Mask::Time, "t"), None);
        assert!(captures.bind(Mask::Time, "t", "3s ago") && !captures.bind(Mask::Time, "t", "3s"));
    }
}
