//! Token pairs at rest: sealed in `connectors.config_json`, replaced under a row lock.
//!
//! The adapter of the port `oauth` asks for ([`TokenStore`]); the only place where this room knows that one.

use std::sync::Arc;

use deadpool_postgres::GenericClient;

use super::error::StoreError;
use super::pool::Ledger;
use crate::domain::ids::MallId;
use crate::oauth::{
    RefreshCall, RenewError, SealedTokens, Sealer, StoredTokens, TokenStore, TokenStoreError,
};

/// The token store of Postgres.
#[derive(Debug, Clone)]
pub struct SealedTokenStore {
    ledger: Ledger,
    sealer: Arc<Sealer>,
}

impl SealedTokenStore {
    /// A store that seals with `sealer`.
    pub fn new(ledger: Ledger, sealer: Arc<Sealer>) -> Self {
        Self { ledger, sealer }
    }

    async fn read(
        &self,
        client: &impl GenericClient,
        mall: &MallId,
        sql: &str,
    ) -> Result<StoredTokens, TokenStoreError> {
        let statement = client.prepare_cached(sql).await.map_err(unavailable)?;
        let row = client.query_opt(&statement, &[&mall.as_str()]).await.map_err(unavailable)?;
        let row = row.ok_or(TokenStoreError::Missing)?;
        let sealed: Option<serde_json::Value> = row.try_get("sealed").map_err(unavailable)?;
        let sealed = sealed.ok_or(TokenStoreError::Missing)?;
        let sealed: SealedTokens = serde_json::from_value(sealed).map_err(|_| {
            unavailable(StoreError::foreign("connectors.config_json.oauth_tokens is not sealed"))
        })?;
        let pair = self.sealer.open(&sealed, mall).map_err(TokenStoreError::Seal)?;
        Ok(StoredTokens { pair, version: row.try_get("token_version").map_err(unavailable)? })
    }
}

impl TokenStore for SealedTokenStore {
    async fn load(&self, mall: &MallId) -> Result<StoredTokens, TokenStoreError> {
        let client = self.ledger.pool.get().await.map_err(unavailable)?;
        self.read(&client, mall, "SELECT config_json -> 'oauth_tokens' AS sealed, token_version FROM connectors WHERE mall_id = $1")
            .await
    }

    async fn renew(
        &self,
        mall: &MallId,
        used_version: Option<i64>,
        refresh: RefreshCall,
    ) -> Result<StoredTokens, RenewError> {
        let mut client = self.ledger.pool.get().await.map_err(unavailable)?;
        let tx = client.transaction().await.map_err(unavailable)?;
        let stored = self.read(&tx, mall, include_str!("sql/lock_tokens.sql")).await?;
        if used_version.is_some_and(|used| stored.version > used) {
            return Ok(stored);
        }
        let pair = refresh(stored.pair).await?;
        // From here on the old pair is dead at the provider: nothing may come between the answer and the commit.
        let sealed = serde_json::to_value(self.sealer.seal(&pair, mall))
            .map_err(|error| unavailable(StoreError::foreign(error)))?;
        let statement = tx.prepare_cached(include_str!("sql/store_tokens.sql")).await.map_err(unavailable)?;
        let row = tx.query_one(&statement, &[&mall.as_str(), &sealed]).await.map_err(unavailable)?;
        let version = row.try_get(0).map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(StoredTokens { pair, version })
    }
}

fn unavailable(error: impl Into<StoreError>) -> TokenStoreError {
    TokenStoreError::Unavailable(Box::new(error.into()))
}
