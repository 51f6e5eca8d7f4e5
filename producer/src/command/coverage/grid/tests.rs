//! The screens, with a fixed clock.

use super::super::count::tests::{day, series};
use super::super::screen::tests::fresh;
use super::*;
use crate::command::health::tests::at;
use crate::output::golden::golden;
use crate::output::paint::bare;
use crate::output::terminal::ascii;

fn range(first: &str) -> DayRange {
    DayRange::new(day(first), day("2026-02-16")).expect("in order")
}

/// Sixty days: restated ones, three that failed, today partial and asked for again.
fn ainong() -> Mall {
    let complete = |days: usize| "c".repeat(days);
    let data = |tail: &str| format!("{}rr{}{tail}", complete(28), complete(30 - tail.len()));
    let idle = |tail: &str| format!("{}{tail}", "i".repeat(60 - tail.len()));
    Mall {
        freshness: fresh(
            "ainong",
            "needs_you",
            Some("3 jobs failed for good: products: order_amount is missing"),
        ),
        series: vec![
            series("ainong", "visitors", "2025-12-19", &data("t"), &idle("r")),
            series("ainong", "pageviews", "2025-12-19", &data("t"), &idle("")),
            series("ainong", "products", "2025-12-19", &data("mmmn"), &idle("fffq")),
            series("ainong", "domains", "2025-12-19", &data("ct"), &idle("fi")),
        ],
    }
}

#[test]
fn days_fit_on_the_screen_and_weeks_stay_whole() {
    golden("coverage", |width| text(&[ainong()], range("2025-12-19"), at(), width.unwrap_or(80)));
    let text = bare(&text(&[ainong()], range("2025-12-19"), at(), 80));
    let grid = text.lines().filter(|line| line.contains('✓'));
    assert!(grid.clone().count() > 4 && grid.clone().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn more_days_than_columns_are_cut_between_weeks() {
    let mut mall = ainong();
    mall.freshness = fresh("hanbit", "catching_up", Some("60 days missing, being fetched"));
    // Two shops; the second is wanted later.
    mall.series = vec![
        series("hanbit", "visitors", "2025-11-18", &format!("{}n", "m".repeat(90)), &"q".repeat(91)),
        series("hanbit", "visitors", "2026-01-17", &format!("{}t", "c".repeat(30)), &"i".repeat(31)),
    ];
    mall.series[1].shop_no = 2;
    golden("coverage_wide", |width| {
        text(std::slice::from_ref(&mall), range("2025-11-18"), at(), width.unwrap_or(80))
    });
}

#[test]
fn a_few_days_have_their_date_too() {
    let mut mall = ainong();
    mall.series = vec![series("ainong", "visitors", "2026-02-12", "ccccn", "iiiii")];
    let text = bare(&text(&[mall], range("2026-02-12"), at(), 80));
    assert!(
        text.lines().any(|line| line.trim_start().starts_with("5 days") && line.ends_with("Feb 12")),
        "{text}"
    );
}

#[test]
fn without_utf_8_every_mark_has_a_sign_of_its_own() {
    let text = bare(&text(&[ainong()], range("2025-12-19"), at(), 80));
    let plain = ascii(&text);
    assert!(plain.is_ascii());
    assert!(plain.contains(" domains    59/59  ++++"), "{plain}");
    assert!(
        plain.contains("+ complete  r restated  ~ partial  . missing  t today partial  _ not yet"),
        "{plain}"
    );
}

#[test]
fn a_mall_of_which_nothing_is_wanted_says_so() {
    let mall = Mall {
        freshness: fresh("new", "paused", Some("the mode is not \"api\": nothing is sent")),
        series: Vec::new(),
    };
    let text = bare(&text(&[mall], range("2025-12-19"), at(), 80));
    assert!(
        text.contains("new  ⏸ paused: the mode is not") && text.contains("no day of these is wanted"),
        "{text}"
    );
}

#[test]
fn x2_a_foreign_reason_cannot_move_the_cursor() {
    let mut mall = ainong();
    mall.freshness.reason = Some("\u{1b}[2Jgone".to_owned());
    let text = bare(&text(&[mall], range("2025-12-19"), at(), 80));
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
