//! Why a request brought no page.

use crate::domain::failure::FailureClass;

/// What an operator needs to see what happened, without asking again. Holds no token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Path and query.
    pub request: String,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// The first [`BODY_HEAD`](Self::BODY_HEAD) bytes of the body as text; NUL, what is no UTF-8, and secrets replaced.
    pub body_head: String,
}

impl Evidence {
    /// Bytes of a body that are kept.
    pub const BODY_HEAD: usize = 4 << 10;
}

/// Where the connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NetworkFault {
    /// No connection: refused, unreachable, unknown host, or too slow.
    #[error("no connection")]
    Connect,
    /// This process, or its machine, may open no more files. Nothing was sent.
    #[error("no file descriptor is left: raise the limit of open files (`ulimit -n`)")]
    NoFiles,
    /// The server's certificate or the handshake. If every mall has it, the fault is ours.
    #[error("no TLS connection")]
    Tls,
    /// No headers within `first_byte_timeout`.
    #[error("no answer in time")]
    FirstByteTimeout,
    /// No last byte within `total_timeout`.
    #[error("the answer did not end in time")]
    TotalTimeout,
    /// The connection broke before the headers.
    #[error("the connection broke before an answer")]
    Reset,
    /// The body broke off, or could not be inflated.
    #[error("the answer broke off")]
    BodyCut,
}

/// Which door is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForbiddenReason {
    /// The token lacks the scope.
    InvalidScope,
    /// No reason was given: the partner is not approved, or the app was removed from the mall.
    NotApproved,
}

impl ForbiddenReason {
    /// What it means and what to do, for an operator.
    pub fn operator_text(self) -> &'static str {
        match self {
            Self::InvalidScope => {
                "the mall's consent lacks the scope for analytics: connect the mall again and grant it"
            }
            Self::NotApproved => {
                "Cafe24 refuses the app (403): the partner approval is missing or the mall removed the app; \
                 check both in Cafe24's developer centre, then resume the mall"
            }
        }
    }
}

/// Why one request brought no page.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// HTTP 429.
    #[error("HTTP 429: the bucket is empty")]
    Throttled {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// No complete answer.
    #[error("{fault}")]
    Network {
        /// Where it failed.
        fault: NetworkFault,
        /// What was seen.
        evidence: Box<Evidence>,
        /// The cause, where there is one beyond a timer.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// 5xx, 408 or 425.
    #[error("HTTP {status}")]
    Server {
        /// The status.
        status: u16,
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// 200 with a body that is no JSON at all, such as a maintenance page, or that stops in mid-JSON.
    #[error("HTTP 200 with a body that is not JSON")]
    NotJson {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// 401.
    #[error("HTTP 401: the access token was refused")]
    Unauthorized {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// 403.
    #[error("HTTP 403: {}", .reason.operator_text())]
    Forbidden {
        /// Which door is closed.
        reason: ForbiddenReason,
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// Other 4xx, and every redirect: none is followed, so that the token goes nowhere else.
    #[error("HTTP {status}: the request was refused")]
    InvalidRequest {
        /// The status.
        status: u16,
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// The rows moved from one page to the next, whenever we tried: the pages are not of one moment.
    #[error("the rows moved between the pages, {rounds} times: nothing of them was kept")]
    Moved {
        /// How often all pages were begun.
        rounds: u32,
        /// Which page showed it.
        evidence: Box<Evidence>,
    },
    /// The answer does not fit the contract.
    #[error("the answer does not fit the contract at {path}: {problem}")]
    Contract {
        /// Where, as a JSON path: `$.data[17].orderCount`.
        path: String,
        /// What is wrong there.
        problem: String,
        /// What was seen.
        evidence: Box<Evidence>,
    },
}

impl FetchError {
    /// Decides what happens to the job. No `_` arm: a new variant must choose.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Network { fault: NetworkFault::NoFiles, .. } => FailureClass::Infrastructure,
            Self::Network { .. } | Self::Server { .. } | Self::NotJson { .. } | Self::Moved { .. } => {
                FailureClass::Transient
            }
            Self::Unauthorized { .. } => FailureClass::Unauthorized,
            Self::Forbidden { .. } => FailureClass::Forbidden,
            Self::InvalidRequest { .. } => FailureClass::InvalidRequest,
            Self::Contract { .. } => FailureClass::ContractViolation,
        }
    }

    /// What was asked and what came.
    pub fn evidence(&self) -> &Evidence {
        match self {
            Self::Throttled { evidence }
            | Self::Network { evidence, .. }
            | Self::Server { evidence, .. }
            | Self::NotJson { evidence }
            | Self::Unauthorized { evidence }
            | Self::Forbidden { evidence, .. }
            | Self::InvalidRequest { evidence, .. }
            | Self::Moved { evidence, .. }
            | Self::Contract { evidence, .. } => evidence,
        }
    }
}
