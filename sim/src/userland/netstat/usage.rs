//! What `netstat` says to a command line that it does not understand.

use crate::userland::Flavour;
use crate::userland::getopt::OptError;

const HOST: &str = include_str!("host_usage.txt");
const BUSYBOX: &str = include_str!("busybox_usage.txt");

/// The page of net-tools.
pub(super) fn page() -> String {
    HOST.to_owned()
}

/// The text and the exit code.
pub(super) fn refusal(error: &OptError, flavour: Flavour) -> (String, i32) {
    match flavour {
        Flavour::Host => (format!("netstat: {error}\n{HOST}"), 3),
        Flavour::Busybox => (error.text("netstat", BUSYBOX.trim_end(), flavour), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_what_they_know() {
        let (text, code) = refusal(&OptError::Invalid('p'), Flavour::Busybox);
        assert!(text.starts_with("netstat: invalid option -- 'p'\nBusyBox v1.35.0"), "{text}");
        assert!(text.ends_with("Usage: netstat [-ral] [-tuwx] [-en]\n\nDisplay networking information\n\n\t-r\tRouting table\n\
            \t-a\tAll sockets\n\t-l\tListening sockets\n\t\tElse: connected sockets\n\t-t\tTCP sockets\n\t-u\tUDP sockets\n\
            \t-w\tRaw sockets\n\t-x\tUnix sockets\n\t\tElse: all socket types\n\t-e\tOther/more information\n\
            \t-n\tDon't resolve names\n"), "{text}");
        assert_eq!(code, 1);
        assert!(refusal(&OptError::Invalid('z'), Flavour::Host).0.contains("usage: netstat [-vWeenNcCF]"));
    }
}
