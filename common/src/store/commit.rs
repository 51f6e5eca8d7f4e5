//! A batch: many jobs' rows, slices and outcomes in one transaction.
//!
//! Order inside the transaction: win the slices by fence (which also records them) → take the rows that several endpoints
//! write → clear what vanished from changed slices → write their rows → settle the jobs → commit. Deliveries are
//! acknowledged by the caller after the commit.
//! All statements after the first are pipelined: a batch costs four round trips, whatever it holds.

mod columns;
mod shared;
mod totals;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use tokio_postgres::{Statement, Transaction};
use uuid::Uuid;

use columns::{Group, ProductNames, SettleColumns};
use shared::SharedRows;
use totals::Totals;

use super::connectors::ConnectorState;
use super::error::{StoreError, TransactionError};
use super::metrics;
use super::pool::Ledger;
use crate::domain::calendar::Granularity;
use crate::domain::chunk::periods;
use crate::domain::endpoint::{Endpoint, EntityType};
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;
use crate::domain::job::Job;
use crate::domain::metric::{MetricRow, slice_checksum};
use crate::domain::settle::Settle;

/// The whole answer to a job's request.
#[derive(Debug)]
pub struct Fetched {
    /// What was asked.
    pub job: Job,
    /// Number of the fetch, from the claim.
    pub fence: i64,
    /// All rows of the chunk, sorted by day and entity id, no key twice.
    pub rows: Vec<MetricRow>,
    /// Requests whose answers made them.
    pub pages: u32,
    /// When the request was sent, the first one of several: a period that was not final then is partial.
    pub asked_at: DateTime<Utc>,
    /// How long after its end a period becomes final.
    pub settle: Settle,
    /// The rows are of no one moment: partial, whatever the time was.
    pub moved: bool,
}

/// What a mall becomes when only a person can mend it.
#[derive(Debug, Clone)]
pub struct Parking {
    /// Its state from now on.
    pub state: ConnectorState,
    /// What the operator reads.
    pub reason: String,
    /// Version of the tokens that were refused; newer ones deserve a try of their own.
    pub token_version: i64,
}

/// How a job ended, for now or for good.
#[derive(Debug)]
pub enum Outcome {
    /// Its rows are in the same batch.
    Done {
        /// Rows of the answer.
        rows: usize,
        /// Requests whose answers made it.
        pages: u32,
    },
    /// Planned again; an attempt only if `attempt`.
    Planned {
        /// Whether this counts as a failed attempt.
        attempt: bool,
        /// Not before this much later.
        delay: Duration,
        /// Why, unless it was merely handed back.
        failure: Option<Failure>,
    },
    /// Failed for good; the delivery is rejected into the dead-letter queue after the commit.
    Failed(Failure),
    /// Waits for its mall, which is parked with it.
    Parked(Failure),
}

/// A failure as the ledger keeps it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// In words, without secrets.
    pub text: String,
    /// Request, status and head of the answer.
    pub evidence: Option<serde_json::Value>,
}

/// The outcome of one claim.
#[derive(Debug)]
pub struct Settlement {
    /// The job.
    pub job_id: Uuid,
    /// The claim.
    pub fence: i64,
    /// How it ended.
    pub outcome: Outcome,
}

/// What is written together. No slice may stand in it twice ([`Job::overlaps`]).
#[derive(Debug, Default)]
pub struct Batch {
    /// Answers to store.
    pub fetched: Vec<Fetched>,
    /// Outcomes to record, those of `fetched` among them.
    pub settlements: Vec<Settlement>,
}

/// What a committed batch did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Slices recorded.
    pub slices: usize,
    /// Slices that a newer fetch had already written.
    pub superseded: usize,
    /// Slices whose figures were new or changed.
    pub changed: usize,
    /// Slices whose figures replaced others.
    pub restated: usize,
    /// Metric rows sent to Postgres.
    pub rows: usize,
    /// Jobs settled; fewer than asked where a newer claim holds the job.
    pub settled: usize,
}

type Key = (String, i32, &'static str, &'static str, NaiveDate);

/// What a group of a batch writes: into which table, rows of what, for which endpoint. In this order all batches write, so
/// that none waits for what another one holds while it holds what that one wants.
type Kind = (Granularity, EntityType, &'static str);

/// One slice of a batch, with its rows.
struct Slice<'a> {
    fetched: &'a Fetched,
    day: NaiveDate,
    rows: &'a [MetricRow],
}

impl Slice<'_> {
    fn is_final(&self) -> bool {
        let Fetched { job, asked_at, settle, moved, .. } = self.fetched;
        !moved && settle.is_final(job.granularity, self.day, *asked_at)
    }
}

impl Ledger {
    /// Writes `batch` in one transaction.
    ///
    /// # Errors
    /// [`TransactionError::Unknown`] when the answer to COMMIT was lost: ask [`Ledger::settled`] before trying again.
    /// [`TransactionError::RolledBack`] otherwise; [`StoreError::Data`] in it means that one of the rows is refused.
    pub async fn commit(&self, batch: &Batch) -> Result<Committed, TransactionError> {
        let mut client = self.pool.get().await?;
        let statements = Statements::prepare(&client, batch).await?;
        let transaction = client.transaction().await?;
        let committed = write(&transaction, &statements, batch).await?;
        match transaction.commit().await {
            Ok(()) => Ok(committed),
            // With a state, the server has answered: the transaction is gone. Without one, nobody knows.
            Err(error) if error.code().is_some() => Err(error.into()),
            Err(error) => Err(TransactionError::Unknown(error.into())),
        }
    }

    /// Which of the outcomes are in the ledger; for a batch whose COMMIT was not answered.
    pub async fn settled(&self, settlements: &[Settlement]) -> Result<HashSet<Uuid>, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("sql/settled_by.sql")).await?;
        let ids: Vec<_> = settlements.iter().map(|s| s.job_id).collect();
        let fences: Vec<_> = settlements.iter().map(|s| s.fence).collect();
        let rows = client.query(&statement, &[&ids, &fences]).await?;
        rows.iter().map(|row| row.try_get(0).map_err(StoreError::from)).collect()
    }

    /// Parks a mall that only a person can mend; its waiting jobs are parked with it. `false`: it is parked already, or
    /// has newer tokens than those that were refused.
    pub async fn park_mall(&self, mall_id: &MallId, parking: &Parking) -> Result<bool, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(include_str!("sql/park_mall.sql")).await?;
        Ok(client
            .execute(
                &statement,
                &[&mall_id.as_str(), &parking.state.as_str(), &parking.reason, &parking.token_version],
            )
            .await?
            > 0)
    }
}

/// The statements a batch needs, prepared before the transaction opens.
struct Statements {
    win: Statement,
    settle: Statement,
    products: Statement,
    metrics: HashMap<(&'static str, Granularity), MetricStatements>,
    lock: HashMap<Granularity, Statement>,
}

struct MetricStatements {
    upsert: Statement,
    clear: Statement,
    delete: Statement,
}

impl Statements {
    async fn prepare(client: &deadpool_postgres::Client, batch: &Batch) -> Result<Self, StoreError> {
        let (mut by_kind, mut lock) = (HashMap::new(), HashMap::new());
        for fetched in &batch.fetched {
            let (endpoint, granularity) = (fetched.job.endpoint, fetched.job.granularity);
            if let Entry::Vacant(table) = lock.entry(granularity) {
                table.insert(client.prepare_cached(&metrics::lock_rows(granularity)).await?);
            }
            let Entry::Vacant(kind) = by_kind.entry((endpoint.as_str(), granularity)) else { continue };
            kind.insert(MetricStatements {
                upsert: client.prepare_cached(&metrics::upsert(endpoint, granularity)).await?,
                clear: client.prepare_cached(&metrics::clear_vanished(endpoint, granularity)).await?,
                delete: client.prepare_cached(&metrics::delete_empty(granularity)).await?,
            });
        }
        Ok(Self {
            win: client.prepare_cached(include_str!("sql/win_slices.sql")).await?,
            settle: client.prepare_cached(include_str!("sql/settle_jobs.sql")).await?,
            products: client.prepare_cached(include_str!("sql/upsert_products.sql")).await?,
            metrics: by_kind,
            lock,
        })
    }
}

async fn write(
    tx: &Transaction<'_>,
    statements: &Statements,
    batch: &Batch,
) -> Result<Committed, StoreError> {
    let slices = slices(batch);
    let mut committed = Committed::default();
    let mut changed: BTreeMap<Kind, Group<'_>> = BTreeMap::new();
    for won in win(tx, &statements.win, &slices).await? {
        committed.slices += 1;
        let slice = &slices[&won.key];
        if won.changed {
            committed.changed += 1;
            committed.restated += usize::from(!won.first);
            let job = &slice.fetched.job;
            changed
                .entry((job.granularity, job.endpoint.entity(), job.endpoint.as_str()))
                .or_insert_with(|| Group::new(job.endpoint))
                .add(slice, won.first);
        }
    }
    committed.superseded = slices.len() - committed.slices;
    committed.rows = changed.values().map(Group::rows).sum();

    let shared = SharedRows::of(&changed);
    let names = ProductNames::of(changed.values());
    let settle = SettleColumns::of(&batch.settlements);
    let mut work: Vec<BoxFuture<'_, Result<u64, StoreError>>> = Vec::new();
    let mut locked = None;
    for ((granularity, entity, endpoint), group) in &changed {
        let table = (*granularity, *entity);
        if locked.replace(table) != Some(table)
            && let Some(rows) = shared.get(&table)
        {
            work.push(rows.lock(tx, &statements.lock[granularity]));
        }
        group.push_statements(tx, &statements.metrics[&(*endpoint, *granularity)], &mut work);
    }
    if !names.is_empty() {
        work.push(names.write(tx, &statements.products).boxed());
    }
    if !batch.settlements.is_empty() {
        work.push(settle.write(tx, &statements.settle).boxed());
    }
    let counts = try_join_all(work).await?;
    if !batch.settlements.is_empty() {
        committed.settled = counts.last().copied().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    }
    Ok(committed)
}

/// The batch's slices by key; a period without rows is a slice too.
fn slices(batch: &Batch) -> BTreeMap<Key, Slice<'_>> {
    let mut out = BTreeMap::new();
    for fetched in &batch.fetched {
        let job = &fetched.job;
        for day in periods(job.chunk, job.granularity) {
            let from = fetched.rows.partition_point(|row| row.day < day);
            let to = fetched.rows.partition_point(|row| row.day <= day);
            let key = (
                job.mall_id.to_string(),
                job.shop_no.get(),
                job.endpoint.as_str(),
                job.granularity.as_str(),
                day,
            );
            out.insert(key, Slice { fetched, day, rows: &fetched.rows[from..to] });
        }
    }
    out
}

struct Won {
    key: Key,
    changed: bool,
    first: bool,
}

async fn win(
    tx: &Transaction<'_>,
    statement: &Statement,
    slices: &BTreeMap<Key, Slice<'_>>,
) -> Result<Vec<Won>, StoreError> {
    if slices.is_empty() {
        return Ok(Vec::new());
    }
    let column = |part: fn(&Slice<'_>) -> i64| slices.values().map(part).collect::<Vec<_>>();
    let malls: Vec<_> = slices.keys().map(|key| key.0.as_str()).collect();
    let shops: Vec<_> = slices.keys().map(|key| key.1).collect();
    let endpoints: Vec<_> = slices.keys().map(|key| key.2).collect();
    let granularities: Vec<_> = slices.keys().map(|key| key.3).collect();
    let days: Vec<_> = slices.keys().map(|key| key.4).collect();
    let jobs: Vec<_> = slices.values().map(|slice| slice.fetched.job.id).collect();
    let rows: Vec<_> =
        slices.values().map(|slice| i32::try_from(slice.rows.len()).unwrap_or(i32::MAX)).collect();
    let partial: Vec<_> = slices.values().map(|slice| !slice.is_final()).collect();
    let (fences, checksums) =
        (column(|slice| slice.fetched.fence), column(|slice| slice_checksum(slice.rows)));
    let totals: Vec<_> =
        slices.values().map(|slice| Totals::of(slice.fetched.job.endpoint, slice.rows)).collect();
    let impressions: Vec<_> = totals.iter().map(|totals| totals.impressions).collect();
    let clicks: Vec<_> = totals.iter().map(|totals| totals.clicks).collect();
    let conversions: Vec<_> = totals.iter().map(|totals| totals.conversions).collect();
    let values: Vec<_> = totals.iter().map(|totals| totals.conversion_value).collect();
    let answer = tx
        .query(
            statement,
            &[
                &malls,
                &shops,
                &endpoints,
                &granularities,
                &days,
                &fences,
                &jobs,
                &rows,
                &checksums,
                &partial,
                &impressions,
                &clicks,
                &conversions,
                &values,
            ],
        )
        .await?;
    answer
        .iter()
        .map(|row| {
            let endpoint: Endpoint =
                row.try_get::<_, &str>("endpoint")?.parse().map_err(StoreError::foreign)?;
            let granularity: Granularity =
                row.try_get::<_, &str>("granularity")?.parse().map_err(StoreError::foreign)?;
            Ok(Won {
                key: (
                    row.try_get("mall_id")?,
                    row.try_get("shop_no")?,
                    endpoint.as_str(),
                    granularity.as_str(),
                    row.try_get("date")?,
                ),
                changed: row.try_get("changed")?,
                first: row.try_get("first")?,
            })
        })
        .collect()
}
