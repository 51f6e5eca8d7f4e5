//! Attempts to connect a mall: asked for, opened in one browser, answered once.
//!
//! The state of an attempt is used up by one statement ([`Control::use_consent`]); what its consent brings is stored
//! together with the attempt's end, the mall's state and the audit entry ([`Control::grant_consent`]).

mod lost;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::audit::{AuditEntry, record};
use super::connectors::{
    AppChoice, COLUMNS as CONNECTOR, Connector, ConnectorState, Mode, NewConnector, connector, store,
};
use super::error::StoreError;
use super::pool::Control;
use super::tokens::TokensAtRest;
use crate::domain::consent::{ConsentOutcome, Standing};
use crate::domain::endpoint::Dialect;
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};

/// SHA-256 of a ticket, a state or a cookie; the text itself never comes here.
pub type ConsentSecret = [u8; 32];

/// How the answer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentWay {
    /// By the daemon's callback, from the browser that opened the start link of this ticket.
    Browser {
        /// Of the start link.
        ticket: ConsentSecret,
    },
    /// Typed into the command line that gave out this state.
    Paste {
        /// As given to Cafe24.
        state: ConsentSecret,
    },
}

/// An attempt to begin.
#[derive(Debug, Clone)]
pub struct NewConsent<'a> {
    /// Its name.
    pub consent_id: Uuid,
    /// How the answer comes back.
    pub way: ConsentWay,
    /// The mall that is to consent.
    pub mall_id: &'a MallId,
    /// The agency that asks.
    pub agency_id: &'a str,
    /// The app that asks; `None`: that of the configuration.
    pub app_id: Option<&'a AppId>,
    /// How the mall's API speaks.
    pub dialect: Dialect,
    /// Shops to synchronise; `None`: those that are stored.
    pub shops: Option<&'a [ShopNo]>,
    /// As given to Cafe24.
    pub redirect_uri: &'a str,
    /// Who asks.
    pub asked_by: &'a str,
    /// Seconds until it ends.
    pub seconds: i32,
}

/// A stored attempt.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Its name.
    pub consent_id: Uuid,
    /// Whether the answer is typed into the command line.
    pub pasted: bool,
    /// The mall that is to consent.
    pub mall_id: MallId,
    /// The agency that asks.
    pub agency_id: String,
    /// The app that asks; `None`: that of the configuration.
    pub app_id: Option<AppId>,
    /// How the mall's API speaks.
    pub dialect: Dialect,
    /// Shops to synchronise.
    pub shops: Option<Vec<ShopNo>>,
    /// As given to Cafe24.
    pub redirect_uri: String,
    /// Who asked.
    pub asked_by: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether that has come, by the database's clock.
    pub expired: bool,
    /// When the link was opened.
    pub started_at: Option<DateTime<Utc>>,
    /// When its state was used up.
    pub used_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub outcome: Option<ConsentOutcome>,
    /// For whoever waits.
    pub detail: Value,
    /// Of the browser that opened the link.
    cookie: Option<Vec<u8>>,
}

impl Consent {
    /// Whether this is the cookie of the browser that opened the link.
    pub fn is_bound_to(&self, cookie: Option<&ConsentSecret>) -> bool {
        // Hashes of random numbers: how long the comparison takes tells nothing about either.
        self.cookie.as_deref().zip(cookie).is_some_and(|(stored, shown)| stored == shown)
    }

    /// How a callback with this cookie finds the attempt.
    pub fn standing(&self, cookie: Option<&ConsentSecret>) -> Standing {
        Standing { expired: self.expired, used: self.used_at.is_some(), bound: self.is_bound_to(cookie) }
    }
}

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

const COLUMNS: &str = "consent_id, way, cookie_hash, mall_id, agency_id, app_id, dialect, shops, redirect_uri, asked_by, \
                       expires_at, expires_at <= now() AS expired, started_at, used_at, outcome, detail";

impl Control {
    /// Begins an attempt, and forgets those older than 30 days.
    pub async fn begin_consent(&self, new: &NewConsent<'_>) -> Result<(), StoreError> {
        let (way, ticket, state) = match new.way {
            ConsentWay::Browser { ticket } => ("browser", Some(ticket), None),
            ConsentWay::Paste { state } => ("paste", None, Some(state)),
        };
        let shops: Option<Vec<i32>> = new.shops.map(|shops| shops.iter().map(|shop| shop.get()).collect());
        let mut tx = self.pool.begin().await?;
        sqlx::query("DELETE FROM consents WHERE created_at < now() - interval '30 days'")
            .execute(&mut *tx)
            .await?;
        sqlx::query(include_str!("sql/begin_consent.sql"))
            .bind(new.consent_id)
            .bind(way)
            .bind(ticket.as_ref().map(|hash| &hash[..]))
            .bind(state.as_ref().map(|hash| &hash[..]))
            .bind(new.mall_id.as_str())
            .bind(new.agency_id)
            .bind(new.app_id.map(AppId::as_str))
            .bind(new.dialect.as_str())
            .bind(shops)
            .bind(new.redirect_uri)
            .bind(new.asked_by)
            .bind(new.seconds)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The attempt of that name.
    pub async fn consent(&self, id: Uuid) -> Result<Option<Consent>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM consents WHERE consent_id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// The attempt whose start link holds this ticket.
    pub async fn consent_of_ticket(&self, ticket: &ConsentSecret) -> Result<Option<Consent>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM consents WHERE ticket_hash = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&ticket[..]).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// The attempt that gave out this state.
    pub async fn consent_of_state(&self, state: &ConsentSecret) -> Result<Option<Consent>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM consents WHERE state_hash = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&state[..]).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// Binds an attempt to a browser and gives it a state. The browser that has it may do so again, until the state is
    /// used; `false`: too late, or another browser was first.
    pub async fn start_consent(
        &self,
        id: Uuid,
        state: &ConsentSecret,
        cookie: &ConsentSecret,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(include_str!("sql/start_consent.sql"))
            .bind(id)
            .bind(&state[..])
            .bind(&cookie[..])
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Uses an attempt's state up. `false`: somebody was faster, or its time is over.
    pub async fn use_consent(&self, id: Uuid) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE consents SET used_at = now() WHERE consent_id = $1 AND used_at IS NULL AND expires_at > now()",
        )
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

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
        let stored = old.as_ref();
        let shops = consent.shops.clone().or_else(|| stored.map(|old| old.shops.clone()));
        let new = NewConnector {
            mall_id: consent.mall_id.clone(),
            agency_id: consent.agency_id.clone(),
            dialect: consent.dialect,
            shops: shops.unwrap_or_else(|| vec![ShopNo::FIRST]),
            endpoints: None,
            wanted_from: None,
            first_wanted,
            limiter_key: stored.map_or(limiter_key, |old| &old.limiter_key).clone(),
            mode: stored.map_or(Mode::Api, |old| old.mode.clone()),
            tokens: Some(tokens.clone()),
            app: consent.app_id.clone().map_or(AppChoice::Configured, AppChoice::Named),
        };
        store(&mut tx, &new).await?;
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
    let ended = sqlx::query(include_str!("sql/end_consent.sql"))
        .bind(id)
        .bind(outcome.as_str())
        .bind(detail)
        .execute(tx)
        .await?;
    Ok(ended.rows_affected() > 0)
}

fn read(row: &PgRow) -> Result<Consent, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::from);
    let shops: Option<Vec<i32>> = row.try_get("shops")?;
    let outcome: Option<String> = row.try_get("outcome")?;
    let app_id: Option<String> = row.try_get("app_id")?;
    Ok(Consent {
        consent_id: row.try_get("consent_id")?,
        pasted: text("way")? == "paste",
        mall_id: MallId::try_from(text("mall_id")?).map_err(StoreError::foreign)?,
        agency_id: text("agency_id")?,
        app_id: app_id.map(AppId::try_from).transpose().map_err(StoreError::foreign)?,
        dialect: text("dialect")?.parse().map_err(StoreError::foreign)?,
        shops: shops
            .map(|shops| shops.into_iter().map(ShopNo::try_from).collect::<Result<Vec<_>, _>>())
            .transpose()
            .map_err(StoreError::foreign)?,
        redirect_uri: text("redirect_uri")?,
        asked_by: text("asked_by")?,
        expires_at: row.try_get("expires_at")?,
        expired: row.try_get("expired")?,
        started_at: row.try_get("started_at")?,
        used_at: row.try_get("used_at")?,
        outcome: outcome.map(|text| text.parse()).transpose().map_err(StoreError::foreign)?,
        detail: row.try_get("detail")?,
        cookie: row.try_get("cookie_hash")?,
    })
}
