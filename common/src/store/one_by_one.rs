//! The hot pool's way to a server: one address after the other, each within a limit.
//!
//! tokio-postgres goes through the addresses by itself, but limits only the time until a socket stands. A server whose
//! process hangs while its kernel still takes connections would be waited for at every try, and the next address never
//! reached (`docs/reliability.md` P5).

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, Socket};

/// Goes through the addresses of a URL, beginning with the one that answered last.
pub(super) struct OneByOne<T> {
    addresses: Arc<[Config]>,
    /// How long one address may take until its session stands.
    most: Duration,
    tls: T,
    /// The address that answered last.
    chosen: Arc<AtomicUsize>,
}

impl<T> OneByOne<T> {
    /// `addresses`: one or more, each of one server.
    pub(super) fn new(addresses: Vec<Config>, most: Duration, tls: T) -> Self {
        Self { addresses: addresses.into(), most, tls, chosen: Arc::default() }
    }
}

impl<T> fmt::Debug for OneByOne<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A configuration holds a password.
        f.debug_struct("OneByOne").field("count", &self.addresses.len()).finish_non_exhaustive()
    }
}

impl<T> Connect for OneByOne<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        Box::pin(async move {
            let first = self.chosen.load(Ordering::Relaxed);
            let mut refused = None;
            for index in (0..self.addresses.len()).map(|step| (first + step) % self.addresses.len()) {
                match timeout(self.most, self.addresses[index].connect(self.tls.clone())).await {
                    Ok(Ok((client, connection))) => {
                        self.chosen.store(index, Ordering::Relaxed);
                        let task = tokio::spawn(async move {
                            if let Err(error) = connection.await {
                                let error = &error as &dyn std::error::Error;
                                tracing::debug!(error, "a connection to Postgres has ended");
                            }
                        });
                        return Ok((client, task));
                    }
                    Ok(Err(error)) => refused = Some(error),
                    // It hangs: the next one may not.
                    Err(_) => {}
                }
            }
            match refused {
                Some(error) => Err(error),
                // All of them hang. The pool's own limit, which is a little longer, says so in its words.
                None => pending().await,
            }
        })
    }
}
