//! The token store of Postgres: `connectors.config_json` and `token_leases`.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::{GenericClient, Transaction};

use super::apps::open_secret;
use super::at_rest::TokensAtRest;
use crate::domain::endpoint::Dialect;
use crate::domain::ids::{AppId, MallId};
use crate::oauth::lease::{LEASE, Lease, Turn, after_failure, turn};
use crate::oauth::{
    App, AppCredentials, Keep, Place, Sealed, Sealer, StoredTokens, Taken, TokenPair, TokenStore,
    TokenStoreError,
};
use crate::store::error::StoreError;
use crate::store::pool::Ledger;

/// The token store of Postgres.
#[derive(Debug, Clone)]
pub struct SealedTokenStore {
    ledger: Ledger,
    sealer: Arc<Sealer>,
    /// The app of malls that name none.
    configured: Option<AppCredentials>,
}

/// A mall's row, its tokens opened.
struct Found {
    tokens: StoredTokens,
    /// The mall's own app, its secret still sealed; `None`: the configured one.
    app: Option<(AppId, String, serde_json::Value)>,
    lease: Option<(Lease, String)>,
    now: DateTime<Utc>,
}

impl SealedTokenStore {
    /// A store that seals with `sealer`; `configured` is the app of malls that name none.
    pub fn new(ledger: Ledger, sealer: Arc<Sealer>, configured: Option<&App>) -> Self {
        Self { ledger, sealer, configured: configured.map(|app| app.credentials.clone()) }
    }

    async fn read(&self, client: &impl GenericClient, mall: &MallId) -> Result<Found, TokenStoreError> {
        let statement =
            client.prepare_cached(include_str!("../sql/read_tokens.sql")).await.map_err(unavailable)?;
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
        let dialect: String = row.try_get("dialect").map_err(unavailable)?;
        let dialect: Dialect = dialect.parse().map_err(|error| unavailable(StoreError::foreign(error)))?;
        let app: Option<String> = row.try_get("app_id").map_err(unavailable)?;
        let app = match app {
            None => None,
            Some(app) => Some((
                AppId::try_from(app).map_err(|error| unavailable(StoreError::foreign(error)))?,
                row.try_get("client_id").map_err(unavailable)?,
                row.try_get("client_secret").map_err(unavailable)?,
            )),
        };
        let version: Option<i64> = row.try_get("lease_version").map_err(unavailable)?;
        let lease = match version {
            None => None,
            Some(version) => Some((
                Lease {
                    version,
                    taken_at: row.try_get("taken_at").map_err(unavailable)?,
                    until: row.try_get("until").map_err(unavailable)?,
                    unanswered_at: row.try_get("unanswered_at").map_err(unavailable)?,
                },
                row.try_get("holder").map_err(unavailable)?,
            )),
        };
        let version = row.try_get("token_version").map_err(unavailable)?;
        Ok(Found {
            tokens: StoredTokens {
                pair,
                version,
                agency,
                scope: dialect.scope(),
                refreshable: app.is_some() || self.configured.is_some(),
            },
            app,
            lease,
            now: row.try_get("now").map_err(unavailable)?,
        })
    }

    /// As [`read`](Self::read), with the mall's row locked first: what is read can only be changed by us.
    async fn lock(&self, tx: &Transaction<'_>, mall: &MallId) -> Result<Found, TokenStoreError> {
        let sql = "SELECT FROM connectors WHERE mall_id = $1 FOR NO KEY UPDATE";
        let statement = tx.prepare_cached(sql).await.map_err(unavailable)?;
        tx.query_opt(&statement, &[&mall.as_str()])
            .await
            .map_err(unavailable)?
            .ok_or(TokenStoreError::Missing)?;
        self.read(tx, mall).await
    }

    fn app(&self, found: &mut Found) -> Result<Option<AppCredentials>, TokenStoreError> {
        let Some((app, client_id, sealed)) = found.app.take() else { return Ok(self.configured.clone()) };
        let client_secret = open_secret(&self.sealer, &app, sealed)
            .map_err(|error| TokenStoreError::Unavailable(Box::new(error)))?;
        Ok(Some(AppCredentials { client_id, client_secret }))
    }
}

impl TokenStore for SealedTokenStore {
    async fn load(&self, mall: &MallId) -> Result<StoredTokens, TokenStoreError> {
        let client = self.ledger.pool.get().await.map_err(unavailable)?;
        Ok(self.read(&client, mall).await?.tokens)
    }

    async fn take(&self, mall: &MallId, used: i64, holder: &str) -> Result<Taken, TokenStoreError> {
        let mut client = self.ledger.pool.get().await.map_err(unavailable)?;
        // Most who ask are not first; they lock nothing.
        let seen = self.read(&client, mall).await?;
        if let turn @ (Turn::Newer | Turn::Theirs(_)) = found_turn(&seen, used) {
            return Ok(Taken { turn, at: seen.now, tokens: seen.tokens, app: None });
        }
        let tx = client.transaction().await.map_err(unavailable)?;
        let mut found = self.lock(&tx, mall).await?;
        let turn = found_turn(&found, used);
        let mut app = None;
        if let Turn::Ours { unanswered_at } = turn {
            app = self.app(&mut found)?;
            let until = found.now + TimeDelta::from_std(LEASE).unwrap_or_default();
            let statement =
                tx.prepare_cached(include_str!("../sql/take_lease.sql")).await.map_err(unavailable)?;
            let version = found.tokens.version;
            tx.execute(&statement, &[&mall.as_str(), &version, &holder, &found.now, &until, &unanswered_at])
                .await
                .map_err(unavailable)?;
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(Taken { turn, at: found.now, tokens: found.tokens, app })
    }

    async fn keep(
        &self,
        mall: &MallId,
        old: &StoredTokens,
        pair: &TokenPair,
    ) -> Result<Keep, TokenStoreError> {
        let at_rest = TokensAtRest::seal(&self.sealer, pair, &old.agency, mall);
        let client = self.ledger.pool.get().await.map_err(unavailable)?;
        let statement =
            client.prepare_cached(include_str!("../sql/store_tokens.sql")).await.map_err(unavailable)?;
        let stored = client
            .query_opt(
                &statement,
                &[
                    &mall.as_str(),
                    &old.version,
                    &at_rest.sealed,
                    &at_rest.issued_at,
                    &at_rest.access_expires_at,
                    &at_rest.refresh_expires_at,
                    &at_rest.scopes,
                    &at_rest.key_id,
                    &old.scope,
                ],
            )
            .await
            .map_err(unavailable)?;
        if let Some(row) = stored {
            return row.try_get(0).map(Keep::Stored).map_err(unavailable);
        }
        // The answer to an earlier try may have been lost: then the stored pair is ours.
        let newest = self.read(&client, mall).await?.tokens;
        let ours = newest.pair.refresh == pair.refresh;
        Ok(if ours { Keep::Stored(newest.version) } else { Keep::Older })
    }

    async fn release(&self, mall: &MallId, holder: &str, unanswered: bool) -> Result<(), TokenStoreError> {
        let mut client = self.ledger.pool.get().await.map_err(unavailable)?;
        let tx = client.transaction().await.map_err(unavailable)?;
        let found = self.lock(&tx, mall).await?;
        if let Some((lease, theirs)) = &found.lease
            && theirs == holder
        {
            match after_failure(lease, unanswered, found.now) {
                None => {
                    let sql = "DELETE FROM token_leases WHERE mall_id = $1";
                    tx.execute(sql, &[&mall.as_str()]).await.map_err(unavailable)?;
                }
                Some(Lease { until, unanswered_at, .. }) => {
                    let sql = "UPDATE token_leases SET until = $2, unanswered_at = $3 WHERE mall_id = $1";
                    tx.execute(sql, &[&mall.as_str(), &until, &unanswered_at]).await.map_err(unavailable)?;
                }
            }
        }
        tx.commit().await.map_err(unavailable)
    }

    async fn bury(
        &self,
        mall: &MallId,
        used: i64,
        holder: &str,
        reason: &str,
        lost_at: Option<DateTime<Utc>>,
    ) -> Result<Turn, TokenStoreError> {
        let mut client = self.ledger.pool.get().await.map_err(unavailable)?;
        let tx = client.transaction().await.map_err(unavailable)?;
        let mut found = self.lock(&tx, mall).await?;
        // Our own lease is no reason to wait.
        found.lease = found.lease.filter(|(_, theirs)| theirs != holder);
        let turn = found_turn(&found, used);
        if let Turn::Ours { .. } = turn {
            let statement =
                tx.prepare_cached(include_str!("../sql/bury_tokens.sql")).await.map_err(unavailable)?;
            tx.execute(&statement, &[&mall.as_str(), &used, &reason, &lost_at]).await.map_err(unavailable)?;
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(turn)
    }
}

fn found_turn(found: &Found, used: i64) -> Turn {
    turn(found.tokens.version, used, found.lease.as_ref().map(|(lease, _)| lease), found.now)
}

fn unavailable(error: impl Into<StoreError>) -> TokenStoreError {
    TokenStoreError::Unavailable(Box::new(error.into()))
}
