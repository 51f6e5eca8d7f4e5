//! Planning: a wish becomes jobs. Wanted slices − complete ones − those already in a live job.
//!
//! A plan is one transaction for a group of malls, behind a lock that lets one planner work at a time; the same wish
//! twice makes no second job, overlapping wishes collapse. A dry run does exactly the same and rolls back, so what was
//! previewed is what runs.

mod gaps;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgTransaction, Row};
use uuid::Uuid;

use super::demand::pages;
use super::error::StoreError;
use super::pool::Control;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{LimiterKey, MallId, ShopNo};
use crate::domain::job::{Job, Lane, Wanted};

/// Which slices a wish asks for again although they are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// None: fill what is missing or partial.
    Missing,
    /// None, and of the others only what is wanted of the malls (view `slice_coverage`), no more.
    Gaps {
        /// Also what failed for good.
        failed: bool,
    },
    /// All of them.
    Force,
    /// Those last fetched before this time (a replay asks since its letter died).
    NotFetchedSince(DateTime<Utc>),
    /// None, and not what failed for good: what nobody wished for by hand is not tried for ever.
    Unasked,
}

impl Wish {
    /// The bound of `plan_wanted.sql`: a slice complete since then is satisfied.
    fn satisfied_since(self) -> String {
        match self {
            Self::Missing | Self::Gaps { .. } | Self::Unasked => "-infinity".to_owned(),
            Self::Force => "infinity".to_owned(),
            Self::NotFetchedSince(time) => time.to_rfc3339(),
        }
    }

    /// Whether days that failed for good are left to whoever decides about their letters, which are open (`dead_slices`):
    /// they are counted apart, and not fetched.
    fn leaves_failed(self) -> bool {
        match self {
            Self::Gaps { failed } => !failed,
            Self::Unasked => true,
            Self::Missing | Self::Force | Self::NotFetchedSince(_) => false,
        }
    }
}

/// One shop to plan for.
#[derive(Debug, Clone)]
pub struct ShopToPlan {
    /// The mall.
    pub mall_id: MallId,
    /// The shop.
    pub shop_no: ShopNo,
    /// The bucket its requests take from.
    pub limiter_key: LimiterKey,
}

/// One chunk to plan, for each of the shops.
#[derive(Debug, Clone, Copy)]
pub struct PlannedChunk {
    /// Which figures.
    pub endpoint: Endpoint,
    /// What one row covers.
    pub granularity: Granularity,
    /// Whole periods.
    pub range: DayRange,
}

/// What became of a wish.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct PlanCounts {
    /// Slices named by the wish.
    pub wanted: i64,
    /// Of these, already complete.
    pub complete: i64,
    /// Of these, already in a live job.
    pub in_work: i64,
    /// Of these, failed for good and left to a replay.
    pub failed: i64,
    /// Backfill jobs lifted into the fresh lane.
    pub lifted: i64,
    /// Jobs made.
    pub jobs: i64,
    /// Of these, jobs that wait as parked: their mall sends nothing, or their endpoint is paused.
    pub parked: i64,
    /// Jobs by endpoint.
    pub by_endpoint: BTreeMap<String, i64>,
    /// Requests of the jobs that do not wait, by limiter key: what the ETA comes from. More than the jobs where answers come in
    /// pages.
    pub by_key: BTreeMap<LimiterKey, f64>,
    /// Ids of the jobs in planning order: what a plan id is the hash of.
    pub job_ids: Vec<Uuid>,
    /// Jobs of other wishes that bring slices of this one; of a dry run none are told.
    pub carriers: Vec<Uuid>,
    /// How long the database worked at it, without the wait for another planner.
    pub worked: Duration,
}

impl PlanCounts {
    /// Slices that have to be fetched.
    pub fn to_fetch(&self) -> i64 {
        self.wanted - self.complete - self.in_work - self.failed
    }

    /// Requests that the jobs will take: at least one each.
    #[expect(clippy::cast_possible_truncation, reason = "requests are far below 2^53")]
    pub fn requests(&self) -> i64 {
        // What waits for its mall is not in `by_key`; it takes one request a job at least.
        (self.by_key.values().sum::<f64>().round() as i64 + self.parked).max(self.jobs)
    }

    /// Adds another group's counts.
    pub fn add(&mut self, other: Self) {
        self.wanted += other.wanted;
        self.complete += other.complete;
        self.in_work += other.in_work;
        self.failed += other.failed;
        self.lifted += other.lifted;
        self.jobs += other.jobs;
        self.parked += other.parked;
        for (endpoint, jobs) in other.by_endpoint {
            *self.by_endpoint.entry(endpoint).or_default() += jobs;
        }
        for (key, requests) in other.by_key {
            *self.by_key.entry(key).or_default() += requests;
        }
        self.job_ids.extend(other.job_ids);
        self.carriers.extend(other.carriers);
        self.worked += other.worked;
    }
}

/// A job to be stored.
pub(super) struct Candidate {
    job_id: Uuid,
    mall_id: MallId,
    shop_no: ShopNo,
    limiter_key: LimiterKey,
    endpoint: Endpoint,
    granularity: Granularity,
    chunk: DayRange,
    generation: i32,
    requests: f64,
    waits: bool,
}

impl Control {
    /// Stores a run; its plans name it.
    pub async fn create_run(
        &self,
        run_id: Uuid,
        kind: &str,
        wish: &serde_json::Value,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO runs (run_id, kind, wish) VALUES ($1, $2, $3)")
            .bind(run_id)
            .bind(kind)
            .bind(wish)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Plans `chunks` for each of `shops` (some hundred at most: it is one transaction) under `run_id`.
    ///
    /// Without a run it is a dry run: the same statements, rolled back.
    pub async fn plan(
        &self,
        run_id: Option<Uuid>,
        wish: Wish,
        lane: Lane,
        shops: &[ShopToPlan],
        chunks: &[PlannedChunk],
    ) -> Result<PlanCounts, StoreError> {
        let mut tx = begin(self).await?;
        let began = Instant::now();
        if matches!(wish, Wish::Gaps { .. }) {
            gaps::collect(&mut tx, wish, shops, chunks).await?;
        } else {
            collect_wanted(&mut tx, wish, shops, chunks).await?;
        }
        let (mut counts, jobs) = settle(&mut tx, lane, &malls(shops)).await?;
        if let Some(run_id) = run_id {
            if counts.in_work > 0 {
                let carriers = sqlx::query(include_str!("sql/plan_carriers.sql")).fetch_all(&mut *tx).await?;
                counts.carriers = carriers.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            }
            store(&mut tx, JobsOf { run_id, lane, per_second: None }, &counts, &jobs).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        counts.worked = began.elapsed();
        Ok(counts)
    }
}

/// A transaction in which nobody else plans.
pub(super) async fn begin(control: &Control) -> Result<PgTransaction<'static>, StoreError> {
    let mut tx = control.pool.begin().await?;
    // Waiting for another planner is no lock that somebody holds too long.
    sqlx::query("SET LOCAL lock_timeout = 0").execute(&mut *tx).await?;
    let turn = sqlx::query(include_str!("sql/plan_lock.sql")).execute(&mut *tx).await;
    turn.map_err(|error| StoreError::from(error).of_a_wait())?;
    Ok(tx)
}

/// What becomes of the slices in `plan_slices`, which are of `malls`: jobs of the backfill lane are lifted for a fresh
/// wish, and what has to be fetched becomes candidates for jobs.
pub(super) async fn settle(
    tx: &mut PgTransaction<'_>,
    lane: Lane,
    malls: &[&str],
) -> Result<(PlanCounts, Vec<Candidate>), StoreError> {
    let row = sqlx::query(include_str!("sql/plan_counts.sql")).fetch_one(&mut **tx).await?;
    let mut counts = PlanCounts {
        wanted: row.try_get("wanted")?,
        complete: row.try_get("complete")?,
        in_work: row.try_get("in_work")?,
        failed: row.try_get("failed")?,
        ..PlanCounts::default()
    };
    if lane == Lane::Fresh && counts.in_work > 0 {
        let lifted = sqlx::query(include_str!("sql/plan_lift.sql")).bind(malls).execute(&mut **tx).await?;
        counts.lifted = i64::try_from(lifted.rows_affected()).unwrap_or(i64::MAX);
    }
    let jobs = candidates(tx).await?;
    for job in &jobs {
        counts.jobs += 1;
        *counts.by_endpoint.entry(job.endpoint.to_string()).or_default() += 1;
        if job.waits {
            counts.parked += 1;
        } else {
            *counts.by_key.entry(job.limiter_key.clone()).or_default() += job.requests;
        }
        counts.job_ids.push(job.job_id);
    }
    Ok((counts, jobs))
}

/// Within each mall the newest days first: the order in which they get their turns.
pub(super) fn newest_first(jobs: &mut [Candidate]) {
    jobs.sort_by_key(|job| std::cmp::Reverse(job.chunk.end()));
}

/// For which run jobs are stored, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobsOf {
    pub(super) run_id: Uuid,
    pub(super) lane: Lane,
    /// At most so many may run a second.
    pub(super) per_second: Option<f64>,
}

/// Stores the jobs, adds the counts to their run, and tells the feeder at commit.
pub(super) async fn store(
    tx: &mut PgTransaction<'_>,
    of: JobsOf,
    counts: &PlanCounts,
    jobs: &[Candidate],
) -> Result<(), StoreError> {
    insert(tx, of, jobs).await?;
    sqlx::query(
        "UPDATE runs SET slices_wanted = slices_wanted + $2, slices_planned = slices_planned + $3, \
         jobs_planned = jobs_planned + $4 WHERE run_id = $1",
    )
    .bind(of.run_id)
    .bind(counts.wanted)
    .bind(counts.to_fetch())
    .bind(counts.jobs)
    .execute(&mut **tx)
    .await?;
    let keys: Vec<&str> = counts.by_key.keys().map(LimiterKey::as_str).collect();
    sqlx::query("SELECT pg_notify('cafe24_feed', key) FROM unnest($1::text[]) AS k (key)")
        .bind(&keys)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) fn malls(shops: &[ShopToPlan]) -> Vec<&str> {
    shops.iter().map(|shop| shop.mall_id.as_str()).collect()
}

/// The slices of a wish, and what is there of them, in `plan_slices`.
pub(super) async fn collect_wanted(
    tx: &mut PgTransaction<'_>,
    wish: Wish,
    shops: &[ShopToPlan],
    chunks: &[PlannedChunk],
) -> Result<(), StoreError> {
    let malls = malls(shops);
    let numbers: Vec<i32> = shops.iter().map(|shop| shop.shop_no.get()).collect();
    let keys: Vec<&str> = shops.iter().map(|shop| shop.limiter_key.as_str()).collect();
    let endpoints: Vec<&str> = chunks.iter().map(|chunk| chunk.endpoint.as_str()).collect();
    let granularities: Vec<&str> = chunks.iter().map(|chunk| chunk.granularity.as_str()).collect();
    let starts: Vec<NaiveDate> = chunks.iter().map(|chunk| chunk.range.start()).collect();
    let ends: Vec<NaiveDate> = chunks.iter().map(|chunk| chunk.range.end()).collect();
    sqlx::query(include_str!("sql/plan_wanted.sql"))
        .bind(&malls)
        .bind(&numbers)
        .bind(&keys)
        .bind(&endpoints)
        .bind(&granularities)
        .bind(&starts)
        .bind(&ends)
        .bind(wish.satisfied_since())
        .bind(wish.leaves_failed())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn candidates(tx: &mut PgTransaction<'_>) -> Result<Vec<Candidate>, StoreError> {
    let (dialects, endpoints, page_rows) = pages();
    let rows = sqlx::query(include_str!("sql/plan_jobs.sql"))
        .bind(dialects)
        .bind(endpoints)
        .bind(page_rows)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| {
            let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::from);
            let mall_id = MallId::try_from(text("mall_id")?).map_err(StoreError::foreign)?;
            let shop_no = ShopNo::try_from(row.try_get::<i32, _>("shop_no")?).map_err(StoreError::foreign)?;
            let endpoint: Endpoint = text("endpoint")?.parse().map_err(StoreError::foreign)?;
            let granularity: Granularity = text("granularity")?.parse().map_err(StoreError::foreign)?;
            let chunk = DayRange::new(row.try_get("start_date")?, row.try_get("end_date")?)
                .map_err(StoreError::foreign)?;
            let generation: i32 = row.try_get("generation")?;
            let wanted = Wanted { mall_id: &mall_id, shop_no, endpoint, granularity, chunk };
            Ok(Candidate {
                job_id: Job::derive_id(wanted, generation),
                limiter_key: LimiterKey::try_from(text("limiter_key")?).map_err(StoreError::foreign)?,
                mall_id,
                shop_no,
                endpoint,
                granularity,
                chunk,
                generation,
                requests: row.try_get("requests")?,
                waits: row.try_get("waits")?,
            })
        })
        .collect()
}

async fn insert(tx: &mut PgTransaction<'_>, of: JobsOf, jobs: &[Candidate]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.job_id).collect();
    let keys: Vec<&str> = jobs.iter().map(|job| job.limiter_key.as_str()).collect();
    let malls: Vec<&str> = jobs.iter().map(|job| job.mall_id.as_str()).collect();
    let shops: Vec<i32> = jobs.iter().map(|job| job.shop_no.get()).collect();
    let endpoints: Vec<&str> = jobs.iter().map(|job| job.endpoint.as_str()).collect();
    let granularities: Vec<&str> = jobs.iter().map(|job| job.granularity.as_str()).collect();
    let starts: Vec<NaiveDate> = jobs.iter().map(|job| job.chunk.start()).collect();
    let ends: Vec<NaiveDate> = jobs.iter().map(|job| job.chunk.end()).collect();
    let generations: Vec<i32> = jobs.iter().map(|job| job.generation).collect();
    sqlx::query(include_str!("sql/plan_insert.sql"))
        .bind(of.run_id)
        .bind(of.lane.as_str())
        .bind(&ids)
        .bind(&keys)
        .bind(&malls)
        .bind(&shops)
        .bind(&endpoints)
        .bind(&granularities)
        .bind(&starts)
        .bind(&ends)
        .bind(&generations)
        .bind(of.per_second)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
