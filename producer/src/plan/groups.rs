//! Walking through a selection in groups that each fit one transaction.
//!
//! While a group is planned nobody else plans ([`Control::plan`]), so what bounds it is work, not malls: a year of ten malls is
//! as much as the last days of a thousand. How much the database manages in a second is learned on the way ([`Pace`]), and
//! a group that runs into the time limit of a statement is planned in two halves.

use std::collections::BTreeSet;
use std::time::Duration;

use common::domain::chunk::periods;
use common::domain::ids::MallId;
use common::store::{Connector, PlannedChunk, ShopToPlan};

use super::selection::Selection;

/// Malls in one transaction.
pub(crate) const MALLS: usize = 100;
/// Slices in one transaction, at most and at least; a mall that has more is planned alone.
const SLICES: std::ops::RangeInclusive<usize> = 500..=20_000;
/// A transaction is not to take longer: who wishes for today waits for it.
const LONG: Duration = Duration::from_secs(1);

/// Malls for which the same is planned in one transaction.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Their shops.
    pub(crate) shops: Vec<ShopToPlan>,
    /// What is wanted of each.
    pub(crate) chunks: Vec<PlannedChunk>,
}

impl Group {
    /// Slices that it names.
    pub(crate) fn slices(&self) -> usize {
        self.shops.len() * slices_of(&self.chunks)
    }

    /// Its malls.
    pub(crate) fn malls(&self) -> BTreeSet<&MallId> {
        self.shops.iter().map(|shop| &shop.mall_id).collect()
    }

    /// Half of its malls and the others; of a single mall half of its chunks and the others. `None`: there is no half.
    pub(crate) fn halves(&self) -> Option<(Self, Self)> {
        let malls = self.malls();
        if let Some(&middle) = malls.iter().nth(malls.len() / 2).filter(|_| malls.len() > 1) {
            let (after, before) = self.shops.iter().cloned().partition(|shop| shop.mall_id >= *middle);
            let of = |shops| Self { shops, chunks: self.chunks.clone() };
            return Some((of(before), of(after)));
        }
        let (first, rest) = self.chunks.split_at(self.chunks.len() / 2);
        let of = |chunks: &[PlannedChunk]| Self { shops: self.shops.clone(), chunks: chunks.to_vec() };
        (!first.is_empty()).then(|| (of(first), of(rest)))
    }
}

/// How many slices are planned in one transaction.
#[derive(Debug)]
pub(crate) struct Pace {
    slices: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { slices: *SLICES.end() }
    }
}

impl Pace {
    /// Learns from a transaction of so many slices.
    pub(crate) fn took(&mut self, slices: usize, took: Duration) {
        if took > LONG {
            self.slices = (slices.min(self.slices) / 2).max(*SLICES.start());
        } else if took < LONG / 4 && slices >= self.slices / 2 {
            self.slices = (self.slices * 2).min(*SLICES.end());
        }
    }

    /// Learns from a transaction that did not end in time.
    pub(crate) fn gave_up(&mut self, slices: usize) {
        self.took(slices, Duration::MAX);
    }
}

/// The groups of a selection, one after the other. A mall of which nothing can be asked is in none.
pub(crate) struct Groups<'a> {
    alike: std::vec::IntoIter<(Vec<PlannedChunk>, Vec<&'a Connector>)>,
    chunks: Vec<PlannedChunk>,
    malls: std::vec::IntoIter<&'a Connector>,
}

impl<'a> Groups<'a> {
    pub(crate) fn of(selection: &'a Selection) -> Self {
        let alike = selection.alike_with_chunks().into_iter();
        Self { alike, chunks: Vec::new(), malls: Vec::new().into_iter() }
    }

    /// The next one, as large as `pace` says.
    pub(crate) fn next(&mut self, pace: &Pace) -> Option<Group> {
        while self.malls.as_slice().is_empty() {
            let (chunks, malls) = self.alike.next()?;
            (self.chunks, self.malls) = (chunks, malls.into_iter());
        }
        let of_a_shop = slices_of(&self.chunks);
        let (mut shops, mut malls) = (Vec::new(), 0);
        while let Some(mall) = self.malls.as_slice().first() {
            let more = shops.len() + mall.shops.len();
            if malls > 0 && (malls == MALLS || more * of_a_shop > pace.slices) {
                break;
            }
            malls += 1;
            shops.extend(mall.shops.iter().map(|shop| ShopToPlan {
                mall_id: mall.mall_id.clone(),
                shop_no: *shop,
                limiter_key: mall.limiter_key.clone(),
            }));
            self.malls.next();
        }
        Some(Group { shops, chunks: self.chunks.clone() })
    }
}

fn slices_of(chunks: &[PlannedChunk]) -> usize {
    chunks.iter().map(|chunk| periods(chunk.range, chunk.granularity).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::selection::tests::{mall, selection};
    use super::*;

    fn malls_of(selection: &Selection, pace: &Pace) -> Vec<usize> {
        let mut groups = Groups::of(selection);
        std::iter::from_fn(|| groups.next(pace)).map(|group| group.malls().len()).collect()
    }

    fn many(count: usize) -> Selection {
        selection((0..count).map(|n| mall(&format!("mall{n}"), "api")).collect())
    }

    #[test]
    fn a_group_is_a_hundred_malls_of_a_few_days_or_fewer_of_many() {
        let mut wish = many(250);
        // Sixty days of four endpoints: 240 slices a mall, of which 83 fit.
        assert_eq!(malls_of(&wish, &Pace::default()), [83, 83, 83, 1]);
        wish.range = common::domain::calendar::DayRange::last_finished(wish.open_from, 3);
        assert_eq!(malls_of(&wish, &Pace::default()), [100, 100, 50]);
    }

    #[test]
    fn a_mall_with_more_than_a_transaction_is_to_hold_is_planned_alone() {
        let pace = Pace { slices: 100 };
        assert_eq!(malls_of(&many(3), &pace), [1, 1, 1]);
    }

    #[test]
    fn a_slow_database_gets_smaller_groups_and_a_fast_one_larger_ones_again() {
        let mut pace = Pace::default();
        pace.took(20_000, Duration::from_secs(3));
        assert_eq!(pace.slices, 10_000);
        // A small group that took long says more than the limit.
        pace.took(2_000, Duration::from_secs(3));
        assert_eq!(pace.slices, 1_000);
        pace.gave_up(600);
        assert_eq!(pace.slices, 500);
        // A few malls that were fast say nothing of many.
        pace.took(10, Duration::from_millis(1));
        assert_eq!(pace.slices, 500);
        for _ in 0..9 {
            pace.took(pace.slices, Duration::from_millis(100));
        }
        assert_eq!(pace.slices, 20_000);
    }

    #[test]
    fn halves_hold_all_malls_once_and_of_one_mall_all_chunks_once() {
        let group = Groups::of(&many(3)).next(&Pace::default()).expect("a group");
        let (first, rest) = group.halves().expect("two halves");
        assert_eq!((first.malls().len(), rest.malls().len()), (1, 2));
        assert_eq!(first.slices() + rest.slices(), group.slices());
        let (a, b) = first.halves().expect("chunks");
        assert_eq!(a.malls(), b.malls());
        assert_eq!(a.slices() + b.slices(), first.slices());
        let single = Group { chunks: a.chunks[..1].to_vec(), ..a };
        assert!(single.halves().is_none());
    }
}
