//! The jobs in this worker's hands, and deliveries that replace theirs.
//!
//! When the connection to the broker is lost while a job is being fetched, the broker delivers its message again, often
//! to the same worker. The work goes on; only the delivery to settle in the end is a new one. Which deliveries were lost we do
//! not know (one that comes again may be a second message that another worker had), so all are settled: left alone, one over a
//! living connection would take a place of the prefetch until the broker's patience ends.
//!
//! A job may be in hand and not ours any more: another worker took it over when its message was redelivered there, and it
//! was put back since. So a further message of a job in hand is settled on the ledger's word, never on ours alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use common::broker::Delivery;
use common::store::ClaimedJob;
use uuid::Uuid;

use crate::shared::lock;

#[derive(Debug)]
struct Held {
    fence: i64,
    /// What is to be settled instead of the delivery that was claimed.
    newest: Option<Delivery>,
}

/// What becomes of a further delivery of a job in hand.
#[derive(Debug)]
pub(crate) enum Keeping {
    /// Most likely the same message again: kept, it replaces the one that was lost with its connection. One that was kept
    /// before is to be acknowledged.
    Kept(Option<Delivery>),
    /// A second message: to be acknowledged.
    Twin(Delivery),
    /// The job left our hands meanwhile: to be decided anew.
    Left(Delivery),
}

/// Which jobs are in hand, and under which fence. Bounded by the prefetch.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    jobs: Mutex<HashMap<Uuid, Held>>,
}

impl Hand {
    /// A claimed job is in hand from now on. A claim of it that the ledger took from us is not any more; what was kept for
    /// that one is to be acknowledged.
    #[must_use]
    pub(crate) fn hold(&self, claimed: &ClaimedJob) -> Option<Delivery> {
        let held = Held { fence: claimed.fence, newest: None };
        lock(&self.jobs).insert(claimed.job.id, held).and_then(|before| before.newest)
    }

    /// The fence under which `job` is in hand.
    pub(crate) fn fence(&self, job: Uuid) -> Option<i64> {
        lock(&self.jobs).get(&job).map(|held| held.fence)
    }

    /// Whether this claim is the one in hand.
    pub(crate) fn holds(&self, claimed: &ClaimedJob) -> bool {
        self.fence(claimed.job.id) == Some(claimed.fence)
    }

    /// Takes a further delivery of a job that the ledger says is ours. Only whoever asked it takes jobs into our hands, so what is
    /// there now is what it was asked about.
    pub(crate) fn keep(&self, job: Uuid, delivery: Delivery) -> Keeping {
        match lock(&self.jobs).entry(job) {
            Entry::Occupied(mut held) if delivery.redelivered => {
                Keeping::Kept(held.get_mut().newest.replace(delivery))
            }
            Entry::Occupied(_) => Keeping::Twin(delivery),
            Entry::Vacant(_) => Keeping::Left(delivery),
        }
    }

    /// The job leaves our hands, if it is still this claim that holds it: the delivery to settle is the newest one, and
    /// another one is to be acknowledged.
    pub(crate) fn release(&self, claimed: &ClaimedJob, delivery: Delivery) -> (Delivery, Option<Delivery>) {
        let newest = match lock(&self.jobs).entry(claimed.job.id) {
            Entry::Occupied(held) if held.get().fence == claimed.fence => held.remove().newest,
            _ => None,
        };
        match newest {
            Some(newest) => (newest, Some(delivery)),
            None => (delivery, None),
        }
    }
}
