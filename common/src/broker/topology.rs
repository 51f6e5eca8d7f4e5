//! Exchanges and queues: few, static, declared in this one place (`design.md` §5).
//!
//! Arguments carry only what correctness needs; everything tunable is a policy (`deploy/rabbitmq/`).

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};

use super::error::{BrokerError, within};
use crate::domain::job::Lane;

/// How long a declaration may take; a quorum queue without a leader never answers (`faults.md` B3).
const DECLARE: Duration = Duration::from_secs(10);

/// The names of everything, with the configured prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
}

impl Topology {
    /// Names with `prefix` before each; empty for none.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The exchange that jobs are published to, with the lane as routing key.
    pub fn jobs(&self) -> String {
        format!("{}jobs", self.prefix)
    }

    /// A lane's queue.
    pub fn queue(&self, lane: Lane) -> String {
        format!("{}jobs.{lane}", self.prefix)
    }

    /// The exchange that rejected messages go to.
    pub fn dead_exchange(&self) -> String {
        format!("{}jobs.dlx", self.prefix)
    }

    /// The queue they end in, drained into the archive.
    pub fn dead_queue(&self) -> String {
        format!("{}jobs.dlq", self.prefix)
    }

    /// Declares everything, idempotently.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let (jobs, dead) = (self.jobs(), self.dead_exchange());
        self.exchange(channel, &jobs, ExchangeKind::Direct).await?;
        self.exchange(channel, &dead, ExchangeKind::Fanout).await?;
        self.bound_queue(channel, &self.dead_queue(), &dead, "", None).await?;
        for lane in Lane::ALL {
            self.bound_queue(channel, &self.queue(lane), &jobs, lane.as_str(), Some(&dead)).await?;
        }
        Ok(())
    }

    async fn exchange(&self, channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), BrokerError> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default());
        within("the declaration of an exchange", DECLARE, declared)
            .await
            .map_err(|error| other_declaration(error, name))
    }

    async fn bound_queue(
        &self,
        channel: &Channel,
        name: &str,
        exchange: &str,
        key: &str,
        dead_letters: Option<&str>,
    ) -> Result<(), BrokerError> {
        let mut arguments = FieldTable::default();
        let mut set = |key: &str, value: &str| {
            arguments.insert(ShortString::from(key), AMQPValue::LongString(LongString::from(value)));
        };
        set("x-queue-type", "quorum");
        if let Some(exchange) = dead_letters {
            set("x-dead-letter-exchange", exchange);
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        within("the declaration of a queue", DECLARE, channel.queue_declare(name.into(), options, arguments))
            .await
            .map_err(|error| other_declaration(error, name))?;
        let bind = channel.queue_bind(
            name.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        within("the binding of a queue", DECLARE, bind).await
    }
}

fn other_declaration(error: BrokerError, name: &str) -> BrokerError {
    match error {
        BrokerError::Unreachable(source) if source.is_amqp_soft_error() => {
            BrokerError::OtherDeclaration { name: name.to_owned(), source }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_carries_the_prefix() {
        let topology = Topology::new("t7.");
        let names = [
            topology.jobs(),
            topology.queue(Lane::Fresh),
            topology.queue(Lane::Backfill),
            topology.dead_exchange(),
            topology.dead_queue(),
        ];
        assert_eq!(names, ["t7.jobs", "t7.jobs.fresh", "t7.jobs.backfill", "t7.jobs.dlx", "t7.jobs.dlq"]);
    }
}
