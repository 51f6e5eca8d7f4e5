//! Consuming: deliveries, each settled exactly once by ack or reject.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream, SelectAll};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    BasicRejectOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, Channel, Connection};

use super::connection::Broker;
use super::error::{BrokerError, within};
use super::inspect::PROBE;
use crate::domain::job::Lane;

/// How long a small question may take.
const ASK: Duration = Duration::from_secs(10);

/// What to consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Both lanes, each with its own prefetch.
    Lanes,
    /// The dead-letter queue.
    DeadLetters,
}

/// A message in our hands. If it is dropped without being settled, the broker delivers it again when the connection ends.
#[derive(Debug)]
pub struct Delivery {
    /// The message, byte for byte.
    pub body: Vec<u8>,
    /// Whether the broker delivered it before.
    pub redelivered: bool,
    probe: bool,
    acker: Acker,
}

impl Delivery {
    /// Its effect is committed: the broker may forget it. An error means that it will be delivered again, which is harmless.
    pub async fn ack(self) -> Result<(), BrokerError> {
        self.acker.ack(BasicAckOptions::default()).await?;
        Ok(())
    }

    /// It failed for good: the broker moves it to the dead-letter queue.
    pub async fn reject(self) -> Result<(), BrokerError> {
        self.acker.reject(BasicRejectOptions { requeue: false }).await?;
        Ok(())
    }

    /// Not for us: back into its queue.
    pub async fn requeue(self) -> Result<(), BrokerError> {
        self.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await?;
        Ok(())
    }
}

/// An open consumer.
pub struct Consumer {
    deliveries: SelectAll<BoxStream<'static, Result<Delivery, BrokerError>>>,
    tags: Vec<lapin::types::ShortString>,
    queues: Vec<String>,
    channel: Channel,
    connection: Connection,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl Consumer {
    /// Connects, declares the topology and starts consuming; `prefetch` unsettled deliveries a queue at most.
    pub async fn open(broker: &Broker, source: Source, prefetch: u16) -> Result<Self, BrokerError> {
        let (connection, channel) = broker.open("consumer").await?;
        within("a prefetch", ASK, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let topology = broker.topology();
        let queues = match source {
            Source::Lanes => Lane::ALL.map(|lane| topology.queue(lane)).to_vec(),
            Source::DeadLetters => vec![topology.dead_queue()],
        };
        let mut deliveries = SelectAll::new();
        let mut tags = Vec::new();
        for queue in &queues {
            let consume = channel.basic_consume(
                queue.as_str().into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            );
            let consumer = within("a consumer", ASK, consume).await?;
            tags.push(consumer.tag());
            // Where the stream ends, the broker has cancelled the consumer; the other queue alone is not enough.
            let end = stream::iter([Err(BrokerError::Cancelled(queue.clone()))]);
            deliveries.push(consumer.map(delivery).chain(end).boxed());
        }
        Ok(Self { deliveries, tags, queues, channel, connection })
    }

    /// The next delivery. An error means that this consumer is over: open another one.
    pub async fn next(&mut self) -> Result<Delivery, BrokerError> {
        loop {
            let delivery = self
                .deliveries
                .next()
                .await
                .unwrap_or_else(|| Err(BrokerError::Cancelled(self.queues.join("` and `"))))?;
            if !delivery.probe {
                return Ok(delivery);
            }
            // It has arrived, which is all that `doctor` wanted.
            delivery.ack().await?;
        }
    }

    /// Stops new deliveries; those in hand can still be settled.
    pub async fn cancel(&mut self) -> Result<(), BrokerError> {
        for tag in &self.tags {
            within(
                "the end of a consumer",
                ASK,
                self.channel.basic_cancel(tag.clone(), BasicCancelOptions::default()),
            )
            .await?;
        }
        Ok(())
    }

    /// Closes the connection in order, after all settlements have been written.
    pub async fn close(self) -> Result<(), BrokerError> {
        within("the end of a connection", ASK, self.connection.close(200, "done".into())).await
    }
}

fn delivery(received: lapin::Result<lapin::message::Delivery>) -> Result<Delivery, BrokerError> {
    let received = received?;
    let probe = received.properties.kind().as_ref().is_some_and(|kind| kind.as_str() == PROBE);
    Ok(Delivery { body: received.data, redelivered: received.redelivered, probe, acker: received.acker })
}
