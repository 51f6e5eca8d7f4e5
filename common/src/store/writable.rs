//! The server that takes writes: a failover turns one address into a standby and another one into the primary.
//!
//! The pools differ. The hot one goes through the addresses of a URL at each connection (`one_by_one`); sqlx knows one address at
//! a time. So whoever opens a session that lasts looks for the server that takes writes first ([`Control::session`]), and the
//! pool goes to that one from then on. Such sessions end with their server, so this happens by itself after a failover.
//!
//! A server may also turn read-only and keep its sessions, or take new ones at the address of the old primary. Whoever is
//! refused a write there says so (`refusals`); what is older than that is not used again, in either pool
//! (`docs/reliability.md` P5).

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use super::addresses::Addresses;
use super::error::{CONNECTION_LOST, StoreError};
use super::pool::Control;

/// A server that says nothing for this long is out of reach.
const SILENT: Duration = Duration::from_secs(5);

impl Control {
    /// A session of its own with these settings, at a server that takes writes if the URL says that there is a choice.
    pub(super) async fn session(&self, settings: &[(&str, &str)]) -> Result<PgConnection, StoreError> {
        let options = |address: &PgConnectOptions| address.clone().options(settings.iter().copied());
        let Addresses { all, wants_writable, chosen } = self.addresses.as_ref();
        let first = chosen.load(Ordering::Relaxed);
        if !wants_writable {
            return within(PgConnection::connect_with(&options(&self.pool.connect_options()))).await;
        }
        let mut refused = StoreError::read_only("no server of the URL takes writes".into());
        for index in (0..all.len()).map(|step| (first + step) % all.len()) {
            match writable(&options(&all[index])).await {
                Ok(session) => {
                    if chosen.swap(index, Ordering::Relaxed) != index {
                        tracing::info!(
                            event = "conn.restored",
                            address = index + 1,
                            addresses = all.len(),
                            "another server of Postgres takes writes: going there"
                        );
                    }
                    self.pool.set_connect_options(all[index].clone());
                    return Ok(session);
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Opens one session and ends it. A refused port is told at once and as such: the pool would ask it again and again until
    /// its time is over, and then say no more than that.
    pub async fn reach(&self) -> Result<(), StoreError> {
        let session = self.session(&[]).await.map_err(|error| match error {
            StoreError::Unavailable { what, source } if what == CONNECTION_LOST => {
                StoreError::Unavailable { what: "no connection".to_owned(), source }
            }
            other => other,
        })?;
        // It is there, which is all that was asked.
        let _ = within(session.close()).await;
        Ok(())
    }

    /// Lets the pool go to the server that takes writes, if the URL says that there is a choice.
    pub(super) async fn follow(&self) -> Result<(), StoreError> {
        if !self.addresses.wants_writable {
            return Ok(());
        }
        let session = self.session(&[]).await?;
        // It is there, which is all that was asked.
        let _ = within(session.close()).await;
        Ok(())
    }
}

async fn writable(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut session = within(PgConnection::connect_with(options)).await?;
    if takes_writes(&mut session).await? {
        return Ok(session);
    }
    let _ = within(session.close()).await;
    Err(StoreError::read_only("this server is a standby, or set read-only".into()))
}

/// Whether a transaction of this session may write now.
pub(super) async fn takes_writes(session: &mut PgConnection) -> Result<bool, StoreError> {
    let asked = sqlx::query_scalar("SELECT current_setting('transaction_read_only') = 'off'");
    within(asked.fetch_one(session)).await
}

/// Waits [`SILENT`] at most.
pub(super) async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match timeout(SILENT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(silent) => Err(StoreError::Unavailable {
            what: "it did not answer in time".to_owned(),
            source: silent.into(),
        }),
    }
}
