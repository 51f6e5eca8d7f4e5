//! The feeder: what commits and plans name, and at each sweep every key that has work.

use std::convert::Infallible;
use std::time::Duration;

use common::config::Config;
use common::domain::ids::LimiterKey;
use common::store::{Channel, Control};
use futures::FutureExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};
use crate::feed::{Courier, Due, Feed, FeedError};

#[derive(Debug)]
pub(super) struct Feeding {
    control: Control,
    feed: Feed,
    every: Duration,
}

impl Feeding {
    pub(super) fn new(config: &Config, control: &Control) -> Result<Self, FeedError> {
        Ok(Self { control: control.clone(), feed: Feed::new(config, control)?, every: config.feed.sweep })
    }

    async fn hear(&mut self, payload: Option<String>, due: &mut Due) -> Result<(), FeedError> {
        match payload {
            // What is no key was told by nobody of ours.
            Some(key) => LimiterKey::try_from(key).ok().into_iter().for_each(|key| due.told(key)),
            // The session was made anew, something may have been missed.
            None => due.sweep(self.feed.keys_with_work().await?),
        }
        Ok(())
    }

    /// Has all keys with work looked at; how long it took to find them.
    async fn sweep(&mut self, due: &mut Due) -> Result<Duration, FeedError> {
        let began = Instant::now();
        due.sweep(self.feed.keys_with_work().await?);
        Ok(began.elapsed())
    }

    /// Its connection to the broker.
    pub(super) fn courier(&self) -> Courier {
        self.feed.courier()
    }
}

impl Work for Feeding {
    const DUTY: Duty = Duty::Feeder;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut told = self.control.listen(&[Channel::Feed]).await?;
        let mut sweep = interval(self.every);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Due::default();
        let (mut swept_for, mut before) = (Duration::ZERO, Duration::ZERO);
        loop {
            if due.is_empty() {
                tokio::select! {
                    payload = told.next() => self.hear(payload?, &mut due).await?,
                    _ = sweep.tick() => swept_for += self.sweep(&mut due).await?,
                }
            } else if !due.is_sweeping() && sweep.tick().now_or_never().is_some() {
                swept_for += self.sweep(&mut due).await?;
            }
            // Commits come in bursts: one pass for all that has arrived.
            while let Some(payload) = told.next_arrived() {
                self.hear(payload?, &mut due).await?;
            }
            let (began, sweeping) = (Instant::now(), due.is_sweeping());
            let keys = due.next();
            if !keys.is_empty() {
                self.feed.pass(keys).await?;
            }
            if sweeping {
                swept_for += began.elapsed();
            }
            if swept_for > Duration::ZERO && !due.is_sweeping() {
                // Commits keep the windows full; sweeping many thousand keys must not take more than a tenth of the time. One
                // sweep that took long for another reason (the first, which connects) says nothing: what two took counts.
                sweep.reset_after(self.every.max(swept_for.min(before) * 9));
                before = std::mem::take(&mut swept_for);
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
