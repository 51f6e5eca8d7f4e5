//! Leadership: one process has a duty, the others stand by.
//!
//! An advisory lock on a session of its own. Postgres frees it when the session ends; a process that was stopped keeps
//! its session, so the session has an idle timeout that the leader beats every few seconds (`faults.md` S2).

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row};

use super::error::StoreError;
use super::pool::Control;

/// A leader that says nothing for this long is no leader any more.
const IDLE_TIMEOUT: &str = "10s";
/// A leader whose server says nothing for this long has lost its session, as far as it can know.
const SILENT: Duration = Duration::from_secs(5);

/// The lock, held as long as this value lives and [`beat`](Self::beat) succeeds.
#[derive(Debug)]
pub struct Leadership {
    session: PgConnection,
}

impl Leadership {
    /// How often to call [`beat`](Self::beat).
    pub const BEAT: Duration = Duration::from_secs(3);

    /// Shows that the leader lives. An error means that leadership is lost: stop the duty at once.
    pub async fn beat(&mut self) -> Result<(), StoreError> {
        within(sqlx::query("SELECT 1").execute(&mut self.session)).await?;
        Ok(())
    }

    /// Gives the lock back.
    pub async fn release(self) -> Result<(), StoreError> {
        within(self.session.close()).await
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(SILENT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(silent) => Err(StoreError::Unavailable {
            what: "it did not answer in time".to_owned(),
            source: silent.into(),
        }),
    }
}

impl Control {
    /// Tries to become the leader of `duty`; `None` when another process is.
    pub async fn try_lead(&self, duty: &str) -> Result<Option<Leadership>, StoreError> {
        let options =
            self.pool.connect_options().as_ref().clone().options([("idle_session_timeout", IDLE_TIMEOUT)]);
        let mut session = within(PgConnection::connect_with(&options)).await?;
        let ask =
            sqlx::query("SELECT pg_try_advisory_lock(hashtext('cafe24-sync'), hashtext($1))").bind(duty);
        let row = within(ask.fetch_one(&mut session)).await?;
        if row.try_get(0)? {
            Ok(Some(Leadership { session }))
        } else {
            within(session.close()).await?;
            Ok(None)
        }
    }
}
