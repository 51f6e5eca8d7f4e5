//! Intake: deliveries are gathered for a few milliseconds and claimed together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use common::api::Pages;
use common::broker::{Broker, BrokerError, Consumer, Delivery, Source};
use common::domain::backoff::Backoff;
use common::domain::failure::FailureClass;
use common::limiter::Limiter;
use common::store::{Claim, ClaimedJob, Decision};
use futures::FutureExt;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::ack;
use super::delivery::{Arrival, Work};
use crate::runner::{Keeping, Runners};
use crate::shared::Shared;

/// Deliveries claimed in one statement.
const CLAIM: usize = 256;
/// How long the first of them waits for the others.
const GATHER: Duration = Duration::from_millis(3);
/// How often the buckets are asked for a sign of life while they do not answer.
const PROBE: Duration = Duration::from_millis(500);
/// How long a message of a newer version rests before it goes back to its queue.
const NEWER_REST: Duration = Duration::from_secs(5);
/// A message of a newer version is dead when no newer worker came for this long.
const NEWER_KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Takes deliveries until the worker stops; opens a new consumer whenever one ends.
pub(crate) async fn intake(shared: Arc<Shared>, broker: Broker, runners: Arc<Runners>, tasks: TaskTracker) {
    let prefetch = shared.config.rabbitmq.prefetch.unwrap_or(DEFAULT_PREFETCH);
    let mut failures = 0;
    while !shared.stopping.is_cancelled() {
        let opened = tokio::select! {
            opened = Consumer::open(&broker, Source::Lanes, prefetch) => opened,
            () = shared.stopping.cancelled() => return,
        };
        let ended = match opened {
            Ok(mut consumer) => {
                tracing::info!(event = "conn.restored", prefetch, "consuming both lanes");
                failures = 0;
                let ended = consume(&shared, &mut consumer, &runners, &tasks).await;
                if ended.is_ok() {
                    // Deliveries in hand are settled over this connection: it stays open until they are.
                    runners.keep_open(consumer);
                }
                ended
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(
                event = "conn.lost",
                error = &error as &dyn std::error::Error,
                "RabbitMQ is away; connecting again"
            );
            tokio::select! {
                () = sleep(Backoff::RECONNECT.random_wait(failures)) => {}
                () = shared.stopping.cancelled() => {}
            }
            failures += 1;
        }
    }
}

/// Enough for the windows of a few hundred malls with full buckets; a message in hand is about a kilobyte.
const DEFAULT_PREFETCH: u16 = 1_000;

/// Consumes until the worker stops (`Ok`) or the consumer ends.
async fn consume(
    shared: &Arc<Shared>,
    consumer: &mut Consumer,
    runners: &Arc<Runners>,
    tasks: &TaskTracker,
) -> Result<(), BrokerError> {
    loop {
        tokio::select! {
            biased;
            () = shared.stopping.cancelled() => return leave(consumer).await,
            () = pacer_answers(shared) => {}
        }
        let first = tokio::select! {
            biased;
            () = shared.stopping.cancelled() => return leave(consumer).await,
            first = consumer.next() => first?,
        };
        let mut gathered = vec![first];
        let until = Instant::now() + GATHER;
        while gathered.len() < CLAIM {
            let Ok(next) = timeout_at(until, consumer.next()).await else { break };
            match next {
                Ok(delivery) => gathered.push(delivery),
                // What was gathered is claimed all the same; its settlements will find the channel closed.
                Err(error) => {
                    claim(shared, gathered, runners, tasks).await;
                    return Err(error);
                }
            }
        }
        claim(shared, gathered, runners, tasks).await;
    }
}

/// Stops consuming, and gives back at once what the broker has sent and nobody has looked at.
async fn leave(consumer: &mut Consumer) -> Result<(), BrokerError> {
    consumer.cancel().await?;
    while let Some(Ok(delivery)) = consumer.next().now_or_never() {
        delivery.requeue().await?;
    }
    Ok(())
}

/// Waits until the buckets answer. Without them nothing can be sent, and what is not claimed stays runnable for whoever
/// has them.
async fn pacer_answers(shared: &Shared) {
    while !*shared.pacer.borrow() {
        match shared.limiter.ping().await {
            Ok(_) => shared.set_pacer(Ok(())),
            Err(error) => {
                shared.set_pacer(Err(&error));
                sleep(PROBE).await;
            }
        }
    }
}

/// Decides about deliveries and hands the claimed ones to their runners.
async fn claim(shared: &Arc<Shared>, gathered: Vec<Delivery>, runners: &Arc<Runners>, tasks: &TaskTracker) {
    let mut jobs: HashMap<Uuid, Delivery> = HashMap::with_capacity(gathered.len());
    for delivery in gathered {
        common::telemetry::count_delivery(delivery.redelivered);
        match Arrival::of(delivery) {
            Arrival::Job(id, delivery) => {
                let twin = match jobs.entry(id) {
                    Entry::Vacant(first) => {
                        first.insert(delivery);
                        None
                    }
                    // The ledger must hear of it: it may be the message of a worker that is gone, and the only one that tells.
                    Entry::Occupied(mut first) if delivery.redelivered => Some(first.insert(delivery)),
                    Entry::Occupied(_) => Some(delivery),
                };
                if let Some(twin) = twin {
                    ack::ack(twin, "duplicate").await;
                }
            }
            Arrival::Newer(delivery, requested_at) => rest(shared, tasks, delivery, requested_at),
            Arrival::Unreadable(delivery, unreadable) => {
                tracing::warn!(event = "job.dead_lettered", class = %FailureClass::Unreadable, error = %unreadable, "a message is no job");
                ack::reject(delivery, "unreadable").await;
            }
        }
    }
    // A second round for what left our hands while the ledger was asked; a third one is hardly ever there.
    while !jobs.is_empty() {
        let claims: Vec<_> = jobs
            .iter()
            .map(|(id, delivery)| Claim {
                job_id: *id,
                redelivered: delivery.redelivered,
                held: runners.hand().fence(*id),
            })
            .collect();
        let claimed_at = Instant::now();
        let Some(decisions) = decide(shared, &claims).await else {
            // Stopping: what was not claimed is delivered again to another worker.
            return;
        };
        let mut left = HashMap::new();
        for (id, decision) in decisions {
            let Some(delivery) = jobs.remove(&id) else { continue };
            match decision {
                Decision::Go(claimed) => {
                    if let Some(outdated) = runners.hand().hold(&claimed) {
                        ack::ack(outdated, "duplicate").await;
                    }
                    start(shared, runners, *claimed, delivery, claimed_at);
                }
                Decision::Held => match runners.hand().keep(id, delivery) {
                    Keeping::Kept(None) => {}
                    Keeping::Kept(Some(twin)) | Keeping::Twin(twin) => ack::ack(twin, "duplicate").await,
                    Keeping::Left(delivery) => drop(left.insert(id, delivery)),
                },
                Decision::Acknowledge(why) => ack::ack(delivery, why).await,
                Decision::Reject(why) => ack::reject(delivery, why).await,
                Decision::Unknown => ack::reject(delivery, "unknown").await,
            }
        }
        for (id, delivery) in jobs {
            tracing::warn!(event = "job.dead_lettered", job_id = %id, class = %FailureClass::Unreadable, "the ledger does not know this job");
            ack::reject(delivery, "unknown").await;
        }
        jobs = left;
    }
}

/// Gives a claimed job to its runner.
fn start(
    shared: &Shared,
    runners: &Arc<Runners>,
    claimed: ClaimedJob,
    delivery: Delivery,
    claimed_at: Instant,
) {
    // Every claim says it, so a change reaches each worker within a window of jobs.
    shared.limiter.leave_free(&claimed.limiter_key, claimed.reserve);
    runners.push(Work {
        pages: Pages::of(claimed.dialect, shared.config.schedule.settle),
        claimed,
        delivery,
        claimed_at,
        renewed: false,
        park: None,
        breaks: None,
        room: None,
        alone: None,
    });
}

/// Asks the ledger until it answers, or the worker stops.
async fn decide(shared: &Shared, claims: &[Claim]) -> Option<Vec<(Uuid, Decision)>> {
    let mut failures = 0;
    loop {
        match shared.ledger.claim(claims, &shared.worker_id).await {
            Ok(decisions) => return Some(decisions),
            Err(error) => {
                tracing::warn!(
                    event = "claim.failed",
                    error = &error as &dyn std::error::Error,
                    jobs = claims.len(),
                    "claiming failed; trying again"
                );
                tokio::select! {
                    () = sleep(Backoff::RECONNECT.random_wait(failures)) => failures += 1,
                    () = shared.stopping.cancelled() => return None,
                }
            }
        }
    }
}

/// A message of a newer version goes back after a rest, for a newer worker; for a day at most.
fn rest(
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
    delivery: Delivery,
    requested_at: Option<chrono::DateTime<chrono::Utc>>,
) {
    let stopping = shared.stopping.clone();
    tasks.spawn(async move {
        let waited = requested_at.map(|time| common::clock::now() - time);
        if waited.is_none_or(|waited| waited > NEWER_KEPT) {
            ack::reject(delivery, "newer").await;
            return;
        }
        tokio::select! {
            () = sleep(NEWER_REST) => {}
            () = stopping.cancelled() => {}
        }
        if let Err(error) = delivery.requeue().await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the broker will deliver it again by itself"
            );
        }
    });
}
