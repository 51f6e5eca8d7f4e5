//! The port to where tokens are kept; its adapter for Postgres lives in `store`.
//!
//! No method waits for the network of Cafe24: a connection of the database is held for a statement or two, never for a call.

use std::future::Future;

use chrono::{DateTime, Utc};

use super::app::AppCredentials;
use super::error::TokenStoreError;
use super::lease::Turn;
use super::token::TokenPair;
use crate::domain::ids::MallId;

/// A mall's pair, and how often it was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTokens {
    /// Opened.
    pub pair: TokenPair,
    /// Grows by one with every new pair.
    pub version: i64,
    /// Whose mall it is; tokens are sealed for it.
    pub agency: String,
    /// The scope that the mall's dialect needs.
    pub scope: &'static str,
    /// Whether there is an app to refresh it with.
    pub refreshable: bool,
}

/// The answer to [`TokenStore::take`].
#[derive(Debug, Clone)]
pub struct Taken {
    /// Whose turn it is; [`Turn::Ours`]: the lease is stored.
    pub turn: Turn,
    /// The store's clock.
    pub at: DateTime<Utc>,
    /// The stored pair.
    pub tokens: StoredTokens,
    /// The app that the mall has consented to; read with the lease, so that a changed secret is used at once.
    pub app: Option<AppCredentials>,
}

/// The answer to [`TokenStore::keep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Stored, as this version. Also if it was stored by an earlier try whose answer was lost.
    Stored(i64),
    /// Another pair has been stored since, or the mall is gone.
    Older,
}

/// Keeps the pairs of all malls, for all processes.
pub trait TokenStore: Send + Sync + 'static {
    /// The stored pair.
    fn load(&self, mall: &MallId) -> impl Future<Output = Result<StoredTokens, TokenStoreError>> + Send;

    /// Takes the lease for the pair of version `used`, if it is still the stored one and nobody else has the lease
    /// ([`turn`](super::lease::turn) decides). Committed when it returns.
    fn take(
        &self,
        mall: &MallId,
        used: i64,
        holder: &str,
    ) -> impl Future<Output = Result<Taken, TokenStoreError>> + Send;

    /// Replaces `old` by `pair`, and ends all leases of the mall, in one step: whoever holds a lease, the
    /// version alone decides. A mall that waited for a consent is active again, since this one shows that it has it.
    fn keep(
        &self,
        mall: &MallId,
        old: &StoredTokens,
        pair: &TokenPair,
    ) -> impl Future<Output = Result<Keep, TokenStoreError>> + Send;

    /// Ends the holder's lease without a pair ([`after_failure`](super::lease::after_failure) decides what stays).
    fn release(
        &self,
        mall: &MallId,
        holder: &str,
        unanswered: bool,
    ) -> impl Future<Output = Result<(), TokenStoreError>> + Send;

    /// The refresh token of version `used` is dead: parks the mall with `reason`, unless a newer pair is stored or somebody
    /// else holds a lease, and so may store one. [`Turn::Ours`]: done; a lost rotation stays noted.
    fn bury(
        &self,
        mall: &MallId,
        used: i64,
        holder: &str,
        reason: &str,
        lost_at: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<Turn, TokenStoreError>> + Send;
}

impl<S: TokenStore> TokenStore for std::sync::Arc<S> {
    fn load(&self, mall: &MallId) -> impl Future<Output = Result<StoredTokens, TokenStoreError>> + Send {
        (**self).load(mall)
    }

    fn take(
        &self,
        mall: &MallId,
        used: i64,
        holder: &str,
    ) -> impl Future<Output = Result<Taken, TokenStoreError>> + Send {
        (**self).take(mall, used, holder)
    }

    fn keep(
        &self,
        mall: &MallId,
        old: &StoredTokens,
        pair: &TokenPair,
    ) -> impl Future<Output = Result<Keep, TokenStoreError>> + Send {
        (**self).keep(mall, old, pair)
    }

    fn release(
        &self,
        mall: &MallId,
        holder: &str,
        unanswered: bool,
    ) -> impl Future<Output = Result<(), TokenStoreError>> + Send {
        (**self).release(mall, holder, unanswered)
    }

    fn bury(
        &self,
        mall: &MallId,
        used: i64,
        holder: &str,
        reason: &str,
        lost_at: Option<DateTime<Utc>>,
    ) -> impl Future<Output = Result<Turn, TokenStoreError>> + Send {
        (**self).bury(mall, used, holder, reason, lost_at)
    }
}
