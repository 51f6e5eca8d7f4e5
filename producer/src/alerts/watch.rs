//! Looks for causes, and keeps the table of alerts in step with them.

use std::collections::BTreeMap;

use common::config::{AlertsConfig, Config};
use common::domain::backoff::Backoff;
use common::store::{Control, StoreError};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::courier::courier;
use super::words;

/// The two tasks, for as long as they are run.
#[derive(Debug)]
pub(crate) struct Alerts {
    control: Control,
    profile: String,
    settings: AlertsConfig,
    /// Something changed: there may be something to tell.
    changed: Notify,
}

impl Alerts {
    pub(crate) fn new(config: &Config, control: &Control) -> Self {
        Self {
            control: control.clone(),
            profile: config.profile.clone(),
            settings: config.alerts.clone(),
            changed: Notify::new(),
        }
    }

    pub(crate) async fn run(&self) {
        tokio::join!(self.watch(), courier(&self.control, &self.profile, &self.settings, &self.changed));
    }

    async fn watch(&self) {
        let mut tick = interval(self.settings.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = 0;
        loop {
            tick.tick().await;
            match self.look().await {
                Ok(()) => failures = 0,
                Err(error) => {
                    tracing::warn!(
                        event = "alerts.failed",
                        error = &error as &dyn std::error::Error,
                        "looking for causes of alerts failed; trying again"
                    );
                    sleep(Backoff::RECONNECT.random_wait(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let found = self.control.alert_findings(self.settings.dead_minimum, self.settings.dead_share).await?;
        let seen: Vec<_> = found.into_iter().map(words::seen).collect();
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        for alert in &seen {
            *open.entry(&alert.kind).or_default() += 1;
        }
        common::telemetry::set_alerts(&open);
        let changes = self.control.alerts_seen(&seen).await?;
        for change in &changes {
            let (kind, text, remedy) = (change.kind.as_str(), change.text.as_str(), change.remedy.as_str());
            if change.opened {
                tracing::warn!(event = "alert.opened", kind, text, remedy, "somebody should know");
            } else {
                tracing::info!(event = "alert.closed", kind, text, "it is over");
            }
        }
        if !changes.is_empty() {
            self.changed.notify_one();
        }
        Ok(())
    }
}
