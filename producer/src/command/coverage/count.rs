//! Counting days.

use chrono::NaiveDate;
use common::domain::slice::{DataState, WorkState};
use common::store::{DayCounts, SeriesDays};

/// All days of `series`, counted.
pub(super) fn counts(series: &SeriesDays) -> DayCounts {
    let mut counts = DayCounts::default();
    for facts in &series.days {
        count(&mut counts, facts.data, facts.work);
    }
    counts
}

/// The two facts are counted apart.
fn count(counts: &mut DayCounts, data: DataState, work: WorkState) {
    match data {
        DataState::Missing => counts.missing += 1,
        DataState::Partial => counts.partial += 1,
        DataState::Restated => counts.restated += 1,
        DataState::Complete => {}
        DataState::TodayPartial => counts.today_partial += 1,
        DataState::NotYet => counts.not_yet += 1,
    }
    counts.complete += i64::from(data.is_complete());
    counts.wanted += i64::from(data.is_complete() || data.is_gap());
    match work {
        WorkState::Idle => {}
        WorkState::Queued => counts.queued += 1,
        WorkState::Running => counts.running += 1,
        WorkState::Failed => counts.failed += 1,
        WorkState::Paused => counts.paused += 1,
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
            due_gaps: 0,
            first: day(first),
            days: data.chars().zip(work.chars()).map(facts).collect(),
        }
    }

    #[test]
    fn data_and_work_are_counted_apart() {
        let counts = counts(&series("a", "products", "2026-02-10", "ccrmmp", "iifqfi"));
        assert_eq!((counts.wanted, counts.complete, counts.gaps()), (6, 3, 3));
        // A restated day whose refresh failed is complete and failed.
        assert_eq!((counts.restated, counts.failed, counts.queued), (1, 2, 1));
    }

    #[test]
    fn a_day_that_is_not_over_is_neither_wanted_nor_missing() {
        for (today, partial, not_yet) in [("t", 1, 0), ("n", 0, 1)] {
            let counts = counts(&series("a", "products", "2026-02-10", &format!("cm{today}"), "iir"));
            assert_eq!((counts.wanted, counts.gaps(), counts.missing, counts.partial), (2, 1, 1, 0));
            assert_eq!((counts.today_partial, counts.not_yet, counts.running), (partial, not_yet, 1));
        }
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
