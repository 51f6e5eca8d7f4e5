//! What the simulator saw, for a person and for a test.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::config::SimConfig;
use super::endpoint::{Endpoint, Granularity};
use super::seen::{Seen, WINDOW};
use super::state::Shared;
pub use super::tokens::TokenReport;

/// All malls and their sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Sums of the counts, extremes of the extremes.
    pub total: MallReport,
    /// By mall id.
    pub malls: BTreeMap<String, MallReport>,
    /// Requests for malls that are not there.
    pub unknown_mall: u64,
    /// Answers held back right now.
    pub held: usize,
}

/// One mall.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MallReport {
    /// Requests to data endpoints.
    pub requests: u64,
    /// Answers by status; 0 is a connection reset before any answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that found the bucket empty. Ordered 429s are only in `by_status`.
    pub throttled: u64,
    /// Requests without a Bearer token.
    pub without_token: u64,
    /// Requests with a token that did not open the mall.
    pub refused_token: u64,
    /// Requests in the seed dialect without `X-Cafe24-Api-Version: 2024-06-01`.
    pub without_version: u64,
    /// Live requests with a version header; nobody knows what a real host makes of it.
    #[serde(default)]
    pub needless_version: u64,
    /// Live requests without `Content-Type: application/json`, which the documentation names for each of them.
    #[serde(default)]
    pub without_type: u64,
    /// Lowest level of the bucket right after a request or a drain.
    pub min_level: Option<f64>,
    /// Most arrivals in any 20 seconds.
    pub max_in_20s: usize,
    /// How many the bucket allows in 20 seconds at most.
    pub allowed_in_20s: f64,
    /// Most requests under way at once.
    pub max_concurrent: usize,
    /// Arrivals in the pause after an answer with fewer than 5 tokens remaining.
    pub floor_violations: u64,
    /// First arrival, by the machine's clock.
    pub first_arrival: Option<DateTime<Utc>>,
    /// Last arrival, by the machine's clock.
    pub last_arrival: Option<DateTime<Utc>>,
    /// Tokens.
    pub tokens: TokenReport,
    /// Chunks that no longer fitted the books.
    pub chunks_not_counted: u64,
    /// How often each chunk was asked for; only on demand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<ChunkCount>,
}

/// How often one chunk was asked for. Requests refused before their parameters were read are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the request's own parameters")]
pub struct ChunkCount {
    pub endpoint: Endpoint,
    pub granularity: Granularity,
    pub shop: u32,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub requests: u64,
}

impl Shared {
    pub(crate) fn report(&self, with_chunks: bool) -> Report {
        let inner = self.lock();
        let malls: BTreeMap<_, _> = inner
            .malls
            .iter()
            .map(|(id, mall)| (id.clone(), self.mall_report(&mall.seen, with_chunks)))
            .collect();
        let mut total = MallReport::default();
        for mall in malls.values() {
            total.add(mall);
        }
        Report { total, malls, unknown_mall: inner.unknown_mall, held: inner.held }
    }

    pub(crate) fn mall_report(&self, seen: &Seen, with_chunks: bool) -> MallReport {
        let wall = |at: Option<&std::time::Duration>| at.map(|at| (self.origin_wall + *at).into());
        let chunks = if with_chunks { chunk_counts(seen) } else { Vec::new() };
        MallReport {
            requests: seen.requests,
            by_status: seen.by_status.clone(),
            throttled: seen.throttled,
            without_token: seen.without_token,
            refused_token: seen.refused_token,
            without_version: seen.without_version,
            needless_version: seen.needless_version,
            without_type: seen.without_type,
            min_level: seen.min_level,
            max_in_20s: seen.max_in_window,
            allowed_in_20s: allowed(&self.config),
            max_concurrent: seen.max_in_flight,
            floor_violations: seen.floor_violations,
            first_arrival: wall(seen.arrivals.front()),
            last_arrival: wall(seen.arrivals.back()),
            tokens: seen.tokens.clone(),
            chunks_not_counted: seen.chunks_not_counted,
            chunks,
        }
    }

    pub(crate) fn reset_report(&self) {
        let mut inner = self.lock();
        inner.unknown_mall = 0;
        for mall in inner.malls.values_mut() {
            mall.seen.reset();
            mall.served.clear();
        }
    }
}

impl MallReport {
    fn add(&mut self, mall: &Self) {
        self.requests += mall.requests;
        for (status, count) in &mall.by_status {
            *self.by_status.entry(*status).or_insert(0) += count;
        }
        self.throttled += mall.throttled;
        self.without_token += mall.without_token;
        self.refused_token += mall.refused_token;
        self.without_version += mall.without_version;
        self.needless_version += mall.needless_version;
        self.without_type += mall.without_type;
        self.min_level = [self.min_level, mall.min_level].into_iter().flatten().reduce(f64::min);
        self.max_in_20s = self.max_in_20s.max(mall.max_in_20s);
        self.allowed_in_20s = mall.allowed_in_20s;
        self.max_concurrent = self.max_concurrent.max(mall.max_concurrent);
        self.floor_violations += mall.floor_violations;
        self.first_arrival = [self.first_arrival, mall.first_arrival].into_iter().flatten().min();
        self.last_arrival = self.last_arrival.max(mall.last_arrival);
        self.chunks_not_counted += mall.chunks_not_counted;
        let (sum, tokens) = (&mut self.tokens, &mall.tokens);
        sum.issued += tokens.issued;
        sum.refreshes += tokens.refreshes;
        sum.overlapping_refreshes += tokens.overlapping_refreshes;
        sum.refresh_token_reuse += tokens.refresh_token_reuse;
        sum.access_token_reuse += tokens.access_token_reuse;
        sum.expired_access += tokens.expired_access;
        sum.invalid_grant += tokens.invalid_grant;
        sum.invalid_client += tokens.invalid_client;
        sum.codes_exchanged += tokens.codes_exchanged;
        sum.revoked += tokens.revoked;
    }
}

fn chunk_counts(seen: &Seen) -> Vec<ChunkCount> {
    let count = |(key, requests): (&super::seen::ChunkKey, &u64)| {
        let (endpoint, granularity, shop, from, to) = *key;
        ChunkCount { endpoint, granularity, shop, from, to, requests: *requests }
    };
    seen.chunks.iter().map(count).collect()
}

fn allowed(config: &SimConfig) -> f64 {
    f64::from(config.capacity) + config.refill_per_second * config.rate_multiplier * WINDOW.as_secs_f64()
}
