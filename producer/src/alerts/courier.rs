//! Tells what has to be told, once each.

use std::convert::Infallible;
use std::time::Duration;

use common::config::{AlertsConfig, WebhookKind};
use common::domain::backoff::Backoff;
use common::notify::{Event, Form, Message, NotifyError, Webhook};
use common::store::{Alert, Control, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::output::text::json_time;

/// How long an alert is its courier's alone. Longer than the webhook may take to answer.
const TAKEN: Duration = Duration::from_mins(1);
/// Later than this after it was taken, an alert is not sent: another courier may have it by the time it arrives.
const USE_BY: Duration = Duration::from_secs(20);
/// How often to look for reminders and for what is to be tried again, without being woken.
const LOOK: Duration = Duration::from_secs(5);
/// Waits between the tries of one alert.
const RETRY: Backoff = Backoff { base: Duration::from_secs(5), cap: Duration::from_mins(15) };

/// The webhook of the settings; `None`: none is set.
pub(crate) fn webhook(settings: &AlertsConfig) -> Option<Result<Webhook, NotifyError>> {
    let form = match settings.kind {
        WebhookKind::Slack => Form::Slack,
        WebhookKind::Json => Form::Json,
    };
    settings.webhook_url.clone().map(|url| Webhook::new(url, form))
}

/// The webhook, if one is set and can be used; else alerts are shown, not sent.
pub(super) fn usable(settings: &AlertsConfig) -> Option<Webhook> {
    match webhook(settings)? {
        Ok(webhook) => Some(webhook),
        Err(error) => {
            tracing::error!(
                event = "alerts.failed",
                error = &error as &dyn std::error::Error,
                "alerts are shown, not sent"
            );
            None
        }
    }
}

/// Tells until Postgres fails; without a webhook, nothing.
pub(super) async fn courier(
    control: &Control,
    profile: &str,
    settings: &AlertsConfig,
    changed: &Notify,
) -> Result<Infallible, StoreError> {
    let Some(webhook) = usable(settings) else { return std::future::pending().await };
    loop {
        tell_due(control, profile, &webhook).await?;
        let _ = timeout(LOOK, changed.notified()).await;
    }
}

/// Tells what is due, one after the other. How many the webhook took.
///
/// Each is taken before it is told, so that of two couriers (one of a process that was stopped and woke up) only one
/// tells it; and what was taken too long ago is told no more by who took it.
pub(super) async fn tell_due(
    control: &Control,
    profile: &str,
    webhook: &Webhook,
) -> Result<usize, StoreError> {
    let mut told = 0;
    loop {
        let asked = Instant::now();
        let Some(alert) = control.take_due_alert(TAKEN).await? else { return Ok(told) };
        if asked.elapsed() > USE_BY {
            continue;
        }
        let (opened, closed) = (json_time(alert.opened_at), alert.closed_at.map(json_time));
        match webhook.send(&message(profile, &alert, &opened, closed.as_deref())).await {
            Ok(()) => {
                control.alert_told(&alert).await?;
                told += 1;
            }
            Err(error) => {
                let wait = RETRY.bound(u32::try_from(alert.tries).unwrap_or(0));
                tracing::warn!(
                    event = "alert.not_told",
                    alert_id = alert.alert_id,
                    tries = alert.tries + 1,
                    error = &error as &dyn std::error::Error,
                    "the webhook did not take an alert; trying again"
                );
                control.alert_not_told(&alert, wait).await?;
            }
        }
    }
}

/// `alert` as the webhook gets it.
fn message<'a>(profile: &'a str, alert: &'a Alert, opened: &'a str, closed: Option<&'a str>) -> Message<'a> {
    let event = match (alert.closed_at, alert.told_at) {
        (Some(_), _) => Event::Closed,
        (None, None) => Event::Opened,
        (None, Some(_)) => Event::StillOpen,
    };
    Message {
        profile,
        event,
        alert_id: Some(alert.alert_id),
        kind: &alert.kind,
        malls: alert.malls,
        text: &alert.text,
        action: &alert.remedy,
        opened_at: opened,
        closed_at: closed,
    }
}

/// A message to try the webhook with.
pub(crate) fn trial<'a>(profile: &'a str, now: &'a str) -> Message<'a> {
    Message {
        profile,
        event: Event::Test,
        alert_id: None,
        kind: "test",
        malls: 0,
        text: "cafe24-sync can reach this channel",
        action: "",
        opened_at: now,
        closed_at: None,
    }
}
