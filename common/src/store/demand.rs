//! What limiter keys have to serve: what an ETA comes from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};
use uuid::Uuid;

use super::error::StoreError;
use super::pool::Control;
use super::runs::{self, Backlog};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{LimiterKey, MallId};
use crate::domain::job::Lane;

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
        let parts = demand_parts(&self.pool, of).await?;
        Ok(parts.chunk_by(Part::are_of_one_key).map(demand).collect())
    }

    /// What all keys have to serve, and the live jobs by lane and state as [`Control::backlog`] has them: of millions of jobs
    /// that wait, counting them is nearly all that either costs.
    pub async fn open_work(&self) -> Result<(Vec<Demand>, Vec<Backlog>), StoreError> {
        // A job that is parked or released meanwhile counts once.
        let mut tx = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
        let parts = demand_parts(&mut *tx, Scopes::default()).await?;
        let parked = runs::parked(&mut *tx).await?;
        tx.rollback().await?;
        let mut backlog: BTreeMap<(Lane, &str), Backlog> = BTreeMap::new();
        for part in &parts {
            let lane = backlog.entry((part.lane, part.state.as_str())).or_insert_with(|| part.none_of_it());
            lane.jobs += part.jobs;
            lane.oldest = lane.oldest.into_iter().chain(part.oldest).min();
        }
        let mut backlog: Vec<_> = backlog.into_values().collect();
        backlog.extend(parked);
        backlog.sort_by(|a, b| b.lane.cmp(&a.lane).then_with(|| a.state.cmp(&b.state)));
        Ok((parts.chunk_by(Part::are_of_one_key).map(demand).collect(), backlog))
    }

    /// The same of several runs, each for itself, with one look at the jobs of all of them. A run of which nothing is left is
    /// not among them.
    pub async fn demand_by_run(&self, runs: Vec<Uuid>) -> Result<BTreeMap<Uuid, Vec<Demand>>, StoreError> {
        let parts = demand_parts(&self.pool, Scopes { runs: Some(runs), ..Scopes::default() }).await?;
        let mut by_run: BTreeMap<Uuid, Vec<Demand>> = BTreeMap::new();
        for of_key in parts.chunk_by(Part::are_of_one_key) {
            // Of a scope of runs, each part has one.
            if let Some(run) = of_key[0].run {
                by_run.entry(run).or_default().push(demand(of_key));
            }
        }
        Ok(by_run)
    }
}

async fn demand_parts(executor: impl PgExecutor<'_>, of: Scopes<'_>) -> Result<Vec<Part>, StoreError> {
    let (dialects, endpoints, rows) = pages();
    let rows = sqlx::query(include_str!("sql/demand.sql"))
        .bind(of.runs)
        .bind(of.mall)
        .bind(of.agency)
        .bind(of.keys)
        .bind(dialects)
        .bind(endpoints)
        .bind(rows)
        .fetch_all(executor)
        .await?;
    rows.iter().map(part).collect()
}

/// One of these, or none: everybody's.
#[derive(Default)]
struct Scopes<'a> {
    runs: Option<Vec<Uuid>>,
    mall: Option<&'a str>,
    agency: Option<&'a str>,
    keys: Option<Vec<&'a str>>,
}

/// Jobs of a key in one lane and state that go before or with the last one of a scope.
struct Part {
    run: Option<Uuid>,
    key: LimiterKey,
    lane: Lane,
    /// `planned`, `waiting`, `queued` or `running`.
    state: String,
    /// Jobs of the scope.
    jobs: i64,
    /// Their requests.
    own: f64,
    /// Requests of all.
    requests: f64,
    /// When the oldest job of the scope was planned.
    oldest: Option<DateTime<Utc>>,
    first_later: Option<DateTime<Utc>>,
    last_later: Option<DateTime<Utc>>,
}

impl Part {
    fn are_of_one_key(&self, other: &Self) -> bool {
        (self.run, &self.key) == (other.run, &other.key)
    }

    fn none_of_it(&self) -> Backlog {
        Backlog { lane: self.lane.to_string(), state: self.state.clone(), jobs: 0, oldest: None }
    }
}

fn part(row: &PgRow) -> Result<Part, StoreError> {
    Ok(Part {
        run: row.try_get("run_id")?,
        key: LimiterKey::try_from(row.try_get::<String, _>("limiter_key")?).map_err(StoreError::foreign)?,
        lane: row.try_get::<&str, _>("lane")?.parse().map_err(StoreError::foreign)?,
        state: row.try_get("state")?,
        jobs: row.try_get("jobs")?,
        own: row.try_get("own")?,
        requests: row.try_get("requests")?,
        oldest: row.try_get("oldest")?,
        first_later: row.try_get("first_later")?,
        last_later: row.try_get("last_later")?,
    })
}

/// The parts of one key together; there is one at least.
fn demand(parts: &[Part]) -> Demand {
    // Not sum(): that begins at −0.
    let sum = |of: &dyn Fn(&Part) -> bool, what: fn(&Part) -> f64| {
        parts.iter().filter(|part| of(part)).map(what).fold(0.0, |sum, one| sum + one)
    };
    let is_out = |part: &Part| matches!(part.state.as_str(), "queued" | "running");
    Demand {
        key: parts[0].key.clone(),
        jobs: parts.iter().map(|part| part.jobs).sum(),
        own: sum(&|_| true, |part| part.own),
        fresh: sum(&|part| part.lane == Lane::Fresh, |part| part.requests),
        backfill: sum(&|part| part.lane == Lane::Backfill, |part| part.requests),
        backfill_out: sum(&|part| part.lane == Lane::Backfill && is_out(part), |part| part.requests),
        later: sum(&|part| part.state == "waiting", |part| part.own),
        first_later: parts.iter().filter_map(|part| part.first_later).min(),
        last_later: parts.iter().filter_map(|part| part.last_later).max(),
    }
}

/// Where an answer may have several pages: dialect, endpoint, and the new rows of each page, whose first row is the last one of
/// the page before. Where a row is a day and the longest range fits in a page, nothing needs to be looked up.
pub(super) fn pages() -> (Vec<&'static str>, Vec<&'static str>, Vec<i32>) {
    let mut pages = (Vec::new(), Vec::new(), Vec::new());
    for dialect in Dialect::ALL {
        let Some(paging) = dialect.grammar().paging else { continue };
        let rows = u32::try_from(paging.size).unwrap_or(u32::MAX).saturating_sub(1).max(1);
        for endpoint in Endpoint::all() {
            let Some(wire) = endpoint.wire(dialect) else { continue };
            if wire.entity_field.is_some() || wire.max_days > rows {
                pages.0.push(dialect.as_str());
                pages.1.push(endpoint.as_str());
                pages.2.push(i32::try_from(rows).unwrap_or(i32::MAX));
            }
        }
    }
    pages
}
