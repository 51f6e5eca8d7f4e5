//! What a failure does to its job: the class alone decides (`docs/architecture.md`, Failures).

use std::error::Error;
use std::time::Duration;

use common::api::{Evidence, FetchError, ForbiddenReason, Request};
use common::domain::endpoint::Unaskable;
use common::domain::failure::{Breakage, Disposition, FailureClass, disposition};
use common::oauth::TokenError;
use common::store::{ClaimedJob, ConnectorState, Failure, Outcome, Parking};

use crate::shared::Shared;

/// A failure, with what the answer said about waiting and about the mall.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) retry_after: Option<Duration>,
    /// What the mall becomes if the class parks it, and what the operator reads.
    pub(crate) park: Option<Parking>,
    /// What it says of the endpoint.
    pub(crate) breaks: Option<Breakage>,
}

impl Failed {
    /// `token_version` is that of the access token the request carried.
    pub(crate) fn of_fetch(
        error: &FetchError,
        retry_after: Option<Duration>,
        token_version: i64,
        request: &Request<'_>,
    ) -> Self {
        let failure =
            Failure { class: error.class(), text: chain(error), evidence: Some(archived(error.evidence())) };
        let park = match error {
            FetchError::Unauthorized { .. } => Some((
                ConnectorState::NeedsConsent,
                "the API refuses an access token that was just issued: authorise the app again".to_owned(),
            )),
            FetchError::Forbidden { reason, .. } => {
                let state = match reason {
                    ForbiddenReason::InvalidScope => ConnectorState::NeedsScope,
                    ForbiddenReason::NotApproved => ConnectorState::Forbidden,
                };
                let text = match reason {
                    ForbiddenReason::InvalidScope => format!(
                        "the mall's consent lacks the scope {}: connect the mall again and grant it",
                        request.dialect().scope()
                    ),
                    ForbiddenReason::NotApproved => reason.operator_text().to_owned(),
                };
                Some((state, text))
            }
            _ => None,
        };
        let park = park.map(|(state, reason)| Parking { state, reason, token_version });
        let breaks = match error {
            FetchError::Contract { .. } => Some(Breakage::Contract),
            // A page after the first: the path is there.
            FetchError::InvalidRequest { status: 404, .. } if !request.is_later_page() => {
                Some(Breakage::NotFound)
            }
            _ => None,
        };
        Self { failure, retry_after, park, breaks }
    }

    /// No request means this: the plan was wrong, or the mall has changed its dialect since. Nothing was sent.
    pub(crate) fn of_unaskable(error: Unaskable) -> Self {
        let failure =
            Failure { class: FailureClass::InvalidRequest, text: error.to_string(), evidence: None };
        Self { failure, retry_after: None, park: None, breaks: None }
    }

    /// `token_version` is that of the newest tokens that were known; if there are newer ones, they are tried next time.
    pub(crate) fn of_token(error: &TokenError, token_version: i64) -> Self {
        let failure = Failure { class: error.class(), text: chain(error), evidence: None };
        let state = match error {
            TokenError::NoTokens | TokenError::NeedsConsent { .. } => Some(ConnectorState::NeedsConsent),
            // The consent lives on: once the app is mended, the mall is resumed with the tokens that it has.
            TokenError::Refused(_) => Some(ConnectorState::Forbidden),
            TokenError::Unreachable(_)
            | TokenError::Busy
            | TokenError::Spooled
            | TokenError::CoolingDown
            | TokenError::Store(_) => None,
        };
        let park = state.map(|state| Parking { state, reason: chain(error), token_version });
        Self { failure, retry_after: None, park, breaks: None }
    }
}

/// The outcome of `failed` for a claimed job; logged here, once.
pub(crate) fn of(shared: &Shared, claimed: &ClaimedJob, failed: Failed) -> Outcome {
    let Failed { failure, retry_after, .. } = failed;
    let retry = shared.config.retry;
    let outcome = match disposition(failure.class, claimed.attempts, retry.limits()) {
        Disposition::PutBack => Outcome::Planned {
            attempt: false,
            delay: retry_after.unwrap_or_default().max(retry.throttled_rest),
            failure: Some(failure.clone()),
        },
        Disposition::Hold => Outcome::Planned {
            attempt: false,
            delay: retry.infrastructure_rest,
            failure: Some(failure.clone()),
        },
        Disposition::Retry => {
            let backoff = retry.backoff().random_wait(u32::try_from(claimed.attempts).unwrap_or(0));
            Outcome::Planned {
                attempt: true,
                delay: backoff.max(retry_after.unwrap_or_default()),
                failure: Some(failure.clone()),
            }
        }
        Disposition::Dead => Outcome::Failed(failure.clone()),
        Disposition::Park => Outcome::Parked(failure.clone()),
    };
    log(claimed, &failure, &outcome);
    outcome
}

fn log(claimed: &ClaimedJob, failure: &Failure, outcome: &Outcome) {
    let (class, error) = (failure.class, failure.text.as_str());
    match outcome {
        Outcome::Failed(_) => {
            tracing::warn!(event = "job.dead_lettered", %class, error, "the job failed for good");
        }
        Outcome::Parked(_) => {
            tracing::warn!(event = "mall.needs_you", %class, error, mall = %claimed.job.mall_id, "the mall is parked with its jobs");
        }
        Outcome::Planned { attempt, delay, .. } => {
            let (attempt, wait_ms) = (*attempt, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            tracing::info!(event = "job.retried", %class, error, attempt, wait_ms, "the job is planned again");
        }
        Outcome::Done { .. } => {}
    }
}

/// What the archive keeps of a request and its answer.
fn archived(evidence: &Evidence) -> serde_json::Value {
    serde_json::json!({
        "request": evidence.request,
        "status": evidence.status,
        "body_head": evidence.body_head,
    })
}

/// The error with its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
