//! What the daemon does to keep pauses: jobs follow them in portions, ends come by themselves.

use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use uuid::Uuid;

use super::super::error::StoreError;
use super::super::pool::Control;

/// Malls whose jobs are parked or released in one transaction: some ten thousand jobs, a few hundred milliseconds.
const MALLS_AT_ONCE: i64 = 50;
/// A worker that lives tells of its probe sooner than this after the commit.
const PROBE_SILENT: Duration = Duration::from_secs(10);

impl Control {
    /// Parks the waiting jobs of endpoints that are paused for all malls, in portions. Returns how many.
    pub async fn park_paused(&self) -> Result<i64, StoreError> {
        let any = "SELECT EXISTS (SELECT FROM endpoint_pauses WHERE ended_at IS NULL AND mall_id IS NULL)";
        if !sqlx::query(any).fetch_one(&self.pool).await?.try_get::<bool, _>(0)? {
            return Ok(0);
        }
        let sql = include_str!("../sql/park_paused.sql");
        self.in_portions("parked", |after| sqlx::query(sql).bind(after).bind(MALLS_AT_ONCE)).await
    }

    /// Releases parked jobs that wait for nothing any more, in portions. Returns how many.
    pub async fn release_parked(&self) -> Result<i64, StoreError> {
        self.release(None).await
    }

    /// Releases what waited only until its mall's bucket was full (`sql/release_moved.sql`). Returns how many.
    pub async fn release_moved(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(include_str!("../sql/release_moved.sql")).fetch_one(&self.pool).await?;
        Ok(row.try_get("released")?)
    }

    /// As [`Self::release_parked`], for some malls only.
    pub async fn release_parked_of(&self, malls: &[&str]) -> Result<i64, StoreError> {
        self.release(Some(malls)).await
    }

    async fn release(&self, malls: Option<&[&str]>) -> Result<i64, StoreError> {
        let sql = include_str!("../sql/reconcile_parked.sql");
        self.in_portions("released", |after| sqlx::query(sql).bind(after).bind(MALLS_AT_ONCE).bind(malls))
            .await
    }

    /// Goes over the malls, some of them a transaction; adds up `column`. `portion` is the query for those after a mall.
    async fn in_portions<'q>(
        &self,
        column: &str,
        portion: impl Fn(String) -> Query<'q, Postgres, PgArguments>,
    ) -> Result<i64, StoreError> {
        let (mut after, mut all) = (String::new(), 0);
        loop {
            // Planned for these values: for any, Postgres may choose to look at all jobs for each portion.
            let row = portion(after).persistent(false).fetch_one(&self.pool).await?;
            all += row.try_get::<i64, _>(column)?;
            match row.try_get("last")? {
                Some(last) => after = last,
                None => return Ok(all),
            }
        }
    }

    /// Ends the pauses whose time is over, one a transaction. Returns how many.
    pub async fn end_due_pauses(&self) -> Result<i64, StoreError> {
        let mut all = 0;
        loop {
            let row = sqlx::query(include_str!("../sql/end_due_pauses.sql")).fetch_one(&self.pool).await?;
            match row.try_get::<i64, _>("ended")? {
                0 => return Ok(all),
                ended => all += ended,
            }
        }
    }

    /// Ends the pauses whose probe went well although no worker said so, and takes the others out (`sql/probes_over.sql`).
    /// Returns how many ended.
    pub async fn end_silent_probes(&self) -> Result<i64, StoreError> {
        let over = sqlx::query(include_str!("../sql/probes_over.sql"))
            .bind(PROBE_SILENT.as_secs_f64())
            .fetch_all(&self.pool)
            .await?;
        let mut ended = 0;
        for row in over {
            let row = sqlx::query(include_str!("../sql/probe_ended.sql"))
                .bind(row.try_get::<Uuid, _>("job_id")?)
                .bind(row.try_get::<bool, _>("good")?)
                .fetch_optional(&self.pool)
                .await?;
            ended += i64::from(row.is_some());
        }
        Ok(ended)
    }
}
