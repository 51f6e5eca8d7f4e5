//! The port to where tokens are kept; its adapter for Postgres lives in `store`.

use std::future::Future;

use futures::future::BoxFuture;

use super::error::{OAuthError, RenewError, TokenStoreError};
use super::token::TokenPair;
use crate::domain::ids::MallId;

/// A mall's pair, and how often it was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTokens {
    /// Opened.
    pub pair: TokenPair,
    /// Grows by one with every new pair.
    pub version: i64,
}

/// Calls the token URL with a pair's refresh token. Owns all that it needs.
pub type RefreshCall = Box<dyn FnOnce(TokenPair) -> BoxFuture<'static, Result<TokenPair, OAuthError>> + Send>;

/// Keeps the pairs of all malls, for all processes.
pub trait TokenStore: Send + Sync {
    /// The stored pair.
    fn load(&self, mall: &MallId) -> impl Future<Output = Result<StoredTokens, TokenStoreError>> + Send;

    /// Replaces the pair by what `refresh` makes of it, one process at a time.
    ///
    /// Opens a transaction, locks the mall's row, and reads the pair. If its version is greater than `used_version`
    /// (somebody else was faster) it returns the stored pair and never calls `refresh`; `None` always calls it.
    /// Else it calls `refresh` with the pair, stores the new pair with the next version, commits, and returns it.
    /// An error of `refresh` changes nothing. The lock is held for the call alone.
    fn renew(
        &self,
        mall: &MallId,
        used_version: Option<i64>,
        refresh: RefreshCall,
    ) -> impl Future<Output = Result<StoredTokens, RenewError>> + Send;
}

impl<S: TokenStore> TokenStore for std::sync::Arc<S> {
    fn load(&self, mall: &MallId) -> impl Future<Output = Result<StoredTokens, TokenStoreError>> + Send {
        (**self).load(mall)
    }

    fn renew(
        &self,
        mall: &MallId,
        used_version: Option<i64>,
        refresh: RefreshCall,
    ) -> impl Future<Output = Result<StoredTokens, RenewError>> + Send {
        (**self).renew(mall, used_version, refresh)
    }
}
