//! Which app a mall has consented to: a stored one, or that of the configuration.

use std::sync::Arc;

use sqlx::Row;

use crate::config::Secret;
use crate::domain::ids::{AppId, MallId};
use crate::oauth::{App, AppCredentials, Place, SealError, Sealed, Sealer};
use crate::store::apps::StoredApp;
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// Why there is no app to speak for a mall.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The mall has no app of its own, and none is configured.
    #[error("no app is configured: set `oauth.client_id` and `oauth.client_secret_file`")]
    NotConfigured,
    /// No such app.
    #[error("there is no app `{0}`")]
    Unknown(AppId),
    /// Its secret does not open.
    #[error("the secret of app `{app}` cannot be opened")]
    Seal {
        /// Which app.
        app: AppId,
        /// Why not.
        #[source]
        source: SealError,
    },
    /// The database did not answer, or holds what is no app.
    #[error("the apps cannot be read")]
    Store(#[from] StoreError),
}

/// Finds apps. They are read each time, so that a changed one is picked up without a restart.
#[derive(Debug, Clone)]
pub struct Apps {
    control: Control,
    sealer: Arc<Sealer>,
    configured: Option<App>,
}

impl Apps {
    /// `configured` is the app of malls that name none.
    pub fn new(control: Control, sealer: Arc<Sealer>, configured: Option<App>) -> Self {
        Self { control, sealer, configured }
    }

    /// The app that `mall` has consented to; a mall that is not stored yet has the configured one.
    pub async fn of(&self, mall: &MallId) -> Result<App, AppError> {
        let row = sqlx::query("SELECT app_id FROM connectors WHERE mall_id = $1")
            .bind(mall.as_str())
            .fetch_optional(&self.control.pool)
            .await
            .map_err(StoreError::from)?;
        let name: Option<String> =
            row.map(|row| row.try_get("app_id")).transpose().map_err(StoreError::from)?.flatten();
        let name = name.map(AppId::try_from).transpose().map_err(StoreError::foreign)?;
        self.named(name.as_ref()).await
    }

    /// The app of this name; `None` for that of the configuration.
    pub async fn named(&self, name: Option<&AppId>) -> Result<App, AppError> {
        let Some(name) = name else {
            return self.configured.clone().ok_or(AppError::NotConfigured);
        };
        let stored = self.control.app(name).await?.ok_or_else(|| AppError::Unknown(name.clone()))?;
        self.open(stored)
    }

    fn open(&self, stored: StoredApp) -> Result<App, AppError> {
        let client_secret = open_secret(&self.sealer, &stored.app_id, stored.sealed_secret)?;
        let ours = || self.configured.as_ref().and_then(|app| app.redirect_uri.clone());
        Ok(App {
            redirect_uri: stored.redirect_uri.or_else(ours),
            credentials: AppCredentials { client_id: stored.client_id, client_secret },
            app_id: Some(stored.app_id),
        })
    }
}

/// Opens an app's secret as it stands in the database.
pub(super) fn open_secret(
    sealer: &Sealer,
    app: &AppId,
    sealed: serde_json::Value,
) -> Result<Secret, AppError> {
    let sealed: Sealed = serde_json::from_value(sealed)
        .map_err(|_| StoreError::foreign(format_args!("apps.client_secret of {app} is not sealed")))?;
    sealer.open_text(&sealed, Place::App(app)).map_err(|source| AppError::Seal { app: app.clone(), source })
}
