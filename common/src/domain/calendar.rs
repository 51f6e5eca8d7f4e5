//! Days, weeks and months of Korea.
//!
//! Cafe24 counts in Korea Standard Time: UTC+9 all year, no summer time. Every day in this system is a KST calendar day.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, Utc, Weekday};
use serde::{Deserialize, Serialize};

/// UTC+9.
#[allow(clippy::expect_used, reason = "nine hours is a valid offset")]
pub fn kst() -> FixedOffset {
    FixedOffset::east_opt(9 * 3600).expect("nine hours is a valid offset")
}

/// The KST day on which `now` lies.
pub fn kst_day(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&kst()).date_naive()
}

/// Reads a time that Cafe24 wrote; without an offset it means KST (`docs/live-api.md` §5).
///
/// Accepts `2026-02-16T14:00:00.000`, with or without fraction, seconds and offset.
pub fn parse_cafe24_time(text: &str) -> Option<DateTime<Utc>> {
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.to_utc());
        }
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return time.and_local_timezone(kst()).single().map(|time| time.to_utc());
        }
    }
    None
}

/// Reads the day of an API row: `2026-02-15`, or a time whose KST day counts (`2026-07-23T00:00+09:00`).
pub fn parse_row_day(text: &str) -> Option<NaiveDate> {
    if text.len() == 10 {
        return NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    }
    parse_cafe24_time(text).map(kst_day)
}

/// What one row covers (`dateType` of the specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// A KST day.
    Day,
    /// Monday to Sunday, named by its Monday.
    Week,
    /// A calendar month, named by its first day.
    Month,
}

/// The text is no granularity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a granularity: use day, week or month")]
pub struct InvalidGranularity(String);

impl Granularity {
    /// All of them, finest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name used in the API, the database and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// First day of the period in which `day` lies.
    pub fn period_start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).first_day(),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// First day of the period after the one in which `day` lies.
    pub fn next_period(self, day: NaiveDate) -> NaiveDate {
        let start = self.period_start(day);
        match self {
            Self::Day => start + Days::new(1),
            Self::Week => start + Days::new(7),
            Self::Month => start + Months::new(1),
        }
    }

    /// Last day of the period in which `day` lies.
    pub fn period_end(self, day: NaiveDate) -> NaiveDate {
        self.next_period(day) - Days::new(1)
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Granularity {
    type Err = InvalidGranularity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|g| g.as_str() == text).ok_or_else(|| InvalidGranularity(text.to_owned()))
    }
}

/// An inclusive range of KST days, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DayRange {
    start: NaiveDate,
    end: NaiveDate,
}

/// The range ends before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the range {start} to {end} ends before it starts: swap the two days")]
pub struct EmptyRange {
    start: NaiveDate,
    end: NaiveDate,
}

impl DayRange {
    /// `start` to `end`, both included.
    ///
    /// # Errors
    /// [`EmptyRange`] when `end` lies before `start`.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Result<Self, EmptyRange> {
        if start <= end { Ok(Self { start, end }) } else { Err(EmptyRange { start, end }) }
    }

    /// The `days` (at least 1) finished days before `today`.
    pub fn last_finished(today: NaiveDate, days: u32) -> Self {
        let end = today - Days::new(1);
        Self { start: end - Days::new(u64::from(days.max(1)) - 1), end }
    }

    /// First day.
    pub fn start(self) -> NaiveDate {
        self.start
    }

    /// Last day.
    pub fn end(self) -> NaiveDate {
        self.end
    }

    /// Number of days, at least 1.
    pub fn days(self) -> i64 {
        (self.end - self.start).num_days() + 1
    }

    /// Whether `day` lies in the range.
    pub fn contains(self, day: NaiveDate) -> bool {
        (self.start..=self.end).contains(&day)
    }
}

impl fmt::Display for DayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…{}", self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[rstest]
    #[case::seed_plain_day("2026-02-15", "2026-02-15")]
    #[case::live_no_seconds("2026-07-23T00:00+09:00", "2026-07-23")]
    #[case::utc_evening_is_the_next_day_in_kst("2026-02-15T15:30:00Z", "2026-02-16")]
    #[case::no_offset_means_kst("2026-02-15T23:59:59.999", "2026-02-15")]
    fn row_date_is_the_kst_day(#[case] wire: &str, #[case] expected: &str) {
        assert_eq!(parse_row_day(wire), Some(day(expected)));
    }

    #[rstest]
    #[case("")]
    #[case("2027-02-29")]
    #[case("2026-2-15")]
    #[case("15.02.2026")]
    #[case("2026-02-15T")]
    fn row_dates_of_other_forms_are_refused(#[case] wire: &str) {
        assert_eq!(parse_row_day(wire), None);
    }

    #[test]
    fn a_time_without_zone_is_korean() {
        let time = parse_cafe24_time("2026-02-16T14:00:00.000").expect("valid");
        assert_eq!(time.to_rfc3339(), "2026-02-16T05:00:00+00:00");
    }

    #[test]
    fn c01_every_day_from_2019_to_2100_lies_in_exactly_one_period() {
        for granularity in Granularity::ALL {
            let mut today = day("2019-01-01");
            while today < day("2101-01-01") {
                let start = granularity.period_start(today);
                let end = granularity.period_end(today);
                assert!(start <= today && today <= end, "{granularity} {today}");
                assert_eq!(granularity.period_start(end), start);
                assert_eq!(granularity.next_period(today), end + Days::new(1));
                today = today + Days::new(1);
            }
        }
    }

    #[test]
    fn the_last_seven_days_end_yesterday() {
        let range = DayRange::last_finished(day("2026-02-16"), 7);
        assert_eq!((range.start(), range.end(), range.days()), (day("2026-02-09"), day("2026-02-15"), 7));
    }
}
