//! The sums of a slice's rows: what tells how far figures moved when they change.

use rust_decimal::Decimal;

use crate::domain::endpoint::{Column, Endpoint};
use crate::domain::metric::MetricRow;

/// Sums of the columns that an endpoint owns; a slice without rows has true zeros. A sum that does not fit its type is
/// unknown: the rows themselves are stored all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) impressions: Option<i64>,
    pub(super) clicks: Option<i64>,
    pub(super) conversions: Option<i64>,
    pub(super) conversion_value: Option<Decimal>,
}

impl Totals {
    pub(super) fn of(endpoint: Endpoint, rows: &[MetricRow]) -> Self {
        let owns = |column| endpoint.owns().contains(&column);
        let sum = |column, value: fn(&MetricRow) -> Option<i64>| {
            owns(column).then(|| rows.iter().filter_map(value).try_fold(0_i64, i64::checked_add)).flatten()
        };
        let mut amounts = rows.iter().filter_map(|row| row.values.conversion_value);
        Self {
            impressions: sum(Column::Impressions, |row| row.values.impressions),
            clicks: sum(Column::Clicks, |row| row.values.clicks),
            conversions: sum(Column::Conversions, |row| row.values.conversions),
            conversion_value: owns(Column::ConversionValue)
                .then(|| amounts.try_fold(Decimal::ZERO, Decimal::checked_add))
                .flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metric::Values;

    fn row(conversions: i64, value: &str) -> MetricRow {
        MetricRow {
            day: "2026-02-15".parse().expect("a day"),
            entity_id: "10".to_owned(),
            values: Values {
                conversions: Some(conversions),
                conversion_value: Some(value.parse().expect("a decimal")),
                ..Values::default()
            },
            label: None,
            extra: None,
        }
    }

    fn endpoint(name: &str) -> Endpoint {
        name.parse().expect("in the table")
    }

    #[test]
    fn an_endpoint_has_sums_of_its_own_columns_only() {
        let totals = Totals::of(endpoint("products"), &[row(2, "19800.50"), row(1, "0.25")]);
        let amount = "19800.75".parse().ok();
        assert_eq!((totals.conversions, totals.conversion_value), (Some(3), amount));
        assert_eq!((totals.impressions, totals.clicks), (None, None));
    }

    #[test]
    fn a_slice_without_rows_has_true_zeros() {
        let totals = Totals::of(endpoint("visitors"), &[]);
        assert_eq!((totals.impressions, totals.conversions), (Some(0), None));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_unknown_and_no_panic() {
        let totals = Totals::of(
            endpoint("products"),
            &[row(i64::MAX, "1"), row(1, &Decimal::MAX.to_string()), row(0, "1")],
        );
        assert_eq!((totals.conversions, totals.conversion_value), (None, None));
    }
}
