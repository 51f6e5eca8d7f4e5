//! Rows as they are stored, and the checksum that tells whether a slice changed.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use xxhash_rust::xxh3::Xxh3;

use super::endpoint::Column;
use super::extra::Extra;

/// The value columns of one row; an endpoint fills only the columns it owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Values {
    /// See [`Column::Impressions`].
    pub impressions: Option<i64>,
    /// See [`Column::Clicks`].
    pub clicks: Option<i64>,
    /// See [`Column::Conversions`].
    pub conversions: Option<i64>,
    /// See [`Column::ConversionValue`]; in the shop's own currency, which the API does not tell. A decimal, never a float.
    pub conversion_value: Option<Decimal>,
}

impl Values {
    /// Sets a counting column. [`Column::ConversionValue`] takes the count as a whole amount.
    pub fn set_count(&mut self, column: Column, count: i64) {
        match column {
            Column::Impressions => self.impressions = Some(count),
            Column::Clicks => self.clicks = Some(count),
            Column::Conversions => self.conversions = Some(count),
            Column::ConversionValue => self.conversion_value = Some(Decimal::from(count)),
        }
    }
}

/// One row of an answer, mapped: what an endpoint says of one entity on one day (or week, or month).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricRow {
    /// The KST day, or the first day of the week or month.
    pub day: NaiveDate,
    /// The mall's id, a product number, a domain, a keyword or an ad: see [`EntityType`](super::endpoint::EntityType).
    pub entity_id: String,
    /// The endpoint's columns.
    pub values: Values,
    /// The entity's name as people know it, where the endpoint tells.
    pub label: Option<String>,
    /// What has no column of its own: counts and fields of the endpoint, bounded ([`Extra`]).
    pub extra: Option<Extra>,
}

/// A checksum of the rows of one slice, which must be sorted by entity id.
///
/// Two fetches with the same figures have the same checksum, so the second writes no metric row. 64 bits of XXH3:
/// a collision would hide one restatement in 2⁶⁴. Decimals are normalised first (`1.50` = `1.5`).
pub fn slice_checksum<'a>(rows: impl IntoIterator<Item = &'a MetricRow>) -> i64 {
    let mut hash = Xxh3::new();
    for row in rows {
        write_text(&mut hash, &row.entity_id);
        for count in [row.values.impressions, row.values.clicks, row.values.conversions] {
            write_option(&mut hash, count.map(i64::to_le_bytes));
        }
        write_option(&mut hash, row.values.conversion_value.map(|value| value.normalize().serialize()));
        match &row.label {
            Some(label) => write_text(&mut hash, label),
            None => hash.update(&[0]),
        }
        if let Some(extra) = &row.extra {
            // No text is that long, so this is not the beginning of the next row; without `extra` nothing is added, and
            // what was stored before there was any still has its checksum.
            hash.update(&u64::MAX.to_le_bytes());
            write_text(&mut hash, extra.as_str());
        }
    }
    hash.digest().cast_signed()
}

fn write_text(hash: &mut Xxh3, text: &str) {
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

fn write_option<const N: usize>(hash: &mut Xxh3, bytes: Option<[u8; N]>) {
    match bytes {
        Some(bytes) => {
            hash.update(&[1]);
            hash.update(&bytes);
        }
        None => hash.update(&[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::extra::Extras;

    /// Of two rows without extra fields, as the first version stored it.
    const KNOWN: i64 = 2_247_896_554_460_926_978;

    fn row(id: &str, clicks: i64) -> MetricRow {
        MetricRow {
            day: NaiveDate::default(),
            entity_id: id.to_owned(),
            values: Values { clicks: Some(clicks), ..Values::default() },
            label: None,
            extra: None,
        }
    }

    #[test]
    fn a_changed_figure_a_new_row_and_a_moved_boundary_change_the_checksum() {
        let base = slice_checksum(&[row("a", 1), row("b", 2)]);
        assert_eq!(base, slice_checksum(&[row("a", 1), row("b", 2)]));
        assert_ne!(base, slice_checksum(&[row("a", 1), row("b", 3)]));
        assert_ne!(base, slice_checksum(&[row("a", 1)]));
        assert_ne!(slice_checksum(&[row("ab", 1)]), slice_checksum(&[row("a", 1), row("b", 1)]));
    }

    #[test]
    fn extra_fields_count_and_their_absence_leaves_checksums_as_they_were() {
        // Another value here would make every stored slice look restated.
        assert_eq!(slice_checksum(&[row("a", 1), row("b", 2)]), KNOWN);
        let with = |count: i64| {
            let mut extras = Extras::default();
            extras.keep_count("first_visit_count", count);
            MetricRow { extra: extras.finish().0, ..row("a", 1) }
        };
        assert_ne!(slice_checksum(&[with(1)]), slice_checksum(&[row("a", 1)]));
        assert_ne!(slice_checksum(&[with(1)]), slice_checksum(&[with(2)]));
        let of_first = [with(1), row("b", 2)];
        let of_second = [row("a", 1), MetricRow { entity_id: "b".to_owned(), ..with(1) }];
        assert_ne!(slice_checksum(&of_first), slice_checksum(&of_second));
    }

    #[test]
    fn trailing_zeros_of_an_amount_are_no_change() {
        let with = |amount: &str| {
            let mut row = row("a", 1);
            row.values.conversion_value = Some(amount.parse().expect("a decimal"));
            slice_checksum(&[row])
        };
        assert_eq!(with("1.50"), with("1.5"));
    }
}
