//! Mall connections, as the control plane sees them.

mod change;
mod import;
mod refit;
mod said;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::error::StoreError;
use super::pool::Control;
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};

pub use self::change::{Changed, ConnectorChange};
pub use self::import::{Import, ImportMall, Imported, PairOutcome};
pub use self::refit::Refitted;
pub(super) use self::said::store;
pub use self::said::{AppChoice, NewConnector, NewMall};

/// Whether requests are sent for a mall. Source: `docs/cafe24-analytics-api.md`, Environment Variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Mode {
    /// Live calls.
    Api,
    /// Anything else sends nothing, and is shown as such.
    Other(String),
}

impl From<String> for Mode {
    fn from(text: String) -> Self {
        if text == "api" { Self::Api } else { Self::Other(text) }
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Api => "api".to_owned(),
            Mode::Other(text) => text,
        }
    }
}

/// What a mall connection may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorState {
    /// Requests are sent.
    Active,
    /// A person paused it.
    Paused,
    /// The refresh token is dead or was never given: a person must authorise again.
    NeedsConsent,
    /// The granted scopes are not enough.
    NeedsScope,
    /// Cafe24 refuses the app.
    Forbidden,
}

impl ConnectorState {
    /// The value of the column `state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::NeedsConsent => "needs_consent",
            Self::NeedsScope => "needs_scope",
            Self::Forbidden => "forbidden",
        }
    }

    /// Reads the column `state`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Active, Self::Paused, Self::NeedsConsent, Self::NeedsScope, Self::Forbidden]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::foreign(format_args!("connector state {text}")))
    }
}

/// A stored mall connection, without its tokens.
#[derive(Debug, Clone)]
pub struct Connector {
    /// The mall.
    pub mall_id: MallId,
    /// Its agency.
    pub agency_id: String,
    /// How its API speaks.
    pub dialect: Dialect,
    /// Shops to synchronise.
    pub shops: Vec<ShopNo>,
    /// Endpoints to synchronise.
    pub endpoints: Vec<Endpoint>,
    /// The first KST day that is wanted; `None`: the first that was ever fetched.
    pub wanted_from: Option<NaiveDate>,
    /// The bucket its requests take from.
    pub limiter_key: LimiterKey,
    /// Whether requests are sent.
    pub mode: Mode,
    /// What it may do now.
    pub state: ConnectorState,
    /// Why it is not active.
    pub state_reason: Option<String>,
    /// Since when.
    pub state_since: DateTime<Utc>,
    /// The app that it has consented to; `None`: that of the configuration.
    pub app_id: Option<AppId>,
    /// Whether a pair is stored.
    pub has_tokens: bool,
    /// What is known of the stored pair; `None`: no pair, or one that an older version stored.
    pub tokens: Option<TokenFacts>,
}

/// What may be told of a stored pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// When it was made.
    pub issued_at: DateTime<Utc>,
    /// When its access token ends.
    pub access_expires_at: DateTime<Utc>,
    /// When its refresh token ends.
    pub refresh_expires_at: DateTime<Utc>,
    /// What the mall has consented to.
    pub scopes: Vec<String>,
    /// Which master key sealed it.
    pub key_id: String,
}

impl Connector {
    /// Whether requests are sent for this mall now.
    pub fn sends(&self) -> bool {
        self.state == ConnectorState::Active && self.mode == Mode::Api
    }

    /// Whether its consent, good so far, would not be enough for another dialect.
    pub fn must_consent_anew(&self, dialect: Dialect) -> bool {
        let lacks = |tokens: &TokenFacts| !tokens.scopes.iter().any(|scope| scope == dialect.scope());
        self.state == ConnectorState::Active
            && self.dialect != dialect
            && self.tokens.as_ref().is_some_and(lacks)
    }
}

/// What [`connector`] reads.
pub(super) const COLUMNS: &str = "mall_id, agency_id, dialect, shops, endpoints, wanted_from, limiter_key, \
    config_json ->> 'mode' AS mode, config_json ? 'oauth_tokens' AS has_tokens, state, state_reason, state_since, app_id, token_issued_at, \
    access_expires_at, refresh_expires_at, token_scopes, token_key_id";

impl Control {
    /// All connections, by mall id; `malls` empty means all.
    pub async fn connectors(&self, malls: &[MallId]) -> Result<Vec<Connector>, StoreError> {
        let ids: Vec<&str> = malls.iter().map(MallId::as_str).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM connectors WHERE $1 = '{{}}' OR mall_id = ANY ($1) ORDER BY mall_id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&ids).fetch_all(&self.pool).await?;
        rows.iter().map(connector).collect()
    }

    /// Jobs of a mall that wait for their turn or for their mall.
    pub async fn waiting_jobs(&self, mall: &MallId) -> Result<i64, StoreError> {
        let sql =
            "SELECT count(*) FROM jobs WHERE mall_id = $1 AND work_state IN ('planned', 'queued', 'parked')";
        Ok(sqlx::query_scalar(sql).bind(mall.as_str()).fetch_one(&self.pool).await?)
    }
}

pub(super) fn connector(row: &PgRow) -> Result<Connector, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(StoreError::from);
    let shops: Vec<i32> = row.try_get("shops")?;
    Ok(Connector {
        mall_id: MallId::try_from(text("mall_id")?).map_err(StoreError::foreign)?,
        agency_id: text("agency_id")?,
        dialect: text("dialect")?.parse().map_err(StoreError::foreign)?,
        shops: shops
            .into_iter()
            .map(|n| ShopNo::try_from(n).map_err(StoreError::foreign))
            .collect::<Result<_, _>>()?,
        endpoints: row
            .try_get::<Vec<String>, _>("endpoints")?
            .into_iter()
            .map(|name| name.parse().map_err(StoreError::foreign))
            .collect::<Result<_, _>>()?,
        wanted_from: row.try_get("wanted_from")?,
        limiter_key: LimiterKey::try_from(text("limiter_key")?).map_err(StoreError::foreign)?,
        mode: Mode::from(text("mode")?),
        state: ConnectorState::parse(&text("state")?)?,
        state_reason: row.try_get("state_reason")?,
        state_since: row.try_get("state_since")?,
        app_id: row
            .try_get::<Option<String>, _>("app_id")?
            .map(AppId::try_from)
            .transpose()
            .map_err(StoreError::foreign)?,
        has_tokens: row.try_get("has_tokens")?,
        tokens: token_facts(row)?,
    })
}

fn token_facts(row: &PgRow) -> Result<Option<TokenFacts>, StoreError> {
    let Some(issued_at) = row.try_get("token_issued_at")? else { return Ok(None) };
    Ok(Some(TokenFacts {
        issued_at,
        access_expires_at: row.try_get("access_expires_at")?,
        refresh_expires_at: row.try_get("refresh_expires_at")?,
        scopes: row.try_get("token_scopes")?,
        key_id: row.try_get("token_key_id")?,
    }))
}
