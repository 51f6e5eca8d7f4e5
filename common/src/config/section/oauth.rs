//! `[oauth]`

use std::time::Duration;

use crate::config::reader::{Reader, plain_text};
use crate::config::{BaseUrl, Secret};

/// The app that the malls have consented to, and the key that seals their tokens.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// `client_id`, or `CAFE24_ANALYTICS_CLIENT_ID`. Unset: tokens cannot be refreshed.
    pub client_id: Option<String>,
    /// `client_secret_file`, or `CAFE24_ANALYTICS_CLIENT_SECRET(_FILE)`. A literal in the file is refused.
    pub client_secret: Option<Secret>,
    /// `redirect_uri`, to the letter as registered with Cafe24. Unset: `connect` does not work.
    pub redirect_uri: Option<String>,
    /// `refresh_before`: how long before its end an access token is renewed; `10m` (1m–1h).
    pub refresh_before: Duration,
    /// `master_key_file`, or `CAFE24_SYNC__OAUTH__MASTER_KEY(_FILE)`: one key a line (see `oauth::Sealer`), the first seals.
    pub master_key: Option<Secret>,
}

impl OAuthConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let this = Self {
            client_id: r.or_file("oauth.client_id", plain_text, Clone::clone),
            client_secret: r.secret("oauth.client_secret"),
            redirect_uri: r.optional("oauth.redirect_uri", redirect_uri, Clone::clone),
            refresh_before: r.duration(
                "oauth.refresh_before",
                Duration::from_mins(10),
                Duration::from_mins(1)..=Duration::from_hours(1),
            ),
            master_key: r.secret("oauth.master_key"),
        };
        if this.client_id.is_none() && this.client_secret.is_some() {
            r.conflict("oauth.client_secret", "is set without `oauth.client_id`: set both");
        }
        this
    }
}

/// Kept to the letter, the slash at its end included.
fn redirect_uri(text: &str) -> Result<String, String> {
    BaseUrl::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
