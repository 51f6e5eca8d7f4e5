//! What Redis looks like, for `doctor`.

use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::RedisLimiter;
use super::calls::decode;
use crate::domain::ids::LimiterKey;
use crate::limiter::{Limiter, LimiterError};

/// No mall id: the bucket that is asked belongs to nobody. It expires like every other.
const NOBODY: &str = "doctor!";

/// What `doctor` sees. A bucket was asked for a token in earnest: scripts, memory and rights to our keys work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisFacts {
    /// `redis_version`.
    pub version: String,
    /// `role`: `master`, or a replica, which takes no writes.
    pub role: String,
    /// `maxmemory_policy`; anything but `noeviction` forgets buckets.
    pub policy: String,
    /// `maxmemory` in bytes; 0 is no limit.
    pub maxmemory: u64,
    /// `used_memory` in bytes.
    pub used: u64,
    /// Its clock, in microseconds since 1970.
    pub now_us: i64,
    /// When it was asked, by our own monotonic clock: in the middle of the call.
    pub asked: Instant,
    /// How long the answer took.
    pub took: Duration,
}

impl RedisLimiter {
    /// Looks at the server, and takes a token of a bucket that no mall has.
    pub async fn inspect(&self) -> Result<RedisFacts, LimiterError> {
        let key = LimiterKey::try_from(NOBODY.to_owned())
            .map_err(|error| LimiterError::Settings(error.to_string()))?;
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("TIME").cmd("INFO");
        let began = Instant::now();
        let replies: Vec<Value> =
            self.count(self.connection.call("", async |link| pipeline.query_async(link).await).await)?;
        let took = began.elapsed();
        let mut replies = replies.into_iter();
        let (time, info) = (replies.next().unwrap_or(Value::Nil), replies.next().unwrap_or(Value::Nil));
        let (seconds, micros): (i64, i64) = decode(time)?;
        let info: String = decode(info)?;
        let text = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        let number = |name: &str| text(name).parse().unwrap_or(0);
        self.take(&key, Duration::ZERO).await?;
        Ok(RedisFacts {
            version: text("redis_version"),
            role: text("role"),
            policy: text("maxmemory_policy"),
            maxmemory: number("maxmemory"),
            used: number("used_memory"),
            now_us: seconds * 1_000_000 + micros,
            asked: began + took / 2,
            took,
        })
    }
}
