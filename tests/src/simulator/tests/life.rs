//! Days that live: the present, and every other moment, by the books.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::super::client::{get, post_json};
use super::super::{DayKind, Dialect, Endpoint, Granularity, MallSpec, SimConfig, SimulatorHandle, TruthRow};
use super::live::{LIVE, ask_live};
use super::{MALL, ask, day, path, start_with};

const TODAY: &str = "2026-02-16";

fn start() -> SimulatorHandle {
    start_with(SimConfig { days: DayKind::Living, rate_multiplier: 100.0, ..SimConfig::default() })
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn truth(sim: &SimulatorHandle, endpoint: Endpoint, day: NaiveDate, at: DateTime<Utc>) -> Vec<TruthRow> {
    sim.truth_as_of(MALL, 1, endpoint, Granularity::Day, day, day, at).unwrap()
}

fn sum(rows: &[TruthRow]) -> u64 {
    rows.iter().flat_map(|row| [row.impressions, row.clicks, row.conversions]).flatten().sum()
}

fn changes(sim: &SimulatorHandle, endpoint: Endpoint, day: NaiveDate) -> Vec<DateTime<Utc>> {
    sim.changes(MALL, 1, endpoint, Granularity::Day, day).unwrap()
}

#[test]
fn a_day_grows_from_nothing_at_midnight_in_korea_and_never_shrinks() {
    let sim = start();
    for endpoint in Endpoint::ALL {
        let midnight = at("2026-02-15T15:00:00Z");
        let hours =
            (0..=24).map(|hour| sum(&truth(&sim, endpoint, day(TODAY), midnight + TimeDelta::hours(hour))));
        let hours: Vec<_> = hours.collect();
        assert_eq!(hours[0], 0, "{endpoint}");
        assert!(hours.is_sorted() && hours[12] > 0, "{endpoint}: {hours:?}");
        let last = changes(&sim, endpoint, day(TODAY))[24];
        let late = last - at("2026-02-16T15:00:00Z");
        assert!(late >= TimeDelta::hours(1) && late < TimeDelta::hours(3), "{endpoint}: {late}");
        assert!(sum(&truth(&sim, endpoint, day(TODAY), last)) > hours[24], "{endpoint}");
    }
}

#[test]
fn restatements_come_on_later_days_and_mostly_soon() {
    let sim = start();
    let mut after = [0_u32; 8];
    for date in day("2025-06-01").iter_days().take(200) {
        for endpoint in Endpoint::ALL.into_iter().chain(Endpoint::FURTHER) {
            let changes = changes(&sim, endpoint, date);
            assert!(changes.is_sorted() && changes.len() >= 25);
            let end = changes[23];
            for restated in &changes[25..] {
                let days = (*restated - end + TimeDelta::hours(12)).num_days();
                after[usize::try_from(days).unwrap()] += 1;
            }
        }
    }
    // Of 1,600 days: 25, 15, 10, 6, 4, 3 and 2 in a hundred.
    assert_eq!(after[0], 0);
    assert!((320..480).contains(&after[1]) && (180..300).contains(&after[2]), "{after:?}");
    assert!(after[7] >= 10 && after[7] < 60 && after[1..].is_sorted_by(|a, b| a > b), "{after:?}");
}

/// The property that the books rest on: whatever the moment, what a request is answered is what the books say of it,
/// before and afterwards, in both dialects, and its figures bear the number of changes until then.
#[test]
fn an_answer_is_what_the_books_say_of_its_moment() {
    let sim = start();
    let twin = MallSpec { dialect: Dialect::Live, figures_of: Some(MALL.to_owned()), ..MallSpec::new(LIVE) };
    sim.add_mall(twin).unwrap();
    let date = day("2026-02-10");
    for endpoint in Endpoint::ALL {
        let changes = changes(&sim, endpoint, date);
        let around = changes.iter().flat_map(|at| [*at - TimeDelta::minutes(5), *at + TimeDelta::minutes(5)]);
        for moment in around.step_by(5).chain(changes.last().map(|at| *at + TimeDelta::days(1))) {
            let foretold = truth(&sim, endpoint, date, moment);
            sim.clock().set_now(moment);
            let (seed, live) = (marks_of_seed(&sim, endpoint, date), marks_of_live(&sim, endpoint, date));
            sim.clock().set_now(moment + TimeDelta::days(30));
            assert_eq!(truth(&sim, endpoint, date, moment), foretold);
            let passed = changes.iter().filter(|at| **at <= moment).count() as u64;
            assert_eq!(seed.len(), foretold.len(), "{endpoint} {moment}");
            assert_eq!(live.len(), foretold.len(), "{endpoint} {moment}");
            for mark in seed.into_iter().chain(live) {
                assert_eq!(endpoint.serial_mark(mark), passed, "{endpoint} {moment}");
            }
            let of_serial = sim.truth_at(MALL, 1, endpoint, Granularity::Day, date, passed).unwrap();
            assert_eq!(of_serial, foretold, "{endpoint} after {passed} changes");
        }
    }
}

/// The figure that bears the serial, of each row of a day.
fn marks_of_seed(sim: &SimulatorHandle, endpoint: Endpoint, date: NaiveDate) -> Vec<u64> {
    let pair = sim.issue_tokens(MALL).unwrap();
    let query = format!("startDate={date}&endDate={date}&dateType=day");
    let rows = get(sim.address(), &path(endpoint, &query), Some(&pair.access_token)).rows();
    let field = match endpoint {
        Endpoint::VisitorsPageview => "pageviewCount",
        Endpoint::ProductsSales => "salesAmount",
        _ => "visitCount",
    };
    rows.iter().map(|row| row[field].as_u64().unwrap()).collect()
}

fn marks_of_live(sim: &SimulatorHandle, endpoint: Endpoint, date: NaiveDate) -> Vec<u64> {
    sim.issue_tokens(LIVE).unwrap();
    let got = ask_live(sim, endpoint.path(), &format!("start_date={date}&end_date={date}&limit=1000"));
    let rows = got.rows_under(endpoint.path().rsplit('/').next().unwrap());
    let figure = |row: &serde_json::Value| match endpoint {
        Endpoint::VisitorsPageview => row["page_view"].as_u64(),
        Endpoint::ProductsSales => row["order_amount"].as_str().and_then(|amount| amount.parse().ok()),
        _ => row["visit_count"].as_u64(),
    };
    rows.iter().map(|row| figure(row).unwrap()).collect()
}

#[test]
fn a_restatement_lets_products_and_domains_vanish_and_brings_new_ones() {
    let sim = start();
    let names = |rows: Vec<TruthRow>| rows.into_iter().map(|row| row.entity_id).collect::<BTreeSet<_>>();
    for endpoint in [Endpoint::ProductsSales, Endpoint::VisitpathsDomains] {
        let restated = day("2025-06-01").iter_days().take(60).filter_map(|date| {
            let moment = *changes(&sim, endpoint, date).get(25)?;
            let at = |moment| names(truth(&sim, endpoint, date, moment));
            Some((at(moment - TimeDelta::seconds(1)), at(moment)))
        });
        let restated: Vec<_> = restated.collect();
        assert!(restated.len() > 10, "{endpoint}: {}", restated.len());
        for (before, after) in restated {
            assert!(before.difference(&after).count() > 0 && after.difference(&before).count() > 0);
        }
    }
}

#[test]
fn a_restatement_by_hand_is_one_more_change_from_its_moment_on() {
    let sim = start();
    let (endpoint, date) = (Endpoint::ProductsSales, day("2026-01-10"));
    let now = sim.clock().now();
    let before = truth(&sim, endpoint, date, now);
    let serial = sim.restate(MALL, endpoint, date).unwrap();
    assert_eq!(serial, changes(&sim, endpoint, date).len() as u64 + 1);
    assert_eq!(truth(&sim, endpoint, date, now - TimeDelta::minutes(1)), before);
    assert_ne!(truth(&sim, endpoint, date, sim.clock().now()), before);
    let products = |rows: &[TruthRow]| rows.iter().map(|row| row.entity_id.clone()).collect::<Vec<_>>();
    let after = truth(&sim, endpoint, date, sim.clock().now());
    assert!(products(&before).iter().any(|id| !products(&after).contains(id)), "none vanished");
    assert!(products(&after).iter().any(|id| !products(&before).contains(id)), "none appeared");
}

#[test]
fn weeks_and_months_live_with_their_days() {
    let sim = start();
    let of = |moment: &str| {
        let monday = day(TODAY);
        let rows =
            sim.truth_as_of(MALL, 1, Endpoint::VisitorsView, Granularity::Week, monday, monday, at(moment));
        sum(&rows.unwrap())
    };
    let evenings = ["2026-02-16T14:00:00Z", "2026-02-17T14:00:00Z", "2026-02-19T14:00:00Z"].map(of);
    assert!(evenings[0] > 0 && evenings.is_sorted_by(|a, b| a < b), "{evenings:?}");
}

#[test]
fn unless_asked_for_days_are_whole_at_once() {
    let sim = start_with(SimConfig::default());
    let now = sim.clock().now();
    let rows = truth(&sim, Endpoint::VisitorsView, day(TODAY), now - TimeDelta::days(3));
    assert_eq!(rows, truth(&sim, Endpoint::VisitorsView, day(TODAY), now + TimeDelta::days(3)));
    assert!(sum(&rows) > 0 && changes(&sim, Endpoint::VisitorsView, day(TODAY)).is_empty());
    assert_eq!(ask(&sim, Endpoint::VisitorsView).rows().len(), 1);
}

#[test]
fn the_books_of_a_moment_are_open_over_control_too() {
    let sim = start();
    let url = format!("/control/truth?mall={MALL}&endpoint=products/sales&from=2026-02-10");
    let lines = |more: &str| get(sim.address(), &format!("{url}{more}"), None).text();
    let early = lines("&at=2026-02-10T02:00:00Z");
    let late = lines("&at=2026-02-20T02:00:00Z");
    assert!(early.lines().count() > 0 && early.lines().count() < late.lines().count());
    assert_eq!(get(sim.address(), &format!("{url}&serial=1&at=2026-02-10T02:00:00Z"), None).status, 400);
    let moments = format!("/control/changes?mall={MALL}&endpoint=products/sales&from=2026-02-10");
    let moments: Vec<DateTime<Utc>> =
        serde_json::from_slice(&get(sim.address(), &moments, None).body).unwrap();
    assert_eq!(moments, changes(&sim, Endpoint::ProductsSales, day("2026-02-10")));
    let add = format!(r#"{{"mall_id":"{LIVE}","size":"small","dialect":"live","figures_of":"{MALL}"}}"#);
    assert_eq!(post_json(sim.address(), "/control/malls", &add).status, 201);
}
