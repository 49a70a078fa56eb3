//! Percent signs in the paths and queries of URLs, taken back. What has to be escaped is for those who write them to know.

/// The text of a part of a query, where a plus is a blank. What is no escape stays as it is.
pub(crate) fn decode_query(text: &str) -> String {
    decode_path(&text.replace('+', " "))
}

/// The same of a part of a path.
pub(crate) fn decode_path(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|two| core::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(decode_query("a+b%3dc%2C%zz"), "a b=c,%zz");
        assert_eq!(decode_path("a+b%2Fc%"), "a+b/c%");
    }
}
