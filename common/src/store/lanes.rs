//! Lanes that are not sent, and hours of backfills: of all malls, of an agency's, of one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::audit::{AuditEntry, commit_if_changed};
use super::error::StoreError;
use super::pool::Control;
use super::schedule::Scope;
use crate::domain::ids::{LimiterKey, MallId};
use crate::domain::job::Lane;
use crate::domain::lanes::{MallLanes, OwnHours};

/// A lane that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LanePause {
    /// Which.
    pub lane: Lane,
    /// Why.
    pub reason: String,
    /// Who.
    pub paused_by: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Hours of backfills that somebody set for an agency or a mall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetHours {
    /// Which.
    pub hours: OwnHours,
    /// Who.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// What an agency or a mall has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneOverride {
    /// Hours of backfills.
    Hours(SetHours),
    /// A lane that is not sent.
    Pause(LanePause),
}

impl Control {
    /// The lanes of which nothing is sent.
    pub async fn lane_pauses(&self) -> Result<Vec<LanePause>, StoreError> {
        let rows = sqlx::query("SELECT lane, reason, paused_by, since FROM lane_pauses ORDER BY lane DESC")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(pause).collect()
    }

    /// What agencies and malls have of their own, agencies first.
    pub async fn lane_overrides(&self) -> Result<Vec<(Scope, LaneOverride)>, StoreError> {
        let mut overrides = Vec::new();
        let rows = sqlx::query(
            "SELECT agency_id, mall_id, hours, set_by, set_at FROM backfill_hours ORDER BY agency_id, mall_id",
        )
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let hours = row.try_get::<&str, _>("hours")?.parse().map_err(StoreError::foreign)?;
            let set = SetHours { hours, set_by: row.try_get("set_by")?, set_at: row.try_get("set_at")? };
            overrides.push((scope(row)?, LaneOverride::Hours(set)));
        }
        let rows = sqlx::query(
            "SELECT agency_id, mall_id, lane, reason, paused_by, since FROM scoped_lane_pauses \
             ORDER BY agency_id, mall_id, lane DESC",
        )
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            overrides.push((scope(row)?, LaneOverride::Pause(pause(row)?)));
        }
        Ok(overrides)
    }

    /// Malls with terms of their own, and those that share a bucket with one, by key (`sql/mall_lanes.sql`). `waiting`: say
    /// in which lanes their jobs wait.
    pub async fn mall_lanes(&self, waiting: bool) -> Result<Vec<MallLanes>, StoreError> {
        let rows =
            sqlx::query(include_str!("sql/mall_lanes.sql")).bind(waiting).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let hours: Option<&str> = row.try_get("hours")?;
                Ok(MallLanes {
                    key: LimiterKey::try_from(row.try_get::<String, _>("limiter_key")?)
                        .map_err(StoreError::foreign)?,
                    mall: MallId::try_from(row.try_get::<String, _>("mall_id")?)
                        .map_err(StoreError::foreign)?,
                    hours: hours.map(|hours| hours.parse().map_err(StoreError::foreign)).transpose()?,
                    paused: lanes(row, "paused")?,
                    waiting: lanes(row, "waiting")?,
                })
            })
            .collect()
    }

    /// Sends backfills of an agency's malls or of a mall in `hours`; `None`: as the next wider scope says. `false`: it was so
    /// already, or the scope is all malls, whose hours stand in the configuration.
    pub async fn set_backfill_hours(
        &self,
        scope: &Scope,
        hours: Option<OwnHours>,
        actor: &str,
    ) -> Result<bool, StoreError> {
        if *scope == Scope::All {
            return Ok(false);
        }
        let mut tx = self.pool.begin().await?;
        let query = match hours {
            Some(_) => {
                "INSERT INTO backfill_hours AS h (mall_id, agency_id, hours, set_by) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (mall_id, agency_id) DO UPDATE SET hours = $3, set_by = $4, set_at = now() \
                 WHERE h.hours <> $3"
            }
            None => {
                "DELETE FROM backfill_hours WHERE (mall_id, agency_id) IS NOT DISTINCT FROM ($1::text, $2::text) \
                 AND $3::text IS NULL AND $4::text IS NOT NULL"
            }
        };
        let done = sqlx::query(query)
            .bind(scope.mall().map(MallId::as_str))
            .bind(scope.agency())
            .bind(hours.map(String::from))
            .bind(actor)
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "backfill.hours",
            mall: scope.mall(),
            target: &scope.named(),
            plan: None,
            details: json!({ "hours": hours }),
        };
        commit_if_changed(tx, &done, &entry).await
    }

    /// Sends nothing of `lane` of these malls from now on. `false`: it was paused for them already.
    pub async fn pause_lane(
        &self,
        lane: Lane,
        scope: &Scope,
        reason: &str,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let insert = match scope {
            Scope::All => sqlx::query(
                "INSERT INTO lane_pauses (lane, reason, paused_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            ),
            Scope::Agency(_) | Scope::Mall(_) => sqlx::query(
                "INSERT INTO scoped_lane_pauses (lane, reason, paused_by, mall_id, agency_id) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            ),
        };
        let insert = insert.bind(lane.as_str()).bind(reason).bind(actor);
        let insert = match scope {
            Scope::All => insert,
            Scope::Agency(_) | Scope::Mall(_) => {
                insert.bind(scope.mall().map(MallId::as_str)).bind(scope.agency())
            }
        };
        let done = insert.execute(&mut *tx).await?;
        let target = target(lane, scope);
        let entry = AuditEntry {
            details: json!({ "reason": reason }),
            ..entry(actor, "queue.pause", &target, scope)
        };
        commit_if_changed(tx, &done, &entry).await
    }

    /// Sends `lane` of these malls again, unless it is paused otherwise. `false`: it was not paused for them.
    pub async fn resume_lane(&self, lane: Lane, scope: &Scope, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = match scope {
            Scope::All => {
                sqlx::query("DELETE FROM lane_pauses WHERE lane = $1")
                    .bind(lane.as_str())
                    .execute(&mut *tx)
                    .await?
            }
            Scope::Agency(_) | Scope::Mall(_) => {
                sqlx::query(
                    "DELETE FROM scoped_lane_pauses \
                     WHERE lane = $1 AND (mall_id, agency_id) IS NOT DISTINCT FROM ($2::text, $3::text)",
                )
                .bind(lane.as_str())
                .bind(scope.mall().map(MallId::as_str))
                .bind(scope.agency())
                .execute(&mut *tx)
                .await?
            }
        };
        let target = target(lane, scope);
        commit_if_changed(tx, &done, &entry(actor, "queue.resume", &target, scope)).await
    }
}

fn pause(row: &PgRow) -> Result<LanePause, StoreError> {
    Ok(LanePause {
        lane: row.try_get::<&str, _>("lane")?.parse().map_err(StoreError::foreign)?,
        reason: row.try_get("reason")?,
        paused_by: row.try_get("paused_by")?,
        since: row.try_get("since")?,
    })
}

fn scope(row: &PgRow) -> Result<Scope, StoreError> {
    match (row.try_get("agency_id")?, row.try_get::<Option<String>, _>("mall_id")?) {
        (Some(agency), _) => Ok(Scope::Agency(agency)),
        (None, Some(mall)) => Ok(Scope::Mall(MallId::try_from(mall).map_err(StoreError::foreign)?)),
        (None, None) => Ok(Scope::All),
    }
}

fn lanes(row: &PgRow, column: &str) -> Result<Vec<Lane>, StoreError> {
    let names: Vec<String> = row.try_get(column)?;
    names.iter().map(|name| name.parse().map_err(StoreError::foreign)).collect()
}

fn target(lane: Lane, scope: &Scope) -> String {
    match scope {
        Scope::All => lane.to_string(),
        Scope::Agency(_) | Scope::Mall(_) => format!("{lane} of {}", scope.named()),
    }
}

fn entry<'a>(actor: &'a str, action: &'static str, target: &'a str, scope: &'a Scope) -> AuditEntry<'a> {
    AuditEntry { actor, action, mall: scope.mall(), target, plan: None, details: json!({}) }
}
