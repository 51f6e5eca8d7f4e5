//! The token bucket, strict: a request that finds less than one token is refused and takes nothing.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How tokens come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketKind {
    /// Evenly: half a token after a quarter of a second.
    Continuous,
    /// All of a second's tokens at the end of that second, counted from the bucket's own start.
    Stepped,
}

/// Sums of binary fractions may miss a whole token by this much.
const ROUNDING: f64 = 1e-6;

#[derive(Debug)]
pub(crate) struct Bucket {
    kind: BucketKind,
    capacity: f64,
    refill_per_second: f64,
    multiplier: f64,
    level: f64,
    start: Instant,
    refilled_at: Instant,
    steps_taken: u64,
}

/// What a request found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taken {
    pub(crate) granted: bool,
    /// Level after the request.
    pub(crate) level: f64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(
        kind: BucketKind,
        capacity: u32,
        refill_per_second: f64,
        multiplier: f64,
        now: Instant,
    ) -> Self {
        let capacity = f64::from(capacity);
        let multiplier = if multiplier > 0.0 { multiplier } else { 1.0 };
        Self {
            kind,
            capacity,
            refill_per_second,
            multiplier,
            level: capacity,
            start: now,
            refilled_at: now,
            steps_taken: 0,
        }
    }

    /// One request.
    pub(crate) fn take(&mut self, now: Instant) -> Taken {
        let level = self.refill(now);
        let granted = level + ROUNDING >= 1.0;
        if granted {
            self.level = (level - 1.0).max(0.0);
        }
        Taken { granted, level: self.level }
    }

    /// Foreign software takes up to `n` tokens; returns the level left.
    pub(crate) fn drain(&mut self, n: u32, now: Instant) -> f64 {
        self.level = (self.refill(now) - f64::from(n)).max(0.0);
        self.level
    }

    /// Makes the bucket full.
    pub(crate) fn fill(&mut self, now: Instant) {
        self.refill(now);
        self.level = self.capacity;
    }

    /// The level without taking anything.
    pub(crate) fn level(&mut self, now: Instant) -> f64 {
        self.refill(now)
    }

    fn refill(&mut self, now: Instant) -> f64 {
        let come = match self.kind {
            BucketKind::Continuous => {
                let elapsed = now.saturating_duration_since(self.refilled_at);
                elapsed.as_secs_f64() * self.refill_per_second * self.multiplier
            }
            BucketKind::Stepped => {
                let steps = self.steps_until(now);
                let new = steps.saturating_sub(self.steps_taken);
                self.steps_taken = steps;
                // More steps than fit exactly into a float have filled any bucket long ago.
                f64::from(u32::try_from(new).unwrap_or(u32::MAX)) * self.refill_per_second
            }
        };
        self.refilled_at = self.refilled_at.max(now);
        self.level = (self.level + come).min(self.capacity);
        self.level
    }

    /// A faster server has shorter steps, not bigger ones.
    fn steps_until(&self, now: Instant) -> u64 {
        let step = Duration::from_secs(1).div_f64(self.multiplier).as_nanos().max(1);
        let elapsed = now.saturating_duration_since(self.start).as_nanos();
        u64::try_from(elapsed / step).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(kind: BucketKind, multiplier: f64) -> (Bucket, Instant) {
        let now = Instant::now();
        (Bucket::new(kind, 40, 2.0, multiplier, now), now)
    }

    fn after(now: Instant, ms: u64) -> Instant {
        now + Duration::from_millis(ms)
    }

    #[test]
    fn forty_requests_at_once_pass_and_the_next_is_refused() {
        for kind in [BucketKind::Continuous, BucketKind::Stepped] {
            let (mut bucket, now) = bucket(kind, 1.0);
            assert!((0..40).all(|_| bucket.take(now).granted));
            assert!(!bucket.take(now).granted);
        }
    }

    #[test]
    fn continuous_refill_gives_one_token_every_half_second() {
        let (mut bucket, now) = bucket(BucketKind::Continuous, 1.0);
        bucket.drain(40, now);
        assert!(!bucket.take(after(now, 499)).granted);
        assert!(bucket.take(after(now, 500)).granted);
        assert!((2..1000).all(|n| bucket.take(after(now, n * 500)).granted));
    }

    #[test]
    fn stepped_refill_gives_nothing_before_the_second_and_two_after() {
        let (mut bucket, now) = bucket(BucketKind::Stepped, 1.0);
        bucket.drain(40, now);
        assert!(!bucket.take(after(now, 999)).granted);
        assert!(bucket.take(after(now, 1000)).granted);
        assert!(bucket.take(after(now, 1000)).granted);
        assert!(!bucket.take(after(now, 1999)).granted);
    }

    #[test]
    fn a_multiplier_of_ten_is_ten_times_faster_in_both_kinds() {
        for kind in [BucketKind::Continuous, BucketKind::Stepped] {
            let (mut bucket, now) = bucket(kind, 10.0);
            bucket.drain(40, now);
            assert!(!bucket.take(after(now, 49)).granted);
            assert!(bucket.take(after(now, 100)).granted);
            assert!((bucket.level(after(now, 2000)) - 39.0).abs() < 0.001);
        }
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_capacity_nor_less_than_nothing() {
        let (mut bucket, now) = bucket(BucketKind::Continuous, 1.0);
        assert!((bucket.level(after(now, 3_600_000)) - 40.0).abs() < f64::EPSILON);
        assert!(bucket.drain(1000, after(now, 3_600_000)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_refused_request_takes_nothing() {
        let (mut bucket, now) = bucket(BucketKind::Continuous, 1.0);
        bucket.drain(40, now);
        for ms in 1..500 {
            assert!(!bucket.take(after(now, ms)).granted);
        }
        assert!(bucket.take(after(now, 500)).granted);
    }
}
