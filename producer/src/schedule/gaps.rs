//! Which malls miss days for no reason.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use common::domain::ids::MallId;
use common::store::{Control, MallGaps, StoreError};

/// Malls looked at together: where nothing is missing they cost a millisecond each, where a year is some dozens.
pub(super) const MALLS: usize = 50;

/// The gaps of each mall up to the day beside it; none: it is not in the answer.
///
/// Malls that the database does not manage together in time are looked at in halves.
pub(super) async fn look(
    control: &Control,
    malls: &[(&MallId, NaiveDate)],
) -> Result<BTreeMap<MallId, MallGaps>, StoreError> {
    let mut found = BTreeMap::new();
    let mut parts: Vec<_> = malls.chunks(MALLS).rev().collect();
    while let Some(part) = parts.pop() {
        match control.mall_gaps(part).await {
            Ok(gaps) => found.extend(gaps.into_iter().map(|gap| (gap.mall_id.clone(), gap))),
            Err(error) if error.is_too_long() && part.len() > 1 => {
                let (first, rest) = part.split_at(part.len() / 2);
                parts.extend([rest, first]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
