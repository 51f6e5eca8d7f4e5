//! A pair as it is written: sealed, and beside it what may be told of it in clear.

use chrono::{DateTime, Utc};

use crate::domain::ids::MallId;
use crate::oauth::{Place, Sealer, TokenPair};

/// A sealed pair and its columns in clear. They are written together, so that they cannot tell of another pair.
#[derive(Debug, Clone)]
pub struct TokensAtRest {
    pub(crate) sealed: serde_json::Value,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) access_expires_at: DateTime<Utc>,
    pub(crate) refresh_expires_at: DateTime<Utc>,
    pub(crate) scopes: Vec<String>,
    pub(crate) key_id: String,
}

impl TokensAtRest {
    /// Seals `pair` for `mall` of `agency` with the first key.
    pub fn seal(sealer: &Sealer, pair: &TokenPair, agency: &str, mall: &MallId) -> Self {
        let sealed = sealer.seal(pair, Place::Tokens { agency, mall });
        Self {
            key_id: sealed.kid.clone(),
            sealed: sealed.into(),
            issued_at: pair.issued_at,
            access_expires_at: pair.access_expires_at,
            refresh_expires_at: pair.refresh_expires_at,
            scopes: pair.scopes.clone(),
        }
    }
}
