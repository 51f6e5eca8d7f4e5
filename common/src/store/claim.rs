//! Claims: what to do with deliveries, decided by the ledger in one statement (`sql/claim.sql`).

use chrono::{DateTime, NaiveDate, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::StoreError;
use super::pool::Ledger;
use crate::domain::bucket::Reserve;
use crate::domain::endpoint::Dialect;
use crate::domain::ids::{LimiterKey, MallId, ShopNo};
use crate::domain::job::{Job, WireJob};

/// A job is poison when it was started this often after a redelivery without an outcome; with the first, unmarked
/// delivery it has then ended three workers (`docs/reliability.md` B9).
const LOST_STARTS: i32 = 2;

/// What a worker must do with a delivery.
#[derive(Debug)]
pub enum Decision {
    /// Fetch it.
    Go(Box<ClaimedJob>),
    /// Acknowledge: it is done, parked, cancelled, or somebody else's.
    Acknowledge(&'static str),
    /// This worker has it in hand, and the ledger knows it: another message of the same job.
    Held,
    /// Reject: it has failed for good and belongs into the dead-letter queue.
    Reject(&'static str),
    /// The ledger does not know this job: reject.
    Unknown,
}

/// A job that this worker has claimed.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// What to fetch, from the ledger; the message only names it.
    pub job: Job,
    /// The bucket its request takes from.
    pub limiter_key: LimiterKey,
    /// The share of that bucket that is left to other software; `None`: the configured one.
    pub reserve: Option<Reserve>,
    /// Number of this fetch.
    pub fence: i64,
    /// Failed attempts so far.
    pub attempts: i32,
    /// Redelivered starts without an outcome.
    pub crashes: i32,
    /// Version of the newest stored token pair.
    pub token_version: i64,
    /// How the mall's API speaks.
    pub dialect: Dialect,
    /// Whether its endpoint is paused and this job is to show that the API is well again.
    pub probe: bool,
}

/// One delivery to decide about.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The job that the message names.
    pub job_id: Uuid,
    /// Whether the broker delivered it before.
    pub redelivered: bool,
    /// The fence under which the worker has the job in hand already.
    pub held: Option<i64>,
}

impl Ledger {
    /// Decides about `claims` (each job once) and takes the fences, in one committed statement.
    ///
    /// Answers in no particular order; a job that is missing from the answer is [`Decision::Unknown`].
    pub async fn claim(&self, claims: &[Claim], worker: &str) -> Result<Vec<(Uuid, Decision)>, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("sql/claim.sql")).await?;
        let ids: Vec<_> = claims.iter().map(|claim| claim.job_id).collect();
        let redelivered: Vec<_> = claims.iter().map(|claim| claim.redelivered).collect();
        let held: Vec<_> = claims.iter().map(|claim| claim.held).collect();
        let rows = client.query(&statement, &[&ids, &redelivered, &worker, &LOST_STARTS, &held]).await?;
        rows.iter().map(|row| Ok((row.try_get("job_id")?, decision(row)?))).collect()
    }

    /// Notes that a redelivered job starts (`sql/start_suspect.sql`).
    pub async fn start_suspect(&self, claimed: &ClaimedJob) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("sql/start_suspect.sql")).await?;
        client.execute(&statement, &[&claimed.job.id, &claimed.fence, &(claimed.crashes + 1)]).await?;
        Ok(())
    }
}

fn decision(row: &Row) -> Result<Decision, StoreError> {
    Ok(match row.try_get("decision")? {
        "go" => match claimed(row) {
            Ok(claimed) => Decision::Go(Box::new(claimed)),
            // One row that is no job (edited by hand) must not stop the others of its claim.
            Err(foreign @ StoreError::Foreign(_)) => {
                tracing::error!(event = "job.dead_lettered", job_id = %row.try_get::<_, Uuid>("job_id")?,
                    error = &foreign as &dyn std::error::Error, "a row of the ledger is no job");
                Decision::Reject("foreign")
            }
            Err(error) => return Err(error),
        },
        "done" => Decision::Acknowledge("done"),
        "parked" => Decision::Acknowledge("parked"),
        "gone" => Decision::Acknowledge("gone"),
        "duplicate" => Decision::Acknowledge("duplicate"),
        "held" => Decision::Held,
        "failed" => Decision::Reject("failed"),
        "poison" => Decision::Reject("poison"),
        other => return Err(StoreError::foreign(format_args!("decision {other}"))),
    })
}

fn claimed(row: &Row) -> Result<ClaimedJob, StoreError> {
    let text = |column: &str| row.try_get::<_, String>(column).map_err(StoreError::from);
    let wire = WireJob {
        job_id: row.try_get("job_id")?,
        mall_id: MallId::try_from(text("mall_id")?).map_err(StoreError::foreign)?,
        shop_no: ShopNo::try_from(row.try_get::<_, i32>("shop_no")?).map_err(StoreError::foreign)?,
        endpoint: text("endpoint")?.parse().map_err(StoreError::foreign)?,
        granularity: text("granularity")?.parse().map_err(StoreError::foreign)?,
        start: row.try_get::<_, NaiveDate>("start_date")?,
        end: row.try_get::<_, NaiveDate>("end_date")?,
        lane: text("lane")?.parse().map_err(StoreError::foreign)?,
        requested_at: row.try_get::<_, DateTime<Utc>>("requested_at")?,
    };
    Ok(ClaimedJob {
        job: Job::try_from(wire).map_err(StoreError::foreign)?,
        limiter_key: LimiterKey::try_from(text("limiter_key")?).map_err(StoreError::foreign)?,
        reserve: row
            .try_get::<_, Option<i16>>("reserve")?
            .map(|percent| Reserve::try_from(i64::from(percent)))
            .transpose()
            .map_err(StoreError::foreign)?,
        fence: row.try_get("fence")?,
        attempts: row.try_get("attempts")?,
        crashes: row.try_get("crashes")?,
        token_version: row.try_get("token_version")?,
        dialect: text("dialect")?.parse().map_err(StoreError::foreign)?,
        probe: row.try_get("probe")?,
    })
}
