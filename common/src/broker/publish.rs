//! Publishing with confirms.

use std::time::Duration;

use futures::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, Connection};

use super::connection::Broker;
use super::envelope::Envelope;
use super::error::{BrokerError, within};
use crate::domain::job::{Job, Lane};

/// How long the confirms of one call may take. A blocked broker (memory alarm) answers when the alarm ends, or never.
const CONFIRM: Duration = Duration::from_secs(30);
/// How long a small question may take.
const ASK: Duration = Duration::from_secs(10);

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// A queue has it, on disk.
    Confirmed,
    /// No queue is bound: the topology is damaged, it will be declared anew.
    Returned,
    /// The broker refused it.
    Nacked,
}

/// Publishes jobs; connects when needed, and anew after any failure.
#[derive(Debug)]
pub struct Publisher {
    broker: Broker,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    channel: Channel,
    // Dropping the connection closes it.
    _connection: Connection,
}

impl Publisher {
    /// A publisher that is not connected yet.
    pub fn new(broker: Broker) -> Self {
        Self { broker, open: None }
    }

    /// Publishes all of `jobs` and waits for all confirms. The answers are in the order of `jobs`.
    ///
    /// # Errors
    /// After an error nothing is known of any of them: publish all again, a duplicate does no harm.
    pub async fn publish(&mut self, jobs: &[&Job]) -> Result<Vec<PublishOutcome>, BrokerError> {
        let result = self.try_publish(jobs).await;
        let damaged = match &result {
            Ok(outcomes) => outcomes.iter().any(|outcome| *outcome != PublishOutcome::Confirmed),
            Err(_) => true,
        };
        if damaged {
            // The next call connects and declares the topology again.
            self.open = None;
        }
        result
    }

    async fn try_publish(&mut self, jobs: &[&Job]) -> Result<Vec<PublishOutcome>, BrokerError> {
        let exchange = self.broker.topology().jobs();
        let channel = self.channel().await?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let all = async {
            let mut confirms = Vec::with_capacity(jobs.len());
            for job in jobs {
                let (body, properties) =
                    Envelope::write(job).map_err(|error| std::io::Error::other(error.to_string()))?;
                let key = job.lane.as_str();
                confirms.push(
                    channel
                        .basic_publish(exchange.as_str().into(), key.into(), options, &body, properties)
                        .await?,
                );
            }
            join_all(confirms).await.into_iter().collect::<lapin::Result<Vec<_>>>()
        };
        let confirmations = within("publishes", CONFIRM, all).await?;
        Ok(confirmations.iter().map(outcome).collect())
    }

    /// Messages that wait in a lane's queue for a consumer.
    pub async fn waiting(&mut self, lane: Lane) -> Result<u32, BrokerError> {
        let queue = self.broker.topology().queue(lane);
        let result = self.try_waiting(&queue).await;
        if result.is_err() {
            self.open = None;
        }
        result
    }

    async fn try_waiting(&mut self, queue: &str) -> Result<u32, BrokerError> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.into(), options, FieldTable::default());
        Ok(within("the length of a queue", ASK, declared).await?.message_count())
    }

    async fn channel(&mut self) -> Result<Channel, BrokerError> {
        if let Some(open) = self.open.as_ref().filter(|open| open.channel.status().connected()) {
            return Ok(open.channel.clone());
        }
        let (connection, channel) = self.broker.open("publisher").await?;
        within("confirm mode", ASK, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        self.open = Some(Open { channel: channel.clone(), _connection: connection });
        Ok(channel)
    }
}

fn outcome(confirmation: &Confirmation) -> PublishOutcome {
    match confirmation {
        Confirmation::Ack(None) => PublishOutcome::Confirmed,
        Confirmation::Ack(Some(_)) => PublishOutcome::Returned,
        // Confirms are on, so an answer without one is none.
        Confirmation::Nack(_) | Confirmation::NotRequested => PublishOutcome::Nacked,
    }
}
