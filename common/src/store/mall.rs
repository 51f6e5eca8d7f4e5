//! One mall in detail, for a person.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::Row;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::MallId;

/// What is there of an endpoint of a shop, in days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// The shop.
    pub shop_no: i32,
    /// The endpoint.
    pub endpoint: String,
    /// The first day that is wanted; `None`: nothing yet.
    pub wanted_from: Option<NaiveDate>,
    /// The last complete day.
    pub complete_through: Option<NaiveDate>,
    /// Wanted days up to yesterday that are missing or partial.
    pub gaps: i64,
    /// What is there of today: `today_partial` or `not_yet`; `None`: it is not wanted.
    pub today_state: Option<String>,
}

/// A pause of a whole mall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MallPause {
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// One mall in detail.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MallDetails {
    /// When a pause of the whole mall ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    /// By shop and endpoint.
    pub coverage: Vec<Edges>,
    /// Live jobs by state: planned, waiting (for its time), queued, running, parked.
    pub jobs: BTreeMap<String, i64>,
    /// Open dead letters by class.
    pub dead: BTreeMap<String, i64>,
}

impl Control {
    /// The pause of a whole mall: why, and when it ends by itself. `None`: it is not paused.
    pub async fn mall_pause(&self, mall: &MallId) -> Result<Option<MallPause>, StoreError> {
        let sql = "SELECT state_reason, paused_until FROM connectors WHERE mall_id = $1 AND state = 'paused'";
        let row = sqlx::query(sql).bind(mall.as_str()).fetch_optional(&self.pool).await?;
        row.map(|row| {
            Ok(MallPause { reason: row.try_get("state_reason")?, until: row.try_get("paused_until")? })
        })
        .transpose()
    }

    /// What a person asks about one mall beyond its connection; empty for a mall that is not there.
    pub async fn mall_details(&self, mall: &MallId) -> Result<MallDetails, StoreError> {
        let mut tx = self.pool.begin().await?;
        let paused =
            sqlx::query("SELECT paused_until FROM connectors WHERE mall_id = $1 AND state = 'paused'")
                .bind(mall.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let edges = sqlx::query(include_str!("sql/mall_coverage.sql"))
            .bind(mall.as_str())
            .fetch_all(&mut *tx)
            .await?;
        let jobs = sqlx::query(
            "SELECT CASE WHEN work_state = 'planned' AND not_before > now() THEN 'waiting' ELSE work_state END, count(*) \
             FROM jobs WHERE mall_id = $1 AND work_state IN ('planned', 'queued', 'running', 'parked') GROUP BY 1",
        )
        .bind(mall.as_str())
        .fetch_all(&mut *tx)
        .await?;
        let dead = sqlx::query(
            "SELECT class, count(*) FROM dead_letters WHERE mall_id = $1 AND state = 'open' GROUP BY class",
        )
        .bind(mall.as_str())
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let counts = |rows: &[sqlx::postgres::PgRow]| {
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, StoreError>>()
        };
        Ok(MallDetails {
            paused_until: paused.map(|row| row.try_get(0)).transpose()?.flatten(),
            coverage: edges
                .iter()
                .map(|row| {
                    Ok(Edges {
                        shop_no: row.try_get("shop_no")?,
                        endpoint: row.try_get("endpoint")?,
                        wanted_from: row.try_get("wanted_from")?,
                        complete_through: row.try_get("complete_through")?,
                        gaps: row.try_get("gaps")?,
                        today_state: row.try_get("today_state")?,
                    })
                })
                .collect::<Result<_, StoreError>>()?,
            jobs: counts(&jobs)?,
            dead: counts(&dead)?,
        })
    }
}
