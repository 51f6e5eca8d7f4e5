//! Settings of agencies and malls, pauses, and what is known of ticks: for people.

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::{OwnSettings, own_settings};
use crate::domain::ids::MallId;
use crate::domain::schedule::Schedule;
use crate::store::audit::{AuditEntry, record};
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// For which malls a setting or a pause is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of an agency.
    Agency(String),
    /// One.
    Mall(MallId),
}

impl Scope {
    /// The agency, if it is one's.
    pub(in crate::store) fn agency(&self) -> Option<&str> {
        match self {
            Self::Agency(agency) => Some(agency),
            Self::All | Self::Mall(_) => None,
        }
    }

    /// The mall, if it is one.
    pub fn mall(&self) -> Option<&MallId> {
        match self {
            Self::Mall(mall) => Some(mall),
            Self::All | Self::Agency(_) => None,
        }
    }

    /// In words.
    pub(in crate::store) fn named(&self) -> String {
        match self {
            Self::All => "all malls".to_owned(),
            Self::Agency(agency) => format!("agency {agency}"),
            Self::Mall(mall) => mall.to_string(),
        }
    }
}

/// A scope's own settings and pauses.
#[derive(Debug, Clone)]
pub struct Override {
    /// Whose.
    pub scope: Scope,
    /// What differs from the next wider scope.
    pub settings: OwnSettings,
    /// What makes no jobs.
    pub paused: Vec<Schedule>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
}

/// A change of a scope's own settings: what it sets, `None` takes away what is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverrideChange {
    /// When the last days are fetched, KST.
    pub daily_at: Option<Option<NaiveTime>>,
    /// How many.
    pub lookback: Option<Option<i32>>,
    /// How often today is fetched, in minutes; 0: never.
    pub today_minutes: Option<Option<i32>>,
    /// How many days are fetched once a month; 0: none.
    pub sweep: Option<Option<i32>>,
}

/// How a schedule fares.
#[derive(Debug, Clone)]
pub struct TickState {
    /// Which.
    pub schedule: Schedule,
    /// Malls that it has a due time for.
    pub waiting: i64,
    /// Malls whose due time has come.
    pub due: i64,
    /// Malls whose due time is worked out anew at the next pass, since something changed.
    pub anew: i64,
    /// When the first of the others is due next.
    pub next_at: Option<DateTime<Utc>>,
    /// When the last one was due that was planned.
    pub last_at: Option<DateTime<Utc>>,
    /// Its newest run.
    pub run_id: Option<Uuid>,
    /// Jobs of that run.
    pub jobs: i64,
    /// Of these, those that are over.
    pub ended: i64,
}

impl Control {
    /// Whether there is such an agency.
    pub async fn has_agency(&self, agency: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT FROM agencies WHERE agency_id = $1)";
        Ok(sqlx::query_scalar(sql).bind(agency).fetch_one(&self.pool).await?)
    }

    /// All scopes that have something of their own.
    pub async fn schedule_overrides(&self) -> Result<Vec<Override>, StoreError> {
        let sql = "SELECT agency_id, mall_id, daily_at, lookback, today_minutes, sweep, paused, updated_at, updated_by \
                   FROM schedules ORDER BY agency_id IS NULL AND mall_id IS NULL DESC, agency_id, mall_id";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let scope = match (row.try_get("agency_id")?, row.try_get::<Option<String>, _>("mall_id")?) {
                    (Some(agency), _) => Scope::Agency(agency),
                    (None, Some(mall)) => Scope::Mall(MallId::try_from(mall).map_err(StoreError::foreign)?),
                    (None, None) => Scope::All,
                };
                let paused: Vec<String> = row.try_get("paused")?;
                Ok(Override {
                    scope,
                    settings: own_settings(row)?,
                    paused: paused
                        .iter()
                        .map(|name| name.parse().map_err(StoreError::foreign))
                        .collect::<Result<_, _>>()?,
                    updated_at: row.try_get("updated_at")?,
                    updated_by: row.try_get("updated_by")?,
                })
            })
            .collect()
    }

    /// Changes a scope's own settings; its malls' due times are worked out anew. `false`: they were so already.
    pub async fn change_schedule(
        &self,
        scope: &Scope,
        change: OverrideChange,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(include_str!("../sql/schedule_set.sql"))
            .bind(scope.mall().map(MallId::as_str))
            .bind(scope.agency())
            .bind(actor)
            .bind(change.daily_at.is_some())
            .bind(change.daily_at.flatten())
            .bind(change.lookback.is_some())
            .bind(change.lookback.flatten())
            .bind(change.today_minutes.is_some())
            .bind(change.today_minutes.flatten())
            .bind(change.sweep.is_some())
            .bind(change.sweep.flatten())
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let details = serde_json::json!({
            "daily_at": change.daily_at, "lookback": change.lookback,
            "today_minutes": change.today_minutes, "sweep": change.sweep,
        });
        settle(
            tx,
            scope,
            &AuditEntry {
                actor,
                action: "schedule.set",
                mall: scope.mall(),
                target: &scope.named(),
                plan: None,
                details,
            },
        )
        .await?;
        Ok(true)
    }

    /// Pauses a schedule of a scope, or ends that pause. `false`: it was so already.
    pub async fn pause_schedule(
        &self,
        scope: &Scope,
        schedule: Schedule,
        pause: bool,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(include_str!("../sql/schedule_pause.sql"))
            .bind(scope.mall().map(MallId::as_str))
            .bind(scope.agency())
            .bind(actor)
            .bind(schedule.as_str())
            .bind(pause)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        settle(
            tx,
            scope,
            &AuditEntry {
                actor,
                action: if pause { "schedule.pause" } else { "schedule.resume" },
                mall: scope.mall(),
                target: &format!("{schedule} of {}", scope.named()),
                plan: None,
                details: serde_json::json!({}),
            },
        )
        .await?;
        Ok(true)
    }

    /// How each schedule fares (`sql/schedule_states.sql`).
    pub async fn schedule_states(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> Result<Vec<TickState>, StoreError> {
        let rows = sqlx::query(include_str!("../sql/schedule_states.sql"))
            .bind(scope.mall().map(MallId::as_str))
            .bind(scope.agency())
            .bind(now)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(TickState {
                    schedule: row.try_get::<String, _>("schedule")?.parse().map_err(StoreError::foreign)?,
                    waiting: row.try_get("waiting")?,
                    due: row.try_get("due")?,
                    anew: row.try_get("anew")?,
                    next_at: row.try_get("next_at")?,
                    last_at: row.try_get("last_at")?,
                    run_id: row.try_get("run_id")?,
                    jobs: row.try_get("jobs")?,
                    ended: row.try_get("ended")?,
                })
            })
            .collect()
    }
}

/// Has the due times of a scope's malls worked out anew, and commits with the audit entry.
async fn settle(
    mut tx: sqlx::PgTransaction<'static>,
    scope: &Scope,
    entry: &AuditEntry<'_>,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("../sql/schedule_touch.sql"))
        .bind(scope.mall().map(MallId::as_str))
        .bind(scope.agency())
        .execute(&mut *tx)
        .await?;
    record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(())
}
