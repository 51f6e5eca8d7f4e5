use proptest::prelude::*;
use rstest::rstest;

use super::super::decode::{DecodeError, decode};
use super::super::decoder::Expected;
use super::super::page::Page;
use crate::config::Secret;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint};

fn expected(endpoint: &str, granularity: Granularity) -> Expected {
    let endpoint: Endpoint = endpoint.parse().expect("known");
    let day = |text: &str| text.parse().expect("a day");
    Expected {
        mall_id: "yourmall".parse().expect("valid"),
        wire: endpoint.wire(Dialect::Seed).expect("in the dialect"),
        granularity,
        // Whole weeks, and a whole month of four weeks.
        chunk: DayRange::new(day("2026-02-01"), day("2026-02-28")).expect("in order"),
        row_max: 10,
        token: Secret::new("canary-token"),
    }
}

fn products(body: &str) -> Result<Page, DecodeError> {
    decode(body.as_bytes(), &expected("products", Granularity::Day))
}

fn visitors(body: &str) -> Result<Page, DecodeError> {
    decode(body.as_bytes(), &expected("visitors", Granularity::Day))
}

fn wrong(result: Result<Page, DecodeError>) -> (String, String) {
    match result {
        Err(DecodeError::Contract(violation)) => (violation.path, violation.problem),
        other => panic!("{other:?}"),
    }
}

/// A product row with one field replaced by `json`, or left out.
fn product_with(field: &str, json: Option<&str>) -> String {
    let fields = [
        ("date", r#""2026-02-15""#),
        ("productNo", "1234"),
        ("productName", r#""Sample Product""#),
        ("orderCount", "12"),
        ("salesAmount", "358800"),
    ];
    let fields: Vec<_> = fields
        .into_iter()
        .filter_map(|(name, value)| {
            let value = if name == field { json? } else { value };
            Some(format!(r#""{name}":{value}"#))
        })
        .collect();
    format!(r#"{{"data":[{{{}}}]}}"#, fields.join(","))
}

#[test]
fn the_specifications_examples_are_mapped_as_it_says() {
    let page = products(&product_with("", None)).expect("a page");
    let row = &page.rows[0];
    assert_eq!((row.entity_id.as_str(), row.label.as_deref()), ("1234", Some("Sample Product")));
    assert_eq!((row.values.conversions, row.values.conversion_value), (Some(12), Some(358_800.into())));
    assert_eq!((row.values.impressions, row.values.clicks), (None, None));

    let page = visitors(r#"{"data":[{"date":"2026-02-15","visitCount":1432}]}"#).expect("a page");
    assert_eq!((page.rows[0].entity_id.as_str(), page.rows[0].values.impressions), ("yourmall", Some(1432)));

    let body = r#"{"data":[{"date":"2026-02-15","pageviewCount":5891}]}"#;
    let page = decode(body.as_bytes(), &expected("pageviews", Granularity::Day)).expect("a page");
    assert_eq!(page.rows[0].values.clicks, Some(5891));

    let body = r#"{"data":[{"date":"2026-02-15","domain":"search.naver.com","visitCount":820},
        {"date":"2026-02-15","domain":"m.facebook.com","visitCount":215}]}"#;
    let page = decode(body.as_bytes(), &expected("domains", Granularity::Day)).expect("a page");
    let rows: Vec<_> = page.rows.iter().map(|row| (row.entity_id.as_str(), row.values.clicks)).collect();
    assert_eq!(rows, [("m.facebook.com", Some(215)), ("search.naver.com", Some(820))], "in order");
}

#[rstest]
#[case::true_zero(r#"{"data":[]}"#, 0)]
#[case::other_keys(r#"{"meta":{"a":[1,{"b":"]}\"{"}]},"data":[],"error":null}"#, 0)]
#[case::byte_order_mark("\u{feff} {\"data\":[]}\n", 0)]
#[case::unknown_fields(
    r#"{"data":[{"date":"2026-02-15","visitCount":1,"hour":null,"x":{"y":["\ud800"]}}]}"#,
    1
)]
#[case::unknown_key_of_odd_text(r#"{"\ud800":1,"data":[]}"#, 0)]
#[case::equal_rows(
    r#"{"data":[{"date":"2026-02-15","visitCount":1},{"visitCount":"1","date":"2026-02-15"}]}"#,
    1
)]
#[case::count_as_text(r#"{"data":[{"date":"2026-02-15","visitCount":"1432"}]}"#, 1)]
#[case::whole_with_a_point(r#"{"data":[{"date":"2026-02-15","visitCount":12.0}]}"#, 1)]
#[case::day_with_a_zone(r#"{"data":[{"date":"2026-02-15T00:00+09:00","visitCount":1}]}"#, 1)]
#[case::escaped_key(r#"{"d\u0061ta":[{"d\u0061te":"2026-02-15","visitCount":1}]}"#, 1)]
fn d04_what_fits_is_taken(#[case] body: &str, #[case] rows: usize) {
    assert_eq!(visitors(body).map(|page| page.rows.len()), Ok(rows));
}

#[rstest]
#[case::html("<!doctype html><p>점검 중</p>")]
#[case::nothing("")]
#[case::blank(" \n")]
#[case::text("Service Unavailable")]
#[case::stops("{\"data\":[{\"date\":\"2026-02-15\",\"visitCount\":1")]
#[case::stops_at_once("{")]
fn a04_a_body_that_is_no_whole_json_may_come_better_next_time(#[case] body: &str) {
    assert_eq!(visitors(body), Err(DecodeError::NotJson));
}

#[rstest]
#[case::no_wrapper(r#"{"view":[]}"#, "$", "has no `data`")]
#[case::empty_object("{}", "$", "has no `data`")]
#[case::list("[]", "$", "invalid type")]
#[case::null("null", "$", "is no object")]
#[case::number("1", "$", "is no object")]
#[case::error_key(r#"{"data":[],"error":{"code":500}}"#, "$", "`error`")]
#[case::wrapper_twice(r#"{"data":[],"data":[]}"#, "$.data", "twice")]
#[case::wrapper_null(r#"{"data":null}"#, "$.data", "invalid type")]
#[case::wrapper_object(r#"{"data":{}}"#, "$.data", "invalid type")]
#[case::row_no_object(r#"{"data":[1]}"#, "$.data[0]", "invalid type")]
#[case::malformed(
    r#"{"data":[{"date":"2026-02-15","visitCount":NaN}]}"#,
    "$.data[0].visitCount",
    "expected value"
)]
#[case::more_after(r#"{"data":[]} x"#, "$", "trailing")]
fn a04_other_shapes_break_the_contract(#[case] body: &str, #[case] path: &str, #[case] problem: &str) {
    let (at, why) = wrong(visitors(body));
    assert_eq!(at, path, "{why}");
    assert!(why.contains(problem), "{why}");
}

#[rstest]
#[case::missing_day("date", None, "is missing")]
#[case::missing_id("productNo", None, "is missing")]
#[case::missing_count("orderCount", None, "is missing")]
#[case::missing_amount("salesAmount", None, "is missing")]
#[case::null_count("orderCount", Some("null"), "is null")]
#[case::null_amount("salesAmount", Some("null"), "is null")]
#[case::null_id("productNo", Some("null"), "neither text nor number")]
#[case::null_day("date", Some("null"), "no date")]
#[case::empty_count("orderCount", Some(r#""""#), "not a number")]
#[case::empty_id("productNo", Some(r#""""#), "empty")]
#[case::negative("orderCount", Some("-5"), "negative")]
#[case::negative_amount("salesAmount", Some("-0.01"), "negative")]
#[case::fraction("orderCount", Some("1.5"), "fraction")]
#[case::beyond_64_bits("orderCount", Some("9223372036854775808"), "more digits")]
#[case::beyond_floats("salesAmount", Some("1e400"), "more digits")]
#[case::thousands("salesAmount", Some(r#""1,908,000""#), "not a number")]
#[case::nan("salesAmount", Some(r#""NaN""#), "not a number")]
#[case::thirty_digits("salesAmount", Some("123456789012345678901234567890"), "more digits")]
#[case::boolean("orderCount", Some("true"), "no number")]
#[case::nested("salesAmount", Some(r#"{"amount":1}"#), "no number")]
#[case::list_id("productNo", Some("[1]"), "neither text nor number")]
#[case::fractional_id("productNo", Some("1.5"), "fraction")]
#[case::object_label("productName", Some("{}"), "no text")]
#[case::other_day("date", Some(r#""2026-03-01""#), "outside the chunk")]
#[case::day_before("date", Some(r#""2026-01-31""#), "outside the chunk")]
#[case::no_day("date", Some(r#""15.02.2026""#), "no date")]
#[case::day_as_number("date", Some("20260215"), "no date")]
fn d02_a_wrong_field_is_named_by_its_path(
    #[case] field: &str,
    #[case] json: Option<&str>,
    #[case] problem: &str,
) {
    let (path, why) = wrong(products(&product_with(field, json)));
    assert_eq!(path, format!("$.data[0].{field}"));
    assert!(why.contains(problem), "{why}");
}

#[test]
fn d02_a_key_twice_in_a_row_breaks_the_contract() {
    let body = r#"{"data":[{"date":"2026-02-15","visitCount":1,"visitCount":2}]}"#;
    assert_eq!(wrong(visitors(body)).0, "$.data[0].visitCount");
}

#[test]
fn d04_an_entity_with_two_truths_breaks_the_contract() {
    let body = r#"{"data":[{"date":"2026-02-15","visitCount":1},{"date":"2026-02-14","visitCount":1},
        {"date":"2026-02-15","visitCount":2}]}"#;
    let (path, why) = wrong(visitors(body));
    assert_eq!(path, "$.data[2]");
    assert!(why.contains("[0]"), "{why}");
}

#[rstest]
#[case::monday(Granularity::Week, "2026-02-02", true)]
#[case::sunday(Granularity::Week, "2026-02-15", false)]
#[case::first(Granularity::Month, "2026-02-01", true)]
#[case::second(Granularity::Month, "2026-02-02", false)]
fn a_period_is_named_by_its_first_day(
    #[case] granularity: Granularity,
    #[case] day: &str,
    #[case] fits: bool,
) {
    let body = format!(r#"{{"data":[{{"date":"{day}","visitCount":1}}]}}"#);
    assert_eq!(decode(body.as_bytes(), &expected("visitors", granularity)).is_ok(), fits);
}

#[test]
fn d01_more_rows_than_the_limit_break_the_contract() {
    let rows: Vec<_> =
        (1..=11).map(|day| format!(r#"{{"date":"2026-02-{day:02}","visitCount":1}}"#)).collect();
    let ten = format!(r#"{{"data":[{}]}}"#, rows[..10].join(","));
    assert_eq!(visitors(&ten).map(|page| page.rows.len()), Ok(10));
    let eleven = format!(r#"{{"data":[{}]}}"#, rows.join(","));
    assert!(wrong(visitors(&eleven)).1.contains("row limit"));
}

#[test]
fn d01_nesting_is_bounded_and_never_overflows_the_stack() {
    let nested = |depth: usize| format!(r#"{{"x":{}{},"data":[]}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(visitors(&nested(64)).is_ok());
    assert!(wrong(visitors(&nested(65))).1.contains("nested deeper"));
    assert!(wrong(visitors(&nested(100_000))).1.contains("nested deeper"));
    assert_eq!(visitors(&"[".repeat(100_000)), visitors("["));
}

#[test]
fn d03_names_are_cut_and_repaired_and_ids_are_not() {
    let name = format!("\"{}\\u0000\\ud83d\"", "한".repeat(3000));
    let page = products(&product_with("productName", Some(&name))).expect("a page");
    assert_eq!(page.rows[0].label.as_ref().map(|label| label.chars().count()), Some(1000));
    assert_eq!(page.replaced_nuls, 2);
    let id = format!("\"{}\"", "a".repeat(513));
    assert!(wrong(products(&product_with("productNo", Some(&id)))).1.contains("id limit"));
    let page = products(&product_with("productNo", Some(r#""P\u0000001""#))).expect("a page");
    assert_eq!((page.rows[0].entity_id.as_str(), page.replaced_nuls), ("P\u{fffd}001", 1));
}

#[test]
fn d03_bytes_that_are_no_utf8_are_replaced_and_counted() {
    let mut body = br#"{"data":[{"date":"2026-02-15","domain":"a"#.to_vec();
    body.extend_from_slice(b"\xff\xfe");
    body.extend_from_slice(br#"b","visitCount":1}]}"#);
    let page = decode(&body, &expected("domains", Granularity::Day)).expect("a page");
    assert_eq!((page.rows[0].entity_id.as_str(), page.replaced_nuls), ("a\u{fffd}\u{fffd}b", 2));
}

#[test]
fn ids_are_compared_by_bytes() {
    // Composed and decomposed Hangul look alike and are two ids.
    let body = "{\"data\":[{\"date\":\"2026-02-15\",\"domain\":\"\u{ac00}\",\"visitCount\":1},\
        {\"date\":\"2026-02-15\",\"domain\":\"\u{1100}\u{1161}\",\"visitCount\":2}]}";
    let page = decode(body.as_bytes(), &expected("domains", Granularity::Day)).expect("a page");
    assert_eq!(page.rows.len(), 2);
}

proptest! {
    #[test]
    fn d02_no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&body, &expected("products", Granularity::Day));
    }

    #[test]
    fn d02_no_damage_to_a_good_body_makes_it_panic(at in 0usize..400, bytes in proptest::collection::vec(any::<u8>(), 0..6)) {
        let mut body = product_with("", None).into_bytes();
        let at = at.min(body.len());
        body.splice(at..(at + bytes.len()).min(body.len()), bytes);
        let _ = decode(&body, &expected("products", Granularity::Day));
    }

    #[test]
    fn d02_rows_survive_their_own_json(rows in proptest::collection::btree_map((1u32..=28, "[a-z0-9가-힣.]{1,20}"), (0i64.., 0u64.., "[^\\x00]{0,30}"), 0..10)) {
        let json: Vec<_> = rows.iter().rev().map(|((day, id), (orders, amount, name))| serde_json::json!({
            "date": format!("2026-02-{day:02}"), "productNo": id, "productName": name,
            "orderCount": orders, "salesAmount": amount.to_string(),
        })).collect();
        let page = products(&serde_json::json!({ "data": json }).to_string()).expect("a page");
        prop_assert_eq!(page.rows.len(), rows.len());
        for (row, ((day, id), (orders, amount, name))) in page.rows.iter().zip(&rows) {
            prop_assert_eq!(row.day.to_string(), format!("2026-02-{day:02}"));
            prop_assert_eq!(&row.entity_id, id);
            prop_assert_eq!(row.values.conversions, Some(*orders));
            prop_assert_eq!(row.values.conversion_value, Some((*amount).into()));
            prop_assert_eq!(row.label.as_deref().unwrap_or(""), name);
        }
    }
}
