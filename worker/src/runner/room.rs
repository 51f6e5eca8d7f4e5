//! Room for rows in hand: decoded, and not committed yet.

use std::sync::Arc;
use std::time::Duration;

use common::domain::metric::MetricRow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::shared::ROWS_IN_HAND;

/// Bytes of `extra` that count as a row of their own: about what a row without it takes.
const EXTRA_OF_A_ROW: usize = 256;

/// The room of a job.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// `false`: there was none for all of it in time.
    pub(super) is_enough: bool,
}

impl Room {
    /// Takes room for `rows`, of which `held` is there already.
    ///
    /// Who holds none waits for as long as it takes: commits make room. Who holds some waits for `patience` only, lest
    /// jobs with pages wait for each other. More rows than there is room for take all of it.
    pub(super) async fn take(
        all: &Arc<Semaphore>,
        held: Option<OwnedSemaphorePermit>,
        rows: &[MetricRow],
        patience: Duration,
    ) -> Self {
        let wanted = u32::try_from(weight(rows)).unwrap_or(u32::MAX).min(ROWS_IN_HAND);
        let all = Arc::clone(all);
        let Some(mut held) = held else {
            let permit = all.acquire_many_owned(wanted).await.ok();
            return Self { permit, is_enough: true };
        };
        let there = u32::try_from(held.num_permits()).unwrap_or(u32::MAX);
        let is_enough = match timeout(patience, all.acquire_many_owned(wanted.saturating_sub(there))).await {
            Ok(Ok(more)) => {
                held.merge(more);
                true
            }
            Ok(Err(_)) | Err(_) => false,
        };
        Self { permit: Some(held), is_enough }
    }
}

fn weight(rows: &[MetricRow]) -> usize {
    let extra: usize =
        rows.iter().filter_map(|row| row.extra.as_ref()).map(|extra| extra.as_str().len()).sum();
    rows.len() + extra / EXTRA_OF_A_ROW
}

#[cfg(test)]
mod tests {
    use common::domain::extra::{Extras, json};
    use common::domain::metric::Values;
    use tokio::time::Instant;

    use super::*;

    const WAIT: Duration = Duration::from_millis(50);

    async fn room(all: &Arc<Semaphore>, held: Option<OwnedSemaphorePermit>, rows: &[MetricRow]) -> Room {
        Room::take(all, held, rows, WAIT).await
    }

    fn rows(count: u32) -> Vec<MetricRow> {
        let row = |id: u32| MetricRow {
            day: chrono::NaiveDate::default(),
            entity_id: id.to_string(),
            values: Values::default(),
            label: None,
            extra: None,
        };
        (0..count).map(row).collect()
    }

    #[tokio::test]
    async fn each_page_adds_to_the_room_that_is_held_and_all_of_it_comes_back() {
        let all = Arc::new(Semaphore::new(10));
        let first = room(&all, None, &rows(4)).await;
        let second = room(&all, first.permit, &rows(7)).await;
        assert!(second.is_enough);
        assert_eq!(all.available_permits(), 3);
        drop(second);
        assert_eq!(all.available_permits(), 10);
    }

    #[tokio::test]
    async fn jobs_with_pages_never_wait_for_each_other_for_long() {
        let all = Arc::new(Semaphore::new(10));
        let (one, other) = (room(&all, None, &rows(5)).await, room(&all, None, &rows(5)).await);
        let began = Instant::now();
        let (one_rows, other_rows) = (rows(8), rows(8));
        let (one, other) =
            tokio::join!(room(&all, one.permit, &one_rows), room(&all, other.permit, &other_rows));
        assert!(!one.is_enough && !other.is_enough);
        assert!(began.elapsed() >= WAIT);
        // Whoever lets go makes room for the other.
        drop(one);
        assert!(room(&all, other.permit, &rows(8)).await.is_enough);
    }

    #[tokio::test]
    async fn who_holds_nothing_waits_until_a_commit_makes_room() {
        let all = Arc::new(Semaphore::new(5));
        let held = room(&all, None, &rows(5)).await;
        let wanted = rows(3);
        let free = async {
            tokio::time::sleep(WAIT * 10).await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(room(&all, None, &wanted), free);
        assert!(taken.is_enough && taken.permit.is_some());
    }

    #[test]
    fn a_row_with_much_beside_its_columns_counts_as_several() {
        let mut extras = Extras::default();
        for name in ["a", "b", "c", "d"] {
            extras.keep_unknown(name.to_owned(), json(&"x".repeat(200)));
        }
        let mut rows = rows(2);
        rows[0].extra = extras.finish().0;
        assert_eq!(weight(&rows), 2 + 3);
    }
}
