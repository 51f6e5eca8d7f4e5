//! The dialect of real malls, `docs/live-api.md` §1 and §2: what its endpoints have in common.

use super::grammar::{Grammar, Paging};
use super::wire::{Grain, Wire};
use crate::domain::calendar::Granularity;

/// Longest range of a request for rows by day. The server refuses more than about a year.
const MAX_DAYS: u32 = 90;

/// The mall and the shop in the query, no version header, pages of at most a thousand rows, days only.
///
/// A request without a body needs no `Content-Type`; the documentation names it for each one all the same, and Cafe24's other
/// host answers 400 where it does not like it.
/// Pages are cut on a stable key (`sort` of each endpoint), not on the default figure: today's figures move while we page.
pub(super) static GRAMMAR: Grammar = Grammar {
    scope: "mall.read_analytics",
    version: None,
    headers: &[("Content-Type", "application/json")],
    mall_param: Some("mall_id"),
    shop_param: Some("shop_no"),
    start_param: "start_date",
    end_param: "end_date",
    granularity_param: None,
    granularities: &[Granularity::Day],
    paging: Some(Paging { limit_param: "limit", offset_param: "offset", size: 1_000 }),
    params: &[("device_type", "total")],
};

/// One row a day.
pub(super) const DAY_ROWS: Wire = Wire {
    params: &[("format_type", "day"), ("sort", "date"), ("order", "asc")],
    max_days: MAX_DAYS,
    ..Wire::BARE
};

/// One row an entity, summed over the range.
pub(super) const RANGE: Wire = Wire { params: &[], grain: Grain::RangeAggregate, max_days: 1, ..DAY_ROWS };
