//! Against a real Redis: the one that `TEST_REDIS_URL` names, or a private one where a test must break it.
//! Without the variable, or without a `redis-server`, those tests say so and pass.

mod differential;
mod faults;
mod figures;
mod private;
mod reserve;
mod shared;

use std::time::Duration;

use redis::aio::MultiplexedConnection;

use super::RedisLimiter;
use crate::domain::ids::LimiterKey;
use crate::limiter::{BucketConfig, Grant, Limiter, Take};

/// The shared server's address, or `None` with a note.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(in crate::limiter) fn test_redis() -> Option<String> {
    let url = std::env::var_os("TEST_REDIS_URL").and_then(|url| url.into_string().ok());
    if url.is_none() {
        eprintln!("skipped: TEST_REDIS_URL names no Redis");
    }
    url
}

/// A prefix of its own for each test.
fn prefix() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

fn key(text: &str) -> LimiterKey {
    LimiterKey::try_from(text.to_owned()).expect("valid")
}

/// Ten times the real rate, so that tests are short; no settle time unless a test is about it.
fn fast() -> BucketConfig {
    BucketConfig { refill_per_second: 20.0, settle: Duration::ZERO, ..BucketConfig::default() }
}

async fn raw(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("an address");
    client.get_multiplexed_async_connection().await.expect("Redis answers")
}

async fn granted(limiter: &RedisLimiter, key: &LimiterKey) -> Grant {
    match limiter.take(key, Duration::from_secs(1)).await.expect("Redis answers") {
        Take::Granted(grant) => grant,
        Take::Refused { ask_in } => panic!("refused for {ask_in:?}"),
    }
}
