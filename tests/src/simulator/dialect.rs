//! The two ways in which the API is spoken.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a mall's API speaks. A mall answers in its own dialect only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// As the specification says: `/api/v1/malls/{mall_id}/…`, `data`, camelCase, no pages.
    #[default]
    Seed,
    /// As real malls are seen to answer: `/visitors/view?mall_id=…`, snake_case, pages.
    Live,
}

impl Dialect {
    /// As it stands in the file for `malls import`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Live => "live",
        }
    }

    /// The scope that opens its endpoints; without it the answer is 403 `INVALID SCOPE`.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Seed => "mall.analytics",
            Self::Live => "mall.read_analytics",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
