//! What the token endpoint answers, and what is told of it.

use serde::{Deserialize, Serialize};

use super::super::dialect::Dialect;

/// The token endpoint's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the specification's own fields")]
pub struct TokenAnswer {
    pub access_token: String,
    pub expires_at: String,
    pub refresh_token: String,
    pub refresh_token_expires_at: String,
    pub client_id: String,
    pub mall_id: String,
    pub scopes: Vec<String>,
    pub issued_at: String,
    /// This and the next two: only real malls' answers have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop_no: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
}

impl TokenAnswer {
    /// As the mall's host words it.
    pub(crate) fn spoken(mut self, dialect: Dialect) -> Self {
        if dialect == Dialect::Live {
            self.user_id = Some(self.mall_id.clone());
            self.shop_no = Some("1".to_owned());
            self.token_type = Some("Bearer".to_owned());
        }
        self
    }
}

/// What happened to one mall's tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReport {
    /// Pairs handed out, by whatever way.
    pub issued: u64,
    /// Refreshes that succeeded.
    pub refreshes: u64,
    /// Refresh requests that came while another of the same mall was under way.
    pub overlapping_refreshes: u64,
    /// Refresh requests with a token that an earlier refresh had replaced.
    pub refresh_token_reuse: u64,
    /// API requests with an access token that a newer pair had replaced.
    pub access_token_reuse: u64,
    /// API requests with an access token past its time.
    pub expired_access: u64,
    /// Token requests answered `invalid_grant`.
    pub invalid_grant: u64,
    /// Token requests with a wrong client id or secret.
    pub invalid_client: u64,
    /// Codes exchanged for a pair.
    pub codes_exchanged: u64,
    /// Living pairs ended by a revoke request.
    pub revoked: u64,
}
