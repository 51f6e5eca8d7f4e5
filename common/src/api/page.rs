//! The rows of one answer, in order, each entity once.

use super::violation::Violation;
use crate::domain::metric::MetricRow;

/// What one request brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Sorted by (day, entity id), no pair twice. Empty is a true zero.
    pub rows: Vec<MetricRow>,
    /// Characters that Postgres could not keep (NUL, lone surrogates, bytes that are no UTF-8) and that became U+FFFD.
    pub replaced_nuls: u64,
    /// Rows whose figures do not make the sum that they should; they are kept as they came.
    pub sums_off: u64,
    /// Fields that nobody knows and that were not kept either: too many, too long, no scalars, or secrets.
    pub extra_left_out: u64,
    /// Rows of the answer as they came, before equal ones became one.
    pub count: usize,
    /// The first and the last row as they came.
    pub ends: Option<Box<(MetricRow, MetricRow)>>,
}

/// A row and its place in the answer.
pub(super) type PlacedRow = (MetricRow, usize);

/// The first and the last of the rows as they came.
pub(super) fn ends(placed: &[PlacedRow]) -> Option<Box<(MetricRow, MetricRow)>> {
    let ((first, _), (last, _)) = placed.first().zip(placed.last())?;
    Some(Box::new((first.clone(), last.clone())))
}

/// Sorts; of rows with the same key and the same values the first stays; with different values there is no truth.
pub(super) fn settle(mut placed: Vec<PlacedRow>, wrapper: &str) -> Result<Vec<MetricRow>, Violation> {
    placed.sort_by(|(a, _), (b, _)| (a.day, &a.entity_id).cmp(&(b.day, &b.entity_id)));
    for pair in placed.windows(2) {
        let [(first, at), (second, again)] = pair else { continue };
        if (first.day, &first.entity_id) == (second.day, &second.entity_id) && first.values != second.values {
            let (day, id) = (first.day, &first.entity_id);
            let problem = format!("{day} {id:?} stands here and at [{at}] with different values");
            return Err(Violation { path: format!("$.{wrapper}[{again}]"), problem });
        }
    }
    placed
        .dedup_by(|(second, _), (first, _)| (second.day, &second.entity_id) == (first.day, &first.entity_id));
    Ok(placed.into_iter().map(|(row, _)| row).collect())
}
