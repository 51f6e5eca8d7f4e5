//! Names of one test's queues and keys, so that tests share RabbitMQ and Redis without seeing each other.

use std::thread;

use super::broker::Broker;
use super::trouble::{Context as _, Result};

/// A prefix for queues, exchanges and Redis keys. Dropping it removes what bears it.
#[derive(Debug)]
pub struct Prefix {
    text: String,
    amqp_url: String,
    redis_url: String,
}

impl Prefix {
    /// A prefix that nobody else has.
    pub fn new(amqp: &str, redis: &str) -> Self {
        let text = format!("t{:016x}.", rand::random::<u64>());
        Self { text, amqp_url: amqp.to_owned(), redis_url: redis.to_owned() }
    }

    /// Before the names of exchanges and queues.
    pub fn broker(&self) -> &str {
        &self.text
    }

    /// Before the names of keys.
    pub fn redis(&self) -> &str {
        &self.text
    }

    /// A lane's queue: `fresh` or `backfill`.
    pub fn queue(&self, lane: &str) -> String {
        format!("{}jobs.{lane}", self.text)
    }

    /// The exchange that jobs are published to.
    pub fn jobs_exchange(&self) -> String {
        format!("{}jobs", self.text)
    }

    /// The exchange of rejected messages.
    pub fn dead_exchange(&self) -> String {
        format!("{}jobs.dlx", self.text)
    }

    /// The queue of rejected messages.
    pub fn dead_queue(&self) -> String {
        format!("{}jobs.dlq", self.text)
    }

    /// The exchange that says whose the prefix is.
    pub fn mark_exchange(&self) -> String {
        format!("{}jobs.deployment", self.text)
    }

    async fn remove(&self) -> Result<()> {
        let broker = Broker::connect(&self.amqp_url).await?;
        for queue in [self.queue("fresh"), self.queue("backfill"), self.dead_queue()] {
            broker.delete_queue(&queue).await?;
        }
        for exchange in [self.jobs_exchange(), self.dead_exchange(), self.mark_exchange()] {
            broker.delete_exchange(&exchange).await?;
        }
        let client = redis::Client::open(self.redis_url.as_str()).context("redis")?;
        let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
        let pattern = format!("{}*", self.text);
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(&pattern).query_async(&mut connection).await.context("redis")?;
        if keys.is_empty() {
            return Ok(());
        }
        redis::cmd("DEL").arg(&keys).query_async(&mut connection).await.context("redis")
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        let this = &*self;
        thread::scope(|scope| {
            scope.spawn(|| {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let limit = std::time::Duration::from_secs(5);
                // The test may have ended its server; then its names ended with it.
                let _gone = runtime.block_on(async { tokio::time::timeout(limit, this.remove()).await });
            });
        });
    }
}
