//! The loop of one runner.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::domain::backoff::Backoff;
use common::domain::ids::LimiterKey;
use common::limiter::Grant;
use common::store::Outcome;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::{IN_FLIGHT, Runners, slot};
use crate::flow::ack;
use crate::flow::delivery::Work;
use crate::flow::finished::Finished;
use crate::flow::page;
use crate::flow::token::{self, Leave};

/// A token further away than this is not waited for: the jobs go back to the ledger, so that no delivery is ever held
/// near the broker's consumer time-out of 30 minutes.
const HOLD: Duration = Duration::from_secs(10);
/// How long slots are waited for before what waits is looked at again.
const SLOT_WAIT: Duration = Duration::from_secs(30);
/// The same for all slots: far longer than the slowest request, since whoever asks again stands behind everybody else.
const ALL_SLOTS_WAIT: Duration = Duration::from_mins(5);
/// How long jobs are held while the buckets do not answer, before they go back.
const HOLD_WITHOUT_PACER: Duration = Duration::from_secs(30);
/// How long they stay away then.
const PACER_REST: Duration = Duration::from_secs(5);
/// How long a job waits for room for a page that is not its last.
const ROOM_WAIT: Duration = Duration::from_secs(5);
/// How long a job with pages stays away if there is no room for more of them.
const ROOM_REST: Duration = Duration::from_secs(5);

/// Runs until the key has no work.
pub(super) async fn run(runners: &Arc<Runners>, key: LimiterKey, arrived: &Notify) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut pacer_away: Option<Instant> = None;
    let mut failures = 0;
    loop {
        let Ok(turn) = Arc::clone(&in_flight).acquire_owned().await else { return };
        if runners.shared.stopping.is_cancelled() {
            hand_back(runners, &key, Duration::ZERO).await;
        }
        // Answers that take their time, or fresh jobs that keep coming before a backfill's: the ledger keeps what waits.
        for work in runners.take_held(&key) {
            give(runners, work, Duration::ZERO).await;
        }
        if !runners.has_work(&key) {
            drop(turn);
            // A job under way may come back (a renewed token), so the runner ends only when none is.
            tokio::select! {
                () = arrived.notified() => {}
                all = in_flight.acquire_many(permits(IN_FLIGHT)) => {
                    if all.is_err() || runners.retire(&key) {
                        return;
                    }
                }
            }
            continue;
        }
        // A suspect runs alone, and waits for that before it takes a token, which would not keep.
        // Others wait until a slot is free: a token would only be wasted that another worker could use.
        let is_suspect = runners.next_is_suspect(&key);
        let wanted = if is_suspect { runners.shared.config.worker.slots } else { 1 };
        // Without slots the worker is stopping, and the next round hands everything back; or the wait is long, and the next
        // round looks at what is held for too long.
        let patience = if is_suspect { ALL_SLOTS_WAIT } else { SLOT_WAIT };
        let Ok(Some(free)) = timeout(patience, slots(runners, wanted)).await else { continue };
        let alone = is_suspect.then_some(free);
        match token::take(&runners.shared.limiter, &key).await {
            Ok(Leave::Now(grant)) => {
                runners.shared.set_pacer(Ok(()));
                (pacer_away, failures) = (None, 0);
                start(runners, &key, grant, turn, alone).await;
            }
            Ok(Leave::Later(wait)) => {
                runners.shared.set_pacer(Ok(()));
                (pacer_away, failures) = (None, 0);
                // The others need not wait for this key's token.
                drop(alone);
                if wait > HOLD {
                    hand_back(runners, &key, wait).await;
                } else {
                    pause(runners, wait).await;
                }
            }
            Err(error) => {
                drop(alone);
                runners.shared.set_pacer(Err(&error));
                tracing::debug!(event = "bucket.unavailable", key = %key, error = &error as &dyn std::error::Error, "nothing is sent");
                let since = *pacer_away.get_or_insert_with(Instant::now);
                if since.elapsed() > HOLD_WITHOUT_PACER {
                    hand_back(runners, &key, PACER_REST).await;
                } else {
                    pause(
                        runners,
                        Backoff { cap: Duration::from_secs(2), ..Backoff::RECONNECT }.random_wait(failures),
                    )
                    .await;
                    failures += 1;
                }
            }
        }
    }
}

/// Uses a grant for the job that is next now, in a task of its own.
async fn start(
    runners: &Arc<Runners>,
    key: &LimiterKey,
    grant: Grant,
    turn: OwnedSemaphorePermit,
    alone: Option<OwnedSemaphorePermit>,
) {
    let was_alone = alone.is_some();
    let slot = if let Some(slot) = alone {
        slot
    } else {
        let left = grant.use_by().saturating_duration_since(Instant::now());
        let Ok(Some(slot)) = timeout(left, slots(runners, 1)).await else { return };
        slot
    };
    let Some(mut work) = next_job(runners, key).await else { return };
    if work.is_suspect() && !was_alone {
        // It arrived after we looked. The grant is lost; the next round waits for all slots first.
        runners.push_front(work);
        return;
    }
    let slot = if work.is_suspect() {
        work.alone = Some(slot);
        None
    } else {
        Some(slot)
    };
    let runners = Arc::clone(runners);
    let tasks = runners.tasks.clone();
    tasks.spawn(async move {
        let shared = &runners.shared;
        shared.fetching.fetch_add(1, Ordering::AcqRel);
        match page::fetch(shared, work, grant).await {
            page::Fetch::Finished(finished) => {
                runners.finish(*finished).await;
            }
            page::Fetch::Rows(answer) => {
                let (work, fetched) = *answer;
                let room = shared.rows_in_hand.whole(&fetched.rows).await;
                runners.finish(Finished::with_rows(work, fetched, room)).await;
            }
            page::Fetch::Again(work) => runners.push_front(Work { alone: None, ..*work }),
            page::Fetch::More(mut work) => {
                let held = work.room.take();
                work.room = shared.rows_in_hand.unfinished(held, work.pages.rows(), ROOM_WAIT).await;
                if work.room.is_some() {
                    runners.push_front(Work { alone: None, ..*work });
                } else {
                    tracing::info!(event = "job.handed_back", job_id = %work.claimed.job.id, rows = work.pages.rows().len(), "no room for more pages: later");
                    give(&runners, *work, ROOM_REST).await;
                }
            }
        }
        shared.fetching.fetch_sub(1, Ordering::AcqRel);
        drop((slot, turn));
    });
}

/// The next job whose mall and endpoint have not changed since the claim; the others go back.
async fn next_job(runners: &Arc<Runners>, key: &LimiterKey) -> Option<Work> {
    loop {
        let work = runners.pop(key)?;
        if !runners.hand().holds(&work.claimed) {
            // Another worker had it meanwhile, and it is in hand again under a newer fence.
            ack::ack(work.delivery, "duplicate").await;
            continue;
        }
        let job = &work.claimed.job;
        if !runners.shared.is_recalled(&job.mall_id, job.endpoint, work.claimed_at) {
            return Some(work);
        }
        give(runners, work, Duration::ZERO).await;
    }
}

/// Hands back everything that waits: planned again, not an attempt, acknowledged after the commit.
async fn hand_back(runners: &Runners, key: &LimiterKey, delay: Duration) {
    for work in runners.take_all(key) {
        give(runners, work, delay).await;
    }
}

async fn give(runners: &Runners, work: Work, delay: Duration) {
    let outcome = Outcome::Planned { attempt: false, delay, failure: None };
    runners.finish(Finished::without_rows(work, outcome)).await;
}

async fn slots(runners: &Runners, wanted: usize) -> Option<OwnedSemaphorePermit> {
    slot::take(&runners.shared.slots, &runners.shared.stopping, wanted).await
}

async fn pause(runners: &Runners, wait: Duration) {
    tokio::select! {
        () = sleep(wait.max(Duration::from_millis(1))) => {}
        () = runners.shared.stopping.cancelled() => {}
    }
}

fn permits(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
