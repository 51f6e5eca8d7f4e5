//! Why a message was not taken.

/// The webhook did not take a message. Never carries its address.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The HTTP client could not be made.
    #[error("the webhook's client cannot start")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer.
    #[error("the webhook did not answer")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another status than 2xx.
    #[error("the webhook answered {0}")]
    Refused(u16),
}
