//! Rows that several endpoints of a batch write: visits and page views of a store, sales and cart adds of a product.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use futures::future::{BoxFuture, FutureExt};
use tokio_postgres::{Statement, Transaction};

use super::columns::{Group, Params, execute};
use super::{Kind, StoreError};
use crate::domain::calendar::Granularity;
use crate::domain::endpoint::EntityType;

/// The rows of one entity type that more than one endpoint of the batch writes, each once, in key order.
#[derive(Default)]
pub(super) struct SharedRows<'a> {
    entity: &'static str,
    mall_id: Vec<&'a str>,
    shop_no: Vec<i32>,
    date: Vec<NaiveDate>,
    entity_id: Vec<&'a str>,
}

impl<'a> SharedRows<'a> {
    /// By table and entity type. What a single endpoint writes needs none: its own statement takes rows in key order.
    pub(super) fn of(groups: &BTreeMap<Kind, Group<'a>>) -> BTreeMap<(Granularity, EntityType), Self> {
        let mut writers: BTreeMap<_, Vec<&Group<'a>>> = BTreeMap::new();
        for ((granularity, entity, _), group) in groups {
            writers.entry((*granularity, *entity)).or_default().push(group);
        }
        writers.retain(|_, groups| groups.len() > 1);
        writers.into_iter().map(|(table, groups)| (table, Self::all(table.1.as_str(), &groups))).collect()
    }

    fn all(entity: &'static str, groups: &[&Group<'a>]) -> Self {
        let keys: BTreeSet<_> = groups.iter().flat_map(|group| group.keys()).collect();
        let mut rows = Self { entity, ..Self::default() };
        for (mall_id, shop_no, date, entity_id) in keys {
            rows.mall_id.push(mall_id);
            rows.shop_no.push(shop_no);
            rows.date.push(date);
            rows.entity_id.push(entity_id);
        }
        rows
    }

    /// Takes them, before the first of their endpoints writes.
    pub(super) fn lock<'f>(
        &'f self,
        tx: &'f Transaction<'_>,
        statement: &'f Statement,
    ) -> BoxFuture<'f, Result<u64, StoreError>> {
        let params: Params<'f> =
            vec![&self.mall_id, &self.shop_no, &self.date, &self.entity_id, &self.entity];
        execute(tx, statement, params).boxed()
    }
}
