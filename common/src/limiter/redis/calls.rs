//! The port's calls: arguments in, reply out.

use std::time::Duration;

use redis::{Pipeline, Script, Value};
use tokio::time::Instant;

use super::clock::Reading;
use super::{RedisLimiter, channel};
use crate::domain::bucket::{Bucket, Correction, Gauge, Reserve, Seen, Slot, State, as_us};
use crate::domain::ids::LimiterKey;
use crate::limiter::{Grant, Limiter, LimiterError, Observation, Take};

/// A slot never lies further ahead: a dead worker wastes little.
const LONGEST_HORIZON: Duration = Duration::from_secs(1);
/// Keys read in one pipeline, so that neither side holds a big reply.
const GAUGES_AT_ONCE: usize = 500;
/// `ARGV[8]` of `observe.lua`.
const EVENT_ANSWER: i64 = 0;
const EVENT_THROTTLED: i64 = 1;
const EVENT_CLOCK_JUMP: i64 = 2;

/// The fields of a bucket's hash that make its gauge; `run_id` comes first.
const FIELDS: [&str; 9] =
    ["run_id", "tat_us", "seen_us", "silent_until_us", "born_us", "probes", "burst", "token_us", "reserve"];

/// A hash as `HMGET` answers it: `run_id` and the numbers of a [`State`], each absent in an unknown bucket.
type Fields = (Option<String>, [Option<i64>; FIELDS.len() - 1]);

impl Limiter for RedisLimiter {
    async fn take(&self, key: &LimiterKey, horizon: Duration) -> Result<Take, LimiterError> {
        let began = Instant::now();
        let horizon_us = as_us(horizon.min(LONGEST_HORIZON));
        let reply = self.run(&self.scripts.take, key, &[horizon_us, self.limits.settle_us], &[]).await?;
        let ended = Instant::now();
        let (now_us, before_us) = (at(&reply, 1)?, at(&reply, 2)?);
        if self.clock.jumped(Reading { began, ended, redis_us: now_us }, before_us, self.fill_time(key)) {
            self.empty(key).await?;
            return Ok(Take::Refused { ask_in: micros(self.limits.token_us) });
        }
        if at(&reply, 0)? == 0 {
            self.counters.refused();
            self.silences.add(key, micros(at(&reply, 4)?));
            return Ok(Take::Refused { ask_in: micros(at(&reply, 3)?) });
        }
        self.counters.granted();
        let terms = Slot {
            wait_us: at(&reply, 3)?,
            level_after: at(&reply, 4)?,
            born_us: at(&reply, 5)?,
            proof: at(&reply, 6)?,
            burst: at(&reply, 7)?,
            token_us: at(&reply, 8)?,
            before_us,
        };
        let wait = micros(terms.wait_us);
        // Never early: Redis read its clock at the latest when its answer arrived. Never late: counted from the call.
        Ok(Take::Granted(Grant { slot: ended + wait, use_by: began + wait + self.use_by, terms }))
    }

    async fn observe(&self, key: &LimiterKey, grant: &Grant, seen: Observation) -> Result<(), LimiterError> {
        let seen = seen.seen(&self.limits);
        if !seen.matters(&self.limits, &grant.terms) {
            self.counters.untold();
            return Ok(());
        }
        // This process falls silent at once, even if Redis cannot be told.
        self.silences.add(key, micros(seen.silence_us(&self.limits)));
        let event = if seen.throttled { EVENT_THROTTLED } else { EVENT_ANSWER };
        self.tell(key, event, &seen, (grant.terms.born_us, grant.terms.proof)).await
    }

    async fn gauges(&self, keys: &[LimiterKey]) -> Result<Vec<Gauge>, LimiterError> {
        let mut gauges = Vec::with_capacity(keys.len());
        for keys in keys.chunks(GAUGES_AT_ONCE) {
            let mut pipeline = Pipeline::with_capacity(keys.len() + 2);
            pipeline.cmd("TIME").cmd("INFO").arg("server");
            for key in keys {
                pipeline.cmd("HMGET").arg(self.bucket_key(key)).arg(&FIELDS);
            }
            let replies: Vec<Value> = self.count(
                self.connection.call(&self.prefix, async |link| pipeline.query_async(link).await).await,
            )?;
            gauges.extend(self.read_gauges(keys, replies)?);
        }
        Ok(gauges)
    }

    fn leave_free(&self, key: &LimiterKey, share: Option<Reserve>) {
        self.reserves.set(key, share);
    }

    fn silent_until(&self, key: &LimiterKey) -> Option<Instant> {
        self.silences.until(key)
    }
}

impl RedisLimiter {
    /// Asks Redis for a sign of life; how long it took.
    pub async fn ping(&self) -> Result<Duration, LimiterError> {
        let began = Instant::now();
        let ping = async |link: &mut _| redis::cmd("PING").query_async::<Value>(link).await;
        self.count(self.connection.call("", ping).await)?;
        Ok(began.elapsed())
    }

    /// Empties a bucket whose level came from a clock that jumped.
    async fn empty(&self, key: &LimiterKey) -> Result<(), LimiterError> {
        self.counters.clock_jump();
        tracing::warn!(limiter_key = %key, "Redis' clock jumped against ours: the bucket of {key} starts empty");
        let nothing = Seen::new(&self.limits, None, None, None);
        self.tell(key, EVENT_CLOCK_JUMP, &nothing, (0, 0)).await
    }

    async fn tell(
        &self,
        key: &LimiterKey,
        event: i64,
        seen: &Seen,
        (born_us, proof): (i64, i64),
    ) -> Result<(), LimiterError> {
        let numbers = [
            seen.remaining.unwrap_or(-1),
            seen.burst,
            seen.token_us,
            event,
            seen.retry_after_us,
            seen.elapsed_us,
            seen.in_flight,
            born_us,
            proof,
            self.limits.floor,
            self.limits.floor_pause_us,
        ];
        let began = Instant::now();
        let channel = channel(&self.prefix);
        let reply = self.run(&self.scripts.observe, key, &numbers, &[&channel, key.as_str()]).await?;
        let (now_us, before_us) = (at(&reply, 0)?, at(&reply, 1)?);
        self.silences.add(key, micros(at(&reply, 2)?));
        if event == EVENT_CLOCK_JUMP {
            return Ok(());
        }
        self.counters.told();
        self.counters.corrected(match at(&reply, 3)? {
            -1 => Correction::Down,
            1 => Correction::Up,
            _ => Correction::None,
        });
        let reading = Reading { began, ended: Instant::now(), redis_us: now_us };
        if self.clock.jumped(reading, before_us, self.fill_time(key)) {
            Box::pin(self.empty(key)).await?;
        }
        Ok(())
    }

    async fn run(
        &self,
        script: &Script,
        key: &LimiterKey,
        numbers: &[i64],
        texts: &[&str],
    ) -> Result<Vec<i64>, LimiterError> {
        let bucket_key = self.bucket_key(key);
        let limits = self.reserves.limits(self.limits, key);
        let mut call = script.key(&bucket_key);
        call.arg(limits.capacity).arg(limits.server_capacity).arg(limits.token_us);
        call.arg(limits.reserve.percent());
        for number in numbers {
            call.arg(number);
        }
        for text in texts {
            call.arg(text);
        }
        self.count(self.connection.call(&bucket_key, async |link| call.invoke_async(link).await).await)
    }

    fn read_gauges(&self, keys: &[LimiterKey], replies: Vec<Value>) -> Result<Vec<Gauge>, LimiterError> {
        let mut replies = replies.into_iter();
        let (time, info) = (replies.next().unwrap_or(Value::Nil), replies.next().unwrap_or(Value::Nil));
        let (seconds, micros): (i64, i64) = decode(time)?;
        let now_us = seconds * 1_000_000 + micros;
        let info: String = decode(info)?;
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim();
        keys.iter()
            .zip(replies)
            .map(|(key, reply)| {
                let (written_by, numbers): Fields = decode(nested(reply))?;
                let bucket = state(&numbers).map_or_else(Bucket::default, Bucket::remembered);
                // The silence of a bucket that another Redis wrote still holds; its level does not.
                let epoch = u64::from(written_by.as_deref() != Some(run_id));
                Ok(bucket.gauge(&self.reserves.limits(self.limits, key), epoch, now_us))
            })
            .collect()
    }

    pub(super) fn count<T>(&self, result: Result<T, LimiterError>) -> Result<T, LimiterError> {
        result.inspect_err(|error| self.counters.failed(error))
    }

    /// From empty to full.
    fn fill_time(&self, key: &LimiterKey) -> Duration {
        let limits = self.reserves.limits(self.limits, key);
        micros(limits.capacity * limits.reserve.pace_us(limits.token_us))
    }
}

/// The state that a hash holds, of epoch 0; none if a field is missing. The share is younger than the others.
fn state(numbers: &[Option<i64>; FIELDS.len() - 1]) -> Option<State> {
    let [tat_us, seen_us, silent_until_us, born_us, probes, burst, token_us, reserve] = *numbers;
    Some(State {
        tat_us: tat_us?,
        seen_us: seen_us?,
        silent_until_us: silent_until_us?,
        epoch: 0,
        born_us: born_us?,
        probes: probes?,
        burst: burst?,
        token_us: token_us?,
        line_us: 0,
        reserve: Reserve::try_from(reserve.unwrap_or(0)).unwrap_or_default(),
    })
}

/// `[run_id, number, …]` as `[run_id, [number, …]]`, which the driver can decode into [`Fields`].
fn nested(reply: Value) -> Value {
    match reply {
        Value::Array(mut fields) if fields.len() > 1 => {
            let numbers = fields.split_off(1);
            fields.push(Value::Array(numbers));
            Value::Array(fields)
        }
        other => other,
    }
}

pub(super) fn decode<T: redis::FromRedisValue>(value: Value) -> Result<T, LimiterError> {
    redis::from_redis_value(value).map_err(|error| LimiterError::Refused {
        code: "an answer that is not ours".to_owned(),
        source: error.into(),
    })
}

fn at(reply: &[i64], index: usize) -> Result<i64, LimiterError> {
    reply.get(index).copied().ok_or_else(|| LimiterError::Refused {
        code: "an answer that is too short".to_owned(),
        source: format!("{} numbers", reply.len()).into(),
    })
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}
