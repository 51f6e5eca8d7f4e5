//! The table of endpoints: everything that is particular to one endpoint, or to one dialect, stands here, as data.
//!
//! A new endpoint is a new entry of `table`; request, paging, decoding, mapping, chunking and storage read it.
//! Sources: `docs/cafe24-analytics-api.md`, "Key Endpoints" and "Field Mapping"; `docs/live-api.md` §1, §2 and §8.

mod column;

mod dialect;

mod grammar;

mod more;

mod wire;

mod live;
mod seed;

mod table;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use column::{Column, EntityType};
pub use dialect::{Dialect, UnknownDialect};
pub use grammar::{Grammar, Paging, VERSION_HEADER};
pub use more::{InvalidMoreParams, MoreParams};
pub use wire::{ExtraField, Grain, MetricField, Sum, Wire};

use super::calendar::{DayRange, Granularity};
use table::TABLE;

/// One endpoint.
#[derive(Debug)]
struct EndpointSpec {
    id: &'static str,
    /// What its figures are, for people.
    about: &'static str,
    entity: EntityType,
    owns: &'static [Column],
    seed: Option<Wire>,
    live: Option<Wire>,
}

/// One of the endpoints of the table; cheap to copy, equal by id.
#[derive(Clone, Copy)]
pub struct Endpoint(&'static EndpointSpec);

/// Why something cannot be asked: no such request exists, and none is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// The dialect has no such endpoint.
    #[error("the dialect {dialect} has no endpoint {endpoint}")]
    Endpoint {
        /// What was to be asked.
        endpoint: Endpoint,
        /// How the mall's API speaks.
        dialect: Dialect,
    },
    /// The dialect cannot answer by this period.
    #[error(
        "the dialect {dialect} cannot answer by {granularity}, and a {granularity}'s figures are not the sum of its days"
    )]
    Granularity {
        /// What one row was to cover.
        granularity: Granularity,
        /// How the mall's API speaks.
        dialect: Dialect,
    },
    /// The answer would be one total for several days.
    #[error("{endpoint} answers one total for a whole range: {chunk} must be asked day by day")]
    SeveralDays {
        /// What was to be asked.
        endpoint: Endpoint,
        /// For which days.
        chunk: DayRange,
    },
}

impl Endpoint {
    /// All endpoints, in the order in which they are shown.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// The endpoints that every mall is synchronised with unless somebody says otherwise: those of both dialects.
    pub fn core() -> impl Iterator<Item = Self> {
        Self::all().filter(|endpoint| Dialect::ALL.iter().all(|dialect| endpoint.wire(*dialect).is_some()))
    }

    /// The name used in messages, the database and the command line.
    pub fn as_str(self) -> &'static str {
        self.0.id
    }

    /// What its figures are, for people.
    pub fn about(self) -> &'static str {
        self.0.about
    }

    /// What its rows are about.
    pub fn entity(self) -> EntityType {
        self.0.entity
    }

    /// The columns that this endpoint writes; it touches no other, and of `extra` only its own key (`docs/adr/0014`).
    pub fn owns(self) -> &'static [Column] {
        self.0.owns
    }

    /// How it looks on the wire; `None`: the dialect has no such endpoint.
    pub fn wire(self, dialect: Dialect) -> Option<&'static Wire> {
        match dialect {
            Dialect::Seed => self.0.seed.as_ref(),
            Dialect::Live => self.0.live.as_ref(),
        }
    }

    /// Whether the dialect has this endpoint and can answer by this period.
    pub fn supports(self, dialect: Dialect, granularity: Granularity) -> bool {
        self.wire(dialect).is_some() && dialect.grammar().granularities.contains(&granularity)
    }

    /// Longest range of one request, in days; `None`: the dialect has no such endpoint.
    pub fn max_days(self, dialect: Dialect) -> Option<u32> {
        self.wire(dialect).map(|wire| wire.max_days)
    }

    /// How `chunk` is asked of the dialect.
    ///
    /// # Errors
    /// [`Unaskable`] if no request means this.
    pub fn asked(
        self,
        dialect: Dialect,
        granularity: Granularity,
        chunk: DayRange,
    ) -> Result<&'static Wire, Unaskable> {
        let wire = self.wire(dialect).ok_or(Unaskable::Endpoint { endpoint: self, dialect })?;
        if !dialect.grammar().granularities.contains(&granularity) {
            return Err(Unaskable::Granularity { granularity, dialect });
        }
        if wire.grain == Grain::RangeAggregate && chunk.days() > 1 {
            return Err(Unaskable::SeveralDays { endpoint: self, chunk });
        }
        Ok(wire)
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEndpoint(String);

impl std::error::Error for UnknownEndpoint {}

impl fmt::Display for UnknownEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = Endpoint::all().map(Endpoint::as_str).collect();
        write!(f, "`{}` is not an endpoint: use one of {}", self.0.escape_debug(), known.join(", "))
    }
}

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
