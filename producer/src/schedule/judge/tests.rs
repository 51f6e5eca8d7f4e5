//! A row, a moment, and what becomes of it.

use chrono::TimeDelta;
use common::domain::calendar::DayRange;
use common::domain::job::Lane;
use common::store::OwnSettings;

use super::*;
use crate::schedule::settings::tests::config;

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}+09:00").parse().expect("a time")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn row(schedule: Schedule, last_at: Option<&str>) -> DueTick {
    DueTick {
        mall_id: "hanbit".parse().expect("valid"),
        schedule,
        revision: "1".to_owned(),
        anew: false,
        last_at: last_at.map(at),
        reached: None,
        wanted_from: Some(day("2025-02-16")),
        created_at: at("2026-02-16T10:00:00"),
        settings: OwnSettings::default(),
        paused: false,
    }
}

fn judged(row: &DueTick, now: &str) -> Judged {
    judge(&config(""), row, at(now))
}

/// The days that are asked for, and when the row is due next.
fn asked(judged: Judged) -> (DayRange, Option<DateTime<Utc>>) {
    match judged {
        Judged::Asks(asking) => (asking.ask.expect("days").range, asking.tick.next_at),
        other => panic!("{other:?}"),
    }
}

fn range(start: &str, end: &str) -> DayRange {
    DayRange::new(day(start), day(end)).expect("in order")
}

#[test]
fn a_morning_asks_for_the_last_three_days() {
    let (days, next) =
        asked(judged(&row(Schedule::Window, Some("2026-02-15T06:40:00")), "2026-02-16T07:05:00"));
    assert_eq!(days, range("2026-02-13", "2026-02-15"));
    let next = next.expect("tomorrow");
    assert!(next >= at("2026-02-17T06:30:00") && next < at("2026-02-17T07:00:00"));
}

#[test]
fn a_mall_that_was_away_for_a_week_is_asked_for_it_once() {
    let row = DueTick { anew: true, ..row(Schedule::Window, Some("2026-02-08T06:40:00")) };
    assert_eq!(asked(judged(&row, "2026-02-16T12:00:00")).0, range("2026-02-06", "2026-02-15"));
}

#[test]
fn what_is_paused_or_off_waits_for_a_change_and_keeps_its_last_tick() {
    let paused = DueTick { paused: true, ..row(Schedule::Window, Some("2026-02-15T06:40:00")) };
    let off = DueTick {
        settings: OwnSettings { today_minutes: Some(0), ..OwnSettings::default() },
        ..row(Schedule::Today, Some("2026-02-15T06:40:00"))
    };
    for row in [paused, off] {
        let Judged::Moved(tick) = judged(&row, "2026-02-16T12:00:00") else { panic!("{row:?}") };
        assert_eq!((tick.next_at, tick.last_at, tick.over), (None, row.last_at, false));
    }
}

#[test]
fn a_missed_part_of_a_day_that_is_over_is_not_made_up() {
    let row = row(Schedule::Today, Some("2026-02-15T20:05:00"));
    assert_eq!(asked(judged(&row, "2026-02-15T23:59:00")).0, range("2026-02-15", "2026-02-15"));
    // Down since the evening: the morning will bring yesterday, and today has hardly begun.
    assert!(matches!(judged(&row, "2026-02-16T00:45:00"), Judged::Moved(tick) if tick.next_at.is_some()));
}

#[test]
fn a_new_mall_is_asked_for_its_last_week_then_for_the_rest_and_then_never_again() {
    let now = "2026-02-16T10:00:01";
    let Judged::Asks(week) = judged(&DueTick { anew: true, ..row(Schedule::Onboarding, None) }, now) else {
        panic!("days")
    };
    assert_eq!(week.ask.expect("days").lane, Lane::Fresh);
    assert_eq!((week.tick.next_at, week.tick.over), (Some(at(now)), false));
    let mut tick = week.tick;
    let mut asked = Vec::new();
    while !tick.over {
        assert_eq!(tick.next_at, Some(at(now)), "the rest is due at once");
        let due = DueTick { reached: tick.reached, ..row(Schedule::Onboarding, Some(now)) };
        let Judged::Asks(rest) = judged(&due, now) else { panic!("days") };
        let ask = rest.ask.expect("days");
        assert_eq!(ask.lane, Lane::Backfill);
        asked.push(ask.range);
        tick = rest.tick;
    }
    assert_eq!(asked.first().map(|range| range.end()), Some(day("2026-02-08")));
    assert_eq!(asked.last().map(|range| range.start()), Some(day("2025-02-16")));
    assert!(asked.windows(2).all(|pair| pair[1].end().succ_opt() == Some(pair[0].start())), "{asked:?}");
    assert_eq!((tick.next_at, tick.reached), (None, Some(day("2025-02-16"))));
    // A mall whose week was planned before stretches were counted.
    let Judged::Asks(rest) = judged(&row(Schedule::Onboarding, Some(now)), now) else { panic!("days") };
    assert_eq!(rest.ask.expect("days").range, asked[0]);
}

#[test]
fn a_new_mall_of_which_a_few_days_are_wanted_has_no_history() {
    let few = DueTick { wanted_from: Some(day("2026-02-12")), ..row(Schedule::Onboarding, None) };
    let Judged::Asks(week) = judged(&few, "2026-02-16T10:00:01") else { panic!("days") };
    assert_eq!((week.ask.expect("days").range, week.tick.over), (range("2026-02-12", "2026-02-15"), true));
    // Nothing is final yet.
    let none = DueTick { wanted_from: Some(day("2026-02-16")), ..few };
    assert!(matches!(judged(&none, "2026-02-16T10:00:01"), Judged::Moved(tick) if tick.over));
}

#[test]
fn a_day_whose_morning_is_to_come_is_no_gap() {
    let through = |now: &str| match judged(&row(Schedule::Gaps, Some("2026-02-15T20:05:00")), now) {
        Judged::Gaps(_, through) => through,
        other => panic!("{other:?}"),
    };
    assert_eq!(through("2026-02-16T05:00:00"), day("2026-02-14"));
    assert_eq!(through("2026-02-16T07:00:00"), day("2026-02-15"));
}

#[test]
fn no_schedule_asks_for_a_day_that_is_not_final_but_today_for_today() {
    let early = config("daily_at = '00:10'");
    let mut now = at("2026-02-16T00:00:00");
    for _ in 0..24 * 12 {
        for schedule in Schedule::ALL {
            let row = DueTick { anew: true, ..row(schedule, Some("2026-01-01T06:40:00")) };
            if let Judged::Asks(Asking { ask: Some(ask), .. }) = judge(&early, &row, now) {
                let open = early.settle.open_from(now);
                assert!(
                    ask.range.end() < open || schedule == Schedule::Today,
                    "{schedule} at {now}: {}",
                    ask.range
                );
            }
        }
        now += TimeDelta::minutes(5);
    }
}
