//! How a mall's API speaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::grammar::Grammar;
use super::{live, seed};

/// How a mall's API speaks; a setting of each connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The API of the specification, `docs/cafe24-analytics-api.md`.
    Seed,
    /// The API as real malls speak it, `docs/live-api.md`.
    Live,
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
