//! The feeder: what commits and plans name, and at each sweep every key that has work.

use std::collections::BTreeSet;
use std::convert::Infallible;

use common::config::Config;
use common::domain::ids::LimiterKey;
use common::store::{Channel, Control};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};
use crate::feed::{Courier, Feed, FeedError};

#[derive(Debug)]
pub(super) struct Feeding {
    control: Control,
    feed: Feed,
    sweep: std::time::Duration,
}

impl Feeding {
    pub(super) fn new(config: &Config, control: &Control) -> Result<Self, FeedError> {
        Ok(Self { control: control.clone(), feed: Feed::new(config, control)?, sweep: config.feed.sweep })
    }

    /// Its connection to the broker.
    pub(super) fn courier(&self) -> Courier {
        self.feed.courier()
    }
}

impl Work for Feeding {
    const DUTY: Duty = Duty::Feeder;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut told = self.control.listen(Channel::Feed).await?;
        let mut sweep = interval(self.sweep);
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
                    None => self.feed.keys_with_work().await?,
                },
                _ = sweep.tick() => {
                    swept = Some(Instant::now());
                    self.feed.keys_with_work().await?
                }
            };
            if !keys.is_empty() {
                self.feed.pass(keys).await?;
            }
            if let Some(started) = swept {
                // Commits keep the windows full; sweeping many thousand keys must not take more than a tenth of the time.
                sweep.reset_after(self.sweep.max(started.elapsed() * 9));
            }
            record.passed();
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let keys = self.feed.keys_with_work().await?;
        let report = self.feed.pass(keys).await?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Done(vec![("published", count(report.published)), ("keys", count(report.keys))]))
    }
}
