//! Tokens at rest: XChaCha20-Poly1305, bound to their mall and column.
//!
//! A sealed pair copied into another mall's row, or into another column, does not open: both are associated data.
//! The key's id stands in the blob, so that keys can be rotated: the first key seals, all open. Nonces are 192 random
//! bits, so no counter must be kept. The key's id is a message authentication code of the key over a constant, cut to
//! 32 bits: it tells keys apart and nothing about them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::token::{AccessToken, RefreshToken, TokenPair};
use crate::config::Secret;
use crate::domain::ids::MallId;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 24;
/// The format's version.
const VERSION: u8 = 1;
/// Where the sealed pair is kept: `connectors.config_json`, key `oauth_tokens`.
const COLUMN: &str = "config_json.oauth_tokens";

/// A sealed pair, as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTokens {
    /// Format, 1.
    pub v: u8,
    /// Which key sealed it; 8 hexadecimal digits.
    pub kid: String,
    /// 24 bytes in base64.
    pub nonce: String,
    /// The pair and its tag in base64.
    pub ciphertext: String,
}

/// The text is no list of keys. Never carries the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// A line is no key.
    #[error("line {0} of the master key is not 32 bytes as 64 hexadecimal digits or 44 characters of base64")]
    Line(usize),
    /// There is no key.
    #[error("the master key is empty: make one with `cafe24-sync init`")]
    Empty,
}

/// A sealed pair does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another version of this software sealed it.
    #[error("format {0} of sealed tokens is unknown: upgrade this program")]
    UnknownFormat(u8),
    /// None of our keys sealed it.
    #[error("the master key `{0}` is missing: add it to `oauth.master_key_file`")]
    UnknownKey(String),
    /// Changed, cut, or moved from another mall's row.
    #[error("the sealed tokens were changed or belong to another mall")]
    Broken,
}

/// Seals with its first key and opens with all.
#[derive(Clone)]
pub struct Sealer {
    keys: Vec<(String, XChaCha20Poly1305)>,
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

/// A new random key as 44 characters of base64, for the master key file.
pub fn generate_key() -> Secret {
    Secret::new(BASE64.encode(Key::generate()))
}

impl Sealer {
    /// Reads keys: one a line, 64 hexadecimal digits or 44 characters of base64; empty lines and `#` are comments.
    pub fn from_keys(keys: &Secret) -> Result<Self, InvalidKey> {
        let lines = keys.expose().lines().enumerate();
        let keys = lines
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                let bytes = key_bytes(line).ok_or(InvalidKey::Line(number))?;
                let cipher = XChaCha20Poly1305::new(&bytes.into());
                Ok((key_id(&cipher), cipher))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(InvalidKey::Empty) } else { Ok(Self { keys }) }
    }

    /// Seals `pair` for `mall` with the first key.
    pub fn seal(&self, pair: &TokenPair, mall: &MallId) -> SealedTokens {
        let plain = Plain {
            access_token: pair.access.expose().to_owned(),
            access_expires_at: pair.access_expires_at,
            refresh_token: pair.refresh.expose().to_owned(),
            refresh_expires_at: pair.refresh_expires_at,
            scopes: pair.scopes.clone(),
            issued_at: pair.issued_at,
        };
        let (kid, cipher) = &self.keys[0];
        let nonce = XNonce::generate();
        let plain = plain.into_json();
        let aad = associated_data(mall);
        let payload = Payload { msg: plain.expose().as_bytes(), aad: &aad };
        #[expect(clippy::expect_used, reason = "fails only beyond 256 GiB")]
        let ciphertext = cipher.encrypt(&nonce, payload).expect("a pair of tokens is short");
        SealedTokens {
            v: VERSION,
            kid: kid.clone(),
            nonce: BASE64.encode(nonce),
            ciphertext: BASE64.encode(ciphertext),
        }
    }

    /// Opens what was sealed for `mall`.
    pub fn open(&self, sealed: &SealedTokens, mall: &MallId) -> Result<TokenPair, SealError> {
        if sealed.v != VERSION {
            return Err(SealError::UnknownFormat(sealed.v));
        }
        let (_, cipher) = self
            .keys
            .iter()
            .find(|(kid, _)| *kid == sealed.kid)
            .ok_or_else(|| SealError::UnknownKey(sealed.kid.chars().take(16).collect()))?;
        let nonce = BASE64.decode(&sealed.nonce).map_err(|_| SealError::Broken)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError::Broken)?;
        let ciphertext = BASE64.decode(&sealed.ciphertext).map_err(|_| SealError::Broken)?;
        let aad = associated_data(mall);
        let plain = cipher
            .decrypt(&nonce.into(), Payload { msg: &ciphertext, aad: &aad })
            .map_err(|_| SealError::Broken)?;
        let plain = Secret::new(String::from_utf8(plain).map_err(|_| SealError::Broken)?);
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

    /// Whether the first key sealed it; if not, it is due for sealing again after a rotation of keys.
    pub fn is_current(&self, sealed: &SealedTokens) -> bool {
        self.keys[0].0 == sealed.kid
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
        f.debug_list().entries(self.keys.iter().map(|(kid, _)| kid)).finish()
    }
}

/// The mall cannot hold a zero byte, so the parts cannot run into each other.
fn associated_data(mall: &MallId) -> Vec<u8> {
    format!("cafe24-sync/{VERSION}\0{mall}\0{COLUMN}").into_bytes()
}

/// The tag over a constant under the all-zero nonce, which no random nonce ever is.
fn key_id(cipher: &XChaCha20Poly1305) -> String {
    let payload = Payload { msg: b"", aad: b"cafe24-sync key id" };
    let tag = cipher.encrypt(&XNonce::default(), payload).unwrap_or_default();
    format!("{:08x}", tag.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)))
}

fn key_bytes(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() == 2 * KEY_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(bytes);
    }
    BASE64.decode(text).ok()?.try_into().ok()
}
