//! Slots: one for each request under way from this worker.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Takes `wanted` slots. `None`: the worker is stopping, and they are not free.
///
/// What stops does not wait: jobs that would have used the slots go back now, not when the slowest request has ended.
/// Slots that are free are given even then, since who has a token by now may use it.
pub(super) async fn take(
    slots: &Arc<Semaphore>,
    stopping: &CancellationToken,
    wanted: usize,
) -> Option<OwnedSemaphorePermit> {
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    tokio::select! {
        biased;
        taken = Arc::clone(slots).acquire_many_owned(wanted) => taken.ok(),
        () = stopping.cancelled() => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test]
    async fn who_waits_for_slots_stops_waiting_when_the_worker_stops() {
        let (slots, stopping) = (Arc::new(Semaphore::new(1)), CancellationToken::new());
        let held = take(&slots, &stopping, 1).await;
        assert!(held.is_some());
        let stop = async {
            sleep(Duration::from_millis(20)).await;
            stopping.cancel();
        };
        let all = async { tokio::join!(take(&slots, &stopping, 1), take(&slots, &stopping, 2), stop) };
        let (one, alone, ()) = timeout(Duration::from_secs(20), all).await.expect("the wait ends");
        assert!(one.is_none() && alone.is_none());
        drop(held);
        assert!(take(&slots, &stopping, 1).await.is_some(), "a free slot is no wait");
    }
}
