//! How far figures moved after they were first seen.

use serde::Serialize;
use sqlx::Row;

use super::{Control, MallFilter, StoreError};
use crate::domain::calendar::DayRange;
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::MallId;

/// How far one figure of one endpoint moved after an age. Moves are shares of what was known at that age.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgeMove {
    /// The endpoint.
    pub endpoint: String,
    /// The column of `metrics_daily`; `None`: the endpoint has none.
    pub field: Option<String>,
    /// Age in days after the day's end.
    pub after_days: i32,
    /// Days that were fetched before that age and again after it.
    pub slices: i64,
    /// Of these, how many changed after it.
    pub changed: i64,
    /// Mean of how far a day's sum moved, up or down.
    pub mean_move: Option<f64>,
    /// The farthest.
    pub max_move: Option<f64>,
    /// How far the sum over all these days moved, with its sign.
    pub total_move: Option<f64>,
}

/// How much of a day's final figures partial fetches had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartialShare {
    /// The endpoint.
    pub endpoint: String,
    /// The column of `metrics_daily`.
    pub field: String,
    /// Whole hours from the day's beginning (KST).
    pub hour: i32,
    /// Partial figures that final ones replaced.
    pub versions: i64,
    /// Their mean share of the final sum.
    pub mean_share: f64,
}

impl Control {
    /// How far figures of `range` moved after 1, 2, 3 and 7 days (`sql/restatement_ages.sql`).
    pub async fn restatement_ages(
        &self,
        filter: &MallFilter,
        endpoints: &[Endpoint],
        range: DayRange,
    ) -> Result<Vec<AgeMove>, StoreError> {
        let malls: Vec<&str> = filter.malls.iter().map(MallId::as_str).collect();
        let endpoints: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.as_str()).collect();
        let rows = sqlx::query(include_str!("../sql/restatement_ages.sql"))
            .bind(&malls)
            .bind(filter.agency.as_deref())
            .bind(&endpoints)
            .bind(range.start())
            .bind(range.end())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AgeMove {
                    endpoint: row.try_get("endpoint")?,
                    field: row.try_get("field")?,
                    after_days: row.try_get("after_days")?,
                    slices: row.try_get("slices")?,
                    changed: row.try_get("changed")?,
                    mean_move: row.try_get("mean_move")?,
                    max_move: row.try_get("max_move")?,
                    total_move: row.try_get("total_move")?,
                })
            })
            .collect()
    }

    /// How much of the final figures partial ones had, by the hour, of all malls (view `partial_shares`).
    pub async fn partial_shares(&self) -> Result<Vec<PartialShare>, StoreError> {
        let rows = sqlx::query(
            "SELECT endpoint, field, hour, versions, mean_share::float8 AS mean_share FROM partial_shares \
             ORDER BY endpoint, field, hour",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(PartialShare {
                    endpoint: row.try_get("endpoint")?,
                    field: row.try_get("field")?,
                    hour: row.try_get("hour")?,
                    versions: row.try_get("versions")?,
                    mean_share: row.try_get("mean_share")?,
                })
            })
            .collect()
    }
}
