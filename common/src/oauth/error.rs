//! Why there is no token.

use chrono::{DateTime, Utc};

use crate::domain::calendar::kst;
use crate::domain::failure::FailureClass;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the token URL brought no pair. Never carries a body or a token.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// No complete answer: the same refresh token may be tried again.
    #[error("the OAuth host did not answer")]
    Network {
        /// Whether the request may have arrived, so that the pair may have been rotated without us.
        sent: bool,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// 5xx or 429: may work later.
    #[error("the OAuth host answered HTTP {status}")]
    Server {
        /// The status.
        status: u16,
    },
    /// The code or refresh token is dead: used already, revoked, or too old.
    #[error("invalid_grant: the token or code is used, revoked or too old")]
    InvalidGrant,
    /// The app's id or secret is wrong, or the app was removed.
    #[error("the OAuth host refused the app: check `oauth.client_id` and `oauth.client_secret`")]
    InvalidClient,
    /// Another refusal.
    #[error("the OAuth host refused the request with HTTP {status} ({code})")]
    Other {
        /// The status.
        status: u16,
        /// OAuth's error code (`invalid_scope`), or `no code`.
        code: String,
    },
    /// HTTP 200 with something else than a token answer.
    #[error("HTTP 200 without tokens")]
    Unreadable(#[source] super::InvalidAnswer),
}

impl OAuthError {
    /// Decides what happens to the job.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Network { .. } | Self::Server { .. } | Self::Unreadable(_) => FailureClass::Transient,
            Self::InvalidGrant | Self::InvalidClient | Self::Other { .. } => FailureClass::Forbidden,
        }
    }

    /// Whether the pair may be rotated although we have no new one.
    pub fn maybe_rotated(&self) -> bool {
        match self {
            Self::Network { sent, .. } => *sent,
            // A gateway that gave up waiting says so with a 5xx, and an answer that we cannot read was an answer.
            Self::Server { status } => *status != 429,
            Self::Unreadable(_) => true,
            Self::InvalidGrant | Self::InvalidClient | Self::Other { .. } => false,
        }
    }

    /// Whether the same refresh token may be tried again at once.
    pub fn may_try_again(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            Self::Server { status } => *status != 429,
            Self::InvalidGrant | Self::InvalidClient | Self::Other { .. } | Self::Unreadable(_) => false,
        }
    }
}

/// Why the store has no tokens for us.
#[derive(Debug, thiserror::Error)]
pub enum TokenStoreError {
    /// The mall is unknown or was never connected.
    #[error("no tokens are stored")]
    Missing,
    /// The seal cannot be opened: the key is missing or the text was changed.
    #[error("the stored tokens cannot be opened")]
    Seal(#[source] super::SealError),
    /// The database did not answer.
    #[error("the token store is out of reach")]
    Unavailable(#[source] Cause),
}

/// Why a mall has no access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The mall was never connected.
    #[error("no tokens: the mall must be connected first")]
    NoTokens,
    /// The refresh token is dead; only a new consent helps.
    #[error("refresh token dead: {reason}")]
    NeedsConsent {
        /// What killed it.
        reason: DeathCause,
    },
    /// The app or the request was refused; only a person can mend it.
    #[error("the refresh was refused")]
    Refused(#[source] OAuthError),
    /// The OAuth host is out of reach and the old token has ended.
    #[error("the refresh did not succeed")]
    Unreachable(#[source] OAuthError),
    /// Another process refreshes the mall's tokens, and takes long.
    #[error("another process is still refreshing the tokens")]
    Busy,
    /// The process ends; the new pair waits in its spool for the next start.
    #[error("the new tokens could not be stored yet: they wait in the spool directory")]
    Spooled,
    /// A refresh has failed a moment ago; the host is spared until then.
    #[error("the refresh failed a moment ago")]
    CoolingDown,
    /// The database is out of reach, or the seal cannot be opened: ours to mend, and no mall's fault.
    #[error("the token store failed")]
    Store(#[source] TokenStoreError),
}

impl From<TokenStoreError> for TokenError {
    fn from(error: TokenStoreError) -> Self {
        match error {
            TokenStoreError::Missing => Self::NoTokens,
            error @ (TokenStoreError::Seal(_) | TokenStoreError::Unavailable(_)) => Self::Store(error),
        }
    }
}

/// What killed a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeathCause {
    /// `invalid_grant`.
    #[error("another program used it, it was revoked, or it lay idle for 14 days; connect the mall again")]
    InvalidGrant,
    /// `invalid_grant` after a call without an outcome (no answer came, or whoever called died before the pair was stored):
    /// the pair was rotated, and its successor lost.
    #[error("its rotation was lost at {} KST; connect the mall again", at.with_timezone(&kst()).format("%H:%M"))]
    RotationLost {
        /// When the call was made.
        at: DateTime<Utc>,
    },
    /// Its end has passed.
    #[error("it has expired; connect the mall again")]
    Expired,
}

impl TokenError {
    /// Decides what happens to the job.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::NoTokens | Self::NeedsConsent { .. } | Self::Refused(_) => FailureClass::Forbidden,
            // No request was sent: the job is as good as it was, however long the OAuth host is away.
            Self::Unreachable(_) | Self::Busy | Self::Spooled | Self::CoolingDown | Self::Store(_) => {
                FailureClass::Infrastructure
            }
        }
    }
}
