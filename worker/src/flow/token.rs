//! Leave to send: a grant of the bucket, waited for until its slot.

use std::time::Duration;

use common::domain::ids::LimiterKey;
use common::limiter::{Grant, Limiter, LimiterError, RedisLimiter, Take};
use tokio::time::{Instant, sleep_until};

/// How far ahead a grant may lie. A worker that dies with a reservation wastes no more than this (`docs/adr/0002`).
const HORIZON: Duration = Duration::from_secs(1);

/// What asking for a grant led to.
#[derive(Debug)]
pub(crate) enum Leave {
    /// Send now, if the grant is not stale.
    Now(Grant),
    /// Ask again after this long.
    Later(Duration),
}

/// Takes a grant and sleeps to its slot.
///
/// A grant is dropped if its mall fell silent while we slept: a low level or a 429 stops every worker at once.
pub(crate) async fn take(limiter: &RedisLimiter, key: &LimiterKey) -> Result<Leave, LimiterError> {
    let asked = Instant::now();
    match limiter.take(key, HORIZON).await? {
        Take::Refused { ask_in } => Ok(Leave::Later(ask_in)),
        Take::Granted(grant) => {
            sleep_until(grant.slot()).await;
            common::telemetry::observe_bucket_wait(asked.elapsed());
            match limiter.silent_until(key) {
                Some(until) if until > Instant::now() => Ok(Leave::Later(until - Instant::now())),
                _ => Ok(Leave::Now(grant)),
            }
        }
    }
}
