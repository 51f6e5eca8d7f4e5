//! The call.

use std::time::Duration;

use reqwest::redirect;

use super::error::NotifyError;
use super::message::Message;
use crate::config::Secret;

/// Until the connection stands.
const CONNECT: Duration = Duration::from_secs(2);
/// Until the answer's head: nobody waits for it but the sender's own task.
const TOTAL: Duration = Duration::from_secs(5);

/// How the receiver wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"text": …}`: Slack, Mattermost, and others that take the same.
    Slack,
    /// Every field.
    Json,
}

/// A receiver of messages.
#[derive(Debug, Clone)]
pub struct Webhook {
    http: reqwest::Client,
    url: Secret,
    form: Form,
}

impl Webhook {
    /// A receiver at `url`.
    ///
    /// # Errors
    /// [`NotifyError::Client`] when the system's root certificates cannot be read.
    pub fn new(url: Secret, form: Form) -> Result<Self, NotifyError> {
        // An error says that a TLS provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cafe24-sync/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .pool_max_idle_per_host(1);
        if url.expose().starts_with("http://") {
            // Plain text is for this machine only (the configuration sees to it): no proxy, no certificates.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| NotifyError::Client(error.without_url().into()))?;
        Ok(Self { http, url, form })
    }

    /// Sends one message, once.
    ///
    /// # Errors
    /// [`NotifyError::Network`] without an answer in time, [`NotifyError::Refused`] after another status than 2xx. Whether the
    /// message was taken is known only after `Ok`: after an error it may be sent again, and arrive twice.
    pub async fn send(&self, message: &Message<'_>) -> Result<(), NotifyError> {
        let body = match self.form {
            Form::Slack => message.slack(),
            Form::Json => message.json(),
        };
        let request = self
            .http
            .post(self.url.expose())
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let answer =
            request.send().await.map_err(|error| NotifyError::Network(error.without_url().into()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(NotifyError::Refused(status.as_u16())),
        }
    }
}
