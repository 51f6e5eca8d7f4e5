//! Rows: a page that fits the contract becomes what a batch writes.

use chrono::NaiveDate;
use common::api::Page;
use common::store::{ClaimedJob, Fetched};

/// The answer to a job, as the batch takes it. Decoding and mapping happened at the door (`common::api`), by the
/// endpoint table; `asked_on` is the KST day on which the request was sent.
pub(crate) fn fetched(claimed: &ClaimedJob, page: Page, asked_on: NaiveDate) -> Fetched {
    Fetched { job: claimed.job.clone(), fence: claimed.fence, rows: page.rows, asked_on }
}
