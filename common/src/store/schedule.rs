//! Schedules: which ticks are due, and planning them exactly once.
//!
//! A tick is a row that says when it is due next. Whoever plans it moves the row in the transaction of its jobs, under the
//! planner's lock, and only as it was read: killed before the commit, nothing has happened and the next leader finds it
//! due; after it, it is not due any more.

mod settings;
mod urgency;

use std::time::Instant;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgTransaction, Row};
use uuid::Uuid;

pub use settings::{Override, OverrideChange, Scope, TickState};
pub use urgency::Urgency;

use super::error::StoreError;
use super::plan::{self, JobsOf, PlanCounts, PlannedChunk, ShopToPlan, Wish};
use super::pool::Control;
use crate::domain::ids::MallId;
use crate::domain::job::Lane;
use crate::domain::schedule::Schedule;

/// A tick that is due.
#[derive(Debug, Clone)]
pub struct DueTick {
    /// Of which mall.
    pub mall_id: MallId,
    /// Of which schedule.
    pub schedule: Schedule,
    /// The row as it was read; see [`TickMove::revision`].
    pub revision: String,
    /// Its due time is to be worked out anew; it may not be due at all.
    pub anew: bool,
    /// The due time of the last one that was planned.
    pub last_at: Option<DateTime<Utc>>,
    /// First day of the mall's history that has been planned.
    pub reached: Option<NaiveDate>,
    /// First day that is wanted of the mall.
    pub wanted_from: Option<NaiveDate>,
    /// When the mall came.
    pub created_at: DateTime<Utc>,
    /// What differs from the configuration.
    pub settings: OwnSettings,
    /// Whether it is paused here.
    pub paused: bool,
}

/// Settings of a mall or its agency; `None`: the configuration's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnSettings {
    /// When the last days are fetched, KST.
    pub daily_at: Option<NaiveTime>,
    /// How many.
    pub lookback: Option<i32>,
    /// How often today is fetched, in minutes; 0: never.
    pub today_minutes: Option<i32>,
    /// How many days are fetched once a month; 0: none.
    pub sweep: Option<i32>,
}

/// Where a tick goes from here.
#[derive(Debug, Clone)]
pub struct TickMove {
    /// Of which mall.
    pub mall_id: MallId,
    /// Of which schedule.
    pub schedule: Schedule,
    /// The row as it was read; whatever somebody else has done to it since then wins: another move, and also a pause
    /// that ended meanwhile, which leaves no trace in its times.
    pub revision: String,
    /// Its last tick from now on.
    pub last_at: Option<DateTime<Utc>>,
    /// When it is due; `None`: not before something changes.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether it is done for good.
    pub over: bool,
    /// How far back the mall's history has been planned.
    pub reached: Option<NaiveDate>,
}

/// The run of a tick: the same one for all malls of the same beat, and for whoever plans it.
#[derive(Debug, Clone)]
pub struct TickRun {
    /// Derived from schedule and beat.
    pub run_id: Uuid,
    /// Its kind.
    pub schedule: Schedule,
    /// What is asked for.
    pub wish: serde_json::Value,
}

/// What is planned for a group of ticks.
#[derive(Debug, Clone, Copy)]
pub struct TickPlan<'a> {
    /// Which complete slices are asked for again.
    pub wish: Wish,
    /// How urgently.
    pub lane: Lane,
    /// The shops of the ticks' malls.
    pub shops: &'a [ShopToPlan],
    /// What is asked for of each.
    pub chunks: &'a [PlannedChunk],
    /// Whether that is all that the ticks want, or more is planned of them in further transactions. They move with the last.
    pub is_all: bool,
}

/// Days that are missing for no reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MallGaps {
    /// The mall.
    pub mall_id: MallId,
    /// The first of them.
    pub first: NaiveDate,
    /// The last of them.
    pub last: NaiveDate,
}

impl Control {
    /// At most `limit` ticks that are due at `now`, longest due first, histories newest first (`sql/schedule_due.sql`).
    pub async fn due_ticks(
        &self,
        now: DateTime<Utc>,
        urgency: Urgency,
        limit: i64,
    ) -> Result<Vec<DueTick>, StoreError> {
        let rows = sqlx::query(include_str!("sql/schedule_due.sql"))
            .bind(now)
            .bind(urgency.number())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(due).collect()
    }

    /// Moves ticks that want nothing. Returns how many were moved.
    pub async fn move_ticks(&self, moves: &[TickMove]) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await?;
        move_all(&mut connection, moves, None).await
    }

    /// Plans `plan` for those of `moves` that nobody has planned meanwhile, and moves them: all of it or nothing.
    pub async fn plan_ticks(
        &self,
        run: &TickRun,
        plan: TickPlan<'_>,
        moves: &[TickMove],
    ) -> Result<PlanCounts, StoreError> {
        let mut tx = plan::begin(self).await?;
        let began = Instant::now();
        let still = still(&mut tx, run.schedule, moves).await?;
        let moves: Vec<TickMove> =
            moves.iter().filter(|tick| still.contains(&tick.mall_id)).cloned().collect();
        let shops: Vec<ShopToPlan> =
            plan.shops.iter().filter(|shop| still.contains(&shop.mall_id)).cloned().collect();
        let mut counts = PlanCounts::default();
        let mut run_id = None;
        if !shops.is_empty() && !plan.chunks.is_empty() {
            plan::collect_wanted(&mut tx, plan.wish, &shops, plan.chunks).await?;
            let (planned, mut jobs) = plan::settle(&mut tx, plan.lane, &plan::malls(&shops)).await?;
            if plan.lane == Lane::Backfill {
                plan::newest_first(&mut jobs);
            }
            counts = planned;
            run_id = Some(run.run_id);
            ensure_run(&mut tx, run).await?;
            let of = JobsOf { run_id: run.run_id, lane: plan.lane, per_second: None };
            plan::store(&mut tx, of, &counts, &jobs).await?;
        }
        if plan.is_all {
            move_all(&mut tx, &moves, run_id).await?;
        }
        tx.commit().await?;
        counts.worked = began.elapsed();
        Ok(counts)
    }

    /// Has due times worked out anew: all of them if `settings` are others than they were made by, and those beyond what
    /// a daily (`day`) and a monthly schedule (`month`) can wait for. Returns how many.
    pub async fn align_ticks(
        &self,
        settings: &str,
        day: DateTime<Utc>,
        month: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let anew =
            sqlx::query(include_str!("sql/schedule_anew.sql")).bind(settings).execute(&self.pool).await?;
        let beyond = sqlx::query(include_str!("sql/schedule_align.sql"))
            .bind(day)
            .bind(month)
            .execute(&self.pool)
            .await?;
        Ok(anew.rows_affected() + beyond.rows_affected())
    }

    /// Which of these malls have gaps up to the day beside them (`sql/schedule_gaps.sql`).
    pub async fn mall_gaps(&self, malls: &[(&MallId, NaiveDate)]) -> Result<Vec<MallGaps>, StoreError> {
        let ids: Vec<&str> = malls.iter().map(|(mall, _)| mall.as_str()).collect();
        let through: Vec<NaiveDate> = malls.iter().map(|(_, day)| *day).collect();
        let rows = sqlx::query(include_str!("sql/schedule_gaps.sql"))
            .bind(&ids)
            .bind(&through)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(MallGaps {
                    mall_id: mall_id(row)?,
                    first: row.try_get("first")?,
                    last: row.try_get("last")?,
                })
            })
            .collect()
    }
}

async fn still(
    tx: &mut PgTransaction<'_>,
    schedule: Schedule,
    moves: &[TickMove],
) -> Result<std::collections::BTreeSet<MallId>, StoreError> {
    let malls: Vec<&str> = moves.iter().map(|tick| tick.mall_id.as_str()).collect();
    let seen: Vec<&str> = moves.iter().map(|tick| tick.revision.as_str()).collect();
    let rows = sqlx::query(include_str!("sql/schedule_still.sql"))
        .bind(&malls)
        .bind(&seen)
        .bind(schedule.as_str())
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(mall_id).collect()
}

async fn ensure_run(tx: &mut PgTransaction<'_>, run: &TickRun) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO runs (run_id, kind, wish) VALUES ($1, $2, $3) ON CONFLICT (run_id) DO NOTHING")
        .bind(run.run_id)
        .bind(run.schedule.as_str())
        .bind(&run.wish)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn move_all(
    connection: &mut PgConnection,
    moves: &[TickMove],
    run_id: Option<Uuid>,
) -> Result<u64, StoreError> {
    let malls: Vec<&str> = moves.iter().map(|tick| tick.mall_id.as_str()).collect();
    let schedules: Vec<&str> = moves.iter().map(|tick| tick.schedule.as_str()).collect();
    let seen: Vec<&str> = moves.iter().map(|tick| tick.revision.as_str()).collect();
    let last: Vec<Option<DateTime<Utc>>> = moves.iter().map(|tick| tick.last_at).collect();
    let next: Vec<Option<DateTime<Utc>>> = moves.iter().map(|tick| tick.next_at).collect();
    let over: Vec<bool> = moves.iter().map(|tick| tick.over).collect();
    let reached: Vec<Option<NaiveDate>> = moves.iter().map(|tick| tick.reached).collect();
    let done = sqlx::query(include_str!("sql/schedule_move.sql"))
        .bind(&malls)
        .bind(&schedules)
        .bind(&seen)
        .bind(&last)
        .bind(&next)
        .bind(&over)
        .bind(&reached)
        .bind(run_id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

fn due(row: &PgRow) -> Result<DueTick, StoreError> {
    Ok(DueTick {
        mall_id: mall_id(row)?,
        schedule: row.try_get::<String, _>("schedule")?.parse().map_err(StoreError::foreign)?,
        revision: row.try_get("revision")?,
        anew: row.try_get("anew")?,
        last_at: row.try_get("last_at")?,
        reached: row.try_get("reached")?,
        wanted_from: row.try_get("wanted_from")?,
        created_at: row.try_get("created_at")?,
        settings: own_settings(row)?,
        paused: row.try_get("paused")?,
    })
}

fn own_settings(row: &PgRow) -> Result<OwnSettings, StoreError> {
    Ok(OwnSettings {
        daily_at: row.try_get("daily_at")?,
        lookback: row.try_get("lookback")?,
        today_minutes: row.try_get("today_minutes")?,
        sweep: row.try_get("sweep")?,
    })
}

fn mall_id(row: &PgRow) -> Result<MallId, StoreError> {
    MallId::try_from(row.try_get::<String, _>("mall_id")?).map_err(StoreError::foreign)
}
