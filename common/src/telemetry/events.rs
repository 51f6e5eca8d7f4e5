//! What can happen, as the field `event` says it.

/// A job's rows are committed.
pub const JOB_COMMITTED: &str = "job.committed";
/// A job failed and is planned again.
pub const JOB_RETRIED: &str = "job.retried";
/// A job failed for good.
pub const JOB_DEAD_LETTERED: &str = "job.dead_lettered";
/// A newer fetch was committed already.
pub const JOB_SUPERSEDED: &str = "job.superseded";
/// A job waits with its mall.
pub const JOB_PARKED: &str = "job.parked";
/// Rows moved between two pages of an answer: all of them again.
pub const JOB_BEGUN_AGAIN: &str = "job.begun_again";
/// An answer was kept although something about it is odd.
pub const ANSWER_ODD: &str = "answer.odd";
/// A token is too far away; the job was handed back.
pub const BUCKET_DEFERRED: &str = "bucket.deferred";
/// The server's headers moved our bucket.
pub const BUCKET_CORRECTED: &str = "bucket.corrected";
/// No grants: Redis is out of reach or behind.
pub const BUCKET_UNAVAILABLE: &str = "bucket.unavailable";
/// HTTP 429: our model of the bucket was wrong.
pub const BUCKET_THROTTLED: &str = "bucket.throttled";
/// A new pair of tokens is stored.
pub const TOKEN_REFRESHED: &str = "token.refreshed";
/// A mall's refresh token is dead.
pub const TOKEN_REFRESH_LOST: &str = "token.refresh_lost";
/// A new pair of tokens could not be stored before the process ended; it waits in a file.
pub const TOKEN_SPOOLED: &str = "token.spooled";
/// A mall sends nothing any more.
pub const MALL_PAUSED: &str = "mall.paused";
/// A mall waits for a person.
pub const MALL_NEEDS_YOU: &str = "mall.needs_you";
/// Figures changed that were complete before.
pub const SLICE_RESTATED: &str = "slice.restated";
/// An answer did not fit the contract.
pub const CONTRACT_VIOLATION: &str = "contract.violation";
/// A schedule made wishes.
pub const SCHEDULE_ENQUEUED: &str = "schedule.enqueued";
/// A wish became jobs.
pub const PLAN_CONFIRMED: &str = "plan.confirmed";
/// The worker takes deliveries.
pub const WORKER_STARTED: &str = "worker.started";
/// The worker takes no more deliveries.
pub const WORKER_DRAINING: &str = "worker.draining";
/// The worker ends.
pub const WORKER_STOPPED: &str = "worker.stopped";
/// A server went away.
pub const CONN_LOST: &str = "conn.lost";
/// A server is back.
pub const CONN_RESTORED: &str = "conn.restored";
/// This process may open fewer files than its settings need.
pub const FILES_FEW: &str = "files.few";
/// The settings are read.
pub const CONFIG_LOADED: &str = "config.loaded";
/// A bug of ours: a task panicked.
pub const PANIC: &str = "panic";
