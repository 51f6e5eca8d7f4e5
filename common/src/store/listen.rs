//! What Postgres tells at commit (LISTEN/NOTIFY).

use std::time::Instant;

use futures::FutureExt as _;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

use super::error::StoreError;
use super::pool::Control;
use super::refusals;

/// What to listen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A limiter key has room or new jobs; the payload is the key.
    Feed,
    /// A connector's state changed, or it was removed; the payload is the mall.
    Connectors,
    /// An attempt to connect a mall was opened or has ended; the payload is its id.
    Consents,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Self::Feed => "cafe24_feed",
            Self::Connectors => "cafe24_connectors",
            Self::Consents => "cafe24_consents",
        }
    }
}

/// A listening session.
#[derive(Debug)]
pub struct Listener {
    inner: PgListener,
    /// A server that turned read-only may keep this session, and tells nothing any more.
    refusals: watch::Receiver<Option<Instant>>,
}

impl Listener {
    /// The next payload. `None`: the session was lost and made again, so something may have been missed; look anew.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        tokio::select! {
            told = self.inner.try_recv() => Ok(told?.map(|notification| notification.payload().to_owned())),
            Ok(()) = self.refusals.changed() => Err(StoreError::read_only("a write was refused".into())),
        }
    }

    /// As [`Self::next`] for what has arrived already; `None`: nothing has.
    pub fn next_arrived(&mut self) -> Option<Result<Option<String>, StoreError>> {
        // The driver's own buffer holds only what came while a query ran on this connection; the rest is in the socket.
        self.next().now_or_never()
    }
}

impl Control {
    /// Opens a listening session on a connection of its own.
    pub async fn listen(&self, channel: Channel) -> Result<Listener, StoreError> {
        let refusals = refusals::refusals();
        self.follow().await?;
        let mut inner = PgListener::connect_with(&self.pool).await?;
        inner.ignore_pool_close_event(true);
        inner.listen(channel.name()).await?;
        Ok(Listener { inner, refusals })
    }
}
