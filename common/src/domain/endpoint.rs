//! The table of endpoints: everything that is particular to one endpoint stands here, as data.
//!
//! A new endpoint is a new entry; request, decoding, mapping, chunking and storage read the table.
//! Sources: `cafe24-analytics-api.md`, "Key Endpoints" and "Field Mapping"; `live-api.md` §8.1.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::calendar::Granularity;

/// How a mall's API speaks; a setting of each connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The API of the specification, `cafe24-analytics-api.md`.
    Seed,
}

impl Dialect {
    /// The name used in the database and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
        }
    }

    /// The OAuth scope that the dialect's endpoints need.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Seed => "mall.analytics",
        }
    }

    /// Whether a request can name a shop; the specification's has no parameter for it, so it always means the first.
    pub fn names_shops(self) -> bool {
        match self {
            Self::Seed => false,
        }
    }

    /// Headers on every request: the specification pins the schema by a version.
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Seed => &[("X-Cafe24-Api-Version", "2024-06-01")],
        }
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "seed" => Ok(Self::Seed),
            _ => Err(UnknownDialect(text.to_owned())),
        }
    }
}

/// The text is no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a dialect this version speaks: use `seed`", .0.escape_debug())]
pub struct UnknownDialect(String);

/// What a metric row is about (`entity_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityType {
    /// The shop itself; its entity id is the mall's id.
    Store,
    /// A product, by number.
    Product,
    /// A referring domain.
    Domain,
}

impl EntityType {
    /// The value of the column `entity_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Product => "product",
            Self::Domain => "domain",
        }
    }
}

/// A value column of the metrics tables. `spend` is no member: analytics data has none, it stays NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Visits to a store.
    Impressions,
    /// Pageviews of a store; visits from a domain.
    Clicks,
    /// Orders of a product.
    Conversions,
    /// Sales amount of a product.
    ConversionValue,
}

impl Column {
    /// The column's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::ConversionValue => "conversion_value",
        }
    }
}

/// A field of an API row that becomes a column. Required, and never negative.
#[derive(Debug)]
pub struct MetricField {
    /// The field's name on the wire.
    pub name: &'static str,
    /// Where it goes.
    pub column: Column,
}

/// How one endpoint looks in one dialect.
#[derive(Debug)]
pub struct Wire {
    /// Path under the base URL; `{mall_id}` is filled in.
    pub path: &'static str,
    /// The key under which the rows stand. A body without it is a contract violation, never "no rows".
    pub wrapper: &'static str,
    /// Name of the parameter with the first day.
    pub start_param: &'static str,
    /// Name of the parameter with the last day, inclusive.
    pub end_param: &'static str,
    /// Name of the parameter with the granularity.
    pub granularity_param: &'static str,
    /// The field with the row's day.
    pub date_field: &'static str,
    /// The field that becomes `entity_id`; none for the store.
    pub entity_field: Option<&'static str>,
    /// The field with a human name of the entity.
    pub label_field: Option<&'static str>,
    /// The fields that become columns.
    pub metrics: &'static [MetricField],
    /// Longest range of one request in days.
    pub max_days: u32,
}

/// One endpoint.
#[derive(Debug)]
pub struct EndpointSpec {
    id: &'static str,
    entity: EntityType,
    owns: &'static [Column],
    seed: Wire,
}

/// One of the endpoints of the table; cheap to copy, equal by id.
#[derive(Clone, Copy)]
pub struct Endpoint(&'static EndpointSpec);

/// Longest range of a seed request (`design.md` §4).
const SEED_MAX_DAYS: u32 = 31;

const fn seed(
    path: &'static str,
    entity_field: Option<&'static str>,
    label_field: Option<&'static str>,
    metrics: &'static [MetricField],
) -> Wire {
    Wire {
        path,
        wrapper: "data",
        start_param: "startDate",
        end_param: "endDate",
        granularity_param: "dateType",
        date_field: "date",
        entity_field,
        label_field,
        metrics,
        max_days: SEED_MAX_DAYS,
    }
}

static TABLE: [EndpointSpec; 4] = [
    EndpointSpec {
        id: "visitors",
        entity: EntityType::Store,
        owns: &[Column::Impressions],
        seed: seed(
            "/api/v1/malls/{mall_id}/visitors/view",
            None,
            None,
            &[MetricField { name: "visitCount", column: Column::Impressions }],
        ),
    },
    EndpointSpec {
        id: "pageviews",
        entity: EntityType::Store,
        owns: &[Column::Clicks],
        seed: seed(
            "/api/v1/malls/{mall_id}/visitors/pageview",
            None,
            None,
            &[MetricField { name: "pageviewCount", column: Column::Clicks }],
        ),
    },
    EndpointSpec {
        id: "products",
        entity: EntityType::Product,
        owns: &[Column::Conversions, Column::ConversionValue],
        seed: seed(
            "/api/v1/malls/{mall_id}/products/sales",
            Some("productNo"),
            Some("productName"),
            &[
                MetricField { name: "orderCount", column: Column::Conversions },
                MetricField { name: "salesAmount", column: Column::ConversionValue },
            ],
        ),
    },
    EndpointSpec {
        id: "domains",
        entity: EntityType::Domain,
        owns: &[Column::Clicks],
        seed: seed(
            "/api/v1/malls/{mall_id}/visitpaths/domains",
            Some("domain"),
            None,
            &[MetricField { name: "visitCount", column: Column::Clicks }],
        ),
    },
];

impl Endpoint {
    /// All endpoints, in the order in which they are shown.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// The name used in messages, the database and the command line.
    pub fn as_str(self) -> &'static str {
        self.0.id
    }

    /// What its rows are about.
    pub fn entity(self) -> EntityType {
        self.0.entity
    }

    /// The columns that this endpoint writes; it touches no other (`design.md` §7, Map).
    pub fn owns(self) -> &'static [Column] {
        self.0.owns
    }

    /// How it looks on the wire.
    pub fn wire(self, dialect: Dialect) -> &'static Wire {
        match dialect {
            Dialect::Seed => &self.0.seed,
        }
    }

    /// Whether the dialect can answer in this granularity; the seed dialect knows all three everywhere.
    pub fn supports(self, dialect: Dialect, _granularity: Granularity) -> bool {
        match dialect {
            Dialect::Seed => true,
        }
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Endpoint {}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.id)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.id)
    }
}

/// The text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an endpoint: use visitors, pageviews, products or domains", .0.escape_debug())]
pub struct UnknownEndpoint(String);

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|endpoint| endpoint.as_str() == text)
            .ok_or_else(|| UnknownEndpoint(text.chars().take(60).collect()))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = UnknownEndpoint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.id)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_owns_exactly_the_columns_it_maps() {
        for endpoint in Endpoint::all() {
            let mapped: Vec<_> = endpoint.wire(Dialect::Seed).metrics.iter().map(|m| m.column).collect();
            assert_eq!(mapped, endpoint.owns(), "{endpoint}");
        }
    }

    #[test]
    fn no_two_endpoints_of_one_entity_own_the_same_column() {
        for a in Endpoint::all() {
            for b in Endpoint::all().filter(|b| *b != a && b.entity() == a.entity()) {
                assert!(a.owns().iter().all(|column| !b.owns().contains(column)), "{a} and {b}");
            }
        }
    }
}
