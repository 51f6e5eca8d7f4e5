//! What the broker or a worker lost is planned again: the ledger heals everything that a message could suffer.

use std::time::Duration;

use sqlx::Row;

use super::dead_letters::LettersOver;
use super::error::StoreError;
use super::pool::Control;
use crate::domain::job::Lane;

/// How long a job may be without a sign of life.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// With the broker, while its queue holds fewer messages than the ledger believes. 60 s by default.
    pub queued: Duration,
    /// Claimed by a worker that sends no heartbeat. 120 s by default.
    pub running: Duration,
    /// Claimed by any worker; longer than every time-out of a fetch together. 15 min.
    pub running_at_most: Duration,
    /// Failed without a letter in the archive. As `queued`.
    pub unarchived: Duration,
    /// Ended well; the job's row is forgotten then. 7 days.
    pub kept: Duration,
    /// Letters replayed or discarded are forgotten then. 90 days.
    pub letters_kept: Duration,
    /// What figures were before they changed is forgotten then. 400 days.
    pub versions_kept: Duration,
    /// The same of days that were not over. 31 days.
    pub partial_versions_kept: Duration,
}

/// Rows forgotten at once; the rest waits for the next time.
const PRUNED_AT_ONCE: i64 = 20_000;

/// What was mended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Reconciled {
    /// Jobs whose message was lost.
    pub queued: i64,
    /// Jobs whose worker was lost.
    pub running: i64,
    /// Jobs that were parked and waited for nothing.
    pub released: i64,
    /// Failed jobs whose letter was lost.
    pub archived: u64,
}

impl Control {
    /// Plans lost jobs again. `short`: the lanes whose queue holds fewer messages than [`Control::queued_jobs`] says;
    /// `alive`: the workers that send heartbeats, or `None` when that could not be asked (unknown is not dead).
    pub async fn reconcile(
        &self,
        deadlines: Deadlines,
        short: &[Lane],
        alive: Option<&[String]>,
    ) -> Result<Reconciled, StoreError> {
        let lanes: Vec<&str> = short.iter().map(|lane| lane.as_str()).collect();
        let stale = sqlx::query(include_str!("sql/reconcile_stale.sql"))
            .bind(deadlines.queued.as_secs_f64())
            .bind(&lanes)
            .bind(deadlines.running.as_secs_f64())
            .bind(alive)
            .bind(deadlines.running_at_most.as_secs_f64())
            .fetch_one(&self.pool)
            .await?;
        let released = self.release_parked().await?;
        let archived = sqlx::query(include_str!("sql/archive_lost.sql"))
            .bind(deadlines.unarchived.as_secs_f64())
            .execute(&self.pool)
            .await?;
        sqlx::query(include_str!("sql/prune_jobs.sql"))
            .bind(deadlines.kept.as_secs_f64())
            .bind(PRUNED_AT_ONCE)
            .execute(&self.pool)
            .await?;
        sqlx::query(include_str!("sql/prune_versions.sql"))
            .bind(deadlines.versions_kept.as_secs_f64())
            .bind(deadlines.partial_versions_kept.as_secs_f64())
            .bind(PRUNED_AT_ONCE)
            .execute(&self.pool)
            .await?;
        self.prune_letters(LettersOver { kept: deadlines.letters_kept }).await?;
        Ok(Reconciled {
            queued: stale.try_get("queued")?,
            running: stale.try_get("running")?,
            released,
            archived: archived.rows_affected(),
        })
    }

    /// How many jobs of a lane the ledger believes to be with the broker.
    pub async fn queued_jobs(&self, lane: Lane) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM jobs WHERE work_state = 'queued' AND lane = $1")
            .bind(lane.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }
}
