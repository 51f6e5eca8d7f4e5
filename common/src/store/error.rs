//! What can go wrong with Postgres, and what it means for the job.

use tokio_postgres::error::SqlState;

use super::refusals;
use crate::domain::failure::FailureClass;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reachable, shutting down, read-only, out of space or connections, or a lock was held too long. Waiting helps.
    #[error("Postgres cannot work now: {what}")]
    Unavailable {
        /// In a few words, for the operator.
        what: String,
        /// The driver's error.
        #[source]
        source: Source,
    },
    /// Deadlock or serialization failure: the same transaction again will do.
    #[error("Postgres asked to run the transaction again")]
    Conflict(#[source] Source),
    /// Postgres refuses a value: one bad row.
    #[error("Postgres refuses a value")]
    Data(#[source] Source),
    /// Anything else: a defect of ours, or a schema that is not ours.
    #[error("Postgres refused a statement")]
    Refused(#[source] Source),
    /// A stored value is not one that this program wrote.
    #[error("the database holds a value this program does not know: {0}")]
    Foreign(String),
}

/// What a failure without a state of Postgres's means.
pub(super) const CONNECTION_LOST: &str = "the connection was lost";
/// What a lock timeout means.
const LOCKED: &str = "a lock was held too long by somebody else";
/// What a statement timeout means.
const TOO_LONG: &str = "a statement took too long";

impl StoreError {
    /// Whether somebody else's lock was in the way, or may have been.
    pub fn is_locked_out(&self) -> bool {
        matches!(self, Self::Unavailable { what, .. } if what == LOCKED) || self.is_too_long()
    }

    /// Whether a statement ran into its time limit: half of the work may fit.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Unavailable { what, .. } if what == TOO_LONG)
    }

    /// The same of a statement that only waits for its turn: with less work it would have waited as long.
    pub(super) fn of_a_wait(self) -> Self {
        match self {
            Self::Unavailable { what, source } if what == TOO_LONG => {
                Self::Unavailable { what: LOCKED.to_owned(), source }
            }
            other => other,
        }
    }

    /// Decides what happens to the job. No `_` arm: a new variant must choose.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unavailable { .. } | Self::Conflict(_) => FailureClass::Infrastructure,
            Self::Data(_) | Self::Refused(_) | Self::Foreign(_) => FailureClass::Bug,
        }
    }

    pub(super) fn foreign(error: impl std::fmt::Display) -> Self {
        Self::Foreign(error.to_string())
    }

    pub(super) fn read_only(source: Source) -> Self {
        Self::Unavailable { what: "it is read-only (a standby?)".to_owned(), source }
    }

    pub(super) fn from_state(state: Option<&str>, what: &str, source: Source) -> Self {
        let Some(state) = state else {
            return Self::Unavailable { what: what.to_owned(), source };
        };
        let unavailable = |what: &str| what.to_owned();
        match state {
            "40001" | "40P01" => Self::Conflict(source),
            "53100" => Self::Unavailable {
                what: unavailable("its disk is full; free some space, work resumes by itself"),
                source,
            },
            "53300" => Self::Unavailable { what: unavailable("it has too many connections"), source },
            "25006" => {
                refusals::met();
                Self::read_only(source)
            }
            "55P03" => Self::Unavailable { what: unavailable(LOCKED), source },
            "57014" => Self::Unavailable { what: unavailable(TOO_LONG), source },
            "3D000" => Self::Unavailable { what: unavailable("the database does not exist"), source },
            "28P01" | "28000" => {
                Self::Unavailable { what: unavailable("it refuses this user or password"), source }
            }
            _ => match &state[..2.min(state.len())] {
                // 25: the transaction is gone (idle too long, or an earlier statement of a pipeline failed): write it again.
                "08" | "25" | "53" | "57" | "58" => Self::Unavailable { what: what.to_owned(), source },
                "22" | "23" | "54" => Self::Data(source),
                _ => Self::Refused(source),
            },
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let state = error.code().map(SqlState::code).map(str::to_owned);
        // A value that cannot be encoded or decoded is ours; everything else without a state is the connection. The
        // driver tells its kinds apart in words only.
        if state.is_none() && !error.is_closed() {
            let text = error.to_string();
            if text.starts_with("error serializing") {
                return Self::Data(error.into());
            }
            if text.starts_with("error deserializing") || text.starts_with("invalid column") {
                return Self::Refused(error.into());
            }
        }
        Self::from_state(state.as_deref(), CONNECTION_LOST, error.into())
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::from(error),
            other => Self::Unavailable {
                what: "no connection could be had in time".to_owned(),
                source: other.into(),
            },
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let state = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .map(std::borrow::Cow::into_owned);
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound => Self::Refused(error.into()),
            _ => Self::from_state(state.as_deref(), CONNECTION_LOST, error.into()),
        }
    }
}

/// A transaction that failed.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Nothing of it is stored.
    #[error("nothing was stored")]
    RolledBack(#[source] StoreError),
    /// The answer to COMMIT was lost: ask the ledger (`Ledger::settled`) before doing anything again.
    #[error("the answer to COMMIT was lost")]
    Unknown(#[source] StoreError),
}

impl<E: Into<StoreError>> From<E> for TransactionError {
    fn from(error: E) -> Self {
        Self::RolledBack(error.into())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::disk_full("53100", FailureClass::Infrastructure)]
    #[case::too_many_connections("53300", FailureClass::Infrastructure)]
    #[case::standby("25006", FailureClass::Infrastructure)]
    #[case::admin_shutdown("57P01", FailureClass::Infrastructure)]
    #[case::deadlock("40P01", FailureClass::Infrastructure)]
    #[case::nul_in_text("22021", FailureClass::Bug)]
    #[case::check_violation("23514", FailureClass::Bug)]
    #[case::no_such_table("42P01", FailureClass::Bug)]
    fn the_state_decides_the_class(#[case] state: &str, #[case] class: FailureClass) {
        assert_eq!(StoreError::from_state(Some(state), "", "cause".into()).class(), class);
    }

    #[test]
    fn a_wait_that_took_too_long_is_somebody_elses_lock() {
        let of = |state| StoreError::from_state(Some(state), "", "cause".into()).of_a_wait();
        assert!(of("57014").is_locked_out() && !of("57014").is_too_long());
        assert!(of("55P03").is_locked_out());
        assert!(!of("53100").is_locked_out());
    }

    #[test]
    fn only_refused_values_are_data() {
        assert!(matches!(StoreError::from_state(Some("22003"), "", "cause".into()), StoreError::Data(_)));
        assert!(matches!(StoreError::from_state(Some("42601"), "", "cause".into()), StoreError::Refused(_)));
    }
}
