//! Attempts to connect a mall: asked for, opened in one browser, answered once.
//!
//! The state of an attempt is used up by one statement ([`Control::use_consent`]); what its consent brings is stored
//! together with the attempt's end, the mall's state and the audit entry ([`Control::grant_consent`]).

mod end;
mod lost;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

pub use self::end::Granted;
use super::error::StoreError;
use super::pool::Control;
use crate::domain::consent::{ConsentOutcome, Standing};
use crate::domain::endpoint::Dialect;
use crate::domain::ids::{AppId, MallId, ShopNo};

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
