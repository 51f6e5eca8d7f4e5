//! Which letters are meant: one type for the command line, the page and a run that is taken up again; one `WHERE`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use crate::domain::endpoint::Endpoint;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// Waits for a person.
    Open,
    /// Planned again by a run.
    Replayed,
    /// Not wanted; forgotten after its time.
    Discarded,
    /// Deleted 7 days later; until then it can be restored.
    Purged,
}

/// The text is no state of a letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state: use open, replayed, discarded or purged")]
pub struct UnknownLetterState(String);

impl LetterState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Replayed, Self::Discarded, Self::Purged];

    /// The name used in the database and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
            Self::Purged => "purged",
        }
    }
}

impl std::str::FromStr for LetterState {
    type Err = UnknownLetterState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownLetterState(text.to_owned()))
    }
}

/// Letters that meet every term; an absent term asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LetterFilter {
    /// Named letters; with `causes`, those of either list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub letters: Vec<Uuid>,
    /// Named groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Where they stand, one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<LetterState>,
    /// Malls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malls: Vec<MallId>,
    /// The agency when the letter was archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Which figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// The run that the job belonged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Uuid>,
    /// Died at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Died before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// In the failure, the request or the answer, upper or lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// In the archive at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_until: Option<DateTime<Utc>>,
}

impl LetterFilter {
    /// These letters, wherever they stand.
    pub fn of(letters: Vec<Uuid>) -> Self {
        Self { letters, ..Self::default() }
    }

    /// A statement made of `sql` with this filter's twelve parameters bound. Its plan is made for their values: a plan
    /// for any values could use no partial index.
    pub(super) fn query<'q>(&'q self, sql: &'static str) -> Query<'q, Postgres, PgArguments> {
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let malls: Vec<&str> = self.malls.iter().map(MallId::as_str).collect();
        sqlx::query(sql)
            .persistent(false)
            .bind(&self.letters)
            .bind(&self.causes)
            .bind(states)
            .bind(malls)
            .bind(&self.agency)
            .bind(self.endpoint.map(Endpoint::as_str))
            .bind(self.class.map(FailureClass::as_str))
            .bind(self.run)
            .bind(self.since)
            .bind(self.until)
            .bind(&self.text)
            .bind(self.archived_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_back_from_the_run_that_kept_it() {
        let filter = LetterFilter {
            causes: vec!["9f31c2a".to_owned()],
            states: vec![LetterState::Open],
            malls: vec!["hanbit".parse().expect("valid")],
            endpoint: "products".parse().ok(),
            class: Some(FailureClass::ContractViolation),
            since: Some(DateTime::UNIX_EPOCH),
            text: Some("orderCount".to_owned()),
            ..LetterFilter::default()
        };
        for filter in [filter, LetterFilter::default()] {
            let kept = serde_json::to_value(&filter).expect("JSON");
            assert_eq!(serde_json::from_value::<LetterFilter>(kept).expect("a filter"), filter);
        }
    }
}
