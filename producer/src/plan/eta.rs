//! How long the rate limits make a plan last.
//!
//! Malls run side by side, each at the pace of its bucket, so the slowest bucket sets the end. A bucket that holds
//! `burst` requests serves those at once and the rest at `rate` a second. Work of the same bucket that was asked for
//! before goes into the sum: it takes from the same tokens.

use std::collections::BTreeMap;

use common::domain::ids::LimiterKey;

/// When a plan will be done, and what sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eta {
    /// Whole seconds, rounded up; 0: the buckets hold enough.
    pub seconds: u64,
    /// The slowest bucket.
    pub key: LimiterKey,
    /// Requests that this plan takes from it.
    pub requests: i64,
    /// Requests that were open on it before.
    pub open: i64,
}

/// The server's bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests that a full bucket serves at once.
    pub burst: u32,
    /// Requests a second after that.
    pub per_second: f64,
}

impl Pace {
    /// Seconds for `requests`, rounded up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "requests are far below 2^53, and the result is not negative"
    )]
    pub fn seconds(self, requests: i64) -> u64 {
        let waiting = (requests - i64::from(self.burst)).max(0);
        (waiting as f64 / self.per_second).ceil() as u64
    }
}

/// The ETA of a plan that takes `requests` from each key, on which `open` requests wait already. `None`: nothing to do.
pub fn eta(
    requests: &BTreeMap<LimiterKey, i64>,
    open: &BTreeMap<LimiterKey, i64>,
    pace: Pace,
) -> Option<Eta> {
    requests
        .iter()
        .filter(|(_, requests)| **requests > 0)
        .map(|(key, requests)| (*requests + open.get(key).unwrap_or(&0), key, *requests))
        // Of equal ones the first by name, so that the same plan always says the same.
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(total, key, requests)| Eta {
            seconds: pace.seconds(total),
            key: key.clone(),
            requests,
            open: total - requests,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { burst: 40, per_second: 2.0 };

    fn keys(of: &[(&str, i64)]) -> BTreeMap<LimiterKey, i64> {
        of.iter().map(|(key, n)| (LimiterKey::try_from((*key).to_owned()).expect("a key"), *n)).collect()
    }

    #[test]
    fn the_mall_with_the_most_requests_sets_the_eta() {
        let eta =
            eta(&keys(&[("a", 182), ("greenfarm", 362), ("z", 40)]), &BTreeMap::new(), PACE).expect("work");
        assert_eq!((eta.seconds, eta.key.as_str(), eta.requests), (161, "greenfarm", 362));
    }

    #[test]
    fn one_bucket_for_all_malls_takes_the_sum() {
        let eta = eta(&keys(&[("ca-api.example", 8_000)]), &BTreeMap::new(), PACE).expect("work");
        assert_eq!(eta.seconds, 3_980);
    }

    #[test]
    fn work_that_waits_already_counts_on_its_own_bucket_only() {
        let eta = eta(&keys(&[("a", 10), ("b", 60)]), &keys(&[("a", 100), ("c", 999)]), PACE).expect("work");
        assert_eq!((eta.key.as_str(), eta.requests, eta.open, eta.seconds), ("a", 10, 100, 35));
    }

    #[test]
    fn a_full_bucket_serves_its_burst_at_once_and_the_demo_takes_41_seconds() {
        assert_eq!((PACE.seconds(40), PACE.seconds(41), PACE.seconds(122)), (0, 1, 41));
        assert_eq!(eta(&keys(&[("a", 0)]), &BTreeMap::new(), PACE), None);
    }
}
