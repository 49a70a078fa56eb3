//! Join tokens, `SWMTKN-1-DIGEST-SECRET`: by the digest a node knows the cluster that it is told of, by the secret the
//! cluster knows what the node may become. Digits are those of base 36.

use core::fmt;

use netyard_sim::rng::Rng;
use serde::{Deserialize, Serialize};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const DIGEST_LEN: usize = 50;
const SECRET_LEN: usize = 25;

/// A token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Token {
    digest: String,
    secret: String,
}

impl Token {
    /// A token with a new secret.
    pub fn random(digest: &str, rng: &mut Rng) -> Self {
        Self { digest: digest.to_owned(), secret: digits(rng, SECRET_LEN) }
    }

    /// Reads a token; none when it is not written like one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (Some("SWMTKN"), Some("1"), Some(digest), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let fits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| DIGITS.contains(&b));
        let fits = fits(digest, DIGEST_LEN) && fits(secret, SECRET_LEN);
        fits.then(|| Self { digest: digest.to_owned(), secret: secret.to_owned() })
    }

    /// What it says of the cluster.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SWMTKN-1-{}-{}", self.digest, self.secret)
    }
}

/// The digest of a new cluster: 256 bits.
pub fn digest(rng: &mut Rng) -> String {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    let mut text = Vec::new();
    for _ in 0..DIGEST_LEN {
        let mut rest = 0_u16;
        for byte in &mut bytes {
            let all = (rest << 8) | u16::from(*byte);
            *byte = u8::try_from(all / 36).expect("what is left of 36 is less than 36");
            rest = all % 36;
        }
        text.push(DIGITS[usize::from(rest)]);
    }
    text.iter().rev().map(|digit| char::from(*digit)).collect()
}

/// The key of managers that are locked when they start: 256 bits in base 64.
pub fn unlock_key(rng: &mut Rng) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = [0; 33];
    rng.fill(&mut bytes[..32]);
    let groups = bytes.chunks(3).flat_map(|three| {
        let all = three.iter().fold(0_u32, |all, byte| (all << 8) | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[usize::try_from((all >> shift) & 63).expect("six bits")]))
    });
    // The last byte is none, and so is the last letter.
    format!("SWMKEY-1-{}", groups.take(43).collect::<String>())
}

/// Whether a text is written like such a key.
#[must_use]
pub fn is_unlock_key(text: &str) -> bool {
    let secret = text.strip_prefix("SWMKEY-1-");
    secret.is_some_and(|secret| {
        secret.len() == 43 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
    })
}

/// A digest as hexadecimal digits, as errors show it.
#[must_use]
pub fn hexadecimal(digest: &str) -> String {
    let mut bytes = [0_u8; 32];
    for digit in digest.bytes().filter_map(|b| DIGITS.iter().position(|d| *d == b)) {
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            let all = usize::from(*byte) * 36 + carry;
            *byte = u8::try_from(all & 0xff).expect("it is one byte");
            carry = all >> 8;
        }
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digits(rng: &mut Rng, len: usize) -> String {
    (0..len).map(|_| char::from(DIGITS[usize::try_from(rng.below(36)).expect("it is small")])).collect()
}

#[cfg(test)]
mod tests {
    use netyard_sim::rng::Seed;

    use super::*;

    #[test]
    fn a_key_of_managers_is_one_and_a_token_is_none() {
        let key = unlock_key(&mut Seed(1).stream("cluster"));
        assert!(is_unlock_key(&key), "{key}");
        assert!(!is_unlock_key("SWMKEY-1-x") && !is_unlock_key(&key.replace("SWMKEY", "SWMTKN")));
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let rng = &mut Seed(1).stream("tokens");
        let token = Token::random(&digest(rng), rng);
        assert_eq!(Token::parse(&token.to_string()), Some(token));
        for wrong in ["", "SWMTKN-1-wrong", "SWMTKN-2-a-b", "SWMTKN-1-a-b-c"] {
            assert_eq!(Token::parse(wrong), None);
        }
    }

    #[test]
    fn a_digest_has_two_spellings() {
        let digest = "3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl";
        assert_eq!(hexadecimal(digest), "9529c6f3c5558ac3ec02b338a52d3c5434e0835a8af6f1e124649e87afaa2fb5");
    }
}
