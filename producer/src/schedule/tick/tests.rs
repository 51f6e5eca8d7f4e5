//! Which ticks are due between two moments, whatever the clock does.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}+09:00").parse().expect("a time")
}

fn clock(text: &str) -> NaiveTime {
    text.parse().expect("a time of the day")
}

/// Each morning at 06:30, this mall ten minutes later.
fn morning() -> Ticks {
    Ticks { rhythm: Rhythm::Daily(clock("06:30:00")), offset: TimeDelta::minutes(10) }
}

fn due(ticks: Ticks, last: Option<&str>, anew: bool, now: &str) -> Result<String, String> {
    match ticks.verdict(last.map(at), anew, at(now)).expect("a calendar") {
        Verdict::Due(tick) => Ok(tick.due.with_timezone(&kst()).format("%m-%d %H:%M").to_string()),
        Verdict::Wait(next) => Err(next.with_timezone(&kst()).format("%m-%d %H:%M").to_string()),
    }
}

#[rstest]
#[case::in_time(Some("2026-02-15T06:40:00"), false, "2026-02-16T06:40:00", Ok("02-16 06:40"))]
#[case::after_five_days_once(Some("2026-02-10T06:40:00"), false, "2026-02-16T12:00:00", Ok("02-16 06:40"))]
#[case::before_todays_the_last_missed_one(
    Some("2026-02-10T06:40:00"),
    false,
    "2026-02-16T05:00:00",
    Ok("02-15 06:40")
)]
#[case::new_malls_wait_for_a_morning(None, true, "2026-02-16T12:00:00", Err("02-17 06:40"))]
#[case::and_have_it_then(None, false, "2026-02-17T06:40:01", Ok("02-17 06:40"))]
#[case::sends_again_after_days(Some("2026-02-10T06:40:00"), true, "2026-02-16T12:00:00", Ok("02-16 06:40"))]
#[case::sends_again_within_the_day(
    Some("2026-02-16T06:40:00"),
    true,
    "2026-02-16T12:00:00",
    Err("02-17 06:40")
)]
#[case::clock_back_by_three_hours(
    Some("2026-02-16T06:40:00"),
    true,
    "2026-02-16T04:00:00",
    Err("02-17 06:40")
)]
#[case::clock_back_from_a_wrong_month(
    Some("2026-03-16T06:40:00"),
    true,
    "2026-02-16T04:00:00",
    Err("02-16 06:40")
)]
fn a_tick_is_made_up_once_and_not_made_twice(
    #[case] last: Option<&str>,
    #[case] anew: bool,
    #[case] now: &str,
    #[case] expected: Result<&str, &str>,
) {
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    assert_eq!(due(morning(), last, anew, now), expected);
}

#[rstest]
#[case::none(Some("2026-02-15T06:40:00"), 0)]
#[case::the_same_day(Some("2026-02-16T05:00:00"), 0)]
#[case::five(Some("2026-02-10T06:40:00"), 5)]
#[case::over_the_end_of_a_leap_february(Some("2024-02-28T06:40:00"), 718)]
#[case::the_first(None, 0)]
fn missed_mornings_are_counted(#[case] last: Option<&str>, #[case] missed: u32) {
    let Some(Verdict::Due(tick)) = morning().verdict(last.map(at), false, at("2026-02-16T12:00:00")) else {
        panic!("due")
    };
    assert_eq!(tick.missed_days, missed);
}

#[rstest]
#[case(1, &["01:00", "02:00", "03:00"])]
#[case(5, &["05:00", "10:00", "15:00", "20:00"])]
#[case(12, &["12:00"])]
fn today_beats_in_steps_after_midnight_but_not_at_it(#[case] hours: u64, #[case] beats: &[&str]) {
    let day = "2026-02-16".parse().expect("a day");
    let all = Rhythm::Every(Duration::from_hours(hours)).on(day);
    let shown: Vec<_> =
        all.iter().map(|beat| beat.with_timezone(&kst()).format("%H:%M").to_string()).collect();
    assert_eq!(shown[..beats.len()], *beats);
    assert!(all.iter().all(|beat| kst_day(*beat) == day));
}

#[test]
fn every_month_has_its_sweep() {
    let sweep = Rhythm::Monthly { day: 28, at: clock("08:00:00") };
    let mut now = at("2024-01-01T00:00:00");
    for month in 0..36_u32 {
        now = sweep.next(now).expect("a beat");
        let day = kst_day(now);
        assert_eq!((day.day(), day.month0()), (28, month % 12));
    }
}

/// Any rhythm and offset that a mall can have.
fn any_ticks() -> impl Strategy<Value = Ticks> {
    let time = (0_u32..1_440)
        .prop_map(|minute| NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).expect("a time"));
    let rhythm = prop_oneof![
        time.clone().prop_map(Rhythm::Daily),
        (60_u64..=720).prop_map(|minutes| Rhythm::Every(Duration::from_mins(minutes))),
        (1_u32..=28, time).prop_map(|(day, at)| Rhythm::Monthly { day, at }),
    ];
    (rhythm, 0_i64..14_400).prop_map(|(rhythm, offset)| Ticks { rhythm, offset: TimeDelta::seconds(offset) })
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    (1_700_000_000_i64..2_000_000_000)
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).expect("a time"))
}

/// The row of a mall as the table keeps it.
#[derive(Debug, Clone, Copy)]
struct Row {
    next_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
}

/// Looks at the row as the scheduler does; what was due.
fn look(ticks: Ticks, row: &mut Row, now: DateTime<Utc>) -> Option<Tick> {
    if row.next_at.is_some_and(|next| next > now) {
        return None;
    }
    match ticks.verdict(row.last_at, row.next_at.is_none(), now).expect("a calendar") {
        Verdict::Wait(next) => {
            row.next_at = Some(next);
            None
        }
        Verdict::Due(tick) => {
            *row = Row { next_at: Some(tick.next), last_at: Some(tick.due) };
            Some(tick)
        }
    }
}

proptest! {
    #[test]
    fn the_last_due_time_and_the_next_enclose_now(ticks in any_ticks(), now in any_time()) {
        let (last, next) = (ticks.last_due(now).expect("one"), ticks.next_due(now).expect("one"));
        prop_assert!(last <= now && now < next);
        // Nothing lies between the two.
        prop_assert_eq!(ticks.next_due(last), Some(next));
        prop_assert_eq!(ticks.last_due(next - TimeDelta::seconds(1)), Some(last));
    }

    #[test]
    fn looked_at_every_minute_each_due_time_ticks_once(ticks in any_ticks(), start in any_time(), minutes in 1_i64..6_000) {
        let mut row = Row { next_at: None, last_at: None };
        let mut ticked = Vec::new();
        for minute in 0..minutes {
            ticked.extend(look(ticks, &mut row, start + TimeDelta::minutes(minute)).map(|tick| tick.due));
        }
        let end = start + TimeDelta::minutes(minutes - 1);
        let mut expected = Vec::new();
        let mut next = ticks.next_due(start).expect("one");
        while next <= end {
            expected.push(next);
            next = ticks.next_due(next).expect("one");
        }
        prop_assert_eq!(ticked, expected);
    }

    #[test]
    fn however_the_clock_jumps_no_due_time_ticks_twice_and_none_waits_for_longer_than_two_beats(
        ticks in any_ticks(),
        start in any_time(),
        jumps in proptest::collection::vec(-3_000_000_i64..3_000_000, 1..40),
    ) {
        let mut row = Row { next_at: None, last_at: None };
        let mut now = start;
        let mut ticked = std::collections::BTreeSet::new();
        let mut ahead = start;
        for jump in jumps {
            now += TimeDelta::seconds(jump);
            ahead = ahead.max(now);
            // What schedule_align.sql does within a minute: a row that waits too long is worked out anew.
            if row.next_at.is_some_and(|next| next > now + TimeDelta::days(32)) {
                row.next_at = None;
            }
            if let Some(tick) = look(ticks, &mut row, now) {
                prop_assert!(tick.due <= now && now < tick.next);
                // The same due time again only after a clock that was wrong by more than a beat was set right.
                prop_assert!(ticked.insert(tick.due) || tick.due < ahead);
            }
            let next = row.next_at.expect("it waits for something");
            prop_assert!(next <= now + TimeDelta::days(32 + 32));
        }
    }

    #[test]
    fn a_clock_that_goes_back_by_less_than_a_beat_ticks_nothing_again(
        ticks in any_ticks(),
        now in any_time(),
        back in 1_i64..1_000_000,
    ) {
        let mut row = Row { next_at: None, last_at: Some(now - TimeDelta::days(90)) };
        let first = look(ticks, &mut row, now).expect("missed for long");
        let back = TimeDelta::seconds(back).min(first.due - ticks.last_due(first.due - TimeDelta::seconds(1)).expect("one before"));
        // Worked out anew at the earlier time, as after a change of the settings.
        row.next_at = None;
        let earlier = now - back;
        prop_assert_eq!(look(ticks, &mut row, earlier), None);
        prop_assert_eq!(look(ticks, &mut row, now), None);
        prop_assert!(row.next_at.is_some_and(|next| next > first.due));
    }
}
