//! Sealing again, with the first master key, what another key or an older format sealed.
//!
//! Nothing is noted about how far a run came: what is left to do is what does not carry the first key's id. So a run that was
//! killed is taken up by the next one, and running twice does nothing. A pair is replaced only if it is still the very text
//! that was read, so that a refresh at the same time is never overwritten; its version stays, since it is the same pair.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::apps::{AppError, open_secret};
use super::at_rest::TokensAtRest;
use crate::domain::ids::{AppId, MallId};
use crate::oauth::{Place, Sealed, Sealer};
use crate::store::audit::{self, AuditEntry};
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// Pairs sealed again in one transaction.
const BATCH: i64 = 100;

/// Which keys are in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// How many pairs and app secrets each key has sealed, by key id.
    pub by_key: BTreeMap<String, i64>,
    /// How many are not sealed by the first key, or in an older format.
    pub due: i64,
}

/// What one batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Sealed again.
    pub done: usize,
    /// Changed by somebody else meanwhile; whoever did sealed them with a key of theirs.
    pub changed: usize,
    /// Cannot be opened: their key is missing, or they were changed.
    pub unopened: Vec<String>,
    /// Where the next batch goes on; `None`: this was the last.
    pub next: Option<MallId>,
}

/// Seals again.
#[derive(Debug, Clone)]
pub struct Rotation {
    control: Control,
    sealer: Arc<Sealer>,
}

impl Rotation {
    /// A rotation to the first key of `sealer`.
    pub fn new(control: Control, sealer: Arc<Sealer>) -> Self {
        Self { control, sealer }
    }

    /// Counts pairs and app secrets by their keys.
    pub async fn key_use(&self) -> Result<KeyUse, StoreError> {
        let rows = sqlx::query(
            "SELECT sealed ->> 'kid' AS kid, (sealed ->> 'v')::int AS v, count(*) AS n FROM ( \
                 SELECT config_json -> 'oauth_tokens' AS sealed FROM connectors WHERE config_json ? 'oauth_tokens' \
                 UNION ALL SELECT client_secret FROM apps) AS all_sealed GROUP BY 1, 2",
        )
        .fetch_all(&self.control.pool)
        .await?;
        let first = self.sealer.key_ids().into_iter().next().unwrap_or_default();
        let mut found = KeyUse::default();
        for row in rows {
            let (kid, v, n): (String, i32, i64) = (row.try_get("kid")?, row.try_get("v")?, row.try_get("n")?);
            if kid != first || v != i32::from(Sealer::VERSION) {
                found.due += n;
            }
            *found.by_key.entry(kid).or_default() += n;
        }
        Ok(found)
    }

    /// Seals the next pairs after `after` again, in one transaction with `actor`'s entry in the audit log.
    pub async fn pairs(&self, after: Option<&MallId>, actor: &str) -> Result<Resealed, StoreError> {
        let first = self.sealer.key_ids().into_iter().next().unwrap_or_default();
        let rows = sqlx::query(
            "SELECT mall_id, agency_id, token_version, config_json -> 'oauth_tokens' AS sealed FROM connectors \
              WHERE config_json ? 'oauth_tokens' AND mall_id > $1 \
                AND (config_json -> 'oauth_tokens' ->> 'kid' <> $2 OR (config_json -> 'oauth_tokens' ->> 'v')::int <> $3) \
              ORDER BY mall_id LIMIT $4",
        )
        .bind(after.map_or("", MallId::as_str))
        .bind(&first)
        .bind(i32::from(Sealer::VERSION))
        .bind(BATCH)
        .fetch_all(&self.control.pool)
        .await?;
        let mut report = Resealed::default();
        let mut tx = self.control.pool.begin().await?;
        for row in &rows {
            let (mall, sealed) = (mall(row)?, row.try_get::<serde_json::Value, _>("sealed")?);
            let agency: String = row.try_get("agency_id")?;
            let Some(at_rest) = self.seal_again(&sealed, &agency, &mall) else {
                report.unopened.push(mall.to_string());
                continue;
            };
            let done = sqlx::query(include_str!("../sql/reseal_tokens.sql"))
                .bind(mall.as_str())
                .bind(row.try_get::<i64, _>("token_version")?)
                .bind(&sealed)
                .bind(&at_rest.sealed)
                .bind(at_rest.issued_at)
                .bind(at_rest.access_expires_at)
                .bind(at_rest.refresh_expires_at)
                .bind(&at_rest.scopes)
                .bind(&at_rest.key_id)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 1 { report.done += 1 } else { report.changed += 1 }
        }
        if report.done > 0 {
            let entry = entry(actor, &first, serde_json::json!({ "pairs": report.done }));
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        let full = i64::try_from(rows.len()).unwrap_or(BATCH) == BATCH;
        report.next = rows.last().filter(|_| full).map(mall).transpose()?;
        Ok(report)
    }

    /// Seals the apps' secrets again; there are few.
    pub async fn apps(&self, actor: &str) -> Result<Resealed, StoreError> {
        let first = self.sealer.key_ids().into_iter().next().unwrap_or_default();
        let mut report = Resealed::default();
        let mut tx = self.control.pool.begin().await?;
        for app in self.control.apps().await? {
            let current = serde_json::from_value(app.sealed_secret.clone())
                .is_ok_and(|sealed: Sealed| self.sealer.is_current(&sealed));
            if current {
                continue;
            }
            let secret = match open_secret(&self.sealer, &app.app_id, app.sealed_secret.clone()) {
                Ok(secret) => secret,
                Err(AppError::Store(error)) => return Err(error),
                Err(_) => {
                    report.unopened.push(format!("app {}", app.app_id));
                    continue;
                }
            };
            let again: serde_json::Value = self.sealer.seal_text(&secret, Place::App(&app.app_id)).into();
            let done = sqlx::query(
                "UPDATE apps SET client_secret = $3, updated_at = updated_at WHERE app_id = $1 AND client_secret = $2",
            )
            .bind(AppId::as_str(&app.app_id))
            .bind(&app.sealed_secret)
            .bind(&again)
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 1 { report.done += 1 } else { report.changed += 1 }
        }
        if report.done > 0 {
            let entry = entry(actor, &first, serde_json::json!({ "apps": report.done }));
            audit::record(&mut tx, &entry).await?;
        }
        tx.commit().await?;
        Ok(report)
    }

    fn seal_again(&self, sealed: &serde_json::Value, agency: &str, mall: &MallId) -> Option<TokensAtRest> {
        let sealed: Sealed = serde_json::from_value(sealed.clone()).ok()?;
        let pair = self.sealer.open(&sealed, Place::Tokens { agency, mall }).ok()?;
        Some(TokensAtRest::seal(&self.sealer, &pair, agency, mall))
    }
}

fn entry<'a>(actor: &'a str, key: &'a str, details: serde_json::Value) -> AuditEntry<'a> {
    AuditEntry { actor, action: "tokens.rotate-key", mall: None, target: key, plan: None, details }
}

fn mall(row: &PgRow) -> Result<MallId, StoreError> {
    MallId::try_from(row.try_get::<String, _>("mall_id")?).map_err(StoreError::foreign)
}
