//! `-m time`: dates, times of day, days of the week and of the month. Time is UTC here, for the kernel too.

use core::fmt;

use time::OffsetDateTime;

use super::Argument;
use crate::filter::Usage;

const DAY: u32 = 24 * 60 * 60;
/// The last second that 32 bits can tell (2038-01-19), which the kernel takes where no end was said.
const LAST: u32 = i32::MAX as u32;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// Seconds since 1970.
    dates: (u32, u32),
    /// Seconds since midnight; the second may be before the first.
    times: (u32, u32),
    /// Bits 1 to 31.
    month_days: u32,
    /// Bits 1, Monday, to 7.
    week_days: u8,
    local: bool,
    contiguous: bool,
}

impl Default for Time {
    fn default() -> Self {
        let (month_days, week_days) = (!1, 0xfe);
        Self { dates: (0, LAST), times: (0, DAY - 1), month_days, week_days, local: false, contiguous: false }
    }
}

impl Time {
    pub(super) fn parse(&mut self, argument: &mut Argument<'_, '_>) -> Result<bool, Usage> {
        match argument.name {
            "datestart" => self.dates.0 = date(argument.value()?)?,
            "datestop" => self.dates.1 = date(argument.value()?)?,
            "timestart" => self.times.0 = time_of_day(argument.value()?)?,
            "timestop" => self.times.1 = time_of_day(argument.value()?)?,
            "monthdays" => {
                let days = month_days(argument.value()?)?;
                self.month_days = if argument.negated { !days & !1 } else { days };
            }
            "weekdays" => {
                let days = week_days(argument.value()?)?;
                self.week_days = if argument.negated { !days & !1 } else { days };
            }
            "kerneltz" => self.local = true,
            "contiguous" => self.contiguous = true,
            "utc" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) const fn check(&self) -> Result<(), Usage> {
        if self.contiguous && self.times.0 < self.times.1 {
            return Err(Usage::Said("time: --contiguous only makes sense when stoptime is smaller than starttime"));
        }
        Ok(())
    }

    /// Whether a moment is one of those meant. What goes on over midnight is of the day that it began on only when it is
    /// said to be contiguous.
    pub(super) fn matches(&self, now: OffsetDateTime) -> bool {
        let stamp = u32::try_from(now.unix_timestamp()).unwrap_or(u32::MAX);
        if stamp < self.dates.0 || stamp > self.dates.1 {
            return false;
        }
        let second = stamp % DAY;
        let (start, stop) = self.times;
        let mut day = now.date();
        if start < stop {
            if second < start || second > stop {
                return false;
            }
        } else {
            if second < start && second > stop {
                return false;
            }
            // Before the end it still is the day before.
            if self.contiguous && second < stop {
                day = day.previous_day().unwrap_or(day);
            }
        }
        let week = 1u8 << day.weekday().number_from_monday();
        self.week_days & week != 0 && self.month_days & (1 << day.day()) != 0
    }

    fn month_list(&self, name: impl Fn(u32) -> String) -> String {
        let days: Vec<String> = (1..32).filter(|day| self.month_days & (1 << day) != 0).map(name).collect();
        days.join(",")
    }

    fn week_list(&self) -> String {
        let meant = (1..).zip(DAYS).filter(|(day, _)| self.week_days & (1u8 << day) != 0);
        meant.map(|(_, name)| name).collect::<Vec<_>>().join(",")
    }

    fn has_times(&self) -> bool {
        self.times != (0, DAY - 1)
    }

    fn has_month_days(&self) -> bool {
        self.month_days != !1
    }

    fn has_week_days(&self) -> bool {
        self.week_days != 0xfe
    }

    pub(super) fn describe(&self) -> String {
        let mut text = "TIME".to_owned();
        if self.has_times() {
            text += &format!(" from {} to {}", clock(self.times.0), clock(self.times.1));
        }
        if self.has_week_days() {
            text += &format!(" on {}", self.week_list());
        }
        if self.has_month_days() {
            text += &format!(" on {}", self.month_list(|day| format!("{day}{}", ending(day))));
        }
        if self.dates.0 != 0 {
            text += &format!(" starting from {}", calendar(self.dates.0, ' '));
        }
        if self.dates.1 != LAST {
            text += &format!(" until date {}", calendar(self.dates.1, ' '));
        }
        text += if self.local { "" } else { " UTC" };
        text + if self.contiguous { " contiguous" } else { "" }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_times() {
            write!(f, " --timestart {} --timestop {}", clock(self.times.0), clock(self.times.1))?;
        }
        if self.has_month_days() {
            write!(f, " --monthdays {}", self.month_list(|day| day.to_string()))?;
        }
        if self.has_week_days() {
            write!(f, " --weekdays {}", self.week_list())?;
        }
        if self.dates.0 != 0 {
            write!(f, " --datestart {}", calendar(self.dates.0, 'T'))?;
        }
        write!(f, " --datestop {}", calendar(self.dates.1, 'T'))?;
        f.write_str(if self.local { " --kerneltz" } else { "" })?;
        f.write_str(if self.contiguous { " --contiguous" } else { "" })
    }
}

/// The ending of a number as iptables has it, which knows no exceptions below 20 but for the last digit's.
const fn ending(day: u32) -> &'static str {
    match day % 10 {
        1 => "st",
        2 => "nd",
        3 => "rd",
        _ => "th",
    }
}

fn clock(seconds: u32) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn calendar(seconds: u32, between: char) -> String {
    let at = OffsetDateTime::from_unix_timestamp(i64::from(seconds)).expect("32 bits of seconds end in 2106");
    format!("{}{between}{}", at.date(), clock(seconds % DAY))
}

fn time_of_day(text: &str) -> Result<u32, Usage> {
    let wrong = || {
        let form = "should be hh:mm[:ss] format and within the boundaries";
        Usage::Text(format!("invalid time \"{text}\" specified, {form}"))
    };
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([hours @ 0..24, minutes @ 0..60]) => Ok(hours * 3600 + minutes * 60),
        Some([hours @ 0..24, minutes @ 0..60, seconds @ 0..60]) => Ok(hours * 3600 + minutes * 60 + seconds),
        _ => Err(wrong()),
    }
}

/// `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`
fn date(text: &str) -> Result<u32, Usage> {
    let form = "Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]";
    read_date(text).ok_or_else(|| Usage::Text(format!("Invalid date \"{text}\" specified. {form}")))
}

fn read_date(text: &str) -> Option<u32> {
    let (day, clock) = text.split_once('T').unwrap_or((text, "0"));
    let mut parts = day.split('-').map(|part| part.parse::<u16>().ok());
    let year = parts.next()??;
    let month = parts.next().unwrap_or(Some(1))?;
    let day = parts.next().unwrap_or(Some(1))?;
    let mut clock = clock.split(':').map(|part| part.parse::<u8>().ok());
    let mut next = || clock.next().unwrap_or(Some(0));
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let at = date.with_hms(hours, minutes, seconds).ok()?.assume_utc();
    u32::try_from(at.unix_timestamp()).ok()
}

fn month_days(text: &str) -> Result<u32, Usage> {
    text.split(',').try_fold(0, |days, word| match word.parse::<u32>() {
        Ok(day @ 1..32) => Ok(days | 1 << day),
        _ => Err(Usage::Text(format!("{word} is not a valid day for --monthdays"))),
    })
}

/// Days by number, or by the first two letters of their names at least.
fn week_days(text: &str) -> Result<u8, Usage> {
    text.split(',').try_fold(0, |days, word| {
        let named = |name: &&str| word.len() > 1 && name.to_ascii_lowercase().starts_with(&word.to_ascii_lowercase());
        let by_name = (1u8..).zip(DAYS).find(|(_, name)| named(name)).map(|(day, _)| day);
        let day = by_name.or_else(|| word.parse().ok().filter(|day| (1..8).contains(day)));
        match day {
            Some(day) => Ok(days | 1 << day),
            None => Err(Usage::Text(format!("{word} is not a valid day specifier"))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(time: &Time, text: &str) -> bool {
        time.matches(OffsetDateTime::from_unix_timestamp(i64::from(read_date(text).unwrap())).unwrap())
    }

    #[test]
    fn a_night_is_of_two_days_unless_it_is_contiguous() {
        let friday = Time { times: (22 * 3600, 6 * 3600), week_days: week_days("Fri").unwrap(), ..Time::default() };
        assert!(matches(&friday, "2026-01-02T23") && matches(&friday, "2026-01-02T05"));
        assert!(!matches(&friday, "2026-01-03T05") && !matches(&friday, "2026-01-02T12"));
        let night = Time { contiguous: true, ..friday };
        assert!(matches(&night, "2026-01-02T23") && matches(&night, "2026-01-03T05"));
        assert!(!matches(&night, "2026-01-02T05"));
    }

    #[test]
    fn dates_may_leave_out_what_is_first() {
        assert_eq!([read_date("2026"), read_date("2026-1-1T00:00:00")], [Some(1_767_225_600); 2]);
        assert_eq!([read_date("x"), read_date("2026-13"), read_date("2026-02-30")], [None; 3]);
    }
}
