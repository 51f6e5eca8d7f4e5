//! Deliveries: what arrives, and what can be said of it before the ledger is asked.

use common::api::Pages;
use common::broker::{Delivery, Envelope, Unreadable};
use common::domain::failure::Breakage;
use common::store::{ClaimedJob, Parking};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

/// A claimed job with the delivery that must be settled for it.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) claimed: ClaimedJob,
    pub(crate) delivery: Delivery,
    /// When the claim was asked for; a mall that changed since then takes the job back.
    pub(crate) claimed_at: Instant,
    /// Whether a renewed access token was tried already.
    pub(crate) renewed: bool,
    /// The pages of its answer that are there.
    pub(crate) pages: Pages,
    /// What the mall becomes with this job's outcome, and what the operator reads.
    pub(crate) park: Option<Parking>,
    /// What this job's failure says of its endpoint.
    pub(crate) breaks: Option<Breakage>,
    /// The place of its rows among those that are in hand.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    /// All slots of the worker, while this job runs alone and until its outcome is committed: were its neighbour to end
    /// the worker before that, this job would count as lost, too.
    pub(crate) alone: Option<OwnedSemaphorePermit>,
}

impl Work {
    /// Whether earlier starts of this job ended without an outcome: then it runs alone.
    pub(crate) fn is_suspect(&self) -> bool {
        self.claimed.crashes > 0
    }

    /// Without the pages that are there: an answer is all of them or nothing, and the job starts over or has failed.
    pub(crate) fn without_pages(self) -> Self {
        Self { pages: self.pages.anew(), room: None, ..self }
    }
}

/// What a delivery is, by its bytes alone.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It names a job.
    Job(Uuid, Delivery),
    /// A newer worker must take it.
    Newer(Delivery, Option<chrono::DateTime<chrono::Utc>>),
    /// It is no job at all.
    Unreadable(Delivery, Unreadable),
}

impl Arrival {
    pub(crate) fn of(delivery: Delivery) -> Self {
        match Envelope::read(&delivery.body) {
            Ok(Envelope::Job(job)) => Self::Job(job.id, delivery),
            Ok(Envelope::Newer { requested_at, .. }) => Self::Newer(delivery, requested_at),
            Err(unreadable) => Self::Unreadable(delivery, unreadable),
        }
    }
}
