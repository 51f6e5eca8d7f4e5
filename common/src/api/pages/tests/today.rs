//! Periods that are not final: their rows move by nature.

use super::*;

#[test]
fn a05_rows_of_the_running_day_that_never_stand_still_are_kept_and_say_so() {
    let (answer, asked) = fetch_today(|n, offset| Host::of(u32::try_from(n).expect("few")..30).page(offset));
    let answer = answer.expect("partial is better than nothing");
    assert!(answer.moved);
    assert_eq!(i64::from(answer.pages), asked - 2, "all of them, after one that showed it");
    let ids: Vec<_> = answer.rows.iter().map(|row| row.entity_id.as_str()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "no row twice: {ids:?}");
    assert!(ids.len() > 15 && ids.last() == Some(&"029"), "to the end: {ids:?}");
}

#[test]
fn a05_of_a_row_of_the_running_day_that_came_twice_the_later_figure_counts() {
    // Each request finds one row more before the others, and one click more in each of them.
    let host = |n: i64| {
        let ids = 20 - u32::try_from(n).expect("few")..30;
        Host(ids.map(|id| row(id, n)).collect())
    };
    let (answer, asked) = fetch_today(|n, offset| host(n).page(offset));
    let answer = answer.expect("partial");
    let last: Vec<_> = host(asked - 1).page(usize::try_from(asked - 3).expect("few") * 3).rows;
    assert!(!last.is_empty() && answer.moved);
    for row in &last {
        assert!(answer.rows.contains(row), "{row:?} is of the last page");
    }
    let ids: std::collections::BTreeSet<_> = answer.rows.iter().map(|row| &row.entity_id).collect();
    assert_eq!(ids.len(), answer.rows.len(), "no row twice");
}

#[test]
fn a05_rows_of_the_running_day_that_moved_once_are_fetched_again_and_are_of_one_moment() {
    let (before, after) = (Host::of(10..20), Host::of(9..20));
    let (answer, asked) =
        fetch_today(|n, offset| if n < 2 { before.page(offset) } else { after.page(offset) });
    let answer = answer.expect("they stood still the second time");
    assert_eq!((answer.rows, answer.moved, asked), (after.0, false, 3 + 4));
}

#[test]
fn a05_a_day_that_becomes_final_while_it_is_read_is_not_kept_as_it_moved() {
    let pages = Pages::new(Some(PAGING), 100, Settle::NONE);
    // The first page of the third round is sent after midnight in Korea.
    let (answer, asked) = ask(
        |n, offset| Host::of(u32::try_from(n).expect("few")..30).page(offset),
        pages,
        "domains",
        "2026-02-15T14:59:56Z",
        1,
    );
    let kept = answer.expect("asked while the day ran");
    assert!(kept.moved && kept.asked_at < "2026-02-15T15:00:00Z".parse::<DateTime<Utc>>().expect("a time"));
    assert!(asked > 6, "its last pages came after midnight: {asked}");
    let pages = Pages::new(Some(PAGING), 100, Settle::NONE);
    let (answer, asked) = ask(
        |n, offset| Host::of(u32::try_from(n).expect("few")..30).page(offset),
        pages,
        "domains",
        "2026-02-15T14:59:58Z",
        1,
    );
    assert_eq!((answer.expect_err("final by then").class(), asked), (FailureClass::Transient, 6));
}

#[test]
fn a05_an_offset_that_is_not_heeded_breaks_the_contract_on_the_running_day_too() {
    let host = |n: i64| Host((0..10).map(|id| row(id, n)).collect());
    let (answer, asked) = fetch_today(|n, _| host(n).page(0));
    let error = answer.expect_err("the same page, though its figures grow");
    assert_eq!((error.class(), asked), (FailureClass::ContractViolation, 6));
}

proptest! {
    /// Whatever comes, goes or changes while the day runs: there is an answer, no row stands in it twice, and none is missing
    /// that stood still while no other one went before it.
    #[test]
    fn a05_the_running_day_is_kept_whatever_moves(
        start in proptest::collection::btree_set(0..60u32, 0..24),
        comes in proptest::collection::vec(0..60u32, 0..8),
    ) {
        let mut moments = vec![start];
        for id in comes {
            let mut next = moments.last().cloned().unwrap_or_default();
            next.insert(id);
            moments.push(next);
        }
        let host = |n: i64| Host::of(moments[usize::try_from(n).expect("small").min(moments.len() - 1)].iter().copied());
        let (answer, asked) = fetch_today(|n, offset| host(n).page(offset));
        let answer = answer.expect("partial");
        prop_assert!(answer.rows.windows(2).all(|pair| pair[0].entity_id < pair[1].entity_id));
        for row in &host(asked - i64::from(answer.pages)).0 {
            prop_assert!(answer.rows.contains(row), "{row:?} was there from the first page on");
        }
    }
}
