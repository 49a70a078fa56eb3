//! Base 64 (RFC 4648 §4), of headers and of the program of that name.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as letters, filled up with `=` to groups of four.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at) & 63) as usize;
            text.push(if at <= group.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    text
}

/// The bytes that letters stand for; none when one of them is no letter of base 64. What fills up the end may be missing.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3);
    for group in letters.chunks(4) {
        let six = |letter: &u8| ALPHABET.iter().position(|known| known == letter).and_then(|at| u32::try_from(at).ok());
        let bits =
            group.iter().try_fold(0_u32, |bits, letter| Some(bits << 6 | six(letter)?))? << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_ends_with_as_many_signs_as_are_missing() {
        let texts = ["", "f", "fo", "foo", "foob"];
        let encoded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="];
        assert_eq!(texts.map(|text| encode(text.as_bytes())), encoded);
        assert_eq!(encoded.map(|text| decode(text).expect("base 64")), texts.map(|text| text.as_bytes().to_vec()));
        assert_eq!(decode("Z g="), None);
    }
}
