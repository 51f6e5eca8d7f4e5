//! When the figures of a period are final.
//!
//! A day's figures still move for a while after it has ended in Korea: the last visits are counted late. So a period is
//! *final* only from the settling time after its end on, and a slice is complete only if its request was sent then
//! (docs/adr/0015).

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::calendar::{Granularity, kst_day};

/// How long figures may still change after their period has ended in KST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settle(TimeDelta);

impl Settle {
    /// Final at once.
    pub const NONE: Self = Self(TimeDelta::zero());

    /// A settling time of at most a day; longer ones count as a day.
    pub fn new(time: Duration) -> Self {
        let day = TimeDelta::days(1);
        Self(TimeDelta::from_std(time).map_or(day, |time| time.min(day)))
    }

    /// From which time of the day on yesterday is final; the last second of the day, if it never is.
    pub fn after_midnight(self) -> NaiveTime {
        let seconds = u32::try_from(self.0.num_seconds()).unwrap_or(u32::MAX);
        NaiveTime::from_num_seconds_from_midnight_opt(seconds.min(86_399), 0).unwrap_or(NaiveTime::MIN)
    }

    /// The first KST day whose figures are not final at `now`. All days before it are.
    pub fn open_from(self, now: DateTime<Utc>) -> NaiveDate {
        kst_day(now.checked_sub_signed(self.0).unwrap_or(now))
    }

    /// Whether a request sent at `asked_at` brings final figures of the period in which `day` lies.
    pub fn is_final(self, granularity: Granularity, day: NaiveDate, asked_at: DateTime<Utc>) -> bool {
        granularity.period_end(day) < self.open_from(asked_at)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::domain::calendar::kst;

    const TWO_HOURS: Duration = Duration::from_hours(2);

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}+09:00").parse().expect("a time")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[rstest]
    #[case::while_it_runs(Granularity::Day, "2026-02-15", "2026-02-15T23:59:59", false)]
    #[case::over_but_not_settled(Granularity::Day, "2026-02-15", "2026-02-16T01:59:59", false)]
    #[case::settled(Granularity::Day, "2026-02-15", "2026-02-16T02:00:00", true)]
    #[case::the_week_runs_until_its_sunday(Granularity::Week, "2026-02-09", "2026-02-15T12:00:00", false)]
    #[case::the_week_is_not_settled(Granularity::Week, "2026-02-09", "2026-02-16T01:00:00", false)]
    #[case::the_week_is_settled(Granularity::Week, "2026-02-09", "2026-02-16T02:00:00", true)]
    #[case::february_is_not_settled(Granularity::Month, "2026-02-01", "2026-03-01T00:30:00", false)]
    #[case::february_is_settled(Granularity::Month, "2026-02-01", "2026-03-01T02:30:00", true)]
    fn a_period_is_final_when_the_settling_time_after_its_end_is_over(
        #[case] granularity: Granularity,
        #[case] period: &str,
        #[case] asked_at: &str,
        #[case] is_final: bool,
    ) {
        assert_eq!(Settle::new(TWO_HOURS).is_final(granularity, day(period), at(asked_at)), is_final);
    }

    #[test]
    fn without_a_settling_time_the_end_of_the_day_decides() {
        assert!(!Settle::NONE.is_final(Granularity::Day, day("2026-02-15"), at("2026-02-15T23:59:59")));
        assert!(Settle::NONE.is_final(Granularity::Day, day("2026-02-15"), at("2026-02-16T00:00:00")));
    }

    proptest! {
        #[test]
        fn open_days_begin_where_final_ones_end(seconds in 0_i64..4_000_000_000, settle in 0_u64..=86_400) {
            let now = DateTime::from_timestamp(seconds, 0).expect("a time");
            let settle = Settle::new(Duration::from_secs(settle));
            let open = settle.open_from(now);
            prop_assert!(!settle.is_final(Granularity::Day, open, now));
            prop_assert!(settle.is_final(Granularity::Day, open - Days::new(1), now));
            // The rule in other words: the KST midnight that ends the day, and the settling time, are over.
            let ended = (open).and_hms_opt(0, 0, 0).and_then(|t| t.and_local_timezone(kst()).single()).expect("KST has every midnight");
            prop_assert!(ended.to_utc() + settle.0 <= now);
        }
    }
}
