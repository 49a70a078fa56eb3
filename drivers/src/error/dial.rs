//! What Go says of a connection that cannot be had (`net.OpError`), as Docker passes it on.

use core::fmt::Display;

/// `dial tcp 127.0.0.1:2379: connect: connection refused`. `why` is the error as C says it, with or without the number
/// that Rust puts behind.
pub fn dial(network: &str, at: impl Display, why: impl Display) -> String {
    let why = why.to_string().to_lowercase();
    format!("dial {network} {at}: connect: {}", why.split(" (os error").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_as_go_says_it() {
        let refused = "dial tcp 127.0.0.1:1: connect: connection refused";
        assert_eq!(dial("tcp", "127.0.0.1:1", "Connection refused (os error 111)"), refused);
        assert_eq!(dial("tcp", "127.0.0.1:1", "Connection refused"), refused);
    }
}
