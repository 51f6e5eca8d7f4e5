//! What operators set of budgets: the share of a bucket that is left to others.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::Row;

use super::audit::{AuditEntry, commit_if_changed};
use super::error::StoreError;
use super::pool::Control;
use crate::domain::bucket::Reserve;
use crate::domain::ids::{LimiterKey, MallId};

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
}
