//! Hours of the day in Korea, in which something may be done.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use super::calendar::{kst, kst_day};

/// From one time of the day (included) to another one (not included), in KST, each day; `22:00-05:00` goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Hours {
    start: NaiveTime,
    end: NaiveTime,
}

/// The text names no hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` are no hours: write 01:00-06:00, two times of the day in KST that differ")]
pub struct InvalidHours(String);

impl Hours {
    /// Whether `now` lies in them.
    pub fn contains(self, now: DateTime<Utc>) -> bool {
        let time = now.with_timezone(&kst()).time();
        if self.start < self.end {
            (self.start..self.end).contains(&time)
        } else {
            time >= self.start || time < self.end
        }
    }

    /// When they begin: `now` if it lies in them, else their next beginning.
    pub fn opens(self, now: DateTime<Utc>) -> DateTime<Utc> {
        if self.contains(now) { now } else { Self::next(self.start, now) }
    }

    /// When those that `now` lies in, or else the next ones, end.
    pub fn closes(self, now: DateTime<Utc>) -> DateTime<Utc> {
        Self::next(self.end, self.opens(now))
    }

    /// How long they are: a minute to a day less a minute.
    pub fn length(self) -> Duration {
        let span = self.end - self.start;
        let span = if span <= TimeDelta::zero() { span + TimeDelta::days(1) } else { span };
        span.to_std().unwrap_or_default()
    }

    /// The first `time` of a day that is after `now`.
    fn next(time: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = kst_day(now);
        // Korea knows no summer time: each time of each day is there once.
        let on = |day: chrono::NaiveDate| {
            day.and_time(time).and_local_timezone(kst()).single().map_or(now, |time| time.to_utc())
        };
        let at = on(today);
        if at > now { at } else { on(today + Days::new(1)) }
    }
}

impl FromStr for Hours {
    type Err = InvalidHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHours(text.to_owned());
        let time =
            |text: &str| (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
        let (start, end) = text.split_once('-').ok_or_else(invalid)?;
        match (time(start), time(end)) {
            (Some(start), Some(end)) if start != end => Ok(Self { start, end }),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.format("%H:%M"), self.end.format("%H:%M"))
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(kst: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("{kst}:00+09:00")).expect("a time").to_utc()
    }

    fn hours(text: &str) -> Hours {
        text.parse().expect("hours")
    }

    #[rstest]
    #[case::before("01:00-06:00", "2026-02-16T00:59", false)]
    #[case::at_the_start("01:00-06:00", "2026-02-16T01:00", true)]
    #[case::at_the_end("01:00-06:00", "2026-02-16T06:00", false)]
    #[case::evening_over_midnight("22:00-05:00", "2026-02-16T23:30", true)]
    #[case::morning_over_midnight("22:00-05:00", "2026-02-16T04:59", true)]
    #[case::day_over_midnight("22:00-05:00", "2026-02-16T12:00", false)]
    fn the_start_is_in_and_the_end_is_not(#[case] text: &str, #[case] now: &str, #[case] inside: bool) {
        assert_eq!(hours(text).contains(at(now)), inside);
    }

    #[rstest]
    #[case::today("01:00-06:00", "2026-02-16T00:30", "2026-02-16T01:00", "2026-02-16T06:00")]
    #[case::tomorrow("01:00-06:00", "2026-02-16T06:00", "2026-02-17T01:00", "2026-02-17T06:00")]
    #[case::now("01:00-06:00", "2026-02-16T03:00", "2026-02-16T03:00", "2026-02-16T06:00")]
    #[case::before_midnight("22:00-05:00", "2026-02-16T23:00", "2026-02-16T23:00", "2026-02-17T05:00")]
    #[case::after_midnight("22:00-05:00", "2026-02-17T01:00", "2026-02-17T01:00", "2026-02-17T05:00")]
    #[case::at_noon("22:00-05:00", "2026-02-16T12:00", "2026-02-16T22:00", "2026-02-17T05:00")]
    fn they_open_and_close_at_the_next_of_their_times(
        #[case] text: &str,
        #[case] now: &str,
        #[case] opens: &str,
        #[case] closes: &str,
    ) {
        assert_eq!((hours(text).opens(at(now)), hours(text).closes(at(now))), (at(opens), at(closes)));
    }

    #[rstest]
    #[case("01:00-06:00", Some(5))]
    #[case("22:00-05:00", Some(7))]
    #[case("01:00-01:00", None)]
    #[case("1:00-6:00", None)]
    #[case("01:00-24:00", None)]
    #[case("01:00", None)]
    fn two_times_that_differ_are_hours(#[case] text: &str, #[case] length: Option<u64>) {
        let hours = text.parse::<Hours>().ok();
        assert_eq!(hours.map(|hours| hours.length().as_secs()), length.map(|hours| hours * 3_600));
        assert!(hours.is_none_or(|hours| hours.to_string() == text));
    }
}
