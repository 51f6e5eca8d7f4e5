//! How many jobs of a limiter key may be with the broker and the workers.
//!
//! As many as its bucket can serve within the horizon: the tokens that are there, and those that come. More would only
//! wait in a worker's hands, and could not be reordered, paused or cancelled there; fewer would leave budget unused.
//! Where thousands of keys have work they share what the broker holds at all.
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

/// Messages that the broker holds at the most, of all keys and both lanes.
const MOST: usize = 50_000;

/// The most jobs of one lane that may be out for each of `keys` limiter keys with work; at least one.
///
/// With 500 keys it is more than any window; 3,000 keys have 8 each, what an empty bucket serves within the horizon.
pub fn share(keys: usize) -> i64 {
    i64::try_from(MOST / 2 / keys.max(1)).unwrap_or(i64::MAX).max(1)
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

    #[test]
    fn m01_the_broker_holds_fifty_thousand_messages_at_most_up_to_so_many_keys() {
        let both_lanes = |keys: usize| 2 * share(keys) * i64::try_from(keys).expect("few");
        for keys in [1, 2, 581, 3_000, 10_000, 25_000] {
            assert!(both_lanes(keys) <= 50_000, "{keys}");
        }
        assert_eq!([share(0), share(3_000), share(100_000)], [25_000, 8, 1]);
        assert!(share(500) > window(35.0, 2.0, Duration::from_secs(4)));
    }
}
