//! Faults to order.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use super::super::client::{Got, post_json};
use super::super::{Endpoint, FaultKind, FaultRule, Granularity, SimulatorHandle};
use super::{DAY, MALL, ask, day, start};

fn sales_with(fault: FaultKind) -> (SimulatorHandle, Got) {
    let sim = start();
    sim.order(FaultRule::once(fault)).unwrap();
    let got = ask(&sim, Endpoint::ProductsSales);
    (sim, got)
}

#[test]
fn a_fault_hits_as_often_as_ordered_and_counts_its_hits() {
    let sim = start();
    let status = FaultKind::Status {
        code: 503,
        headers: BTreeMap::new(),
        body: None,
        retry_after: Some("7".to_owned()),
    };
    let id = sim.order(FaultRule { skip: 1, times: Some(2), ..FaultRule::always(status) }).unwrap();
    let answers: Vec<_> = (0..4).map(|_| ask(&sim, Endpoint::VisitorsView)).collect();
    let statuses: Vec<_> = answers.iter().map(|got| got.status).collect();
    assert_eq!(statuses, [200, 503, 503, 200]);
    assert_eq!(answers[1].header("retry-after"), Some("7"));
    assert!(answers[1].header("x-ratelimit-remaining").is_some());
    assert_eq!(sim.fault(id).unwrap().hits, 2);
}

#[test]
fn a_fault_hits_only_what_it_is_aimed_at() {
    let sim = start();
    let aimed = FaultRule {
        endpoint: Some(Endpoint::ProductsSales.into()),
        mall: Some(MALL.to_owned()),
        from: Some(day(DAY)),
        ..FaultRule::always(FaultKind::NotJson)
    };
    let id = sim.order(aimed).unwrap();
    assert!(ask(&sim, Endpoint::VisitorsView).text().starts_with("{\"data\""));
    assert!(ask(&sim, Endpoint::ProductsSales).text().starts_with("<!DOCTYPE"));
    assert!(sim.cancel_fault(id));
    assert!(ask(&sim, Endpoint::ProductsSales).text().starts_with("{\"data\""));
}

#[test]
fn a_reset_ends_the_connection_hard_before_any_byte() {
    let (sim, got) = sales_with(FaultKind::Reset { after_body_bytes: None });
    assert_eq!(got.end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(got.head.is_empty());
    assert_eq!(sim.mall_report(MALL).unwrap().by_status.get(&0), Some(&1));
}

#[test]
fn a_reset_in_the_body_comes_after_the_bytes_ordered() {
    let (_sim, got) = sales_with(FaultKind::Reset { after_body_bytes: Some(20) });
    assert_eq!(got.end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!((got.status, got.body.len()), (200, 20));
}

#[test]
fn a_truncated_body_is_shorter_than_its_length_or_lacks_its_last_chunk() {
    let (_sim, got) = sales_with(FaultKind::Truncated { chunked: false });
    let length: usize = got.header("content-length").unwrap().parse().unwrap();
    assert!(got.body.len() < length);
    let (_sim, got) = sales_with(FaultKind::Truncated { chunked: true });
    assert_eq!(got.header("transfer-encoding"), Some("chunked"));
    assert!(!got.text().ends_with("0\r\n\r\n"));
}

#[test]
fn spoiled_rows_are_spoiled_as_ordered_and_not_in_the_served_log() {
    let field = "orderCount".to_owned();
    let (sim, got) = sales_with(FaultKind::WrongType { field: field.clone() });
    assert!(got.rows()[0]["orderCount"].is_string());
    let log = |sim: &SimulatorHandle| {
        sim.served(MALL, 1, Endpoint::ProductsSales, Granularity::Day, day(DAY)).unwrap().len()
    };
    assert_eq!(log(&sim), 0);
    let whole = ask(&sim, Endpoint::ProductsSales).rows();
    assert_eq!(log(&sim), 1);

    assert!(sales_with(FaultKind::MissingField { field }).1.rows()[0].get("orderCount").is_none());
    assert!(sales_with(FaultKind::ExtraField).1.rows()[0].get("addedLater").is_some());
    assert!(sales_with(FaultKind::MissingWrapper).1.text().starts_with("[{"));
    assert!(sales_with(FaultKind::ErrorKey).1.text().starts_with("{\"error\""));
    assert_eq!(sales_with(FaultKind::RowOutside).1.rows().last().unwrap()["date"], "2026-02-12");
    let equal = sales_with(FaultKind::DuplicateEqual).1.rows();
    assert_eq!((equal.len(), equal.last()), (whole.len() + 1, whole.first()));
    let different = sales_with(FaultKind::DuplicateDifferent).1.rows();
    assert_eq!(different.last().unwrap()["productNo"], whole[0]["productNo"]);
    assert_ne!(different.last(), whole.first());
}

#[test]
fn limit_headers_can_be_set_spoiled_and_removed() {
    let set = BTreeMap::from([
        ("X-RateLimit-Remaining".to_owned(), Some("-3".to_owned())),
        ("X-RateLimit-Burst-Capacity".to_owned(), None),
    ]);
    let (_sim, got) = sales_with(FaultKind::Headers { set });
    assert_eq!(got.header("x-ratelimit-remaining"), Some("-3"));
    assert_eq!(got.header("x-ratelimit-burst-capacity"), None);
    assert!(!got.rows().is_empty());
}

#[test]
fn a_held_answer_shows_the_figures_of_its_arrival() {
    let sim = start();
    sim.order(FaultRule::once(FaultKind::Hold)).unwrap();
    let rows = std::thread::scope(|scope| {
        let held = scope.spawn(|| ask(&sim, Endpoint::VisitorsView).rows());
        while sim.held() == 0 {
            std::thread::yield_now();
        }
        sim.restate(MALL, Endpoint::VisitorsView, day(DAY)).unwrap();
        assert_eq!(ask(&sim, Endpoint::VisitorsView).rows()[0]["visitCount"].as_u64().unwrap() % 97, 1);
        sim.release();
        held.join().unwrap()
    });
    assert_eq!(rows[0]["visitCount"].as_u64().unwrap() % 97, 0);
    assert_eq!(sim.mall_report(MALL).unwrap().max_concurrent, 2);
}

#[test]
fn delay_stall_redirect_huge_and_gzip_do_what_they_say() {
    let begin = Instant::now();
    let (_sim, got) = sales_with(FaultKind::Delay { ms: 120 });
    assert!(begin.elapsed() >= Duration::from_millis(120) && got.status == 200);

    let begin = Instant::now();
    let sim = start();
    sim.order(FaultRule::once(FaultKind::Stall { bytes_per_second: 500 })).unwrap();
    let got = ask(&sim, Endpoint::VisitorsView);
    assert!(begin.elapsed() >= Duration::from_millis(90) && got.rows().len() == 1);

    let (_sim, got) = sales_with(FaultKind::Redirect { location: None });
    assert_eq!((got.status, got.header("location")), (302, Some("/elsewhere")));

    let (_sim, got) = sales_with(FaultKind::HugeBody { bytes: 1_000_000 });
    assert!(got.body.len() > 1_000_000 && !got.rows().is_empty());

    let (_sim, got) = sales_with(FaultKind::Gzip);
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(got.body.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("{\"data\""));
}

#[test]
fn a_misspelt_order_is_refused() {
    let sim = start();
    let order = |body| post_json(sim.address(), "/control/faults", body).status;
    assert_eq!(order(r#"{"fault":{"kind":"not_json"},"tims":1}"#), 422);
    assert_eq!(order(r#"{"fault":{"kind":"status","kode":500}}"#), 422);
    assert_eq!(order(r#"{"fault":{"kind":"not_json"},"endpoint":"visitors"}"#), 422);
    assert_eq!(order(r#"{"fault":{"kind":"status","code":500},"times":1}"#), 201);
}
