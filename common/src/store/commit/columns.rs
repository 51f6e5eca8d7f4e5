//! A batch as columns: what `UNNEST` takes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use futures::future::{BoxFuture, FutureExt};
use rust_decimal::Decimal;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Statement, Transaction};
use uuid::Uuid;

use super::batch::{Outcome, Settlement};
use super::slices::Slice;
use super::{MetricStatements, StoreError};
use crate::domain::endpoint::{Endpoint, EntityType};
use crate::domain::extra::Extra;

/// The changed slices of one endpoint and granularity, as columns.
pub(super) struct Group<'a> {
    endpoint: Endpoint,
    entity: &'static str,
    /// Slices that replace stored ones: only these can have rows to clear.
    replaced: SliceColumns<'a>,
    mall_id: Vec<&'a str>,
    shop_no: Vec<i32>,
    date: Vec<NaiveDate>,
    entity_id: Vec<&'a str>,
    impressions: Vec<Option<i64>>,
    clicks: Vec<Option<i64>>,
    conversions: Vec<Option<i64>>,
    conversion_value: Vec<Option<Decimal>>,
    extra: Vec<Option<&'a str>>,
    labels: Vec<Option<&'a str>>,
}

#[derive(Default)]
struct SliceColumns<'a> {
    mall_id: Vec<&'a str>,
    shop_no: Vec<i32>,
    date: Vec<NaiveDate>,
}

impl<'a> Group<'a> {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            entity: endpoint.entity().as_str(),
            replaced: SliceColumns::default(),
            mall_id: Vec::new(),
            shop_no: Vec::new(),
            date: Vec::new(),
            entity_id: Vec::new(),
            impressions: Vec::new(),
            clicks: Vec::new(),
            conversions: Vec::new(),
            conversion_value: Vec::new(),
            extra: Vec::new(),
            labels: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.entity_id.len()
    }

    /// Keys of its rows, as the table's primary key has them but for the entity type.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'a str, i32, NaiveDate, &'a str)> {
        (0..self.rows())
            .map(|row| (self.mall_id[row], self.shop_no[row], self.date[row], self.entity_id[row]))
    }

    pub(super) fn add(&mut self, slice: &Slice<'a>, first: bool) {
        let job = &slice.fetched.job;
        if !first {
            self.replaced.mall_id.push(job.mall_id.as_str());
            self.replaced.shop_no.push(job.shop_no.get());
            self.replaced.date.push(slice.day);
        }
        for row in slice.rows {
            self.mall_id.push(job.mall_id.as_str());
            self.shop_no.push(job.shop_no.get());
            self.date.push(slice.day);
            self.entity_id.push(&row.entity_id);
            self.impressions.push(row.values.impressions);
            self.clicks.push(row.values.clicks);
            self.conversions.push(row.values.conversions);
            self.conversion_value.push(row.values.conversion_value);
            self.extra.push(row.extra.as_ref().map(Extra::as_str));
            self.labels.push(row.label.as_deref());
        }
    }

    pub(super) fn push_statements<'f>(
        &'f self,
        tx: &'f Transaction<'_>,
        statements: &'f MetricStatements,
        work: &mut Vec<BoxFuture<'f, Result<u64, StoreError>>>,
    ) {
        let replaced = &self.replaced;
        if !replaced.date.is_empty() {
            let params: Params<'f> = vec![
                &replaced.mall_id,
                &replaced.shop_no,
                &replaced.date,
                &self.entity,
                &self.mall_id,
                &self.shop_no,
                &self.date,
                &self.entity_id,
            ];
            work.push(execute(tx, &statements.clear, params).boxed());
            let params: Params<'f> = vec![&replaced.mall_id, &replaced.shop_no, &replaced.date, &self.entity];
            work.push(execute(tx, &statements.delete, params).boxed());
        }
        if !self.entity_id.is_empty() {
            let params: Params<'f> = vec![
                &self.mall_id,
                &self.shop_no,
                &self.date,
                &self.entity_id,
                &self.impressions,
                &self.clicks,
                &self.conversions,
                &self.conversion_value,
                &self.entity,
                &self.extra,
            ];
            work.push(execute(tx, &statements.upsert, params).boxed());
        }
    }
}

pub(super) type Params<'f> = Vec<&'f (dyn ToSql + Sync)>;

pub(super) async fn execute(
    tx: &Transaction<'_>,
    statement: &Statement,
    params: Params<'_>,
) -> Result<u64, StoreError> {
    Ok(tx.execute(statement, &params).await?)
}

/// The newest name of each product in the batch.
#[derive(Default)]
pub(super) struct ProductNames<'a> {
    mall_id: Vec<&'a str>,
    shop_no: Vec<i32>,
    product_no: Vec<&'a str>,
    name: Vec<&'a str>,
    day: Vec<NaiveDate>,
}

impl<'a> ProductNames<'a> {
    pub(super) fn of<'g>(groups: impl Iterator<Item = &'g Group<'a>>) -> Self
    where
        'a: 'g,
    {
        let mut newest: BTreeMap<(&str, i32, &str), (NaiveDate, &str)> = BTreeMap::new();
        for group in groups.filter(|group| group.endpoint.entity() == EntityType::Product) {
            for (index, label) in group.labels.iter().enumerate() {
                let Some(name) = *label else { continue };
                let key = (group.mall_id[index], group.shop_no[index], group.entity_id[index]);
                let entry = newest.entry(key).or_insert((group.date[index], name));
                if entry.0 <= group.date[index] {
                    *entry = (group.date[index], name);
                }
            }
        }
        let mut out = Self::default();
        for ((mall_id, shop_no, product_no), (day, name)) in newest {
            out.mall_id.push(mall_id);
            out.shop_no.push(shop_no);
            out.product_no.push(product_no);
            out.name.push(name);
            out.day.push(day);
        }
        out
    }

    pub(super) fn is_empty(&self) -> bool {
        self.product_no.is_empty()
    }

    pub(super) async fn write(&self, tx: &Transaction<'_>, statement: &Statement) -> Result<u64, StoreError> {
        Ok(tx
            .execute(statement, &[&self.mall_id, &self.shop_no, &self.product_no, &self.name, &self.day])
            .await?)
    }
}

/// Outcomes as columns of `settle_jobs.sql`.
#[derive(Default)]
pub(super) struct SettleColumns<'a> {
    job_id: Vec<Uuid>,
    fence: Vec<i64>,
    state: Vec<&'static str>,
    attempt: Vec<i32>,
    delay_ms: Vec<i64>,
    rows: Vec<Option<i32>>,
    pages: Vec<Option<i32>>,
    class: Vec<Option<&'static str>>,
    error: Vec<Option<&'a str>>,
    evidence: Vec<Option<&'a serde_json::Value>>,
}

impl<'a> SettleColumns<'a> {
    pub(super) fn of(settlements: &'a [Settlement]) -> Self {
        let mut out = Self::default();
        for Settlement { job_id, fence, outcome } in settlements {
            let (state, attempt, delay, done, failure) = match outcome {
                Outcome::Done { rows, pages } => ("done", false, Duration::ZERO, Some((*rows, *pages)), None),
                Outcome::Planned { attempt, delay, failure } => {
                    ("planned", *attempt, *delay, None, failure.as_ref())
                }
                Outcome::Failed(failure) => ("failed", true, Duration::ZERO, None, Some(failure)),
                Outcome::Parked(failure) => ("parked", false, Duration::ZERO, None, Some(failure)),
            };
            out.job_id.push(*job_id);
            out.fence.push(*fence);
            out.state.push(state);
            out.attempt.push(i32::from(attempt));
            out.delay_ms.push(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
            out.rows.push(done.map(|(rows, _)| i32::try_from(rows).unwrap_or(i32::MAX)));
            out.pages.push(done.map(|(_, pages)| i32::try_from(pages).unwrap_or(i32::MAX)));
            out.class.push(failure.map(|failure| failure.class.as_str()));
            out.error.push(failure.map(|failure| failure.text.as_str()));
            out.evidence.push(failure.and_then(|failure| failure.evidence.as_ref()));
        }
        out
    }

    pub(super) async fn write(&self, tx: &Transaction<'_>, statement: &Statement) -> Result<u64, StoreError> {
        Ok(tx
            .execute(
                statement,
                &[
                    &self.job_id,
                    &self.fence,
                    &self.state,
                    &self.attempt,
                    &self.delay_ms,
                    &self.rows,
                    &self.class,
                    &self.error,
                    &self.evidence,
                    &self.pages,
                ],
            )
            .await?)
    }
}
