//! The jobs in this worker's hands, and deliveries that replace theirs.
//!
//! When the connection to the broker is lost while a job is being fetched, the broker delivers its message again, often
//! to the same worker. The work goes on; only the delivery to settle in the end is a new one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use common::broker::Delivery;
use uuid::Uuid;

use crate::shared::lock;

/// What a delivery is to this worker.
#[derive(Debug)]
pub(crate) enum Meeting {
    /// Of a job that is not in hand.
    New(Delivery),
    /// The same message again, for a job in hand: kept, it replaces the one that was lost with its connection.
    Kept,
    /// A second message of a job in hand: to be acknowledged.
    Twin(Delivery),
}

/// Which jobs are in hand. Bounded by the prefetch.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    jobs: Mutex<HashMap<Uuid, Option<Delivery>>>,
}

impl Hand {
    /// A claimed job is in hand from now on.
    pub(crate) fn hold(&self, job: Uuid) {
        lock(&self.jobs).insert(job, None);
    }

    /// What a delivery of `job` is to us; the delivery of a job in hand is kept for its settlement.
    pub(crate) fn meet(&self, job: Uuid, delivery: Delivery) -> Meeting {
        match lock(&self.jobs).entry(job) {
            Entry::Vacant(_) => Meeting::New(delivery),
            Entry::Occupied(mut held) if delivery.redelivered => {
                held.insert(Some(delivery));
                Meeting::Kept
            }
            Entry::Occupied(_) => Meeting::Twin(delivery),
        }
    }

    /// The job leaves our hands: the delivery to settle is the newest one.
    pub(crate) fn release(&self, job: Uuid, delivery: Delivery) -> Delivery {
        lock(&self.jobs).remove(&job).flatten().unwrap_or(delivery)
    }
}
