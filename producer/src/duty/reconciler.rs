//! The reconciler, at an interval.

use std::convert::Infallible;
use std::time::Duration;

use common::config::Config;
use common::store::{Control, Reconciled};
use tokio::time::{MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};
use crate::feed::{Courier, FeedError, Reconciler};

#[derive(Debug)]
pub(super) struct Reconciling {
    reconciler: Reconciler,
    every: Duration,
}

impl Reconciling {
    pub(super) fn new(config: &Config, control: &Control, courier: Courier) -> Result<Self, FeedError> {
        Ok(Self { reconciler: Reconciler::new(config, control, courier)?, every: config.reconcile.every })
    }
}

impl Work for Reconciling {
    const DUTY: Duty = Duty::Reconciler;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let done = self.reconciler.run_once().await?;
            record.passed();
            if done != Reconciled::default() {
                tracing::warn!(
                    event = "jobs.reconciled",
                    queued = done.queued,
                    running = done.running,
                    released = done.released,
                    archived = done.archived,
                    "jobs without a sign of life were planned again"
                );
            }
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let done = self.reconciler.run_once().await?;
        Ok(Done(vec![
            ("planned again", done.queued + done.running),
            ("released", done.released),
            ("letters archived", i64::try_from(done.archived).unwrap_or(i64::MAX)),
        ]))
    }
}
