//! Mall connections, as the control plane sees them.

mod change;
mod refit;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::error::StoreError;
use super::pool::Control;
use super::tokens::TokensAtRest;
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};

pub use self::change::{Changed, ConnectorChange};
pub use self::refit::Refitted;

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

/// A mall connection to store.
#[derive(Debug, Clone)]
pub struct NewConnector {
    /// The mall.
    pub mall_id: MallId,
    /// Its agency; made if new.
    pub agency_id: String,
    /// How its API speaks.
    pub dialect: Dialect,
    /// Shops to synchronise.
    pub shops: Vec<ShopNo>,
    /// Endpoints to synchronise; `None` keeps what is stored, and gives a new mall the [core](Endpoint::core).
    pub endpoints: Option<Vec<Endpoint>>,
    /// The first KST day that is wanted; `None` keeps what is stored.
    pub wanted_from: Option<NaiveDate>,
    /// The same of a mall that is new, if nothing else is said; `None`: what will have been fetched.
    pub first_wanted: Option<NaiveDate>,
    /// The bucket its requests take from.
    pub limiter_key: LimiterKey,
    /// Whether requests are sent.
    pub mode: Mode,
    /// The app that it has consented to.
    pub app: AppChoice,
    /// The sealed token pair; `None` keeps what is stored.
    pub tokens: Option<TokensAtRest>,
}

/// Which app a stored mall gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AppChoice {
    /// The one it has; a new mall that of the configuration.
    #[default]
    Keep,
    /// That of the configuration.
    Configured,
    /// A stored one.
    Named(AppId),
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
    /// Stores all of `connectors` or none. Returns how many were new.
    ///
    /// A mall that needed a person and gets tokens becomes active; one that a person paused stays paused.
    pub async fn import_connectors(&self, connectors: &[NewConnector]) -> Result<usize, StoreError> {
        let mut tx = self.pool.begin().await?;
        let mut new = 0;
        // In one order, so that two imports cannot deadlock.
        let mut connectors: Vec<_> = connectors.iter().collect();
        connectors.sort_by(|a, b| a.mall_id.cmp(&b.mall_id));
        for connector in connectors {
            new += usize::from(store(&mut tx, connector).await?);
        }
        tx.commit().await?;
        Ok(new)
    }

    /// All connections, by mall id; `malls` empty means all.
    pub async fn connectors(&self, malls: &[MallId]) -> Result<Vec<Connector>, StoreError> {
        let ids: Vec<&str> = malls.iter().map(MallId::as_str).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM connectors WHERE $1 = '{{}}' OR mall_id = ANY ($1) ORDER BY mall_id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&ids).fetch_all(&self.pool).await?;
        rows.iter().map(connector).collect()
    }

    /// Sets a connection's state; its waiting jobs are parked or released with it. `false`: no such mall.
    pub async fn set_connector_state(
        &self,
        mall: &MallId,
        state: ConnectorState,
        reason: Option<&str>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE connectors SET state = $2, state_reason = $3, state_since = now(), updated_at = now() WHERE mall_id = $1",
        )
        .bind(mall.as_str())
        .bind(state.as_str())
        .bind(reason)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Jobs of a mall that wait for their turn or for their mall.
    pub async fn waiting_jobs(&self, mall: &MallId) -> Result<i64, StoreError> {
        let sql =
            "SELECT count(*) FROM jobs WHERE mall_id = $1 AND work_state IN ('planned', 'queued', 'parked')";
        Ok(sqlx::query_scalar(sql).bind(mall.as_str()).fetch_one(&self.pool).await?)
    }
}

/// Stores one connection and makes its agency. `true`: it was new.
pub(super) async fn store(tx: &mut PgConnection, connector: &NewConnector) -> Result<bool, StoreError> {
    sqlx::query("INSERT INTO agencies (agency_id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(&connector.agency_id)
        .execute(&mut *tx)
        .await?;
    let shops: Vec<i32> = connector.shops.iter().map(|shop| shop.get()).collect();
    let endpoints: Vec<Endpoint> = connector.endpoints.clone().unwrap_or_else(|| Endpoint::core().collect());
    let endpoints: Vec<&str> = endpoints.into_iter().map(Endpoint::as_str).collect();
    let tokens = connector.tokens.as_ref();
    let row = sqlx::query(include_str!("sql/import_connector.sql"))
        .bind(connector.mall_id.as_str())
        .bind(&connector.agency_id)
        .bind(connector.dialect.as_str())
        .bind(&shops)
        .bind(connector.limiter_key.as_str())
        .bind(String::from(connector.mode.clone()))
        .bind(tokens.map(|tokens| &tokens.sealed))
        .bind(tokens.map(|tokens| tokens.issued_at))
        .bind(tokens.map(|tokens| tokens.access_expires_at))
        .bind(tokens.map(|tokens| tokens.refresh_expires_at))
        .bind(tokens.map(|tokens| &tokens.scopes))
        .bind(tokens.map(|tokens| &tokens.key_id))
        .bind(connector.app != AppChoice::Keep)
        .bind(match &connector.app {
            AppChoice::Keep | AppChoice::Configured => None,
            AppChoice::Named(app) => Some(app.as_str()),
        })
        .bind(endpoints)
        .bind(connector.endpoints.is_some())
        .bind(connector.wanted_from)
        .bind(connector.first_wanted)
        .fetch_one(&mut *tx)
        .await?;
    Ok(row.try_get("new")?)
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
