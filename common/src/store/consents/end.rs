//! How an attempt ends: with tokens, or without.

use chrono::NaiveDate;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Consent;
use crate::domain::consent::ConsentOutcome;
use crate::domain::ids::{LimiterKey, MallId, ShopNo};
use crate::store::audit::{AuditEntry, record};
use crate::store::connectors::{
    AppChoice, COLUMNS as CONNECTOR, Connector, ConnectorState, Mode, NewConnector, NewMall, connector, store,
};
use crate::store::error::StoreError;
use crate::store::pool::Control;
use crate::store::tokens::TokensAtRest;

/// What a consent brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Shops that are synchronised.
    pub shops: Vec<ShopNo>,
    /// What the mall may do now; a paused one stays paused.
    pub state: ConnectorState,
    /// Whether requests are sent.
    pub mode: Mode,
    /// Parked jobs that are planned again.
    pub released: i64,
}

impl Control {
    /// Ends an attempt that brought nothing; no token changes. An attempt that has ended stays as it is.
    pub async fn end_consent(
        &self,
        consent: &Consent,
        actor: &str,
        outcome: ConsentOutcome,
        detail: &Value,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await?;
        if finish(&mut tx, consent.consent_id, outcome, detail).await? {
            let mut details = detail.clone();
            details["reason"] = outcome.as_str().into();
            note(&mut tx, consent, actor, "connect.refused", details).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Stores what a consent brought: the pair, the mall's state, the attempt's end and the audit entry, or none of them.
    /// The mall's parked jobs are planned again with it (trigger `connector_changed`). `None`: the mall belongs to another
    /// agency by now, and nothing was stored. `first_wanted` is of a mall that is new.
    pub async fn grant_consent(
        &self,
        consent: &Consent,
        actor: &str,
        limiter_key: &LimiterKey,
        first_wanted: Option<NaiveDate>,
        tokens: &TokensAtRest,
    ) -> Result<Option<Granted>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let old = lock(&mut tx, &consent.mall_id).await?;
        if old.as_ref().is_some_and(|old| old.agency_id != consent.agency_id) {
            return Ok(None);
        }
        let parked: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE mall_id = $1 AND work_state = 'parked'")
                .bind(consent.mall_id.as_str())
                .fetch_one(&mut *tx)
                .await?;
        let new = NewConnector {
            mall_id: consent.mall_id.clone(),
            agency_id: Some(consent.agency_id.clone()),
            dialect: Some(consent.dialect),
            shops: consent.shops.clone(),
            endpoints: None,
            wanted_from: None,
            mode: None,
            app: consent.app_id.clone().map_or(AppChoice::Configured, AppChoice::Named),
            new: NewMall {
                agency_id: consent.agency_id.clone(),
                dialect: consent.dialect,
                mode: Mode::Api,
                limiter_key: limiter_key.clone(),
                wanted_from: first_wanted,
            },
        };
        store(&mut tx, &new, Some(tokens), true).await?;
        let now = lock(&mut tx, &consent.mall_id)
            .await?
            .ok_or_else(|| StoreError::foreign("a connection that was just stored is gone"))?;
        let released = if now.sends() { parked } else { 0 };
        let detail = json!({
            "scopes": tokens.scopes, "shops": now.shops, "state": now.state, "mode": now.mode,
            "refresh_expires_at": tokens.refresh_expires_at, "jobs_released": released,
        });
        finish(&mut tx, consent.consent_id, ConsentOutcome::Connected, &detail).await?;
        note(&mut tx, consent, actor, "connect.granted", detail).await?;
        tx.commit().await?;
        Ok(Some(Granted { shops: now.shops, state: now.state, mode: now.mode, released }))
    }
}

/// An attempt's end in the audit log, with who had asked for it.
async fn note(
    tx: &mut PgConnection,
    consent: &Consent,
    actor: &str,
    action: &'static str,
    mut details: Value,
) -> Result<(), StoreError> {
    details["asked_by"] = consent.asked_by.as_str().into();
    let target = consent.consent_id.to_string();
    let mall = Some(&consent.mall_id);
    record(tx, &AuditEntry { actor, action, mall, target: &target, plan: None, details }).await
}

async fn lock(tx: &mut PgConnection, mall: &MallId) -> Result<Option<Connector>, StoreError> {
    let sql = format!("SELECT {CONNECTOR} FROM connectors WHERE mall_id = $1 FOR UPDATE");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(mall.as_str()).fetch_optional(tx).await?;
    row.as_ref().map(connector).transpose()
}

/// Ends an attempt and tells whoever waits, at commit. `false`: it had ended before.
async fn finish(
    tx: &mut PgConnection,
    id: Uuid,
    outcome: ConsentOutcome,
    detail: &Value,
) -> Result<bool, StoreError> {
    let ended = sqlx::query(include_str!("../sql/end_consent.sql"))
        .bind(id)
        .bind(outcome.as_str())
        .bind(detail)
        .execute(tx)
        .await?;
    Ok(ended.rows_affected() > 0)
}
