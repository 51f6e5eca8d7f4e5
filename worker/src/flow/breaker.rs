//! The breaker: an endpoint that is broken for everybody is paused before it makes a dead letter of every job.
//!
//! Asked after the commit that recorded the failure, by the worker that committed it: then the last of several workers
//! sees what all of them saw, one of them pauses (a unique index decides which), and a batch without such a failure asks
//! nothing. A probe of a paused endpoint reports here as well, and a 429.

use std::collections::{BTreeSet, HashSet};

use common::domain::failure::FailureClass;
use common::store::{Outcome, Settlement, StoreError};

use super::away::wait;
use super::delivery::Work;
use crate::shared::Shared;

/// Tells the store what the outcomes of a committed batch say of their endpoints.
pub(super) async fn tell(shared: &Shared, works: &[Work], settlements: &[Settlement]) {
    throttled(shared, works, settlements).await;
    let mut told = HashSet::new();
    for (work, settlement) in works.iter().zip(settlements) {
        let claimed = &work.claimed;
        if claimed.probe {
            probed(shared, work, &settlement.outcome).await;
        }
        let (Some(breakage), Outcome::Failed(_)) = (work.breaks, &settlement.outcome) else { continue };
        // What is said once for a batch is said for all of it.
        if !told.insert((claimed.job.endpoint, claimed.dialect, breakage)) {
            continue;
        }
        let limits = shared.config.breaker.limits();
        let mut failures = 0;
        let paused = loop {
            match shared.ledger.report_breakage(claimed, breakage, limits).await {
                Err(error @ StoreError::Unavailable { .. }) => wait(&error, &mut failures).await,
                answer => break answer,
            }
        };
        match paused {
            Ok(None) => {}
            Ok(Some(reason)) => tracing::error!(
                event = "contract.violation", endpoint = %claimed.job.endpoint, dialect = claimed.dialect.as_str(), reason,
                "the API changed: the endpoint is paused for all malls, its jobs wait; when it is mended: cafe24-sync endpoints resume"
            ),
            // The next violation asks again.
            Err(error) => tracing::error!(
                event = "contract.violation",
                error = &error as &dyn std::error::Error,
                "the breaker could not be asked"
            ),
        }
    }
}

/// Notes the malls whose answers were 429, for people to see; a note that is lost is no harm.
async fn throttled(shared: &Shared, works: &[Work], settlements: &[Settlement]) {
    let is_throttled = |outcome: &Outcome| matches!(outcome, Outcome::Planned { failure: Some(failure), .. } if failure.class == FailureClass::Throttled);
    let malls: BTreeSet<_> = works
        .iter()
        .zip(settlements)
        .filter(|(_, settlement)| is_throttled(&settlement.outcome))
        .map(|(work, _)| work.claimed.job.mall_id.as_str())
        .collect();
    if malls.is_empty() {
        return;
    }
    if let Err(error) = shared.ledger.report_throttled(&malls.into_iter().collect::<Vec<_>>()).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a 429 was not noted");
    }
}

/// A probe that is done ends its pause; one that failed for good, or whose mall is parked, is none any more; one that
/// is planned again runs again.
async fn probed(shared: &Shared, work: &Work, outcome: &Outcome) {
    let good = match outcome {
        Outcome::Done { .. } => true,
        Outcome::Failed(_) | Outcome::Parked(_) => false,
        Outcome::Planned { .. } => return,
    };
    let job = &work.claimed.job;
    let mut failures = 0;
    loop {
        match shared.ledger.probe_ended(job.id, good).await {
            Err(error @ StoreError::Unavailable { .. }) => wait(&error, &mut failures).await,
            Ok(true) => {
                tracing::info!(event = "endpoint.resumed", endpoint = %job.endpoint, mall = %job.mall_id, "a probe was answered well: the endpoint is called again");
                return;
            }
            Ok(false) => {
                tracing::info!(event = "endpoint.probed", endpoint = %job.endpoint, mall = %job.mall_id, good, "a probe ended");
                return;
            }
            Err(error) => {
                tracing::error!(
                    event = "endpoint.probed",
                    error = &error as &dyn std::error::Error,
                    "a probe's outcome could not be noted"
                );
                return;
            }
        }
    }
}
