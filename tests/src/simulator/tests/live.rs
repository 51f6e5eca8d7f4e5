//! The live dialect over the socket, beside a seed mall with the same figures.

use super::super::client::{Got, get, get_live};
use super::super::{Dialect, Endpoint, Granularity, MallSpec, SimConfig, SimulatorHandle, TruthRow};
use super::{DAY, MALL, ask, day, path, start_with};

pub(super) const LIVE: &str = "livetwin";

/// A seed mall, and a live one with its figures.
pub(super) fn start() -> SimulatorHandle {
    let sim = start_with(SimConfig::default());
    let twin = MallSpec { dialect: Dialect::Live, figures_of: Some(MALL.to_owned()), ..MallSpec::new(LIVE) };
    sim.add_mall(MallSpec { shops: vec![1, 4], ..twin }).unwrap();
    sim
}

pub(super) fn ask_live(sim: &SimulatorHandle, path: &str, more: &str) -> Got {
    let token = sim.current_tokens(LIVE).unwrap().access_token;
    get_live(sim.address(), &format!("/{path}?mall_id={LIVE}&{more}"), &token)
}

pub(super) fn days(from: &str, to: &str) -> String {
    format!("start_date={from}&end_date={to}")
}

fn truth(sim: &SimulatorHandle, shop: u32, endpoint: Endpoint) -> Vec<TruthRow> {
    sim.truth(LIVE, shop, endpoint, Granularity::Day, day(DAY), day(DAY)).unwrap()
}

fn number(value: &serde_json::Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

#[test]
fn both_dialects_tell_the_same_figures() {
    let sim = start();
    for (endpoint, seed, live) in [
        (
            Endpoint::VisitorsView,
            ["date", "visitCount", "visitCount"],
            ["date", "visit_count", "visit_count"],
        ),
        (Endpoint::VisitorsPageview, ["date", "pageviewCount", "date"], ["date", "page_view", "date"]),
        (
            Endpoint::ProductsSales,
            ["productNo", "orderCount", "salesAmount"],
            ["product_no", "order_count", "order_amount"],
        ),
        (
            Endpoint::VisitpathsDomains,
            ["domain", "visitCount", "domain"],
            ["domain", "visit_count", "domain"],
        ),
    ] {
        let plain = |value: &serde_json::Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            text.trim_end_matches("T00:00+09:00").to_owned()
        };
        let pick = |rows: Vec<serde_json::Value>, fields: [&str; 3]| {
            let mut rows: Vec<_> = rows.iter().map(|row| fields.map(|field| plain(&row[field]))).collect();
            rows.sort();
            rows
        };
        let got = ask_live(&sim, endpoint.path(), &format!("{}&limit=1000", days(DAY, DAY)));
        assert_eq!(got.status, 200, "{}", got.text());
        let wrapper = endpoint.path().rsplit('/').next().unwrap();
        let rows = pick(got.rows_under(wrapper), live);
        assert_eq!(rows, pick(ask(&sim, endpoint).rows(), seed), "{endpoint}");
        assert!(!rows.is_empty());
    }
}

#[test]
fn every_live_endpoint_answers_what_the_truth_says() {
    let sim = start();
    for endpoint in Endpoint::ALL.into_iter().chain(Endpoint::FURTHER) {
        let got = ask_live(&sim, endpoint.path(), &format!("{}&limit=1000&shop_no=4", days(DAY, DAY)));
        let rows = got.rows_under(endpoint.path().rsplit('/').next().unwrap());
        let truth = truth(&sim, 4, endpoint);
        assert!(rows.len() == truth.len() && !rows.is_empty(), "{endpoint}");
        if endpoint == Endpoint::VisitorsUnique {
            continue;
        }
        let of_truth = |row: &TruthRow| {
            [row.impressions, row.clicks, row.conversions].into_iter().flatten().sum::<u64>()
        };
        let of_row = |row: &serde_json::Value| match endpoint {
            Endpoint::VisitorsPageview => number(&row["page_view"]),
            Endpoint::ProductsSales => number(&row["order_count"]),
            Endpoint::CartsAction => number(&row["count"]) + number(&row["add_cart_count"]),
            _ => number(&row["visit_count"]),
        };
        let sum = |figures: &mut dyn Iterator<Item = u64>| figures.sum::<u64>();
        assert_eq!(sum(&mut rows.iter().map(of_row)), sum(&mut truth.iter().map(of_truth)), "{endpoint}");
    }
    assert_ne!(truth(&sim, 1, Endpoint::ProductsSales), truth(&sim, 4, Endpoint::ProductsSales));
}

#[test]
fn first_and_returning_visits_add_up_and_every_figure_bears_its_serial() {
    let sim = start();
    sim.restate(LIVE, Endpoint::VisitorsView, day(DAY)).unwrap();
    let rows = ask_live(&sim, "visitors/view", &days("2026-02-01", "2026-02-15")).rows_under("view");
    assert!(rows.len() > 10);
    for row in rows {
        let [all, first, again] =
            ["visit_count", "first_visit_count", "re_visit_count"].map(|field| row[field].as_u64().unwrap());
        assert_eq!(all, first + again);
        assert_eq!(all % 97, u64::from(row["date"] == format!("{DAY}T00:00+09:00")));
    }
}

#[test]
fn products_and_paths_are_summed_over_the_range_and_bear_no_date() {
    let sim = start();
    let of = |from, to| ask_live(&sim, "products/sales", &format!("{}&limit=1000", days(from, to)));
    let range = of("2026-02-10", "2026-02-12").rows_under("sales");
    let sum = |rows: &[serde_json::Value]| rows.iter().map(|row| number(&row["order_amount"])).sum::<u64>();
    let single: u64 = ["2026-02-10", "2026-02-11", "2026-02-12"]
        .map(|day| sum(&of(day, day).rows_under("sales")))
        .iter()
        .sum();
    assert_eq!(sum(&range), single);
    assert!(range.iter().all(|row| row.get("date").is_none() && row["order_amount"].is_string()));
    let domains = ask_live(&sim, "visitpaths/domains", &days(DAY, DAY)).rows_under("domains");
    assert_eq!(domains[0]["domain"], "참조 도메인 없음");
    let ads = ask_live(&sim, "visitpaths/ads", &days(DAY, DAY)).rows_under("ads");
    assert!(ads[0]["ad"] == "채널 없음" && ads[0]["visit_count"].is_string());
}

#[test]
fn what_does_not_fit_is_refused_in_the_hosts_words() {
    let sim = start();
    let today = days(DAY, DAY);
    for (path, more, status, message) in [
        ("visitors/hits", today.clone(), 404, "No endpoint GET /visitors/hits."),
        ("visitors/view", format!("start_date={DAY}"), 422, "end_date is required"),
        ("visitors/view", days("2025-01-01", DAY), 400, "longer than 365 days"),
        ("visitors/view", format!("{today}&limit=10"), 422, "limit must lie between 50 and 1000"),
        ("products/sales", format!("{today}&offset=15000"), 422, "offset must be less than 15000"),
    ] {
        let got = ask_live(&sim, path, &more);
        assert!(
            got.status == status && got.text().contains(message),
            "{path}: {} {}",
            got.status,
            got.text()
        );
        assert!(got.text().starts_with(r#"{"error":{"code":"#) && got.text().contains(r#""more_info":{}"#));
    }
    let ignored =
        ask_live(&sim, "visitors/view", &format!("{today}&date_type=date&format=json&locale=ko-KR"));
    assert_eq!(ignored.status, 200);

    let token = sim.current_tokens(LIVE).unwrap().access_token;
    let without = get_live(sim.address(), &format!("/visitors/view?{today}"), &token);
    assert!(without.status == 422 && without.text().contains("mall_id is required"));
    let stranger = get_live(sim.address(), &format!("/visitors/view?mall_id=nobody&{today}"), &token);
    assert!(stranger.status == 401 && stranger.text().contains("Invalid access_token"));
    let report = sim.mall_report(LIVE).unwrap();
    assert_eq!((report.requests, report.without_version, report.needless_version), (6, 0, 0));
    assert_eq!(report.without_type, 0);
    // The specification's headers, which are not those of a real mall.
    let bare = get(sim.address(), &format!("/visitors/view?mall_id={LIVE}&{today}"), Some(&token));
    let report = sim.mall_report(LIVE).unwrap();
    assert_eq!((bare.status, report.needless_version, report.without_type), (200, 1, 1));
}

#[test]
fn each_mall_answers_in_its_own_dialect_only() {
    let sim = start();
    let (seed, live) = (sim.current_tokens(MALL).unwrap(), sim.current_tokens(LIVE).unwrap());
    let query = format!("startDate={DAY}&endDate={DAY}&dateType=day");
    let old = path(Endpoint::VisitorsView, &query).replace(MALL, LIVE);
    let got = get(sim.address(), &old, Some(&live.access_token));
    assert!(
        got.status == 404 && got.text().contains("No endpoint GET /api/v1/malls/livetwin/visitors/view.")
    );
    let new = format!("/visitors/view?mall_id={MALL}&{}", days(DAY, DAY));
    let got = get_live(sim.address(), &new, &seed.access_token);
    assert!(got.status == 404 && got.text().contains("no such endpoint"), "{}", got.text());
    let further = path(Endpoint::VisitpathsKeywords, &query);
    assert_eq!(get(sim.address(), &further, Some(&seed.access_token)).status, 404);
}

#[test]
fn each_dialect_has_its_scope_and_only_the_live_token_answer_has_more_fields() {
    let sim = start();
    let asked = format!("/visitors/view?mall_id={LIVE}&{}", days(DAY, DAY));
    let wrong = sim.issue_tokens_with(LIVE, &["mall.analytics"]).unwrap();
    let got = get_live(sim.address(), &asked, &wrong.access_token);
    assert!(got.status == 403 && got.text().contains("INVALID SCOPE"), "{}", got.text());
    let right = sim.issue_tokens(LIVE).unwrap();
    assert_eq!(right.scopes, ["mall.read_analytics"]);
    assert_eq!(get_live(sim.address(), &asked, &right.access_token).status, 200);
    assert_eq!((right.shop_no.as_deref(), right.token_type.as_deref()), (Some("1"), Some("Bearer")));
    assert_eq!(sim.current_tokens(LIVE).unwrap().user_id.as_deref(), Some(LIVE));

    let seed = sim.issue_tokens(MALL).unwrap();
    assert_eq!(seed.scopes, ["mall.analytics"]);
    assert!(seed.user_id.is_none() && !serde_json::to_string(&seed).unwrap().contains("token_type"));
    let lines = sim.import_lines().unwrap();
    let dialect = |mall: &str| lines.iter().find(|line| line.mall_id == mall).unwrap().dialect;
    assert_eq!((dialect(MALL), dialect(LIVE)), (Dialect::Seed, Dialect::Live));
}

#[test]
fn generated_live_malls_come_first() {
    let sim = start_with(SimConfig { malls: 4, large_malls: Some(1), live_malls: 2, ..SimConfig::default() });
    let live = sim.malls().iter().filter(|mall| mall.dialect == Dialect::Live).count();
    assert_eq!(live, 2);
}
