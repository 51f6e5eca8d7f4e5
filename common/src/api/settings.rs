//! Where the API is, what all requests carry, and how much an answer may be.

use std::time::Duration;

use reqwest::header::HeaderValue;

use crate::config::{BaseUrl, Cafe24Config, WorkerConfig};
use crate::domain::endpoint::MoreParams;

/// Where the API is, and how long and how large its answers may be.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Scheme, host and port.
    pub base_url: BaseUrl,
    /// Until the connection and its TLS stand.
    pub connect_timeout: Duration,
    /// Until the headers.
    pub first_byte_timeout: Duration,
    /// Until the last byte.
    pub total_timeout: Duration,
    /// Largest body in bytes, after inflating.
    pub body_max: u64,
    /// Most rows of one answer.
    pub row_max: usize,
    /// The version header of all requests; none: what the dialect says.
    pub version: Option<HeaderValue>,
    /// Parameters of all requests beside those of the table.
    pub params: Option<MoreParams>,
}

impl ApiConfig {
    /// Most rows of one answer by default (`docs/reliability.md` D1).
    pub const ROW_MAX: usize = 200_000;

    /// The settings of an installation.
    pub fn new(cafe24: &Cafe24Config, worker: &WorkerConfig) -> Self {
        Self {
            base_url: cafe24.base_url.clone(),
            // A day has no character that a header could not carry.
            version: cafe24.api_version.and_then(|day| HeaderValue::try_from(day.to_string()).ok()),
            params: cafe24.params.clone(),
            connect_timeout: worker.connect_timeout,
            first_byte_timeout: worker.first_byte_timeout,
            total_timeout: worker.total_timeout,
            body_max: worker.body_max,
            row_max: Self::ROW_MAX,
        }
    }

    /// Path and query as they are sent.
    pub(super) fn asked(&self, mut path_and_query: String) -> String {
        for (name, value) in self.params.iter().flat_map(MoreParams::pairs) {
            // What the probe asks with a value of its own stays.
            if !path_and_query.contains(&format!("&{name}=")) {
                path_and_query.extend(["&", name, "=", value]);
            }
        }
        path_and_query
    }
}
