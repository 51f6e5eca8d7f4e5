//! Rows: a page that fits the contract becomes what a batch writes.

use chrono::{DateTime, Utc};
use common::api::Page;
use common::domain::settle::Settle;
use common::store::{ClaimedJob, Fetched};

/// The answer to a job, as the batch takes it. Decoding and mapping happened at the door (`common::api`), by the
/// endpoint table; `asked_at` is when the request was sent.
pub(crate) fn fetched(claimed: &ClaimedJob, page: Page, asked_at: DateTime<Utc>, settle: Settle) -> Fetched {
    Fetched { job: claimed.job.clone(), fence: claimed.fence, rows: page.rows, asked_at, settle }
}
