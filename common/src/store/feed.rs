//! What the feeder asks and records.

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::{LimiterKey, MallId, ShopNo};
use crate::domain::job::{Job, Lane, WireJob};
use crate::domain::lanes::{Lanes, Sent};

/// A job to publish.
#[derive(Debug, Clone)]
pub struct FeedJob {
    /// The job.
    pub job: Job,
    /// Its last claim when it was read; a claim in between makes the mark void.
    pub fence: Option<i64>,
    /// Whether an attempt of it failed before.
    pub retry: bool,
}

/// The next jobs of a limiter key.
#[derive(Debug, Clone)]
pub struct KeyJobs {
    /// The key.
    pub key: LimiterKey,
    /// How many may go: the room of the first job's lane.
    pub room: usize,
    /// First tries and retries in their order, of each kind no more than there is room for.
    pub jobs: Vec<FeedJob>,
}

impl Control {
    /// Every limiter key that has planned jobs of a lane that is sent of it (`sql/feed_keys.sql`).
    pub async fn keys_with_work(&self, sent: &Sent) -> Result<Vec<LimiterKey>, StoreError> {
        if sent.is_nothing() {
            return Ok(Vec::new());
        }
        let (first, last) = bounds(sent.others());
        let (own, (firsts, lasts)): (Vec<_>, (Vec<_>, Vec<_>)) =
            sent.keys().map(|(key, lanes)| (key.as_str(), bounds(lanes))).unzip();
        let rows = sqlx::query(include_str!("sql/feed_keys.sql"))
            .bind(first)
            .bind(last)
            .bind(own)
            .bind(firsts)
            .bind(lasts)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| LimiterKey::try_from(row.try_get::<String, _>(0)?).map_err(StoreError::foreign))
            .collect()
    }

    /// The jobs of the lanes that are sent of which each key's window is filled, by key (`sql/feed_next.sql`); a key without
    /// jobs or room is left out.
    ///
    /// A row that is no job (edited by hand) fails for good, so that no other job waits behind it; it becomes a dead
    /// letter like any other.
    pub async fn next_jobs(
        &self,
        windows: &[(LimiterKey, i64)],
        sent: &Sent,
    ) -> Result<Vec<KeyJobs>, StoreError> {
        let windows: Vec<_> = windows.iter().filter(|(key, _)| sent.of(key).bounds().is_some()).collect();
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        let (firsts, lasts): (Vec<_>, Vec<_>) = windows.iter().map(|(key, _)| bounds(sent.of(key))).unzip();
        let held = windows.iter().flat_map(|(key, _)| sent.held(key));
        let held: Vec<String> = held.map(|(mall, lane)| format!("{lane} {mall}")).collect();
        let keys: Vec<&str> = windows.iter().map(|(key, _)| key.as_str()).collect();
        let sizes: Vec<i64> = windows.iter().map(|(_, size)| *size).collect();
        let rows = sqlx::query(include_str!("sql/feed_next.sql"))
            .bind(&keys)
            .bind(&sizes)
            .bind(firsts)
            .bind(lasts)
            .bind(held)
            .fetch_all(&self.pool)
            .await?;
        let mut next: Vec<KeyJobs> = Vec::with_capacity(windows.len());
        for row in &rows {
            match job(row) {
                Ok(job) => {
                    let key: &str = row.try_get("limiter_key")?;
                    if next.last().is_none_or(|last| last.key.as_str() != key) {
                        let key = LimiterKey::try_from(key.to_owned()).map_err(StoreError::foreign)?;
                        let room = usize::try_from(row.try_get::<i64, _>("room")?).unwrap_or(0);
                        next.push(KeyJobs { key, room, jobs: Vec::new() });
                    }
                    let job = FeedJob { job, fence: row.try_get("fence")?, retry: row.try_get("retry")? };
                    if let Some(last) = next.last_mut() {
                        last.jobs.push(job);
                    }
                }
                Err(foreign @ StoreError::Foreign(_)) => {
                    self.bury_row(row.try_get("job_id")?, &foreign).await?;
                }
                // A row that cannot be read at all is our defect, not the row's.
                Err(error) => return Err(error),
            }
        }
        Ok(next)
    }

    async fn bury_row(&self, job_id: Uuid, foreign: &StoreError) -> Result<(), StoreError> {
        tracing::error!(event = "job.dead_lettered", %job_id, error = foreign as &dyn std::error::Error, "a row of the ledger is no job");
        sqlx::query(
            "UPDATE jobs SET work_state = 'failed', finished_at = now(), error_class = 'bug', error = $2 \
             WHERE job_id = $1 AND work_state = 'planned'",
        )
        .bind(job_id)
        .bind(format!("the ledger's row is no job: {foreign}"))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Marks confirmed jobs as queued (`sql/feed_mark.sql`).
    pub async fn mark_queued(&self, published: &[(Uuid, Option<i64>)]) -> Result<u64, StoreError> {
        let ids: Vec<Uuid> = published.iter().map(|(id, _)| *id).collect();
        let fences: Vec<Option<i64>> = published.iter().map(|(_, fence)| *fence).collect();
        let done = sqlx::query(include_str!("sql/feed_mark.sql"))
            .bind(&ids)
            .bind(&fences)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}

/// First and last of the lanes in the order of their names; of none, the other way round.
fn bounds(lanes: Lanes) -> (&'static str, &'static str) {
    let (first, last) = lanes.bounds().unwrap_or((Lane::Fresh, Lane::Backfill));
    (first.as_str(), last.as_str())
}

fn job(row: &PgRow) -> Result<Job, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::from);
    let wire = WireJob {
        job_id: row.try_get("job_id")?,
        mall_id: MallId::try_from(text("mall_id")?).map_err(StoreError::foreign)?,
        shop_no: ShopNo::try_from(row.try_get::<i32, _>("shop_no")?).map_err(StoreError::foreign)?,
        endpoint: text("endpoint")?.parse().map_err(StoreError::foreign)?,
        granularity: text("granularity")?.parse().map_err(StoreError::foreign)?,
        start: row.try_get("start_date")?,
        end: row.try_get("end_date")?,
        lane: text("lane")?.parse().map_err(StoreError::foreign)?,
        requested_at: row.try_get("requested_at")?,
    };
    Job::try_from(wire).map_err(StoreError::foreign)
}
