//! Answers of the live dialect (`docs/live-api.md` §1, §2).

use proptest::prelude::*;
use rstest::rstest;

use super::super::decode::{DecodeError, decode};
use super::super::decoder::Expected;
use super::super::page::Page;
use crate::config::Secret;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint, Grain};
use crate::domain::extra::Extra;

const TOKEN: &str = "canary-token-0iqR5nM5";

fn expected(endpoint: &str) -> Expected {
    let endpoint: Endpoint = endpoint.parse().expect("known");
    let wire = endpoint.wire(Dialect::Live).expect("in the dialect");
    let day = |text: &str| text.parse().expect("a day");
    let first = if wire.grain == Grain::RangeAggregate { "2026-07-23" } else { "2026-07-20" };
    Expected {
        mall_id: "yourmall".parse().expect("valid"),
        wire,
        granularity: Granularity::Day,
        chunk: DayRange::new(day(first), day("2026-07-23")).expect("in order"),
        row_max: 10,
        token: Secret::new(TOKEN),
    }
}

fn page(endpoint: &str, body: &str) -> Page {
    decode(body.as_bytes(), &expected(endpoint)).expect("a page")
}

fn wrong(endpoint: &str, body: &str) -> String {
    match decode(body.as_bytes(), &expected(endpoint)) {
        Err(DecodeError::Contract(violation)) => format!("{} {}", violation.path, violation.problem),
        other => panic!("{other:?}"),
    }
}

/// Day, id, the four columns and extra of every row.
fn shown(page: &Page) -> Vec<String> {
    let number = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    page.rows
        .iter()
        .map(|row| {
            let v = row.values;
            let counts =
                [v.impressions, v.clicks, v.conversions].map(|count| number(count.map(|n| n.to_string())));
            let amount = number(v.conversion_value.map(|amount| amount.to_string()));
            let extra = row.extra.as_ref().map_or("-", Extra::as_str);
            format!("{} {} {} {amount} {extra}", row.day, row.entity_id, counts.join(" "))
        })
        .collect()
}

#[rstest]
#[case::visitors(
    "visitors",
    r#"{"view":[{"date":"2026-07-23T00:00+09:00","visit_count":2100,"first_visit_count":1100,"re_visit_count":1000}]}"#,
    r#"2026-07-23 yourmall 2100 - - - {"first_visit_count":1100,"re_visit_count":1000}"#
)]
#[case::pageviews(
    "pageviews",
    r#"{"pageview":[{"date":"2026-07-23","page_view":8600}]}"#,
    "2026-07-23 yourmall - 8600 - - -"
)]
#[case::products(
    "products",
    r#"{"sales":[{"product_no":1833,"product_name":"Sample","order_count":11,"order_product_count":12,"order_amount":"1908000"}]}"#,
    r#"2026-07-23 1833 - - 11 1908000 {"order_product_count":12}"#
)]
#[case::no_referrer(
    "domains",
    r#"{"domains":[{"domain":"참조 도메인 없음","visit_count":410}]}"#,
    r#"2026-07-23 (none) - 410 - - {"domain":"참조 도메인 없음"}"#
)]
#[case::domains(
    "domains",
    r#"{"domains":[{"domain":"m.search.naver.com","visit_count":"820"}]}"#,
    "2026-07-23 m.search.naver.com - 820 - - -"
)]
#[case::unique(
    "unique",
    r#"{"unique":[{"date":"2026-07-22T15:00Z","unique_visit_count":900}]}"#,
    r#"2026-07-23 yourmall - - - - {"unique_visit_count":900}"#
)]
#[case::keywords(
    "keywords",
    r#"{"keywords":[{"keyword":"겨울 코트","visit_count":31}]}"#,
    "2026-07-23 겨울 코트 - 31 - - -"
)]
#[case::no_channel(
    "ads",
    r#"{"ads":[{"ad":"채널 없음","visit_count":"7"}]}"#,
    r#"2026-07-23 (none) - 7 - - {"ad":"채널 없음"}"#
)]
#[case::carts(
    "carts",
    r#"{"action":[{"product_no":9,"product_name":"Sample","count":50,"add_cart_count":5,"add_cart_rate":"10.00"}]}"#,
    "2026-07-23 9 50 5 - - -"
)]
fn an_answer_is_mapped_as_the_table_says(#[case] endpoint: &str, #[case] body: &str, #[case] row: &str) {
    assert_eq!(shown(&page(endpoint, body)), [row]);
}

#[rstest]
#[case::wrapper_of_the_documentation("carts", r#"{"count":[]}"#, "has no `action`")]
#[case::wrapper_of_the_seed("visitors", r#"{"data":[]}"#, "has no `view`")]
#[case::no_figure("unique", r#"{"unique":[{"date":"2026-07-23"}]}"#, "unique_visit_count is missing")]
#[case::null_is_no_zero(
    "unique",
    r#"{"unique":[{"date":"2026-07-23","unique_visit_count":null}]}"#,
    "is null"
)]
#[case::named_count_of_another_type(
    "visitors",
    r#"{"view":[{"date":"2026-07-23","visit_count":1,"first_visit_count":"x"}]}"#,
    "first_visit_count"
)]
#[case::negative(
    "products",
    r#"{"sales":[{"product_no":1,"order_count":1,"order_amount":"1","order_product_count":-1}]}"#,
    "negative"
)]
#[case::day_outside(
    "visitors",
    r#"{"view":[{"date":"2026-07-24T00:00+09:00","visit_count":1}]}"#,
    "outside the chunk"
)]
#[case::utc_evening_outside(
    "visitors",
    r#"{"view":[{"date":"2026-07-23T15:00Z","visit_count":1}]}"#,
    "outside the chunk"
)]
#[case::alias_and_its_target(
    "domains",
    r#"{"domains":[{"domain":"(none)","visit_count":1},{"domain":"참조 도메인 없음","visit_count":2}]}"#,
    "different values"
)]
fn d02_what_does_not_fit_is_refused(#[case] endpoint: &str, #[case] body: &str, #[case] problem: &str) {
    let why = wrong(endpoint, body);
    assert!(why.contains(problem), "{why}");
}

#[test]
fn d04_new_fields_are_kept_and_null_says_nothing() {
    let body = r#"{"view":[{"date":"2026-07-23","visit_count":1,"bounce_rate":"1.02","exact":0.10,"new":true,"old":null,
        "list":[1],"object":{"a":1},"re_visit_count":null}],"meta":{"total":1}}"#;
    let page = page("visitors", body);
    assert_eq!(
        shown(&page),
        [r#"2026-07-23 yourmall 1 - - - {"bounce_rate":"1.02","exact":0.10,"new":true}"#]
    );
    assert_eq!(page.extra_left_out, 2, "a list and an object");
}

#[test]
fn x05_an_answer_that_repeats_secrets_does_not_get_them_stored() {
    let body = format!(
        r#"{{"view":[{{"date":"2026-07-23","visit_count":1,"note":"sent {TOKEN}","access_token":"x","other":"Bearer 0123456789abcdefghij",
        "escaped":"{}"}}]}}"#,
        TOKEN.replace('c', "\\u0063")
    );
    let page = page("visitors", &body);
    assert_eq!((page.rows[0].extra.as_ref(), page.extra_left_out), (None, 4));
}

#[rstest]
#[case::they_add_up(r#""visit_count":3,"first_visit_count":1,"re_visit_count":2"#, 0)]
#[case::they_do_not(r#""visit_count":3,"first_visit_count":1,"re_visit_count":1"#, 1)]
#[case::a_part_is_missing(r#""visit_count":3,"first_visit_count":1"#, 0)]
#[case::more_than_can_be_counted(
    r#""visit_count":3,"first_visit_count":9223372036854775807,"re_visit_count":9223372036854775807"#,
    1
)]
fn a_sum_that_is_off_is_counted_and_the_row_is_kept(#[case] counts: &str, #[case] off: u64) {
    let page = page("visitors", &format!(r#"{{"view":[{{"date":"2026-07-23",{counts}}}]}}"#));
    assert_eq!((page.rows.len(), page.sums_off), (1, off));
}

#[test]
fn numbers_that_postgres_could_not_keep_are_not_kept() {
    let body = r#"{"view":[{"date":"2026-07-23","visit_count":1,"huge":1e999999,"long":123456789012345678901234567890123,
        "below":-5,"nul":"a\u0000b"}]}"#;
    let page = page("visitors", body);
    assert_eq!(page.rows[0].extra.as_ref().map(Extra::as_str), Some("{\"below\":-5,\"nul\":\"a\u{fffd}b\"}"));
    assert_eq!((page.extra_left_out, page.replaced_nuls), (2, 1));
}

#[test]
fn the_ends_of_a_page_are_its_first_and_last_row_as_they_came() {
    let page = page(
        "domains",
        r#"{"domains":[{"domain":"b","visit_count":1},{"domain":"a","visit_count":2},{"domain":"a","visit_count":2}]}"#,
    );
    let (first, last) = *page.ends.expect("rows");
    assert_eq!(
        (first.entity_id.as_str(), last.entity_id.as_str(), page.count, page.rows.len()),
        ("b", "a", 3, 2)
    );
}

proptest! {
    #[test]
    fn d02_no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), at in 0..8usize) {
        let endpoint = Endpoint::all().nth(at).expect("eight").as_str();
        let _ = decode(&body, &expected(endpoint));
    }

    #[test]
    fn d02_products_survive_their_own_json(rows in proptest::collection::btree_map("[a-z0-9가-힣.]{1,20}", (0i64.., 0u64.., 0i64.., "[^\\x00]{0,30}"), 0..10)) {
        let json: Vec<_> = rows.iter().rev().map(|(id, (orders, amount, units, name))| serde_json::json!({
            "product_no": id, "product_name": name, "order_count": orders, "order_amount": amount.to_string(), "order_product_count": units,
        })).collect();
        let page = page("products", &serde_json::json!({ "sales": json }).to_string());
        prop_assert_eq!(page.rows.len(), rows.len());
        for (row, (id, (orders, amount, units, name))) in page.rows.iter().zip(&rows) {
            prop_assert_eq!(&row.entity_id, id);
            prop_assert_eq!(row.values.conversions, Some(*orders));
            prop_assert_eq!(row.values.conversion_value, Some((*amount).into()));
            let kept = format!(r#"{{"order_product_count":{units}}}"#);
            prop_assert_eq!(row.extra.as_ref().map(Extra::as_str), Some(kept.as_str()));
            prop_assert_eq!(row.label.as_deref().unwrap_or(""), name);
        }
    }

    #[test]
    fn d01_hostile_extra_fields_never_cost_a_mall_its_day(fields in proptest::collection::vec((".{0,80}", ".{0,300}"), 0..40)) {
        let mut row = serde_json::Map::new();
        for (name, value) in fields {
            row.insert(name, value.into());
        }
        row.insert("date".to_owned(), "2026-07-23".into());
        row.insert("page_view".to_owned(), 5.into());
        let page = page("pageviews", &serde_json::json!({ "pageview": [row] }).to_string());
        prop_assert_eq!(page.rows[0].values.clicks, Some(5));
        let extra = page.rows[0].extra.as_ref().map_or("{}", Extra::as_str);
        prop_assert!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(extra).is_ok(), "{}", extra);
        prop_assert!(extra.len() <= Extra::BYTES + 6 * Extra::FIELDS + 2);
    }
}
