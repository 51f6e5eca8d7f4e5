//! What the broker looks like, for `doctor`: each exchange and queue against what we declare, and a message through each
//! binding.
//!
//! Looking changes nothing that lasts. A passive declaration asks whether an object is there; only then an active one
//! asks whether it is as we declare it (the broker compares, and refuses a difference in words). That a binding stands,
//! and that a queue has a leader, shows only in a message that arrives: so a **probe** is published, `mandatory` and
//! with confirms. Every [`Consumer`](super::Consumer) acknowledges and forgets it; where nobody consumes, it expires.

use std::time::Duration;

use futures::future::join_all;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::AMQPScheme;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ErrorKind, ExchangeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::Broker;
use super::error::{BrokerError, within};
use super::topology::Object;

/// The `type` of a probe.
pub(super) const PROBE: &str = "doctor.probe";
/// After this a probe that nobody consumed is gone, in milliseconds.
const PROBE_EXPIRES: &str = "10000";
/// How long one question may take; a leaderless queue answers none.
const ASK: Duration = Duration::from_secs(3);
/// How long the deletion of a queue may take: 5 s for a leaderless one, measured with RabbitMQ 3.10.
const DELETE: Duration = Duration::from_secs(30);
/// Enough of the broker's first frame to find its version.
const GREETING: usize = 4096;

/// What `doctor` sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerFacts {
    /// The broker's version; unknown over TLS, where only the driver could read it, and does not tell.
    pub version: Option<String>,
    /// The broker blocks publishers: a memory or disk alarm.
    pub blocked: bool,
    /// Exchanges and queues, in the order in which they are declared.
    pub objects: Vec<ObjectFacts>,
}

/// One exchange or queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its name, with the prefix.
    pub name: String,
    /// A queue, or an exchange.
    pub is_queue: bool,
    /// How it stands.
    pub state: ObjectState,
}

/// How an exchange or queue stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectState {
    /// As we declare it; a queue took a probe.
    AsDeclared,
    /// Not there.
    Missing,
    /// There, with other arguments, in the broker's words.
    Otherwise(String),
    /// We may not look at it or use it, in the broker's words.
    Denied(String),
    /// There, but no message reaches it: the binding is missing.
    Unbound,
    /// There, and answers nothing: a queue without a leader (`docs/reliability.md` B3).
    NoAnswer,
}

impl Broker {
    /// Looks at every object of ours, and sends a probe through every binding.
    pub async fn inspect(&self) -> Result<BrokerFacts, BrokerError> {
        let (connection, version) = tokio::join!(self.connect("doctor"), self.version());
        let connection = connection?;
        self.check_owner(&connection).await?;
        let objects = self.topology().objects();
        let states = join_all(objects.iter().map(|object| state(&connection, object))).await;
        let blocked = connection.status().blocked();
        let objects = objects
            .into_iter()
            .zip(states)
            .map(|(object, state)| {
                let is_queue = object.exchange.is_none();
                ObjectFacts { name: object.name, is_queue, state }
            })
            .collect();
        // The answer is complete; a connection that does not end in order ends with this process.
        let _ = within("the end of a connection", ASK, connection.close(200, "looked".into())).await;
        Ok(BrokerFacts { version, blocked, objects })
    }

    /// Connects and ends the connection; nothing is declared.
    pub async fn ping(&self) -> Result<(), BrokerError> {
        let connection = self.connect("ping").await?;
        within("the end of a connection", ASK, connection.close(200, "seen".into())).await
    }

    /// Deletes `queues`, whatever is in them, and declares everything. The ledger publishes again what was in them.
    pub async fn repair(&self, queues: &[String]) -> Result<(), BrokerError> {
        let connection = self.connect("doctor").await?;
        self.check_owner(&connection).await?;
        for queue in queues {
            let channel = within("a channel", ASK, connection.create_channel()).await?;
            let delete = channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default());
            within("the deletion of a queue", DELETE, delete).await?;
        }
        let channel = within("a channel", ASK, connection.create_channel()).await?;
        self.topology().declare(&channel).await?;
        within("the end of a connection", ASK, connection.close(200, "repaired".into())).await
    }

    /// Fails if the queues belong to another installation; without a mark they belong to nobody yet, and none is set.
    async fn check_owner(&self, connection: &Connection) -> Result<(), BrokerError> {
        let options =
            ExchangeDeclareOptions { passive: true, durable: true, ..ExchangeDeclareOptions::default() };
        let mark = self.topology().mark();
        let channel = channel(connection).await?;
        let looked = channel.exchange_declare(
            mark.as_str().into(),
            ExchangeKind::Fanout,
            options,
            FieldTable::default(),
        );
        match within("an exchange", ASK, looked).await {
            Ok(()) => self.topology().declare_mark(&channel).await,
            Err(error) if refusal(&error) == ObjectState::Missing => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The version in the broker's greeting, which comes before any login.
    async fn version(&self) -> Option<String> {
        let uri = self.uri();
        if uri.scheme != AMQPScheme::AMQP {
            return None;
        }
        let greeting = async {
            let mut stream = TcpStream::connect((uri.authority.host.as_str(), uri.authority.port)).await?;
            stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
            let mut greeting = vec![0; GREETING];
            let length = stream.read(&mut greeting).await?;
            greeting.truncate(length);
            std::io::Result::Ok(greeting)
        };
        version_in(&timeout(ASK, greeting).await.ok()?.ok()?)
    }
}

/// The field `version` of the server properties: a short name, `S`, the length in four bytes, the text.
fn version_in(greeting: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"\x07versionS";
    let at = greeting.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let (length, rest) = greeting.get(at..)?.split_first_chunk()?;
    let text = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    String::from_utf8(text.to_vec()).ok()
}

async fn state(connection: &Connection, object: &Object) -> ObjectState {
    let asked = async {
        ask(connection, object, true).await?;
        ask(connection, object, false).await?;
        match &object.binding {
            Some((exchange, key)) => probe(connection, exchange, key).await,
            None => Ok(ObjectState::AsDeclared),
        }
    };
    asked.await.unwrap_or_else(|error| refusal(&error))
}

/// Declares `object` on a channel of its own, since a refusal closes the channel.
async fn ask(connection: &Connection, object: &Object, passive: bool) -> Result<(), BrokerError> {
    let channel = channel(connection).await?;
    let name = object.name.as_str();
    if let Some(kind) = &object.exchange {
        let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
        let declare = channel.exchange_declare(name.into(), kind.clone(), options, FieldTable::default());
        return within("an exchange", ASK, declare).await;
    }
    let options = QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
    let declare = channel.queue_declare(name.into(), options, object.arguments());
    within("a queue", ASK, declare).await.map(drop)
}

/// Sends a message the way that our own go.
async fn probe(connection: &Connection, exchange: &str, key: &str) -> Result<ObjectState, BrokerError> {
    let channel = channel(connection).await?;
    within("confirm mode", ASK, channel.confirm_select(ConfirmSelectOptions::default())).await?;
    let properties = BasicProperties::default()
        .with_type(PROBE.into())
        .with_app_id("cafe24-sync".into())
        .with_expiration(PROBE_EXPIRES.into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirmed =
        async { channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties).await?.await };
    Ok(match within("a probe", ASK, confirmed).await? {
        Confirmation::Ack(None) => ObjectState::AsDeclared,
        Confirmation::Ack(Some(_)) => ObjectState::Unbound,
        // Confirms are on, so an answer without one is none.
        Confirmation::Nack(_) | Confirmation::NotRequested => ObjectState::NoAnswer,
    })
}

async fn channel(connection: &Connection) -> Result<Channel, BrokerError> {
    within("a channel", ASK, connection.create_channel()).await
}

fn refusal(error: &BrokerError) -> ObjectState {
    let BrokerError::Unreachable(source) = error else { return ObjectState::NoAnswer };
    let ErrorKind::ProtocolError(refused) = source.kind() else { return ObjectState::NoAnswer };
    let words = refused.get_message().to_string();
    match refused.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => ObjectState::Missing,
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => ObjectState::Otherwise(words),
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => ObjectState::Denied(words),
        AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => ObjectState::NoAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_the_greeting() {
        let greeting = b"\x01\0\0\0\0\x01\xff\0\x0a\0\x0a\0\x09\0\0\x01\xda\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8\0";
        assert_eq!(version_in(greeting).as_deref(), Some("3.10.8"));
        assert_eq!(version_in(b"HTTP/1.1 400 Bad Request"), None);
        assert_eq!(version_in(b"\x07versionS\xff\xff\xff\xff3"), None);
    }
}
