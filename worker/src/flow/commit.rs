//! Commits: a batch is written once, whatever happens to the connection.
//!
//! - Postgres is away or busy: wait and write again; the fences make a late write harmless.
//! - The answer to COMMIT was lost: ask the ledger, and write again only if it does not know the outcomes.
//! - Postgres refuses a value: split the batch until the bad job stands alone, and bury that one.

use std::collections::VecDeque;
use std::time::Duration;

use common::domain::backoff::Backoff;
use common::domain::failure::FailureClass;
use common::store::{
    Batch, Committed, Failure, LockHolder, Outcome, Settlement, StoreError, TransactionError,
};
use tokio::time::{Instant, sleep};

use super::away::wait;
use super::delivery::Work;
use super::finished::Finished;
use super::{ack, breaker};
use crate::runner::Runners;
use crate::shared::Shared;

/// Exponent at which those waits stop growing.
const CONFLICT_CAP: u32 = 6;
/// Waits between writes that met a deadlock or a serialization failure.
const CONFLICT: Backoff = Backoff { base: Duration::from_millis(20), cap: Duration::from_secs(1) };

/// Writes `jobs` and settles their deliveries.
pub(crate) async fn write(shared: &Shared, runners: &Runners, jobs: Vec<Finished>) {
    let mut parts = VecDeque::from([jobs]);
    while let Some(part) = parts.pop_front() {
        let mut part = Part::of(part);
        match part.commit(shared).await {
            Ok(committed) => {
                part.report(&committed);
                breaker::tell(shared, &part.works, &part.batch.settlements).await;
                part.settle(runners).await;
            }
            Err(_) if part.works.len() > 1 => {
                let mut left = part.into_finished();
                let right = left.split_off(left.len() / 2);
                parts.extend([left, right]);
            }
            Err(error) => {
                let alone =
                    part.into_finished().into_iter().map(|finished| give_way(finished, &error)).collect();
                sleep(CONFLICT.random_wait(CONFLICT_CAP)).await;
                parts.push_back(alone);
            }
        }
    }
}

/// What is left of a single job that Postgres refuses: first without its rows, then without its evidence. An outcome
/// that is refused even then is no fault of the job; it is tried again until the database is mended.
fn give_way(finished: Finished, error: &StoreError) -> Finished {
    let job_id = finished.work.claimed.job.id;
    if finished.fetched.is_some() {
        tracing::error!(event = "job.dead_lettered", %job_id, error = error as &dyn std::error::Error, "Postgres refuses this job's rows");
        return bury(finished, error);
    }
    tracing::error!(event = "commit.refused", %job_id, error = error as &dyn std::error::Error, "Postgres refuses an outcome; trying again without its evidence");
    let strip = |failure: Failure| Failure { evidence: None, ..failure };
    let outcome = match finished.outcome {
        Outcome::Failed(failure) => Outcome::Failed(strip(failure)),
        Outcome::Parked(failure) => Outcome::Parked(strip(failure)),
        Outcome::Planned { attempt, delay, failure } => {
            Outcome::Planned { attempt, delay, failure: failure.map(strip) }
        }
        done @ Outcome::Done { .. } => done,
    };
    Finished::without_rows(finished.work, outcome)
}

/// A job whose rows Postgres refuses: failed for good, without its rows.
fn bury(finished: Finished, error: &StoreError) -> Finished {
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Finished::without_rows(
        finished.work,
        Outcome::Failed(Failure { class: FailureClass::Bug, text, evidence: None }),
    )
}

/// Part of a batch: the works stay here, the rest is what the store takes.
struct Part {
    works: Vec<Work>,
    batch: Batch,
}

impl Part {
    fn of(jobs: Vec<Finished>) -> Self {
        let mut part = Self { works: Vec::with_capacity(jobs.len()), batch: Batch::default() };
        for Finished { work, outcome, fetched } in jobs {
            let claimed = &work.claimed;
            part.batch.settlements.push(Settlement { job_id: claimed.job.id, fence: claimed.fence, outcome });
            part.batch.fetched.extend(fetched);
            part.works.push(work);
        }
        part
    }

    fn into_finished(self) -> Vec<Finished> {
        let mut fetched = self.batch.fetched.into_iter().peekable();
        self.works
            .into_iter()
            .zip(self.batch.settlements)
            .map(|(work, settlement)| {
                let own = fetched.next_if(|fetched| fetched.job.id == work.claimed.job.id);
                Finished { work, outcome: settlement.outcome, fetched: own }
            })
            .collect()
    }

    /// Writes until it is written. An error means that Postgres refuses something in it, for good.
    async fn commit(&mut self, shared: &Shared) -> Result<Committed, StoreError> {
        self.park(shared).await;
        let (mut failures, mut conflicts) = (0, 0);
        loop {
            let started = Instant::now();
            let unanswered = match shared.ledger.commit(&self.batch).await {
                Ok(committed) => {
                    common::telemetry::observe_commit(started.elapsed(), committed.rows);
                    return Ok(committed);
                }
                Err(TransactionError::RolledBack(StoreError::Conflict(_))) => {
                    sleep(CONFLICT.random_wait(conflicts)).await;
                    conflicts += 1;
                    continue;
                }
                // A table or a right that is missing is no fault of any row: wait until it is there.
                Err(TransactionError::RolledBack(
                    error
                    @ (StoreError::Unavailable { .. } | StoreError::Refused(_) | StoreError::Foreign(_)),
                )) => {
                    if error.is_locked_out() {
                        name_lock_holders(shared).await;
                    }
                    wait(&error, &mut failures).await;
                    continue;
                }
                Err(TransactionError::RolledBack(error)) => return Err(error),
                Err(TransactionError::Unknown(error)) => error,
            };
            tracing::warn!(
                event = "commit.unknown",
                error = &unanswered as &dyn std::error::Error,
                "the answer to COMMIT was lost; asking the ledger"
            );
            if self.is_settled(shared, &mut failures).await {
                return Ok(Committed::default());
            }
        }
    }

    /// Whether the ledger knows the outcomes; asks until it answers.
    async fn is_settled(&self, shared: &Shared, failures: &mut u32) -> bool {
        loop {
            match shared.ledger.settled(&self.batch.settlements).await {
                // One transaction wrote them all, so one of them answers for all.
                Ok(settled) => return !settled.is_empty(),
                Err(error) => wait(&error, failures).await,
            }
        }
    }

    /// Parks the malls of jobs that only a person can mend, before their jobs are settled as parked.
    async fn park(&self, shared: &Shared) {
        for (work, settlement) in self.works.iter().zip(&self.batch.settlements) {
            let (Outcome::Parked(_), Some(parking)) = (&settlement.outcome, &work.park) else {
                continue;
            };
            let mall = &work.claimed.job.mall_id;
            let mut failures = 0;
            while let Err(error) = shared.ledger.park_mall(mall, parking).await {
                wait(&error, &mut failures).await;
            }
        }
    }

    fn report(&self, committed: &Committed) {
        common::telemetry::count_committed(committed.rows, committed.restated, committed.superseded);
        tracing::debug!(
            event = "batch.committed",
            jobs = self.works.len(),
            rows = committed.rows,
            slices = committed.slices,
            changed = committed.changed,
            restated = committed.restated,
            superseded = committed.superseded,
            settled = committed.settled,
            "batch committed"
        );
        for (work, settlement) in self.works.iter().zip(&self.batch.settlements) {
            let job = &work.claimed.job;
            let result = result(&settlement.outcome);
            common::telemetry::count_job(job.endpoint.as_str(), result);
            if let Outcome::Done { rows, pages } = settlement.outcome {
                tracing::info!(event = "job.committed", job_id = %job.id, mall = %job.mall_id, shop = %job.shop_no,
                    endpoint = %job.endpoint, from = %job.chunk.start(), to = %job.chunk.end(), lane = %job.lane, rows, pages, "job committed");
            }
        }
    }

    async fn settle(self, runners: &Runners) {
        for (work, settlement) in self.works.into_iter().zip(self.batch.settlements) {
            let result = result(&settlement.outcome);
            let (delivery, twin) = runners.hand().release(&work.claimed, work.delivery);
            match settlement.outcome {
                Outcome::Failed(_) => ack::reject(delivery, "failed").await,
                _ => ack::ack(delivery, result).await,
            }
            if let Some(twin) = twin {
                ack::ack(twin, "duplicate").await;
            }
        }
    }
}

fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "committed",
        Outcome::Planned { failure: Some(_), .. } => "retried",
        Outcome::Planned { failure: None, .. } => "handed_back",
        Outcome::Failed(_) => "dead",
        Outcome::Parked(_) => "parked",
    }
}

/// Says who has to be asked, or ended. Each lock timeout says it again: twelve times a minute at most.
async fn name_lock_holders(shared: &Shared) {
    // Whoever cannot be named is still waited for.
    for holder in shared.ledger.lock_holders().await.unwrap_or_default() {
        let LockHolder { pid, role, program, since, tables } = holder;
        let since = since.map(|since| since.to_rfc3339());
        tracing::warn!(
            event = "postgres.locked",
            pid,
            role,
            program,
            since,
            tables,
            "a session holds {tables}: nothing is written until it ends; SELECT pg_terminate_backend({pid}) ends it"
        );
    }
}
