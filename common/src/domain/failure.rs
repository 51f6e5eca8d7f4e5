//! What went wrong, and what happens to the job: the class alone decides (`docs/architecture.md`, Failures).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The class of a failure. Every error type of the adapters answers `class()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// 429, or the bucket refused: the mall's limit, not the job's fault.
    Throttled,
    /// 5xx, timeout, reset, a cut body, a body that is not JSON: may work next time.
    Transient,
    /// 401 with a token that should work.
    Unauthorized,
    /// 403, a refresh token that is dead, an app that was removed: only a person can mend it.
    Forbidden,
    /// 400, 404, 422: our request is wrong; asking again changes nothing.
    InvalidRequest,
    /// The answer does not fit the contract: asking again costs quota and changes nothing.
    ContractViolation,
    /// A panic of ours while working on this job, or a job that ended its worker.
    Bug,
    /// Postgres, Redis or RabbitMQ out of reach: nothing is decided.
    Infrastructure,
    /// The message is not a job.
    Unreadable,
}

/// The text is no failure class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a failure class")]
pub struct UnknownClass(String);

impl FailureClass {
    /// All classes.
    pub const ALL: [Self; 9] = [
        Self::Throttled,
        Self::Transient,
        Self::Unauthorized,
        Self::Forbidden,
        Self::InvalidRequest,
        Self::ContractViolation,
        Self::Bug,
        Self::Infrastructure,
        Self::Unreadable,
    ];

    /// The name used in the database, in metrics and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::InvalidRequest => "invalid_request",
            Self::ContractViolation => "contract_violation",
            Self::Bug => "bug",
            Self::Infrastructure => "infrastructure",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FailureClass {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownClass(text.to_owned()))
    }
}

/// What happens to a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Planned again after a delay; not an attempt.
    PutBack,
    /// Planned again after a backoff; an attempt.
    Retry,
    /// Failed for good: archived as a dead letter.
    Dead,
    /// Waits as parked until a person has mended the mall; the mall is parked with it.
    Park,
    /// Nothing is decided: the job is planned again a little later; not an attempt.
    Hold,
}

/// How many attempts a class has before the job is dead.
#[derive(Debug, Clone, Copy)]
pub struct AttemptLimits {
    /// For [`FailureClass::Transient`]; 1–100, 8 by default.
    pub transient: i32,
    /// For [`FailureClass::Bug`]; 3.
    pub bug: i32,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self { transient: 8, bug: 3 }
    }
}

/// What a failure says of its endpoint, beyond its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Breakage {
    /// The answer does not fit the contract: drift, if other malls see it too.
    Contract,
    /// HTTP 404 on the path: the same for every mall.
    NotFound,
}

/// When an endpoint counts as changed: so many violations of so many malls within the window (`docs/reliability.md` A4).
#[derive(Debug, Clone, Copy)]
pub struct BreakerLimits {
    /// 2 or more: one mall alone never pauses an endpoint for the others.
    pub malls: i64,
    /// At least as many as malls.
    pub violations: i64,
    /// How long a violation counts.
    pub window: std::time::Duration,
}

/// The decision. `attempts` counts the failed attempts before this one, from 0.
///
/// [`FailureClass::Unauthorized`] reaches this point only after a renewed token was refused as well.
pub fn disposition(class: FailureClass, attempts: i32, limits: AttemptLimits) -> Disposition {
    let retry_until = |limit: i32| if attempts + 1 >= limit { Disposition::Dead } else { Disposition::Retry };
    match class {
        FailureClass::Throttled => Disposition::PutBack,
        FailureClass::Transient => retry_until(limits.transient),
        FailureClass::Bug => retry_until(limits.bug),
        FailureClass::Unauthorized | FailureClass::Forbidden => Disposition::Park,
        FailureClass::InvalidRequest | FailureClass::ContractViolation | FailureClass::Unreadable => {
            Disposition::Dead
        }
        FailureClass::Infrastructure => Disposition::Hold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttled_and_infrastructure_never_count_at_any_attempt() {
        for attempts in 0..1000 {
            let limits = AttemptLimits::default();
            assert_eq!(disposition(FailureClass::Throttled, attempts, limits), Disposition::PutBack);
            assert_eq!(disposition(FailureClass::Infrastructure, attempts, limits), Disposition::Hold);
        }
    }

    #[test]
    fn the_eighth_transient_failure_is_the_last() {
        let limits = AttemptLimits::default();
        assert_eq!(disposition(FailureClass::Transient, 6, limits), Disposition::Retry);
        assert_eq!(disposition(FailureClass::Transient, 7, limits), Disposition::Dead);
    }

    #[test]
    fn every_class_survives_its_own_name() {
        for class in FailureClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(serde_json::to_value(class).expect("JSON"), class.as_str());
        }
    }
}
