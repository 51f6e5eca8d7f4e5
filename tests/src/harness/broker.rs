//! The test's own hand on RabbitMQ: look into queues, put in what nobody should, take away what was there.

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::trouble::{Context as _, Result};

/// A connection of the test.
#[derive(Debug)]
pub struct Broker {
    connection: Connection,
}

impl Broker {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default());
        Ok(Self { connection: connection.await.context("cannot connect to RabbitMQ")? })
    }

    /// Ready messages and consumers; `None` if there is no such queue.
    pub async fn depth(&self, queue: &str) -> Result<Option<(u32, u32)>> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        // A failed passive declaration closes the channel, so each question takes its own.
        let channel = self.channel().await?;
        let found = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        Ok(found.ok().map(|queue| (queue.message_count(), queue.consumer_count())))
    }

    /// Publishes bytes as they are and waits for the confirm.
    pub async fn publish(&self, exchange: &str, key: &str, body: &[u8]) -> Result<()> {
        let channel = self.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.context("confirms")?;
        let persistent = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish(exchange.into(), key.into(), options, body, persistent).await;
        sent.context("publish")?.await.context("confirm").map(drop)
    }

    /// Takes one message away, as an operator's tool would.
    pub async fn take(&self, queue: &str) -> Result<Option<Vec<u8>>> {
        let channel = self.channel().await?;
        let options = BasicGetOptions { no_ack: true };
        let message =
            channel.basic_get(queue.into(), options).await.with_context(|| format!("get from {queue}"))?;
        Ok(message.map(|message| message.delivery.data))
    }

    /// All ready messages, each as its body and what `{:?}` says of its properties; they go back to their places.
    pub async fn peek(&self, queue: &str) -> Result<Vec<Vec<u8>>> {
        let channel = self.channel().await?;
        let mut messages = Vec::new();
        let get = || channel.basic_get(queue.into(), BasicGetOptions { no_ack: false });
        while let Some(message) = get().await.with_context(|| format!("get from {queue}"))? {
            let properties = format!("\n{:?}", message.delivery.properties);
            messages.push([message.delivery.data, properties.into_bytes()].concat());
        }
        // What is not settled when its channel ends was never taken.
        channel.close(200, "looked".into()).await.context("close a channel")?;
        Ok(messages)
    }

    /// Empties a queue of what is ready; answers how many were lost.
    pub async fn purge(&self, queue: &str) -> Result<u32> {
        let channel = self.channel().await?;
        channel
            .queue_purge(queue.into(), QueuePurgeOptions::default())
            .await
            .with_context(|| format!("purge {queue}"))
    }

    /// Deletes a queue with all in it.
    pub async fn delete_queue(&self, queue: &str) -> Result<()> {
        let channel = self.channel().await?;
        let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
        deleted.with_context(|| format!("delete {queue}")).map(drop)
    }

    /// Deletes an exchange.
    pub async fn delete_exchange(&self, exchange: &str) -> Result<()> {
        let channel = self.channel().await?;
        let deleted = channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await;
        deleted.with_context(|| format!("delete {exchange}"))
    }

    /// A fresh channel for anything else.
    pub async fn channel(&self) -> Result<Channel> {
        self.connection.create_channel().await.context("cannot open a channel")
    }
}
