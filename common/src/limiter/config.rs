//! Settings of the bucket.

use std::time::Duration;

use crate::config::LimitsConfig;
use crate::domain::bucket::{Limits, Reserve, as_us};

/// Settings of the bucket; the same for all keys and all workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketConfig {
    /// Tokens of the server's bucket that we use, 1 to `server_capacity`. The rest is the margin: a delay of D seconds
    /// between slot and arrival can cost 2·D tokens of it, a server that refills in whole-second steps 2, and the floor 5.
    pub capacity: u32,
    /// Tokens that the server's bucket holds: 40. Source: `docs/cafe24-analytics-api.md`, Rate Limits.
    pub server_capacity: u32,
    /// Tokens gained a second: 2; above 0, at most 1,000. Source: as above.
    pub refill_per_second: f64,
    /// An answer with fewer tokens left than this silences the whole key: 5. Source: as above.
    pub floor: u32,
    /// For how long: 2 s. Source: as above.
    pub floor_pause: Duration,
    /// How long after its slot a grant may still be used, 1 s; up to 10 s.
    pub use_by: Duration,
    /// How long an unknown bucket runs at the refill rate before an answer may prove that it holds more, 1 s: what was
    /// under way when Redis lost the bucket has arrived by then. Up to 60 s.
    pub settle: Duration,
    /// The share of the server's bucket that is left to other software: none. A key may have another
    /// ([`Limiter::leave_free`](super::Limiter::leave_free)).
    pub reserve: Reserve,
}

impl Default for BucketConfig {
    fn default() -> Self {
        Self {
            capacity: 35,
            server_capacity: 40,
            refill_per_second: 2.0,
            floor: 5,
            floor_pause: Duration::from_secs(2),
            use_by: Duration::from_secs(1),
            settle: Duration::from_secs(1),
            reserve: Reserve::NONE,
        }
    }
}

impl From<LimitsConfig> for BucketConfig {
    /// The configured limits; a smaller bucket than the default keeps the same margin.
    fn from(limits: LimitsConfig) -> Self {
        let default = Self::default();
        let margin = default.server_capacity - default.capacity;
        Self {
            capacity: limits.capacity.unwrap_or_else(|| limits.burst.saturating_sub(margin).max(1)),
            server_capacity: limits.burst,
            refill_per_second: limits.refill_per_second,
            reserve: limits.reserve,
            ..default
        }
    }
}

/// A setting that makes no bucket.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidBucket {
    /// The working capacity.
    #[error("a working capacity of {0} tokens is not possible: use 1 to the server's {1}")]
    Capacity(u32, u32),
    /// The server's capacity.
    #[error("a server capacity of {0} tokens is not possible: use 1 to 100000")]
    ServerCapacity(u32),
    /// The refill rate.
    #[error("a refill of {0} tokens a second is not possible: use more than 0, at most 1000")]
    Refill(f64),
    /// A duration.
    #[error("{0} of {1:?} is too long: use at most {2:?}")]
    TooLong(&'static str, Duration, Duration),
}

impl BucketConfig {
    /// The settings as whole numbers: µs in place of durations and rates.
    ///
    /// # Errors
    /// [`InvalidBucket`] names the first setting that is out of its range.
    pub fn limits(&self) -> Result<Limits, InvalidBucket> {
        if !(1..=100_000).contains(&self.server_capacity) {
            return Err(InvalidBucket::ServerCapacity(self.server_capacity));
        }
        if !(1..=self.server_capacity).contains(&self.capacity) {
            return Err(InvalidBucket::Capacity(self.capacity, self.server_capacity));
        }
        let rate = self.refill_per_second;
        if !(rate > 0.000_1 && rate <= 1_000.0) {
            return Err(InvalidBucket::Refill(rate));
        }
        for (name, value, most) in [
            ("a pause at the floor", self.floor_pause, Duration::from_mins(15)),
            ("a use-by", self.use_by, Duration::from_secs(10)),
            ("a settle time", self.settle, Duration::from_mins(1)),
        ] {
            if value > most {
                return Err(InvalidBucket::TooLong(name, value, most));
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "1,000 to 10^10")]
        let token_us = (1_000_000.0 / rate).ceil() as i64;
        Ok(Limits {
            capacity: self.capacity.into(),
            server_capacity: self.server_capacity.into(),
            token_us,
            floor: self.floor.into(),
            floor_pause_us: as_us(self.floor_pause),
            settle_us: as_us(self.settle),
            reserve: self.reserve,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_specification() {
        let limits = BucketConfig::default().limits().expect("valid");
        assert_eq!((limits.server_capacity, limits.token_us, limits.floor), (40, 500_000, 5));
        assert_eq!(limits.floor_pause_us, 2_000_000);
    }

    #[rstest]
    #[case::no_tokens(BucketConfig { capacity: 0, ..BucketConfig::default() })]
    #[case::more_than_the_server(BucketConfig { capacity: 41, ..BucketConfig::default() })]
    #[case::no_refill(BucketConfig { refill_per_second: 0.0, ..BucketConfig::default() })]
    #[case::not_a_number(BucketConfig { refill_per_second: f64::NAN, ..BucketConfig::default() })]
    #[case::a_use_by_of_a_day(BucketConfig { use_by: Duration::from_hours(24), ..BucketConfig::default() })]
    fn a_setting_out_of_range_is_refused(#[case] config: BucketConfig) {
        assert!(config.limits().is_err());
    }
}
