//! Tokens and app secrets at rest: XChaCha20-Poly1305, bound to the [`Place`] where they stand.
//!
//! What is copied into another agency's, another mall's or another app's row, or into another column, does not open: the
//! place is associated data (`docs/reliability.md` X6). The first format bound a pair to its mall and column only; it still opens, and
//! is written no more.
//!
//! The key's id stands in the blob, so that keys can be rotated: the first key seals, all open. Nonces are 192 random
//! bits, so no counter must be kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::keys::{InvalidKey, KeyRing, MasterKey};
use super::token::{AccessToken, RefreshToken, TokenPair};
use crate::config::{OAuthConfig, Secret};
use crate::domain::ids::{AppId, MallId};

/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;
/// The format that is written.
const VERSION: u8 = 2;
/// The format before: a pair bound to its mall, not to its agency.
const FIRST_VERSION: u8 = 1;
/// Where a sealed pair is kept: `connectors.config_json`, key `oauth_tokens`.
const COLUMN: &str = "config_json.oauth_tokens";

/// A sealed secret, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Format: 2, or 1 if it was written by a version before.
    pub v: u8,
    /// Which key sealed it; 8 hexadecimal digits.
    pub kid: String,
    /// 24 bytes in base64.
    pub nonce: String,
    /// The secret and its tag in base64.
    pub ciphertext: String,
}

impl From<Sealed> for serde_json::Value {
    fn from(sealed: Sealed) -> Self {
        let Sealed { v, kid, nonce, ciphertext } = sealed;
        serde_json::json!({ "v": v, "kid": kid, "nonce": nonce, "ciphertext": ciphertext })
    }
}

/// Where a secret is kept; it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A mall's pair, in its connector's row.
    Tokens {
        /// The agency that owns the connection.
        agency: &'a str,
        /// The mall.
        mall: &'a MallId,
    },
    /// An app's secret, in its row.
    App(&'a AppId),
    /// A mall's pair, in a file of the spool.
    Spool {
        /// The agency that owns the connection.
        agency: &'a str,
        /// The mall.
        mall: &'a MallId,
        /// The version that the pair replaces.
        used: i64,
    },
}

impl Place<'_> {
    /// None of the parts can hold a zero byte, so they cannot run into each other; the last one tells the kinds apart.
    fn associated_data(self, version: u8) -> Vec<u8> {
        match self {
            Self::Tokens { mall, .. } if version == FIRST_VERSION => {
                format!("cafe24-sync/{version}\0{mall}\0{COLUMN}")
            }
            Self::Tokens { agency, mall } => format!("cafe24-sync/{version}\0{agency}\0{mall}\0{COLUMN}"),
            Self::App(app) => format!("cafe24-sync/{version}\0{app}\0apps.client_secret"),
            Self::Spool { agency, mall, used } => {
                format!("cafe24-sync/{version}\0{agency}\0{mall}\0{used}\0spool")
            }
        }
        .into_bytes()
    }
}

/// A sealed secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another version of this software sealed it.
    #[error("format {0} of sealed secrets is unknown: upgrade this program")]
    UnknownFormat(u8),
    /// None of our keys sealed it.
    #[error("the master key `{0}` is missing: add it to `oauth.master_key_file`")]
    UnknownKey(String),
    /// Changed, cut, or moved from another place.
    #[error("the sealed text was changed, or moved here from another agency, mall or app")]
    Broken,
}

/// Seals with its first key and opens with all.
#[derive(Clone)]
pub struct Sealer {
    keys: KeyRing,
}

/// What is inside the seal.
#[derive(Serialize, Deserialize)]
struct Plain {
    access_token: String,
    access_expires_at: DateTime<Utc>,
    refresh_token: String,
    refresh_expires_at: DateTime<Utc>,
    scopes: Vec<String>,
    issued_at: DateTime<Utc>,
}

impl Sealer {
    /// The format that is written now.
    pub const VERSION: u8 = VERSION;

    /// Reads keys: one a line, 64 hexadecimal digits or 44 characters of base64; empty lines and `#` are comments.
    pub fn from_keys(keys: &Secret) -> Result<Self, InvalidKey> {
        Ok(Self { keys: KeyRing::parse(keys)? })
    }

    /// The configured keys, if there are any. Those of a file are read again when it changes.
    pub fn from_config(config: &OAuthConfig) -> Result<Option<Self>, InvalidKey> {
        let Some(keys) = &config.master_key else { return Ok(None) };
        let keys = KeyRing::parse(keys)?;
        Ok(Some(Self {
            keys: match &config.master_key_file {
                Some(path) => keys.following(path.clone()),
                None => keys,
            },
        }))
    }

    /// Seals `pair` for its place with the first key.
    pub fn seal(&self, pair: &TokenPair, place: Place<'_>) -> Sealed {
        let plain = Plain {
            access_token: pair.access.expose().to_owned(),
            access_expires_at: pair.access_expires_at,
            refresh_token: pair.refresh.expose().to_owned(),
            refresh_expires_at: pair.refresh_expires_at,
            scopes: pair.scopes.clone(),
            issued_at: pair.issued_at,
        };
        self.seal_text(&plain.into_json(), place)
    }

    /// Opens a pair that was sealed for `place`.
    pub fn open(&self, sealed: &Sealed, place: Place<'_>) -> Result<TokenPair, SealError> {
        let plain = self.open_text(sealed, place)?;
        let plain: Plain = serde_json::from_str(plain.expose()).map_err(|_| SealError::Broken)?;
        Ok(TokenPair {
            access: AccessToken::new(plain.access_token),
            access_expires_at: plain.access_expires_at,
            refresh: RefreshToken::new(plain.refresh_token),
            refresh_expires_at: plain.refresh_expires_at,
            scopes: plain.scopes,
            issued_at: plain.issued_at,
        })
    }

    /// Seals any text for its place with the first key.
    pub fn seal_text(&self, plain: &Secret, place: Place<'_>) -> Sealed {
        let MasterKey { id, cipher } = self.keys.first();
        let nonce = XNonce::generate();
        let aad = place.associated_data(VERSION);
        let payload = Payload { msg: plain.expose().as_bytes(), aad: &aad };
        #[expect(clippy::expect_used, reason = "fails only beyond 256 GiB")]
        let ciphertext = cipher.encrypt(&nonce, payload).expect("a secret is short");
        Sealed { v: VERSION, kid: id, nonce: BASE64.encode(nonce), ciphertext: BASE64.encode(ciphertext) }
    }

    /// Opens a text that was sealed for `place`.
    pub fn open_text(&self, sealed: &Sealed, place: Place<'_>) -> Result<Secret, SealError> {
        if !(FIRST_VERSION..=VERSION).contains(&sealed.v) {
            return Err(SealError::UnknownFormat(sealed.v));
        }
        let key = self
            .keys
            .find(&sealed.kid)
            .ok_or_else(|| SealError::UnknownKey(sealed.kid.chars().take(16).collect()))?;
        let nonce = BASE64.decode(&sealed.nonce).map_err(|_| SealError::Broken)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Broken)?;
        let ciphertext = BASE64.decode(&sealed.ciphertext).map_err(|_| SealError::Broken)?;
        let aad = place.associated_data(sealed.v);
        let plain = key
            .cipher
            .decrypt(&nonce.into(), Payload { msg: &ciphertext, aad: &aad })
            .map_err(|_| SealError::Broken)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| SealError::Broken)
    }

    /// Whether the first key sealed it, in the newest format; if not, it is due for sealing again.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        sealed.v == VERSION && self.keys.ids().first() == Some(&sealed.kid)
    }

    /// The ids of the keys, in their order; the first seals.
    pub fn key_ids(&self) -> Vec<String> {
        self.keys.ids()
    }
}

impl Plain {
    fn into_json(self) -> Secret {
        #[expect(clippy::expect_used, reason = "texts and times always serialise")]
        let json = serde_json::to_string(&self).expect("texts and times are JSON");
        let Self { access_token, refresh_token, .. } = self;
        // Taken back into secrets, which overwrite their memory.
        drop((Secret::new(access_token), Secret::new(refresh_token)));
        Secret::new(json)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.ids()).finish()
    }
}
