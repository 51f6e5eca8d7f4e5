//! Alerts: looking for causes at an interval, and beside it telling them.

use std::convert::Infallible;
use std::time::Duration;

use common::config::Config;
use common::store::{Control, StoreError};
use tokio::time::{MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};
use crate::alerts::Alerts;

#[derive(Debug)]
pub(super) struct Alerting {
    alerts: Alerts,
    every: Duration,
}

impl Alerting {
    pub(super) fn new(config: &Config, control: &Control) -> Self {
        Self { alerts: Alerts::new(config, control), every: config.alerts.every }
    }

    async fn look(&self, record: &Record) -> Result<Infallible, StoreError> {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.alerts.look().await?;
            record.passed();
        }
    }
}

impl Work for Alerting {
    const DUTY: Duty = Duty::Alerts;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        tokio::select! {
            failed = self.look(record) => Ok(failed?),
            failed = self.alerts.tell() => Ok(failed?),
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let (opened, closed) = self.alerts.look().await?;
        let told = self.alerts.tell_due().await?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Done(vec![("opened", count(opened)), ("closed", count(closed)), ("told", count(told))]))
    }
}
