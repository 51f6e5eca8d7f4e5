//! Exchanges and queues: few, static, declared in this one place (`docs/adr/0001`).
//!
//! Arguments carry only what correctness needs; everything tunable is a policy (`deploy/rabbitmq/`).

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ErrorKind, ExchangeKind};

use uuid::Uuid;

use super::error::{BrokerError, within};
use crate::domain::job::Lane;

/// How long a declaration may take; a quorum queue without a leader never answers (`docs/reliability.md` B3).
const DECLARE: Duration = Duration::from_secs(10);

/// The names of everything, with the configured prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
    deployment: Option<Uuid>,
}

impl Topology {
    /// Names with `prefix` before each; empty for none.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), deployment: None }
    }

    /// The same names, only for the installation `deployment`: declaring fails where they are another one's.
    #[must_use]
    pub fn bound_to(self, deployment: Uuid) -> Self {
        Self { deployment: Some(deployment), ..self }
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

    /// The exchange that says whose the prefix is.
    pub(super) fn mark(&self) -> String {
        format!("{}jobs.deployment", self.prefix)
    }

    /// Everything, in the order in which it is declared: a queue's exchanges before the queue.
    pub(super) fn objects(&self) -> Vec<Object> {
        let (jobs, dead) = (self.jobs(), self.dead_exchange());
        let queue = |name, exchange: &str, key: &str, dead_letters| Object {
            name,
            exchange: None,
            binding: Some((exchange.to_owned(), key.to_owned())),
            dead_letters,
        };
        let exchange = |name: &str, kind| Object {
            name: name.to_owned(),
            exchange: Some(kind),
            binding: None,
            dead_letters: None,
        };
        let mut objects = vec![
            exchange(&jobs, ExchangeKind::Direct),
            exchange(&dead, ExchangeKind::Fanout),
            queue(self.dead_queue(), &dead, "", None),
        ];
        objects
            .extend(Lane::ALL.map(|lane| queue(self.queue(lane), &jobs, lane.as_str(), Some(dead.clone()))));
        objects
    }

    /// Declares everything, idempotently.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        self.declare_mark(channel).await?;
        for object in self.objects() {
            object.declare(channel).await?;
        }
        Ok(())
    }

    /// Nothing is ever published to the mark. AMQP has no way to read an object's arguments, but a declaration with another
    /// alternate exchange than the existing one is refused, and the refusal names both: so the alternate exchange, which
    /// need not exist, carries the id. Whoever may declare our exchanges may do this.
    pub(super) async fn declare_mark(&self, channel: &Channel) -> Result<(), BrokerError> {
        let Some(deployment) = self.deployment else { return Ok(()) };
        let mark = self.mark();
        let mut arguments = FieldTable::default();
        let id = LongString::from(self.owned_by(deployment));
        arguments.insert(ShortString::from("alternate-exchange"), AMQPValue::LongString(id));
        let options =
            ExchangeDeclareOptions { durable: true, internal: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(mark.as_str().into(), ExchangeKind::Fanout, options, arguments);
        within("the declaration of an exchange", DECLARE, declared).await.map_err(|error| {
            match other_declaration(error, &mark) {
                BrokerError::OtherDeclaration { source, .. } if is_other_argument(&source) => {
                    BrokerError::OtherDeployment { theirs: self.owner(&source.to_string()), source }
                }
                other => other,
            }
        })
    }

    /// The alternate exchange of the mark: the first half of the id, since a refusal has room for 255 bytes and names two.
    fn owned_by(&self, deployment: Uuid) -> String {
        let mut id = deployment.simple().to_string();
        id.truncate(16);
        format!("{}jobs.{id}", self.prefix)
    }

    /// Whose the mark is, as far as RabbitMQ's `… received '<ours>' but current is '<theirs>'` says it.
    fn owner(&self, refusal: &str) -> String {
        let theirs =
            refusal.split_once(&format!("current is '{}jobs.", self.prefix)).map_or("", |(_, rest)| rest);
        let digits = theirs.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits == 0 { "unknown".to_owned() } else { format!("{}…", &theirs[..digits]) }
    }

    /// Takes the mark away, whoever's it is.
    pub(super) async fn delete_mark(&self, channel: &Channel) -> Result<(), BrokerError> {
        let mark = self.mark();
        let deleted = channel.exchange_delete(mark.as_str().into(), ExchangeDeleteOptions::default());
        within("the deletion of an exchange", DECLARE, deleted).await
    }
}

/// An exchange, or a queue with its binding.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) name: String,
    /// Its kind; none for a queue.
    pub(super) exchange: Option<ExchangeKind>,
    /// The exchange and key that lead into a queue.
    pub(super) binding: Option<(String, String)>,
    /// Where a queue's rejected messages go.
    pub(super) dead_letters: Option<String>,
}

impl Object {
    /// The arguments of a queue.
    pub(super) fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        let mut set = |key: &str, value: &str| {
            arguments.insert(ShortString::from(key), AMQPValue::LongString(LongString::from(value)));
        };
        set("x-queue-type", "quorum");
        if let Some(exchange) = &self.dead_letters {
            set("x-dead-letter-exchange", exchange);
        }
        arguments
    }

    async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let name = self.name.as_str();
        if let Some(kind) = &self.exchange {
            let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let declared =
                channel.exchange_declare(name.into(), kind.clone(), options, FieldTable::default());
            return within("the declaration of an exchange", DECLARE, declared)
                .await
                .map_err(|error| other_declaration(error, name));
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(name.into(), options, self.arguments());
        within("the declaration of a queue", DECLARE, declared)
            .await
            .map_err(|error| other_declaration(error, name))?;
        let Some((exchange, key)) = &self.binding else { return Ok(()) };
        let bind = channel.queue_bind(
            name.into(),
            exchange.as_str().into(),
            key.as_str().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        within("the binding of a queue", DECLARE, bind).await
    }
}

/// Whether the object is there with other arguments, and not, say, forbidden to us.
fn is_other_argument(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else { return false };
    matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
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
        assert_eq!(topology.mark(), "t7.jobs.deployment");
        assert_eq!(names, ["t7.jobs", "t7.jobs.fresh", "t7.jobs.backfill", "t7.jobs.dlx", "t7.jobs.dlq"]);
    }

    #[test]
    fn h01_the_owner_is_read_from_the_brokers_refusal_however_much_of_it_there_is() {
        let topology = Topology::new("t7.");
        let id = "27d023e0-7869-4411-afe8-b3f7096fc021".parse().expect("a UUID");
        let theirs = topology.owned_by(id);
        let text = format!(
            "for exchange 't7.jobs.deployment' in vhost '/': received 't7.jobs.1' but current is '{theirs}'"
        );
        assert_eq!(topology.owner(&text), "27d023e078694411…");
        assert_eq!(topology.owner(&format!("{}...", &text[..text.len() - 9])), "27d023e0…");
        assert_eq!(topology.owner("PRECONDITION_FAILED - inequivalent arg 'type'"), "unknown");
    }
}
