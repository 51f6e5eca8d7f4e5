//! Why there is no token.

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

/// Why [`TokenStore::renew`](super::TokenStore::renew) brought no newer pair.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// Nothing was called, or its answer could not be stored.
    #[error(transparent)]
    Store(#[from] TokenStoreError),
    /// The token URL brought no pair; nothing was stored.
    #[error(transparent)]
    Refresh(#[from] OAuthError),
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
    /// A refresh has failed a moment ago; the host is spared until then.
    #[error("the refresh failed a moment ago")]
    CoolingDown,
    /// The database is out of reach, or the seal cannot be opened: ours to mend, and no mall's fault.
    #[error("the token store failed")]
    Store(#[source] TokenStoreError),
}

/// What killed a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeathCause {
    /// `invalid_grant`.
    #[error("another program used it, it was revoked, or it lay idle for 14 days; connect the mall again")]
    InvalidGrant,
    /// `invalid_grant` after a call without an answer: the pair was rotated and its successor lost.
    #[error("its rotation was lost on the network; connect the mall again")]
    RotationLost,
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
            Self::Unreachable(_) | Self::CoolingDown | Self::Store(_) => FailureClass::Infrastructure,
        }
    }
}
