//! What must stand in the database after a faultless run: the figures in the form of the field mapping.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::data::{Entity, Figure};
use super::endpoint::{Endpoint, Granularity};
use super::server::SimError;
use super::state::Shared;

/// One expected row. Fields of other endpoints are unset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TruthRow {
    /// Mall id.
    pub mall: String,
    /// Shop number.
    pub shop: u32,
    /// First day of the period.
    pub date: NaiveDate,
    /// `store`, `product` or `domain`.
    pub entity_type: String,
    /// Mall id, product number or domain.
    pub entity_id: String,
    /// Unique visits of the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impressions: Option<u64>,
    /// Page views of the store, visits from the domain.
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
    /// Expected rows; `serial` asks for those of another serial than the present one.
    pub(crate) fn truth(&self, question: &Question, serial: Option<u64>) -> Result<Vec<TruthRow>, SimError> {
        let Question { endpoint, granularity, from, to, .. } = *question;
        let (source, periods) = self.with_mall(&question.mall, |mall| {
            let serial = |start| serial.unwrap_or_else(|| mall.serial(endpoint, granularity, start));
            let periods: Vec<_> = granularity.periods(from, to).map(|start| (start, serial(start))).collect();
            let source =
                mall.spec.shops.contains(&question.shop).then(|| self.source(&mall.spec, question.shop));
            (source, periods)
        })?;
        let Some(source) = source else { return Ok(Vec::new()) };
        let rows = periods
            .into_iter()
            .flat_map(|(start, serial)| source.figures(endpoint, granularity, start, serial))
            .map(|figure| expected(question, figure));
        Ok(rows.collect())
    }
}

fn expected(question: &Question, figure: Figure) -> TruthRow {
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
    };
    match figure.entity {
        Entity::Store if question.endpoint == Endpoint::VisitorsView => {
            TruthRow { impressions: Some(figure.count), ..row("store", question.mall.clone()) }
        }
        Entity::Store => TruthRow { clicks: Some(figure.count), ..row("store", question.mall.clone()) },
        Entity::Product { number, name } => TruthRow {
            conversions: Some(figure.count),
            conversion_value: Some(figure.amount.to_string()),
            label: Some(name),
            ..row("product", number.to_string())
        },
        Entity::Domain(domain) => TruthRow { clicks: Some(figure.count), ..row("domain", domain) },
    }
}
