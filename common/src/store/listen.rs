//! What Postgres tells at commit (LISTEN/NOTIFY).

use std::fmt;
use std::time::Instant;

use futures::FutureExt as _;
use futures::future::BoxFuture;
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
    /// Jobs of a mall were parked, or were locked while they were; the payload is the mall.
    ///
    /// Who parks a job and who ends its pause may not see each other: each reads what is committed, and neither is yet. So both
    /// tell, and the leader looks after each of them; the second look sees what both did.
    Parked,
    /// An attempt to connect a mall was opened or has ended; the payload is its id.
    Consents,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Self::Feed => "cafe24_feed",
            Self::Connectors => "cafe24_connectors",
            Self::Parked => "cafe24_parked",
            Self::Consents => "cafe24_consents",
        }
    }
}

/// A listening session, made anew when it is lost.
#[derive(Debug)]
pub struct Listener {
    control: Control,
    channels: &'static [Channel],
    session: Session,
}

/// A lost session stays one until a new one listens, however often whoever waits for it looks after something else:
/// left to the driver, one that was lost while nobody waited would be made anew without a word.
enum Session {
    Open(Open),
    Lost(BoxFuture<'static, Result<Open, StoreError>>),
}

#[derive(Debug)]
struct Open {
    inner: PgListener,
    /// A server that turned read-only may keep this session, and tells nothing any more.
    refusals: watch::Receiver<Option<Instant>>,
}

impl Listener {
    /// The next payload. `None`: the session was lost and made again, so something may have been missed; look anew.
    /// Loses nothing if it is dropped before it is done.
    ///
    /// # Errors
    /// [`StoreError`] if no session can be had, or its server takes no writes; the next call tries again, and says `None`
    /// first.
    pub async fn next(&mut self) -> Result<Option<String>, StoreError> {
        if let Session::Open(open) = &mut self.session {
            match open.next().await {
                Ok(Some(payload)) => return Ok(Some(payload)),
                Ok(None) => self.lose(),
                Err(error) => {
                    self.lose();
                    return Err(error);
                }
            }
        }
        if let Session::Lost(making) = &mut self.session {
            match making.await {
                Ok(open) => self.session = Session::Open(open),
                Err(error) => {
                    self.lose();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// As [`Self::next`] for what has arrived already; `None`: nothing has.
    pub fn next_arrived(&mut self) -> Option<Result<Option<String>, StoreError>> {
        // The driver's own buffer holds only what came while a query ran on this connection; the rest is in the socket.
        self.next().now_or_never()
    }

    fn lose(&mut self) {
        let (control, channels) = (self.control.clone(), self.channels);
        self.session = Session::Lost(async move { open(&control, channels).await }.boxed());
    }
}

impl Open {
    /// The next payload. `None`: the session is lost.
    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        tokio::select! {
            told = self.inner.try_recv() => Ok(told?.map(|notification| notification.payload().to_owned())),
            Ok(()) = self.refusals.changed() => Err(StoreError::read_only("a write was refused".into())),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(open) => open.fmt(f),
            Self::Lost(_) => f.write_str("Lost"),
        }
    }
}

impl Control {
    /// Opens a listening session on a connection of its own.
    ///
    /// # Errors
    /// [`StoreError`] if no session can be had.
    pub async fn listen(&self, channels: &'static [Channel]) -> Result<Listener, StoreError> {
        let session = Session::Open(open(self, channels).await?);
        Ok(Listener { control: self.clone(), channels, session })
    }
}

async fn open(control: &Control, channels: &[Channel]) -> Result<Open, StoreError> {
    let refusals = refusals::refusals();
    control.follow().await?;
    let mut inner = PgListener::connect_with(&control.pool).await?;
    inner.ignore_pool_close_event(true);
    // A new session is ours to make: it begins at the server that takes writes now.
    inner.eager_reconnect(false);
    inner.listen_all(channels.iter().map(|channel| channel.name())).await?;
    Ok(Open { inner, refusals })
}
