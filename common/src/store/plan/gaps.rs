//! A wish for exactly the gaps: what is wanted of malls, not complete, and in no live job.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgTransaction;

use super::{PlannedChunk, ShopToPlan, StoreError, Wish, malls};

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
    wish: Wish,
    shops: &[ShopToPlan],
    chunks: &[PlannedChunk],
) -> Result<(), StoreError> {
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
        .bind(malls(shops))
        .bind(shops.iter().map(|shop| shop.limiter_key.as_str()).collect::<Vec<_>>())
        .bind(asked.keys().copied().collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.longest).collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.first).collect::<Vec<_>>())
        .bind(asked.values().map(|stretch| stretch.last).collect::<Vec<_>>())
        .bind(wish.leaves_failed())
        .bind(shops.iter().map(|shop| shop.shop_no.get()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
