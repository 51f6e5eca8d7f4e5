//! A wish for exactly the gaps: what is wanted of malls, not complete, and in no live job.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{PgTransaction, Row};

use super::{PlanCounts, PlannedChunk, ShopToPlan, StoreError};

/// What is asked for of an endpoint.
struct Stretch {
    first: NaiveDate,
    last: NaiveDate,
    /// Days in a request, at most.
    longest: i32,
}

/// Puts the wanted slices of `shops` within `chunks` into `plan_slices`. The chunks of an endpoint, which follow one another,
/// say which days of it, and the longest how many days a request may ask for.
pub(super) async fn collect(
    tx: &mut PgTransaction<'_>,
    failed: bool,
    shops: &[ShopToPlan],
    chunks: &[PlannedChunk],
) -> Result<(), StoreError> {
    let keys: BTreeMap<&str, &str> =
        shops.iter().map(|shop| (shop.mall_id.as_str(), shop.limiter_key.as_str())).collect();
    let mut asked: BTreeMap<&str, Stretch> = BTreeMap::new();
    for chunk in chunks {
        let (first, last) = (chunk.range.start(), chunk.range.end());
        let longest = i32::try_from(chunk.range.days()).unwrap_or(i32::MAX);
        asked
            .entry(chunk.endpoint.as_str())
            .and_modify(|known| {
                known.first = known.first.min(first);
                known.last = known.last.max(last);
                known.longest = known.longest.max(longest);
            })
            .or_insert(Stretch { first, last, longest });
    }
    sqlx::query(include_str!("../sql/plan_gaps.sql"))
        .bind(keys.keys().copied().collect::<Vec<_>>())
        .bind(keys.values().copied().collect::<Vec<_>>())
        .bind(asked.keys().copied().collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.longest).collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.first).collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.last).collect::<Vec<_>>())
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
