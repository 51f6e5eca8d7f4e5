//! Which keys are silent, as far as this process was told.
//!
//! The truth is in each bucket's hash. This copy only spares the round trip between waking up at a slot and sending: the
//! scripts publish each silence, and a subscription of our own hears it within a millisecond or so. A message that is
//! lost costs at most the requests whose grants were already given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use redis::{Client, RedisResult};
use tokio::time::{Instant, sleep, timeout};

use super::CALL_TIMEOUT;
use crate::domain::backoff::Backoff;
use crate::domain::bucket::MAX_SILENCE;
use crate::domain::ids::LimiterKey;

/// Silent keys at the same time; 16,384 of at most 200 bytes are about 5 MB. Beyond, Redis alone refuses.
const MOST_KEYS: usize = 16_384;
/// A subscription that answers no ping within this time is dead.
const PING_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Silences {
    until: Mutex<HashMap<LimiterKey, Instant>>,
}

impl Silences {
    pub(super) fn add(&self, key: &LimiterKey, silent: Duration) {
        if silent.is_zero() {
            return;
        }
        let now = Instant::now();
        let until = now + silent.min(MAX_SILENCE);
        let mut map = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = map.get_mut(key) {
            *known = until.max(*known);
            return;
        }
        if map.len() >= MOST_KEYS {
            map.retain(|_, until| *until > now);
        }
        if map.len() < MOST_KEYS {
            map.insert(key.clone(), until);
        }
    }

    pub(super) fn until(&self, key: &LimiterKey) -> Option<Instant> {
        let mut map = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *map.get(key)?;
        if until > Instant::now() {
            return Some(until);
        }
        map.remove(key);
        None
    }

    /// Takes in `<key> <silent_until_us> <now_us>`; anything else is not ours and is left alone.
    fn hear(&self, message: &str) {
        let mut words = message.split(' ');
        let (Some(key), Some(until), Some(now)) = (words.next(), words.next(), words.next()) else { return };
        let (Ok(key), Ok(until_us), Ok(now_us)) =
            (LimiterKey::try_from(key.to_owned()), until.parse::<u64>(), now.parse::<u64>())
        else {
            return;
        };
        self.add(&key, Duration::from_micros(until_us.saturating_sub(now_us)));
    }
}

/// Listens until the task is dropped; connects again with backoff.
pub(super) async fn listen(client: Client, channel: String, silences: Arc<Silences>) {
    let mut failures = 0;
    loop {
        let subscribed = Instant::now();
        if let Err(error) = subscription(&client, &channel, &silences).await {
            // Not a warning: the calls themselves say that Redis is away, and count it.
            tracing::debug!(error = %error, "the subscription to silences ended");
        }
        if subscribed.elapsed() > Backoff::RECONNECT.cap {
            failures = 0;
        }
        sleep(Backoff::RECONNECT.random_wait(failures)).await;
        failures = failures.saturating_add(1).min(8);
    }
}

async fn subscription(client: &Client, channel: &str, silences: &Silences) -> RedisResult<()> {
    let (mut sink, mut messages) = within(client.get_async_pubsub()).await?.split();
    within(sink.subscribe(channel)).await?;
    loop {
        match timeout(PING_EVERY, messages.next()).await {
            Ok(Some(message)) => {
                if let Ok(text) = message.get_payload::<String>() {
                    silences.hear(&text);
                }
            }
            Ok(None) => return Ok(()),
            Err(_) => {
                within(sink.ping::<redis::Value>()).await?;
            }
        }
    }
}

async fn within<T>(call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|elapsed| Err(std::io::Error::other(elapsed).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> LimiterKey {
        LimiterKey::try_from(text.to_owned()).expect("valid")
    }

    #[tokio::test]
    async fn a_silence_grows_never_shrinks_and_ends() {
        let silences = Silences::default();
        silences.hear("hanbit 1060000 1000000");
        let until = silences.until(&key("hanbit")).expect("silent");
        silences.hear("hanbit 2001000 2000000");
        assert_eq!(silences.until(&key("hanbit")), Some(until));
        assert_eq!(silences.until(&key("other")), None);
        silences.hear("hanbit 1080000 1000000");
        let longer = silences.until(&key("hanbit")).expect("silent");
        assert!(longer > until);
        tokio::time::sleep_until(longer + Duration::from_millis(1)).await;
        assert_eq!(silences.until(&key("hanbit")), None);
    }

    #[tokio::test]
    async fn foreign_messages_and_a_flood_of_keys_are_harmless() {
        let silences = Silences::default();
        for message in ["", "hanbit", "hanbit x y", "{a} 1 2", "hanbit 1 2", "hanbit 99999999999999999999 0"]
        {
            silences.hear(message);
        }
        assert_eq!(silences.until(&key("hanbit")), None);
        for number in 0..MOST_KEYS + 100 {
            silences.add(&key(&format!("mall{number}")), Duration::from_mins(1));
        }
        assert_eq!(silences.until.lock().expect("not poisoned").len(), MOST_KEYS);
    }
}
