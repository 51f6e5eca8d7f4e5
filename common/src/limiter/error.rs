//! What can go wrong with the bucket's home.

use std::time::Duration;

use super::InvalidBucket;
use crate::domain::failure::FailureClass;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// No grant: Redis could not be asked, or its answer cannot be trusted. Nothing may be sent.
#[derive(Debug, thiserror::Error)]
pub enum LimiterError {
    /// The address or a setting makes no bucket; waiting does not help.
    #[error("the settings of the token bucket do not work: {0}")]
    Settings(String),
    /// No connection.
    #[error("Redis is out of reach; nothing is sent until it answers")]
    Unreachable(#[source] Source),
    /// The connection stands, the answer does not come.
    #[error("Redis did not answer within {0:?}; nothing is sent until it does")]
    Timeout(Duration),
    /// A replica, a server that is still loading, or one that lost its master.
    #[error(
        "this Redis takes no writes now ({code}): a failover or a start is under way; nothing is sent until it does"
    )]
    NotWritable {
        /// Redis' own word.
        code: String,
    },
    /// Its memory is full.
    #[error("Redis has no memory left (OOM): raise maxmemory or free some; nothing is sent until then")]
    OutOfMemory,
    /// A key of ours holds something that is not ours.
    #[error(
        "the Redis key {key} holds something that is no bucket (WRONGTYPE): another program uses our prefix; remove the key or set another prefix"
    )]
    ForeignKey {
        /// The key.
        key: String,
    },
    /// The user or password is wrong, or a right is missing.
    #[error("Redis refuses us ({code}): check the user, the password and the rights in deploy/redis")]
    Denied {
        /// Redis' own word.
        code: String,
    },
    /// The prefix is another installation's.
    #[error(
        "this Redis prefix belongs to another installation ({theirs}): nothing is sent; correct [redis] url or prefix, or take it over with `cafe24-sync db adopt`"
    )]
    OtherDeployment {
        /// That installation.
        theirs: String,
    },
    /// Anything else.
    #[error("Redis refused the request ({code})")]
    Refused {
        /// Redis' own word.
        code: String,
        /// The driver's error.
        #[source]
        source: Source,
    },
}

impl LimiterError {
    /// Decides what happens to the job. No `_` arm: a new variant must choose.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Settings(_)
            | Self::Unreachable(_)
            | Self::Timeout(_)
            | Self::NotWritable { .. }
            | Self::OutOfMemory
            | Self::ForeignKey { .. }
            | Self::Denied { .. }
            | Self::OtherDeployment { .. }
            | Self::Refused { .. } => FailureClass::Infrastructure,
        }
    }

    /// A short name from a small closed set, for metrics and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Unreachable(_) => "unreachable",
            Self::Timeout(_) => "timeout",
            Self::NotWritable { .. } => "not_writable",
            Self::OutOfMemory => "out_of_memory",
            Self::ForeignKey { .. } => "foreign_key",
            Self::Denied { .. } => "denied",
            Self::OtherDeployment { .. } => "other_deployment",
            Self::Refused { .. } => "refused",
        }
    }
}

impl From<InvalidBucket> for LimiterError {
    fn from(invalid: InvalidBucket) -> Self {
        Self::Settings(invalid.to_string())
    }
}
