//! Leave to send: the token bucket that all workers share.
//!
//! One bucket a limiter key (a mall, by default), kept in Redis, so that any number of workers never exceed a mall's
//! limit. [`Limiter`] is the port; [`RedisLimiter`] is what the programs use, [`ModelLimiter`] the same arithmetic in
//! memory, for simulations. The arithmetic itself, and why it is safe, is told in [`crate::domain::bucket`];
//! the reasons and figures are in `docs/adr/0002-token-bucket.md`.
//!
//! One request of a worker:
//! 1. [`Limiter::take`]: one round trip. [`Take::Granted`] names a slot at most `horizon` ahead; [`Take::Refused`] says when to ask again.
//! 2. Sleep until [`Grant::slot`]. Then, right before sending: drop the grant if [`Grant::is_stale`], or if
//!    [`Limiter::silent_until`] says that the key has fallen silent meanwhile. A dropped grant is simply not used.
//! 3. Send. Give what the answer said to [`Limiter::observe`], also after an error answer; no answer: nothing to observe.
//!
//! `Err` always means: do not send.

#[cfg(test)]
mod cases;
mod config;
mod error;
mod grant;
mod model;
mod redis;
mod reserves;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use self::config::{BucketConfig, InvalidBucket};
pub use self::error::LimiterError;
pub use self::grant::{Grant, Observation, Take};
pub use self::model::ModelLimiter;
pub use self::redis::{CALL_TIMEOUT, Counts, RedisFacts, RedisLimiter, Scripts};
pub use crate::domain::bucket::Gauge;
use crate::domain::bucket::Reserve;
use crate::domain::ids::LimiterKey;

/// Leave to send one request. `Err` always means: do not send.
pub trait Limiter: Send + Sync + 'static {
    /// Reserves one request of `key`; the slot lies at most `horizon` (0–1 s) ahead.
    fn take(
        &self,
        key: &LimiterKey,
        horizon: Duration,
    ) -> impl Future<Output = Result<Take, LimiterError>> + Send;

    /// Tells the bucket what the answer to a request said. Most answers say what is known already and cost no round trip.
    ///
    /// An error means that the bucket was not told; the answer itself is as good as ever.
    fn observe(
        &self,
        key: &LimiterKey,
        grant: &Grant,
        seen: Observation,
    ) -> impl Future<Output = Result<(), LimiterError>> + Send;

    /// What the keys' buckets have now, in the order asked; takes no token.
    fn gauges(&self, keys: &[LimiterKey]) -> impl Future<Output = Result<Vec<Gauge>, LimiterError>> + Send;

    /// Tokens that the keys have now, in the order asked, each from 0 to the working capacity; takes none.
    ///
    /// 0 for a key that nobody remembers (it has one probe) and for one that is silent.
    fn levels(&self, keys: &[LimiterKey]) -> impl Future<Output = Result<Vec<f64>, LimiterError>> + Send {
        async { Ok(self.gauges(keys).await?.iter().map(Gauge::level).collect()) }
    }

    /// From now on this share of `key`'s bucket is left to other software; `None`: the configured one. No round trip: each
    /// call says it, and the bucket follows the last one. What was used before stays used.
    fn leave_free(&self, key: &LimiterKey, share: Option<Reserve>);

    /// Until when the key is silent, as far as this process was told; no round trip. Ask again right before sending.
    fn silent_until(&self, key: &LimiterKey) -> Option<Instant>;
}

impl<L: Limiter> Limiter for Arc<L> {
    fn take(
        &self,
        key: &LimiterKey,
        horizon: Duration,
    ) -> impl Future<Output = Result<Take, LimiterError>> + Send {
        self.as_ref().take(key, horizon)
    }

    fn observe(
        &self,
        key: &LimiterKey,
        grant: &Grant,
        seen: Observation,
    ) -> impl Future<Output = Result<(), LimiterError>> + Send {
        self.as_ref().observe(key, grant, seen)
    }

    fn gauges(&self, keys: &[LimiterKey]) -> impl Future<Output = Result<Vec<Gauge>, LimiterError>> + Send {
        self.as_ref().gauges(keys)
    }

    fn leave_free(&self, key: &LimiterKey, share: Option<Reserve>) {
        self.as_ref().leave_free(key, share);
    }

    fn silent_until(&self, key: &LimiterKey) -> Option<Instant> {
        self.as_ref().silent_until(key)
    }
}
