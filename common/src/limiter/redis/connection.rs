//! One connection that comes back by itself, and the class of what went wrong with it.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::CALL_TIMEOUT;
use super::deployment::Mark;
use crate::domain::backoff::Backoff;
use crate::limiter::LimiterError;

/// Between two tries to connect; short, because everything waits for it.
const RECONNECT: Backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(1) };

/// The connection. Not the driver's own manager: that one keeps a connection on which answers have stopped to come, or
/// that leads to a server which became a replica.
pub(super) struct Connection {
    client: Client,
    mark: Arc<Mark>,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that a late failure does not close its successor.
    number: u64,
    failures: u32,
    not_before: Option<Instant>,
}

impl Connection {
    pub(super) fn new(url: &str, mark: Arc<Mark>) -> Result<Self, LimiterError> {
        // The driver's error is dropped: it must not carry a password along.
        let client = Client::open(url).map_err(|_| {
            LimiterError::Settings(
                "the Redis address does not parse: use redis://host:port or rediss://user:password@host:port"
                    .to_owned(),
            )
        })?;
        Ok(Self { client, mark, link: Mutex::default() })
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Runs `call` on the connection, within [`CALL_TIMEOUT`] altogether. Never tries again: what was sent may have worked.
    pub(super) async fn call<T>(
        &self,
        key: &str,
        call: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, LimiterError> {
        let mut number = None;
        let attempt = async {
            let (mut connection, its_number) = self.link().await?;
            number = Some(its_number);
            call(&mut connection).await.map_err(|error| Failure::of(error, key))
        };
        let failure = match timeout(CALL_TIMEOUT, attempt).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(_) => Failure { error: LimiterError::Timeout(CALL_TIMEOUT), lost: true },
        };
        if failure.lost {
            self.lose(number).await;
        }
        Err(failure.error)
    }

    async fn link(&self) -> Result<(MultiplexedConnection, u64), Failure> {
        let mut link = self.link.lock().await;
        if let Some(connection) = &link.connection {
            return Ok((connection.clone(), link.number));
        }
        if link.not_before.is_some_and(|not_before| Instant::now() < not_before) {
            let error = LimiterError::Unreachable("waiting a moment before the next try to connect".into());
            return Err(Failure { error, lost: false });
        }
        // Counted as a failure first: if the caller's timeout ends this, it was one.
        link.not_before = Some(Instant::now() + RECONNECT.bound(link.failures));
        link.failures = link.failures.saturating_add(1);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CALL_TIMEOUT))
            .set_response_timeout(Some(CALL_TIMEOUT));
        let mut connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Failure { lost: false, ..Failure::of(error, "") })?;
        // A name may lead to another server today than yesterday.
        let ours = self.mark.check(&mut connection).await;
        ours.map_err(|error| Failure { lost: false, ..Failure::of(error, self.mark.key()) })?
            .map_err(|error| Failure { error, lost: false })?;
        link.number += 1;
        link.failures = 0;
        link.not_before = None;
        link.connection = Some(connection.clone());
        Ok((connection, link.number))
    }

    async fn lose(&self, number: Option<u64>) {
        let mut link = self.link.lock().await;
        if number == Some(link.number) {
            link.connection = None;
        }
    }
}

struct Failure {
    error: LimiterError,
    /// The connection is of no more use.
    lost: bool,
}

impl Failure {
    fn of(error: RedisError, key: &str) -> Self {
        let code = error.code().unwrap_or("no code").to_owned();
        // Older servers wrap a script's error, with its code inside the text.
        let says = |word: &str| code == word || error.detail().is_some_and(|text| text.contains(word));
        let lost = |error| Self { error, lost: true };
        let kept = |error| Self { error, lost: false };
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => lost(LimiterError::Timeout(CALL_TIMEOUT)),
            ErrorKind::Io => lost(LimiterError::Unreachable(error.into())),
            ErrorKind::AuthenticationFailed => lost(LimiterError::Denied { code }),
            ErrorKind::Server(ServerErrorKind::NoPerm) => kept(LimiterError::Denied { code }),
            ErrorKind::Server(
                ServerErrorKind::ReadOnly
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ) => lost(LimiterError::NotWritable { code }),
            _ if says("WRONGTYPE") => kept(LimiterError::ForeignKey { key: key.to_owned() }),
            _ if says("OOM") => kept(LimiterError::OutOfMemory),
            _ if says("READONLY")
                || says("MISCONF")
                || says("NOREPLICAS")
                || says("UNKILLABLE")
                || says("BUSY") =>
            {
                lost(LimiterError::NotWritable { code })
            }
            _ if says("NOAUTH") || says("WRONGPASS") => lost(LimiterError::Denied { code }),
            _ if error.is_unrecoverable_error() => lost(LimiterError::Unreachable(error.into())),
            _ => kept(LimiterError::Refused { code, source: error.into() }),
        }
    }
}
