//! The dialect of the specification, `docs/cafe24-analytics-api.md`: what its endpoints have in common.

use super::grammar::Grammar;
use super::wire::Wire;
use crate::domain::calendar::Granularity;

/// Longest range of a request: a month.
const MAX_DAYS: u32 = 31;

/// The mall in the path, camelCase parameters, a pinned schema version, whole answers.
pub(super) static GRAMMAR: Grammar = Grammar {
    scope: "mall.analytics",
    version: Some("2024-06-01"),
    headers: &[],
    mall_param: None,
    shop_param: None,
    start_param: "startDate",
    end_param: "endDate",
    granularity_param: Some("dateType"),
    granularities: &Granularity::ALL,
    paging: None,
    params: &[],
};

/// One row for each day and entity, under `data`.
pub(super) const ROWS: Wire = Wire { wrapper: "data", max_days: MAX_DAYS, ..Wire::BARE };
