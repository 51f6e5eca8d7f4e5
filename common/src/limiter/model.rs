//! The bucket in memory, for simulations.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::reserves::Reserves;
use super::{BucketConfig, Grant, InvalidBucket, Limiter, LimiterError, Observation, Take};
use crate::domain::bucket::{Bucket, Decision, Gauge, Limits, Reserve, as_us};
use crate::domain::ids::LimiterKey;

/// The same arithmetic as [`RedisLimiter`](super::RedisLimiter) in this process alone.
///
/// Its clock is tokio's, so a paused test runtime drives it; [`shift_clock`](Self::shift_clock) makes it jump.
#[derive(Debug)]
pub struct ModelLimiter {
    limits: Limits,
    reserves: Reserves,
    use_by: Duration,
    state: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    buckets: HashMap<LimiterKey, Bucket>,
    started: Instant,
    /// The clock's time at `started`, in µs.
    base_us: i64,
    epoch: u64,
}

impl Memory {
    fn now_us(&self) -> i64 {
        self.base_us + as_us(self.started.elapsed())
    }
}

impl ModelLimiter {
    /// An empty memory.
    ///
    /// # Errors
    /// [`InvalidBucket`] when `config` makes no bucket.
    pub fn new(config: BucketConfig) -> Result<Self, InvalidBucket> {
        let memory = Memory { buckets: HashMap::new(), started: Instant::now(), base_us: 1 << 50, epoch: 1 };
        let (limits, reserves) = (config.limits()?, Reserves::default());
        Ok(Self { limits, reserves, use_by: config.use_by, state: Mutex::new(memory) })
    }

    /// Makes the clock jump, forwards or backwards.
    pub fn shift_clock(&self, by_us: i64) {
        self.memory().base_us += by_us;
    }

    /// Forgets all buckets, as a flushed Redis does.
    pub fn forget(&self) {
        self.memory().buckets.clear();
    }

    /// Keeps all buckets but becomes another server, as after a failover.
    pub fn restart(&self) {
        self.memory().epoch += 1;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limiter for ModelLimiter {
    async fn take(&self, key: &LimiterKey, horizon: Duration) -> Result<Take, LimiterError> {
        let mut memory = self.memory();
        let (now_us, epoch) = (memory.now_us(), memory.epoch);
        let bucket = memory.buckets.entry(key.clone()).or_default();
        let horizon_us = as_us(horizon.min(Duration::from_secs(1)));
        Ok(match bucket.take(&self.reserves.limits(self.limits, key), epoch, now_us, horizon_us) {
            Decision::Granted(terms) => {
                let slot = Instant::now() + micros(terms.wait_us);
                Take::Granted(Grant { slot, use_by: slot + self.use_by, terms })
            }
            Decision::Refused { ask_us, .. } => Take::Refused { ask_in: micros(ask_us) },
        })
    }

    async fn observe(&self, key: &LimiterKey, grant: &Grant, seen: Observation) -> Result<(), LimiterError> {
        let seen = seen.seen(&self.limits);
        if seen.matters(&self.limits, &grant.terms) {
            let mut memory = self.memory();
            let (now_us, epoch) = (memory.now_us(), memory.epoch);
            let bucket = memory.buckets.entry(key.clone()).or_default();
            let limits = self.reserves.limits(self.limits, key);
            bucket.observe(&limits, epoch, now_us, (grant.terms.born_us, grant.terms.proof), &seen);
        }
        Ok(())
    }

    async fn gauges(&self, keys: &[LimiterKey]) -> Result<Vec<Gauge>, LimiterError> {
        let memory = self.memory();
        let now_us = memory.now_us();
        let unknown = Bucket::default();
        let gauge = |key| {
            let limits = self.reserves.limits(self.limits, key);
            memory.buckets.get(key).unwrap_or(&unknown).gauge(&limits, memory.epoch, now_us)
        };
        Ok(keys.iter().map(gauge).collect())
    }

    fn leave_free(&self, key: &LimiterKey, share: Option<Reserve>) {
        self.reserves.set(key, share);
    }

    fn silent_until(&self, key: &LimiterKey) -> Option<Instant> {
        let memory = self.memory();
        let now_us = memory.now_us();
        let silent_us = memory.buckets.get(key)?.state()?.silent_until_us - now_us;
        (silent_us > 0).then(|| Instant::now() + micros(silent_us))
    }
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}
