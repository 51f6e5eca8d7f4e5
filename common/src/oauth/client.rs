//! Calls of a mall's token URL. Bodies are never logged, kept or put into errors.

use std::time::Duration;

use reqwest::{Response, redirect};
use serde::Deserialize;
use serde::Serialize;

use super::app::AppCredentials;
use super::error::OAuthError;
use super::token::{RefreshToken, TokenPair};
use crate::clock;
use crate::config::{Secret, UrlTemplate};
use crate::domain::ids::MallId;

/// Largest answer in bytes; a real one has about 600.
const BODY_MAX: usize = 64 << 10;

/// How long a call may last. A lease is held meanwhile and must outlive it, so: not long.
#[derive(Debug, Clone, Copy)]
pub struct OAuthTimeouts {
    /// Until the connection stands; 2 s.
    pub connect: Duration,
    /// Until the last byte; 10 s.
    pub total: Duration,
}

impl Default for OAuthTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), total: Duration::from_secs(10) }
    }
}

/// The HTTP client could not be made, mostly because the machine has no root certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "the OAuth client cannot start: are the system's root certificates installed (package `ca-certificates`)?"
)]
pub struct BuildError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The OAuth hosts of all malls. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    http: reqwest::Client,
    template: UrlTemplate,
}

impl OAuthClient {
    /// A client for the hosts of `template`.
    pub fn new(template: UrlTemplate, timeouts: OAuthTimeouts) -> Result<Self, BuildError> {
        // An error says that a TLS provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cafe24-sync/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .pool_max_idle_per_host(1);
        if template.is_loopback() {
            // A simulator on this machine.
            builder = builder.no_proxy();
            if template.to_string().starts_with("http://") {
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|error| BuildError(error.into()))?;
        Ok(Self { http, template })
    }

    /// Where the mall's operator gives consent, in a browser.
    pub fn authorize_url(
        &self,
        mall: &MallId,
        app: &AppCredentials,
        redirect_uri: &str,
        scope: &str,
        state: &str,
    ) -> String {
        let parameters = [
            ("response_type", "code"),
            ("client_id", &app.client_id),
            ("state", state),
            ("redirect_uri", redirect_uri),
            ("scope", scope),
        ];
        let query: Vec<_> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
        format!("{}/api/v2/oauth/authorize?{}", self.template.fill(mall), query.join("&"))
    }

    /// Turns the code of a consent into the first pair. A code lives one minute and works once.
    ///
    /// # Errors
    /// [`OAuthError`]. A code that arrived is used up, even if its answer was lost: only another consent brings a pair.
    pub async fn exchange(
        &self,
        mall: &MallId,
        code: &Secret,
        redirect_uri: &str,
        app: &AppCredentials,
    ) -> Result<TokenPair, OAuthError> {
        let form =
            [("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", redirect_uri)];
        self.token(mall, app, &form).await
    }

    /// Turns a refresh token into the next pair; the old pair is dead from then on.
    ///
    /// # Errors
    /// [`OAuthError`]. Without an answer nobody knows whether the token was used: the same one is tried again.
    pub async fn refresh(
        &self,
        mall: &MallId,
        refresh: &RefreshToken,
        app: &AppCredentials,
    ) -> Result<TokenPair, OAuthError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        self.token(mall, app, &form).await
    }

    /// Ends a pair: either of its tokens ends both (`docs/live-api.md` §5). A token that is dead already counts as revoked.
    pub async fn revoke(
        &self,
        mall: &MallId,
        token: &Secret,
        app: &AppCredentials,
    ) -> Result<(), OAuthError> {
        match self.call(mall, "revoke", app, &[("token", token.expose())]).await? {
            (200..=299, _) => Ok(()),
            (status, body) => Err(refusal(status, body.expose())),
        }
    }

    async fn token<F: Serialize + Sync + ?Sized>(
        &self,
        mall: &MallId,
        app: &AppCredentials,
        form: &F,
    ) -> Result<TokenPair, OAuthError> {
        match self.call(mall, "token", app, form).await? {
            (200, body) => {
                TokenPair::from_answer(body.expose().as_bytes(), Some(mall.as_str()), Some(clock::now()))
                    .map_err(OAuthError::Unreadable)
            }
            (status, body) => Err(refusal(status, body.expose())),
        }
    }

    /// Posts a form as the app; the answer's status and body.
    async fn call<F: Serialize + Sync + ?Sized>(
        &self,
        mall: &MallId,
        page: &str,
        app: &AppCredentials,
        form: &F,
    ) -> Result<(u16, Secret), OAuthError> {
        let url = format!("{}/api/v2/oauth/{page}", self.template.fill(mall));
        let response = self
            .http
            .post(url)
            .basic_auth(&app.client_id, Some(app.client_secret.expose()))
            .form(form)
            .send()
            .await
            .map_err(network)?;
        let status = response.status().as_u16();
        Ok((status, Secret::new(read(response).await?)))
    }
}

fn network(error: reqwest::Error) -> OAuthError {
    // Before a connection stood, nothing can have been rotated.
    OAuthError::Network { sent: !error.is_connect(), source: error.without_url().into() }
}

async fn read(mut response: Response) -> Result<String, OAuthError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > BODY_MAX {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(body).unwrap_or_default())
}

/// What an answer without success means. OAuth's own is `{"error":"invalid_grant","error_description":…}`.
fn refusal(status: u16, body: &str) -> OAuthError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    if status == 429 || status >= 500 {
        return OAuthError::Server { status };
    }
    let code = serde_json::from_str::<Refusal>(body).map(|refusal| refusal.error).unwrap_or_default();
    match (code.as_str(), status) {
        ("invalid_grant", _) => OAuthError::InvalidGrant,
        ("invalid_client" | "unauthorized_client", _) | ("", 401) => OAuthError::InvalidClient,
        _ => {
            // Only what looks like a code is repeated; anything else might be a secret.
            let known =
                (1..=60).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            OAuthError::Other { status, code: if known { code } else { "no code".to_owned() } }
        }
    }
}

/// Everything but RFC 3986's unreserved characters.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
    out
}
