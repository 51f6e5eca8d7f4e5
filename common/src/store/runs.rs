//! Progress and reports for people.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};
use uuid::Uuid;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::MallId;

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RunProgress {
    /// All its jobs.
    pub jobs: i64,
    /// Done.
    pub done: i64,
    /// Failed for good.
    pub failed: i64,
    /// Cancelled.
    pub cancelled: i64,
    /// Waiting for their mall.
    pub parked: i64,
    /// With a worker.
    pub running: i64,
    /// With the broker.
    pub queued: i64,
    /// Here.
    pub planned: i64,
    /// Rows fetched.
    pub rows: i64,
    /// Of all, jobs of other runs that bring what this one wished for.
    pub of_other_runs: i64,
}

impl RunProgress {
    /// Jobs that will end without a person's help.
    pub fn open(&self) -> i64 {
        self.running + self.queued + self.planned
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            jobs: self.jobs + other.jobs,
            done: self.done + other.done,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
            parked: self.parked + other.parked,
            running: self.running + other.running,
            queued: self.queued + other.queued,
            planned: self.planned + other.planned,
            rows: self.rows + other.rows,
            of_other_runs: self.of_other_runs + other.of_other_runs,
        }
    }

    fn of(row: &PgRow) -> Result<Self, StoreError> {
        Ok(Self {
            jobs: row.try_get("jobs")?,
            done: row.try_get("done")?,
            failed: row.try_get("failed")?,
            cancelled: row.try_get("cancelled")?,
            parked: row.try_get("parked")?,
            running: row.try_get("running")?,
            queued: row.try_get("queued")?,
            planned: row.try_get("planned")?,
            rows: row.try_get("rows")?,
            of_other_runs: 0,
        })
    }
}

/// Live jobs of one lane and state.
#[derive(Debug, Clone, Serialize)]
pub struct Backlog {
    /// fresh or backfill.
    pub lane: String,
    /// planned, waiting (for its time), queued, running or parked.
    pub state: String,
    /// How many.
    pub jobs: i64,
    /// When the oldest was asked for.
    pub oldest: Option<DateTime<Utc>>,
}

impl Backlog {
    fn of(row: &PgRow) -> Result<Self, StoreError> {
        Ok(Self {
            lane: row.try_get("lane")?,
            state: row.try_get("state")?,
            jobs: row.try_get("jobs")?,
            oldest: row.try_get("oldest")?,
        })
    }
}

/// Of the live jobs, those that wait for their mall or their endpoint.
pub(super) async fn parked(executor: impl PgExecutor<'_>) -> Result<Vec<Backlog>, StoreError> {
    let sql = "SELECT lane, work_state AS state, count(*) AS jobs, min(requested_at) AS oldest \
               FROM jobs WHERE work_state = 'parked' GROUP BY lane, work_state";
    sqlx::query(sql).fetch_all(executor).await?.iter().map(Backlog::of).collect()
}

/// What an operator asks first about a mall.
#[derive(Debug, Clone, Serialize)]
pub struct MallReport {
    /// The mall.
    pub mall_id: String,
    /// Its agency.
    pub agency: String,
    /// Its shops.
    pub shops: Vec<i32>,
    /// Its state.
    pub state: String,
    /// Why it is not active.
    pub reason: Option<String>,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// Whether requests are sent: `api`, or not.
    pub mode: Option<String>,
    /// Its bucket.
    pub limiter_key: String,
    /// How fresh it is: fresh, `catching_up`, late, `needs_you` or paused (view `mall_freshness`).
    #[serde(skip)]
    pub freshness: String,
    /// Why it is not fresh.
    #[serde(skip)]
    pub freshness_reason: Option<String>,
    /// The first day that is wanted; `None`: nothing yet.
    pub wanted_from: Option<NaiveDate>,
    /// The last day through which all its shops and endpoints are complete.
    pub complete_through: Option<NaiveDate>,
    /// Wanted days up to yesterday that are not, over shops and endpoints.
    pub gaps: i64,
    /// Jobs that are planned or with the broker.
    pub waiting: i64,
    /// Running jobs.
    pub running: i64,
    /// Jobs that a pause or the mall's state keeps.
    pub parked: i64,
    /// Open dead letters.
    pub dead: i64,
    /// Causes that they have.
    pub dead_causes: i64,
    /// Group of the newest one.
    pub dead_group: Option<String>,
    /// Its cause.
    pub dead_cause: Option<String>,
}

impl Control {
    /// How far `run_id` is (`sql/run_progress.sql`).
    pub async fn run_progress(&self, run_id: Uuid) -> Result<RunProgress, StoreError> {
        let row =
            sqlx::query(include_str!("sql/run_progress.sql")).bind(run_id).fetch_one(&self.pool).await?;
        RunProgress::of(&row)
    }

    /// How far those of `jobs` are that are not `run_id`'s own, and which of them may still change
    /// (`sql/carriers_progress.sql`).
    pub async fn carriers_progress(
        &self,
        run_id: Uuid,
        jobs: &[Uuid],
    ) -> Result<(RunProgress, Vec<Uuid>), StoreError> {
        let sql = include_str!("sql/carriers_progress.sql");
        let row = sqlx::query(sql).bind(jobs).bind(run_id).fetch_one(&self.pool).await?;
        let progress = RunProgress::of(&row)?;
        Ok((RunProgress { of_other_runs: progress.jobs, ..progress }, row.try_get("unsettled")?))
    }

    /// The live jobs by lane and state (`sql/backlog.sql`).
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows = sqlx::query(include_str!("sql/backlog.sql")).fetch_all(&self.pool).await?;
        rows.iter().map(Backlog::of).collect()
    }

    /// How many malls that send fetch `endpoint`, and how many jobs wait for a call of it: what pausing it stops.
    pub async fn endpoint_backlog(&self, endpoint: Endpoint) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM connectors c WHERE connector_sends(c.state, c.config_json) \
             AND $1 = ANY (c.endpoints)) AS malls, \
             (SELECT count(*) FROM jobs WHERE endpoint = $1 AND work_state IN ('planned', 'queued')) AS jobs",
        )
        .bind(endpoint.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("malls")?, row.try_get("jobs")?))
    }

    /// Malls by id after `after`, at most `limit` (`sql/mall_report.sql`).
    pub async fn mall_report(&self, after: &str, limit: i64) -> Result<Vec<MallReport>, StoreError> {
        self.reports(after, limit, None).await
    }

    /// The same of one mall; `None`: it is not there.
    pub async fn report_of(&self, mall: &MallId) -> Result<Option<MallReport>, StoreError> {
        Ok(self.reports("", 1, Some(mall)).await?.pop())
    }

    async fn reports(
        &self,
        after: &str,
        limit: i64,
        mall: Option<&MallId>,
    ) -> Result<Vec<MallReport>, StoreError> {
        let rows = sqlx::query(include_str!("sql/mall_report.sql"))
            .bind(after)
            .bind(limit)
            .bind(mall.map(MallId::as_str))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(MallReport {
                    mall_id: row.try_get("mall_id")?,
                    agency: row.try_get("agency_id")?,
                    shops: row.try_get("shops")?,
                    state: row.try_get("state")?,
                    reason: row.try_get("state_reason")?,
                    state_since: row.try_get("state_since")?,
                    mode: row.try_get("mode")?,
                    limiter_key: row.try_get("limiter_key")?,
                    freshness: row.try_get("freshness")?,
                    freshness_reason: row.try_get("freshness_reason")?,
                    wanted_from: row.try_get("wanted_from")?,
                    complete_through: row.try_get("complete_through")?,
                    gaps: row.try_get("gaps")?,
                    waiting: row.try_get("waiting")?,
                    running: row.try_get("running")?,
                    parked: row.try_get("parked")?,
                    dead: row.try_get("dead")?,
                    dead_causes: row.try_get("dead_causes")?,
                    dead_group: row.try_get("dead_group")?,
                    dead_cause: row.try_get("dead_cause")?,
                })
            })
            .collect()
    }
}
