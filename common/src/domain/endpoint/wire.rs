//! The columns of the endpoint table: how one endpoint looks in one dialect.

use super::column::Column;

/// How one endpoint looks in one dialect. What the engine needs, and no more (`docs/live-api.md` §8.1).
#[derive(Debug)]
pub struct Wire {
    /// Path under the base URL; `{mall_id}` is filled in.
    pub path: &'static str,
    /// Parameters of this endpoint beside those of the dialect.
    pub params: &'static [(&'static str, &'static str)],
    /// The key under which the rows stand. A body without it is a contract violation, never "no rows".
    pub wrapper: &'static str,
    /// Whether the rows have days.
    pub grain: Grain,
    /// Longest range of one request in days.
    pub max_days: u32,
    /// The field that becomes `entity_id`; none for the store.
    pub entity_field: Option<&'static str>,
    /// Values of the entity field that stand for something else, and what for. The text itself is kept in `extra`.
    pub aliases: &'static [(&'static str, &'static str)],
    /// The field with a human name of the entity.
    pub label_field: Option<&'static str>,
    /// The fields that become columns.
    pub metrics: &'static [MetricField],
    /// The counts that are kept in `extra`.
    pub extra: &'static [ExtraField],
    /// Fields that are not kept: what can be computed, and must not be added up.
    pub left_out: &'static [&'static str],
    /// A sum that should hold in every row; one that does not is counted and said, not refused.
    pub sum: Option<Sum>,
}

impl Wire {
    /// Rows by date with nothing said of them yet: what the dialects begin from.
    pub(super) const BARE: Self = Self {
        path: "",
        params: &[],
        wrapper: "",
        grain: Grain::DayRows { date_field: "date" },
        max_days: 1,
        entity_field: None,
        aliases: &[],
        label_field: None,
        metrics: &[],
        extra: &[],
        left_out: &[],
        sum: None,
    };
}

/// Whether a row says of which day it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A row a day (or week, or month), named by this field.
    DayRows {
        /// The field with the row's day.
        date_field: &'static str,
    },
    /// A row an entity for the whole range, without a day: only a range of one day can be stored.
    RangeAggregate,
}

/// A field of an API row that becomes a column. Required, and never negative.
#[derive(Debug)]
pub struct MetricField {
    /// The field's name on the wire.
    pub name: &'static str,
    /// Where it goes.
    pub column: Column,
}

/// A count of an API row that has no column. Never negative.
#[derive(Debug)]
pub struct ExtraField {
    /// The field's name, on the wire and in `extra`.
    pub name: &'static str,
    /// Whether a row must have it.
    pub required: bool,
}

/// `whole` should be what its parts make together.
#[derive(Debug)]
pub struct Sum {
    /// The field with the sum.
    pub whole: &'static str,
    /// The fields that make it.
    pub parts: &'static [&'static str],
}

/// A metric field of the table.
pub(super) const fn metric(name: &'static str, column: Column) -> MetricField {
    MetricField { name, column }
}

/// An extra field that a row must have.
pub(super) const fn must(name: &'static str) -> ExtraField {
    ExtraField { name, required: true }
}

/// An extra field that a row may have.
pub(super) const fn may(name: &'static str) -> ExtraField {
    ExtraField { name, required: false }
}
