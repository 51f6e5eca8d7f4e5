//! Whatever Redis suffers: no grant (rows R1–R6 of the fault matrix).

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::private::{Link, PrivateRedis, free_port};
use super::*;
use crate::domain::failure::FailureClass;
use crate::limiter::LimiterError;
use crate::limiter::redis::Scripts;

async fn refusal(limiter: &RedisLimiter) -> LimiterError {
    let error = limiter.take(&key("hanbit"), Duration::ZERO).await.expect_err("no grant");
    assert_eq!(error.class(), FailureClass::Infrastructure);
    assert!(!format!("{error} {error:?} {limiter:?}").contains("canary"), "{error:?}");
    error
}

/// How long until a token is answered again, granted or not.
async fn recovery(limiter: &RedisLimiter) -> Duration {
    let healed = Instant::now();
    while limiter.take(&key("hanbit"), Duration::ZERO).await.is_err() {
        assert!(healed.elapsed() < Duration::from_secs(5), "did not recover");
        sleep(Duration::from_millis(20)).await;
    }
    healed.elapsed()
}

#[tokio::test]
async fn r01_a_redis_that_is_away_at_the_start_is_an_error_of_the_call_and_comes_back() {
    let port = free_port();
    let url = format!("redis://:canary@127.0.0.1:{port}");
    let limiter = RedisLimiter::connect(&url, "p", fast()).expect("settings");
    assert!(matches!(refusal(&limiter).await, LimiterError::Unreachable(_)));
    let url = format!("redis://127.0.0.1:{port}");
    let limiter = RedisLimiter::connect(&url, "p", fast()).expect("settings");
    assert!(matches!(refusal(&limiter).await, LimiterError::Unreachable(_)));
    let Some(_server) = PrivateRedis::start_on(port).await else { return };
    recovery(&limiter).await;
}

#[tokio::test]
async fn r01_a_redis_that_hangs_is_an_error_within_about_a_second() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    let limiter = RedisLimiter::connect(&format!("redis://127.0.0.1:{port}"), "p", fast()).expect("settings");
    let began = Instant::now();
    assert!(matches!(refusal(&limiter).await, LimiterError::Timeout(_)));
    assert!(began.elapsed() < Duration::from_millis(1_300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn r01_a_frozen_redis_gives_nothing_and_its_late_answers_are_nobodys() {
    let Some(server) = PrivateRedis::start().await else { return };
    let limiter = RedisLimiter::connect(&server.url(), "p", fast()).expect("settings");
    granted(&limiter, &key("hanbit")).await;
    server.signal("-STOP");
    let began = Instant::now();
    assert!(matches!(refusal(&limiter).await, LimiterError::Timeout(_)));
    assert!(began.elapsed() < Duration::from_millis(1_300), "{:?}", began.elapsed());
    server.signal("-CONT");
    recovery(&limiter).await;
}

#[tokio::test]
async fn r03_a_replica_gives_no_grant_and_a_lost_script_is_loaded_again() {
    let Some(server) = PrivateRedis::start().await else { return };
    let limiter = RedisLimiter::connect(&server.url(), "p", fast()).expect("settings");
    let mut redis = raw(&server.url()).await;
    granted(&limiter, &key("hanbit")).await;
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.expect("flushed");
    limiter.take(&key("hanbit"), Duration::ZERO).await.expect("loaded again");
    let replica_of = async |redis: &mut MultiplexedConnection, host: &str, port: &str| {
        let () = redis::cmd("REPLICAOF").arg(host).arg(port).query_async(redis).await.expect("set");
    };
    replica_of(&mut redis, "127.0.0.1", "1").await;
    let error = refusal(&limiter).await;
    assert!(matches!(error, LimiterError::NotWritable { .. }), "{error:?}");
    replica_of(&mut redis, "NO", "ONE").await;
    recovery(&limiter).await;
}

#[tokio::test]
async fn r04_no_memory_a_foreign_key_and_a_missing_right_are_told_apart() {
    let Some(server) = PrivateRedis::start().await else { return };
    let limiter = RedisLimiter::connect(&server.url(), "p", fast()).expect("settings");
    let mut redis = raw(&server.url()).await;
    let () =
        redis::cmd("SET").arg("p:bucket:{hanbit}").arg("mine").query_async(&mut redis).await.expect("set");
    let error = refusal(&limiter).await;
    assert!(matches!(&error, LimiterError::ForeignKey { key } if key == "p:bucket:{hanbit}"), "{error:?}");
    let kept: String =
        redis::cmd("GET").arg("p:bucket:{hanbit}").query_async(&mut redis).await.expect("kept");
    assert_eq!(kept, "mine");
    let () = redis::cmd("DEL").arg("p:bucket:{hanbit}").query_async(&mut redis).await.expect("deleted");

    let memory = async |redis: &mut MultiplexedConnection, bytes: &str| {
        let () = redis::cmd("CONFIG")
            .arg("SET")
            .arg("maxmemory")
            .arg(bytes)
            .query_async(redis)
            .await
            .expect("set");
    };
    memory(&mut redis, "1").await;
    let error = refusal(&limiter).await;
    assert!(matches!(error, LimiterError::OutOfMemory), "{error:?}");
    memory(&mut redis, "0").await;
    recovery(&limiter).await;

    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "poor", "on", ">canary", "~p:*", "+ping", "+evalsha", "+eval", "+script|load"])
        .query_async(&mut redis)
        .await
        .expect("set");
    let poor = format!("redis://poor:canary@127.0.0.1:{}", server.port);
    let poor = RedisLimiter::connect(&poor, "p", fast()).expect("settings");
    let error = refusal(&poor).await;
    assert!(matches!(error, LimiterError::Denied { .. } | LimiterError::Refused { .. }), "{error:?}");
    let stranger = format!("redis://nobody:canary@127.0.0.1:{}", server.port);
    let stranger = RedisLimiter::connect(&stranger, "p", fast()).expect("settings");
    let error = refusal(&stranger).await;
    assert!(matches!(error, LimiterError::Denied { .. }), "{error:?}");
}

#[tokio::test]
async fn r06_a_lost_answer_costs_its_token_and_nothing_is_tried_twice() {
    let Some(server) = PrivateRedis::start().await else { return };
    let link = Link::to(server.port).await;
    let config = BucketConfig { refill_per_second: 0.01, ..fast() };
    let limiter =
        RedisLimiter::connect(&format!("redis://127.0.0.1:{}", link.port), "p", config).expect("settings");
    limiter.levels(&[key("hanbit")]).await.expect("connected");
    link.lose_next_answer();
    refusal(&limiter).await;
    recovery(&limiter).await;
    let mut redis = raw(&server.url()).await;
    let probes: i64 = redis::cmd("HGET")
        .arg("p:bucket:{hanbit}")
        .arg("probes")
        .query_async(&mut redis)
        .await
        .expect("read");
    assert!(probes <= 1, "{probes}");
    let again = limiter.take(&key("hanbit"), Duration::ZERO).await.expect("Redis answers");
    assert!(matches!(again, Take::Refused { .. }));
}

#[tokio::test]
async fn r05_a_clock_that_jumps_an_hour_ahead_gives_no_grant_and_empties_each_bucket_of_before() {
    let Some(url) = test_redis() else { return };
    let prefix = prefix();
    let limiter =
        RedisLimiter::with_scripts(&url, &prefix, fast(), Scripts::with_set_clock()).expect("settings");
    let mut redis = raw(&url).await;
    let (began, base_us) = (Instant::now(), 1_900_000_000_000_000_u128);
    let mut set = async |shift_us: u128, name: &str| {
        let now_us = base_us + shift_us + began.elapsed().as_micros();
        let key = format!("{prefix}:bucket:{{{name}}}");
        let () = redis::cmd("MSET")
            .arg(&[(format!("{key}:now"), now_us.to_string()), (format!("{key}:run"), "a".to_owned())])
            .query_async(&mut redis)
            .await
            .expect("set");
    };
    for name in ["hanbit", "dalbit"] {
        set(0, name).await;
        granted(&limiter, &key(name)).await;
    }
    for name in ["hanbit", "dalbit"] {
        set(3_600_000_000, name).await;
        let refused = limiter.take(&key(name), Duration::ZERO).await.expect("Redis answers");
        assert!(matches!(refused, Take::Refused { ask_in } if ask_in <= Duration::from_secs(1)));
        sleep(Duration::from_millis(60)).await;
        set(3_600_000_000, name).await;
        granted(&limiter, &key(name)).await;
        let again = limiter.take(&key(name), Duration::ZERO).await.expect("Redis answers");
        assert!(matches!(again, Take::Refused { .. }), "the bucket was empty");
    }
    assert_eq!(limiter.counts().clock_jumps, 2);
}

#[tokio::test]
async fn an_address_that_does_not_parse_is_refused_without_naming_it() {
    let error = RedisLimiter::connect("rediss//:canary@host", "p", fast()).expect_err("no address");
    assert!(matches!(error, LimiterError::Settings(_)) && !format!("{error} {error:?}").contains("canary"));
    assert!(RedisLimiter::connect("redis://localhost", "a{b", fast()).is_err());
}
