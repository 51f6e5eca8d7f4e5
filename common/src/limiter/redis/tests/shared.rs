//! What workers see of one bucket together.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::*;
use crate::limiter::Observation;

async fn pair(url: &str, prefix: &str) -> (RedisLimiter, RedisLimiter) {
    let limiter = || RedisLimiter::connect(url, prefix, fast()).expect("settings");
    let (one, other) = (limiter(), limiter());
    // Both subscriptions stand once a first publication was heard.
    timeout(Duration::from_secs(5), async {
        let (mut redis, probe) = (raw(url).await, key("probe"));
        while one.silent_until(&probe).is_none() || other.silent_until(&probe).is_none() {
            let message = "probe 60000000 0";
            let channel = format!("{prefix}:silence");
            let _: i64 = redis::cmd("PUBLISH")
                .arg(channel)
                .arg(message)
                .query_async(&mut redis)
                .await
                .expect("published");
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("subscribed");
    (one, other)
}

fn left(remaining: i64) -> Observation {
    Observation { remaining: Some(remaining), elapsed: Duration::from_millis(10), ..Observation::default() }
}

#[tokio::test]
async fn workers_on_one_key_never_get_more_than_the_bucket_holds() {
    let Some(url) = test_redis() else { return };
    let prefix = prefix();
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let limiter = Arc::new(RedisLimiter::connect(&url, &prefix, fast()).expect("settings"));
        for _ in 0..2 {
            let limiter = Arc::clone(&limiter);
            workers.spawn(async move {
                let (key, mut slots) = (key("hanbit"), Vec::new());
                while began.elapsed() < Duration::from_millis(1_500) {
                    match limiter.take(&key, Duration::from_millis(100)).await.expect("Redis answers") {
                        Take::Granted(grant) => {
                            assert!(!grant.is_stale(grant.slot()));
                            assert!(grant.is_stale(grant.slot() + Duration::from_millis(1_001)));
                            sleep_until(grant.slot()).await;
                            slots.push(grant.slot());
                        }
                        Take::Refused { ask_in } => {
                            assert!(!ask_in.is_zero());
                            sleep(ask_in).await;
                        }
                    }
                }
                slots
            });
        }
    }
    let mut slots = workers.join_all().await.concat();
    slots.sort_unstable();
    // An unknown bucket: one probe, then the refill alone. A slot is named up to one round trip late.
    let last = *slots.last().expect("some grants") - began;
    assert!((25..=2 + 20 * 17 / 10).contains(&slots.len()), "{} in {last:?}", slots.len());
}

#[tokio::test]
async fn a_floor_answer_silences_the_key_for_every_worker_at_once() {
    let Some(url) = test_redis() else { return };
    let (one, other) = pair(&url, &prefix()).await;
    let key = key("hanbit");
    let grant = granted(&one, &key).await;
    assert_eq!(other.silent_until(&key), None);
    one.observe(&key, &grant, left(4)).await.expect("told");
    let told = Instant::now();
    let until = one.silent_until(&key).expect("silent here at once");
    assert!(until - told > Duration::from_millis(1_900) && until - told <= Duration::from_secs(2));
    while other.silent_until(&key).is_none() {
        assert!(told.elapsed() < Duration::from_millis(100), "the other worker did not hear of it");
        sleep(Duration::from_millis(1)).await;
    }
    let refused = other.take(&key, Duration::from_millis(100)).await.expect("Redis answers");
    assert!(matches!(refused, Take::Refused { ask_in } if ask_in > Duration::from_millis(1_500)));
}

#[tokio::test]
async fn a01_429_stops_all_workers_and_a_retry_after_of_ten_years_is_a_quarter_of_an_hour() {
    let Some(url) = test_redis() else { return };
    let (one, other) = pair(&url, &prefix()).await;
    let key = key("hanbit");
    let grant = granted(&one, &key).await;
    let seen = Observation {
        throttled: true,
        retry_after: Some(Duration::from_hours(87_600)),
        ..Observation::default()
    };
    one.observe(&key, &grant, seen).await.expect("told");
    let told = Instant::now();
    while other.silent_until(&key).is_none() {
        assert!(told.elapsed() < Duration::from_millis(100), "the other worker did not hear of it");
        sleep(Duration::from_millis(1)).await;
    }
    let silence = other.silent_until(&key).expect("silent") - Instant::now();
    assert!(silence > Duration::from_secs(890) && silence <= Duration::from_mins(15));
}

#[tokio::test]
async fn r02_a_flushed_bucket_starts_with_one_probe_whose_answer_raises_it() {
    let Some(url) = test_redis() else { return };
    let prefix = prefix();
    let limiter = RedisLimiter::connect(&url, &prefix, fast()).expect("settings");
    let key = key("hanbit");
    let keys = [key.clone(), super::key("unknown")];
    for _ in 0..2 {
        let grant = granted(&limiter, &key).await;
        let again = limiter.take(&key, Duration::ZERO).await.expect("Redis answers");
        assert!(matches!(again, Take::Refused { .. }), "one probe only");
        limiter.observe(&key, &grant, left(39)).await.expect("told");
        let levels = limiter.levels(&keys).await.expect("Redis answers");
        assert!((33.9..=35.0).contains(&levels[0]) && levels[1] == 0.0, "{levels:?}");
        let mut redis = raw(&url).await;
        let () = redis::cmd("DEL")
            .arg(format!("{prefix}:bucket:{{hanbit}}"))
            .query_async(&mut redis)
            .await
            .expect("deleted");
        assert_eq!(limiter.levels(&keys).await.expect("Redis answers"), [0.0, 0.0]);
    }
}

#[tokio::test]
async fn an_answer_that_says_what_is_known_costs_no_round_trip_and_a_foreign_loss_is_followed() {
    let Some(url) = test_redis() else { return };
    let limiter = RedisLimiter::connect(&url, &prefix(), fast()).expect("settings");
    let key = key("hanbit");
    let probe = granted(&limiter, &key).await;
    limiter.observe(&key, &probe, left(39)).await.expect("told");
    let grant = granted(&limiter, &key).await;
    limiter.observe(&key, &grant, left(grant.level_after())).await.expect("untold");
    assert_eq!((limiter.counts().told, limiter.counts().untold), (1, 1));
    limiter.observe(&key, &grant, left(20)).await.expect("told");
    assert_eq!((limiter.counts().told, limiter.counts().down), (2, 1));
    let level = limiter.levels(std::slice::from_ref(&key)).await.expect("Redis answers")[0];
    assert!((15.0..18.0).contains(&level), "{level}");
    for garbage in [-7, 1_000_000] {
        limiter.observe(&key, &grant, left(garbage)).await.expect("ignored");
    }
    assert_eq!(limiter.counts().told, 2);
}

#[tokio::test]
async fn the_living_workers_are_listed_and_the_dead_forgotten() {
    let Some(url) = test_redis() else { return };
    let limiter = RedisLimiter::connect(&url, &prefix(), fast()).expect("settings");
    limiter.heartbeat("w2", r#"{"jobs":2}"#, Duration::from_mins(1)).await.expect("beats");
    limiter.heartbeat("w1", r#"{"jobs":1}"#, Duration::from_millis(40)).await.expect("beats");
    let living = limiter.heartbeats().await.expect("Redis answers");
    assert_eq!(living, [("w1".into(), r#"{"jobs":1}"#.into()), ("w2".into(), r#"{"jobs":2}"#.into())]);
    sleep(Duration::from_millis(60)).await;
    assert_eq!(limiter.heartbeats().await.expect("Redis answers").len(), 1);
    limiter.ping().await.expect("Redis answers");
}
