//! The one door to the wall clock. Deadlines inside a process use the monotonic clock (`tokio::time`), not this.

use chrono::{DateTime, Utc};

/// The wall-clock time of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
