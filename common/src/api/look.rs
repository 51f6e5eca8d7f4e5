//! An answer as it is, for the contract probe: whatever its status and shape, never stored.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::body::{self, BodyFault};
use super::client::{ApiClient, Fault};
use super::decode::{DecodeError, decode};
use super::decoder::Expected;
use super::error::{Evidence, FetchError, NetworkFault};
use super::headers::{self, RateHeaders};
use super::request::{Request, line};
use super::status;
use crate::clock;
use crate::config::Secret;
use crate::domain::endpoint::{Dialect, Wire};
use crate::domain::failure::FailureClass;
use crate::domain::job::Wanted;

/// The last part of a path that no endpoint has.
const NOWHERE: &str = "no-such-path";

/// What only the probe asks: it need not mean anything that could be stored.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    wanted: Wanted<'a>,
    dialect: Dialect,
    wire: &'static Wire,
    limit: Option<usize>,
    nowhere: bool,
    /// Set beside, or instead of, the endpoint's own.
    params: Vec<(&'static str, &'static str)>,
}

impl<'a> Question<'a> {
    /// What a job would ask, also for several days at once; `None`: the dialect has no such endpoint.
    pub fn new(wanted: Wanted<'a>, dialect: Dialect) -> Option<Self> {
        let wire = wanted.endpoint.wire(dialect)?;
        let limit = dialect.grammar().paging.map(|paging| paging.size);
        Some(Self { wanted, dialect, wire, limit, nowhere: false, params: Vec::new() })
    }

    /// For so many rows at most; means nothing in a dialect without pages.
    #[must_use]
    pub fn limit(self, rows: usize) -> Self {
        Self { limit: self.limit.map(|_| rows), ..self }
    }

    /// At a path that is not there.
    #[must_use]
    pub fn nowhere(self) -> Self {
        Self { nowhere: true, ..self }
    }

    /// With this parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.params.push((name, value));
        self
    }

    /// Path and query, beginning with `/`. Holds no secret.
    pub fn path_and_query(&self) -> String {
        let own =
            self.wire.params.iter().filter(|(name, _)| self.params.iter().all(|(other, _)| other != name));
        let params = own.chain(&self.params).copied();
        let page = self.limit.zip(Some(0));
        if self.nowhere {
            let parent = self.wire.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            return line(&format!("{parent}/{NOWHERE}"), &self.wanted, self.dialect, params, page);
        }
        line(self.wire.path, &self.wanted, self.dialect, params, page)
    }
}

/// What came of a look.
#[derive(Debug)]
pub struct Looked {
    /// The status; none: no answer.
    pub status: Option<u16>,
    /// Where the connection failed, if it did.
    pub fault: Option<NetworkFault>,
    /// What the system says of it: `Connection refused (os error 111)`.
    pub cause: Option<String>,
    /// The names of all headers, in lower case, sorted, each once.
    pub headers: Vec<String>,
    /// What the server says of the bucket.
    pub limits: RateHeaders,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
    /// From sending to the last byte.
    pub elapsed: Duration,
    /// The body, as far as it came within the limits.
    pub body: Vec<u8>,
}

impl Looked {
    /// Before there is an answer.
    pub fn nothing() -> Self {
        Self {
            status: None,
            fault: None,
            cause: None,
            headers: Vec::new(),
            limits: RateHeaders::default(),
            retry_after: None,
            elapsed: Duration::ZERO,
            body: Vec::new(),
        }
    }

    /// Why there is nothing to compare with the contract: no complete answer, or one that speaks of the caller (401, 403,
    /// 429) or of the host (5xx).
    pub fn failure(&self) -> Option<FetchError> {
        let evidence = || {
            let head = &self.body[..self.body.len().min(Evidence::BODY_HEAD)];
            let body_head = String::from_utf8_lossy(head).into_owned();
            Box::new(Evidence { request: String::new(), status: self.status, body_head })
        };
        if let Some(fault) = self.fault {
            let source = self.cause.clone().map(Into::into);
            return Some(FetchError::Network { fault, evidence: evidence(), source });
        }
        let error = status::refused(self.status.filter(|status| *status != 200)?, evidence());
        match error.class() {
            FailureClass::Throttled
            | FailureClass::Transient
            | FailureClass::Unauthorized
            | FailureClass::Forbidden => Some(error),
            FailureClass::InvalidRequest
            | FailureClass::ContractViolation
            | FailureClass::Bug
            | FailureClass::Infrastructure
            | FailureClass::Unreadable => None,
        }
    }
}

impl ApiClient {
    /// Asks `question` once. Never retries, never waits for a bucket: that is the caller's.
    pub async fn look(&self, question: &Question<'_>, token: &Secret) -> Looked {
        let started = Instant::now();
        let mut looked = Looked::nothing();
        let seen = timeout(self.config.total_timeout, self.see(question, token, &mut looked)).await;
        looked.fault = match seen {
            Ok(fault) => fault,
            Err(_) => Some(NetworkFault::TotalTimeout),
        };
        looked.elapsed = started.elapsed();
        looked
    }

    async fn see(
        &self,
        question: &Question<'_>,
        token: &Secret,
        looked: &mut Looked,
    ) -> Option<NetworkFault> {
        let path = self.config.asked(question.path_and_query());
        let mut response = match self.send(question.dialect, &path, token).await {
            Ok(response) => response,
            Err(Fault::Network(fault, error)) => {
                looked.cause = error.as_ref().and_then(innermost);
                return Some(fault);
            }
            Err(Fault::Status(_) | Fault::NotJson | Fault::Contract(_)) => {
                // A token that is no header's text, as no server would take it.
                looked.status = Some(401);
                return None;
            }
        };
        looked.status = Some(response.status().as_u16());
        looked.headers = response.headers().keys().map(ToString::to_string).collect();
        looked.headers.sort_unstable();
        looked.limits = RateHeaders::read(response.headers());
        looked.retry_after = headers::retry_after(response.headers(), clock::now());
        match body::read_all(&mut response, self.config.body_max, &mut looked.body, &self.large).await {
            Ok(_) | Err(BodyFault::TooLarge) => None,
            Err(BodyFault::Cut(_)) => Some(NetworkFault::BodyCut),
        }
    }
}

/// What the error that caused all others says.
fn innermost(error: &reqwest::Error) -> Option<String> {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map(ToString::to_string)
}

/// Whether a worker would store `body` as the answer to `request`: its rows, or where it would refuse it.
///
/// # Errors
/// The place in the body, as a JSON path; it names no value.
pub fn rows_of(request: &Request<'_>, body: &[u8]) -> Result<usize, String> {
    match decode(body, &Expected::of(request, super::ApiConfig::ROW_MAX, &Secret::default())) {
        Ok(page) => Ok(page.rows.len()),
        Err(DecodeError::NotJson) => Err("$".to_owned()),
        Err(DecodeError::Contract(violation)) => Err(violation.path),
    }
}
