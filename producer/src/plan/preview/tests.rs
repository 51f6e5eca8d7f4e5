use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use common::domain::endpoint::Endpoint;
use common::limiter::Gauge;
use common::store::{Connector, ConnectorState, PauseCause, PlanCounts, Wish};

use super::*;
use crate::output::golden::golden;
use crate::plan::eta::{Terms, eta, planned};
use crate::plan::selection::tests::mall;

fn at() -> DateTime<chrono::Utc> {
    "2026-02-16T01:42:00Z".parse().expect("a time")
}

fn preview(malls: Vec<Connector>, parked: i64, pauses: &[EndpointPause]) -> Preview {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let selection = Selection {
        malls,
        endpoints: None,
        granularity: Granularity::Day,
        range: DayRange::new(day("2025-11-18"), day("2026-02-15")).expect("in order"),
        chunk_days: Some(1),
        lane: Lane::Backfill,
        wish: Wish::Missing,
        open_from: day("2026-02-16"),
    };
    let counts = PlanCounts {
        wanted: 1_080,
        complete: 300,
        in_work: 56,
        jobs: 724,
        parked,
        by_endpoint: Endpoint::core().map(|e| (e.to_string(), 181)).collect(),
        by_key: [("greenfarm", 362), ("hanbit", i32::try_from(362 - parked).expect("few"))]
            .iter()
            .map(|(key, n)| ((*key).to_owned().try_into().expect("a key"), f64::from(*n)))
            .collect::<BTreeMap<_, _>>(),
        ..PlanCounts::default()
    };
    let config = common::config::Config::from_parts("", std::iter::empty()).expect("defaults are valid");
    let mut terms = Terms { now: at(), ..Terms::usual(&config) };
    let full = Gauge { tokens: 35.0, known: true, ..terms.usual };
    terms.gauges = counts.by_key.keys().map(|key| (key.clone(), full)).collect();
    let set = eta(&planned(&counts.by_key, Lane::Backfill, &[]), &terms);
    Preview::new(&selection, &Planned { counts, id: "7c1e02aa".to_owned() }, pauses, set, at(), true)
}

#[test]
fn a_plan_shows_its_price() {
    let preview =
        preview(vec![mall("greenfarm", "api"), mall("hanbit", "api"), mall("moonlit", "api")], 0, &[]);
    golden("enqueue", |_| preview.text("nothing sent yet"));
}

#[test]
fn a_plan_names_malls_and_endpoints_for_which_nothing_is_sent_and_why() {
    let mut paused = mall("moonlit", "api");
    paused.state = ConnectorState::Paused;
    paused.state_reason = Some("asked by\u{1b}[31m the client".to_owned());
    let pause = |endpoint: &str, mall: Option<&str>, cause, reason: &str| EndpointPause {
        pause_id: 1,
        endpoint: endpoint.parse().expect("valid"),
        mall_id: mall.map(|mall| mall.parse().expect("valid")),
        dialect: None,
        cause,
        reason: reason.to_owned(),
        paused_by: "kim@desk".to_owned(),
        since: DateTime::UNIX_EPOCH,
        until: None,
        probed_at: None,
        probes: 0,
        parked: 0,
    };
    let pauses = [
        pause("domains", None, PauseCause::NotFound, "HTTP 404 on its path, seen with mall hanbit"),
        pause("products", Some("greenfarm"), PauseCause::Operator, "asked by the client"),
        pause("products", Some("another"), PauseCause::Operator, "not of this wish"),
    ];
    let malls = vec![mall("greenfarm", "api"), mall("hanbit", "off"), paused];
    let preview = preview(malls, 182, &pauses);
    golden("enqueue_parked", |_| preview.text(""));
}
