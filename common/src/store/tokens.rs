//! Token pairs at rest: sealed in `connectors.config_json`, replaced under a row lock.
//!
//! The adapter of the port `oauth` asks for ([`TokenStore`]), and what reads and writes sealed secrets beside it; the only
//! place where this room knows that one.

mod apps;
mod at_rest;
mod ending;

pub use apps::{AppError, Apps};
pub use at_rest::TokensAtRest;
pub use ending::PairToEnd;

use std::sync::Arc;

use deadpool_postgres::GenericClient;

use super::error::StoreError;
use super::pool::Ledger;
use crate::domain::ids::MallId;
use crate::oauth::{
    Place, RefreshCall, RenewError, Sealed, Sealer, StoredTokens, TokenStore, TokenStoreError,
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
    ) -> Result<Row, TokenStoreError> {
        let statement = client.prepare_cached(sql).await.map_err(unavailable)?;
        let row = client.query_opt(&statement, &[&mall.as_str()]).await.map_err(unavailable)?;
        let row = row.ok_or(TokenStoreError::Missing)?;
        let sealed: Option<serde_json::Value> = row.try_get("sealed").map_err(unavailable)?;
        let sealed = sealed.ok_or(TokenStoreError::Missing)?;
        let sealed: Sealed = serde_json::from_value(sealed).map_err(|_| {
            unavailable(StoreError::foreign("connectors.config_json.oauth_tokens is not sealed"))
        })?;
        let agency: String = row.try_get("agency_id").map_err(unavailable)?;
        let place = Place::Tokens { agency: &agency, mall };
        let pair = self.sealer.open(&sealed, place).map_err(TokenStoreError::Seal)?;
        Ok(Row {
            agency,
            tokens: StoredTokens { pair, version: row.try_get("token_version").map_err(unavailable)? },
        })
    }
}

/// A mall's row, opened.
struct Row {
    agency: String,
    tokens: StoredTokens,
}

impl TokenStore for SealedTokenStore {
    async fn load(&self, mall: &MallId) -> Result<StoredTokens, TokenStoreError> {
        let client = self.ledger.pool.get().await.map_err(unavailable)?;
        self.read(&client, mall, "SELECT agency_id, config_json -> 'oauth_tokens' AS sealed, token_version FROM connectors WHERE mall_id = $1")
            .await
            .map(|row| row.tokens)
    }

    async fn renew(
        &self,
        mall: &MallId,
        used_version: Option<i64>,
        refresh: RefreshCall,
    ) -> Result<StoredTokens, RenewError> {
        let mut client = self.ledger.pool.get().await.map_err(unavailable)?;
        let tx = client.transaction().await.map_err(unavailable)?;
        let Row { agency, tokens: stored } =
            self.read(&tx, mall, include_str!("sql/lock_tokens.sql")).await?;
        if used_version.is_some_and(|used| stored.version > used) {
            return Ok(stored);
        }
        let pair = refresh(stored.pair).await?;
        // From here on the old pair is dead at the provider: nothing may come between the answer and the commit.
        let at_rest = TokensAtRest::seal(&self.sealer, &pair, &agency, mall);
        let statement = tx.prepare_cached(include_str!("sql/store_tokens.sql")).await.map_err(unavailable)?;
        let row = tx
            .query_one(
                &statement,
                &[
                    &mall.as_str(),
                    &at_rest.sealed,
                    &at_rest.issued_at,
                    &at_rest.access_expires_at,
                    &at_rest.refresh_expires_at,
                    &at_rest.scopes,
                    &at_rest.key_id,
                ],
            )
            .await
            .map_err(unavailable)?;
        let version = row.try_get(0).map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(StoredTokens { pair, version })
    }
}

fn unavailable(error: impl Into<StoreError>) -> TokenStoreError {
    TokenStoreError::Unavailable(Box::new(error.into()))
}
