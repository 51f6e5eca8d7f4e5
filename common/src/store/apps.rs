//! Apps beside the one of the configuration, with their secrets as `oauth` sealed them.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::audit::{self, AuditEntry};
use super::error::StoreError;
use super::pool::Control;
use crate::domain::ids::AppId;

/// A stored app.
#[derive(Debug, Clone)]
pub struct StoredApp {
    /// Its name.
    pub app_id: AppId,
    /// Public.
    pub client_id: String,
    /// Its sealed secret, as `oauth` made it.
    pub sealed_secret: serde_json::Value,
    /// Where consents come back to; `None`: the configuration's.
    pub redirect_uri: Option<String>,
    /// Malls that have consented to it.
    pub malls: i64,
    /// When it was first named.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// An app to store.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// Its name; a known one is replaced.
    pub app_id: AppId,
    /// Public.
    pub client_id: String,
    /// Its sealed secret.
    pub sealed_secret: serde_json::Value,
    /// Where consents come back to; `None`: the configuration's.
    pub redirect_uri: Option<String>,
}

/// What came of removing an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRemoval {
    /// It is gone.
    Removed,
    /// There was none.
    Unknown,
    /// So many malls have consented to it; nothing was changed.
    InUse(i64),
}

impl Control {
    /// All stored apps, by name.
    pub async fn apps(&self) -> Result<Vec<StoredApp>, StoreError> {
        self.apps_named(None).await
    }

    /// One app.
    pub async fn app(&self, app: &AppId) -> Result<Option<StoredApp>, StoreError> {
        Ok(self.apps_named(Some(app)).await?.pop())
    }

    async fn apps_named(&self, name: Option<&AppId>) -> Result<Vec<StoredApp>, StoreError> {
        let rows = sqlx::query(
            "SELECT app_id, client_id, client_secret, redirect_uri, created_at, updated_at, \
             (SELECT count(*) FROM connectors c WHERE c.app_id = a.app_id) AS malls \
             FROM apps a WHERE $1::text IS NULL OR app_id = $1 ORDER BY app_id",
        )
        .bind(name.map(AppId::as_str))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Stores an app, with its entry in the audit log. `true`: it is new.
    pub async fn set_app(&self, app: &NewApp, entry: &AuditEntry<'_>) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(
            "INSERT INTO apps AS a (app_id, client_id, client_secret, redirect_uri) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (app_id) DO UPDATE SET client_id = excluded.client_id, client_secret = excluded.client_secret, \
             redirect_uri = excluded.redirect_uri, updated_at = now() RETURNING xmax = 0 AS new",
        )
        .bind(app.app_id.as_str())
        .bind(&app.client_id)
        .bind(&app.sealed_secret)
        .bind(&app.redirect_uri)
        .fetch_one(&mut *tx)
        .await?;
        audit::record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(row.try_get("new")?)
    }

    /// Removes an app that no mall names, with its entry in the audit log.
    pub async fn remove_app(&self, app: &AppId, entry: &AuditEntry<'_>) -> Result<AppRemoval, StoreError> {
        let mut tx = self.pool.begin().await?;
        // Locked, so that no mall can be given the app between the count and the removal.
        let found = sqlx::query("SELECT FROM apps WHERE app_id = $1 FOR UPDATE")
            .bind(app.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if found.is_none() {
            return Ok(AppRemoval::Unknown);
        }
        let malls: i64 = sqlx::query("SELECT count(*) FROM connectors WHERE app_id = $1")
            .bind(app.as_str())
            .fetch_one(&mut *tx)
            .await?
            .try_get(0)?;
        if malls > 0 {
            return Ok(AppRemoval::InUse(malls));
        }
        sqlx::query("DELETE FROM apps WHERE app_id = $1").bind(app.as_str()).execute(&mut *tx).await?;
        audit::record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(AppRemoval::Removed)
    }
}

fn stored(row: &PgRow) -> Result<StoredApp, StoreError> {
    Ok(StoredApp {
        app_id: AppId::try_from(row.try_get::<String, _>("app_id")?).map_err(StoreError::foreign)?,
        client_id: row.try_get("client_id")?,
        sealed_secret: row.try_get("client_secret")?,
        redirect_uri: row.try_get("redirect_uri")?,
        malls: row.try_get("malls")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
