//! Losses: frames that programs sent by TAP devices of the namespace that this process is in, and that the kernel dropped
//! since nobody had taken those before them. It counts them by the names of devices; here they are noticed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Where the kernel counts.
const TABLE: &str = "/proc/self/net/dev";
/// The column of dropped frames that were to be sent, after the name.
const COLUMN: usize = 11;
/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);

/// What is known of losses.
#[derive(Debug, Default)]
pub struct Losses {
    known: BTreeMap<String, u64>,
    looked: Option<Instant>,
}

impl Losses {
    /// How long until the next look.
    #[must_use]
    pub fn rest(&self) -> Duration {
        self.looked.map_or(Duration::ZERO, |looked| LOOK.saturating_sub(looked.elapsed()))
    }

    /// What was lost since the last look, by the names of devices.
    pub fn look(&mut self) -> Vec<(String, u64)> {
        self.looked = Some(Instant::now());
        self.compare(&fs::read_to_string(TABLE).unwrap_or_default())
    }

    fn compare(&mut self, table: &str) -> Vec<(String, u64)> {
        let now: BTreeMap<String, u64> = table.lines().filter_map(lost).collect();
        let more = now.iter().filter_map(|(name, count)| {
            // A device that was made anew counts from zero.
            let before = self.known.get(name).filter(|before| *before <= count).copied().unwrap_or_default();
            (*count > before).then(|| (name.clone(), count - before))
        });
        let more = more.collect();
        self.known = now;
        more
    }
}

/// The device in a line of the table, and how many frames it has dropped.
fn lost(line: &str) -> Option<(String, u64)> {
    let (name, counters) = line.split_once(':')?;
    Some((name.trim().to_owned(), counters.split_whitespace().nth(COLUMN)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let table = |count: u32| {
            format!(
                "Inter-|   Receive                 |  Transmit\n face |bytes    packets errs drop fifo frame \
                 compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 9 9 0 0 0 0 0 0 \
                 9 9 0 0 0 0 0 0\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 {count} 13 14 15 16\n"
            )
        };
        let mut losses = Losses::default();
        let mut told = |count| losses.compare(&table(count));
        let eth0 = |count| vec![("eth0".to_owned(), count)];
        assert_eq!([told(0), told(7), told(7), told(9), told(3)], [vec![], eth0(7), vec![], eth0(2), eth0(3)]);
    }
}
