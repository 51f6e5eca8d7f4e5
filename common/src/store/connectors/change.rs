//! What a person changes of a mall connection, and what becomes of the jobs that were planned before.
//!
//! One transaction in which nobody else plans: the row, the jobs that do not fit it any more, those planned in their place
//! (`refit`), and the audit entry.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::{PgTransaction, Row};

use super::refit::{Gone, Refitted, refit};
use super::{COLUMNS, Connector, ConnectorState, Mode, connector};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};
use crate::store::audit::{self, AuditEntry};
use crate::store::error::StoreError;
use crate::store::plan;
use crate::store::pool::Control;

/// What is to be set; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectorChange {
    /// How its API speaks.
    pub dialect: Option<Dialect>,
    /// Endpoints to synchronise.
    pub endpoints: Option<Vec<Endpoint>>,
    /// Shops to synchronise.
    pub shops: Option<Vec<ShopNo>>,
    /// The bucket its requests take from.
    pub limiter_key: Option<LimiterKey>,
    /// The first day that is wanted; `Some(None)`: the first that was ever fetched.
    pub wanted_from: Option<Option<NaiveDate>>,
    /// The app that it consents to; `Some(None)`: that of the configuration.
    pub app: Option<Option<AppId>>,
    /// Whether requests are sent.
    pub mode: Option<Mode>,
}

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The connection before.
    pub before: Connector,
    /// And after.
    pub after: Connector,
    /// The first wanted day, before and after.
    pub wanted_from: [Option<NaiveDate>; 2],
    /// What became of the jobs.
    pub jobs: Refitted,
}

impl Control {
    /// Changes a mall's connection as `actor`. `None`: there is no such mall. Without an actor it is a dry run: the same
    /// statements, rolled back.
    pub async fn change_connector(
        &self,
        mall: &MallId,
        change: &ConnectorChange,
        open_from: NaiveDate,
        actor: Option<&str>,
    ) -> Result<Option<Changed>, StoreError> {
        let mut tx = plan::begin(self).await?;
        let Some((before, wanted_before)) = read(&mut tx, mall).await? else { return Ok(None) };
        write(&mut tx, &before, change).await?;
        let Some((after, wanted_after)) = read(&mut tx, mall).await? else { return Ok(None) };
        let wanted_from = [wanted_before, wanted_after];
        let gone = Gone::between([&before, &after], wanted_from);
        let jobs = refit(&mut tx, &after, &gone, open_from).await?;
        let changed = Changed { before, after, wanted_from, jobs };
        let Some(actor) = actor else {
            tx.rollback().await?;
            return Ok(Some(changed));
        };
        // What a worker has claimed and not sent yet comes back.
        sqlx::query("SELECT pg_notify('cafe24_connectors', $1)")
            .bind(mall.as_str())
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "malls.set",
            mall: Some(mall),
            target: mall.as_str(),
            plan: None,
            details: changed.details(),
        };
        audit::record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Some(changed))
    }

    /// Looks at the jobs of a mall again after `changed`: those that a worker had then have come back.
    pub async fn refit_jobs(&self, changed: &Changed, open_from: NaiveDate) -> Result<Refitted, StoreError> {
        let mut tx = plan::begin(self).await?;
        let Some((now, wanted_now)) = read(&mut tx, &changed.after.mall_id).await? else {
            return Ok(Refitted::default());
        };
        let gone = Gone::between([&changed.before, &now], [changed.wanted_from[0], wanted_now]);
        let jobs = refit(&mut tx, &now, &gone, open_from).await?;
        tx.commit().await?;
        Ok(jobs)
    }
}

impl Changed {
    /// What was set, and what it did, for the audit log.
    fn details(&self) -> serde_json::Value {
        let (before, after) = (&self.before, &self.after);
        let mut set = serde_json::Map::new();
        let mut note = |key: &str, was: serde_json::Value, is: serde_json::Value| {
            if was != is {
                set.insert(key.to_owned(), json!([was, is]));
            }
        };
        note("dialect", json!(before.dialect), json!(after.dialect));
        note("endpoints", json!(before.endpoints), json!(after.endpoints));
        note("shops", json!(before.shops), json!(after.shops));
        note("limiter_key", json!(before.limiter_key), json!(after.limiter_key));
        note("wanted_from", json!(self.wanted_from[0]), json!(self.wanted_from[1]));
        note("app", json!(before.app_id), json!(after.app_id));
        note("mode", json!(before.mode), json!(after.mode));
        note("state", json!(before.state), json!(after.state));
        let jobs = self.jobs;
        json!({
            "set": set, "cancelled": jobs.cancelled, "recut": jobs.recut, "planned": jobs.planned,
        })
    }
}

async fn read(
    tx: &mut PgTransaction<'_>,
    mall: &MallId,
) -> Result<Option<(Connector, Option<NaiveDate>)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, wanted_from AS first_wanted FROM connectors WHERE mall_id = $1 FOR UPDATE"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(mall.as_str()).fetch_optional(&mut **tx).await?;
    row.map(|row| Ok((connector(&row)?, row.try_get("first_wanted")?))).transpose()
}

async fn write(
    tx: &mut PgTransaction<'_>,
    before: &Connector,
    change: &ConnectorChange,
) -> Result<(), StoreError> {
    let shops = change.shops.as_ref().map(|shops| shops.iter().map(|shop| shop.get()).collect::<Vec<_>>());
    let endpoints = change.endpoints.as_ref();
    let endpoints = endpoints.map(|all| all.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    let state = state_after(before, change);
    sqlx::query(include_str!("../sql/change_connector.sql"))
        .bind(before.mall_id.as_str())
        .bind(change.dialect.map(Dialect::as_str))
        .bind(endpoints)
        .bind(shops)
        .bind(change.limiter_key.as_ref().map(LimiterKey::as_str))
        .bind(change.wanted_from.is_some())
        .bind(change.wanted_from.flatten())
        .bind(change.app.is_some())
        .bind(change.app.as_ref().and_then(Option::as_ref).map(AppId::as_str))
        .bind(change.mode.clone().map(String::from))
        .bind(state.map(|(state, _)| state.as_str()))
        .bind(state.and_then(|(_, reason)| reason))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The state that follows from the tokens that are there, and why; `None`: as before. A mall that a person paused stays so.
fn state_after(
    before: &Connector,
    change: &ConnectorChange,
) -> Option<(ConnectorState, Option<&'static str>)> {
    if matches!(before.state, ConnectorState::Paused | ConnectorState::NeedsConsent) || !before.has_tokens {
        return None;
    }
    if change.app.as_ref().is_some_and(|app| *app != before.app_id) {
        return Some((ConnectorState::NeedsConsent, Some("its tokens are another app's")));
    }
    let dialect = change.dialect.filter(|dialect| *dialect != before.dialect)?;
    let scopes = &before.tokens.as_ref()?.scopes;
    let granted = scopes.iter().any(|scope| scope == dialect.scope());
    match (granted, before.state) {
        (false, _) => {
            Some((ConnectorState::NeedsScope, Some("the tokens lack a scope that the dialect needs")))
        }
        (true, ConnectorState::NeedsScope) => Some((ConnectorState::Active, None)),
        (true, _) => None,
    }
}
