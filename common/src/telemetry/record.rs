//! What is counted, one function a fact.

use std::time::Duration;

use ::metrics::{counter, gauge, histogram};

use super::metrics as names;
use crate::domain::failure::FailureClass;

/// A message was taken from the broker.
pub fn count_delivery(redelivered: bool) {
    counter!(names::DELIVERIES).increment(1);
    counter!(names::REDELIVERIES).increment(u64::from(redelivered));
}

/// A delivery was settled: `kind` is ack or reject, `why` from a small closed set.
pub fn count_settled(kind: &'static str, why: &'static str) {
    counter!(names::SETTLED, names::KIND => kind, names::WHY => why).increment(1);
}

/// The bucket gave a slot after this long.
pub fn observe_bucket_wait(waited: Duration) {
    histogram!(names::BUCKET_WAIT).record(waited);
}

/// A grant was too old to be used.
pub fn count_stale_grant() {
    counter!(names::STALE_GRANTS).increment(1);
}

/// A request was answered, or not.
pub fn observe_request(endpoint: &'static str, class: Option<FailureClass>, elapsed: Duration, bytes: u64) {
    let outcome = class.map_or("ok", FailureClass::as_str);
    counter!(names::REQUESTS, names::ENDPOINT => endpoint, names::OUTCOME => outcome).increment(1);
    counter!(names::RESPONSE_BYTES, names::ENDPOINT => endpoint).increment(bytes);
    histogram!(names::REQUEST_DURATION, names::ENDPOINT => endpoint).record(elapsed);
}

/// What an answer had that does not cost a mall its day.
pub fn count_oddities(endpoint: &'static str, replaced_characters: u64, sums_off: u64, extra_left_out: u64) {
    for (name, count) in [
        (names::REPLACED_CHARACTERS, replaced_characters),
        (names::SUMS_OFF, sums_off),
        (names::EXTRA_LEFT_OUT, extra_left_out),
    ] {
        if count > 0 {
            counter!(name, names::ENDPOINT => endpoint).increment(count);
        }
    }
}

/// The pages of an unfinished period were kept though its rows moved between them.
pub fn count_moved(endpoint: &'static str) {
    counter!(names::ANSWERS_MOVED, names::ENDPOINT => endpoint).increment(1);
}

/// The server cut the pages of an answer sooner than it was asked to.
pub fn count_cut(endpoint: &'static str) {
    counter!(names::ANSWERS_CUT, names::ENDPOINT => endpoint).increment(1);
}

/// A batch was committed.
pub fn observe_commit(elapsed: Duration, rows: usize) {
    histogram!(names::COMMIT_DURATION).record(elapsed);
    histogram!(names::COMMIT_ROWS).record(f64::from(u32::try_from(rows).unwrap_or(u32::MAX)));
}

/// What a committed batch did.
pub fn count_committed(rows: usize, restated: usize, superseded: usize) {
    counter!(names::ROWS_WRITTEN).increment(rows as u64);
    counter!(names::SLICES_RESTATED).increment(restated as u64);
    counter!(names::SLICES_SUPERSEDED).increment(superseded as u64);
}

/// A job has an outcome: committed, retried, handed_back, dead or parked.
pub fn count_job(endpoint: &'static str, result: &'static str) {
    counter!(names::JOBS, names::ENDPOINT => endpoint, names::RESULT => result).increment(1);
}

/// A publish was answered.
pub fn count_confirm(acked: bool, returned: bool) {
    let result = if acked {
        "ack"
    } else if returned {
        "returned"
    } else {
        "nack"
    };
    counter!(names::PUBLISH_CONFIRMS, names::RESULT => result).increment(1);
}

/// What the worker's slots do, and how many jobs wait for a token.
pub fn set_slots(busy: usize, idle: usize, waiting: usize) {
    for (state, count) in [("busy", busy), ("idle", idle), ("waiting", waiting)] {
        gauge!(names::WORKER_SLOTS, names::STATE => state)
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
}

/// Open alerts by kind; a kind that is not among them has none.
pub fn set_alerts(open: &std::collections::BTreeMap<&str, usize>) {
    for kind in names::ALERT_KINDS {
        let count = open.get(kind).copied().unwrap_or(0);
        gauge!(names::ALERTS, names::KIND => *kind).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
}

/// A refresh of a mall's tokens ended: ok, raced, invalid_grant, refused or network.
pub fn count_token_refresh(result: &'static str) {
    counter!(names::TOKEN_REFRESH, names::RESULT => result).increment(1);
}

/// How many refresh tokens end within 1, 3 and 7 days.
pub fn set_tokens_expiring(counts: [i64; 3]) {
    for (within, count) in ["1d", "3d", "7d"].into_iter().zip(counts) {
        gauge!(names::TOKENS_EXPIRING, names::WITHIN => within)
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
}
