use std::collections::BTreeMap;

use chrono::NaiveDate;
use common::domain::endpoint::Endpoint;
use common::store::{PlanCounts, Wish};

use super::*;
use crate::output::paint::bare;
use crate::plan::eta::eta;
use crate::plan::selection::tests::mall;

fn preview(malls: Vec<Connector>, parked: i64) -> Preview {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
    let selection = Selection {
        malls,
        endpoints: Endpoint::all().collect(),
        granularity: Granularity::Day,
        range: DayRange::new(day("2025-11-18"), day("2026-02-15")).expect("in order"),
        chunk_days: Some(1),
        lane: Lane::Backfill,
        wish: Wish::Missing,
        today: day("2026-02-16"),
    };
    let counts = PlanCounts {
        wanted: 1_080,
        complete: 300,
        in_work: 56,
        jobs: 724,
        by_endpoint: Endpoint::all().map(|e| (e.to_string(), 181)).collect(),
        by_key: [("greenfarm", 362), ("hanbit", 362)]
            .iter()
            .map(|(key, n)| ((*key).to_owned().try_into().expect("a key"), *n))
            .collect::<BTreeMap<_, _>>(),
        ..PlanCounts::default()
    };
    let pace = Pace { burst: 40, per_second: 2.0 };
    let set = eta(&counts.by_key, &BTreeMap::new(), pace);
    Preview::new(&selection, &Planned { counts, parked, id: "7c1e02aa".to_owned() }, set, pace, true)
}

#[test]
fn a_plan_shows_its_price() {
    let preview = preview(vec![mall("greenfarm", "api"), mall("hanbit", "api"), mall("moonlit", "api")], 0);
    assert_eq!(bare(&preview.text("nothing sent yet")), include_str!("../../../tests/golden/enqueue.txt"));
}

#[test]
fn a_plan_names_malls_for_which_nothing_is_sent_and_why() {
    let mut paused = mall("moonlit", "api");
    paused.state = ConnectorState::Paused;
    paused.state_reason = Some("asked by\u{1b}[31m the client".to_owned());
    let preview = preview(vec![mall("greenfarm", "api"), mall("hanbit", "off"), paused], 182);
    assert_eq!(bare(&preview.text("")), include_str!("../../../tests/golden/enqueue_parked.txt"));
}
