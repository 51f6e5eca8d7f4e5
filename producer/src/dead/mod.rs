//! Dead letters: into the archive, and out of it again.
//!
//! [`replay`]: letters are planned again, page by page. [`remedy`]: what a failure probably means and what to do.
//! Here: moving the broker's dead-letter queue into the archive.
//!
//! A worker rejects what failed for good, RabbitMQ moves the message into `jobs.dlq`, and here it becomes a row of
//! `dead_letters` with everything the ledger knows. Acknowledged after the commit; drained twice, it is one letter.

pub mod remedy;
pub mod replay;

use std::time::Duration;

use common::broker::{Broker, BrokerError, Consumer, Delivery, Envelope, Source};
use common::config::Config;
use common::store::{Control, DeadMessage, StoreError};
use tokio::time::timeout;

use crate::feed::FeedError;

/// Letters archived in one transaction, and the most that are in hand.
const BATCH: u16 = 100;
/// A batch is full, too, when its messages have this many bytes: ours have a few hundred, foreign ones may have megabytes.
const BATCH_BYTES: usize = 8 << 20;
/// How long a batch waits for more.
const LINGER: Duration = Duration::from_millis(100);
/// A queue that says nothing for this long is empty.
const EMPTY: Duration = Duration::from_millis(500);

/// Why draining stopped; nothing is lost, the messages stay in their queue.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// RabbitMQ.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration names no usable broker.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Drains the queue until it is empty. Returns how many letters are new.
pub async fn drain_once(config: &Config, control: &Control) -> Result<u64, DrainError> {
    drain(&Drain::new(config, control)?).await
}

/// Drains the queue until it is empty. Returns how many letters are new.
pub(crate) async fn drain(drain: &Drain) -> Result<u64, DrainError> {
    let mut arriving = drain.open().await?;
    let mut archived = 0;
    while let Ok(first) = timeout(EMPTY, arriving.consumer.next()).await {
        archived += arriving.archive(first?).await?;
    }
    arriving.consumer.close().await?;
    Ok(archived)
}

/// From where, and whither.
#[derive(Debug)]
pub(crate) struct Drain {
    control: Control,
    broker: Broker,
}

/// The letters as they arrive.
#[derive(Debug)]
pub(crate) struct Arriving<'a> {
    control: &'a Control,
    consumer: Consumer,
}

impl Drain {
    pub(crate) fn new(config: &Config, control: &Control) -> Result<Self, FeedError> {
        Ok(Self { control: control.clone(), broker: crate::feed::broker(config, control)? })
    }

    /// Listens to the queue.
    pub(crate) async fn open(&self) -> Result<Arriving<'_>, DrainError> {
        let consumer = Consumer::open(&self.broker, Source::DeadLetters, BATCH).await?;
        Ok(Arriving { control: &self.control, consumer })
    }
}

impl Arriving<'_> {
    /// Waits for a letter, and archives it and what arrives shortly after it. Returns how many are new.
    pub(crate) async fn archive_next(&mut self) -> Result<u64, DrainError> {
        let first = self.consumer.next().await?;
        self.archive(first).await
    }

    /// Archives `first` and what arrives shortly after it, then acknowledges.
    async fn archive(&mut self, first: Delivery) -> Result<u64, DrainError> {
        let mut deliveries = vec![first];
        while deliveries.len() < usize::from(BATCH) && bytes(&deliveries) < BATCH_BYTES {
            let Ok(next) = timeout(LINGER, self.consumer.next()).await else { break };
            deliveries.push(next?);
        }
        let messages: Vec<_> = deliveries.iter().map(message).collect();
        let archived = self.control.archive(&messages).await?;
        for delivery in deliveries {
            delivery.ack().await?;
        }
        Ok(archived)
    }
}

fn bytes(deliveries: &[Delivery]) -> usize {
    deliveries.iter().map(|delivery| delivery.body.len()).sum()
}

fn message(delivery: &Delivery) -> DeadMessage<'_> {
    let reason = match Envelope::read(&delivery.body) {
        Ok(Envelope::Job(_)) => "the ledger does not know this job".to_owned(),
        Ok(Envelope::Newer { version, .. }) => format!("needs a newer worker: message version {version}"),
        Err(unreadable) => unreadable.to_string(),
    };
    DeadMessage {
        job_id: Envelope::job_id(&delivery.body),
        body: &delivery.body,
        redelivered: delivery.redelivered,
        // Postgres takes no NUL in a text, and the parser quotes what it was given.
        reason: reason.replace('\0', "\u{fffd}"),
    }
}
