//! What the runners hand to the batch: jobs whose outcome is known and not written yet.

use common::store::{Fetched, Outcome};
use tokio::sync::OwnedSemaphorePermit;

use super::delivery::Work;

/// A job with its outcome, not yet committed.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) work: Work,
    pub(crate) outcome: Outcome,
    pub(crate) fetched: Option<Fetched>,
}

impl Finished {
    pub(crate) fn with_rows(mut work: Work, fetched: Fetched, room: Option<OwnedSemaphorePermit>) -> Self {
        work.room = room;
        Self {
            work,
            outcome: Outcome::Done { rows: fetched.rows.len(), pages: fetched.pages },
            fetched: Some(fetched),
        }
    }

    pub(crate) fn without_rows(work: Work, outcome: Outcome) -> Self {
        Self { work: work.without_pages(), outcome, fetched: None }
    }

    pub(crate) fn rows(&self) -> usize {
        self.fetched.as_ref().map_or(0, |fetched| fetched.rows.len())
    }
}
