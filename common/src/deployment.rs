//! One installation, three servers: before a program starts, Redis and RabbitMQ must be the ones of its database.
//!
//! The database has a random id (table `deployment`), and the first program of an installation marks its Redis prefix and
//! its RabbitMQ prefix with it. Whoever finds another mark there has the wrong environment: the production database with
//! the test fleet's broker, say. It refuses to start, and has written nothing. What was emptied is marked again; what is
//! away is checked when it comes back, at every connection. `cafe24-sync db adopt` moves the marks on purpose.

use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use crate::broker::{Broker, BrokerError};
use crate::limiter::{LimiterError, RedisLimiter};

/// A neighbour that does not answer within this is away, and checked later.
const ANSWER: Duration = Duration::from_secs(2);

/// A neighbour belongs to another installation.
#[derive(Debug, thiserror::Error)]
pub enum OtherDeployment {
    /// The Redis prefix.
    #[error(transparent)]
    Redis(LimiterError),
    /// The RabbitMQ prefix.
    #[error(transparent)]
    RabbitMq(BrokerError),
}

/// Checks that `broker` (bound to `id`) and `limiter` are `id`'s or nobody's, and marks what is nobody's.
///
/// # Errors
/// [`OtherDeployment`]; nothing was written then.
pub async fn claim(id: Uuid, broker: &Broker, limiter: &RedisLimiter) -> Result<(), OtherDeployment> {
    // Looked at first, and marked last: a refusal of RabbitMQ must leave no mark in Redis.
    if let Ok(Some(theirs)) = limiter.deployment().await
        && theirs != id.to_string()
    {
        return Err(OtherDeployment::Redis(LimiterError::OtherDeployment { theirs }));
    }
    match timeout(ANSWER, broker.check()).await {
        Ok(Err(error @ BrokerError::OtherDeployment { .. })) => return Err(OtherDeployment::RabbitMq(error)),
        Ok(Err(error)) => away("RabbitMQ", &error),
        Ok(Ok(())) => {}
        Err(_) => tracing::debug!("RabbitMQ does not answer; it is checked when it does"),
    }
    match limiter.bind(id).await {
        Err(error @ LimiterError::OtherDeployment { .. }) => Err(OtherDeployment::Redis(error)),
        Err(error) => {
            away("Redis", &error);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn away(name: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::debug!(error, "{name} is away; it is checked when it answers");
}
