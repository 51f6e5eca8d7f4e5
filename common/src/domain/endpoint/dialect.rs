//! How a mall's API speaks: what is common to all endpoints of a dialect.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{live, seed};
use crate::domain::calendar::Granularity;

/// How a mall's API speaks; a setting of each connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The API of the specification, `docs/cafe24-analytics-api.md`.
    Seed,
    /// The API as real malls speak it, `docs/live-api.md`.
    Live,
}

/// How a dialect puts its requests, whatever the endpoint.
#[derive(Debug)]
pub struct Grammar {
    /// The OAuth scope that the endpoints need.
    pub scope: &'static str,
    /// Headers on every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Name of the parameter with the mall's id; none: it stands in the path.
    pub mall_param: Option<&'static str>,
    /// Name of the parameter with the shop's number; none: a request always means the first shop.
    pub shop_param: Option<&'static str>,
    /// Name of the parameter with the first day.
    pub start_param: &'static str,
    /// Name of the parameter with the last day, inclusive.
    pub end_param: &'static str,
    /// Name of the parameter with the granularity.
    pub granularity_param: Option<&'static str>,
    /// What one row can cover.
    pub granularities: &'static [Granularity],
    /// How a long answer is cut; none: it comes whole.
    pub paging: Option<Paging>,
    /// Parameters on every request.
    pub params: &'static [(&'static str, &'static str)],
}

/// Answers come in pages of `size` rows, without a total: a shorter page is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Name of the parameter with the rows of a page.
    pub limit_param: &'static str,
    /// Name of the parameter with the rows before the page.
    pub offset_param: &'static str,
    /// Rows of a page.
    pub size: usize,
}

impl Dialect {
    /// Both dialects.
    pub const ALL: [Self; 2] = [Self::Seed, Self::Live];

    /// The name used in the database and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Live => "live",
        }
    }

    /// How its requests are put.
    pub fn grammar(self) -> &'static Grammar {
        match self {
            Self::Seed => &seed::GRAMMAR,
            Self::Live => &live::GRAMMAR,
        }
    }

    /// The OAuth scope that the dialect's endpoints need.
    pub fn scope(self) -> &'static str {
        self.grammar().scope
    }

    /// Whether a request can name a shop.
    pub fn names_shops(self) -> bool {
        self.grammar().shop_param.is_some()
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|dialect| dialect.as_str() == text);
        known.ok_or_else(|| UnknownDialect(text.chars().take(60).collect()))
    }
}

/// The text is no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a dialect this version speaks: use seed or live", .0.escape_debug())]
pub struct UnknownDialect(String);
