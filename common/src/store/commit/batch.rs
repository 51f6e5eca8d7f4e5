//! What is written together: answers, outcomes, and what became of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::failure::FailureClass;
use crate::domain::job::Job;
use crate::domain::metric::MetricRow;
use crate::domain::settle::Settle;
use crate::store::connectors::ConnectorState;

/// The whole answer to a job's request.
#[derive(Debug)]
pub struct Fetched {
    /// What was asked.
    pub job: Job,
    /// Number of the fetch, from the claim.
    pub fence: i64,
    /// All rows of the chunk, sorted by day and entity id, no key twice.
    pub rows: Vec<MetricRow>,
    /// Requests whose answers made them.
    pub pages: u32,
    /// When the request was sent, the first one of several: a period that was not final then is partial.
    pub asked_at: DateTime<Utc>,
    /// How long after its end a period becomes final.
    pub settle: Settle,
    /// The rows are of no one moment: partial, whatever the time was.
    pub moved: bool,
}

/// What a mall becomes when only a person can mend it.
#[derive(Debug, Clone)]
pub struct Parking {
    /// Its state from now on.
    pub state: ConnectorState,
    /// What the operator reads.
    pub reason: String,
    /// Version of the tokens that were refused; newer ones deserve a try of their own.
    pub token_version: i64,
}

/// How a job ended, for now or for good.
#[derive(Debug)]
pub enum Outcome {
    /// Its rows are in the same batch.
    Done {
        /// Rows of the answer.
        rows: usize,
        /// Requests whose answers made it.
        pages: u32,
    },
    /// Planned again; an attempt only if `attempt`.
    Planned {
        /// Whether this counts as a failed attempt.
        attempt: bool,
        /// Not before this much later.
        delay: Duration,
        /// Why, unless it was merely handed back.
        failure: Option<Failure>,
    },
    /// Failed for good; the delivery is rejected into the dead-letter queue after the commit.
    Failed(Failure),
    /// Waits for its mall, which is parked with it.
    Parked(Failure),
}

/// A failure as the ledger keeps it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// In words, without secrets.
    pub text: String,
    /// Request, status and head of the answer.
    pub evidence: Option<serde_json::Value>,
}

/// The outcome of one claim.
#[derive(Debug)]
pub struct Settlement {
    /// The job.
    pub job_id: Uuid,
    /// The claim.
    pub fence: i64,
    /// How it ended.
    pub outcome: Outcome,
}

/// What is written together. No slice may stand in it twice ([`Job::overlaps`]).
#[derive(Debug, Default)]
pub struct Batch {
    /// Answers to store.
    pub fetched: Vec<Fetched>,
    /// Outcomes to record, those of `fetched` among them.
    pub settlements: Vec<Settlement>,
}

/// What a committed batch did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Slices recorded.
    pub slices: usize,
    /// Slices that a newer fetch had already written.
    pub superseded: usize,
    /// Slices whose figures were new or changed.
    pub changed: usize,
    /// Slices whose figures replaced others.
    pub restated: usize,
    /// Metric rows sent to Postgres.
    pub rows: usize,
    /// Jobs settled; fewer than asked where a newer claim holds the job.
    pub settled: usize,
}
