//! `[alerts]`

use std::time::Duration;

use crate::config::reader::Reader;
use crate::config::{BaseUrl, Secret};

/// How the webhook wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookKind {
    /// `{"text": …}`.
    Slack,
    /// Every field.
    Json,
}

impl WebhookKind {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Json => "json",
        }
    }
}

/// What is told, and to whom.
#[derive(Debug, Clone)]
pub struct AlertsConfig {
    /// `webhook_url_file`. Unset: alerts are shown, not sent.
    pub webhook_url: Option<Secret>,
    /// `kind`.
    pub kind: WebhookKind,
    /// `every`.
    pub every: Duration,
    /// `dead_share`, of 1.
    pub dead_share: f64,
    /// `dead_minimum`.
    pub dead_minimum: i64,
}

impl AlertsConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let secs = Duration::from_secs;
        r.section("alerts", "what is told to people: one message a cause, not a mall");
        let this = Self {
            webhook_url: r.secret("alerts.webhook_url", "where alerts are sent; unset: they are only shown"),
            kind: r.choice(
                "alerts.kind",
                "how the webhook wants to be spoken to",
                WebhookKind::Slack,
                &[WebhookKind::Slack, WebhookKind::Json],
                &["slack", "json"],
                WebhookKind::as_str,
            ),
            every: r.duration(
                "alerts.every",
                "how often causes are looked for",
                secs(15),
                secs(1)..=secs(600),
            ),
            dead_share: r.number(
                "alerts.dead_share",
                "share of an hour's jobs, in percent, above which dead letters are an alert",
                1.0,
                0.0..=100.0,
            ) / 100.0,
            dead_minimum: r.number("alerts.dead_minimum", "and at least so many", 5, 1..=1_000_000),
        };
        if let Some(url) = &this.webhook_url {
            // The query may carry the receiver's token; the rest is checked as any address.
            let address = url.expose().split('?').next().unwrap_or_default();
            if let Err(problem) = BaseUrl::parse(address) {
                r.conflict("alerts.webhook_url", problem.to_string());
            }
        }
        this
    }
}
