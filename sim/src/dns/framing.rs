//! DNS messages in a stream: each has its length before it (RFC 1035 §4.2.2).

/// Puts a message behind what waits to be sent. One that is too long for the two bytes is none.
pub fn put(unsent: &mut Vec<u8>, message: &[u8]) {
    if let Ok(len) = u16::try_from(message.len()) {
        unsent.extend_from_slice(&len.to_be_bytes());
        unsent.extend_from_slice(message);
    }
}

/// Takes the first message out of what came, once it is whole.
#[must_use]
pub fn take(received: &mut Vec<u8>) -> Option<Vec<u8>> {
    let [high, low, rest @ ..] = received.as_slice() else { return None };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let message = rest.get(..len)?.to_vec();
    received.drain(..2 + len);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_once_it_is_whole() {
        let mut stream = Vec::new();
        put(&mut stream, b"abc");
        put(&mut stream, b"d");
        put(&mut stream, &[0; 65536]);
        let mut late = stream.split_off(4);
        assert_eq!(take(&mut stream), None);
        stream.append(&mut late);
        assert_eq!(
            [take(&mut stream), take(&mut stream), take(&mut stream)],
            [Some(b"abc".into()), Some(b"d".into()), None]
        );
    }
}
