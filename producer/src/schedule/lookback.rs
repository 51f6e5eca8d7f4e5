//! Which days a schedule asks for, and how.
//!
//! Only days that are final, but for `today`: a slice that would be partial is not worth a request before it can be
//! complete. Never days before the first that is wanted of the mall.

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::domain::calendar::{DayRange, kst, kst_day};
use common::domain::job::Lane;
use common::domain::settle::Settle;
use common::store::Wish;

use crate::plan::wish::default_lane;

/// The part of a new mall's history that people wait for.
const WEEK: u32 = 7;
/// So much of a history is planned before the same of other malls is: as many days as the longest request may ask for, so
/// that no request is shorter for it.
const STRETCH: u64 = 90;
/// A window never reaches further back, however many mornings were missed.
const MOST: u32 = 31;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Which KST days.
    pub range: DayRange,
    /// Which complete slices are asked for again.
    pub wish: Wish,
    /// How urgently.
    pub lane: Lane,
}

/// What can be asked for, and when.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The wall clock.
    pub now: DateTime<Utc>,
    /// When a day is final.
    pub settle: Settle,
    /// The first day that is wanted; `None`: as far back as asked.
    pub wanted_from: Option<NaiveDate>,
}

impl Moment {
    /// The last day that is final.
    pub fn last_final(self) -> NaiveDate {
        self.settle.open_from(self.now) - Days::new(1)
    }

    /// The last `days` final days.
    fn last(self, days: u32) -> Option<DayRange> {
        self.wanted(DayRange::last_finished(self.settle.open_from(self.now), days))
    }

    fn wanted(self, range: DayRange) -> Option<DayRange> {
        DayRange::new(self.wanted_from.map_or(range.start(), |from| range.start().max(from)), range.end())
            .ok()
    }

    /// The morning's window: the last `lookback` final days, unless they were fetched since the `beat`.
    ///
    /// A morning that was missed would have asked for days that this one does not reach any more: so many are asked for
    /// besides. All in all every day is asked for again on as many mornings as ever, or at least after as many days.
    pub fn window(self, lookback: u32, missed: u32, beat: DateTime<Utc>) -> Option<Ask> {
        let days = lookback.saturating_add(missed).min(MOST.max(lookback));
        Some(Ask { range: self.last(days)?, wish: Wish::NotFetchedSince(beat), lane: Lane::Fresh })
    }

    /// The running day.
    pub fn today(self) -> Option<Ask> {
        let today = kst_day(self.now);
        let range = self.wanted(DayRange::new(today, today).ok()?)?;
        Some(Ask { range, wish: Wish::Unasked, lane: Lane::Fresh })
    }

    /// A month: the last `days` final days that were not fetched since the midnight before the `beat`: the morning's window
    /// need not be fetched twice.
    pub fn sweep(self, days: u32, beat: DateTime<Utc>) -> Option<Ask> {
        let midnight = kst_day(beat).and_time(chrono::NaiveTime::MIN).and_local_timezone(kst()).single()?;
        let wish = Wish::NotFetchedSince(midnight.to_utc());
        Some(Ask { range: self.last(days)?, wish, lane: Lane::Backfill })
    }

    /// The last week of a new mall.
    pub fn first_week(self) -> Option<Ask> {
        Some(Ask { range: self.last(WEEK)?, wish: Wish::Missing, lane: Lane::Fresh })
    }

    /// What is wanted of a new mall before its last week.
    pub fn history(self) -> Option<Ask> {
        self.before(self.settle.open_from(self.now) - Days::new(u64::from(WEEK)))
    }

    /// The next part of it, if it is planned from the day `reached` on; `None`: its last week alone.
    pub fn stretch(self, reached: Option<NaiveDate>) -> Option<Ask> {
        let rest = reached.map_or_else(|| self.history(), |reached| self.before(reached))?;
        let start = rest.range.start().max(rest.range.end() - Days::new(STRETCH - 1));
        Some(Ask { range: DayRange::new(start, rest.range.end()).ok()?, ..rest })
    }

    fn before(self, day: NaiveDate) -> Option<Ask> {
        let range = DayRange::new(self.wanted_from?, day - Days::new(1)).ok()?;
        Some(Ask { range, wish: Wish::Missing, lane: Lane::Backfill })
    }

    /// Days that are missing for no reason, `first` and `last` among them.
    pub fn gap(self, first: NaiveDate, last: NaiveDate) -> Option<Ask> {
        let range = DayRange::new(first, last).ok()?;
        Some(Ask { range, wish: Wish::Unasked, lane: default_lane(range) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}+09:00").parse().expect("a time")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn range(start: &str, end: &str) -> DayRange {
        DayRange::new(day(start), day(end)).expect("in order")
    }

    fn moment(now: &str, wanted_from: Option<&str>) -> Moment {
        let settle = Settle::new(Duration::from_hours(2));
        Moment { now: at(now), settle, wanted_from: wanted_from.map(day) }
    }

    #[test]
    fn the_window_ends_with_the_last_final_day() {
        let beat = at("2026-02-16T06:30:00");
        let morning = moment("2026-02-16T06:42:00", None).window(3, 0, beat).expect("days");
        assert_eq!(morning.range, range("2026-02-13", "2026-02-15"));
        assert_eq!((morning.wish, morning.lane), (Wish::NotFetchedSince(beat), Lane::Fresh));
        // Made up at night, before yesterday has settled.
        let night = moment("2026-02-17T01:00:00", None).window(3, 0, beat).expect("days");
        assert_eq!(night.range, range("2026-02-13", "2026-02-15"));
    }

    #[test]
    fn missed_mornings_are_made_up_by_a_longer_window_up_to_a_month() {
        let window = |lookback, missed| {
            let morning = moment("2026-02-16T06:42:00", None);
            morning.window(lookback, missed, at("2026-02-16T06:30:00")).expect("days").range.days()
        };
        assert_eq!([window(3, 5), window(3, 28), window(3, 400), window(31, 400)], [8, 31, 31, 31]);
    }

    #[test]
    fn nothing_before_the_first_wanted_day_is_asked_for() {
        let morning = |from| moment("2026-02-16T06:42:00", Some(from));
        let beat = at("2026-02-16T06:30:00");
        assert_eq!(
            morning("2026-02-15").window(3, 0, beat).expect("a day").range,
            range("2026-02-15", "2026-02-15")
        );
        assert_eq!(morning("2026-02-16").window(3, 0, beat), None);
        assert_eq!(morning("2026-02-17").today(), None);
    }

    #[test]
    fn a_new_malls_week_and_its_history_are_all_that_is_wanted_and_meet_at_one_day() {
        let new = moment("2026-02-16T10:00:00", Some("2025-02-16"));
        let (week, history) = (new.first_week().expect("a week"), new.history().expect("history"));
        assert_eq!(week.range, range("2026-02-09", "2026-02-15"));
        assert_eq!(history.range, range("2025-02-16", "2026-02-08"));
        assert_eq!((week.lane, history.lane), (Lane::Fresh, Lane::Backfill));
        // A stretch after the other, without an overlap, until all of it is planned.
        let mut reached = Some(week.range.start());
        let mut stretches = Vec::new();
        while let Some(stretch) = new.stretch(reached) {
            reached = Some(stretch.range.start());
            stretches.push(stretch.range);
        }
        assert_eq!(new.stretch(None).expect("days").range, stretches[0]);
        assert_eq!(stretches[0], range("2025-11-11", "2026-02-08"));
        assert_eq!(stretches[1], range("2025-08-13", "2025-11-10"));
        assert_eq!(stretches.iter().map(|range| range.days()).collect::<Vec<_>>(), [90, 90, 90, 88]);
        assert_eq!(reached, Some(history.range.start()));
        let young = moment("2026-02-16T10:00:00", Some("2026-02-12"));
        assert_eq!(young.first_week().expect("days").range, range("2026-02-12", "2026-02-15"));
        assert_eq!(young.history(), None);
    }

    #[test]
    fn the_sweep_leaves_out_what_the_morning_has_fetched() {
        let sweep = moment("2026-03-01T09:10:00", None).sweep(31, at("2026-03-01T08:00:00")).expect("days");
        assert_eq!(sweep.range, range("2026-01-29", "2026-02-28"));
        assert_eq!(sweep.wish, Wish::NotFetchedSince(at("2026-03-01T00:00:00")));
        assert_eq!(sweep.lane, Lane::Backfill);
    }
}
