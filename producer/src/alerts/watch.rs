//! Looks for causes, and keeps the table of alerts in step with them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use common::config::{AlertsConfig, Config};
use common::store::{Control, StoreError};
use tokio::sync::Notify;

use super::courier::{courier, tell_due, usable};
use super::words;

/// The two tasks: looking and telling.
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

    /// Brings the table in step with the causes. How many alerts were opened and closed.
    pub(crate) async fn look(&self) -> Result<(usize, usize), StoreError> {
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
        let opened = changes.iter().filter(|change| change.opened).count();
        Ok((opened, changes.len() - opened))
    }

    /// Tells what has to be told, as it comes; without a webhook, nothing.
    pub(crate) async fn tell(&self) -> Result<Infallible, StoreError> {
        courier(&self.control, &self.profile, &self.settings, &self.changed).await
    }

    /// Tells what has to be told now. How many alerts the webhook took.
    pub(crate) async fn tell_due(&self) -> Result<usize, StoreError> {
        match usable(&self.settings) {
            Some(webhook) => tell_due(&self.control, &self.profile, &webhook).await,
            None => Ok(0),
        }
    }
}
