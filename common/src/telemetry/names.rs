//! Every metric's name. Base units, `_total` on counters, small closed label sets. Source: `ux.md` §5.

/// Requests to the API, by endpoint and outcome.
pub const REQUESTS: &str = "cafe24_sync_requests_total";
/// Seconds from a request to its decoded answer, by endpoint.
pub const REQUEST_DURATION: &str = "cafe24_sync_request_duration_seconds";
/// Bytes of bodies after inflating, by endpoint.
pub const RESPONSE_BYTES: &str = "cafe24_sync_response_bytes_total";
/// Seconds from asking the bucket to the slot of the grant.
pub const BUCKET_WAIT: &str = "cafe24_sync_bucket_wait_seconds";
/// Grants that were too old to be used.
pub const STALE_GRANTS: &str = "cafe24_sync_stale_grants_total";
/// Outcomes of jobs, by endpoint and result.
pub const JOBS: &str = "cafe24_sync_jobs_total";
/// Metric rows sent to Postgres.
pub const ROWS_WRITTEN: &str = "cafe24_sync_rows_written_total";
/// Slices whose figures replaced others.
pub const SLICES_RESTATED: &str = "cafe24_sync_slices_restated_total";
/// Slices that a newer fetch had already written.
pub const SLICES_SUPERSEDED: &str = "cafe24_sync_slices_superseded_total";
/// Seconds that a batch's transaction took.
pub const COMMIT_DURATION: &str = "cafe24_sync_commit_duration_seconds";
/// Rows of a batch.
pub const COMMIT_ROWS: &str = "cafe24_sync_commit_rows";
/// Messages taken from the broker.
pub const DELIVERIES: &str = "cafe24_sync_deliveries_total";
/// Messages that the broker delivered again.
pub const REDELIVERIES: &str = "cafe24_sync_redeliveries_total";
/// Deliveries settled, by kind (ack, reject) and reason.
pub const SETTLED: &str = "cafe24_sync_deliveries_settled_total";
/// Publishes, by result (ack, nack, returned).
pub const CONFIRMS: &str = "cafe24_sync_publish_confirms_total";
/// Fetch slots, by state (busy, idle, waiting).
pub const SLOTS: &str = "cafe24_sync_worker_slots";
/// Always 1; its labels say which build runs.
pub const BUILD_INFO: &str = "cafe24_sync_build_info";
