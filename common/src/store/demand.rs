//! What limiter keys have to serve: what an ETA comes from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::endpoint::Dialect;
use crate::domain::ids::{LimiterKey, MallId};

/// Whose jobs are meant.
#[derive(Debug, Clone, Copy)]
pub enum DemandOf<'a> {
    /// Everybody's.
    All,
    /// Those of a run.
    Run(Uuid),
    /// Those of a mall.
    Mall(&'a MallId),
    /// Those of an agency's malls.
    Agency(&'a str),
    /// Those of these limiter keys.
    Keys(&'a [LimiterKey]),
}

/// What one limiter key has to serve until the last job of a scope is over. Requests, where answers come in pages as many as
/// the newest days had.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// The key.
    pub key: LimiterKey,
    /// Jobs of the scope.
    pub jobs: i64,
    /// Requests of the scope.
    pub own: f64,
    /// All requests in the fresh lane that go before or with them.
    pub fresh: f64,
    /// Likewise in the backfill lane.
    pub backfill: f64,
    /// Of these, requests whose jobs are with the broker and the workers: no hours hold them back.
    pub backfill_out: f64,
    /// Of the scope's own, requests whose time has not come.
    pub later: f64,
    /// The time of the first of them.
    pub first_later: Option<DateTime<Utc>>,
    /// The time of the last of them.
    pub last_later: Option<DateTime<Utc>>,
}

impl Control {
    /// What the limiter keys with jobs of `scope` have to serve, by key (`sql/demand.sql`). Parked jobs wait for a person and
    /// do not count.
    pub async fn demand(&self, scope: DemandOf<'_>) -> Result<Vec<Demand>, StoreError> {
        let mut of = Scopes::default();
        match scope {
            DemandOf::All => {}
            DemandOf::Run(id) => of.runs = Some(vec![id]),
            DemandOf::Mall(id) => of.mall = Some(id.as_str()),
            DemandOf::Agency(id) => of.agency = Some(id),
            DemandOf::Keys(some) => of.keys = Some(some.iter().map(LimiterKey::as_str).collect()),
        }
        self.demand_rows(of).await?.iter().map(demand).collect()
    }

    /// The same of several runs, each for itself, with one look at the jobs of all of them. A run of which nothing is left is
    /// not among them.
    pub async fn demand_by_run(&self, runs: Vec<Uuid>) -> Result<BTreeMap<Uuid, Vec<Demand>>, StoreError> {
        let mut by_run: BTreeMap<Uuid, Vec<Demand>> = BTreeMap::new();
        for row in &self.demand_rows(Scopes { runs: Some(runs), ..Scopes::default() }).await? {
            by_run.entry(row.try_get("run_id")?).or_default().push(demand(row)?);
        }
        Ok(by_run)
    }

    async fn demand_rows(&self, of: Scopes<'_>) -> Result<Vec<PgRow>, StoreError> {
        let (dialects, rows) = pages();
        let rows = sqlx::query(include_str!("sql/demand.sql"))
            .bind(of.runs)
            .bind(of.mall)
            .bind(of.agency)
            .bind(of.keys)
            .bind(dialects)
            .bind(rows)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }
}

/// One of these, or none: everybody's.
#[derive(Default)]
struct Scopes<'a> {
    runs: Option<Vec<Uuid>>,
    mall: Option<&'a str>,
    agency: Option<&'a str>,
    keys: Option<Vec<&'a str>>,
}

fn demand(row: &PgRow) -> Result<Demand, StoreError> {
    Ok(Demand {
        key: LimiterKey::try_from(row.try_get::<String, _>("limiter_key")?).map_err(StoreError::foreign)?,
        jobs: row.try_get("jobs")?,
        own: row.try_get("own")?,
        fresh: row.try_get("fresh")?,
        backfill: row.try_get("backfill")?,
        backfill_out: row.try_get("backfill_out")?,
        later: row.try_get("later")?,
        first_later: row.try_get("first_later")?,
        last_later: row.try_get("last_later")?,
    })
}

/// The dialects whose answers come in pages, and the new rows of each page: its first row is the last one of the page before.
pub(super) fn pages() -> (Vec<&'static str>, Vec<i32>) {
    Dialect::ALL
        .into_iter()
        .filter_map(|dialect| {
            let size = dialect.grammar().paging?.size;
            Some((dialect.as_str(), i32::try_from(size).unwrap_or(i32::MAX).saturating_sub(1).max(1)))
        })
        .unzip()
}
