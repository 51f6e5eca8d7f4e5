//! Names of log fields; the same thing has the same name everywhere, and its unit in the name.

/// When, in UTC.
pub const TS: &str = "ts";
/// `error`, `warn`, `info`, `debug`, `trace`.
pub const LEVEL: &str = "level";
/// A name of [`events`](super::events).
pub const EVENT: &str = "event";
/// The same in words.
pub const MSG: &str = "msg";
/// The module that speaks.
pub const TARGET: &str = "target";
/// A mall's id.
pub const MALL: &str = "mall";
/// A shop's number.
pub const SHOP: &str = "shop";
/// An endpoint's name.
pub const ENDPOINT: &str = "endpoint";
/// First day.
pub const FROM: &str = "from";
/// Last day.
pub const TO: &str = "to";
/// A job's id.
pub const JOB_ID: &str = "job_id";
/// Failed attempts before this one.
pub const ATTEMPT: &str = "attempt";
/// `fresh` or `backfill`.
pub const LANE: &str = "lane";
/// A failure class.
pub const CLASS: &str = "class";
/// An HTTP status.
pub const STATUS: &str = "status";
/// What the server said is left in the bucket.
pub const TOKENS_LEFT: &str = "tokens_left";
/// Milliseconds waited for the bucket.
pub const WAIT_MS: &str = "wait_ms";
/// Rows of a page or a batch.
pub const ROWS: &str = "rows";
/// Bytes of a body.
pub const BYTES: &str = "bytes";
/// Milliseconds that something took.
pub const DUR_MS: &str = "dur_ms";
/// A trace's id.
pub const TRACE_ID: &str = "trace_id";
/// Which worker.
pub const WORKER: &str = "worker";
