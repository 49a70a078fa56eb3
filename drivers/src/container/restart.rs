//! Restart policies: whether a container that ended is started again, and after how long. When it is time is the engine's
//! affair.

use netyard_sim::time::Duration;

use crate::error::Error;

/// How long the first restart waits.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);
/// Who ran so long is trusted again: the next wait is the first one.
const SETTLED: Duration = Duration::from_secs(10);

/// When a container that ended is started again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RestartPolicy {
    /// Whatever its exit code.
    Always,
    /// Never.
    #[default]
    No,
    /// When it failed, and not more often than this unless it is 0.
    OnFailure {
        /// How often at most.
        at_most: u64,
    },
    /// As `Always`; with the engine it comes back only when nobody stopped it.
    UnlessStopped,
}

impl RestartPolicy {
    /// Reads what a client asks for.
    ///
    /// # Errors
    /// An unknown name, or a count that does not go with it.
    pub fn parse(name: &str, count: i64) -> Result<Self, Error> {
        let policy = match name {
            "" => return Ok(Self::No),
            "always" => Self::Always,
            "no" => Self::No,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => {
                let negative = |_| Error::BadParameter("maximum retry count cannot be negative".to_owned());
                return Ok(Self::OnFailure { at_most: u64::try_from(count).map_err(negative)? });
            }
            _ => return Err(Error::BadParameter(format!("invalid restart policy '{name}'"))),
        };
        if count == 0 {
            return Ok(policy);
        }
        Err(Error::BadParameter(format!("maximum retry count cannot be used with restart policy '{name}'")))
    }
}

impl RestartPolicy {
    /// Whether a container that ended with `code` comes back when the engine does.
    #[must_use]
    pub const fn returns(self, code: i32, by_hand: bool) -> bool {
        match self {
            Self::Always => true,
            Self::No => false,
            Self::OnFailure { .. } => code != 0,
            Self::UnlessStopped => !by_hand,
        }
    }
}

/// What the restarts of a container have come to since somebody started it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Restarts {
    /// How often it was started again.
    pub count: u64,
    /// Whether somebody sent it a signal: it is not started again then.
    pub cancelled: bool,
    /// Whether somebody other than the engine stopped it.
    pub by_hand: bool,
    wait: Duration,
}

impl Restarts {
    /// How long to wait before the next start, when there is one. `ran` is for how long the container did.
    pub fn after(&mut self, policy: RestartPolicy, code: i32, ran: Duration) -> Option<Duration> {
        if policy == RestartPolicy::No || self.cancelled {
            return None;
        }
        self.wait = match self.wait {
            _ if ran >= SETTLED => FIRST,
            Duration::ZERO => FIRST,
            wait => (wait * 2).min(LONGEST),
        };
        let again = match policy {
            RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
            RestartPolicy::OnFailure { at_most } => code != 0 && (at_most == 0 || self.count < at_most),
            RestartPolicy::No => false,
        };
        self.count += u64::from(again);
        again.then_some(self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(policy: RestartPolicy, codes: &[i32]) -> Vec<Option<u128>> {
        let mut restarts = Restarts::default();
        let wait = |code: &i32| restarts.after(policy, *code, Duration::from_secs(1)).map(|wait| wait.as_millis());
        codes.iter().map(wait).collect()
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
        assert_eq!(waits(RestartPolicy::Always, &[0; 12]), expected.map(Some));
    }

    #[test]
    fn failures_are_counted_and_a_success_is_the_end() {
        assert_eq!(waits(RestartPolicy::OnFailure { at_most: 2 }, &[1, 1, 1]), [Some(100), Some(200), None]);
        assert_eq!(waits(RestartPolicy::OnFailure { at_most: 0 }, &[1, 0]), [Some(100), None]);
        assert_eq!(waits(RestartPolicy::No, &[1]), [None]);
    }

    #[test]
    fn ten_seconds_of_life_make_the_wait_short_again() {
        let mut restarts = Restarts::default();
        for (ran, expected) in [(1, 100), (1, 200), (10, 100), (9, 200)] {
            let wait = restarts.after(RestartPolicy::UnlessStopped, 0, Duration::from_secs(ran));
            assert_eq!(wait, Some(Duration::from_millis(expected)));
        }
        restarts.cancelled = true;
        assert_eq!(restarts.after(RestartPolicy::Always, 1, Duration::ZERO), None);
    }

    #[test]
    fn a_policy_is_read_in_the_words_of_the_engine() {
        let refused = |name, count| RestartPolicy::parse(name, count).expect_err(name).to_string();
        assert_eq!(RestartPolicy::parse("", 5), Ok(RestartPolicy::No));
        assert_eq!(RestartPolicy::parse("on-failure", 3), Ok(RestartPolicy::OnFailure { at_most: 3 }));
        assert_eq!(refused("banana", 0), "invalid restart policy 'banana'");
        assert_eq!(refused("no", 5), "maximum retry count cannot be used with restart policy 'no'");
        assert_eq!(refused("on-failure", -5), "maximum retry count cannot be negative");
    }
}
