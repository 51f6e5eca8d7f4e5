//! What may be told of stored pairs: for operators, for the keep-alive, for the gauges.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::domain::ids::MallId;
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// A stored pair, without its tokens. What an older version did not tell in clear is `None`.
#[derive(Debug, Clone, Serialize)]
pub struct TokenRow {
    /// The mall.
    pub mall_id: MallId,
    /// Its agency.
    pub agency_id: String,
    /// The app that it has consented to; `None`: that of the configuration.
    pub app_id: Option<String>,
    /// What the connection may do now.
    pub state: String,
    /// Rises with each pair.
    pub version: i64,
    /// Which master key sealed it.
    pub key_id: Option<String>,
    /// What the mall has consented to.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub issued_at: Option<DateTime<Utc>>,
    /// When its access token ends.
    pub access_expires_at: Option<DateTime<Utc>>,
    /// When its refresh token ends.
    pub refresh_expires_at: Option<DateTime<Utc>>,
}

/// A pair that is old enough to be renewed although nobody uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueToken {
    /// The mall.
    pub mall_id: MallId,
    /// The version to renew.
    pub version: i64,
}

impl Control {
    /// All stored pairs, those that end first before the others; `within`: only those that end so soon.
    pub async fn tokens(&self, within: Option<Duration>) -> Result<Vec<TokenRow>, StoreError> {
        let rows = sqlx::query(include_str!("../sql/list_tokens.sql"))
            .bind(within.map(|within| within.as_secs_f64()))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(row).collect()
    }

    /// Pairs older than `age`, by mall after `after`, at most `limit`. Malls that wait for a consent are left out: their
    /// token is dead. A pair that an older version stored counts as old: renewed, it is told of in clear.
    pub async fn due_tokens(
        &self,
        age: Duration,
        after: &str,
        limit: i64,
    ) -> Result<Vec<DueToken>, StoreError> {
        let before = crate::clock::now() - TimeDelta::from_std(age).unwrap_or(TimeDelta::days(7));
        let rows = sqlx::query(include_str!("../sql/due_tokens.sql"))
            .bind(before)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok(DueToken { mall_id: mall(row)?, version: row.try_get("token_version")? }))
            .collect()
    }

    /// How many refresh tokens that still live end within each of `spans`.
    pub async fn expiring_tokens(&self, spans: [Duration; 3]) -> Result<[i64; 3], StoreError> {
        let [a, b, c] = spans.map(|span| span.as_secs_f64());
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE refresh_expires_at < now() + make_interval(secs => $1)), \
                    count(*) FILTER (WHERE refresh_expires_at < now() + make_interval(secs => $2)), \
                    count(*) FILTER (WHERE refresh_expires_at < now() + make_interval(secs => $3)) \
               FROM connectors WHERE refresh_expires_at > now()",
        )
        .bind(a)
        .bind(b)
        .bind(c)
        .fetch_one(&self.pool)
        .await?;
        Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?])
    }
}

fn mall(row: &PgRow) -> Result<MallId, StoreError> {
    MallId::try_from(row.try_get::<String, _>("mall_id")?).map_err(StoreError::foreign)
}

fn row(row: &PgRow) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        mall_id: mall(row)?,
        agency_id: row.try_get("agency_id")?,
        app_id: row.try_get("app_id")?,
        state: row.try_get("state")?,
        version: row.try_get("token_version")?,
        key_id: row.try_get("key_id")?,
        scopes: row.try_get("token_scopes")?,
        issued_at: row.try_get("token_issued_at")?,
        access_expires_at: row.try_get("access_expires_at")?,
        refresh_expires_at: row.try_get("refresh_expires_at")?,
    })
}
