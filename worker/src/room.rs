//! Room for rows in hand: decoded, and not committed yet.
//!
//! There are two rooms, because there are two ways to wait. A whole answer waits for as long as it takes, with its slot
//! in its hands: that is no harm as long as only commits can keep it waiting. The rows of an unfinished answer wait for a
//! slot in their turn. Were both in one room, unfinished answers could fill it while whole ones fill the slots, and
//! nobody would move again. So unfinished answers have a room of their own, and are patient there only for a while.

use std::sync::Arc;
use std::time::Duration;

use common::domain::metric::MetricRow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes of `extra` that count as a row of their own: about what a row without it takes.
const EXTRA_OF_A_ROW: usize = 256;

/// The worker's room for rows; one permit a row.
#[derive(Debug)]
pub(crate) struct Rooms {
    /// Of whole answers; their commits empty it.
    whole: Room,
    /// Of answers whose last page has not come.
    unfinished: Room,
}

#[derive(Debug)]
struct Room {
    free: Arc<Semaphore>,
    size: u32,
}

impl Rooms {
    /// Room for `rows` in all: one half for whole answers, one for unfinished ones.
    pub(crate) fn new(rows: u32) -> Self {
        let unfinished = rows / 2;
        Self { whole: Room::new(rows - unfinished), unfinished: Room::new(unfinished) }
    }

    /// Takes room for the rows of a whole answer; waits until commits have made it.
    ///
    /// What it held while it was unfinished, the caller lets go afterwards: nobody waits for that without limit.
    pub(crate) async fn whole(&self, rows: &[MetricRow]) -> Option<OwnedSemaphorePermit> {
        self.whole.take(self.whole.wanted(rows)).await
    }

    /// Takes room for the rows of an unfinished answer, of which `held` is there already. `None`: there was not enough
    /// within `patience`, and what was held is free again; the answer has to be given up.
    ///
    /// That holds for a first page, too: its task has a slot, which those in this room need to go on.
    pub(crate) async fn unfinished(
        &self,
        held: Option<OwnedSemaphorePermit>,
        rows: &[MetricRow],
        patience: Duration,
    ) -> Option<OwnedSemaphorePermit> {
        let there = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        let more = self.unfinished.wanted(rows).saturating_sub(there);
        let mut taken = timeout(patience, self.unfinished.take(more)).await.ok().flatten()?;
        if let Some(held) = held {
            taken.merge(held);
        }
        Some(taken)
    }
}

impl Room {
    fn new(size: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(size as usize)), size }
    }

    /// More rows than there is room for take all of it: such an answer goes alone, and none is too large to go.
    fn wanted(&self, rows: &[MetricRow]) -> u32 {
        u32::try_from(weight(rows)).unwrap_or(u32::MAX).min(self.size)
    }

    async fn take(&self, wanted: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_many_owned(wanted).await.ok()
    }
}

fn weight(rows: &[MetricRow]) -> usize {
    let extra: usize =
        rows.iter().filter_map(|row| row.extra.as_ref()).map(|extra| extra.as_str().len()).sum();
    rows.len() + extra / EXTRA_OF_A_ROW
}

#[cfg(test)]
mod tests;
