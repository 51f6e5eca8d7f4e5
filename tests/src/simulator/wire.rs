//! Rows as the specification writes them, and errors.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use super::data::{Entity, Figure};
use super::dialect::Dialect;
use super::endpoint::Endpoint;
use super::live;
use super::truth::Question;

/// What one must know of an answer to spoil its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) wrapper: &'static str,
    /// The date of a row after the range.
    pub(crate) date_after: Option<String>,
}

impl Shape {
    pub(crate) fn of(question: &Question, dialect: Dialect) -> Self {
        let after = question.to.succ_opt();
        match dialect {
            Dialect::Seed => Self { wrapper: "data", date_after: after.map(|day| day.to_string()) },
            Dialect::Live => {
                Self { wrapper: live::wrapper(question.endpoint), date_after: after.map(live::date) }
            }
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    data: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Row<'a> {
    View { date: NaiveDate, visit_count: u64 },
    Pageview { date: NaiveDate, pageview_count: u64 },
    Sale { date: NaiveDate, product_no: u64, product_name: &'a str, order_count: u64, sales_amount: u64 },
    Domain { date: NaiveDate, domain: &'a str, visit_count: u64 },
}

pub(crate) fn body(endpoint: Endpoint, figures: &[Figure]) -> Vec<u8> {
    let data = figures.iter().map(|figure| row(endpoint, figure)).collect();
    serde_json::to_vec(&Answer { data }).unwrap_or_default()
}

fn row(endpoint: Endpoint, figure: &Figure) -> Row<'_> {
    let (date, count) = (figure.date, figure.count);
    match &figure.entity {
        Entity::Store if endpoint == Endpoint::VisitorsPageview => {
            Row::Pageview { date, pageview_count: count }
        }
        Entity::Store => Row::View { date, visit_count: count },
        Entity::Product { number, name } => Row::Sale {
            date,
            product_no: *number,
            product_name: name,
            order_count: count,
            sales_amount: figure.amount,
        },
        Entity::Domain(path) | Entity::Keyword(path) | Entity::Ad(path) => {
            Row::Domain { date, domain: path, visit_count: count }
        }
    }
}

/// `{"error":{"code":…,"message":…}}`
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": status.as_u16(), "message": message } }))).into_response()
}

/// As [`error`]; real malls' envelopes have one key more.
pub(crate) fn refusal(dialect: Dialect, status: StatusCode, message: &str) -> Response {
    let code = status.as_u16();
    match dialect {
        Dialect::Seed => error(status, message),
        Dialect::Live => {
            let error = json!({ "code": code, "message": message, "more_info": {} });
            (status, Json(json!({ "error": error }))).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(endpoint: Endpoint, entity: Entity) -> String {
        let date = "2026-02-15".parse().unwrap();
        let figure = Figure { date, entity, count: 12, amount: 358_800, detail: 0 };
        String::from_utf8(body(endpoint, &[figure])).unwrap()
    }

    #[test]
    fn each_endpoint_writes_the_specifications_fields() {
        let product = Entity::Product { number: 1234, name: "여성 린넨 셔츠".to_owned() };
        assert_eq!(
            written(Endpoint::VisitorsView, Entity::Store),
            r#"{"data":[{"date":"2026-02-15","visitCount":12}]}"#
        );
        assert_eq!(
            written(Endpoint::VisitorsPageview, Entity::Store),
            r#"{"data":[{"date":"2026-02-15","pageviewCount":12}]}"#
        );
        assert_eq!(
            written(Endpoint::ProductsSales, product),
            r#"{"data":[{"date":"2026-02-15","productNo":1234,"productName":"여성 린넨 셔츠","orderCount":12,"salesAmount":358800}]}"#
        );
        assert_eq!(
            written(Endpoint::VisitpathsDomains, Entity::Domain("search.naver.com".to_owned())),
            r#"{"data":[{"date":"2026-02-15","domain":"search.naver.com","visitCount":12}]}"#
        );
    }

    #[test]
    fn an_empty_answer_is_an_empty_list() {
        assert_eq!(body(Endpoint::ProductsSales, &[]), br#"{"data":[]}"#);
    }
}
