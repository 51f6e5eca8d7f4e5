//! Who did what by hand: one row for each call that changes more than its own wish.
//!
//! An entry is written in the transaction of its effect ([`record`]), so that neither can be there without the other.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::PgQueryResult;
use sqlx::{PgConnection, Postgres, Row, Transaction};

use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::MallId;

/// What was done, by whom, on what. Never carries a secret.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// Who: `login@host` of the command line, or the part of the daemon (`daemon:tokens`).
    pub actor: &'a str,
    /// `noun.verb`, as on the command line: `dead.purge`.
    pub action: &'static str,
    /// The mall, if it was about one.
    pub mall: Option<&'a MallId>,
    /// On what: an id, a filter, a key id.
    pub target: &'a str,
    /// The plan that was shown and confirmed.
    pub plan: Option<&'a str>,
    /// Counts and reasons.
    pub details: serde_json::Value,
}

/// A written entry.
#[derive(Debug, Clone, Serialize)]
pub struct Audited {
    /// Order of writing.
    pub entry_id: i64,
    /// When the transaction of the effect began.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The mall, if it was about one.
    pub mall_id: Option<String>,
    /// On what.
    pub target: String,
    /// The plan that was confirmed.
    pub plan_id: Option<String>,
    /// Counts and reasons.
    pub details: serde_json::Value,
}

/// Writes `entry` in the transaction of its effect.
pub(super) async fn record(tx: &mut PgConnection, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_log (actor, action, mall_id, target, plan_id, details) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.mall.map(MallId::as_str))
    .bind(entry.target)
    .bind(entry.plan)
    .bind(&entry.details)
    .execute(tx)
    .await?;
    Ok(())
}

/// Commits `tx` with `entry`, if the statement that is the effect changed something. `false`: it did not, and nothing is kept.
pub(super) async fn commit_if_changed(
    mut tx: Transaction<'static, Postgres>,
    done: &PgQueryResult,
    entry: &AuditEntry<'_>,
) -> Result<bool, StoreError> {
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(true)
}

impl Control {
    /// Writes an entry of its own, for an effect that lies outside Postgres (a revoked token, a refused callback).
    pub async fn audit(&self, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        record(&mut connection, entry).await
    }

    /// A mall's newest entries, newest first; `None` for those of all malls and of none.
    pub async fn audit_log(&self, mall: Option<&MallId>, limit: i64) -> Result<Vec<Audited>, StoreError> {
        let rows = sqlx::query(
            "SELECT entry_id, at, actor, action, mall_id, target, plan_id, details FROM audit_log \
             WHERE $1::text IS NULL OR mall_id = $1 ORDER BY entry_id DESC LIMIT $2",
        )
        .bind(mall.map(MallId::as_str))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Audited {
                    entry_id: row.try_get("entry_id")?,
                    at: row.try_get("at")?,
                    actor: row.try_get("actor")?,
                    action: row.try_get("action")?,
                    mall_id: row.try_get("mall_id")?,
                    target: row.try_get("target")?,
                    plan_id: row.try_get("plan_id")?,
                    details: row.try_get("details")?,
                })
            })
            .collect()
    }
}
