//! The time between the end of a program and that of its namespaces: what it has sent over TCP is still to be delivered by
//! the kernel, which forgets it with the namespaces.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long is waited at most: whoever does not take what was sent by then does not get it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(2);
/// The connections of the namespace of networks that this process is in.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// States of a connection whose end, or data before that, the peer has not acknowledged: FIN-WAIT-1, LAST-ACK, CLOSING.
const LEAVING: [&str; 3] = ["04", "09", "0B"];

/// Waits until everything that was sent has arrived.
pub fn wait() {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline
        && TABLES.iter().any(|table| is_sending(&fs::read_to_string(table).unwrap_or_default()))
    {
        sleep(PAUSE);
    }
}

/// Whether a table of connections has one that still sends.
fn is_sending(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(3);
        let (state, queues) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let unsent = queues.split(':').next().is_some_and(|unsent| unsent.bytes().any(|digit| digit != b'0'));
        LEAVING.contains(&state) || (unsent && state == "01")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_sends_until_its_end_is_acknowledged() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";
        let line = |rest: &str| format!("{head}   0: 0400A8C0:0009 0500A8C0:C8BC {rest} 00:00000000 00000000\n");
        assert!(is_sending(&line("01 00000010:00000000")));
        assert!(is_sending(&line("04 00000000:00000000")));
        assert!(!is_sending(&line("01 00000000:00000200")));
        assert!(!is_sending(&line("0A 00000000:00000000")));
        assert!(!is_sending(head));
    }
}
