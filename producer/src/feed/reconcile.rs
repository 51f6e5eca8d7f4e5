//! Jobs without a sign of life are planned again (`docs/architecture.md`, What heals what).
//!
//! This one duty heals a purged queue, a lost broker disk, a killed worker whose message was lost with it, and a
//! restored database. Duplicates do no harm, so it may be generous; but it must not fill a queue that nobody consumes,
//! so queued jobs are touched only while the broker holds fewer messages than the ledger believes.

use std::time::Duration;

use common::config::{Config, CoverageConfig, ReconcileConfig};
use common::domain::job::Lane;
use common::limiter::RedisLimiter;
use common::store::{Control, Deadlines, Reconciled};

use super::error::FeedError;
use super::pass::{Courier, limiter};

/// Longer than all time-outs of a fetch together, with a wait for its token.
const RUNNING_AT_MOST: Duration = Duration::from_mins(15);

/// How long jobs that ended well are kept: what an operator asks about last week.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Finds jobs without a sign of life.
#[derive(Debug)]
pub(crate) struct Reconciler {
    control: Control,
    limiter: RedisLimiter,
    publisher: Courier,
    settings: ReconcileConfig,
    letters_kept: Duration,
    versions: CoverageConfig,
}

impl Reconciler {
    pub(crate) fn new(config: &Config, control: &Control, publisher: Courier) -> Result<Self, FeedError> {
        Ok(Self {
            control: control.clone(),
            limiter: limiter(config, control)?,
            publisher,
            settings: config.reconcile,
            letters_kept: config.dead.keep,
            versions: config.coverage,
        })
    }

    /// One round.
    pub(crate) async fn run_once(&mut self) -> Result<Reconciled, FeedError> {
        let deadlines = Deadlines {
            queued: self.settings.queued_deadline,
            running: self.settings.running_deadline,
            running_at_most: RUNNING_AT_MOST.max(self.settings.running_deadline),
            unarchived: self.settings.queued_deadline,
            kept: KEPT,
            letters_kept: self.letters_kept,
            versions_kept: self.versions.keep_versions,
            partial_versions_kept: self.versions.keep_partial,
        };
        let short = self.short_lanes().await;
        let alive = match self.limiter.heartbeats().await {
            // None at all: Redis was emptied a moment ago, or nobody is there who could take the jobs.
            Ok(workers) if workers.is_empty() => None,
            Ok(workers) => Some(workers.into_iter().map(|(id, _)| id).collect::<Vec<_>>()),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "heartbeats are unknown, no worker counts as dead"
                );
                None
            }
        };
        Ok(self.control.reconcile(deadlines, &short, alive.as_deref()).await?)
    }

    /// Lanes whose queue holds fewer messages than the ledger believes.
    async fn short_lanes(&mut self) -> Vec<Lane> {
        let mut short = Vec::new();
        for lane in Lane::ALL {
            // The feeder's connection is not kept from it while Postgres counts.
            let waiting = self.publisher.lock().await.waiting(lane).await;
            match (waiting, self.control.queued_jobs(lane).await) {
                (Ok(waiting), Ok(queued)) if i64::from(waiting) < queued => short.push(lane),
                (Ok(_), Ok(_)) => {}
                (Err(error), _) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the queue's length is unknown"
                    );
                }
                (_, Err(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the ledger cannot be asked");
                }
            }
        }
        short
    }
}
