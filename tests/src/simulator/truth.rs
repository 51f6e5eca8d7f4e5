//! What must stand in the database after a faultless run: the figures in the form of the field mapping.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::data::{Entity, Figure};
use super::dialect::Dialect;
use super::endpoint::{Endpoint, Granularity};
use super::names;
use super::server::SimError;
use super::state::{Shared, When};

/// Where visits without a referring domain, or without a channel, are put.
const NONE: &str = "(none)";

/// One expected row. Fields of other endpoints are unset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthRow {
    /// Mall id.
    pub mall: String,
    /// Shop number.
    pub shop: u32,
    /// First day of the period.
    pub date: NaiveDate,
    /// `store`, `product`, `domain`, `keyword` or `ad`.
    pub entity_type: String,
    /// Mall id, product number, domain, keyword or channel.
    pub entity_id: String,
    /// Unique visits of the store, views of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impressions: Option<u64>,
    /// Page views of the store, cart adds of the product, visits from the domain, keyword or channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicks: Option<u64>,
    /// Orders of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversions: Option<u64>,
    /// Sales amount of the product in KRW, as a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_value: Option<String>,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the answer tells beyond that, by its field: only the live dialect does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

/// Which figures are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) mall: String,
    pub(crate) shop: u32,
    pub(crate) endpoint: Endpoint,
    pub(crate) granularity: Granularity,
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
}

impl Shared {
    /// Expected rows, as of a moment.
    pub(crate) fn truth(&self, question: &Question, when: When) -> Result<Vec<TruthRow>, SimError> {
        let Question { endpoint, granularity, from, to, .. } = *question;
        let known = self.with_mall(&question.mall, |mall| {
            let (dialect, source) = (mall.spec.dialect, self.source(mall, question.shop)?);
            let state = |start| (start, self.state(mall, &source, (endpoint, granularity, start), when));
            Some((dialect, source, granularity.periods(from, to).map(state).collect::<Vec<_>>()))
        })?;
        let Some((dialect, source, periods)) = known else { return Ok(Vec::new()) };
        let rows = periods
            .into_iter()
            .flat_map(|(start, state)| source.figures(endpoint, granularity, start, &state))
            .map(|figure| expected(question, dialect, figure));
        Ok(rows.collect())
    }
}

fn expected(question: &Question, dialect: Dialect, figure: Figure) -> TruthRow {
    let extra = match dialect {
        Dialect::Seed => path(&figure).into_iter().collect(),
        Dialect::Live => extra(question.endpoint, &figure),
    };
    let row = |entity_type: &str, entity_id: String| TruthRow {
        mall: question.mall.clone(),
        shop: question.shop,
        date: figure.date,
        entity_type: entity_type.to_owned(),
        entity_id,
        impressions: None,
        clicks: None,
        conversions: None,
        conversion_value: None,
        label: None,
        extra,
    };
    match figure.entity {
        Entity::Store => {
            let of = |endpoint| (question.endpoint == endpoint).then_some(figure.count);
            TruthRow {
                impressions: of(Endpoint::VisitorsView),
                clicks: of(Endpoint::VisitorsPageview),
                ..row("store", question.mall.clone())
            }
        }
        Entity::Product { number, name } if question.endpoint == Endpoint::CartsAction => TruthRow {
            impressions: Some(figure.count),
            clicks: Some(figure.detail),
            label: Some(name),
            ..row("product", number.to_string())
        },
        Entity::Product { number, name } => TruthRow {
            conversions: Some(figure.count),
            conversion_value: Some(figure.amount.to_string()),
            label: Some(name),
            ..row("product", number.to_string())
        },
        Entity::Domain(domain) if domain == names::NO_DOMAIN => {
            TruthRow { clicks: Some(figure.count), ..row("domain", NONE.to_owned()) }
        }
        Entity::Domain(domain) => TruthRow { clicks: Some(figure.count), ..row("domain", domain) },
        Entity::Keyword(keyword) => TruthRow { clicks: Some(figure.count), ..row("keyword", keyword) },
        Entity::Ad(channel) if channel == names::NO_CHANNEL => {
            TruthRow { clicks: Some(figure.count), ..row("ad", NONE.to_owned()) }
        }
        Entity::Ad(channel) => TruthRow { clicks: Some(figure.count), ..row("ad", channel) },
    }
}

/// The text that was put under [`NONE`], and the field it stood in.
fn path(figure: &Figure) -> Option<(String, Value)> {
    let (field, text) = match &figure.entity {
        Entity::Domain(domain) if domain == names::NO_DOMAIN => ("domain", domain),
        Entity::Ad(channel) if channel == names::NO_CHANNEL => ("ad", channel),
        _ => return None,
    };
    Some((field.to_owned(), json!(text)))
}

/// Counts without a column of their own, and [`path`].
fn extra(endpoint: Endpoint, figure: &Figure) -> BTreeMap<String, Value> {
    let counts = match endpoint {
        Endpoint::VisitorsView => vec![
            ("first_visit_count", json!(figure.detail)),
            ("re_visit_count", json!(figure.count - figure.detail)),
        ],
        Endpoint::VisitorsUnique => vec![("unique_visit_count", json!(figure.count))],
        Endpoint::ProductsSales => vec![("order_product_count", json!(figure.detail))],
        _ => Vec::new(),
    };
    counts.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(path(figure)).collect()
}
