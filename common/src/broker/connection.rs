//! Connecting: with a time limit, a heartbeat, and the topology in place.

use std::time::Duration;

use lapin::types::LongString;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};

use super::error::{BrokerError, within};
use super::topology::Topology;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// A silent connection is found dead by us after two of these, and by RabbitMQ, which looks once in this time, after three
/// at most. What was in the hands of a worker whose host vanished is delivered to another one then: within 45 s
/// (`docs/reliability.md` B8, W1).
const HEARTBEAT_SECONDS: u16 = 10;

/// Where the broker is, and what is ours in it.
#[derive(Clone)]
pub struct Broker {
    uri: AMQPUri,
    name: String,
    topology: Topology,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URI holds a password.
        f.debug_struct("Broker")
            .field("name", &self.name)
            .field("topology", &self.topology)
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// The broker at `url`, with object names under `topology`; `name` is shown in RabbitMQ's list of connections.
    pub fn new(url: &str, name: impl Into<String>, topology: Topology) -> Result<Self, BrokerError> {
        let mut uri: AMQPUri = url.parse().map_err(|_| BrokerError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self { uri, name: name.into(), topology })
    }

    /// The names of our objects.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    pub(super) fn uri(&self) -> &AMQPUri {
        &self.uri
    }

    /// Opens a connection and a channel, and declares what is ours.
    pub(super) async fn open(&self, purpose: &str) -> Result<(Connection, Channel), BrokerError> {
        let (connection, channel) = self.open_undeclared(purpose).await?;
        self.topology.declare(&channel).await?;
        Ok((connection, channel))
    }

    async fn open_undeclared(&self, purpose: &str) -> Result<(Connection, Channel), BrokerError> {
        let connection = self.connect(purpose).await?;
        let channel = within("a channel", CONNECT, connection.create_channel()).await?;
        Ok((connection, channel))
    }

    /// Opens a connection.
    pub(super) async fn connect(&self, purpose: &str) -> Result<Connection, BrokerError> {
        let name = LongString::from(format!("{} {purpose}", self.name));
        let properties = ConnectionProperties::default().with_connection_name(name);
        within("a connection", CONNECT, Connection::connect_uri(self.uri.clone(), properties)).await
    }

    /// Makes the queues those of the installation that this broker is bound to, whoever had them.
    pub async fn adopt(&self) -> Result<(), BrokerError> {
        let (connection, channel) = self.open_undeclared("adoption").await?;
        self.topology.delete_mark(&channel).await?;
        self.topology.declare(&channel).await?;
        within("the end of a connection", CONNECT, connection.close(200, "adopted".into())).await
    }

    /// Connects, declares and closes: shows that the broker works for us.
    pub async fn check(&self) -> Result<(), BrokerError> {
        let (connection, _channel) = self.open("check").await?;
        within("the end of a connection", CONNECT, connection.close(200, "checked".into())).await
    }
}
