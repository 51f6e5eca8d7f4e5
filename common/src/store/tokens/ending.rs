//! The end of a mall's tokens: read to be revoked, then erased if no other pair has come in their place.

use sqlx::Row;

use crate::domain::ids::{AppId, MallId};
use crate::oauth::{Place, Sealed, Sealer, TokenPair, TokenStoreError};
use crate::store::audit::{AuditEntry, commit_if_changed};
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// What a mall has stored.
#[derive(Debug)]
pub enum PairToEnd {
    /// A pair.
    Stored {
        /// Opened. `Err`: it cannot be, so it can be erased only.
        pair: Result<TokenPair, TokenStoreError>,
        /// Rises with each pair.
        version: i64,
        /// The app that it belongs to; `None`: that of the configuration.
        app: Option<AppId>,
    },
    /// A pair that is being refreshed: its successor is about to come.
    Refreshing,
    /// No pair.
    None,
}

impl Control {
    /// The pair of a mall, to be revoked. `None`: no such mall.
    pub async fn pair_to_end(&self, sealer: &Sealer, mall: &MallId) -> Result<Option<PairToEnd>, StoreError> {
        let row = sqlx::query(include_str!("../sql/pair_to_end.sql"))
            .bind(mall.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.try_get::<Option<serde_json::Value>, _>("sealed")? else {
            return Ok(Some(PairToEnd::None));
        };
        if row.try_get("refreshing")? {
            return Ok(Some(PairToEnd::Refreshing));
        }
        let agency: String = row.try_get("agency_id")?;
        let place = Place::Tokens { agency: &agency, mall };
        let foreign = StoreError::foreign("connectors.config_json.oauth_tokens is not sealed");
        let pair = serde_json::from_value::<Sealed>(sealed)
            .map_err(|_| TokenStoreError::Unavailable(Box::new(foreign)))
            .and_then(|sealed| sealer.open(&sealed, place).map_err(TokenStoreError::Seal));
        let app: Option<String> = row.try_get("app_id")?;
        Ok(Some(PairToEnd::Stored {
            pair,
            version: row.try_get("token_version")?,
            app: app.map(AppId::try_from).transpose().map_err(StoreError::foreign)?,
        }))
    }

    /// Erases a mall's tokens with its entry in the audit log; the mall waits for a new consent, its jobs with it. `version`
    /// is the pair that was revoked, `None` whatever is stored. `false`: another pair has come, nothing was changed.
    pub async fn erase_tokens(
        &self,
        mall: &MallId,
        version: Option<i64>,
        reason: &str,
        entry: &AuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(include_str!("../sql/erase_tokens.sql"))
            .bind(mall.as_str())
            .bind(version)
            .bind(reason)
            .execute(&mut *tx)
            .await?;
        commit_if_changed(tx, &done, entry).await
    }

    /// Removes a connection with its tokens and its entry in the audit log; its waiting jobs are cancelled, its figures stay.
    /// `version` and `false` as in [`erase_tokens`](Self::erase_tokens).
    pub async fn remove_connector(
        &self,
        mall: &MallId,
        version: Option<i64>,
        entry: &AuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(
            "DELETE FROM connectors WHERE mall_id = $1 AND ($2::bigint IS NULL OR token_version = $2)",
        )
        .bind(mall.as_str())
        .bind(version)
        .execute(&mut *tx)
        .await?;
        commit_if_changed(tx, &done, entry).await
    }
}
