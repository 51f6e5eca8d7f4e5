//! Batches: finished jobs are gathered and written together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use super::commit;
use super::finished::Finished;
use crate::runner::Runners;
use crate::shared::Shared;

/// Finished jobs that wait for the batch. Full: fetches wait, nothing is acknowledged, the prefetch stops the broker.
pub(crate) const FINISHED_JOBS: usize = 64;
/// Jobs in one batch at most: bounds a transaction's locks where jobs have no rows.
const BATCH_JOBS: usize = 500;
/// Batches being written at once: one commits while the next one sends its rows.
const IN_FLIGHT: usize = 2;
/// How long to look for more when no fetch is under way: nothing else can come but what is being handed over now.
const IDLE_WAIT: Duration = Duration::from_millis(2);

/// Gathers until the channel closes, then writes what is left and waits for all commits.
pub(crate) async fn gather(
    shared: Arc<Shared>,
    runners: Arc<Runners>,
    mut finished: mpsc::Receiver<Finished>,
) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let commits = TaskTracker::new();
    let mut carried: Option<Finished> = None;
    loop {
        let first = match carried.take() {
            Some(first) => first,
            None => match finished.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        let mut batch = Gathered::new(first);
        let until = Instant::now() + shared.config.worker.batch_wait;
        while batch.rows < shared.config.worker.batch_rows && batch.jobs.len() < BATCH_JOBS {
            let until = if shared.is_fetching() { until } else { until.min(Instant::now() + IDLE_WAIT) };
            let Ok(Some(next)) = timeout_at(until, finished.recv()).await else { break };
            if batch.overlaps(&next) {
                // One statement cannot write a slice twice; the next batch will.
                carried = Some(next);
                break;
            }
            batch.push(next);
        }
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { break };
        let (shared, runners) = (Arc::clone(&shared), Arc::clone(&runners));
        commits.spawn(async move {
            commit::write(&shared, &runners, batch.jobs).await;
            drop(permit);
        });
    }
    commits.close();
    commits.wait().await;
}

/// A batch in the making.
struct Gathered {
    jobs: Vec<Finished>,
    rows: usize,
}

impl Gathered {
    fn new(first: Finished) -> Self {
        Self { rows: first.rows(), jobs: vec![first] }
    }

    fn push(&mut self, next: Finished) {
        self.rows += next.rows();
        self.jobs.push(next);
    }

    fn overlaps(&self, next: &Finished) -> bool {
        let Some(fetched) = &next.fetched else { return false };
        self.jobs.iter().filter_map(|job| job.fetched.as_ref()).any(|other| other.job.overlaps(&fetched.job))
    }
}
