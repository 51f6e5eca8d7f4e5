//! Each kind of drift in words, the grain, and stand-ins that the real decoder reads.

use rstest::rstest;

use super::*;
use crate::api::Request;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{MallId, ShopNo};
use crate::domain::job::Wanted;

fn wire(endpoint: &str, dialect: Dialect) -> &'static crate::domain::endpoint::Wire {
    let endpoint: Endpoint = endpoint.parse().expect("known");
    endpoint.wire(dialect).expect("in the dialect")
}

fn said(endpoint: &str, dialect: Dialect, body: &str) -> Vec<String> {
    let found = differences(body.as_bytes(), dialect, wire(endpoint, dialect));
    found.iter().map(|difference| format!("{}: {difference}", difference.code())).collect()
}

const GOOD_SEED: &str = r#"{"data":[{"date":"2026-02-15","productNo":7,"productName":"Canary","orderCount":2,"salesAmount":19.9}]}"#;
const GOOD_LIVE: &str = r#"{"sales":[{"product_no":7,"product_name":"Canary","order_count":2,"order_product_count":3,"order_amount":"1900"}]}"#;

#[test]
fn answers_as_the_table_has_them_differ_in_nothing() {
    assert_eq!(said("products", Dialect::Seed, GOOD_SEED), [""; 0]);
    assert_eq!(said("products", Dialect::Live, GOOD_LIVE), [""; 0]);
    assert_eq!(said("products", Dialect::Live, r#"{"sales":[]}"#), [""; 0]);
}

#[rstest]
#[case::maintenance("products", "<html>", "not_json: the answer is not JSON")]
#[case::list("products", "[]", "no_wrapper: there is no `sales`: the answer is a bare list")]
#[case::error("products", r#"{"error":{"code":500}}"#, "error_key: HTTP 200 with `error` in it")]
#[case::wrapper(
    "products",
    r#"{"Canary 가방":[],"product":[]}"#,
    "no_wrapper: there is no `sales`; a list stands under (no plain name), product"
)]
#[case::wrapper_is_an_object("products", r#"{"sales":{}}"#, "no_wrapper: `sales` is no list (object)")]
#[case::missing(
    "products",
    r#"{"sales":[{"product_no":7,"order_count":2}]}"#,
    "missing_field: `order_amount` is missing"
)]
#[case::missing_in_some(
    "domains",
    r#"{"domains":[{"domain":"a","visit_count":1},{"domain":"b"}]}"#,
    "missing_field: `visit_count` is missing in some rows"
)]
#[case::text_for_number(
    "domains",
    r#"{"domains":[{"domain":"a","visit_count":"many"}]}"#,
    "other_type: `visit_count` is text, not a number"
)]
#[case::null_for_number(
    "domains",
    r#"{"domains":[{"domain":"a","visit_count":null}]}"#,
    "other_type: `visit_count` is null, not a number"
)]
#[case::no_day(
    "visitors",
    r#"{"view":[{"date":"yesterday","visit_count":1}]}"#,
    "date_form: `date` is text, not a day"
)]
#[case::new(
    "domains",
    r#"{"domains":[{"domain":"a","visit_count":1,"bounce_rate":"0.3"}]}"#,
    "new_field: `bounce_rate` is new (number as text)"
)]
#[case::dated(
    "domains",
    r#"{"domains":[{"domain":"a","visit_count":1,"date":"2026-02-15"}]}"#,
    "grain: rows have a day (`date`), where one total for the range was known"
)]
fn every_kind_of_drift_is_said_in_words(#[case] endpoint: &str, #[case] body: &str, #[case] words: &str) {
    assert_eq!(said(endpoint, Dialect::Live, body), [words]);
}

#[rstest]
#[case::figure(
    r#"{"data":[{"date":"2026-02-15","visitCount":"12"}]}"#,
    "other_type: `visitCount` is number as text, not a number; taken all the same"
)]
#[case::day(
    r#"{"data":[{"date":"2026-02-15T00:00+09:00","visitCount":12}]}"#,
    "date_form: `date` is day with a time, not a day; taken all the same"
)]
fn what_the_specification_has_otherwise_is_taken_and_said(#[case] body: &str, #[case] words: &str) {
    assert_eq!(said("visitors", Dialect::Seed, body), [words]);
}

#[rstest]
#[case::by_day(
    r#"{"view":[{"date":"2026-02-01","visit_count":1},{"date":"2026-02-02","visit_count":2}]}"#,
    Found::ByDay
)]
#[case::by_day_otherwise(
    r#"{"view":[{"date":"2026-02-01","visit_count":1},{"date":"2026-02-02","visit_count":9}]}"#,
    Found::ByDayOtherwise
)]
#[case::total(r#"{"view":[{"visit_count":3}]}"#, Found::Total)]
#[case::total_otherwise(r#"{"view":[{"visit_count":2}]}"#, Found::TotalOtherwise)]
#[case::empty(r#"{"view":[]}"#, Found::Undecided)]
#[case::unreadable(r#"{"view":[{"visit_count":"many"}]}"#, Found::Undecided)]
fn the_grain_is_found_from_a_range_beside_its_days(#[case] range: &str, #[case] found: Found) {
    let days = [
        r#"{"view":[{"date":"2026-02-01","visit_count":1}]}"#,
        r#"{"view":[{"date":"2026-02-02","visit_count":"2"}]}"#,
    ];
    let days: Vec<_> = days.iter().map(|day| day.as_bytes()).collect();
    assert_eq!(grain(range.as_bytes(), &days, wire("visitors", Dialect::Live)), found);
}

/// A whole answer, its stand-in as text, and the days asked for.
fn recorded(endpoint: &str, dialect: Dialect, body: &str, from: &str, to: &str) -> String {
    let chunk = DayRange::new(from.parse().expect("a day"), to.parse().expect("a day")).expect("in order");
    let kept = StandIns::default().body(body.as_bytes(), wire(endpoint, dialect), chunk).expect("JSON");
    kept.to_string()
}

#[rstest]
#[case::seed("products", Dialect::Seed, GOOD_SEED)]
#[case::live("products", Dialect::Live, GOOD_LIVE)]
#[case::live_day("visitors", Dialect::Live, r#"{"view":[{"date":"2026-02-15T00:00+09:00","visit_count":4211,"first_visit_count":4000,"re_visit_count":211}]}"#)]
#[case::live_domains("domains", Dialect::Live, r#"{"domains":[{"domain":"canary.co.kr","visit_count":4211},{"domain":"참조 도메인 없음","visit_count":12}]}"#)]
fn a_recorded_answer_is_read_by_the_decoder_and_holds_no_value(
    #[case] endpoint: &str,
    #[case] dialect: Dialect,
    #[case] body: &str,
) {
    let kept = recorded(endpoint, dialect, body, "2026-02-15", "2026-02-15");
    for planted in ["Canary", "canary", "19.9", "1900", "4211", "4000", "211", "2026-02-15"] {
        assert!(!kept.contains(planted), "{planted} in {kept}");
    }
    let day = "2026-02-01".parse().expect("a day");
    let wanted = Wanted {
        mall_id: &MallId::try_from("mall".to_owned()).expect("a mall"),
        shop_no: ShopNo::FIRST,
        endpoint: endpoint.parse().expect("known"),
        granularity: Granularity::Day,
        chunk: DayRange::new(day, day).expect("a day"),
    };
    let request = Request::new(wanted, dialect).expect("can be asked");
    let rows = rows_of(&request, body.replace("2026-02-15", "2026-02-01").as_bytes()).expect("the original");
    assert_eq!(rows_of(&request, kept.as_bytes()), Ok(rows), "{kept}");
    let found = differences(kept.as_bytes(), dialect, wire(endpoint, dialect));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_stand_in_is_as_wrong_as_the_answer_was() {
    let body = r#"{"view":[{"date":"2026-02-16T00:00:00Z","visit_count":"many"},{"date":"2026-02-15","가방":1.50}]}"#;
    let kept = recorded("visitors", Dialect::Live, body, "2026-02-15", "2026-02-15");
    let expected = r#"{"view":[{"date":"2026-02-02T00:00:00+09:00","visit_count":"text-1"},{"date":"2026-02-01","key-1":1.5}]}"#;
    assert_eq!(kept, expected);
}

#[test]
fn of_many_rows_twenty_are_kept_and_one_of_each_shape() {
    let row = |no: usize| format!(r#"{{"product_no":{no},"order_count":1,"order_amount":"1"}}"#);
    let odd = r#"{"product_no":900,"order_count":1,"order_amount":1}"#.to_owned();
    let rows: Vec<_> = (0..300).map(row).chain([odd]).collect();
    let kept = recorded(
        "products",
        Dialect::Live,
        &format!(r#"{{"sales":[{}]}}"#, rows.join(",")),
        "2026-02-15",
        "2026-02-15",
    );
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let kept = kept["sales"].as_array().expect("rows");
    assert_eq!(kept.len(), 20);
    assert!(kept.iter().any(|row| row["order_amount"].is_u64()), "the odd one");
}
