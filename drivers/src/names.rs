//! Names of containers: which are allowed, what an id or name refers to, and the ones that the engine makes up. Names of
//! networks are hardly checked (oracle fact 13); names in DNS are another matter.

mod words;

use netyard_sim::rng::Rng;

use crate::error::Error;
use words::{ADJECTIVES, SURNAMES};

/// Checks a container name; `shown` is how the refusal repeats it.
///
/// # Errors
/// `InvalidContainerName` when it is shorter than two characters or has one that is not allowed.
pub fn check_container_name(name: &str, shown: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let goes_on = bytes.len() > 0 && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if begins && goes_on { Ok(()) } else { Err(Error::InvalidContainerName(shown.to_owned())) }
}

/// A name such as `patient_hopper` that `taken` does not know. When a draw is taken it gets a digit, as in Docker.
pub fn random_container_name(rng: &mut Rng, taken: impl Fn(&str) -> bool) -> String {
    let mut name = draw(rng);
    while taken(&name) {
        name = format!("{}{}", draw(rng), rng.below(10));
    }
    name
}

fn draw(rng: &mut Rng) -> String {
    format!("{}_{}", pick(rng, ADJECTIVES), pick(rng, SURNAMES))
}

fn pick<'a>(rng: &mut Rng, words: &[&'a str]) -> &'a str {
    let at = rng.below(words.len() as u64);
    words[usize::try_from(at).expect("it is below the length of a list")]
}

#[cfg(test)]
mod tests {
    use netyard_sim::rng::Seed;

    use super::*;

    #[test]
    fn a_container_name_has_two_characters_or_more_of_a_small_set() {
        for good in ["c1", "container1", "a_b.c-d", "0x"] {
            assert_eq!(check_container_name(good, good), Ok(()), "{good}");
        }
        for bad in ["", "x", "-x", "_x", "bad name", "a/b", "ä1"] {
            assert!(check_container_name(bad, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn made_up_names_are_allowed_and_avoid_the_taken_ones() {
        let mut rng = Seed(3).stream("names");
        let first = random_container_name(&mut rng, |_| false);
        assert_eq!(check_container_name(&first, &first), Ok(()));
        let mut again = Seed(3).stream("names");
        let other = random_container_name(&mut again, |name| name == first);
        assert_ne!(other, first);
        assert!(other.ends_with(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn every_word_is_lower_case_and_there_once() {
        for words in [ADJECTIVES, SURNAMES] {
            assert!(words.iter().all(|w| w.bytes().all(|b| b.is_ascii_lowercase())));
            assert!(words.is_sorted_by(|a, b| a < b));
        }
    }
}
