//! Every metric: name, kind, labels, meaning. A mall is never a label (10,000 malls would be 480,000 series).

use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Label: an endpoint's name.
pub const ENDPOINT: &str = "endpoint";
/// Label: `ok` or a failure class.
pub const OUTCOME: &str = "outcome";
/// Label: what came of a job or call.
pub const RESULT: &str = "result";
/// Label: how soon.
pub const WITHIN: &str = "within";
/// Label: `fresh` or `backfill`.
pub const LANE: &str = "lane";
/// Label: what something does now.
pub const STATE: &str = "state";
/// Label: `ack` or `reject`; of an alert, what kind of cause.
pub const KIND: &str = "kind";
/// Label: why a delivery was settled so.
pub const WHY: &str = "why";
/// Label: a failure class.
pub const CLASS: &str = "class";

/// Counter; endpoint, outcome.
pub const REQUESTS: &str = "cafe24_sync_requests_total";
/// Histogram; endpoint.
pub const REQUEST_DURATION: &str = "cafe24_sync_request_duration_seconds";
/// Counter; endpoint.
pub const RESPONSE_BYTES: &str = "cafe24_sync_response_bytes_total";
/// Histogram.
pub const BUCKET_WAIT: &str = "cafe24_sync_bucket_wait_seconds";
/// Counter; decision (granted, deferred, refused_no_redis).
pub const BUCKET_DECISIONS: &str = "cafe24_sync_bucket_decisions_total";
/// Counter; direction (down, up).
pub const BUCKET_CORRECTIONS: &str = "cafe24_sync_bucket_corrections_total";
/// Counter; endpoint, result (committed, retried, dead, superseded).
pub const JOBS: &str = "cafe24_sync_jobs_total";
/// Histogram; endpoint.
pub const JOB_DURATION: &str = "cafe24_sync_job_duration_seconds";
/// Histogram; lane.
pub const JOB_QUEUE_WAIT: &str = "cafe24_sync_job_queue_wait_seconds";
/// Gauge; lane (fresh, backfill, retry, dead).
pub const QUEUE_MESSAGES: &str = "cafe24_sync_queue_messages";
/// Gauge; lane.
pub const QUEUE_OLDEST_AGE: &str = "cafe24_sync_queue_oldest_age_seconds";
/// Gauge.
pub const BACKFILL_ETA: &str = "cafe24_sync_backfill_eta_seconds";
/// Gauge.
pub const BUDGET: &str = "cafe24_sync_budget_requests_per_second";
/// Counter.
pub const STALE_GRANTS: &str = "cafe24_sync_stale_grants_total";
/// Counter.
pub const ROWS_WRITTEN: &str = "cafe24_sync_rows_written_total";
/// Counter.
pub const SLICES_RESTATED: &str = "cafe24_sync_slices_restated_total";
/// Counter.
pub const SLICES_SUPERSEDED: &str = "cafe24_sync_slices_superseded_total";
/// Histogram.
pub const COMMIT_DURATION: &str = "cafe24_sync_commit_duration_seconds";
/// Histogram.
pub const COMMIT_ROWS: &str = "cafe24_sync_commit_rows";
/// Gauge; status.
pub const MALLS: &str = "cafe24_sync_malls";
/// Gauge; data_state.
pub const SLICES: &str = "cafe24_sync_slices";
/// Gauge.
pub const FRESHNESS_LAG_MAX: &str = "cafe24_sync_freshness_lag_max_seconds";
/// Gauge.
pub const DEADLINE_MISSED_MALLS: &str = "cafe24_sync_deadline_missed_malls";
/// Gauge; within (1d, 3d, 7d).
pub const TOKENS_EXPIRING: &str = "cafe24_sync_tokens_expiring";
/// Counter; result (ok, raced, invalid_grant, refused, network).
pub const TOKEN_REFRESH: &str = "cafe24_sync_token_refresh_total";
/// Gauge; class.
pub const DEAD_JOBS: &str = "cafe24_sync_dead_jobs";
/// Counter; class.
pub const DEAD_REPLAYED: &str = "cafe24_sync_dead_replayed_total";
/// Counter.
pub const DELIVERIES: &str = "cafe24_sync_deliveries_total";
/// Counter; kind (ack, reject), why.
pub const SETTLED: &str = "cafe24_sync_deliveries_settled_total";
/// Counter.
pub const REDELIVERIES: &str = "cafe24_sync_redeliveries_total";
/// Counter; result (ack, nack, returned, timeout).
pub const PUBLISH_CONFIRMS: &str = "cafe24_sync_publish_confirms_total";
/// Counter; endpoint.
pub const REPLACED_CHARACTERS: &str = "cafe24_sync_replaced_characters_total";
/// Counter; endpoint.
pub const SUMS_OFF: &str = "cafe24_sync_sums_off_total";
/// Counter; endpoint.
pub const EXTRA_LEFT_OUT: &str = "cafe24_sync_extra_fields_left_out_total";
/// Counter; endpoint.
pub const ANSWERS_MOVED: &str = "cafe24_sync_answers_moved_total";
/// Counter; endpoint.
pub const ANSWERS_CUT: &str = "cafe24_sync_answers_cut_total";
/// Gauge; state (busy, idle, waiting).
pub const WORKER_SLOTS: &str = "cafe24_sync_worker_slots";
/// Causes that want a person.
pub const ALERTS: &str = "cafe24_sync_alerts";
/// Every kind of alert: a closed set, so that one that is over is shown as 0.
pub const ALERT_KINDS: &[&str] = &[
    "needs_consent",
    "needs_scope",
    "forbidden",
    "rotation_lost",
    "api_changed",
    "endpoint_missing",
    "dead_letters",
    "throttled",
    "tokens_ending",
    "late",
];
/// Gauge, always 1; version.
pub const BUILD_INFO: &str = "cafe24_sync_build_info";

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Spread over buckets with these upper bounds.
    Histogram(&'static [f64]),
}

/// One metric of the table.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Full name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Of its value.
    pub unit: Unit,
    /// What it says.
    pub help: &'static str,
}

/// Seconds of things that take milliseconds.
const FAST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Seconds of requests.
const REQUEST: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Seconds of waiting.
const WAIT: &[f64] = &[0.005, 0.05, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0];
/// Rows.
const ROWS: &[f64] = &[1.0, 10.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 50_000.0, 200_000.0];

const fn metric(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Metric {
    Metric { name, kind, unit, help }
}

/// All metrics.
pub static ALL: &[Metric] = &[
    metric(REQUESTS, Kind::Counter, Unit::Count, "Requests to the analytics API, by what came of them"),
    metric(
        REQUEST_DURATION,
        Kind::Histogram(REQUEST),
        Unit::Seconds,
        "From sending a request to its decoded page",
    ),
    metric(RESPONSE_BYTES, Kind::Counter, Unit::Bytes, "Bytes of answers, after inflating"),
    metric(BUCKET_WAIT, Kind::Histogram(WAIT), Unit::Seconds, "From asking for a token to its slot"),
    metric(BUCKET_DECISIONS, Kind::Counter, Unit::Count, "Answers of the shared bucket"),
    metric(
        BUCKET_CORRECTIONS,
        Kind::Counter,
        Unit::Count,
        "Corrections of the bucket by the server's headers",
    ),
    metric(JOBS, Kind::Counter, Unit::Count, "Jobs, by what came of them"),
    metric(JOB_DURATION, Kind::Histogram(WAIT), Unit::Seconds, "From a job's delivery to its commit"),
    metric(JOB_QUEUE_WAIT, Kind::Histogram(WAIT), Unit::Seconds, "From publishing a job to its delivery"),
    metric(QUEUE_MESSAGES, Kind::Gauge, Unit::Count, "Jobs that wait"),
    metric(QUEUE_OLDEST_AGE, Kind::Gauge, Unit::Seconds, "Age of the oldest job that waits"),
    metric(BACKFILL_ETA, Kind::Gauge, Unit::Seconds, "When the backfill will be done, by the rate budget"),
    metric(BUDGET, Kind::Gauge, Unit::CountPerSecond, "Requests a second that are allowed now"),
    metric(STALE_GRANTS, Kind::Counter, Unit::Count, "Grants that were too old to be used"),
    metric(ROWS_WRITTEN, Kind::Counter, Unit::Count, "Metric rows written"),
    metric(SLICES_RESTATED, Kind::Counter, Unit::Count, "Slices whose figures replaced others"),
    metric(SLICES_SUPERSEDED, Kind::Counter, Unit::Count, "Slices that a newer fetch had written already"),
    metric(COMMIT_DURATION, Kind::Histogram(FAST), Unit::Seconds, "A batch's transaction"),
    metric(COMMIT_ROWS, Kind::Histogram(ROWS), Unit::Count, "Rows of a batch"),
    metric(MALLS, Kind::Gauge, Unit::Count, "Malls, by status"),
    metric(SLICES, Kind::Gauge, Unit::Count, "Slices, by data state"),
    metric(
        FRESHNESS_LAG_MAX,
        Kind::Gauge,
        Unit::Seconds,
        "How far the mall that is furthest behind is behind",
    ),
    metric(DEADLINE_MISSED_MALLS, Kind::Gauge, Unit::Count, "Malls that are late"),
    metric(TOKENS_EXPIRING, Kind::Gauge, Unit::Count, "Malls whose consent ends soon"),
    metric(TOKEN_REFRESH, Kind::Counter, Unit::Count, "Refreshes of tokens"),
    metric(DEAD_JOBS, Kind::Gauge, Unit::Count, "Dead letters that wait for a person"),
    metric(DEAD_REPLAYED, Kind::Counter, Unit::Count, "Dead letters replayed"),
    metric(DELIVERIES, Kind::Counter, Unit::Count, "Messages taken from the broker"),
    metric(SETTLED, Kind::Counter, Unit::Count, "Deliveries acknowledged or rejected"),
    metric(REDELIVERIES, Kind::Counter, Unit::Count, "Deliveries that were delivered before"),
    metric(PUBLISH_CONFIRMS, Kind::Counter, Unit::Count, "Answers of the broker to what was published"),
    metric(REPLACED_CHARACTERS, Kind::Counter, Unit::Count, "Characters of answers that could not be kept"),
    metric(
        SUMS_OFF,
        Kind::Counter,
        Unit::Count,
        "Rows whose figures do not make the sum that they should; kept as they came",
    ),
    metric(
        EXTRA_LEFT_OUT,
        Kind::Counter,
        Unit::Count,
        "Unknown fields of answers that were not kept: too many, too long, no scalars, or secrets",
    ),
    metric(
        ANSWERS_MOVED,
        Kind::Counter,
        Unit::Count,
        "Answers for unfinished periods whose rows moved between their pages; kept as partial",
    ),
    metric(
        ANSWERS_CUT,
        Kind::Counter,
        Unit::Count,
        "Answers in pages of fewer rows than the server was asked for; read to their end",
    ),
    metric(WORKER_SLOTS, Kind::Gauge, Unit::Count, "The worker's fetch slots"),
    metric(ALERTS, Kind::Gauge, Unit::Count, "Causes that want a person, by kind"),
    metric(BUILD_INFO, Kind::Gauge, Unit::Count, "Always 1; the version is the label"),
];

/// Tells the recorder what each metric means.
pub(super) fn describe() {
    for Metric { name, kind, unit, help } in ALL {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *help),
            Kind::Gauge => describe_gauge!(*name, *unit, *help),
            Kind::Histogram(_) => describe_histogram!(*name, *unit, *help),
        }
    }
}
