//! What is there and what is being done about it, by day; how fresh malls are. The rules stand in the views
//! (`slice_coverage`, `mall_freshness`), once for everybody who asks.

mod moves;

pub use moves::{AgeMove, PartialShare};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::calendar::DayRange;
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::MallId;
use crate::domain::slice::{DataState, WorkState};

/// Which malls.
#[derive(Debug, Clone, Default)]
pub struct MallFilter {
    /// These; empty: all.
    pub malls: Vec<MallId>,
    /// Those of this agency.
    pub agency: Option<String>,
}

/// How fresh a mall is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MallFreshness {
    /// The mall.
    pub mall_id: String,
    /// Its agency.
    pub agency: String,
    /// fresh, `catching_up`, late, `needs_you` or paused.
    pub status: String,
    /// Why it is not fresh.
    pub reason: Option<String>,
    /// The last day through which all its shops and endpoints are complete.
    pub complete_through: Option<NaiveDate>,
    /// Days that are missing or partial up to yesterday, over shops and endpoints.
    pub gap_days: i64,
}

/// How many days are what: wanted ones up to yesterday, and today apart from them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// Wanted days before today.
    pub wanted: i64,
    /// Of these, those whose figures are final.
    pub complete: i64,
    /// Of the complete ones, those whose figures changed later.
    pub restated: i64,
    /// Fetched, but not final.
    pub partial: i64,
    /// Never fetched.
    pub missing: i64,
    /// A job waits for its turn; this and the following also of today, whatever is there.
    pub queued: i64,
    /// A worker has it.
    pub running: i64,
    /// The last fetch failed for good.
    pub failed: i64,
    /// It waits for its mall or its endpoint.
    pub paused: i64,
    /// Shops and endpoints that have something of today.
    pub today_partial: i64,
    /// Shops and endpoints that have nothing of today yet.
    pub not_yet: i64,
}

impl DayCounts {
    /// Days without final figures.
    pub fn gaps(&self) -> i64 {
        self.wanted - self.complete
    }

    /// Adds those of others.
    pub fn add(&mut self, other: Self) {
        self.wanted += other.wanted;
        self.complete += other.complete;
        self.restated += other.restated;
        self.partial += other.partial;
        self.missing += other.missing;
        self.queued += other.queued;
        self.running += other.running;
        self.failed += other.failed;
        self.paused += other.paused;
        self.today_partial += other.today_partial;
        self.not_yet += other.not_yet;
    }
}

/// How many days of a mall are what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MallCounts {
    /// The mall.
    pub mall_id: String,
    /// Over its shops and endpoints.
    pub counts: DayCounts,
    /// Days without final figures up to the one that is due, but for excused ones (view `slice_coverage`).
    pub due_gaps: i64,
}

/// The wanted days of one shop and endpoint of a mall, without a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesDays {
    /// The mall.
    pub mall_id: String,
    /// The shop.
    pub shop_no: i32,
    /// The endpoint; one of a newer version is not known here.
    pub endpoint: String,
    /// Days without final figures up to the one that is due, but for excused ones (view `slice_coverage`).
    pub due_gaps: i64,
    /// The first of the days.
    pub first: NaiveDate,
    /// What is known of each.
    pub days: Vec<SliceFacts>,
}

/// What is known of one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceFacts {
    /// What is there.
    pub data: DataState,
    /// What is being done.
    pub work: WorkState,
    /// Whether a job carries it, be it parked.
    pub in_job: bool,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessClock {
    /// The KST day.
    pub today: NaiveDate,
    /// The last day that has to be complete by now.
    pub due_day: NaiveDate,
    /// Since when it has to be.
    pub due_at: DateTime<Utc>,
}

impl Control {
    /// What has to be complete by now, by the database's clock and deadline.
    pub async fn freshness_clock(&self) -> Result<FreshnessClock, StoreError> {
        let row =
            sqlx::query("SELECT today, due_day, due_at FROM freshness_clock").fetch_one(&self.pool).await?;
        Ok(FreshnessClock {
            today: row.try_get("today")?,
            due_day: row.try_get("due_day")?,
            due_at: row.try_get("due_at")?,
        })
    }

    /// Keeps the deadline for yesterday, KST, where the views read it.
    pub async fn keep_deadline(&self, fresh_by: NaiveTime) -> Result<(), StoreError> {
        sqlx::query("UPDATE deployment SET fresh_by = $1 WHERE fresh_by <> $1")
            .bind(fresh_by)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How fresh malls are, by id after `after`, at most `limit` (`sql/coverage_malls.sql`).
    pub async fn mall_freshness(
        &self,
        filter: &MallFilter,
        after: &str,
        limit: i64,
    ) -> Result<Vec<MallFreshness>, StoreError> {
        let malls: Vec<&str> = filter.malls.iter().map(MallId::as_str).collect();
        let rows = sqlx::query(include_str!("sql/coverage_malls.sql"))
            .bind(after)
            .bind(limit)
            .bind(&malls)
            .bind(filter.agency.as_deref())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(MallFreshness {
                    mall_id: row.try_get("mall_id")?,
                    agency: row.try_get("agency_id")?,
                    status: row.try_get("status")?,
                    reason: row.try_get("reason")?,
                    complete_through: row.try_get("complete_through")?,
                    gap_days: row.try_get("gap_days")?,
                })
            })
            .collect()
    }

    async fn days_of(
        &self,
        sql: &'static str,
        malls: &[&str],
        endpoints: &[Endpoint],
        range: DayRange,
    ) -> Result<Vec<PgRow>, StoreError> {
        let endpoints: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.as_str()).collect();
        let query = sqlx::query(sql).bind(malls).bind(endpoints).bind(range.start()).bind(range.end());
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// The wanted days of `malls` that lie in `range`, by mall, shop and endpoint (`sql/coverage_days.sql`); some
    /// hundred malls at most. `endpoints` empty: all.
    pub async fn coverage(
        &self,
        malls: &[&str],
        endpoints: &[Endpoint],
        range: DayRange,
    ) -> Result<Vec<SeriesDays>, StoreError> {
        let rows = self.days_of(include_str!("sql/coverage_days.sql"), malls, endpoints, range).await?;
        rows.iter().map(series).collect()
    }

    /// How many days of each of `malls` are what in `range` (`sql/coverage_counts.sql`), in their order. `endpoints` empty:
    /// all.
    pub async fn coverage_counts(
        &self,
        malls: &[&str],
        endpoints: &[Endpoint],
        range: DayRange,
    ) -> Result<Vec<MallCounts>, StoreError> {
        let rows = self.days_of(include_str!("sql/coverage_counts.sql"), malls, endpoints, range).await?;
        rows.iter()
            .map(|row| {
                Ok(MallCounts {
                    mall_id: row.try_get("mall_id")?,
                    counts: DayCounts {
                        wanted: row.try_get("wanted")?,
                        complete: row.try_get("complete")?,
                        restated: row.try_get("restated")?,
                        partial: row.try_get("partial")?,
                        missing: row.try_get("missing")?,
                        queued: row.try_get("queued")?,
                        running: row.try_get("running")?,
                        failed: row.try_get("failed")?,
                        paused: row.try_get("paused")?,
                        today_partial: row.try_get("today_partial")?,
                        not_yet: row.try_get("not_yet")?,
                    },
                    due_gaps: row.try_get("due_gaps")?,
                })
            })
            .collect()
    }

    /// The first day that is wanted of any of `malls` (empty: all); `None`: nothing is.
    pub async fn wanted_since(&self, filter: &MallFilter) -> Result<Option<NaiveDate>, StoreError> {
        let malls: Vec<&str> = filter.malls.iter().map(MallId::as_str).collect();
        let row = sqlx::query(
            "SELECT min(wanted_from) FROM wanted_series \
             WHERE counts AND ($1 = '{}' OR mall_id = ANY ($1)) AND ($2::text IS NULL OR agency_id = $2)",
        )
        .bind(&malls)
        .bind(filter.agency.as_deref())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get(0)?)
    }
}

fn series(row: &PgRow) -> Result<SeriesDays, StoreError> {
    let (data, work): (String, String) = (row.try_get("data")?, row.try_get("work")?);
    let jobs: String = row.try_get("jobs")?;
    let unknown = || StoreError::foreign(format_args!("states {data} and {work}"));
    let facts = |((data, work), job)| {
        let (data, work) = (DataState::from_initial(data)?, WorkState::from_initial(work)?);
        Some(SliceFacts { data, work, in_job: job == 'y' })
    };
    let days = data
        .chars()
        .zip(work.chars())
        .zip(jobs.chars())
        .map(facts)
        .collect::<Option<_>>()
        .ok_or_else(unknown)?;
    Ok(SeriesDays {
        mall_id: row.try_get("mall_id")?,
        shop_no: row.try_get("shop_no")?,
        endpoint: row.try_get("endpoint")?,
        due_gaps: row.try_get("due_gaps")?,
        first: row.try_get("first")?,
        days,
    })
}
