//! Which days are wished for.

use chrono::{Days, NaiveDate};
use common::domain::calendar::{DayRange, Granularity};
use common::domain::job::Lane;

use crate::fault::Fault;

/// Longer ranges need a yes (`docs/reliability.md` C2).
pub const LONG_RANGE_DAYS: i64 = 1_100;
/// Ranges up to this many days are fresh unless the operator says otherwise.
const FRESH_DAYS: i64 = 7;
/// No Cafe24 shop is older.
const FIRST_YEAR: i32 = 2000;

/// The first day of which a shop can have figures.
pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).unwrap_or_default()
}

/// Whether there can be figures of a day, and if not why: the one rule of `enqueue`, `malls set` and `malls import`.
pub fn to_be_had(day: NaiveDate, today: NaiveDate) -> Result<(), String> {
    if day < first_day() {
        return Err(format!("{day} is before there was anything to fetch: the first day is {}", first_day()));
    }
    has_come(day, today)
}

/// Whether a day has begun in Korea, and if not why.
pub fn has_come(day: NaiveDate, today: NaiveDate) -> Result<(), String> {
    if day > today { Err(format!("{day} is in the future: today is {today} (KST)")) } else { Ok(()) }
}

/// Reads `2026-02-15`.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day = if text.len() == 10 { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None };
    day.ok_or_else(|| "not a day; write 2026-02-15".to_owned())
}

/// Reads `7d` or `4w` as a number of days.
pub fn parse_last(text: &str) -> Result<u32, String> {
    let days = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "d")) => number.parse::<u32>().ok(),
        Some((number, "w")) => number.parse::<u32>().ok().and_then(|weeks| weeks.checked_mul(7)),
        _ => None,
    };
    days.filter(|days| (1..=9_999).contains(days))
        .ok_or_else(|| "write 7d (days) or 4w (weeks), up to 9999d".to_owned())
}

/// The range of `--last`, or of `--from` and `--to`.
///
/// # Errors
/// [`Fault::Range`]: reversed, in the future, or before there was Cafe24.
pub fn resolve(
    last: Option<u32>,
    days: Option<(NaiveDate, NaiveDate)>,
    today: NaiveDate,
) -> Result<DayRange, Fault> {
    let yesterday = today - Days::new(1);
    let Some((from, to)) = days else {
        let range = DayRange::last_finished(today, last.unwrap_or(1));
        return if range.start() < first_day() { Err(too_early(range)) } else { Ok(range) };
    };
    let Ok(range) = DayRange::new(from, to) else {
        return Err(Fault::Range {
            what: format!("the range {from}…{to} ends before it starts"),
            why: "--from is the first day, --to the last, both included".to_owned(),
            // Turned round, it may still be one that cannot be asked for.
            action: match resolve(None, Some((to, from)), today) {
                Err(Fault::Range { action, .. }) => action,
                _ => format!("--from {to} --to {from}"),
            },
        });
    };
    if to > today {
        let action = match from {
            _ if from > today => "--last 7d".to_owned(),
            _ if from == today => format!("--from {today} --to {today}"),
            _ => format!("--from {from} --to {yesterday}"),
        };
        return Err(Fault::Range {
            what: format!("{to} is in the future"),
            why: format!("today is {today} (KST); today itself can be fetched, as partial"),
            action,
        });
    }
    if range.start() < first_day() {
        return Err(too_early(range));
    }
    Ok(range)
}

fn too_early(range: DayRange) -> Fault {
    Fault::Range {
        what: format!("{} is before there was anything to fetch", range.start()),
        why: format!("no shop has figures from before {FIRST_YEAR}"),
        action: if range.end() < first_day() {
            "--last 7d".to_owned()
        } else {
            format!("--from {} --to {}", first_day(), range.end())
        },
    }
}

/// The whole periods of `range`.
///
/// # Errors
/// [`Fault::Range`] if there is none; it names the periods around.
pub fn whole_periods(range: DayRange, granularity: Granularity, today: NaiveDate) -> Result<DayRange, Fault> {
    let first = granularity.period_start(range.start());
    let start = if first == range.start() { first } else { granularity.next_period(first) };
    let last = granularity.period_end(range.end());
    let end = if last == range.end() { last } else { granularity.period_start(range.end()) - Days::new(1) };
    DayRange::new(start, end).map_err(|_| {
        // The period before, if the one around the start is not over yet.
        let from = if granularity.period_end(first) < today {
            first
        } else {
            granularity.period_start(first - Days::new(1))
        };
        let rule = match granularity {
            Granularity::Day => "a day",
            Granularity::Week => "a week is Monday to Sunday",
            Granularity::Month => "a month is its first to its last day",
        };
        Fault::Range {
            what: format!("{range} holds no whole {granularity}"),
            why: format!(
                "{rule}, and can be fetched when it is over: its figures are not the sum of its days"
            ),
            action: format!(
                "--granularity {granularity} --from {from} --to {}",
                granularity.period_end(from)
            ),
        }
    })
}

/// The lane of a wish whose operator named none.
pub fn default_lane(range: DayRange) -> Lane {
    if range.days() <= FRESH_DAYS { Lane::Fresh } else { Lane::Backfill }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fault::Exit;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn range(start: &str, end: &str) -> DayRange {
        DayRange::new(day(start), day(end)).expect("in order")
    }

    #[rstest]
    #[case("7d", Ok(7))]
    #[case("4w", Ok(28))]
    #[case("0d", Err(()))]
    #[case("d", Err(()))]
    #[case("7", Err(()))]
    #[case("7일", Err(()))]
    #[case("99999999999w", Err(()))]
    fn last_is_days_or_weeks(#[case] text: &str, #[case] days: Result<u32, ()>) {
        assert_eq!(parse_last(text).map_err(drop), days);
    }

    #[rstest]
    #[case("2026-2-15")]
    #[case("2026-02-30")]
    #[case("15.02.2026")]
    fn other_forms_of_a_day_are_refused(#[case] text: &str) {
        assert!(parse_day(text).is_err());
    }

    #[test]
    fn the_last_days_are_finished_ones_and_today_may_be_asked_for() {
        let today = day("2026-02-16");
        assert_eq!(resolve(Some(7), None, today).expect("valid"), range("2026-02-09", "2026-02-15"));
        assert_eq!(
            resolve(None, Some((today, today)), today).expect("valid"),
            range("2026-02-16", "2026-02-16")
        );
    }

    #[test]
    fn the_last_days_do_not_begin_before_there_was_anything_to_fetch() {
        let today = day("2026-02-16");
        let all = (today - first_day()).num_days();
        let last = |days: i64| resolve(u32::try_from(days).ok(), None, today);
        assert_eq!(last(all).expect("valid"), range("2000-01-01", "2026-02-15"));
        let Err(Fault::Range { what, action, .. }) = last(all + 1) else { panic!("taken") };
        assert_eq!(what, "1999-12-31 is before there was anything to fetch");
        assert_eq!(action, "--from 2000-01-01 --to 2026-02-15");
    }

    #[rstest]
    #[case::first("2000-01-01", true)]
    #[case::before("1999-12-31", false)]
    #[case::today("2026-02-16", true)]
    #[case::tomorrow("2026-02-17", false)]
    fn a_day_is_to_be_had_from_the_first_to_today(#[case] text: &str, #[case] is: bool) {
        assert_eq!(to_be_had(day(text), day("2026-02-16")).is_ok(), is);
    }

    #[rstest]
    #[case::future("2026-02-10", "2026-02-17", "--from 2026-02-10 --to 2026-02-15")]
    #[case::far_future("2099-01-01", "2099-01-02", "--last 7d")]
    #[case::reversed("2026-02-03", "2026-02-01", "--from 2026-02-01 --to 2026-02-03")]
    #[case::today_and_on("2026-02-16", "2026-02-17", "--from 2026-02-16 --to 2026-02-16")]
    #[case::all_of_it_before_cafe24("1999-01-01", "1999-01-05", "--last 7d")]
    #[case::reversed_and_before_cafe24("1999-01-05", "1999-01-01", "--last 7d")]
    #[case::reversed_future("2099-01-02", "2099-01-01", "--last 7d")]
    #[case::before_cafe24("1987-01-01", "2026-02-01", "--from 2000-01-01 --to 2026-02-01")]
    fn c2_impossible_ranges_are_refused_with_what_to_write(
        #[case] from: &str,
        #[case] to: &str,
        #[case] instead: &str,
    ) {
        let fault = resolve(None, Some((day(from), day(to))), day("2026-02-16")).expect_err("refused");
        assert_eq!(fault.exit(), Exit::Usage);
        let Fault::Range { action, .. } = fault else { panic!("a range") };
        assert_eq!(action, instead);
        // What is proposed can be asked for.
        let days: Vec<_> = action.split(' ').filter_map(|word| parse_day(word).ok()).collect();
        if let [from, to] = *days {
            assert!(resolve(None, Some((from, to)), day("2026-02-16")).is_ok(), "{action}");
        }
    }

    #[rstest]
    #[case::inside(Granularity::Week, "2026-02-03", "2026-02-20", Some(("2026-02-09", "2026-02-15")))]
    #[case::exact(Granularity::Month, "2026-01-01", "2026-01-31", Some(("2026-01-01", "2026-01-31")))]
    #[case::none(Granularity::Month, "2026-01-02", "2026-02-15", None)]
    #[case::days_are_whole(Granularity::Day, "2026-01-02", "2026-02-15", Some(("2026-01-02", "2026-02-15")))]
    fn only_whole_periods_are_planned(
        #[case] granularity: Granularity,
        #[case] from: &str,
        #[case] to: &str,
        #[case] expected: Option<(&str, &str)>,
    ) {
        let whole = whole_periods(range(from, to), granularity, day("2026-02-16")).ok();
        assert_eq!(whole, expected.map(|(start, end)| range(start, end)));
    }

    #[test]
    fn a_refused_range_names_a_period_that_is_over() {
        let fault = whole_periods(range("2026-02-16", "2026-02-16"), Granularity::Week, day("2026-02-16"));
        let Err(Fault::Range { action, .. }) = fault else { panic!("refused") };
        assert_eq!(action, "--granularity week --from 2026-02-09 --to 2026-02-15");
    }

    #[test]
    fn a_week_is_fresh_and_more_is_backfill() {
        assert_eq!(default_lane(range("2026-02-09", "2026-02-15")), Lane::Fresh);
        assert_eq!(default_lane(range("2026-02-08", "2026-02-15")), Lane::Backfill);
    }
}
