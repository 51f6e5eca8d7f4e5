//! A mall's pair of tokens, and the answer that brings one.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::config::Secret;
use crate::domain::calendar::parse_cafe24_time;

/// Lets a request of the analytics API in; lives 2 hours. Prints as `[secret]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken(Secret);

/// Brings the next pair, once; lives 14 days. Prints as `[secret]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken(Secret);

impl AccessToken {
    /// Takes `text` in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }
}

impl RefreshToken {
    /// Takes `text` in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }
}

/// An access token goes wherever a [`Secret`] is wanted.
impl Deref for AccessToken {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.0
    }
}

impl Deref for RefreshToken {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.0
    }
}

/// Both tokens of a mall, with their ends. Serialised only by sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// For requests.
    pub access: AccessToken,
    /// When `access` ends.
    pub access_expires_at: DateTime<Utc>,
    /// For the next pair.
    pub refresh: RefreshToken,
    /// When `refresh` ends.
    pub refresh_expires_at: DateTime<Utc>,
    /// What the mall has consented to.
    pub scopes: Vec<String>,
    /// When the pair was made.
    pub issued_at: DateTime<Utc>,
}

/// The JSON is no token answer. Never carries the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    /// No JSON, or a field is missing or of another type.
    #[error("no token answer: a field is missing or wrong at line {line}, column {column}")]
    Form {
        /// From 1; 0 where unknown.
        line: usize,
        /// From 1; 0 where unknown.
        column: usize,
    },
    /// A field holds nothing.
    #[error("no token answer: `{0}` is empty")]
    Empty(&'static str),
    /// A time cannot be read.
    #[error("no token answer: `{0}` is no time")]
    Time(&'static str),
    /// An end does not lie after the beginning.
    #[error("no token answer: `{0}` does not lie after `issued_at`")]
    Order(&'static str),
    /// The tokens are another mall's.
    #[error("the token answer is for another mall")]
    OtherMall,
}

/// The answer of the token URL (`docs/cafe24-analytics-api.md`, Step 2). Unknown fields are fine.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_at: String,
    refresh_token: String,
    refresh_token_expires_at: String,
    #[serde(default)]
    mall_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    issued_at: String,
}

impl TokenPair {
    /// Reads an answer of the token URL. Times without a zone are Korean.
    ///
    /// With `received_at` (an answer that has just come) the ends are `received_at` plus the lifetimes that the answer
    /// tells, so that a clock of ours that is wrong by minutes does no harm; without it (an import) as they stand.
    /// `mall` refuses an answer that names another mall.
    pub fn from_answer(
        json: &[u8],
        mall: Option<&str>,
        received_at: Option<DateTime<Utc>>,
    ) -> Result<Self, InvalidAnswer> {
        let answer: Answer = serde_json::from_slice(json)
            .map_err(|error| InvalidAnswer::Form { line: error.line(), column: error.column() })?;
        if let (Some(expected), Some(named)) = (mall, &answer.mall_id)
            && expected != named
        {
            return Err(InvalidAnswer::OtherMall);
        }
        for (name, token) in
            [("access_token", &answer.access_token), ("refresh_token", &answer.refresh_token)]
        {
            if token.is_empty() {
                return Err(InvalidAnswer::Empty(name));
            }
        }
        let time = |name, text: &str| parse_cafe24_time(text).ok_or(InvalidAnswer::Time(name));
        let issued_at = time("issued_at", &answer.issued_at)?;
        let lifetime = |name, text: &str| -> Result<TimeDelta, InvalidAnswer> {
            let lifetime = time(name, text)? - issued_at;
            if lifetime > TimeDelta::zero() { Ok(lifetime) } else { Err(InvalidAnswer::Order(name)) }
        };
        let access = lifetime("expires_at", &answer.expires_at)?;
        let refresh = lifetime("refresh_token_expires_at", &answer.refresh_token_expires_at)?;
        let from = received_at.unwrap_or(issued_at);
        Ok(Self {
            access: AccessToken::new(answer.access_token),
            access_expires_at: from + access,
            refresh: RefreshToken::new(answer.refresh_token),
            refresh_expires_at: from + refresh,
            scopes: answer.scopes,
            issued_at: from,
        })
    }
}

impl fmt::Display for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tokens until {} and {}", self.access_expires_at, self.refresh_expires_at)
    }
}
