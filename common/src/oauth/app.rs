//! The apps that malls consent to.

use crate::config::{OAuthConfig, Secret};
use crate::domain::ids::AppId;

/// What an app shows to the token URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCredentials {
    /// Public.
    pub client_id: String,
    /// Not.
    pub client_secret: Secret,
}

/// An app registered with Cafe24. A mall's tokens work only with the app that the mall has consented to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name; `None` for the app of the configuration.
    pub app_id: Option<AppId>,
    /// What it shows to the token URL.
    pub credentials: AppCredentials,
    /// Where consents come back to, to the letter as registered. `None`: malls cannot be connected with it.
    pub redirect_uri: Option<String>,
}

impl AppCredentials {
    /// The configured app's, if they are complete.
    pub fn from_config(config: &OAuthConfig) -> Option<Self> {
        let (client_id, client_secret) = (config.client_id.clone()?, config.client_secret.clone()?);
        Some(Self { client_id, client_secret })
    }
}

impl App {
    /// The app of the configuration, if it is complete.
    pub fn from_config(config: &OAuthConfig) -> Option<Self> {
        let credentials = AppCredentials::from_config(config)?;
        Some(Self { app_id: None, credentials, redirect_uri: config.redirect_uri.clone() })
    }
}
