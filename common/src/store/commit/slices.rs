//! The slices of a batch, and which of them are newer than what is stored.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use tokio_postgres::{Statement, Transaction};

use super::batch::{Batch, Fetched};
use super::totals::Totals;
use crate::domain::calendar::Granularity;
use crate::domain::chunk::periods;
use crate::domain::endpoint::Endpoint;
use crate::domain::metric::{MetricRow, slice_checksum};
use crate::store::error::StoreError;

pub(super) type Key = (String, i32, &'static str, &'static str, NaiveDate);

/// One slice of a batch, with its rows.
pub(super) struct Slice<'a> {
    pub(super) fetched: &'a Fetched,
    pub(super) day: NaiveDate,
    pub(super) rows: &'a [MetricRow],
}

impl Slice<'_> {
    fn is_final(&self) -> bool {
        let Fetched { job, asked_at, settle, moved, .. } = self.fetched;
        !moved && settle.is_final(job.granularity, self.day, *asked_at)
    }
}

/// The batch's slices by key; a period without rows is a slice too.
pub(super) fn slices(batch: &Batch) -> BTreeMap<Key, Slice<'_>> {
    let mut out = BTreeMap::new();
    for fetched in &batch.fetched {
        let job = &fetched.job;
        for day in periods(job.chunk, job.granularity) {
            let from = fetched.rows.partition_point(|row| row.day < day);
            let to = fetched.rows.partition_point(|row| row.day <= day);
            let key = (
                job.mall_id.to_string(),
                job.shop_no.get(),
                job.endpoint.as_str(),
                job.granularity.as_str(),
                day,
            );
            out.insert(key, Slice { fetched, day, rows: &fetched.rows[from..to] });
        }
    }
    out
}

pub(super) struct Won {
    pub(super) key: Key,
    pub(super) changed: bool,
    pub(super) first: bool,
}

pub(super) async fn win(
    tx: &Transaction<'_>,
    statement: &Statement,
    slices: &BTreeMap<Key, Slice<'_>>,
) -> Result<Vec<Won>, StoreError> {
    if slices.is_empty() {
        return Ok(Vec::new());
    }
    let column = |part: fn(&Slice<'_>) -> i64| slices.values().map(part).collect::<Vec<_>>();
    let malls: Vec<_> = slices.keys().map(|key| key.0.as_str()).collect();
    let shops: Vec<_> = slices.keys().map(|key| key.1).collect();
    let endpoints: Vec<_> = slices.keys().map(|key| key.2).collect();
    let granularities: Vec<_> = slices.keys().map(|key| key.3).collect();
    let days: Vec<_> = slices.keys().map(|key| key.4).collect();
    let jobs: Vec<_> = slices.values().map(|slice| slice.fetched.job.id).collect();
    let rows: Vec<_> =
        slices.values().map(|slice| i32::try_from(slice.rows.len()).unwrap_or(i32::MAX)).collect();
    let partial: Vec<_> = slices.values().map(|slice| !slice.is_final()).collect();
    let (fences, checksums) =
        (column(|slice| slice.fetched.fence), column(|slice| slice_checksum(slice.rows)));
    let totals: Vec<_> =
        slices.values().map(|slice| Totals::of(slice.fetched.job.endpoint, slice.rows)).collect();
    let impressions: Vec<_> = totals.iter().map(|totals| totals.impressions).collect();
    let clicks: Vec<_> = totals.iter().map(|totals| totals.clicks).collect();
    let conversions: Vec<_> = totals.iter().map(|totals| totals.conversions).collect();
    let values: Vec<_> = totals.iter().map(|totals| totals.conversion_value).collect();
    let answer = tx
        .query(
            statement,
            &[
                &malls,
                &shops,
                &endpoints,
                &granularities,
                &days,
                &fences,
                &jobs,
                &rows,
                &checksums,
                &partial,
                &impressions,
                &clicks,
                &conversions,
                &values,
            ],
        )
        .await?;
    answer
        .iter()
        .map(|row| {
            let endpoint: Endpoint =
                row.try_get::<_, &str>("endpoint")?.parse().map_err(StoreError::foreign)?;
            let granularity: Granularity =
                row.try_get::<_, &str>("granularity")?.parse().map_err(StoreError::foreign)?;
            Ok(Won {
                key: (
                    row.try_get("mall_id")?,
                    row.try_get("shop_no")?,
                    endpoint.as_str(),
                    granularity.as_str(),
                    row.try_get("date")?,
                ),
                changed: row.try_get("changed")?,
                first: row.try_get("first")?,
            })
        })
        .collect()
}
