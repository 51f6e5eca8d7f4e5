//! Answers, buckets, truth and report.

use std::time::Duration;

use super::super::client::{get, post_json};
use super::super::{BucketKind, Endpoint, Granularity, LimiterScope, SimConfig};
use super::{DAY, MALL, ask, day, path, start, start_with};

#[test]
fn an_answer_is_what_the_truth_says() {
    let sim = start();
    for endpoint in Endpoint::ALL {
        let rows = ask(&sim, endpoint).rows();
        let truth = sim.truth(MALL, 1, endpoint, Granularity::Day, day(DAY), day(DAY)).unwrap();
        assert_eq!(rows.len(), truth.len(), "{endpoint}");
        for (row, expected) in rows.iter().zip(truth) {
            let figure =
                [expected.impressions, expected.clicks, expected.conversions].into_iter().flatten().next();
            let field = match endpoint {
                Endpoint::VisitorsPageview => "pageviewCount",
                Endpoint::ProductsSales => "orderCount",
                _ => "visitCount",
            };
            assert_eq!(row[field].as_u64(), figure);
            assert_eq!(row["date"], DAY);
        }
    }
}

#[test]
fn the_limit_headers_say_the_level_after_the_request() {
    let sim = start();
    let got = ask(&sim, Endpoint::VisitorsView);
    assert_eq!(got.header("x-ratelimit-remaining"), Some("39"));
    assert_eq!(got.header("x-ratelimit-requested-tokens"), Some("1"));
    assert_eq!(got.header("x-ratelimit-burst-capacity"), Some("40"));
    assert_eq!(got.header("x-ratelimit-replenish-rate"), Some("2"));
}

#[test]
fn an_empty_bucket_answers_429_without_a_body_and_counts_it() {
    let sim = start_with(SimConfig { bucket: BucketKind::Stepped, ..SimConfig::default() });
    // Steps come once a second: at one of two moments the bucket is surely still empty.
    let throttled = (0..2).any(|_| {
        sim.drain(MALL, 40).unwrap();
        let got = ask(&sim, Endpoint::VisitorsView);
        got.status == 429 && got.body.is_empty() && got.header("x-ratelimit-remaining") == Some("0")
    });
    assert!(throttled);
    let report = sim.mall_report(MALL).unwrap();
    assert!(report.throttled >= 1);
    assert_eq!(report.min_level, Some(0.0));
}

#[test]
fn one_bucket_for_the_host_is_shared_by_all_malls() {
    let sim = start_with(SimConfig { limiter_scope: LimiterScope::Host, ..SimConfig::default() });
    sim.drain("hanbit", 30).unwrap();
    assert!(sim.level(MALL).unwrap() < 20.0);
}

#[test]
fn weeks_are_dated_by_monday_and_months_by_the_first() {
    let sim = start();
    let token = sim.current_tokens(MALL).unwrap().access_token;
    let dates = |query: &str| -> Vec<String> {
        let got = get(sim.address(), &path(Endpoint::VisitorsView, query), Some(&token));
        got.rows().iter().map(|row| row["date"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(dates("startDate=2026-02-02&endDate=2026-02-15&dateType=week"), ["2026-02-02", "2026-02-09"]);
    assert_eq!(dates("startDate=2025-12-01&endDate=2026-01-31&dateType=month"), ["2025-12-01", "2026-01-01"]);
}

#[test]
fn a_restatement_shows_in_the_next_answer_and_in_the_served_log() {
    let sim = start();
    let first = ask(&sim, Endpoint::ProductsSales).rows();
    assert_eq!(sim.restate(MALL, Endpoint::ProductsSales, day(DAY)).unwrap(), 1);
    let second = ask(&sim, Endpoint::ProductsSales).rows();
    assert_ne!(first, second);
    assert!(second.iter().all(|row| row["salesAmount"].as_u64().unwrap() % 100 == 1));

    let served = sim.served(MALL, 1, Endpoint::ProductsSales, Granularity::Day, day(DAY)).unwrap();
    let serials: Vec<_> = served.iter().map(|answer| answer.serial).collect();
    assert_eq!(serials, [0, 1]);
    let old = sim.truth_at(MALL, 1, Endpoint::ProductsSales, Granularity::Day, day(DAY), 0).unwrap();
    assert_eq!(old.len(), first.len());
    assert_eq!(sim.serial(MALL, Endpoint::ProductsSales, Granularity::Week, day(DAY)).unwrap(), 1);
    assert_eq!(sim.serial(MALL, Endpoint::VisitorsView, Granularity::Day, day(DAY)).unwrap(), 0);
}

#[test]
fn each_chunk_is_counted() {
    let sim = start();
    ask(&sim, Endpoint::VisitorsView);
    ask(&sim, Endpoint::VisitorsView);
    let count = |endpoint| sim.chunk_requests(MALL, endpoint, Granularity::Day, day(DAY), day(DAY)).unwrap();
    assert_eq!(count(Endpoint::VisitorsView), 2);
    assert_eq!(count(Endpoint::ProductsSales), 0);
    sim.reset_report();
    assert_eq!(count(Endpoint::VisitorsView), 0);
}

#[test]
fn requests_that_do_not_qualify_are_refused_and_counted() {
    let sim = start();
    let good = format!("startDate={DAY}&endDate={DAY}&dateType=day");
    let url = path(Endpoint::VisitorsView, &good);
    assert_eq!(get(sim.address(), &url, None).status, 401);
    assert_eq!(get(sim.address(), &url, Some("made-up")).status, 401);
    let stranger = url.replace(MALL, "nobody");
    assert_eq!(get(sim.address(), &stranger, Some("made-up")).status, 404);
    let token = sim.issue_tokens(MALL).unwrap().access_token;
    let bad = get(sim.address(), &path(Endpoint::VisitorsView, "dateType=day"), Some(&token));
    assert_eq!(bad.status, 400);
    assert_eq!(bad.text(), r#"{"error":{"code":400,"message":"startDate is required"}}"#);
    sim.set_approved(MALL, false).unwrap();
    assert_eq!(get(sim.address(), &url, Some(&token)).status, 403);

    let report = sim.report();
    assert_eq!(report.unknown_mall, 1);
    assert_eq!(report.total.requests, 4);
    assert_eq!((report.total.without_token, report.total.refused_token), (1, 1));
    assert_eq!(report.total.by_status.get(&401), Some(&2));
    assert_eq!(report.total.max_in_20s, 4);
}

#[test]
fn an_arrival_right_after_a_low_answer_is_reported() {
    let config = SimConfig { floor_grace: Duration::ZERO, ..SimConfig::default() };
    let sim = start_with(config);
    sim.drain(MALL, 37).unwrap();
    ask(&sim, Endpoint::VisitorsView);
    ask(&sim, Endpoint::VisitorsView);
    assert_eq!(sim.mall_report(MALL).unwrap().floor_violations, 1);
}

#[test]
fn control_over_http_does_what_the_handle_does() {
    let sim = start();
    let body = format!(r#"{{"mall":"{MALL}","endpoint":"visitors/view","day":"{DAY}"}}"#);
    assert_eq!(post_json(sim.address(), "/control/restate", &body).text(), r#"{"serial":1}"#);
    let truth = format!("/control/truth?mall={MALL}&endpoint=visitors/view&from={DAY}");
    let line: serde_json::Value =
        serde_json::from_str(get(sim.address(), &truth, None).text().trim()).unwrap();
    assert_eq!(line["entity_id"], MALL);
    assert_eq!(line["impressions"].as_u64().unwrap() % 97, 1);
    let import = get(sim.address(), "/control/import-file", None);
    assert_eq!(import.text().lines().count(), 3);
    let report = get(sim.address(), "/control/report?chunks=true", None);
    assert_eq!(serde_json::from_slice::<super::super::Report>(&report.body).unwrap(), sim.report());
}
