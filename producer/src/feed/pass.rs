//! One pass: for some keys, fill their windows.

use std::collections::HashSet;
use std::sync::Arc;

use common::broker::{Broker, PublishOutcome, Publisher, Topology};
use common::config::Config;
use common::config::FeedConfig;
use common::domain::ids::LimiterKey;
use common::limiter::{BucketConfig, Limiter, RedisLimiter};
use common::store::{Control, FeedJob};
use tokio::sync::Mutex;

use super::budget::Budget;
use super::due::PORTION;
use super::error::FeedError;
use super::settings::Settings;
use super::window::{share, window};

/// Messages whose confirms are awaited together.
const CONFIRM_WINDOW: usize = 1_000;

/// What a pass did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FeedReport {
    /// Jobs handed to the broker.
    pub published: usize,
    /// Keys looked at.
    pub keys: usize,
    /// Nothing was done because another process leads.
    pub leader_elsewhere: bool,
}

/// The connection that publishes. Shared, so that a process has one for this and one for consuming
/// (`docs/reliability.md` B8).
pub(crate) type Courier = Arc<Mutex<Publisher>>;

/// What a pass needs.
#[derive(Debug)]
pub(crate) struct Feed {
    control: Control,
    limiter: RedisLimiter,
    publisher: Courier,
    windows: FeedConfig,
    settings: Settings,
    refill_per_second: f64,
    budget: Budget,
    /// Keys with work: those of the last look at all of them, and those heard of since. `None`: not looked yet.
    with_work: Option<HashSet<LimiterKey>>,
}

impl Feed {
    pub(crate) fn new(config: &Config, control: &Control) -> Result<Self, FeedError> {
        Ok(Self {
            control: control.clone(),
            limiter: limiter(config, control)?,
            publisher: courier(config, control)?,
            windows: config.feed,
            settings: Settings::new(config.limits.backfill_hours),
            refill_per_second: config.limits.refill_per_second,
            budget: Budget::new(config.retry.budget_share),
            with_work: None,
        })
    }

    /// Its connection to the broker, for whoever has a question there now and then.
    pub(crate) fn courier(&self) -> Courier {
        Arc::clone(&self.publisher)
    }

    /// Every key that has work which is sent now.
    pub(crate) async fn keys_with_work(&mut self) -> Result<Vec<LimiterKey>, FeedError> {
        self.settings.refresh(&self.control).await?;
        let keys = self.control.keys_with_work(&self.settings.sent()).await?;
        self.with_work = Some(keys.iter().cloned().collect());
        Ok(keys)
    }

    /// Fills the windows of `keys`.
    pub(crate) async fn pass(&mut self, keys: Vec<LimiterKey>) -> Result<FeedReport, FeedError> {
        let mut report = FeedReport { keys: keys.len(), ..FeedReport::default() };
        self.settings.refresh(&self.control).await?;
        if self.with_work.is_none() {
            self.keys_with_work().await?;
        }
        let with_work = self.with_work.get_or_insert_default();
        with_work.extend(keys.iter().cloned());
        let share = share(with_work.len());
        let sent = self.settings.sent();
        for some in keys.chunks(PORTION) {
            let windows = self.windows(some, share).await;
            let next = self.control.next_jobs(&windows, &sent).await?;
            let jobs: Vec<_> = next.into_iter().flat_map(|next| self.budget.choose(next)).collect();
            for some in jobs.chunks(CONFIRM_WINDOW) {
                report.published += self.publish(some).await?;
            }
        }
        Ok(report)
    }

    /// What each bucket can serve soon, and no more than its `share` of what the broker may hold.
    async fn windows(&self, keys: &[LimiterKey], share: i64) -> Vec<(LimiterKey, i64)> {
        for key in keys {
            self.limiter.leave_free(key, self.settings.reserve(key));
        }
        let size = |level, per_second| window(level, per_second, self.windows.horizon).min(share);
        match self.limiter.gauges(keys).await {
            Ok(gauges) => {
                let sizes = gauges.iter().map(|gauge| size(gauge.level(), gauge.per_second));
                keys.iter().cloned().zip(sizes).collect()
            }
            // Without Redis no request leaves anyway; small windows keep the backlog here, where it can be changed.
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "bucket levels are unknown, windows stay small"
                );
                keys.iter().map(|key| (key.clone(), size(0.0, self.refill_per_second))).collect()
            }
        }
    }

    /// Publishes, and marks what was confirmed. A job that was not taken stays planned.
    async fn publish(&mut self, jobs: &[FeedJob]) -> Result<usize, FeedError> {
        let messages: Vec<_> = jobs.iter().map(|feed| &feed.job).collect();
        let outcomes = self.publisher.lock().await.publish(&messages).await?;
        let confirmed: Vec<_> = jobs
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome == PublishOutcome::Confirmed)
            .map(|(feed, _)| (feed.job.id, feed.fence))
            .collect();
        for outcome in &outcomes {
            common::telemetry::count_confirm(
                *outcome == PublishOutcome::Confirmed,
                *outcome == PublishOutcome::Returned,
            );
        }
        self.control.mark_queued(&confirmed).await?;
        match outcomes.iter().find(|outcome| **outcome != PublishOutcome::Confirmed) {
            None => Ok(confirmed.len()),
            Some(&outcome) => {
                Err(FeedError::Refused { refused: jobs.len() - confirmed.len(), asked: jobs.len(), outcome })
            }
        }
    }
}

/// A connection that publishes, which opens when it is needed.
pub(crate) fn courier(config: &Config, control: &Control) -> Result<Courier, FeedError> {
    Ok(Arc::new(Mutex::new(Publisher::new(broker(config, control)?))))
}

/// The broker of the configuration, as the producer shows itself to it.
pub(crate) fn broker(config: &Config, control: &Control) -> Result<Broker, FeedError> {
    let mut topology = Topology::new(config.rabbitmq.prefix.clone());
    if let Some(id) = control.deployment() {
        topology = topology.bound_to(id);
    }
    Ok(Broker::new(config.rabbitmq.url.expose(), "cafe24-sync", topology)?)
}

/// The buckets of the configuration, whoever's they are.
pub(crate) fn any_limiter(config: &Config) -> Result<RedisLimiter, FeedError> {
    Ok(RedisLimiter::connect(
        config.redis.url.expose(),
        &config.redis.prefix,
        BucketConfig::from(config.limits),
    )?)
}

/// The buckets of the configuration, as long as they are this installation's.
pub(crate) fn limiter(config: &Config, control: &Control) -> Result<RedisLimiter, FeedError> {
    let limiter = any_limiter(config)?;
    Ok(match control.deployment() {
        Some(id) => limiter.bound_to(id),
        None => limiter,
    })
}
