//! Cuts a wish into chunks: the date range that one request asks for.
//!
//! A chunk holds whole periods of its granularity, is no longer than the endpoint allows, and a period that is not final
//! yet stands alone: its figures are partial, and mixed with final ones it would make a whole chunk be fetched again.
//! Source: `docs/adr/0014` and `docs/adr/0015`.

use chrono::{Days, NaiveDate};

use super::calendar::{DayRange, Granularity};

/// The chunks of `range`, in order, without overlap, covering exactly the whole periods that lie in it.
///
/// `max_days` (at least 1) bounds a chunk's length; a week or a month is never cut, even where it is longer.
/// Periods that are not wholly inside the range are left out, so the answer may be empty for weeks and months.
/// `open_from` is the first day whose figures are not final ([`Settle::open_from`](super::settle::Settle::open_from)).
pub fn chunks(
    range: DayRange,
    granularity: Granularity,
    max_days: u32,
    open_from: NaiveDate,
) -> Vec<DayRange> {
    let max = i64::from(max_days.max(1));
    let mut out = Vec::new();
    let mut cursor = granularity.period_start(range.start());
    if cursor < range.start() {
        cursor = granularity.next_period(cursor);
    }
    while cursor <= range.end() {
        let first_end = granularity.period_end(cursor);
        if first_end > range.end() {
            break;
        }
        let mut end = first_end;
        if end < open_from {
            loop {
                let next_start = end + Days::new(1);
                let next_end = granularity.period_end(next_start);
                let length = (next_end - cursor).num_days() + 1;
                if next_end > range.end() || length > max || next_end >= open_from {
                    break;
                }
                end = next_end;
            }
        }
        if let Ok(chunk) = DayRange::new(cursor, end) {
            out.push(chunk);
        }
        cursor = end + Days::new(1);
    }
    out
}

/// The period starts of a chunk: one slice each.
pub fn periods(chunk: DayRange, granularity: Granularity) -> impl Iterator<Item = NaiveDate> {
    let first = granularity.period_start(chunk.start());
    std::iter::successors(Some(first), move |day| Some(granularity.next_period(*day)))
        .take_while(move |day| *day <= chunk.end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn range(start: &str, end: &str) -> DayRange {
        DayRange::new(day(start), day(end)).expect("in order")
    }

    #[rstest]
    #[case::sixty_days_are_two_chunks(Granularity::Day, "2025-12-18", "2026-02-15", 31, 2)]
    #[case::one_day_chunks(Granularity::Day, "2026-01-01", "2026-01-31", 1, 31)]
    #[case::four_weeks_fit_in_31_days(Granularity::Week, "2026-01-05", "2026-02-15", 31, 2)]
    #[case::a_month_is_never_cut(Granularity::Month, "2026-01-01", "2026-02-28", 7, 2)]
    #[case::a_half_month_is_no_month(Granularity::Month, "2026-01-02", "2026-01-31", 31, 0)]
    fn a_range_is_cut_into_whole_periods(
        #[case] granularity: Granularity,
        #[case] start: &str,
        #[case] end: &str,
        #[case] max_days: u32,
        #[case] expected: usize,
    ) {
        let chunks = chunks(range(start, end), granularity, max_days, day("2026-02-16"));
        assert_eq!(chunks.len(), expected, "{chunks:?}");
    }

    #[test]
    fn what_is_not_final_stands_alone() {
        let alone = |text| range(text, text);
        let wanted = range("2026-02-13", "2026-02-16");
        let at_noon = chunks(wanted, Granularity::Day, 31, day("2026-02-16"));
        assert_eq!(at_noon, [range("2026-02-13", "2026-02-15"), alone("2026-02-16")]);
        // Before yesterday has settled.
        let at_one = chunks(wanted, Granularity::Day, 31, day("2026-02-15"));
        assert_eq!(at_one, [range("2026-02-13", "2026-02-14"), alone("2026-02-15"), alone("2026-02-16")]);
    }

    proptest! {
        #[test]
        fn day_chunks_cover_every_day_exactly_once(offset in 0u64..20_000, length in 0u64..800, max in 1u32..400, open_from in 0u64..21_000) {
            let start = day("2019-01-01") + Days::new(offset);
            let wanted = DayRange::new(start, start + Days::new(length)).expect("in order");
            let open_from = day("2019-01-01") + Days::new(open_from);
            let chunks = chunks(wanted, Granularity::Day, max, open_from);
            let mut cursor = wanted.start();
            for chunk in &chunks {
                prop_assert_eq!(chunk.start(), cursor);
                prop_assert!(chunk.days() <= i64::from(max));
                prop_assert!(chunk.days() == 1 || chunk.end() < open_from);
                cursor = chunk.end() + Days::new(1);
            }
            prop_assert_eq!(cursor, wanted.end() + Days::new(1));
        }

        #[test]
        fn week_and_month_chunks_hold_whole_periods_only(offset in 0u64..20_000, length in 0u64..400, max in 1u32..100) {
            let start = day("2019-01-01") + Days::new(offset);
            let wanted = DayRange::new(start, start + Days::new(length)).expect("in order");
            for granularity in [Granularity::Week, Granularity::Month] {
                let mut seen = Vec::new();
                for chunk in chunks(wanted, granularity, max, day("2100-01-01")) {
                    prop_assert_eq!(granularity.period_start(chunk.start()), chunk.start());
                    prop_assert_eq!(granularity.period_end(chunk.end()), chunk.end());
                    seen.extend(periods(chunk, granularity));
                }
                let expected: Vec<_> = periods(wanted, granularity)
                    .filter(|p| *p >= wanted.start() && granularity.period_end(*p) <= wanted.end())
                    .collect();
                prop_assert_eq!(seen, expected);
            }
        }
    }
}
