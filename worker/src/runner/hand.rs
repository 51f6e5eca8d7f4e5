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

    /// Keeps `delivery` for a job that is in hand; gives it back if it is not.
    pub(crate) fn renew(&self, job: Uuid, delivery: Delivery) -> Option<Delivery> {
        match lock(&self.jobs).entry(job) {
            Entry::Occupied(mut held) if delivery.redelivered => {
                held.insert(Some(delivery));
                None
            }
            _ => Some(delivery),
        }
    }

    /// The job leaves our hands: the delivery to settle is the newest one.
    pub(crate) fn release(&self, job: Uuid, delivery: Delivery) -> Delivery {
        lock(&self.jobs).remove(&job).flatten().unwrap_or(delivery)
    }
}
