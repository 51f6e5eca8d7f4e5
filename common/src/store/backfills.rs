//! Runs of the backfill lane: how far they are, and dropping what waits of them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use uuid::Uuid;

use super::audit::{AuditEntry, record};
use super::error::StoreError;
use super::pool::Control;
use super::prefix;

/// Jobs dropped in one transaction: no other job waits long for their locks.
const PORTION: i64 = 10_000;

/// A run and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct Backfill {
    /// The run.
    pub run_id: Uuid,
    /// Who asked: `enqueue`, or one of the schedules.
    pub kind: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Jobs that were planned.
    pub jobs: i64,
    /// Done.
    pub done: i64,
    /// Failed for good.
    pub failed: i64,
    /// Dropped.
    pub cancelled: i64,
    /// Waiting for their mall or endpoint.
    pub parked: i64,
    /// With the broker and the workers.
    pub queued: i64,
    /// Waiting for their turn.
    pub planned: i64,
    /// Done within the last minute.
    pub recent: i64,
}

/// A mall that wants days of a run, whether the run is dropped or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComesBack {
    /// The mall.
    pub mall_id: String,
    /// Wanted from this day on, it would want none of them.
    pub wanted_from: NaiveDate,
}

impl Backfill {
    /// Jobs that are not over.
    pub fn left(&self) -> i64 {
        self.parked + self.queued + self.planned
    }
}

impl Control {
    /// Runs of the backfill lane, the newest first (`sql/backfills.sql`).
    pub async fn backfills(&self, limit: u32, also_over: bool) -> Result<Vec<Backfill>, StoreError> {
        self.runs_of_backfill(None, i64::from(limit), also_over).await
    }

    /// One run, whatever its lane.
    pub async fn backfill(&self, run: Uuid) -> Result<Option<Backfill>, StoreError> {
        Ok(self.runs_of_backfill(Some(run), 1, true).await?.pop())
    }

    /// Runs whose id starts with `prefix`, two at most: then it is ambiguous.
    pub async fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<Uuid>, StoreError> {
        let Some((first, last)) = prefix::range(prefix) else { return Ok(Vec::new()) };
        let sql = "SELECT run_id FROM runs WHERE run_id BETWEEN $1 AND $2 ORDER BY run_id LIMIT $3";
        Ok(sqlx::query_scalar(sql).bind(first).bind(last).bind(prefix::ALIKE).fetch_all(&self.pool).await?)
    }

    async fn runs_of_backfill(
        &self,
        run: Option<Uuid>,
        limit: i64,
        also_over: bool,
    ) -> Result<Vec<Backfill>, StoreError> {
        let rows = sqlx::query(include_str!("sql/backfills.sql"))
            .bind(run)
            .bind(limit)
            .bind(also_over)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Backfill {
                    run_id: row.try_get("run_id")?,
                    kind: row.try_get("kind")?,
                    created_at: row.try_get("created_at")?,
                    jobs: row.try_get("jobs")?,
                    done: row.try_get("done")?,
                    failed: row.try_get("failed")?,
                    cancelled: row.try_get("cancelled")?,
                    parked: row.try_get("parked")?,
                    queued: row.try_get("queued")?,
                    planned: row.try_get("planned")?,
                    recent: row.try_get("recent")?,
                })
            })
            .collect()
    }

    /// Malls, by id, that will ask again for days of `run` if its waiting jobs are dropped (`sql/comes_back.sql`).
    pub async fn comes_back(&self, run: Uuid) -> Result<Vec<ComesBack>, StoreError> {
        let rows = sqlx::query(include_str!("sql/comes_back.sql")).bind(run).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(ComesBack { mall_id: row.try_get("mall_id")?, wanted_from: row.try_get("wanted_from")? })
            })
            .collect()
    }

    /// Drops the waiting jobs of `run`; how many (`sql/cancel_run.sql`). Interrupted, it is taken up by another call.
    pub async fn cancel_run(&self, run: Uuid, actor: &str) -> Result<u64, StoreError> {
        let mut dropped = 0;
        loop {
            let mut tx = self.pool.begin().await?;
            let done = sqlx::query(include_str!("sql/cancel_run.sql"))
                .bind(run)
                .bind(PORTION)
                .bind(format!("dropped by {actor}"))
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if done == 0 {
                return Ok(dropped);
            }
            let entry = AuditEntry {
                actor,
                action: "backfill.cancel",
                mall: None,
                target: &run.to_string(),
                plan: None,
                details: json!({ "jobs": done }),
            };
            record(&mut tx, &entry).await?;
            tx.commit().await?;
            dropped += done;
        }
    }
}
