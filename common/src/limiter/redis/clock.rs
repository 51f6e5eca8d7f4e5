//! Did Redis' clock move in step with ours?
//!
//! A clock that jumps forward fills every bucket that it is asked about, though the server's have gained nothing. Redis
//! cannot notice: it knows no other clock. A worker can, by its monotonic one (`docs/reliability.md` R5).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The clocks may differ by this much between two calls, plus [`DRIFT_DIVISOR`]'s share of the time between them.
const TOLERANCE_US: i64 = 500_000;
/// One 16th: a drift of 5 % is no jump.
const DRIFT_DIVISOR: i64 = 16;

/// When a call began and ended by our clock, and the time that Redis named in between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) redis_us: i64,
}

#[derive(Debug, Default)]
pub(super) struct ClockStep {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Reading>,
    jump: Option<Reading>,
}

impl ClockStep {
    /// Whether a bucket last used at `before_us` gained time that never passed. It did if a jump forward lies between,
    /// less than `fill_time` (from empty to full) ago.
    pub(super) fn jumped(&self, reading: Reading, before_us: i64, fill_time: Duration) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = state.last {
            let longest_us = signed_us(last.began, reading.ended);
            let tolerance_us = TOLERANCE_US + longest_us.abs() / DRIFT_DIVISOR;
            if reading.redis_us - last.redis_us > longest_us + tolerance_us {
                state.jump = Some(reading);
            }
        }
        state.last = Some(reading);
        // A bucket first used at the jump's own call gained as well: `<=` would also empty it at its next use.
        state.jump.is_some_and(|jump| {
            before_us < jump.redis_us
                && before_us < reading.redis_us
                && reading.ended.saturating_duration_since(jump.ended) < fill_time
        })
    }
}

fn signed_us(from: Instant, to: Instant) -> i64 {
    let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    if to >= from { us(to - from) } else { -us(from - to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILL: Duration = Duration::from_secs(20);

    fn reading(base: Instant, ms: u64, redis_ms: i64) -> Reading {
        let began = base + Duration::from_millis(ms);
        Reading { began, ended: began + Duration::from_millis(1), redis_us: redis_ms * 1_000 }
    }

    #[test]
    fn a_jump_forward_concerns_each_bucket_last_used_before_it_and_only_until_it_would_be_full_anyway() {
        let (clock, base) = (ClockStep::default(), Instant::now());
        assert!(!clock.jumped(reading(base, 0, 1_000), 900_000, FILL));
        assert!(clock.jumped(reading(base, 10, 3_601_010), 1_000_000, FILL));
        assert!(
            clock.jumped(reading(base, 20, 3_601_020), 1_000_000, FILL),
            "another bucket, also from before"
        );
        assert!(!clock.jumped(reading(base, 30, 3_601_030), 3_601_020_000, FILL), "used since");
        assert!(!clock.jumped(reading(base, 20_100, 3_621_100), 1_000_000, FILL), "20 s have really passed");
    }

    #[test]
    fn drift_slow_answers_and_answers_out_of_order_are_no_jumps() {
        let (clock, base) = (ClockStep::default(), Instant::now());
        assert!(!clock.jumped(reading(base, 0, 0), 0, FILL));
        assert!(!clock.jumped(reading(base, 60_000, 63_000), 0, FILL));
        let slow = Reading {
            began: base + Duration::from_mins(1),
            ended: base + Duration::from_secs(61),
            redis_us: 63_990_000,
        };
        assert!(!clock.jumped(slow, 63_000_000, FILL));
        assert!(!clock.jumped(reading(base, 60_500, 63_500), 0, FILL));
    }

    #[test]
    fn a_step_back_is_none_of_ours() {
        let (clock, base) = (ClockStep::default(), Instant::now());
        assert!(!clock.jumped(reading(base, 0, 3_600_000), 0, FILL));
        assert!(!clock.jumped(reading(base, 10, 10), 3_600_000_000, FILL));
    }
}
