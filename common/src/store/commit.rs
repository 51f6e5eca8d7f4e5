//! A batch: many jobs' rows, slices and outcomes in one transaction.
//!
//! Order inside the transaction: win the slices by fence (which also records them) → take the rows that several endpoints
//! write → clear what vanished from changed slices → write their rows → settle the jobs → commit. Deliveries are
//! acknowledged by the caller after the commit.
//! All statements after the first are pipelined: a batch costs four round trips, whatever it holds.

mod batch;
mod columns;
mod shared;
mod slices;
mod totals;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use futures::future::{BoxFuture, FutureExt, try_join_all};
use tokio_postgres::{Statement, Transaction};
use uuid::Uuid;

pub use batch::{Batch, Committed, Failure, Fetched, Outcome, Parking, Settlement};
use columns::{Group, ProductNames, SettleColumns};
use shared::SharedRows;
use slices::{slices, win};

use super::error::{StoreError, TransactionError};
use super::metrics;
use super::pool::Ledger;
use crate::domain::calendar::Granularity;
use crate::domain::endpoint::EntityType;
use crate::domain::ids::MallId;

/// What a group of a batch writes: into which table, rows of what, for which endpoint. In this order all batches write, so
/// that none waits for what another one holds while it holds what that one wants.
type Kind = (Granularity, EntityType, &'static str);

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
