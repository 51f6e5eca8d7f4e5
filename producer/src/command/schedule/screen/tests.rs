//! The screens, with a fixed clock.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::command::health::tests::at;
use crate::output::golden::golden;
use crate::output::paint::bare;
use crate::plan::selection::tests::mall;

fn config(toml: &str) -> ScheduleConfig {
    common::config::Config::from_parts(&format!("[schedule]\n{toml}"), std::iter::empty())
        .expect("valid")
        .schedule
}

fn states() -> Vec<TickState> {
    let state = |schedule, waiting, due, next: Option<i64>, last: Option<i64>, jobs, ended| TickState {
        schedule,
        waiting,
        due,
        anew: 0,
        next_at: next.map(|minutes| at() + TimeDelta::minutes(minutes)),
        last_at: last.map(|minutes| at() - TimeDelta::minutes(minutes)),
        run_id: (jobs > 0).then(|| Uuid::from_u128(7)),
        jobs,
        ended,
    };
    vec![
        state(Schedule::Window, 212, 0, Some(1_188), Some(224), 848, 848),
        state(Schedule::Today, 210, 6, Some(80), Some(12), 840, 801),
        state(Schedule::Sweep, 212, 0, Some(18_560), Some(21_600), 12_296, 12_296),
        state(Schedule::Onboarding, 0, 0, None, Some(4_000), 0, 0),
        state(Schedule::Gaps, 212, 0, Some(3), Some(1), 0, 0),
    ]
}

fn overrides() -> Vec<Override> {
    let own = |scope, settings, paused: &[Schedule]| Override {
        scope,
        settings,
        paused: paused.to_vec(),
        updated_at: at() - TimeDelta::hours(26),
        updated_by: "kim@ops".to_owned(),
    };
    vec![
        own(Scope::All, OwnSettings::default(), &[Schedule::Sweep]),
        own(
            Scope::Agency("acme".to_owned()),
            OwnSettings { lookback: Some(7), ..OwnSettings::default() },
            &[],
        ),
        own(
            Scope::Mall("hanbit".parse().expect("valid")),
            OwnSettings {
                today_minutes: Some(0),
                daily_at: "07:15:00".parse().ok(),
                ..OwnSettings::default()
            },
            &[Schedule::Gaps],
        ),
    ]
}

#[test]
fn the_list_says_when_what_how_far_and_what_differs_for_whom() {
    let (config, states, overrides) = (config(""), states(), overrides());
    let list = List { config: &config, states: &states, overrides: &overrides };
    golden("schedule_list", |width| list.table(at()).text(width) + &list.below());
    let json = list.json();
    assert_eq!(json["items"][1]["due"], 6);
    // After a change nobody knows yet when they are due: they are not due now.
    let mut changed = states.clone();
    (changed[0].anew, changed[0].next_at) = (212, None);
    let list = List { config: &config, states: &changed, overrides: &overrides };
    let text = bare(&(list.table(at()).text(None) + &list.below()));
    assert!(text.contains("next pass: 212 malls") && text.contains("the daemon works out anew"), "{text}");
    assert_eq!(list.json()["items"][0]["anew"], 212);
    assert_eq!(json["overrides"][1]["settings"]["lookback_days"], 7);
}

#[test]
fn a_mall_shows_whose_each_setting_is_and_what_is_paused_for_whom() {
    let (config, states, overrides) = (config("enabled = false"), states(), overrides());
    let mut hanbit = mall("hanbit", "api");
    (hanbit.agency_id, hanbit.wanted_from) = ("acme".to_owned(), "2025-02-16".parse().ok());
    let show = Show::new(&config, &hanbit, &states, &overrides);
    golden("schedule_show", |width| show.text(at(), width));
    assert_eq!(show.json()["settings"]["lookback"]["from"], "agency acme");
    assert_eq!(show.json()["paused"], json!(["sweep", "gaps"]));
    let none = List { config: &config, states: &[], overrides: &[] };
    let none = none.table(at()).text(None) + &none.below();
    assert!(bare(&none).ends_with("! nothing is fetched by itself: schedule.enabled is false\n"), "{none}");
}

#[test]
fn a_run_by_hand_says_what_it_found_and_what_it_made() {
    let counts = PlanCounts {
        wanted: 2_544,
        complete: 1_696,
        in_work: 8,
        jobs: 280,
        parked: 4,
        ..PlanCounts::default()
    };
    let text = planned(
        Schedule::Window,
        "the last finished days, again",
        &Scope::All,
        &counts,
        Some("41 s  set by mall moonlit: 117 requests, 35 tokens left, 2/s".to_owned()),
        "nothing sent yet",
    );
    golden("schedule_run", |_| text.clone());
}
