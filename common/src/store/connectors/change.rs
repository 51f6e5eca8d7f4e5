//! What a person changes of a mall connection, and what becomes of the jobs that were planned before.
//!
//! One transaction in which nobody else plans: the row, the jobs that do not fit it any more, those planned in their place,
//! and the audit entry. A job does not fit when its endpoint or shop is not synchronised any more, or its days all lie before
//! the first wanted one (cancelled), or when the dialect has no request that means it (cancelled, and planned anew in chunks
//! that the dialect can answer).

use chrono::NaiveDate;
use serde_json::json;
use sqlx::{PgTransaction, Row};
use uuid::Uuid;

use super::{COLUMNS, Connector, ConnectorState, Mode, connector};
use crate::clock;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::chunk::chunks;
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};
use crate::domain::job::Lane;
use crate::store::audit::{self, AuditEntry};
use crate::store::error::StoreError;
use crate::store::plan::{self, JobsOf};
use crate::store::pool::Control;

/// What is to be set; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectorChange {
    /// How its API speaks.
    pub dialect: Option<Dialect>,
    /// Endpoints to synchronise.
    pub endpoints: Option<Vec<Endpoint>>,
    /// Shops to synchronise.
    pub shops: Option<Vec<ShopNo>>,
    /// The bucket its requests take from.
    pub limiter_key: Option<LimiterKey>,
    /// The first day that is wanted; `Some(None)`: the first that was ever fetched.
    pub wanted_from: Option<Option<NaiveDate>>,
    /// The app that it consents to; `Some(None)`: that of the configuration.
    pub app: Option<Option<AppId>>,
    /// Whether requests are sent.
    pub mode: Option<Mode>,
}

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The connection before.
    pub before: Connector,
    /// And after.
    pub after: Connector,
    /// The first wanted day, before and after.
    pub wanted_from: [Option<NaiveDate>; 2],
    /// What became of the jobs.
    pub jobs: Refitted,
}

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

impl Control {
    /// Changes a mall's connection as `actor`. `None`: there is no such mall. Without an actor it is a dry run: the same
    /// statements, rolled back.
    pub async fn change_connector(
        &self,
        mall: &MallId,
        change: &ConnectorChange,
        open_from: NaiveDate,
        actor: Option<&str>,
    ) -> Result<Option<Changed>, StoreError> {
        let mut tx = plan::begin(self).await?;
        let Some((before, wanted_before)) = read(&mut tx, mall).await? else { return Ok(None) };
        write(&mut tx, &before, change).await?;
        let Some((after, wanted_after)) = read(&mut tx, mall).await? else { return Ok(None) };
        let wanted_from = [wanted_before, wanted_after];
        let gone = Gone::between([&before, &after], wanted_from);
        let jobs = refit(&mut tx, &after, &gone, open_from).await?;
        let changed = Changed { before, after, wanted_from, jobs };
        let Some(actor) = actor else {
            tx.rollback().await?;
            return Ok(Some(changed));
        };
        // What a worker has claimed and not sent yet comes back.
        sqlx::query("SELECT pg_notify('cafe24_connectors', $1)")
            .bind(mall.as_str())
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "malls.set",
            mall: Some(mall),
            target: mall.as_str(),
            plan: None,
            details: changed.details(),
        };
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Some(changed))
    }

    /// Looks at the jobs of a mall again after `changed`: those that a worker had then have come back.
    pub async fn refit_jobs(&self, changed: &Changed, open_from: NaiveDate) -> Result<Refitted, StoreError> {
        let mut tx = plan::begin(self).await?;
        let Some((now, wanted_now)) = read(&mut tx, &changed.after.mall_id).await? else {
            return Ok(Refitted::default());
        };
        let gone = Gone::between([&changed.before, &now], [changed.wanted_from[0], wanted_now]);
        let jobs = refit(&mut tx, &now, &gone, open_from).await?;
        tx.commit().await?;
        Ok(jobs)
    }
}

impl Changed {
    /// What was set, and what it did, for the audit log.
    fn details(&self) -> serde_json::Value {
        let (before, after) = (&self.before, &self.after);
        let mut set = serde_json::Map::new();
        let mut note = |key: &str, was: serde_json::Value, is: serde_json::Value| {
            if was != is {
                set.insert(key.to_owned(), json!([was, is]));
            }
        };
        note("dialect", json!(before.dialect), json!(after.dialect));
        note("endpoints", json!(before.endpoints), json!(after.endpoints));
        note("shops", json!(before.shops), json!(after.shops));
        note("limiter_key", json!(before.limiter_key), json!(after.limiter_key));
        note("wanted_from", json!(self.wanted_from[0]), json!(self.wanted_from[1]));
        note("app", json!(before.app_id), json!(after.app_id));
        note("mode", json!(before.mode), json!(after.mode));
        note("state", json!(before.state), json!(after.state));
        let jobs = self.jobs;
        json!({
            "set": set, "cancelled": jobs.cancelled, "recut": jobs.recut, "planned": jobs.planned,
        })
    }
}

/// What is not synchronised any more. A job of something else was asked for by name, and stays.
struct Gone {
    endpoints: Vec<Endpoint>,
    shops: Vec<ShopNo>,
    wanted_from: [Option<NaiveDate>; 2],
}

impl Gone {
    fn between([before, after]: [&Connector; 2], wanted_from: [Option<NaiveDate>; 2]) -> Self {
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

async fn read(
    tx: &mut PgTransaction<'_>,
    mall: &MallId,
) -> Result<Option<(Connector, Option<NaiveDate>)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, wanted_from AS first_wanted FROM connectors WHERE mall_id = $1 FOR UPDATE"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(mall.as_str()).fetch_optional(&mut **tx).await?;
    row.map(|row| Ok((connector(&row)?, row.try_get("first_wanted")?))).transpose()
}

async fn write(
    tx: &mut PgTransaction<'_>,
    before: &Connector,
    change: &ConnectorChange,
) -> Result<(), StoreError> {
    let shops = change.shops.as_ref().map(|shops| shops.iter().map(|shop| shop.get()).collect::<Vec<_>>());
    let endpoints = change.endpoints.as_ref();
    let endpoints = endpoints.map(|all| all.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    let state = state_after(before, change);
    sqlx::query(include_str!("../sql/change_connector.sql"))
        .bind(before.mall_id.as_str())
        .bind(change.dialect.map(Dialect::as_str))
        .bind(endpoints)
        .bind(shops)
        .bind(change.limiter_key.as_ref().map(LimiterKey::as_str))
        .bind(change.wanted_from.is_some())
        .bind(change.wanted_from.flatten())
        .bind(change.app.is_some())
        .bind(change.app.as_ref().and_then(Option::as_ref).map(AppId::as_str))
        .bind(change.mode.clone().map(String::from))
        .bind(state.map(|(state, _)| state.as_str()))
        .bind(state.and_then(|(_, reason)| reason))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The state that follows from the tokens that are there, and why; `None`: as before. A mall that a person paused stays so.
fn state_after(
    before: &Connector,
    change: &ConnectorChange,
) -> Option<(ConnectorState, Option<&'static str>)> {
    if matches!(before.state, ConnectorState::Paused | ConnectorState::NeedsConsent) || !before.has_tokens {
        return None;
    }
    if change.app.as_ref().is_some_and(|app| *app != before.app_id) {
        return Some((ConnectorState::NeedsConsent, Some("its tokens are another app's")));
    }
    let dialect = change.dialect.filter(|dialect| *dialect != before.dialect)?;
    let scopes = &before.tokens.as_ref()?.scopes;
    let granted = scopes.iter().any(|scope| scope == dialect.scope());
    match (granted, before.state) {
        (false, _) => {
            Some((ConnectorState::NeedsScope, Some("the tokens lack a scope that the dialect needs")))
        }
        (true, ConnectorState::NeedsScope) => Some((ConnectorState::Active, None)),
        (true, _) => None,
    }
}

/// Cancels what does not fit `mall`, and plans in its place what can be asked.
async fn refit(
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
