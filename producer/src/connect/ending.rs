//! The end of a mall's tokens: revoked at Cafe24 first, erased here after that.
//!
//! In this order, since an erased token can be revoked by nobody. A refresh that comes between replaces the pair: the
//! erasing then finds another version, and the new pair is revoked in its turn.

use std::sync::Arc;
use std::time::Duration;

use common::domain::ids::{AppId, MallId};
use common::oauth::{OAuthClient, Sealer, TokenPair, TokenStoreError};
use common::store::{AppError, Apps, AuditEntry, Control, PairToEnd, StoreError};
use serde_json::json;
use tokio::time::sleep;

use crate::fault::causes;

/// Looks at a pair that is being refreshed, or that changes under our hands.
const TRIES: u32 = 40;
/// Wait between them; together longer than a lease.
const WAIT: Duration = Duration::from_secs(1);

/// What is done with the mall once its tokens are dead.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After<'a> {
    /// It waits for a new consent.
    Disconnect {
        /// Shown beside the mall.
        reason: &'a str,
    },
    /// It is removed; its figures stay.
    Remove,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Revoked at Cafe24 and erased here.
    Revoked,
    /// Erased here; at Cafe24 they end by themselves within 14 days.
    ErasedOnly,
    /// There were none.
    NoTokens,
}

/// Why nothing was changed.
#[derive(Debug)]
pub(crate) enum NotEnded {
    /// No such mall.
    Unknown,
    /// Cafe24 could not be told.
    NotRevoked(String),
    /// Others kept replacing the pair.
    Busy,
    /// The database.
    Store(StoreError),
}

impl From<StoreError> for NotEnded {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Ends tokens.
pub(crate) struct Ending {
    pub(crate) control: Control,
    pub(crate) client: OAuthClient,
    pub(crate) apps: Apps,
    pub(crate) sealer: Arc<Sealer>,
    /// Who asks.
    pub(crate) actor: String,
    /// Erase although Cafe24 cannot be told.
    pub(crate) force: bool,
}

impl Ending {
    /// Revokes and erases. Nothing changes here unless the tokens are dead there, or `force` is set.
    pub(crate) async fn run(&self, mall: &MallId, after: After<'_>) -> Result<Ended, NotEnded> {
        for _ in 0..TRIES {
            let found = self.control.pair_to_end(&self.sealer, mall).await?.ok_or(NotEnded::Unknown)?;
            let (version, ended) = match found {
                PairToEnd::Refreshing => {
                    sleep(WAIT).await;
                    continue;
                }
                PairToEnd::None => (None, Ended::NoTokens),
                PairToEnd::Stored { pair, version, app } => {
                    match self.revoke(mall, pair, app.as_ref()).await? {
                        Ok(()) => (Some(version), Ended::Revoked),
                        Err(why) if self.force => {
                            tracing::warn!(mall = %mall, why, "tokens are erased without being revoked");
                            (Some(version), Ended::ErasedOnly)
                        }
                        Err(why) => return Err(NotEnded::NotRevoked(why)),
                    }
                }
            };
            if self.erase(mall, version, ended, after).await? {
                return Ok(ended);
            }
        }
        Err(NotEnded::Busy)
    }

    /// Tells Cafe24. The inner error says why it could not be told.
    async fn revoke(
        &self,
        mall: &MallId,
        pair: Result<TokenPair, TokenStoreError>,
        app: Option<&AppId>,
    ) -> Result<Result<(), String>, StoreError> {
        let pair = match pair {
            Ok(pair) => pair,
            Err(error) => return Ok(Err(said(&error))),
        };
        let app = match self.apps.named(app).await {
            Ok(app) => app,
            Err(AppError::Store(error)) => return Err(error),
            Err(error) => return Ok(Err(said(&error))),
        };
        let told = self.client.revoke(mall, &pair.refresh, &app.credentials).await;
        Ok(told.map_err(|error| said(&error)))
    }

    async fn erase(
        &self,
        mall: &MallId,
        version: Option<i64>,
        ended: Ended,
        after: After<'_>,
    ) -> Result<bool, StoreError> {
        let action = match after {
            After::Disconnect { .. } => "disconnect",
            After::Remove => "malls.remove",
        };
        let entry = AuditEntry {
            actor: &self.actor,
            action,
            mall: Some(mall),
            target: mall.as_str(),
            plan: None,
            details: json!({ "revoked": ended == Ended::Revoked, "had_tokens": ended != Ended::NoTokens }),
        };
        match after {
            After::Disconnect { reason } => self.control.erase_tokens(mall, version, reason, &entry).await,
            After::Remove => self.control.remove_connector(mall, version, &entry).await,
        }
    }
}

fn said(error: &dyn std::error::Error) -> String {
    match causes(error) {
        causes if causes.is_empty() => error.to_string(),
        causes => format!("{error}: {causes}"),
    }
}
