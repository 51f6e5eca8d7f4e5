//! The leader's duties, and taking them over.
//!
//! Feed, reconcile, pauses, alerts, archive and the malls' tokens run side by side as long as the lock is held; when its session
//! is lost, all of them stop
//! at once and the process stands by again. A duty that fails says so once, waits and goes on: no failure of a
//! neighbour ends the daemon.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::config::Config;
use common::domain::backoff::Backoff;
use common::domain::ids::LimiterKey;
use common::store::{Channel, Control, Leadership};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::DUTY;
use super::error::FeedError;
use super::pass::Feed;
use super::pauses::Pauses;
use super::reconcile::Reconciler;
use crate::alerts::Alerts;
use crate::dead::Drain;
use crate::tokens::Tokens;

/// How often a standby asks for the lock. With the lock's idle timeout of 10 s, a takeover takes 12 s at most.
const STANDBY: Duration = Duration::from_secs(2);

/// Leads when it can.
#[derive(Debug)]
pub struct Feeder {
    config: Config,
    control: Control,
    /// None for a command that leads only until its own jobs are done.
    tokens: Option<Arc<Tokens>>,
}

impl Feeder {
    /// A feeder that stands by.
    pub fn new(config: Config, control: Control, tokens: Option<Arc<Tokens>>) -> Self {
        Self { config, control, tokens }
    }

    /// Leads whenever nobody else does, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), FeedError> {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.control.try_lead(DUTY).await {
                Ok(Some(leadership)) => {
                    failures = 0;
                    tracing::info!(event = "leader.acquired", "leading: this process feeds the queues");
                    if let Err(error) = Box::pin(self.lead(leadership, &shutdown)).await {
                        tracing::warn!(
                            event = "leader.lost",
                            error = &error as &dyn std::error::Error,
                            "no longer leading"
                        );
                    }
                }
                Ok(None) => failures = 0,
                Err(error) => {
                    tracing::warn!(
                        event = "conn.lost",
                        error = &error as &dyn std::error::Error,
                        "Postgres is out of reach; trying again"
                    );
                    failures += 1;
                }
            }
            let wait = if failures == 0 { STANDBY } else { Backoff::RECONNECT.random_wait(failures) };
            tokio::select! {
                () = sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn lead(&self, mut leadership: Leadership, shutdown: &CancellationToken) -> Result<(), FeedError> {
        let mut feed = Feed::new(&self.config, &self.control)?;
        let mut reconciler = Reconciler::new(&self.config, &self.control)?;
        let pauses = Pauses::new(&self.control);
        let alerts = Alerts::new(&self.config, &self.control);
        let mut drain = Drain::new(&self.config, &self.control)?;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            lost = keep(&mut leadership) => return Err(lost),
            () = self.feed(&mut feed) => {}
            () = reconciler.run() => {}
            () = pauses.run() => {}
            () = alerts.run() => {}
            () = drain.run() => {}
            () = self.keep_tokens() => {}
        }
        leadership.release().await?;
        Ok(())
    }

    async fn keep_tokens(&self) {
        match &self.tokens {
            Some(tokens) => tokens.run().await,
            None => std::future::pending().await,
        }
    }

    /// Feeds for ever: what commits and plans name, and at each sweep every key that has work.
    async fn feed(&self, feed: &mut Feed) {
        let mut failures = 0;
        loop {
            let Err(error) = self.feed_until_failure(feed, &mut failures).await;
            tracing::warn!(
                event = "feed.failed",
                error = &error as &dyn std::error::Error,
                "feeding failed; trying again"
            );
            sleep(Backoff::RECONNECT.random_wait(failures)).await;
            failures += 1;
        }
    }

    async fn feed_until_failure(
        &self,
        feed: &mut Feed,
        failures: &mut u32,
    ) -> Result<std::convert::Infallible, FeedError> {
        let mut told = self.control.listen(Channel::Feed).await?;
        let mut sweep = interval(self.config.feed.sweep);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut swept = None;
            let keys: Vec<LimiterKey> = tokio::select! {
                told_key = told.next() => match told_key? {
                    Some(key) => {
                        let mut keys = BTreeSet::from([key]);
                        // Commits come in bursts: one pass for all that has arrived.
                        keys.extend(std::iter::from_fn(|| told.next_buffered()));
                        keys.into_iter().filter_map(|key| LimiterKey::try_from(key).ok()).collect()
                    }
                    // The session was made anew, something may have been missed.
                    None => self.control.keys_with_work().await?,
                },
                _ = sweep.tick() => {
                    swept = Some(Instant::now());
                    self.control.keys_with_work().await?
                }
            };
            if !keys.is_empty() {
                feed.pass(keys).await?;
            }
            if let Some(started) = swept {
                // Commits keep the windows full; sweeping many thousand keys must not take more than a tenth of the time.
                sweep.reset_after(self.config.feed.sweep.max(started.elapsed() * 9));
            }
            *failures = 0;
        }
    }
}

/// Holds the lock until its session is lost.
async fn keep(leadership: &mut Leadership) -> FeedError {
    let mut beat = interval(Leadership::BEAT);
    loop {
        beat.tick().await;
        if let Err(error) = leadership.beat().await {
            return FeedError::LeadershipLost(error);
        }
    }
}
