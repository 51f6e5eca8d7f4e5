//! What can go wrong with RabbitMQ. All of it is infrastructure: no job is at fault.

use std::time::Duration;

use crate::domain::failure::FailureClass;

/// A failure of the broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Not reachable, or the connection was lost.
    #[error("RabbitMQ is out of reach")]
    Unreachable(#[source] lapin::Error),
    /// No answer in time: an alarm, a queue without a leader, or a network that swallows everything.
    #[error("RabbitMQ did not answer {what} within {} s", .limit.as_secs())]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// How long we waited.
        limit: Duration,
    },
    /// A queue or exchange exists with other arguments.
    #[error(
        "`{name}` exists in RabbitMQ with other arguments; delete it (nothing is lost, the ledger publishes again) or set another [rabbitmq] prefix"
    )]
    OtherDeclaration {
        /// The queue or exchange.
        name: String,
        /// The broker's words.
        #[source]
        source: lapin::Error,
    },
    /// The prefix of this vhost is another installation's.
    #[error(
        "these queues belong to another installation ({theirs}): nothing is published or consumed; correct [rabbitmq] url or prefix, or take them over with `cafe24-sync db adopt`"
    )]
    OtherDeployment {
        /// That installation.
        theirs: String,
        /// The broker's words.
        #[source]
        source: lapin::Error,
    },
    /// The URL is no AMQP URL.
    #[error("the AMQP URL cannot be read; write amqp://user:password@host:5672/vhost")]
    Url,
    /// The broker cancelled the consumer: its queue was deleted.
    #[error("RabbitMQ cancelled the consumer of `{0}`; was the queue deleted?")]
    Cancelled(String),
}

impl BrokerError {
    /// Decides what happens to the job: nothing.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable(_)
            | Self::Timeout { .. }
            | Self::OtherDeclaration { .. }
            | Self::OtherDeployment { .. }
            | Self::Url
            | Self::Cancelled(_) => FailureClass::Infrastructure,
        }
    }
}

impl From<lapin::Error> for BrokerError {
    fn from(error: lapin::Error) -> Self {
        Self::Unreachable(error)
    }
}

/// Waits at most `limit` for an answer of the broker.
pub(super) async fn within<T>(
    what: &'static str,
    limit: Duration,
    answer: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(BrokerError::Timeout { what, limit }),
    }
}
