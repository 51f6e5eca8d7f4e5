//! What Postgres tells at commit (LISTEN/NOTIFY).

use sqlx::postgres::PgListener;

use super::error::StoreError;
use super::pool::Control;

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
}

impl Listener {
    /// The next payload. `None`: the session was lost and made again, so something may have been missed; look anew.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.inner.try_recv().await?.map(|notification| notification.payload().to_owned()))
    }

    /// A payload that has already arrived, without waiting.
    pub fn next_buffered(&mut self) -> Option<String> {
        self.inner.next_buffered().map(|notification| notification.payload().to_owned())
    }
}

impl Control {
    /// Opens a listening session on a connection of its own.
    pub async fn listen(&self, channel: Channel) -> Result<Listener, StoreError> {
        let mut inner = PgListener::connect_with(&self.pool).await?;
        inner.ignore_pool_close_event(true);
        inner.listen(channel.name()).await?;
        Ok(Listener { inner })
    }
}
