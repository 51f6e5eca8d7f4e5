//! What is said of a mall connection, and how it is stored.

use chrono::NaiveDate;
use sqlx::{PgConnection, Row};

use super::{Connector, Mode};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::ids::{AppId, LimiterKey, MallId, ShopNo};
use crate::store::error::StoreError;
use crate::store::tokens::TokensAtRest;

/// What is said of a mall connection. `None` keeps what is stored, and gives a mall that is new what [`NewMall`] says.
#[derive(Debug, Clone)]
pub struct NewConnector {
    /// The mall.
    pub mall_id: MallId,
    /// Its agency; made if new.
    pub agency_id: Option<String>,
    /// How its API speaks.
    pub dialect: Option<Dialect>,
    /// Shops to synchronise; of a new mall the first.
    pub shops: Option<Vec<ShopNo>>,
    /// Endpoints to synchronise; of a new mall the [core](Endpoint::core).
    pub endpoints: Option<Vec<Endpoint>>,
    /// The first KST day that is wanted.
    pub wanted_from: Option<NaiveDate>,
    /// Whether requests are sent.
    pub mode: Option<Mode>,
    /// The app that it has consented to.
    pub app: AppChoice,
    /// Of a mall that is new.
    pub new: NewMall,
}

/// What a mall that is new gets where nothing is said.
#[derive(Debug, Clone)]
pub struct NewMall {
    /// Its agency; made if new.
    pub agency_id: String,
    /// How its API speaks.
    pub dialect: Dialect,
    /// Whether requests are sent.
    pub mode: Mode,
    /// The bucket its requests take from.
    pub limiter_key: LimiterKey,
    /// The first KST day that is wanted; `None`: what will have been fetched.
    pub wanted_from: Option<NaiveDate>,
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

impl AppChoice {
    /// The app that a stored mall has then; `None`: that of the configuration.
    pub(super) fn of<'a>(&'a self, before: &'a Connector) -> Option<&'a AppId> {
        match self {
            Self::Keep => before.app_id.as_ref(),
            Self::Configured => None,
            Self::Named(app) => Some(app),
        }
    }
}

/// Stores one connection and makes its agency; `frees`: the pair ends the wait for a person. `true`: the mall was new.
pub(in crate::store) async fn store(
    tx: &mut PgConnection,
    said: &NewConnector,
    tokens: Option<&TokensAtRest>,
    frees: bool,
) -> Result<bool, StoreError> {
    let NewConnector { new, .. } = said;
    sqlx::query(
        "INSERT INTO agencies (agency_id) SELECT coalesce($1::text, $2::text) \
         WHERE $1::text IS NOT NULL OR NOT EXISTS (SELECT FROM connectors WHERE mall_id = $3) ON CONFLICT DO NOTHING",
    )
    .bind(&said.agency_id)
    .bind(&new.agency_id)
    .bind(said.mall_id.as_str())
    .execute(&mut *tx)
    .await?;
    let numbers = |shops: &[ShopNo]| shops.iter().map(|shop| shop.get()).collect::<Vec<_>>();
    let names = |all: Vec<Endpoint>| all.into_iter().map(Endpoint::as_str).collect::<Vec<_>>();
    let row = sqlx::query(include_str!("../sql/import_connector.sql"))
        .bind(said.mall_id.as_str())
        .bind(&said.agency_id)
        .bind(said.dialect.map(Dialect::as_str))
        .bind(said.shops.as_deref().map(numbers))
        .bind(said.endpoints.clone().map(names))
        .bind(said.wanted_from)
        .bind(said.mode.clone().map(String::from))
        .bind(said.app != AppChoice::Keep)
        .bind(match &said.app {
            AppChoice::Keep | AppChoice::Configured => None,
            AppChoice::Named(app) => Some(app.as_str()),
        })
        .bind(tokens.map(|tokens| &tokens.sealed))
        .bind(tokens.map(|tokens| tokens.issued_at))
        .bind(tokens.map(|tokens| tokens.access_expires_at))
        .bind(tokens.map(|tokens| tokens.refresh_expires_at))
        .bind(tokens.map(|tokens| &tokens.scopes))
        .bind(tokens.map(|tokens| &tokens.key_id))
        .bind(frees)
        .bind(&new.agency_id)
        .bind(new.dialect.as_str())
        .bind(numbers(&[ShopNo::FIRST]))
        .bind(names(Endpoint::core().collect()))
        .bind(new.wanted_from)
        .bind(new.limiter_key.as_str())
        .bind(String::from(new.mode.clone()))
        .fetch_one(&mut *tx)
        .await?;
    Ok(row.try_get("new")?)
}
