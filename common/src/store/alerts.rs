//! Alerts: what wants a person, one row a cause, and whether that was told.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::audit::{self, AuditEntry};
use super::error::StoreError;
use super::pool::{Control, Ledger};

/// Alerts shown that ended.
const ENDED_SHOWN: i64 = 50;

/// A cause as it stands in the tables (`sql/alert_findings.sql`).
#[derive(Debug, Clone)]
pub struct Finding {
    /// What kind of cause.
    pub kind: String,
    /// Tells causes of one kind apart.
    pub subject: String,
    /// Malls it concerns.
    pub malls: i64,
    /// The first of them; the endpoint, where it is about one.
    pub example: String,
    /// In words.
    pub detail: String,
}

/// A cause in the words in which it is told.
#[derive(Debug, Clone)]
pub struct Seen {
    /// See [`Finding::kind`].
    pub kind: String,
    /// See [`Finding::subject`].
    pub subject: String,
    /// See [`Finding::malls`].
    pub malls: i64,
    /// What it is.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// An alert that was opened or closed just now.
#[derive(Debug, Clone)]
pub struct AlertChange {
    /// What kind of cause.
    pub kind: String,
    /// What it is.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Opened, else closed.
    pub opened: bool,
}

/// A stored alert.
#[derive(Debug, Clone, Serialize)]
pub struct Alert {
    /// Names it.
    pub alert_id: i64,
    /// What kind of cause.
    pub kind: String,
    /// Malls it concerns.
    pub malls: i64,
    /// What it is.
    pub text: String,
    /// What to do.
    #[serde(rename = "do")]
    pub remedy: String,
    /// When it was first seen.
    pub opened_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
    /// When it was seen no more.
    pub closed_at: Option<DateTime<Utc>>,
    /// Nothing is sent before this time.
    pub silenced_until: Option<DateTime<Utc>>,
    /// When the webhook last took it.
    pub told_at: Option<DateTime<Utc>>,
    /// Failed sendings in a row.
    pub tries: i32,
}

impl Ledger {
    /// The API answered 429 for these malls.
    pub async fn report_throttled(&self, malls: &[&str]) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        let statement = client
            .prepare_cached(
                "INSERT INTO throttlings AS t (mall_id) SELECT unnest($1::text[]) ORDER BY 1 \
                 ON CONFLICT (mall_id) DO UPDATE SET answers = t.answers + 1, last_at = now()",
            )
            .await?;
        client.execute(&statement, &[&malls]).await?;
        Ok(())
    }
}

impl Control {
    /// What wants a person now. Dead letters count from `dead_minimum` an hour on, and above `dead_share` of all jobs.
    pub async fn alert_findings(
        &self,
        dead_minimum: i64,
        dead_share: f64,
    ) -> Result<Vec<Finding>, StoreError> {
        let rows = sqlx::query(include_str!("sql/alert_findings.sql"))
            .bind(dead_minimum)
            .bind(dead_share)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Finding {
                    kind: row.try_get("kind")?,
                    subject: row.try_get("subject")?,
                    malls: row.try_get("malls")?,
                    example: row.try_get::<Option<_>, _>("example")?.unwrap_or_default(),
                    detail: row.try_get::<Option<_>, _>("detail")?.unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Opens, renews and closes alerts, so that the open ones are `seen`. Returns what changed.
    pub async fn alerts_seen(&self, seen: &[Seen]) -> Result<Vec<AlertChange>, StoreError> {
        let text = |part: fn(&Seen) -> &str| seen.iter().map(part).collect::<Vec<_>>();
        let rows = sqlx::query(include_str!("sql/alerts_seen.sql"))
            .bind(text(|seen| &seen.kind))
            .bind(text(|seen| &seen.subject))
            .bind(seen.iter().map(|seen| seen.malls).collect::<Vec<_>>())
            .bind(text(|seen| &seen.text))
            .bind(text(|seen| &seen.remedy))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AlertChange {
                    kind: row.try_get("kind")?,
                    text: row.try_get("text")?,
                    remedy: row.try_get("remedy")?,
                    opened: row.try_get("opened")?,
                })
            })
            .collect()
    }

    /// The open alerts, oldest first; with `ended`, the newest that ended behind them.
    pub async fn alerts(&self, ended: bool) -> Result<Vec<Alert>, StoreError> {
        let rows = sqlx::query(
            "(SELECT * FROM alerts WHERE closed_at IS NULL ORDER BY alert_id) UNION ALL \
             (SELECT * FROM alerts WHERE closed_at IS NOT NULL AND $1 ORDER BY closed_at DESC LIMIT $2)",
        )
        .bind(ended)
        .bind(ENDED_SHOWN)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(alert).collect()
    }

    /// Takes the oldest alert that has to be told now; nobody else gets it for as long as `taken`.
    pub async fn take_due_alert(&self, taken: Duration) -> Result<Option<Alert>, StoreError> {
        let row = sqlx::query(include_str!("sql/alerts_due.sql"))
            .bind(taken.as_secs_f64())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(alert).transpose()
    }

    /// The webhook took `told`, as it was when it was read.
    pub async fn alert_told(&self, told: &Alert) -> Result<(), StoreError> {
        let column = if told.closed_at.is_none() { "told_at" } else { "end_told_at" };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE alerts SET {column} = now(), tries = 0, retry_at = now() WHERE alert_id = $1"
        )))
        .bind(told.alert_id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The webhook did not take it; it is told again after `wait`.
    pub async fn alert_not_told(&self, alert: &Alert, wait: Duration) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE alerts SET tries = tries + 1, retry_at = now() + make_interval(secs => $2) WHERE alert_id = $1",
        )
        .bind(alert.alert_id)
        .bind(wait.as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Sends nothing of an open alert until `until`. `None`: there is no such open alert.
    pub async fn silence_alert(
        &self,
        alert_id: i64,
        until: DateTime<Utc>,
        actor: &str,
    ) -> Result<Option<Alert>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(
            "UPDATE alerts SET silenced_until = $2 WHERE alert_id = $1 AND closed_at IS NULL RETURNING *",
        )
        .bind(alert_id)
        .bind(until)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let target = alert_id.to_string();
        let entry = AuditEntry {
            actor,
            action: "alerts.silence",
            mall: None,
            target: &target,
            plan: None,
            details: json!({ "until": until }),
        };
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Some(alert(&row)?))
    }
}

fn alert(row: &PgRow) -> Result<Alert, StoreError> {
    Ok(Alert {
        alert_id: row.try_get("alert_id")?,
        kind: row.try_get("kind")?,
        malls: row.try_get("malls")?,
        text: row.try_get("text")?,
        remedy: row.try_get("remedy")?,
        opened_at: row.try_get("opened_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        closed_at: row.try_get("closed_at")?,
        silenced_until: row.try_get("silenced_until")?,
        told_at: row.try_get("told_at")?,
        tries: row.try_get("tries")?,
    })
}
