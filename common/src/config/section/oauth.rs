//! `[oauth]`

use std::path::PathBuf;
use std::time::Duration;

use crate::config::declare::Kind;
use crate::config::reader::{Reader, plain_text};
use crate::config::{BaseUrl, Secret};

/// The app that the malls have consented to, and the key that seals their tokens.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// `client_id`. Unset: tokens cannot be refreshed.
    pub client_id: Option<String>,
    /// `client_secret_file`.
    pub client_secret: Option<Secret>,
    /// `redirect_uri`. Unset: `connect` does not work.
    pub redirect_uri: Option<String>,
    /// `refresh_before`.
    pub refresh_before: Duration,
    /// `master_key_file`: one key a line (see `oauth::Sealer`).
    pub master_key: Option<Secret>,
    /// Where the master keys were read from; they are read again when it changes.
    pub master_key_file: Option<PathBuf>,
    /// `keep_alive`.
    pub keep_alive: Duration,
    /// `spool_dir`.
    pub spool_dir: PathBuf,
}

impl OAuthConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let (mins, hours) = (Duration::from_mins, Duration::from_hours);
        let master_key_file = r.file_of("oauth.master_key");
        r.section("oauth", "the app that malls consent to, and their tokens");
        let this = Self {
            client_id: r.or_file(
                "oauth.client_id",
                "of your app; or CAFE24_ANALYTICS_CLIENT_ID",
                Kind::Text { sample: "BrIf" },
                None,
                plain_text,
                Clone::clone,
            ),
            client_secret: r.secret("oauth.client_secret", "of your app; or CAFE24_ANALYTICS_CLIENT_SECRET"),
            redirect_uri: r.optional(
                "oauth.redirect_uri",
                "to the letter as registered with Cafe24",
                Kind::Text { sample: "https://sync.agency.kr/oauth/callback" },
                redirect_uri,
                Clone::clone,
            ),
            refresh_before: r.duration(
                "oauth.refresh_before",
                "how long before its end an access token is renewed",
                mins(10),
                mins(1)..=hours(1),
            ),
            master_key: r.master_secret(
                "oauth.master_key",
                "seals tokens at rest; one key a line, the first seals, all open",
            ),
            master_key_file,
            keep_alive: r.duration(
                "oauth.keep_alive",
                "age at which an unused pair is renewed, as it ends after 14d",
                hours(7 * 24),
                hours(1)..=hours(13 * 24),
            ),
            spool_dir: PathBuf::from(r.text(
                "oauth.spool_dir",
                "new tokens wait here, sealed, if Postgres is away at the end",
                "spool",
            )),
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
