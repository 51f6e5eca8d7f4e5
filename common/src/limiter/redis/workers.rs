//! Which workers live.

use std::time::Duration;

use redis::Value;

use super::RedisLimiter;
use crate::limiter::LimiterError;

impl RedisLimiter {
    /// Says that the worker lives, for `ttl`; `json` is what it wants others to know, without secrets.
    pub async fn heartbeat(&self, worker_id: &str, json: &str, ttl: Duration) -> Result<(), LimiterError> {
        let key = self.workers_key();
        let mut call = self.scripts.heartbeat.key(&key);
        call.arg(worker_id).arg(json).arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).min(1 << 40));
        let beat = async |link: &mut _| call.invoke_async::<i64>(link).await;
        self.count(self.connection.call(&key, beat).await).map(drop)
    }

    /// The living workers and what they say, in the order of their ids.
    pub async fn heartbeats(&self) -> Result<Vec<(String, String)>, LimiterError> {
        let key = self.workers_key();
        let read = async |link: &mut _| {
            redis::pipe()
                .cmd("TIME")
                .cmd("HGETALL")
                .arg(&key)
                .query_async::<(Value, Vec<(String, String)>)>(link)
                .await
        };
        let (time, entries) = self.count(self.connection.call(&key, read).await)?;
        let (seconds, micros): (u64, u64) = super::calls::decode(time)?;
        let now_ms = seconds * 1_000 + micros / 1_000;
        let mut living: Vec<_> = entries
            .into_iter()
            .filter_map(|(worker_id, value)| {
                let (until_ms, json) = value.split_once(' ')?;
                (until_ms.parse::<u64>().ok()? > now_ms).then(|| (worker_id, json.to_owned()))
            })
            .collect();
        living.sort();
        Ok(living)
    }

    fn workers_key(&self) -> String {
        format!("{}:workers", self.prefix)
    }
}
