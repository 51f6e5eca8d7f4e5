//! What can stop the feeder for a while.

use common::broker::{BrokerError, PublishOutcome};
use common::limiter::LimiterError;
use common::store::StoreError;

/// A failure of a pass. All of it is infrastructure: the jobs stay planned and are published at the next pass.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// RabbitMQ.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Redis.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The broker did not take some of the messages.
    #[error("RabbitMQ did not take {refused} of {asked} messages ({}); they stay planned, the queues are declared anew", reason(*.outcome))]
    Refused {
        /// Messages not taken.
        refused: usize,
        /// Messages published.
        asked: usize,
        /// What became of the first of them.
        outcome: PublishOutcome,
    },
    /// Another process leads now.
    #[error("leadership was lost")]
    LeadershipLost(#[source] StoreError),
}

fn reason(outcome: PublishOutcome) -> &'static str {
    match outcome {
        PublishOutcome::Confirmed => "confirmed",
        PublishOutcome::Returned => "no queue is bound",
        PublishOutcome::Nacked => "refused",
    }
}
