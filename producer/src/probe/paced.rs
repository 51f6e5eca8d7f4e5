//! Leave to send one request, from the bucket that the workers share.

use std::time::Duration;

use common::domain::ids::LimiterKey;
use common::limiter::{Grant, Limiter, LimiterError, RedisLimiter, Take};
use tokio::time::{Instant, sleep, sleep_until};

/// How far ahead a grant may lie, as a worker's.
const HORIZON: Duration = Duration::from_secs(1);

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLeave {
    /// The bucket cannot be asked.
    #[error("the bucket cannot be asked")]
    Unknown(#[source] LimiterError),
    /// Others use it.
    #[error("the bucket is busy")]
    Busy,
    /// It is silent: a low level, or a 429.
    #[error("the bucket is silent")]
    Silent,
}

/// Takes a grant and sleeps to its slot; waits for `patience` at most for one that is neither stale nor silent.
pub(crate) async fn granted(
    limiter: &RedisLimiter,
    key: &LimiterKey,
    patience: Duration,
) -> Result<Grant, NoLeave> {
    let until = Instant::now() + patience;
    loop {
        match limiter.take(key, HORIZON).await.map_err(NoLeave::Unknown)? {
            Take::Granted(grant) => {
                sleep_until(grant.slot()).await;
                let silent = limiter.silent_until(key).filter(|end| *end > Instant::now());
                if silent.is_none() && !grant.is_stale(Instant::now()) {
                    return Ok(grant);
                }
                if let Some(end) = silent.filter(|end| *end < until) {
                    sleep_until(end).await;
                }
            }
            Take::Refused { ask_in } if Instant::now() + ask_in < until => sleep(ask_in).await,
            Take::Refused { .. } => return Err(NoLeave::Busy),
        }
        if Instant::now() >= until {
            return Err(NoLeave::Silent);
        }
    }
}
