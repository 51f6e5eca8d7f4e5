//! How many jobs of a limiter key may be with the broker and the workers.
//!
//! As many as its bucket can serve within the horizon: the tokens that are there, and those that come. More would only
//! wait in a worker's hands, and could not be reordered, paused or cancelled there; fewer would leave budget unused.
//! Source: `docs/adr/0001`.

use std::time::Duration;

/// The most jobs that may be out for a bucket that has `level` tokens now and gets `refill_per_second`.
///
/// `level` may be negative (a debt). At least one: the probe of a bucket that nobody knows yet.
/// With 35 tokens, 2 a second and a horizon of 4 s this is 43; with an empty bucket 8.
#[expect(clippy::cast_possible_truncation, reason = "a few thousand at most")]
pub fn window(level: f64, refill_per_second: f64, horizon: Duration) -> i64 {
    let coming = refill_per_second * horizon.as_secs_f64();
    (level.max(0.0).floor() + coming.ceil()).max(1.0) as i64
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::full_bucket(35.0, 43)]
    #[case::empty_bucket(0.0, 8)]
    #[case::debt_is_not_counted_twice(-3.0, 8)]
    #[case::half_a_token_is_none(0.5, 8)]
    fn a_window_is_what_the_bucket_can_serve_within_the_horizon(#[case] level: f64, #[case] expected: i64) {
        assert_eq!(window(level, 2.0, Duration::from_secs(4)), expected);
    }

    #[test]
    fn a_slow_bucket_still_gets_its_probe() {
        assert_eq!(window(0.0, 0.1, Duration::from_millis(500)), 1);
    }
}
