//! Rows: an answer that fits the contract becomes what a batch writes.

use common::api::{Answer, Oddities};
use common::domain::settle::Settle;
use common::store::{ClaimedJob, Fetched};

/// The answer to a job, as the batch takes it. Decoding and mapping happened at the door (`common::api`), by the
/// endpoint table.
pub(crate) fn fetched(claimed: &ClaimedJob, answer: Answer, settle: Settle) -> Fetched {
    note(claimed, answer.oddities);
    let Answer { rows, pages, asked_at, moved, .. } = answer;
    if moved {
        common::telemetry::count_moved(claimed.job.endpoint.as_str());
        tracing::info!(
            event = "answer.moved",
            pages,
            rows = rows.len(),
            "the rows of an unfinished period moved between its pages: kept as partial, rows may be missing"
        );
    }
    Fetched { job: claimed.job.clone(), fence: claimed.fence, rows, pages, asked_at, settle, moved }
}

/// Counts what was odd about an answer, and says what a person might want to look at.
fn note(claimed: &ClaimedJob, odd: Oddities) {
    let endpoint = claimed.job.endpoint.as_str();
    common::telemetry::count_oddities(endpoint, odd.replaced_nuls, odd.sums_off, odd.extra_left_out);
    if odd.sums_off > 0 {
        tracing::warn!(
            event = "answer.odd",
            rows = odd.sums_off,
            "figures that should make a sum do not; kept as they came"
        );
    }
    if let Some(rows) = odd.cut_at {
        common::telemetry::count_cut(endpoint);
        tracing::warn!(
            event = "answer.odd",
            rows,
            "the server cuts its pages after fewer rows than it was asked for; all of them were read"
        );
    }
    if odd.looks_cut {
        tracing::warn!(
            event = "answer.odd",
            "the answer has exactly a round number of rows: look whether the server cuts it there"
        );
    }
}
