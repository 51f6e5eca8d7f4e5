//! Sends one request and judges its answer.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Response, redirect};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::body::{self, BodyFault};
use super::decode::{DecodeError, decode};
use super::decoder::Expected;
use super::error::{Evidence, FetchError, NetworkFault};
use super::headers::{self, RateHeaders};
use super::network::network_fault;
use super::page::Page;
use super::request::Request;
use super::settings::ApiConfig;
use super::strike::strike_named;
use super::violation::Violation;
use super::{status, text};
use crate::clock;
use crate::config::Secret;
use crate::domain::endpoint::{Dialect, VERSION_HEADER};

/// Larger bodies are decoded beside the runtime's threads, so that no timer waits for them.
const DECODE_INLINE_MAX: usize = 256 << 10;
/// Bytes of a refusal that are read, so that its connection can be used again.
const REFUSAL_MAX: u64 = 64 << 10;

/// The HTTP client could not be made, mostly because the machine has no root certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "the HTTP client cannot start: are the system's root certificates installed (package `ca-certificates`)?"
)]
pub struct BuildError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// What came of one request. The headers count also when there is no page.
#[derive(Debug)]
pub struct Fetched {
    /// The rows, or why there are none.
    pub result: Result<Page, FetchError>,
    /// What the server says of the bucket.
    pub limits: RateHeaders,
    /// When the server wants to be asked again; at most [`RETRY_AFTER_MAX`](super::RETRY_AFTER_MAX).
    pub retry_after: Option<Duration>,
    /// From sending to the decoded page.
    pub elapsed: Duration,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// Bytes of the body that were read, after inflating.
    pub bytes: u64,
    /// The server's clock, if it told.
    pub date: Option<DateTime<Utc>>,
}

/// What is known of an answer before its body is judged.
#[derive(Debug, Default)]
struct Seen {
    limits: RateHeaders,
    retry_after: Option<Duration>,
    status: Option<u16>,
    date: Option<DateTime<Utc>>,
    body: Vec<u8>,
}

/// The analytics API. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    pub(super) config: ApiConfig,
    pub(super) large: Arc<Semaphore>,
}

/// Makes `ring` the TLS provider of this process, if none is yet. May be called any number of times.
pub fn install_tls() {
    // An error says that one is installed already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl ApiClient {
    /// A client with a pool of its own.
    ///
    /// # Errors
    /// [`BuildError`] if TLS cannot start.
    pub fn new(config: ApiConfig) -> Result<Self, BuildError> {
        install_tls();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cafe24-sync/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(90))
            .tcp_keepalive(Duration::from_secs(30));
        if config.base_url.is_loopback() {
            // A simulator on this machine: no proxy in between, and no root certificates needed.
            builder = builder.no_proxy();
            if config.base_url.as_str().starts_with("http://") {
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|error| BuildError(error.into()))?;
        Ok(Self { http, config, large: Arc::new(Semaphore::new(body::LARGE_AT_ONCE)) })
    }

    /// Sends `request` once. Never retries, never waits for a bucket: that is the caller's.
    pub async fn fetch(&self, request: &Request<'_>, token: &Secret) -> Fetched {
        let started = Instant::now();
        let mut seen = Seen::default();
        let path = self.config.asked(request.path_and_query());
        let answer = timeout(self.config.total_timeout, self.receive(request, &path, token, &mut seen)).await;
        let result = answer.unwrap_or(Err(Fault::Network(NetworkFault::TotalTimeout, None)));
        let result = result.map_err(|fault| fault.with(Box::new(evidence(path, &seen, token))));
        Fetched {
            result,
            limits: seen.limits,
            retry_after: seen.retry_after,
            elapsed: started.elapsed(),
            status: seen.status,
            bytes: seen.body.len() as u64,
            date: seen.date,
        }
    }

    async fn receive(
        &self,
        request: &Request<'_>,
        path: &str,
        token: &Secret,
        seen: &mut Seen,
    ) -> Result<Page, Fault> {
        let mut response = self.send(request.dialect(), path, token).await?;
        let status = response.status().as_u16();
        seen.status = Some(status);
        seen.limits = RateHeaders::read(response.headers());
        seen.retry_after = headers::retry_after(response.headers(), clock::now());
        seen.date = headers::date(response.headers());
        if status != 200 {
            // The status is the answer; a body that fails changes nothing about it.
            let _ = body::read_all(&mut response, REFUSAL_MAX, &mut seen.body, &self.large).await;
            return Err(Fault::Status(status));
        }
        let read = body::read_all(&mut response, self.config.body_max, &mut seen.body, &self.large).await;
        let _place = match read {
            Ok(place) => place,
            Err(BodyFault::Cut(error)) => {
                return Err(Fault::Network(NetworkFault::BodyCut, Some(error)));
            }
            Err(BodyFault::TooLarge) => {
                let problem = format!("the body is larger than {} bytes (body limit)", self.config.body_max);
                return Err(Fault::Contract(Violation { path: "$".to_owned(), problem }));
            }
        };
        let expected = Expected::of(request, self.config.row_max, token);
        let page = decode_somewhere(&mut seen.body, expected).await;
        page.map_err(|error| match error {
            DecodeError::NotJson => Fault::NotJson,
            DecodeError::Contract(violation) => Fault::Contract(violation),
        })
    }

    pub(super) async fn send(&self, dialect: Dialect, path: &str, token: &Secret) -> Result<Response, Fault> {
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| Fault::Status(401))?; // no server would take it
        bearer.set_sensitive(true);
        let mut http = self
            .http
            .get(format!("{}{path}", self.config.base_url))
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json");
        let grammar = dialect.grammar();
        let pinned = self.config.version.clone().or_else(|| grammar.version.map(HeaderValue::from_static));
        if let Some(version) = pinned {
            http = http.header(VERSION_HEADER, version);
        }
        for (name, value) in grammar.headers {
            http = http.header(*name, *value);
        }
        match timeout(self.config.first_byte_timeout, http.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Fault::Network(network_fault(&error), Some(error.without_url()))),
            Err(_) => Err(Fault::Network(NetworkFault::FirstByteTimeout, None)),
        }
    }
}

/// Decodes here, or beside the runtime if the body is large. The body stays with the caller as evidence.
async fn decode_somewhere(body: &mut Vec<u8>, expected: Expected) -> Result<Page, DecodeError> {
    if body.len() <= DECODE_INLINE_MAX {
        return decode(body, &expected);
    }
    let moved = std::mem::take(body);
    let decoding = tokio::task::spawn_blocking(move || (decode(&moved, &expected), moved));
    match decoding.await {
        Ok((result, moved)) => {
            *body = moved;
            result
        }
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down; nobody will read this.
            Err(_) => Err(DecodeError::NotJson),
        },
    }
}

/// What went wrong, before the evidence is joined.
pub(super) enum Fault {
    Network(NetworkFault, Option<reqwest::Error>),
    Status(u16),
    NotJson,
    Contract(Violation),
}

impl Fault {
    fn with(self, evidence: Box<Evidence>) -> FetchError {
        match self {
            Self::Network(fault, source) => {
                FetchError::Network { fault, evidence, source: source.map(Into::into) }
            }
            Self::Status(code) => status::refused(code, evidence),
            Self::NotJson => FetchError::NotJson { evidence },
            Self::Contract(Violation { path, problem }) => FetchError::Contract { path, problem, evidence },
        }
    }
}

fn evidence(request: String, seen: &Seen, token: &Secret) -> Evidence {
    let mut body_head = text::head(&seen.body, Evidence::BODY_HEAD);
    if !token.is_empty() {
        let token = token.expose();
        body_head = body_head.replace(token, "[secret]");
        // The cut may have left the beginning of one at the end.
        let begun =
            (1..token.len()).rev().find(|n| token.get(..*n).is_some_and(|begin| body_head.ends_with(begin)));
        body_head.truncate(body_head.len() - begun.unwrap_or(0));
    }
    let mut body_head = strike_named(&body_head);
    // `[secret]` may be longer than what it replaces.
    body_head.truncate(body_head.floor_char_boundary(Evidence::BODY_HEAD));
    Evidence { request, status: seen.status, body_head }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x05_a_token_across_the_cut_leaves_no_part_of_itself_in_the_evidence() {
        let token = Secret::from("canary-access-token".to_owned());
        for before in Evidence::BODY_HEAD - token.expose().len() - 1..=Evidence::BODY_HEAD {
            let body = format!("{}{}{}", "가".repeat(before / 3), "x".repeat(before % 3), token.expose());
            let seen = Seen { body: body.into_bytes(), ..Seen::default() };
            let head = evidence(String::new(), &seen, &token).body_head;
            assert!(!head.contains("ca") && head.len() <= Evidence::BODY_HEAD, "{before}: {}", head.len());
        }
    }
}
