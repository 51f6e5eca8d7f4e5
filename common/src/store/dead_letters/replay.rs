//! Replay: letters become jobs again, page by page, each page one transaction.
//!
//! A replay is a wish: each slice of a letter is fetched again unless it was fetched since the letter died, or a live job
//! brings it. A page plans the jobs of some hundred letters, marks these letters replayed and links them to the run, all
//! or nothing; so whatever ends a replay between two pages, what is done is done, and what is left is still open.
//! Pages go by mall, so that one page sees all letters that want the same slice (a mall with more letters than a page
//! holds is cut between days). A dry run does the same statements and rolls back.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgTransaction, Row};
use uuid::Uuid;

use super::super::audit::{self, AuditEntry};
use super::super::error::StoreError;
use super::super::plan::{self, JobsOf, PlanCounts};
use super::super::pool::Control;
use super::LetterFilter;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::chunk::chunks;
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::job::Lane;

/// Letters of a page: a few hundred milliseconds behind the planner's lock, and some MB here.
const PAGE: usize = 1_000;

/// What a replay is asked to do; its run keeps it as its wish, so that it can be taken up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Which letters.
    pub filter: LetterFilter,
    /// How urgently.
    pub lane: Lane,
    /// Jobs that may run a second, over all malls.
    pub per_second: Option<u32>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayCursor {
    mall_id: String,
    start: NaiveDate,
    letter_id: Uuid,
}

/// What a page came to.
#[derive(Debug, Default)]
pub struct ReplayPage {
    /// Letters read.
    pub letters: Vec<Uuid>,
    /// Of these, what cannot be planned: their mall was removed, or does not know the endpoint any more. They stay open.
    pub left: i64,
    /// What became of the others' slices.
    pub counts: PlanCounts,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<ReplayCursor>,
}

/// A replay that was begun.
#[derive(Debug, Clone)]
pub struct ReplayRun {
    /// What it was asked to do.
    pub replay: Replay,
    /// Letters it has replayed so far.
    pub letters: i64,
    /// Jobs it has planned so far.
    pub jobs: i64,
}

/// A letter of a page.
struct Found {
    letter_id: Uuid,
    mall_id: String,
    start: NaiveDate,
    /// What to plan; none: it cannot be planned.
    wanted: Option<Wanted>,
}

struct Wanted {
    shop_no: i32,
    limiter_key: String,
    endpoint: Endpoint,
    granularity: Granularity,
    chunks: Vec<DayRange>,
    died_at: DateTime<Utc>,
}

impl Control {
    /// Stores a replay's run, with its entry in the audit log; its pages follow.
    pub async fn begin_replay(
        &self,
        run_id: Uuid,
        replay: &Replay,
        entry: &AuditEntry<'_>,
    ) -> Result<(), StoreError> {
        let wish = serde_json::to_value(replay).map_err(StoreError::foreign)?;
        let mut tx = self.pool.begin().await?;
        sqlx::query("INSERT INTO runs (run_id, kind, wish) VALUES ($1, 'replay', $2)")
            .bind(run_id)
            .bind(wish)
            .execute(&mut *tx)
            .await?;
        audit::record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A replay that was begun; `None`: there is no such run, or it is none of letters by filter.
    pub async fn replay_run(&self, run_id: Uuid) -> Result<Option<ReplayRun>, StoreError> {
        let row = sqlx::query(
            "SELECT wish, jobs_planned, (SELECT count(*) FROM dead_letters WHERE replay_run = run_id) AS letters \
             FROM runs WHERE run_id = $1 AND kind = 'replay'",
        )
        .bind(run_id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let wish: serde_json::Value = row.try_get("wish")?;
        let Ok(replay) = serde_json::from_value(wish) else { return Ok(None) };
        Ok(Some(ReplayRun { replay, letters: row.try_get("letters")?, jobs: row.try_get("jobs_planned")? }))
    }

    /// Replays the next page of letters under `run` (its id, and who acts), or only counts without one. `open_from` is
    /// the first day whose figures are not final: each of those is fetched alone.
    pub async fn replay_page(
        &self,
        run: Option<(Uuid, &str)>,
        replay: &Replay,
        open_from: NaiveDate,
        after: Option<&ReplayCursor>,
    ) -> Result<ReplayPage, StoreError> {
        let mut tx = plan::begin(self).await?;
        let (found, more) = page(&mut tx, replay, open_from, after).await?;
        let Some(last) = found.last() else { return Ok(ReplayPage::default()) };
        let next = more.then(|| ReplayCursor {
            mall_id: last.mall_id.clone(),
            start: last.start,
            letter_id: last.letter_id,
        });
        let planned: Vec<Uuid> =
            found.iter().filter(|letter| letter.wanted.is_some()).map(|letter| letter.letter_id).collect();
        let left = i64::try_from(found.len() - planned.len()).unwrap_or(i64::MAX);
        let letters = found.iter().map(|letter| letter.letter_id).collect();
        if planned.is_empty() {
            return Ok(ReplayPage { letters, left, next, ..ReplayPage::default() });
        }
        collect(&mut tx, &found).await?;
        let malls: BTreeSet<&str> = found.iter().map(|letter| letter.mall_id.as_str()).collect();
        let malls: Vec<&str> = malls.into_iter().collect();
        let (counts, jobs) = plan::settle(&mut tx, replay.lane, &malls).await?;
        if let Some((run_id, actor)) = run {
            let of = JobsOf { run_id, lane: replay.lane, per_second: replay.per_second.map(f64::from) };
            plan::store(&mut tx, of, &counts, &jobs).await?;
            sqlx::query(include_str!("../sql/mark_replayed.sql"))
                .bind(&planned)
                .bind(run_id)
                .bind(actor)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(ReplayPage { letters, left, counts, next })
    }
}

/// The next letters, locked, and whether there are more.
async fn page(
    tx: &mut PgTransaction<'_>,
    replay: &Replay,
    open_from: NaiveDate,
    after: Option<&ReplayCursor>,
) -> Result<(Vec<Found>, bool), StoreError> {
    let sql = concat!(
        "SELECT d.letter_id, d.mall_id, d.shop_no, d.endpoint, d.granularity, d.start_date, d.end_date, d.died_at, \
         c.limiter_key, c.dialect \
         FROM dead_letters d LEFT JOIN connectors c USING (mall_id)\n",
        include_str!("../sql/letter_filter.sql"),
        include_str!("../sql/replay_letters.sql")
    );
    let limit = PAGE + 1;
    let rows = replay
        .filter
        .query(sql)
        .bind(after.map_or("", |cursor| &cursor.mall_id))
        .bind(after.map_or(NaiveDate::default(), |cursor| cursor.start))
        .bind(after.map_or(Uuid::nil(), |cursor| cursor.letter_id))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut **tx)
        .await?;
    let mut found = rows.iter().map(|row| read(row, open_from)).collect::<Result<Vec<_>, _>>()?;
    let more = found.len() == limit;
    if more && let Some(beyond) = found.pop() {
        let whole = found.iter().take_while(|letter| letter.mall_id != beyond.mall_id).count();
        if whole > 0 {
            found.truncate(whole);
        }
    }
    Ok((found, more))
}

fn read(row: &PgRow, open_from: NaiveDate) -> Result<Found, StoreError> {
    let (start, end): (NaiveDate, NaiveDate) = (row.try_get("start_date")?, row.try_get("end_date")?);
    let mut found =
        Found { letter_id: row.try_get("letter_id")?, mall_id: row.try_get("mall_id")?, start, wanted: None };
    let Some(dialect) = row.try_get::<Option<&str>, _>("dialect")? else { return Ok(found) };
    let dialect: Dialect = dialect.parse().map_err(StoreError::foreign)?;
    let endpoint: Endpoint = row.try_get::<&str, _>("endpoint")?.parse().map_err(StoreError::foreign)?;
    let granularity: Granularity =
        row.try_get::<&str, _>("granularity")?.parse().map_err(StoreError::foreign)?;
    let range = DayRange::new(start, end).map_err(StoreError::foreign)?;
    if let Some(max_days) = endpoint.max_days(dialect).filter(|_| endpoint.supports(dialect, granularity)) {
        found.wanted = Some(Wanted {
            shop_no: row.try_get("shop_no")?,
            limiter_key: row.try_get("limiter_key")?,
            endpoint,
            granularity,
            // The mall may have changed its dialect since, and with it the longest range of a request.
            chunks: chunks(range, granularity, max_days, open_from),
            died_at: row.try_get("died_at")?,
        });
    }
    Ok(found)
}

/// Makes `plan_slices` of what the letters want (`sql/plan_letters.sql`).
async fn collect(tx: &mut PgTransaction<'_>, found: &[Found]) -> Result<(), StoreError> {
    let wanted: Vec<(&str, &Wanted, DayRange)> = found
        .iter()
        .filter_map(|letter| Some((letter.mall_id.as_str(), letter.wanted.as_ref()?)))
        .flat_map(|(mall, wanted)| wanted.chunks.iter().map(move |chunk| (mall, wanted, *chunk)))
        .collect();
    let malls: Vec<&str> = wanted.iter().map(|(mall, ..)| *mall).collect();
    let shops: Vec<i32> = wanted.iter().map(|(_, wanted, _)| wanted.shop_no).collect();
    let keys: Vec<&str> = wanted.iter().map(|(_, wanted, _)| wanted.limiter_key.as_str()).collect();
    let endpoints: Vec<&str> = wanted.iter().map(|(_, wanted, _)| wanted.endpoint.as_str()).collect();
    let granularities: Vec<&str> = wanted.iter().map(|(_, wanted, _)| wanted.granularity.as_str()).collect();
    let starts: Vec<NaiveDate> = wanted.iter().map(|(.., chunk)| chunk.start()).collect();
    let ends: Vec<NaiveDate> = wanted.iter().map(|(.., chunk)| chunk.end()).collect();
    let died: Vec<DateTime<Utc>> = wanted.iter().map(|(_, wanted, _)| wanted.died_at).collect();
    sqlx::query(include_str!("../sql/plan_letters.sql"))
        .bind(&malls)
        .bind(&shops)
        .bind(&keys)
        .bind(&endpoints)
        .bind(&granularities)
        .bind(&starts)
        .bind(&ends)
        .bind(&died)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
