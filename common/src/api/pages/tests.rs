use chrono::{Days, TimeDelta};
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::failure::FailureClass;
use crate::domain::ids::{MallId, ShopNo};
use crate::domain::job::Wanted;
use crate::domain::metric::Values;

mod cut;
mod today;

const PAGING: Paging = Paging { limit_param: "limit", offset_param: "offset", size: 4 };

/// A row by its number; its figure is `clicks`.
fn row(id: u32, clicks: i64) -> MetricRow {
    MetricRow {
        day: "2026-02-15".parse().expect("a day"),
        entity_id: format!("{id:03}"),
        values: Values { clicks: Some(clicks), ..Values::default() },
        label: None,
        extra: None,
    }
}

/// A server with these rows, in order of their key.
#[derive(Debug, Clone)]
struct Host(Vec<MetricRow>);

impl Host {
    fn of(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().map(|id| row(id, 1)).collect())
    }

    fn page(&self, offset: usize) -> Page {
        let rows: Vec<_> = self.0.iter().skip(offset).take(PAGING.size).cloned().collect();
        let ends = rows.first().cloned().zip(rows.last().cloned()).map(Box::new);
        Page { count: rows.len(), ends, rows, ..Page::default() }
    }
}

/// When the day is final.
const LATER: &str = "2026-03-01T00:00:00Z";

fn at(second: i64) -> DateTime<Utc> {
    LATER.parse::<DateTime<Utc>>().expect("a time") + TimeDelta::seconds(second)
}

/// Asks until there is an answer; `host` says what stands there at each request. Counts the requests.
fn fetch(host: impl FnMut(i64, usize) -> Page, row_max: usize) -> (Result<Answer, FetchError>, i64) {
    ask(host, Pages::new(Some(PAGING), row_max, Settle::NONE), "domains", LATER, 1)
}

/// The same while the day runs.
fn fetch_today(host: impl FnMut(i64, usize) -> Page) -> (Result<Answer, FetchError>, i64) {
    ask(host, Pages::new(Some(PAGING), 100, Settle::NONE), "domains", "2026-02-15T06:00:00Z", 1)
}

/// Asks for `days` days of `endpoint`; the requests are sent a second apart from `from` on.
fn ask(
    mut host: impl FnMut(i64, usize) -> Page,
    mut pages: Pages,
    endpoint: &str,
    from: &str,
    days: u64,
) -> (Result<Answer, FetchError>, i64) {
    let mall: MallId = "yourmall".parse().expect("valid");
    let day: NaiveDate = "2026-02-15".parse().expect("a day");
    let wanted = Wanted {
        mall_id: &mall,
        shop_no: ShopNo::FIRST,
        endpoint: endpoint.parse().expect("known"),
        granularity: Granularity::Day,
        chunk: DayRange::new(day, day + Days::new(days - 1)).expect("in order"),
    };
    let from: DateTime<Utc> = from.parse().expect("a time");
    let mut asked = 0;
    loop {
        let request = Request::new(wanted, Dialect::Live).expect("askable").after(pages.offset());
        let page = host(asked, pages.offset());
        asked += 1;
        match pages.take(page, &request, from + TimeDelta::seconds(asked)) {
            Ok(Step::Whole(answer)) => return (Ok(answer), asked),
            Ok(Step::Next | Step::Again) => assert!(asked < 1_000, "it ends"),
            Err(error) => return (Err(error), asked),
        }
    }
}

#[test]
fn a_short_page_is_the_last_one_and_a_full_one_is_not() {
    for (rows, requests) in [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3)] {
        let host = Host::of(0..rows);
        let (answer, asked) = fetch(|_, offset| host.page(offset), 100);
        let answer = answer.expect("still rows");
        assert_eq!(answer.rows, host.0, "{rows}");
        assert_eq!((asked, answer.pages), (requests, u32::try_from(requests).expect("few")), "{rows} rows");
        assert_eq!(answer.asked_at, at(1), "the first request counts");
    }
}

#[test]
fn a05_a_row_that_came_before_the_page_makes_all_be_fetched_again() {
    let (before, after) = (Host::of(10..20), Host::of(9..20));
    let (answer, asked) =
        fetch(|n, offset| if n < 2 { before.page(offset) } else { after.page(offset) }, 100);
    let answer = answer.expect("they stood still the second time");
    assert_eq!(answer.rows, after.0);
    assert_eq!(
        (asked, answer.pages, answer.asked_at),
        (3 + 4, 4, at(4)),
        "two good pages, one that shows it, then all"
    );
}

#[test]
fn a05_figures_that_changed_while_paging_make_all_be_fetched_again() {
    let before = Host::of(0..6);
    let after = Host(
        before
            .0
            .iter()
            .map(|row| MetricRow { values: Values { clicks: Some(2), ..row.values }, ..row.clone() })
            .collect(),
    );
    let (answer, _) = fetch(|n, offset| if n < 1 { before.page(offset) } else { after.page(offset) }, 100);
    assert_eq!(answer.expect("still").rows, after.0);
}

#[test]
fn a05_a_name_that_differs_from_page_to_page_is_no_move() {
    let host = Host::of(0..9);
    let (answer, asked) = fetch(
        |n, offset| {
            let mut page = host.page(offset);
            let named = |row: &mut MetricRow| row.label = Some(format!("rank of answer {n}"));
            page.rows.iter_mut().for_each(named);
            if let Some(ends) = &mut page.ends {
                named(&mut ends.0);
                named(&mut ends.1);
            }
            page
        },
        100,
    );
    let ids: Vec<_> =
        answer.expect("the figures stand still").rows.into_iter().map(|row| row.entity_id).collect();
    assert_eq!(ids, host.0.iter().map(|row| row.entity_id.clone()).collect::<Vec<_>>());
    assert_eq!(asked, 3, "nothing is asked again");
}

#[test]
fn a05_rows_that_never_stand_still_are_left_for_later() {
    let (answer, asked) = fetch(|n, offset| Host::of(u32::try_from(n).expect("few")..30).page(offset), 100);
    let error = answer.expect_err("they move with every request");
    assert_eq!((error.class(), asked), (FailureClass::Transient, 6));
    assert!(error.evidence().request.ends_with("&offset=3"), "the page is named: {error:?}");
}

#[test]
fn a05_a_server_that_does_not_heed_the_offset_breaks_the_contract() {
    let host = Host::of(0..10);
    let (answer, asked) = fetch(|_, _| host.page(0), 100);
    assert_eq!((answer.expect_err("the same page").class(), asked), (FailureClass::ContractViolation, 6));
}

#[test]
fn a05_a_page_that_repeats_once_is_fetched_again() {
    let host = Host::of(0..10);
    let (answer, _) = fetch(|n, offset| host.page(if n == 2 { offset - 3 } else { offset }), 100);
    assert_eq!(answer.expect("once only").rows, host.0);
}

#[test]
fn a05_a_server_that_does_not_heed_the_limit_breaks_the_contract() {
    let rows = Host::of(0..6).0;
    let page = Page { count: 6, ends: Some(Box::new((row(0, 1), row(5, 1)))), rows, ..Page::default() };
    let (answer, asked) = fetch(|_, _| page.clone(), 100);
    assert_eq!((answer.expect_err("too many").class(), asked), (FailureClass::ContractViolation, 1));
}

#[test]
fn d01_pages_without_end_are_bounded_by_the_row_limit() {
    let host = Host::of(0..999);
    let (answer, asked) = fetch(|_, offset| host.page(offset), 20);
    let error = answer.expect_err("too many");
    assert!(error.to_string().contains("more than 20 rows"), "{error}");
    assert_eq!(asked, 6, "overlaps count as rows in hand, too");
}

#[test]
fn an_answer_of_a_round_number_of_rows_is_suspected_to_be_cut() {
    let mall: MallId = "yourmall".parse().expect("valid");
    let day = "2026-02-15".parse().expect("a day");
    let wanted = Wanted {
        mall_id: &mall,
        shop_no: ShopNo::FIRST,
        endpoint: "domains".parse().expect("known"),
        granularity: Granularity::Day,
        chunk: DayRange::new(day, day).expect("in order"),
    };
    for (dialect, count, suspected) in [
        (Dialect::Seed, 100, true),
        (Dialect::Seed, 1_000, true),
        (Dialect::Seed, 99, false),
        (Dialect::Seed, 150, false),
        (Dialect::Live, 99, false),
        (Dialect::Live, 999, false),
    ] {
        let rows: Vec<_> = (0..count).map(|id| row(id, 1)).collect();
        let ends = rows.first().cloned().zip(rows.last().cloned()).map(Box::new);
        let page = Page { count: rows.len(), rows, ends, ..Page::default() };
        let request = Request::new(wanted, dialect).expect("askable");
        match Pages::of(dialect, Settle::NONE).take(page, &request, at(0)) {
            Ok(Step::Whole(answer)) => assert_eq!(answer.oddities.looks_cut, suspected, "{dialect} {count}"),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    /// Whatever comes, goes or changes between requests: an answer is one moment's, or there is none.
    #[test]
    fn a05_rows_that_come_and_go_never_make_a_mixed_answer(
        start in proptest::collection::btree_set(0..60u32, 0..24),
        changes in proptest::collection::vec((0..60u32, any::<bool>()), 0..8),
    ) {
        let mut moments = vec![start];
        for (id, comes) in changes {
            let mut next = moments.last().cloned().unwrap_or_default();
            if comes { next.insert(id); } else { next.remove(&id); }
            moments.push(next);
        }
        let host = |n: i64| Host::of(moments[usize::try_from(n).expect("small").min(moments.len() - 1)].iter().copied());
        let (answer, asked) = fetch(|n, offset| host(n).page(offset), 100);
        if let Ok(answer) = answer {
            // A row may have come behind us or gone after we saw it: such an answer is of the moments between its first and
            // last request. No row that was there all the time is missing, and none that never was is there.
            let first = asked - i64::from(answer.pages);
            let seen: Vec<_> = (first..asked).map(|n| host(n).0).collect();
            for row in &answer.rows {
                prop_assert!(seen.iter().any(|rows| rows.contains(row)));
            }
            for row in seen[0].iter().filter(|row| seen.iter().all(|rows| rows.contains(row))) {
                prop_assert!(answer.rows.contains(row), "{row:?} is missing");
            }
            prop_assert!(answer.rows.windows(2).all(|pair| pair[0].entity_id < pair[1].entity_id));
        }
    }
}
