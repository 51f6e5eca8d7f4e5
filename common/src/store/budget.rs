//! What operators set of budgets: the share of a bucket that is left to others, and lanes that are not sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::Row;

use super::audit::{AuditEntry, commit_if_changed};
use super::error::StoreError;
use super::pool::Control;
use crate::domain::bucket::Reserve;
use crate::domain::ids::{LimiterKey, MallId};
use crate::domain::job::Lane;

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

/// A limiter key and the malls that share it.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedBucket {
    /// The key.
    pub key: LimiterKey,
    /// The malls, by id.
    pub malls: Vec<String>,
    /// What it leaves to others, if that is not the configured share.
    pub own_share: Option<OwnShare>,
}

/// A share that somebody set for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnShare {
    /// How much.
    pub share: Reserve,
    /// Who.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

impl Control {
    /// The buckets of a mall, of an agency's malls, or all of them (`sql/buckets.sql`).
    pub async fn buckets(
        &self,
        mall: Option<&MallId>,
        agency: Option<&str>,
    ) -> Result<Vec<SharedBucket>, StoreError> {
        let rows = sqlx::query(include_str!("sql/buckets.sql"))
            .bind(mall.map(MallId::as_str))
            .bind(agency)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let share: Option<i16> = row.try_get("reserve")?;
                let own_share = share
                    .map(|share| {
                        Ok::<_, StoreError>(OwnShare {
                            share: Reserve::try_from(i64::from(share)).map_err(StoreError::foreign)?,
                            set_by: row.try_get("set_by")?,
                            set_at: row.try_get("set_at")?,
                        })
                    })
                    .transpose()?;
                Ok(SharedBucket {
                    key: LimiterKey::try_from(row.try_get::<String, _>("limiter_key")?)
                        .map_err(StoreError::foreign)?,
                    malls: row.try_get("malls")?,
                    own_share,
                })
            })
            .collect()
    }

    /// The keys that leave another share of their bucket to others than the configured one.
    pub async fn reserves(&self) -> Result<BTreeMap<LimiterKey, Reserve>, StoreError> {
        let rows =
            sqlx::query("SELECT limiter_key, reserve FROM limiter_settings").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let key = LimiterKey::try_from(row.try_get::<String, _>(0)?).map_err(StoreError::foreign)?;
                let share = i64::from(row.try_get::<i16, _>(1)?);
                Ok((key, Reserve::try_from(share).map_err(StoreError::foreign)?))
            })
            .collect()
    }

    /// Leaves `share` of `key`'s bucket to others; `None`: as configured. `false`: it was so already.
    pub async fn set_reserve(
        &self,
        key: &LimiterKey,
        share: Option<Reserve>,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done =
            match share {
                Some(share) => sqlx::query(
                    "INSERT INTO limiter_settings AS l (limiter_key, reserve, set_by) VALUES ($1, $2, $3) \
                     ON CONFLICT (limiter_key) DO UPDATE SET reserve = $2, set_by = $3, set_at = now() \
                     WHERE l.reserve <> $2",
                )
                .bind(key.as_str())
                .bind(i16::from(share.percent()))
                .bind(actor)
                .execute(&mut *tx)
                .await?,
                None => {
                    sqlx::query("DELETE FROM limiter_settings WHERE limiter_key = $1")
                        .bind(key.as_str())
                        .execute(&mut *tx)
                        .await?
                }
            };
        let entry = AuditEntry {
            actor,
            action: "limits.set",
            mall: None,
            target: key.as_str(),
            plan: None,
            details: json!({ "reserve_percent": share.map(Reserve::percent) }),
        };
        commit_if_changed(tx, &done, &entry).await
    }

    /// The lanes that are not sent.
    pub async fn lane_pauses(&self) -> Result<Vec<LanePause>, StoreError> {
        let rows = sqlx::query("SELECT lane, reason, paused_by, since FROM lane_pauses ORDER BY lane DESC")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let lane: Lane = row.try_get::<&str, _>("lane")?.parse().map_err(StoreError::foreign)?;
                Ok(LanePause {
                    lane,
                    reason: row.try_get("reason")?,
                    paused_by: row.try_get("paused_by")?,
                    since: row.try_get("since")?,
                })
            })
            .collect()
    }

    /// Sends nothing of `lane` from now on. `false`: it was paused already.
    pub async fn pause_lane(&self, lane: Lane, reason: &str, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(
            "INSERT INTO lane_pauses (lane, reason, paused_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(lane.as_str())
        .bind(reason)
        .bind(actor)
        .execute(&mut *tx)
        .await?;
        let details = json!({ "reason": reason });
        commit_if_changed(tx, &done, &lane_entry(actor, "queue.pause", lane, details)).await
    }

    /// Sends `lane` again. `false`: it was not paused.
    pub async fn resume_lane(&self, lane: Lane, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query("DELETE FROM lane_pauses WHERE lane = $1")
            .bind(lane.as_str())
            .execute(&mut *tx)
            .await?;
        commit_if_changed(tx, &done, &lane_entry(actor, "queue.resume", lane, json!({}))).await
    }
}

fn lane_entry<'a>(
    actor: &'a str,
    action: &'static str,
    lane: Lane,
    details: serde_json::Value,
) -> AuditEntry<'a> {
    AuditEntry { actor, action, mall: None, target: lane.as_str(), plan: None, details }
}
