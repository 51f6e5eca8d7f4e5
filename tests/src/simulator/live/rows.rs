//! Rows as real malls write them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::super::data::{Entity, Figure};
use super::super::endpoint::Endpoint;
use super::query::{Device, Page};

/// Of ten people, so many sit at a desk.
const PC_OF_TEN: u64 = 3;

#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    View {
        date: String,
        visit_count: u64,
        first_visit_count: u64,
        re_visit_count: u64,
    },
    Pageview {
        date: String,
        page_view: u64,
    },
    Unique {
        date: String,
        unique_visit_count: u64,
    },
    Sale {
        product_no: u64,
        product_name: &'a str,
        order_count: u64,
        order_product_count: u64,
        order_amount: String,
    },
    Action {
        product_no: u64,
        product_name: &'a str,
        count: u64,
        add_cart_count: u64,
        add_cart_rate: String,
    },
    Domain {
        domain: &'a str,
        visit_count: u64,
    },
    Keyword {
        keyword: &'a str,
        visit_count: u64,
    },
    Ad {
        ad: &'a str,
        visit_count: String,
    },
}

/// The key that the rows stand under: the path's last part.
pub(crate) fn wrapper(endpoint: Endpoint) -> &'static str {
    endpoint.path().rsplit('/').next().unwrap_or_default()
}

/// A day, to the minute and with its zone.
pub(crate) fn date(day: NaiveDate) -> String {
    format!("{day}T00:00+09:00")
}

/// One page of these days' figures, and whether no row is left after it.
pub(crate) fn body(endpoint: Endpoint, days: Vec<Figure>, page: &Page) -> (Vec<u8>, bool) {
    let mut figures = if endpoint.has_days() { days } else { summed(days) };
    for figure in &mut figures {
        for number in [&mut figure.count, &mut figure.amount, &mut figure.detail] {
            *number = page.device.part(*number);
        }
    }
    page.sort.apply(&mut figures, page.offset / page.limit);
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(figures.len());
    let end = index(page.offset.saturating_add(page.limit));
    let rows: Vec<_> = figures[index(page.offset)..end].iter().map(|figure| row(endpoint, figure)).collect();
    let body = serde_json::to_vec(&BTreeMap::from([(wrapper(endpoint), rows)])).unwrap_or_default();
    (body, end == figures.len())
}

/// One row an entity, whatever the number of days.
fn summed(days: Vec<Figure>) -> Vec<Figure> {
    let mut entities: BTreeMap<Entity, Figure> = BTreeMap::new();
    for figure in days {
        match entities.get_mut(&figure.entity) {
            Some(sum) => {
                sum.count += figure.count;
                sum.amount += figure.amount;
                sum.detail += figure.detail;
            }
            None => drop(entities.insert(figure.entity.clone(), figure)),
        }
    }
    entities.into_values().collect()
}

impl Device {
    fn part(self, of: u64) -> u64 {
        let pc = of * PC_OF_TEN / 10;
        match self {
            Self::Pc => pc,
            Self::Mobile => of - pc,
            Self::Total => of,
        }
    }
}

fn row(endpoint: Endpoint, figure: &Figure) -> Row<'_> {
    let Figure { count, amount, detail, .. } = *figure;
    let date = || date(figure.date);
    match (endpoint, &figure.entity) {
        (Endpoint::VisitorsPageview, Entity::Store) => Row::Pageview { date: date(), page_view: count },
        (Endpoint::VisitorsUnique, Entity::Store) => Row::Unique { date: date(), unique_visit_count: count },
        (_, Entity::Store) => Row::View {
            date: date(),
            visit_count: count,
            first_visit_count: detail,
            re_visit_count: count - detail,
        },
        (Endpoint::CartsAction, Entity::Product { number, name }) => Row::Action {
            product_no: *number,
            product_name: name,
            count,
            add_cart_count: detail,
            add_cart_rate: percent(detail, count),
        },
        (_, Entity::Product { number, name }) => Row::Sale {
            product_no: *number,
            product_name: name,
            order_count: count,
            order_product_count: detail,
            order_amount: amount.to_string(),
        },
        (_, Entity::Domain(domain)) => Row::Domain { domain, visit_count: count },
        (_, Entity::Keyword(keyword)) => Row::Keyword { keyword, visit_count: count },
        (_, Entity::Ad(ad)) => Row::Ad { ad, visit_count: count.to_string() },
    }
}

/// `1.02`
fn percent(part: u64, of: u64) -> String {
    let hundredths = part * 10_000 / of.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(endpoint: Endpoint, entity: Entity) -> String {
        let date = "2026-07-23".parse().unwrap();
        let figure = Figure { date, entity, count: 1_200, amount: 1_908_000, detail: 700 };
        serde_json::to_string(&row(endpoint, &figure)).unwrap()
    }

    #[test]
    fn each_endpoint_writes_the_fields_and_types_seen_on_real_malls() {
        let product = || Entity::Product { number: 1833, name: "린넨 셔츠".to_owned() };
        for (endpoint, entity, row) in [
            (
                Endpoint::VisitorsView,
                Entity::Store,
                r#"{"date":"2026-07-23T00:00+09:00","visit_count":1200,"first_visit_count":700,"re_visit_count":500}"#,
            ),
            (
                Endpoint::VisitorsPageview,
                Entity::Store,
                r#"{"date":"2026-07-23T00:00+09:00","page_view":1200}"#,
            ),
            (
                Endpoint::VisitorsUnique,
                Entity::Store,
                r#"{"date":"2026-07-23T00:00+09:00","unique_visit_count":1200}"#,
            ),
            (
                Endpoint::ProductsSales,
                product(),
                r#"{"product_no":1833,"product_name":"린넨 셔츠","order_count":1200,"order_product_count":700,"order_amount":"1908000"}"#,
            ),
            (
                Endpoint::CartsAction,
                product(),
                r#"{"product_no":1833,"product_name":"린넨 셔츠","count":1200,"add_cart_count":700,"add_cart_rate":"58.33"}"#,
            ),
            (
                Endpoint::VisitpathsDomains,
                Entity::Domain("참조 도메인 없음".to_owned()),
                r#"{"domain":"참조 도메인 없음","visit_count":1200}"#,
            ),
            (
                Endpoint::VisitpathsKeywords,
                Entity::Keyword("데님 코트".to_owned()),
                r#"{"keyword":"데님 코트","visit_count":1200}"#,
            ),
            (
                Endpoint::VisitpathsAds,
                Entity::Ad("채널 없음".to_owned()),
                r#"{"ad":"채널 없음","visit_count":"1200"}"#,
            ),
        ] {
            assert_eq!(written(endpoint, entity), row);
        }
    }

    #[test]
    fn the_rows_stand_under_the_last_part_of_the_path() {
        let wrappers = Endpoint::ALL.into_iter().chain(Endpoint::FURTHER).map(wrapper);
        let seen: Vec<_> = wrappers.collect();
        assert_eq!(seen, ["view", "pageview", "sales", "domains", "unique", "keywords", "ads", "action"]);
    }
}
