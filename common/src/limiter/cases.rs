//! One table of cases for both adapters of the port.

use std::time::Duration;

use super::{BucketConfig, Limiter, ModelLimiter, Observation, RedisLimiter, Take};
use crate::domain::ids::LimiterKey;

fn key() -> LimiterKey {
    LimiterKey::try_from("ca-api.example/visitors/view".to_owned()).expect("valid")
}

/// What every limiter does, told as one story of a key that nobody remembers.
async fn tells_the_same_story(limiter: &impl Limiter) {
    let (key, horizon) = (key(), Duration::from_millis(200));
    assert_eq!(limiter.levels(std::slice::from_ref(&key)).await.expect("answers"), [0.0]);
    assert_eq!(limiter.silent_until(&key), None);

    // One probe; three more slots lie within the horizon at 20 a second, then it is refused.
    let mut grants = Vec::new();
    let ask_in = loop {
        match limiter.take(&key, horizon).await.expect("answers") {
            Take::Granted(grant) => grants.push(grant),
            Take::Refused { ask_in } => break ask_in,
        }
    };
    assert!((5..=6).contains(&grants.len()), "{}", grants.len());
    assert!(grants.is_sorted_by_key(super::Grant::slot));
    assert!(ask_in > Duration::ZERO && ask_in <= Duration::from_millis(50), "{ask_in:?}");

    // The last answer proves the level, less the margin of 5.
    let last = grants.pop().expect("some");
    let seen = |remaining| Observation {
        remaining: Some(remaining),
        burst_capacity: Some(40),
        elapsed: Duration::from_millis(5),
        ..Observation::default()
    };
    limiter.observe(&key, &last, seen(30)).await.expect("told");
    let level = limiter.levels(std::slice::from_ref(&key)).await.expect("answers")[0];
    assert!((25.0..27.0).contains(&level), "{level}");

    // An answer below the floor silences the key.
    limiter.observe(&key, &last, seen(3)).await.expect("told");
    assert!(limiter.silent_until(&key).is_some());
    assert_eq!(limiter.levels(std::slice::from_ref(&key)).await.expect("answers"), [0.0]);
    assert!(matches!(limiter.take(&key, horizon).await.expect("answers"), Take::Refused { .. }));
}

fn config() -> BucketConfig {
    BucketConfig { refill_per_second: 20.0, settle: Duration::ZERO, ..BucketConfig::default() }
}

#[tokio::test]
async fn the_model_tells_the_story() {
    tells_the_same_story(&ModelLimiter::new(config()).expect("settings")).await;
}

#[tokio::test]
async fn redis_tells_the_story() {
    let Some(url) = super::redis::test_redis() else { return };
    let prefix = format!("test-{}", uuid::Uuid::new_v4().simple());
    tells_the_same_story(&RedisLimiter::connect(&url, &prefix, config()).expect("settings")).await;
}

#[tokio::test]
async fn the_model_forgets_and_restarts_as_redis_does() {
    let limiter = ModelLimiter::new(config()).expect("settings");
    let key = key();
    for lose in [ModelLimiter::forget, ModelLimiter::restart] {
        let Take::Granted(grant) = limiter.take(&key, Duration::ZERO).await.expect("answers") else {
            panic!("no probe")
        };
        limiter
            .observe(&key, &grant, Observation { remaining: Some(39), ..Observation::default() })
            .await
            .expect("told");
        assert!(limiter.levels(std::slice::from_ref(&key)).await.expect("answers")[0] >= 34.0);
        lose(&limiter);
        assert_eq!(limiter.levels(std::slice::from_ref(&key)).await.expect("answers"), [0.0]);
    }
    limiter.shift_clock(-3_600_000_000);
    assert!(matches!(limiter.take(&key, Duration::ZERO).await.expect("answers"), Take::Granted(_)));
}
