//! A share for others, as all workers of a key keep it together.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::domain::bucket::Reserve;
use crate::limiter::Observation;

fn share(percent: i64) -> Reserve {
    Reserve::try_from(percent).expect("a share")
}

/// Slots that two workers with two tasks each get of `name` within `seconds`, once its bucket was proved.
async fn slots(url: &str, prefix: &str, name: &'static str, share: Option<Reserve>, seconds: u64) -> usize {
    let prover = RedisLimiter::connect(url, prefix, fast()).expect("settings");
    prover.leave_free(&key(name), share);
    let grant = granted(&prover, &key(name)).await;
    let full = Observation { remaining: Some(39), ..Observation::default() };
    prover.observe(&key(name), &grant, full).await.expect("told");
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        let limiter = Arc::new(RedisLimiter::connect(url, prefix, fast()).expect("settings"));
        limiter.leave_free(&key(name), share);
        for _ in 0..2 {
            let limiter = Arc::clone(&limiter);
            workers.spawn(async move {
                let mut slots = 0;
                loop {
                    match limiter.take(&key(name), Duration::from_millis(100)).await.expect("Redis answers") {
                        Take::Granted(grant) if grant.slot() > until => return slots,
                        Take::Granted(grant) => {
                            sleep_until(grant.slot()).await;
                            slots += 1;
                        }
                        Take::Refused { ask_in } => sleep(ask_in).await,
                    }
                    if Instant::now() > until {
                        return slots;
                    }
                }
            });
        }
    }
    workers.join_all().await.iter().sum()
}

#[tokio::test]
async fn the_rate_that_all_workers_reach_together_is_what_the_share_leaves_to_two_percent() {
    let Some(url) = test_redis() else { return };
    let prefix = prefix();
    let (none, quarter, half) = tokio::join!(
        slots(&url, &prefix, "none", None, 8),
        slots(&url, &prefix, "quarter", Some(share(25)), 8),
        slots(&url, &prefix, "half", Some(share(50)), 8),
    );
    // The burst that is ours (35, less a quarter or half of 40), less the margin and the request that proved it; 20 a second.
    for (slots, burst, rate) in [(none, 34, 20), (quarter, 24, 15), (half, 14, 10)] {
        let most = burst + 8 * rate;
        assert!(slots <= most + 2 && slots * 100 >= most * 98, "{slots} of {most}");
    }
}

#[tokio::test]
async fn another_share_holds_from_the_next_call_and_what_was_used_stays_used() {
    let Some(url) = test_redis() else { return };
    let prefix = prefix();
    let slow = BucketConfig { refill_per_second: 0.1, settle: Duration::ZERO, ..BucketConfig::default() };
    let limiter = RedisLimiter::connect(&url, &prefix, slow).expect("settings");
    let key = key("hanbit");
    let grant = granted(&limiter, &key).await;
    let full = Observation { remaining: Some(40), ..Observation::default() };
    limiter.observe(&key, &grant, full).await.expect("told");
    for _ in 0..10 {
        granted(&limiter, &key).await;
    }
    let keys = std::slice::from_ref(&key);
    let gauge = async || limiter.gauges(keys).await.expect("Redis answers")[0];
    let before = gauge().await;
    assert!((before.tokens - 25.0).abs() < 0.2 && before.capacity == 35 && before.known, "{before:?}");
    limiter.leave_free(&key, Some(share(50)));
    let after = gauge().await;
    assert!((after.tokens - 5.0).abs() < 0.2 && after.capacity == 15, "{after:?}");
    assert!((after.per_second - 0.05).abs() < 1e-6, "{after:?}");
    for _ in 0..5 {
        granted(&limiter, &key).await;
    }
    let refused = limiter.take(&key, Duration::ZERO).await.expect("Redis answers");
    assert!(matches!(refused, Take::Refused { .. }), "the other half is not ours");
    limiter.leave_free(&key, None);
    let again = gauge().await;
    assert!((again.tokens - 20.0).abs() < 0.2, "{again:?}");
}
