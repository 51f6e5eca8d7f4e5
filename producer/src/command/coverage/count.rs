//! Counting days.

use chrono::NaiveDate;
use common::domain::slice::{DataState, WorkState};
use common::store::SeriesDays;
use serde::Serialize;

/// How many days are what. The two facts are counted apart.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) wanted: i64,
    pub(super) complete: i64,
    /// Of the complete ones.
    pub(super) restated: i64,
    pub(super) partial: i64,
    pub(super) missing: i64,
    pub(super) queued: i64,
    pub(super) running: i64,
    pub(super) failed: i64,
    pub(super) paused: i64,
}

impl Counts {
    /// All days of `series`.
    pub(super) fn of(series: &SeriesDays) -> Self {
        Self::until(series, NaiveDate::MAX)
    }

    /// The days up to `last`.
    pub(super) fn until(series: &SeriesDays, last: NaiveDate) -> Self {
        let mut counts = Self::default();
        for (day, facts) in series.first.iter_days().zip(&series.days) {
            if day <= last {
                counts.count(facts.data, facts.work);
            }
        }
        counts
    }

    fn count(&mut self, data: DataState, work: WorkState) {
        self.wanted += 1;
        self.complete += i64::from(data.is_complete());
        match data {
            DataState::Missing => self.missing += 1,
            DataState::Partial => self.partial += 1,
            DataState::Restated => self.restated += 1,
            DataState::Complete => {}
        }
        match work {
            WorkState::Idle => {}
            WorkState::Queued => self.queued += 1,
            WorkState::Running => self.running += 1,
            WorkState::Failed => self.failed += 1,
            WorkState::Paused => self.paused += 1,
        }
    }

    /// Days without final figures.
    pub(super) fn gaps(&self) -> i64 {
        self.wanted - self.complete
    }

    pub(super) fn add(&mut self, other: Self) {
        self.wanted += other.wanted;
        self.complete += other.complete;
        self.restated += other.restated;
        self.partial += other.partial;
        self.missing += other.missing;
        self.queued += other.queued;
        self.running += other.running;
        self.failed += other.failed;
        self.paused += other.paused;
    }
}

/// Equal neighbours of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch<T> {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) of: T,
}

impl<T> Stretch<T> {
    pub(super) fn days(&self) -> i64 {
        (self.to - self.from).num_days() + 1
    }
}

/// `days` with equal neighbours put together; what is `None` parts them.
pub(super) fn stretches<T: PartialEq>(days: impl Iterator<Item = (NaiveDate, Option<T>)>) -> Vec<Stretch<T>> {
    let mut out: Vec<Stretch<T>> = Vec::new();
    for (day, of) in days {
        let Some(of) = of else { continue };
        match out.last_mut() {
            Some(last) if last.of == of && last.to.succ_opt() == Some(day) => last.to = day,
            _ => out.push(Stretch { from: day, to: day, of }),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use common::store::SliceFacts;

    use super::*;

    pub(crate) fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// A series from letters, as the database writes it.
    pub(crate) fn series(mall: &str, endpoint: &str, first: &str, data: &str, work: &str) -> SeriesDays {
        assert_eq!(data.len(), work.len());
        let facts = |(data, work)| SliceFacts {
            data: DataState::from_initial(data).expect("a state"),
            work: WorkState::from_initial(work).expect("a state"),
            in_job: matches!(work, 'q' | 'r'),
        };
        SeriesDays {
            mall_id: mall.to_owned(),
            shop_no: 1,
            endpoint: endpoint.to_owned(),
            excused: false,
            first: day(first),
            days: data.chars().zip(work.chars()).map(facts).collect(),
        }
    }

    #[test]
    fn data_and_work_are_counted_apart() {
        let counts = Counts::of(&series("a", "products", "2026-02-10", "ccrmmp", "iifqfi"));
        assert_eq!((counts.wanted, counts.complete, counts.gaps()), (6, 3, 3));
        // A restated day whose refresh failed is complete and failed.
        assert_eq!((counts.restated, counts.failed, counts.queued), (1, 2, 1));
    }

    #[test]
    fn what_is_due_ends_with_its_day() {
        let series = series("a", "products", "2026-02-10", "ccmp", "iiii");
        assert_eq!(Counts::until(&series, day("2026-02-11")).gaps(), 0);
        assert_eq!(Counts::until(&series, day("2026-02-12")).gaps(), 1);
        assert_eq!(Counts::until(&series, day("2026-02-09")), Counts::default());
    }

    #[test]
    fn a_day_between_two_stretches_parts_them_also_if_nobody_asks_for_it() {
        let days =
            [("2026-02-10", Some(1)), ("2026-02-11", Some(1)), ("2026-02-12", None), ("2026-02-13", Some(1))];
        let found = stretches(days.into_iter().map(|(text, of)| (day(text), of)));
        let edges: Vec<_> = found.iter().map(|stretch| (stretch.from.to_string(), stretch.days())).collect();
        assert_eq!(edges, [("2026-02-10".to_owned(), 2), ("2026-02-13".to_owned(), 1)]);
    }
}
