//! A wish for exactly the gaps: what is wanted of malls, not complete, and in no live job.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{PgTransaction, Row};

use super::{PlanCounts, PlannedChunk, ShopToPlan, StoreError};

/// Puts the wanted slices of `shops` within `chunks` into `plan_slices`. The chunks say which endpoints and days, and by
/// the longest of an endpoint how many days a request of it may ask for.
pub(super) async fn collect(
    tx: &mut PgTransaction<'_>,
    failed: bool,
    shops: &[ShopToPlan],
    chunks: &[PlannedChunk],
) -> Result<(), StoreError> {
    let keys: BTreeMap<&str, &str> =
        shops.iter().map(|shop| (shop.mall_id.as_str(), shop.limiter_key.as_str())).collect();
    let mut longest: BTreeMap<&str, i32> = BTreeMap::new();
    for chunk in chunks {
        let days = i32::try_from(chunk.range.days()).unwrap_or(i32::MAX);
        let known = longest.entry(chunk.endpoint.as_str()).or_default();
        *known = days.max(*known);
    }
    let first: Option<NaiveDate> = chunks.iter().map(|chunk| chunk.range.start()).min();
    let last: Option<NaiveDate> = chunks.iter().map(|chunk| chunk.range.end()).max();
    sqlx::query(include_str!("../sql/plan_gaps.sql"))
        .bind(keys.keys().copied().collect::<Vec<_>>())
        .bind(keys.values().copied().collect::<Vec<_>>())
        .bind(longest.keys().copied().collect::<Vec<_>>())
        .bind(longest.values().copied().collect::<Vec<_>>())
        .bind(first)
        .bind(last)
        .bind(failed)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// `counts` with what failed counted apart: to planning it is like what is in work already.
pub(super) async fn without_failed(
    tx: &mut PgTransaction<'_>,
    counts: PlanCounts,
) -> Result<PlanCounts, StoreError> {
    let row = sqlx::query("SELECT count(*) FROM plan_slices WHERE failed").fetch_one(&mut **tx).await?;
    let failed: i64 = row.try_get(0)?;
    Ok(PlanCounts { in_work: counts.in_work - failed, failed, ..counts })
}
