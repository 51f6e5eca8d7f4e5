//! What becomes of a mall's planned jobs when its connection changes.
//!
//! A job does not fit when its endpoint or shop is not synchronised any more, or its days all lie before the first wanted one
//! (cancelled), or when the dialect has no request that means it (cancelled, and planned anew in chunks that the dialect
//! can answer).

use chrono::NaiveDate;
use serde_json::json;
use sqlx::{PgTransaction, Row};
use uuid::Uuid;

use super::Connector;
use crate::clock;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::chunk::chunks;
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::ShopNo;
use crate::domain::job::Lane;
use crate::store::error::StoreError;
use crate::store::plan::{self, JobsOf};

/// What became of jobs that do not fit their mall any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refitted {
    /// Cancelled, for nothing in their place: not wanted any more, or not to be had.
    pub cancelled: i64,
    /// Cancelled, and planned anew in other chunks.
    pub recut: i64,
    /// Jobs planned in their place.
    pub planned: i64,
    /// With a worker now: looked at once they are back.
    pub running: i64,
}

/// A live job, as far as it decides whether it fits.
struct Live {
    job_id: Uuid,
    shop_no: ShopNo,
    endpoint: Endpoint,
    granularity: Granularity,
    chunk: DayRange,
    lane: Lane,
}

/// What is to become of a job.
enum Fit {
    Fits,
    Unwanted,
    Recut(Vec<DayRange>),
}

/// What is not synchronised any more. A job of something else was asked for by name, and stays.
pub(super) struct Gone {
    endpoints: Vec<Endpoint>,
    shops: Vec<ShopNo>,
    wanted_from: [Option<NaiveDate>; 2],
}

impl Gone {
    pub(super) fn between([before, after]: [&Connector; 2], wanted_from: [Option<NaiveDate>; 2]) -> Self {
        let gone = |endpoint: &&Endpoint| !after.endpoints.contains(endpoint);
        let closed = |shop: &&ShopNo| !after.shops.contains(shop);
        Self {
            endpoints: before.endpoints.iter().filter(gone).copied().collect(),
            shops: before.shops.iter().filter(closed).copied().collect(),
            wanted_from,
        }
    }

    fn has(&self, job: &Live) -> bool {
        self.endpoints.contains(&job.endpoint)
            || self.shops.contains(&job.shop_no)
            || self.has_days(job.chunk)
    }

    /// Whether days of the chunk were wanted, and none is any more.
    fn has_days(&self, chunk: DayRange) -> bool {
        let [before, after] = self.wanted_from;
        after.is_some_and(|first| chunk.end() < first) && before.is_none_or(|first| chunk.end() >= first)
    }
}

/// Cancels what does not fit `mall`, and plans in its place what can be asked.
pub(super) async fn refit(
    tx: &mut PgTransaction<'_>,
    mall: &Connector,
    gone: &Gone,
    open_from: NaiveDate,
) -> Result<Refitted, StoreError> {
    let mut refitted = Refitted { running: running(tx, mall).await?, ..Refitted::default() };
    let mut unwanted = Vec::new();
    let mut recut: Vec<(Live, Vec<DayRange>)> = Vec::new();
    for job in live(tx, mall).await? {
        match fit(&job, mall.dialect, gone, open_from) {
            Fit::Fits => {}
            Fit::Unwanted => unwanted.push(job.job_id),
            Fit::Recut(chunks) => recut.push((job, chunks)),
        }
    }
    refitted.cancelled = cancel(tx, &unwanted, "it is not wanted of its mall any more").await?;
    let cut: Vec<_> = recut.iter().map(|(job, _)| job.job_id).collect();
    refitted.recut =
        cancel(tx, &cut, "its mall speaks another dialect now; planned anew in other chunks").await?;
    for lane in Lane::ALL {
        let of_lane: Vec<_> = recut.iter().filter(|(job, _)| job.lane == lane).collect();
        if !of_lane.is_empty() {
            refitted.planned += replan(tx, mall, lane, &of_lane).await?;
        }
    }
    Ok(refitted)
}

fn fit(job: &Live, dialect: Dialect, gone: &Gone, open_from: NaiveDate) -> Fit {
    if gone.has(job) {
        return Fit::Unwanted;
    }
    let Some(max_days) =
        job.endpoint.max_days(dialect).filter(|_| job.endpoint.supports(dialect, job.granularity))
    else {
        return Fit::Unwanted;
    };
    let asked = job.endpoint.asked(dialect, job.granularity, job.chunk);
    if asked.is_ok() && (job.granularity != Granularity::Day || job.chunk.days() <= i64::from(max_days)) {
        return Fit::Fits;
    }
    Fit::Recut(chunks(job.chunk, job.granularity, max_days, open_from))
}

async fn running(tx: &mut PgTransaction<'_>, mall: &Connector) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM jobs WHERE mall_id = $1 AND work_state = 'running'";
    Ok(sqlx::query_scalar(sql).bind(mall.mall_id.as_str()).fetch_one(&mut **tx).await?)
}

/// Jobs that no worker has, locked in the order in which everybody locks them.
async fn live(tx: &mut PgTransaction<'_>, mall: &Connector) -> Result<Vec<Live>, StoreError> {
    let rows = sqlx::query(
        "SELECT job_id, shop_no, endpoint, granularity, start_date, end_date, lane FROM jobs \
         WHERE mall_id = $1 AND work_state IN ('planned', 'queued', 'parked') ORDER BY job_id FOR UPDATE",
    )
    .bind(mall.mall_id.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let text = |column: &str| row.try_get::<&str, _>(column).map_err(StoreError::from);
            let (from, to) = (row.try_get("start_date")?, row.try_get("end_date")?);
            Ok(Live {
                job_id: row.try_get("job_id")?,
                shop_no: ShopNo::try_from(row.try_get::<i32, _>("shop_no")?).map_err(StoreError::foreign)?,
                endpoint: text("endpoint")?.parse().map_err(StoreError::foreign)?,
                granularity: text("granularity")?.parse().map_err(StoreError::foreign)?,
                chunk: DayRange::new(from, to).map_err(StoreError::foreign)?,
                lane: text("lane")?.parse().map_err(StoreError::foreign)?,
            })
        })
        .collect()
}

async fn cancel(tx: &mut PgTransaction<'_>, jobs: &[Uuid], why: &str) -> Result<i64, StoreError> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "UPDATE jobs SET work_state = 'cancelled', finished_at = now(), error = $2 WHERE job_id = ANY ($1)",
    )
    .bind(jobs)
    .bind(why)
    .execute(&mut **tx)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// Plans the days of `jobs` in the chunks beside them, whatever was fetched before: that is what they were for.
async fn replan(
    tx: &mut PgTransaction<'_>,
    mall: &Connector,
    lane: Lane,
    jobs: &[&(Live, Vec<DayRange>)],
) -> Result<i64, StoreError> {
    let cut: Vec<(&Live, DayRange)> =
        jobs.iter().flat_map(|(job, chunks)| chunks.iter().map(move |chunk| (job, *chunk))).collect();
    let (mall_id, key) = (mall.mall_id.as_str(), mall.limiter_key.as_str());
    let (first, last) =
        (cut.iter().map(|(_, chunk)| chunk.start()).min(), cut.iter().map(|(_, chunk)| chunk.end()).max());
    let run_id = Uuid::now_v7();
    sqlx::query("INSERT INTO runs (run_id, kind, wish) VALUES ($1, 'enqueue', $2)")
        .bind(run_id)
        .bind(json!({ "malls": [mall_id], "from": first, "to": last, "lane": lane, "dialect": mall.dialect }))
        .execute(&mut **tx)
        .await?;
    sqlx::query(include_str!("../sql/plan_letters.sql"))
        .bind(vec![mall_id; cut.len()])
        .bind(cut.iter().map(|(job, _)| job.shop_no.get()).collect::<Vec<_>>())
        .bind(vec![key; cut.len()])
        .bind(cut.iter().map(|(job, _)| job.endpoint.as_str()).collect::<Vec<_>>())
        .bind(cut.iter().map(|(job, _)| job.granularity.as_str()).collect::<Vec<_>>())
        .bind(cut.iter().map(|(_, chunk)| chunk.start()).collect::<Vec<_>>())
        .bind(cut.iter().map(|(_, chunk)| chunk.end()).collect::<Vec<_>>())
        .bind(vec![clock::now(); cut.len()])
        .execute(&mut **tx)
        .await?;
    let (counts, candidates) = plan::settle(tx, lane, &[mall_id]).await?;
    plan::store(tx, JobsOf { run_id, lane, per_second: None }, &counts, &candidates).await?;
    // The other lane makes its own.
    sqlx::query("DROP TABLE plan_slices").execute(&mut **tx).await?;
    Ok(counts.jobs)
}
